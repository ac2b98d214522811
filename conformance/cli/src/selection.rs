//! The catalogue that a command works on, and the cases that it selects.

use std::path::{Path, PathBuf};

use conformance::catalogue::{Catalogue, Entry};
use conformance::fuzz::Rule;
use conformance::known::{self, Known};
use conformance::scenario::{Diagnostic, SourceFile};

use crate::args::SelectArgs;
use crate::exit::{Exit, Failure};

/// The catalogue: built in, or of these paths.
pub(crate) fn catalogue(paths: &[PathBuf]) -> Result<Catalogue, Failure> {
    if paths.is_empty() {
        return Ok(Catalogue::built_in());
    }
    Catalogue::read(paths).map_err(|(path, error)| Failure::file(&path, &error))
}

/// The catalogue, if nothing is wrong with it.
pub(crate) fn sound_catalogue(paths: &[PathBuf]) -> Result<Catalogue, Failure> {
    let catalogue = catalogue(paths)?;
    if catalogue.diagnostics.is_empty() {
        return Ok(catalogue);
    }
    let rendered: Vec<String> = catalogue.diagnostics.iter().map(|diagnostic| diagnostic.render()).collect();
    Err(Failure::usage(format!("the scenarios are not sound\n{}", rendered.join("\n"))))
}

/// The selected cases.
pub(crate) fn selected(catalogue: &Catalogue, select: &SelectArgs) -> Result<Vec<Entry>, Failure> {
    let wanted = |entry: &&Entry| select.filter.as_ref().is_none_or(|filter| filter.selects(entry));
    let entries: Vec<Entry> = catalogue.entries.iter().filter(wanted).cloned().collect();
    if entries.is_empty() {
        return Err(Failure::new(Exit::NothingSelected, "no scenario is selected; `regrant list` shows what there is"));
    }
    Ok(entries)
}

/// The known failures of a file, checked against the whole suite.
pub(crate) fn known_of(catalogue: &Catalogue, path: Option<&Path>) -> Result<Option<Known>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let missing = |error: std::io::Error| {
        let path = path.display();
        let begin = "begin it with the lines `regrant: 1` and `entries: []`";
        Failure::usage(format!("{path}: {error}; {begin}; after a run, `regrant known update {path}` fills it"))
    };
    parsed(catalogue, path, std::fs::read_to_string(path).map_err(missing)?).map(Some)
}

/// The known failures that a text states; the path is for messages.
pub(crate) fn parsed(catalogue: &Catalogue, path: &Path, text: String) -> Result<Known, Failure> {
    let rules: Vec<String> = Rule::all().iter().map(Rule::id).collect();
    // A target's file is about the built-in scenarios, whichever others it is run with.
    let built_in = Catalogue::built_in();
    let entries = catalogue.entries.iter().chain(&built_in.entries).map(|entry| entry.case.id.as_str());
    let suite = entries.chain(rules.iter().map(String::as_str));
    known::parse(&text, suite).map_err(|problems| {
        let file = SourceFile { path: path.to_owned(), text };
        let render = |problem| Diagnostic { file: file.clone(), problem }.render();
        Failure::usage(format!(
            "the known failures are not sound\n{}",
            problems.into_iter().map(render).collect::<Vec<_>>().join("\n")
        ))
    })
}
