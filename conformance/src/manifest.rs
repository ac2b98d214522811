//! An adapter's own description, `regrant.yaml`: how to start it, who moves its clock, and what is known to fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use adapter_process::Program;
use adapter_protocol::ClockMode;
use schemars::JsonSchema;
use serde::Deserialize;
use web_adapter::Description;

use crate::scenario::decode::{Spanned, decode};
use crate::scenario::node::Problem;
use crate::scenario::{Diagnostic, SourceFile, yaml};

/// The file that describes an adapter, in its folder.
pub const FILE: &str = "regrant.yaml";

/// The version of the format that this crate reads.
pub const FORMAT: u32 = 1;

/// An adapter as it describes itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format.
    pub regrant: Spanned<u32>,
    /// The name of what is behind it, for the matrix.
    pub name: String,
    /// Its version, for a web application, which cannot be asked.
    #[serde(default)]
    pub version: Option<String>,
    /// Its programming language.
    #[serde(default)]
    pub language: Option<String>,
    /// A program that installs everything, run by people and by CI before the adapter.
    #[serde(default)]
    pub setup: Option<String>,
    /// The command that starts an adapter process.
    #[serde(default)]
    pub command: Option<Spanned<Vec<String>>>,
    /// The web application, where it is one: the runner is its browser.
    #[serde(default)]
    pub web: Option<Description>,
    /// What is added to its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Who moves its clock.
    #[serde(default)]
    pub clock: Option<ClockName>,
    /// How many processes at a time.
    #[serde(default)]
    pub jobs: Option<Spanned<u32>>,
    /// The known failures, a file beside this one.
    #[serde(default)]
    pub known: Option<PathBuf>,
}

/// Who moves the clock, as people write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockName {
    /// The adapter, when it is told to.
    #[default]
    Set,
    /// The runner, by libfaketime.
    Libfaketime,
    /// Nobody: it is the time of day.
    Real,
}

impl From<ClockName> for ClockMode {
    fn from(name: ClockName) -> Self {
        match name {
            ClockName::Set => Self::Set,
            ClockName::Libfaketime => Self::Outside,
            ClockName::Real => Self::Real,
        }
    }
}

/// A manifest and where it lies.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// The folder.
    pub folder: PathBuf,
    /// What it says.
    pub manifest: Manifest,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadManifest {
    /// It cannot be read.
    #[error("{}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// Something in it is wrong.
    #[error("{}", .0.render())]
    Wrong(Box<Diagnostic>),
}

impl Adapter {
    /// Reads the description in a folder, or a description by its own path.
    ///
    /// # Errors
    /// When there is none, or something in it is wrong; with its place.
    pub fn read(path: &Path) -> Result<Self, BadManifest> {
        let path = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
        let text =
            std::fs::read_to_string(&path).map_err(|error| BadManifest::Unreadable { path: path.clone(), error })?;
        let manifest = parse(&text).map_err(|problem| {
            let file = SourceFile { path: path.clone(), text: text.clone() };
            BadManifest::Wrong(Box::new(Diagnostic { file, problem }))
        })?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        Ok(Self { folder, manifest })
    }

    /// The program that speaks the protocol, where there is one.
    pub fn program(&self) -> Option<Program> {
        let command = self.manifest.command.as_ref()?.value.clone();
        let environment = self.manifest.env.iter().map(|(name, value)| (name.clone(), value.into())).collect();
        Some(Program { command, folder: Some(self.folder.clone()), environment })
    }

    /// The program that installs everything, where there is one.
    pub fn setup(&self) -> Option<PathBuf> {
        self.manifest.setup.as_ref().map(|setup| self.folder.join(setup.trim_start_matches("./")))
    }

    /// The file of known failures, where there is one.
    pub fn known(&self) -> Option<PathBuf> {
        self.manifest.known.as_ref().map(|known| self.folder.join(known))
    }
}

/// Reads a manifest.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(text: &str) -> Result<Manifest, Problem> {
    let manifest: Manifest = decode(&yaml::read(text)?)?;
    if manifest.regrant.value != FORMAT {
        let message = format!("this version reads format {FORMAT}, not {}", manifest.regrant.value);
        return Err(Problem::at(manifest.regrant.span, message));
    }
    match (&manifest.command, &manifest.web) {
        (Some(command), _) if command.value.is_empty() => Err(Problem::at(command.span, "the command is empty")),
        (Some(command), Some(_)) => Err(Problem::at(command.span, "there is a `command` or a `web`, not both")),
        (None, None) => Err(Problem::at(manifest.regrant.span, "there has to be a `command` or a `web`")),
        (Some(_), None) => Ok(manifest),
        (None, Some(web)) if web.command.is_none() && web.running.is_none() => {
            let problem = Problem::at(manifest.regrant.span, "`web` has neither a `command` nor a `running`");
            Err(problem.with_help("say how to start it, or which provider it is configured for"))
        }
        (None, Some(_)) => Ok(manifest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read() {
        let text = "regrant: 1\nname: a\ncommand: [node, a.mjs]\nclock: libfaketime\njobs: 2\nenv: { A: b }\n";
        let manifest = parse(text).unwrap();
        assert_eq!(manifest.clock, Some(ClockName::Libfaketime));
        assert_eq!(manifest.command.unwrap().value, ["node", "a.mjs"]);
    }

    #[test]
    fn mistakes_are_told() {
        for (text, message) in [
            ("regrant: 2\nname: a\n", "reads format 1"),
            ("regrant: 1\nname: a\ncommand: []\n", "the command is empty"),
            ("regrant: 1\nname: a\ncomand: [x]\n", "comand"),
            ("regrant: 1\nname: a\n", "a `command` or a `web`"),
            ("regrant: 1\n", "name"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.message.contains(message), "{text}: {problem:?}");
        }
    }
}
