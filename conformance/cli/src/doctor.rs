//! `regrant doctor`: which way of moving a target's clock works, found out by trying.

use adapter_protocol::ClockMode;
use conformance::check_up::Outcome as Tried;

use crate::args::{ClockArg, DoctorArgs, TargetArgs};
use crate::examine::examine;
use crate::exit::{Exit, Failure, Outcome};
use crate::target::Chosen;

/// A way of moving a clock.
struct Way {
    clock: ClockArg,
    name: &'static str,
    means: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        clock: ClockArg::Set,
        name: "set",
        means: "the adapter moves the clock when it is told to: exact, everything can be tried",
    },
    Way {
        clock: ClockArg::Libfaketime,
        name: "libfaketime",
        means: "the clock is moved from outside the process: everything can be tried",
    },
    Way {
        clock: ClockArg::Real,
        name: "real",
        means: "the time of day: tokens live for 3 s, and scenarios with long waits are skipped",
    },
];

/// What a way comes to.
enum Verdict {
    Works,
    Fails(String),
    NotTried(&'static str),
}

pub(crate) async fn doctor(args: &DoctorArgs) -> Outcome {
    let mut works: Option<&Way> = None;
    for way in &WAYS {
        let verdict = attempt(way, works, args).await?;
        anstream::println!("{:<12} {}", way.name, words(way, &verdict));
        if matches!(verdict, Verdict::Works) {
            works.get_or_insert(way);
        }
    }
    let Some(way) = works else {
        return Err(Failure::new(Exit::NothingMeasured, "no way of moving its clock works, not even waiting"));
    };
    anstream::println!("\n{}", advice(way, &args.against));
    Ok(Exit::Ok)
}

fn words(way: &Way, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Works => format!("works: {}", way.means),
        Verdict::Fails(why) => format!("does not work: {why}"),
        Verdict::NotTried(why) => format!("not tried: {why}"),
    }
}

fn advice(way: &Way, against: &TargetArgs) -> String {
    match (&against.web, way.clock) {
        (Some(_), ClockArg::Set) => "leave `clock: { path: … }` as it is".to_owned(),
        (Some(file), _) => format!("write `clock: {}` into `web:` of {}", way.name, file.display()),
        (None, _) => format!("use --clock {}, or `clock: {}` in regrant.yaml", way.name, way.name),
    }
}

async fn attempt(way: &Way, works: Option<&Way>, args: &DoctorArgs) -> Result<Verdict, Failure> {
    if works.is_some() && matches!(way.clock, ClockArg::Libfaketime) {
        // A target that moves its clock itself would do so here too, and nothing would be learnt.
        return Ok(Verdict::NotTried("the target moves the clock itself"));
    }
    let chosen = Chosen::of(&TargetArgs { clock: Some(way.clock), ..args.against.clone() })?;
    if chosen.target.clock() != ClockMode::from(way.clock) {
        return Ok(Verdict::NotTried("`clock` of the web application names no path that sets it"));
    }
    let found = examine(chosen.target).await?;
    let mut about_time = found.findings.into_iter().filter(|finding| finding.subject.is_about_time());
    Ok(about_time.find_map(|finding| failed(finding.outcome)).unwrap_or(Verdict::Works))
}

fn failed(outcome: Tried) -> Option<Verdict> {
    match outcome {
        Tried::Wrong { seen, .. } => Some(Verdict::Fails(seen)),
        Tried::Good | Tried::NotTried(_) => None,
    }
}
