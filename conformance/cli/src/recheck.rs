//! `regrant recheck`: judges the histories of a log by the invariants, without the target.

use conformance::check::{Check, Gate};
use conformance::event::histories;
use conformance::fuzz::recheck as judge;

use crate::args::RecheckArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::log::read;

pub(crate) fn recheck(args: &RecheckArgs) -> Outcome {
    let events = read(&args.log)?;
    let rules = args.rules.chosen();
    let (mut cases, mut held, mut broken) = (0, 0, 0);
    for (id, history) in histories(&events) {
        cases += 1;
        let checks = judge(&rules, history);
        let bad: Vec<&Check> = checks.iter().filter(|check| Gate::from(args.gate).minds(check)).collect();
        held += checks.len() - bad.len();
        broken += bad.len();
        bad.iter().for_each(|check| tell(id, check));
    }
    if cases == 0 {
        let text = format!(
            "{}: the log has no histories; it is of an older version, or nothing was found",
            args.log.display()
        );
        return Err(Failure::new(Exit::NothingSelected, text));
    }
    anstream::println!("{cases} histories · {held} times an invariant holds · {broken} times one is broken");
    Ok(if broken == 0 { Exit::Ok } else { Exit::Unexpected })
}

fn tell(id: &str, check: &Check) {
    let detail = check.detail.as_ref();
    anstream::println!("{id}\n  {} {}", check.level, check.id);
    if let Some(detail) = detail {
        anstream::println!("         expected  {}\n         got       {}", detail.expected, detail.got);
    }
}
