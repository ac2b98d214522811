//! The catalogue of scenarios: built in, or read from files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rust_embed::Embed;
use serde::Deserialize;

use crate::scenario::decode::decode;
use crate::scenario::expand::{Case, expand};
use crate::scenario::lint::lint;
use crate::scenario::model::Level;
use crate::scenario::node::Problem;
use crate::scenario::yaml;
use crate::scenario::{Diagnostic, SourceFile};

/// What demands something, by key.
pub type References = BTreeMap<String, Reference>;

/// A specification, a guide or an issue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its name.
    pub title: String,
    /// Where to read it.
    pub url: String,
    /// What it demands, in a sentence.
    pub says: String,
    /// How binding that is.
    pub level: Level,
}

/// The scenarios of the repository, built into the binary.
#[derive(Embed)]
#[folder = "../scenarios"]
#[include = "*.yaml"]
#[include = "**/*.yaml"]
struct BuiltIn;

/// A case and the file it comes from.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The file.
    pub file: SourceFile,
    /// The line that its scenario or row begins at.
    pub line: usize,
    /// The case.
    pub case: Case,
}

/// Everything that could be read, and everything that is wrong with the rest.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// The cases, in order of their files.
    pub entries: Vec<Entry>,
    /// The references.
    pub references: References,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

const REFERENCES: &str = "refs.yaml";

impl Catalogue {
    /// The built-in catalogue, read once.
    pub fn built_in() -> Self {
        static ONCE: LazyLock<Catalogue> = LazyLock::new(Catalogue::read_built_in);
        ONCE.clone()
    }

    fn read_built_in() -> Self {
        let mut paths: Vec<String> = BuiltIn::iter().map(|path| path.replace('\\', "/")).collect();
        paths.sort();
        let file = |path: String| {
            let text =
                BuiltIn::get(&path).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default();
            SourceFile { path: Path::new("scenarios").join(path), text }
        };
        Self::of(paths.into_iter().map(file).collect())
    }

    /// A catalogue of files and folders. References come from the built-in catalogue where no `refs.yaml` is among them.
    ///
    /// # Errors
    /// When a file cannot be read; with its path.
    pub fn read(paths: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let mut files = vec![];
        for path in paths {
            collect(path, &mut files)?;
        }
        files.sort_by(|a: &SourceFile, b| a.path.cmp(&b.path));
        Ok(Self::of(files))
    }

    fn of(files: Vec<SourceFile>) -> Self {
        let mut catalogue = Self::default();
        let (references, scenarios): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.path.ends_with(REFERENCES));
        match references.into_iter().next() {
            Some(file) => catalogue.add_references(file),
            None => catalogue.references = built_in_references(),
        }
        for file in scenarios {
            catalogue.add(&file);
        }
        catalogue.find_twins();
        catalogue
    }

    fn add_references(&mut self, file: SourceFile) {
        match yaml::read(&file.text).and_then(|node| decode(&node)) {
            Ok(references) => self.references = references,
            Err(problem) => self.diagnostics.push(Diagnostic { file, problem }),
        }
    }

    fn add(&mut self, file: &SourceFile) {
        let (cases, problems) =
            match yaml::read(&file.text).map_err(|problem| vec![problem]).and_then(|node| expand(&node)) {
                Ok(cases) => (cases, vec![]),
                Err(problems) => (vec![], problems),
            };
        let mut all = problems;
        for case in &cases {
            let found = lint(&case.scenario, &self.references).into_iter().chain(misplaced(case, file));
            let new: Vec<Problem> = found.filter(|problem| !all.contains(problem)).collect();
            all.extend(new);
        }
        self.diagnostics.extend(all.into_iter().map(|problem| Diagnostic { file: file.clone(), problem }));
        let entry = |case: Case| Entry { line: file.position(case.span.start).0, file: file.clone(), case };
        self.entries.extend(cases.into_iter().map(entry));
    }

    fn find_twins(&mut self) {
        let mut first: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in &self.entries {
            if let Some(other) = first.insert(&entry.case.id, entry) {
                let message =
                    format!("the id `{}` is taken by {}:{}", entry.case.id, other.file.path.display(), other.line);
                let problem = Problem::at(entry.case.span, message);
                self.diagnostics.push(Diagnostic { file: entry.file.clone(), problem });
            }
        }
    }
}

/// The id of a scenario is the path of its file, so that either leads to the other.
fn misplaced(case: &Case, file: &SourceFile) -> Option<Problem> {
    let id = &case.scenario.id;
    let shown = file.path.with_extension("").to_string_lossy().replace('\\', "/");
    let parent = id.value.rsplit_once('/').map_or("", |(parent, _)| parent);
    let fits = |id: &str| shown == id || shown.ends_with(&format!("/{id}"));
    if fits(&id.value) || (!parent.is_empty() && fits(parent)) {
        return None;
    }
    let stem = file.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Some(
        Problem::at(id.span, format!("the id `{}` does not lead to this file", id.value))
            .with_help(format!("end the id in `{stem}`, or move the file")),
    )
}

fn built_in_references() -> References {
    let text =
        BuiltIn::get(REFERENCES).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default();
    yaml::read(&text).and_then(|node| decode(&node)).unwrap_or_default()
}

fn collect(path: &Path, files: &mut Vec<SourceFile>) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error| (path.to_owned(), error);
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let inner = entry.map_err(failed)?.path();
            if inner.is_dir() || inner.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
                collect(&inner, files)?;
            }
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    files.push(SourceFile { path: path.to_owned(), text });
    Ok(())
}
