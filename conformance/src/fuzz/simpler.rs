//! Moves that are simpler than a given one, each with the fact that it gives up. What nothing simpler can stand in for
//! matters.

use adapter_protocol::Chunk;

use crate::fuzz::moves::{Actor, Boundary, Life, Move, Near, Place, Readers, Schedule, Trouble, Work, Wrong};

/// A simpler move, and what the other had that it has not.
pub(super) type Simpler = (Move, &'static str);

impl Move {
    pub(super) fn simpler(&self) -> Vec<Simpler> {
        match self {
            Self::Read(actor, times) => read(*actor, *times),
            Self::SignIn(Actor::Bob) => vec![(Self::SignIn(Actor::Ada), "that it is another user")],
            Self::Race(readers, schedule) => race(*readers, schedule.as_ref()),
            Self::Advance(boundary, near) => advance(*boundary, *near),
            Self::Life(life) if *life != Life::Rotating => {
                vec![(Self::Life(Life::Rotating), "that these are the life rules")]
            }
            Self::LoseChunk(Chunk::First) => vec![(Self::LoseChunk(Chunk::Last), "that it is the first chunk")],
            Self::LoseStore => vec![(Self::Restart, "that the store is lost")],
            Self::KeepCookie => vec![(Self::Read(Actor::Ada, 1), "that the cookie is kept back")],
            Self::Trouble(trouble) => self::trouble(trouble),
            _ => vec![],
        }
    }
}

fn read(actor: Actor, times: u32) -> Vec<Simpler> {
    let fewer = (times > 1).then_some((Move::Read(actor, times - 1), "how often it is read"));
    let other = (actor != Actor::Ada).then_some((Move::Read(Actor::Ada, times), "whose browser it is"));
    fewer.into_iter().chain(other).collect()
}

fn race(readers: Readers, schedule: Option<&Schedule>) -> Vec<Simpler> {
    let mut all = vec![(Move::Read(Actor::Ada, 1), "that they read at once")];
    if matches!(readers, Readers::Ada(3..)) {
        all.push((Move::Race(Readers::Ada(2), schedule.cloned()), "that there are so many"));
    }
    let Some(schedule) = schedule else { return all };
    all.push((Move::Race(readers, None), "that they meet at the provider"));
    let mut sorted = schedule.order.clone();
    sorted.sort_unstable();
    if sorted != schedule.order {
        let ordered = Schedule { order: sorted, lost: schedule.lost.clone() };
        all.push((Move::Race(readers, Some(ordered)), "the order in which they are answered"));
    }
    let fewer = |nth: &usize| {
        let lost = schedule.lost.iter().copied().filter(|other| other != nth).collect();
        let schedule = Schedule { order: schedule.order.clone(), lost };
        (Move::Race(readers, Some(schedule)), "that an answer is lost")
    };
    all.extend(schedule.lost.iter().map(fewer));
    all
}

fn advance(boundary: Boundary, near: Near) -> Vec<Simpler> {
    let plain = (near != Near::SecondAfter)
        .then_some((Move::Advance(boundary, Near::SecondAfter), "how far from that instant it is"));
    let usual = (boundary != Boundary::Access)
        .then_some((Move::Advance(Boundary::Access, Near::SecondAfter), "which instant it is"));
    usual.into_iter().chain(plain).collect()
}

fn trouble(trouble: &Trouble) -> Vec<Simpler> {
    let with = |change: &dyn Fn(&mut Trouble)| {
        let mut simpler = trouble.clone();
        change(&mut simpler);
        Move::Trouble(simpler)
    };
    let mut all = vec![];
    if trouble.wrong != Wrong::Status(503) {
        all.push((with(&|simpler| simpler.wrong = Wrong::Status(503)), "that it is this answer, not a 503"));
    }
    if trouble.work == Work::Done {
        all.push((with(&|simpler| simpler.work = Work::Undone), "that the provider has done its work before"));
    }
    if trouble.times != Some(1) {
        all.push((with(&|simpler| simpler.times = Some(1)), "how often it is answered so"));
    }
    if trouble.place != Place::Refresh {
        all.push((with(&|simpler| simpler.place = Place::Refresh), "which requests are answered so"));
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::fuzz::plan::Planner;

    /// Otherwise a search for the simplest might never end.
    #[test]
    fn going_simpler_comes_to_an_end() {
        for next in Planner::new(3, 20).take(300).flat_map(|(_, moves)| moves) {
            let (mut at, mut steps) = (next.clone(), 0);
            while let Some((simpler, _)) = at.simpler().into_iter().last() {
                at = simpler;
                steps += 1;
                assert!(steps < 20, "{next:?} does not get simpler for ever");
            }
        }
    }
}
