//! `regrant doctor`: which way of moving a target's clock works, found out by trying.

use crate::args::{ClockArg, DoctorArgs, TargetArgs};
use crate::examine::examine;
use crate::exit::{Exit, Failure, Outcome};
use crate::target::Chosen;

const WAYS: [(ClockArg, &str, &str); 3] = [
    (ClockArg::Set, "set", "the adapter moves the clock when it is told to: exact, everything can be tried"),
    (ClockArg::Libfaketime, "libfaketime", "the clock is moved from outside the process: everything can be tried"),
    (ClockArg::Real, "real", "the time of day: tokens live for 3 s, and scenarios with long waits are skipped"),
];

pub(crate) async fn doctor(args: &DoctorArgs) -> Outcome {
    let mut works = None;
    for (clock, name, means) in WAYS {
        if works.is_some() && matches!(clock, ClockArg::Libfaketime) {
            // An adapter that moves the clock itself would do so here too, and nothing would be learnt.
            anstream::println!("{name:<12} not tried: the adapter moves the clock itself");
            continue;
        }
        let against = TargetArgs { clock: Some(clock), ..args.against.clone() };
        let verdict = attempt(&against).await?;
        anstream::println!(
            "{name:<12} {}",
            verdict.as_ref().map_or_else(|| format!("works: {means}"), |why| format!("does not work: {why}"))
        );
        if verdict.is_none() {
            works.get_or_insert(name);
        }
    }
    match works {
        Some(name) => {
            anstream::println!("\nuse --clock {name}, or `clock: {name}` in regrant.yaml");
            Ok(Exit::Ok)
        }
        None => Err(Failure::new(Exit::NothingMeasured, "no way of moving its clock works, not even waiting")),
    }
}

/// What is in the way, if anything is.
async fn attempt(against: &TargetArgs) -> Result<Option<String>, Failure> {
    let chosen = Chosen::of(against)?;
    let found = examine(chosen.target).await?;
    let about_time =
        |tried: &str| tried.starts_with("clock") || tried.contains("starts and shakes") || tried.contains("expired");
    let wrong = found.findings.iter().find(|finding| finding.wrong.is_some() && about_time(&finding.tried));
    Ok(wrong.and_then(|finding| finding.wrong.as_ref()).map(|wrong| wrong.seen.clone()))
}
