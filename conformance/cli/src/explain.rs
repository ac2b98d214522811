//! `regrant explain`: a scenario for people.

use conformance::catalogue::{Catalogue, Entry};
use conformance::scenario::lint::name_of;
use conformance::scenario::node::nearest;

use crate::args::ExplainArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::selection::sound_catalogue;

pub(crate) fn explain(args: &ExplainArgs) -> Outcome {
    let catalogue = sound_catalogue(&args.paths)?;
    // A row, a case without its variants, or a whole table: then its first row speaks for it.
    let is_it = |entry: &&Entry| {
        let id = entry.case.id.split('[').next().unwrap_or_default();
        entry.case.id == args.id || id == args.id || id.rsplit_once('/').is_some_and(|(table, _)| table == args.id)
    };
    let entry = catalogue.entries.iter().find(is_it).ok_or_else(|| unknown(&catalogue, &args.id))?;
    anstream::print!("{}", explained(&catalogue, entry));
    Ok(Exit::Ok)
}

fn unknown(catalogue: &Catalogue, id: &str) -> Failure {
    let known = catalogue.entries.iter().map(|entry| entry.case.id.as_str());
    let help = nearest(id, known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Failure::new(Exit::NothingSelected, format!("there is no scenario `{id}`{help}"))
}

fn explained(catalogue: &Catalogue, entry: &Entry) -> String {
    let scenario = &entry.case.scenario;
    let needs: Vec<String> = scenario.needs.iter().map(|need| name_of(need.value)).collect();
    let why = scenario.why.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = format!(
        "{}\n{}\n\n{why}\n\nlevel  {}\nneeds  {}\n",
        entry.case.id,
        scenario.title,
        scenario.level,
        needs.join(", ")
    );
    out.push_str(&format!("file   {}:{}\n\n", entry.file.path.display(), entry.line));
    for reference in scenario.refs.iter().filter_map(|key| catalogue.references.get(&key.value)) {
        out.push_str(&format!("{}: {}\n  {}\n", reference.title, reference.says, reference.url));
    }
    out.push_str(&format!("\n{}", source(entry)));
    out
}

/// The scenario as it stands in its file, without its comments and the keys shown above.
fn source(entry: &Entry) -> String {
    let from = entry
        .file
        .text
        .lines()
        .position(|line| line.starts_with("provider:") || line.starts_with("steps:"))
        .unwrap_or(0);
    entry.file.text.lines().skip(from).filter(|line| !line.starts_with('#')).map(|line| format!("  {line}\n")).collect()
}
