//! What a hunt judges: the invariants of any history, those that the runner holds every case to, and that the target lives.

use std::fmt;

use crate::always::{self, CHECK, Invariant};
use crate::check::Check;
use crate::history::History;
use crate::judge::{INVARIANTS, invariants};
use crate::scenario::model::Level;

/// A rule. Its name is also what failures of the same kind have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// An invariant of any history.
    Always(Invariant),
    /// What the runner holds every case to, by the name of its check.
    Every(&'static str),
    /// The target does not go away.
    DoesNotCrash,
    /// The target does what it claims, and speaks as it should.
    SpeaksTheProtocol,
}

/// There is no such rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no invariant `{0}`; `regrant fuzz --list` shows all")]
pub struct UnknownRule(String);

impl std::str::FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        Self::all().into_iter().find(|rule| rule.name() == name).ok_or_else(|| UnknownRule(name.to_owned()))
    }
}

impl Rule {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let always = Invariant::ALL.iter().map(|invariant| Self::Always(*invariant));
        let every = INVARIANTS.iter().map(|name| Self::Every(name));
        always.chain(every).chain([Self::DoesNotCrash, Self::SpeaksTheProtocol]).collect()
    }

    /// The rule of a check.
    pub(super) fn of_check(id: &str) -> Option<Self> {
        match id.strip_prefix(CHECK) {
            Some(name) => Invariant::named(name).map(Self::Always),
            None => INVARIANTS.iter().find(|name| **name == id).map(|name| Self::Every(name)),
        }
    }

    /// The invariant of any history that it is, if it is one of those.
    pub(super) const fn invariant(&self) -> Option<Invariant> {
        match self {
            Self::Always(invariant) => Some(*invariant),
            Self::Every(_) | Self::DoesNotCrash | Self::SpeaksTheProtocol => None,
        }
    }

    /// Its name, without a prefix.
    pub fn name(&self) -> String {
        match self {
            Self::Always(invariant) => invariant.name().to_owned(),
            Self::Every(name) => (*name).to_owned(),
            Self::DoesNotCrash => "does-not-crash".to_owned(),
            Self::SpeaksTheProtocol => "speaks-the-protocol".to_owned(),
        }
    }

    /// Its id in reports and in files of known failures.
    pub fn id(&self) -> String {
        format!("fuzz/{}", self.name())
    }

    /// The id of its check.
    pub fn check(&self) -> String {
        match self {
            Self::Always(invariant) => invariant.check(),
            Self::Every(_) | Self::DoesNotCrash | Self::SpeaksTheProtocol => self.name(),
        }
    }

    /// How binding it is.
    pub const fn level(&self) -> Level {
        match self {
            Self::Always(invariant) => invariant.level(),
            Self::Every(_) | Self::DoesNotCrash | Self::SpeaksTheProtocol => Level::Must,
        }
    }

    /// What it says, in a line.
    pub fn says(&self) -> &'static str {
        match self {
            Self::Always(invariant) => invariant.says(),
            Self::Every("no-secret-in-url") => "No secret stands in a URL",
            Self::Every("no-secret-in-session") => "No secret stands in what the browser can read",
            Self::Every("no-secret-in-log") => "No secret stands in a log or a message",
            Self::Every("no-unasked-token-request") => {
                "Nothing is asked of the token endpoint while nobody asks the target"
            }
            Self::Every("no-refresh-storm") => "A read costs few refreshes",
            Self::Every("answers-in-time") => "Every step ends within its time",
            Self::Every(name) => name,
            Self::DoesNotCrash => "The target does not go away",
            Self::SpeaksTheProtocol => "The target does what it claims, and speaks as it should",
        }
    }

    /// Where it comes from.
    pub const fn source(&self) -> &'static str {
        match self {
            Self::Always(invariant) => invariant.source(),
            Self::Every(_) => "held in every case of `regrant run` too",
            Self::DoesNotCrash | Self::SpeaksTheProtocol => "the adapter protocol",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// What a history says of some rules.
pub fn recheck(rules: &[Rule], history: &History) -> Vec<Check> {
    let mut checks = always::checks(rules.iter().filter_map(Rule::invariant), history);
    let asked = |check: &Check| Rule::of_check(&check.id).is_some_and(|rule| rules.contains(&rule));
    checks.extend(invariants::all(history).into_iter().filter(asked));
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: &str = include_str!("../../../docs/fuzzing.md");

    #[test]
    fn the_documentation_has_every_rule_at_its_level() {
        for rule in Rule::all() {
            let row = format!("| `{}` | {} | {} |", rule.name(), rule.level(), rule.says());
            assert!(DOCS.contains(&row), "docs/fuzzing.md has no row {row}");
        }
    }

    #[test]
    fn a_rule_is_found_by_its_name_and_by_its_check() {
        for rule in Rule::all() {
            assert_eq!(rule.name().parse(), Ok(rule.clone()));
            let lives = matches!(rule, Rule::DoesNotCrash | Rule::SpeaksTheProtocol);
            assert_eq!(Rule::of_check(&rule.check()), (!lives).then_some(rule));
        }
    }
}
