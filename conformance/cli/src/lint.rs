//! `regrant lint`: every mistake in scenario files, with file, line, column and advice.

use std::collections::BTreeSet;

use conformance::schema::scenario_schema;

use crate::args::LintArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::selection::catalogue;

pub(crate) fn lint(args: &LintArgs) -> Outcome {
    if args.schema {
        anstream::println!("{:#}", scenario_schema());
        return Ok(Exit::Ok);
    }
    let catalogue = catalogue(&args.paths)?;
    for diagnostic in &catalogue.diagnostics {
        anstream::eprintln!("{}\n", diagnostic.render());
    }
    if catalogue.entries.is_empty() && catalogue.diagnostics.is_empty() {
        return Err(Failure::new(Exit::NothingSelected, "there is no scenario file"));
    }
    let files: BTreeSet<_> = catalogue.entries.iter().map(|entry| &entry.file.path).collect();
    let problems = catalogue.diagnostics.len();
    anstream::println!(
        "{} scenarios in {} files, {problems} {}",
        catalogue.entries.len(),
        files.len(),
        if problems == 1 { "problem" } else { "problems" }
    );
    Ok(if problems == 0 { Exit::Ok } else { Exit::Usage })
}
