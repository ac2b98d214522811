//! The catalogue that a command works on, and the cases that it selects.

use std::path::PathBuf;

use conformance::catalogue::{Catalogue, Entry};

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
