//! `regrant list`: the scenarios, one a line.

use crate::args::ListArgs;
use crate::exit::{Exit, Outcome};
use crate::selection::{selected, sound_catalogue};

pub(crate) fn list(args: &ListArgs) -> Outcome {
    let catalogue = sound_catalogue(&args.select.paths)?;
    for entry in selected(&catalogue, &args.select)? {
        let scenario = &entry.case.scenario;
        anstream::println!("{:<7} {:<64} {}", scenario.level.to_string().to_lowercase(), entry.case.id, scenario.title);
    }
    Ok(Exit::Ok)
}
