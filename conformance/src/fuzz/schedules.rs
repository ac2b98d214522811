//! All orders in which up to three parked requests can go, each with every choice of answers that are lost.

use std::sync::LazyLock;

use crate::fuzz::moves::Schedule;

/// Requests that are parked at most. Above that a run would only see samples.
const MOST: usize = 3;

/// All schedules of two and of three requests: 2! · 2² + 3! · 2³ = 56. Every plan looks for its own.
pub(super) static SCHEDULES: LazyLock<Vec<(u32, Schedule)>> = LazyLock::new(|| (2..=MOST).flat_map(of).collect());

fn of(requests: usize) -> impl Iterator<Item = (u32, Schedule)> {
    orders((1..=requests).collect()).into_iter().flat_map(move |order| {
        subsets(requests).map(move |lost| (requests as u32, Schedule { order: order.clone(), lost }))
    })
}

fn orders(items: Vec<usize>) -> Vec<Vec<usize>> {
    if items.len() < 2 {
        return vec![items];
    }
    let first = |index: usize| {
        let mut rest = items.clone();
        let first = rest.remove(index);
        orders(rest).into_iter().map(move |rest| std::iter::once(first).chain(rest).collect())
    };
    (0..items.len()).flat_map(first).collect()
}

fn subsets(requests: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1_usize << requests).map(move |bits| (1..=requests).filter(|nth| bits >> (nth - 1) & 1 == 1).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_56_and_no_two_alike() {
        let all = &*SCHEDULES;
        assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (56, 56));
        let last = Schedule { order: vec![3, 2, 1], lost: vec![1, 2, 3] };
        assert!(all.contains(&(3, last)));
    }
}
