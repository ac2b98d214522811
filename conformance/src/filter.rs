//! Selects cases: `id(refresh/**) & tag(core) - needs(restart)`.
//!
//! `&` and `-` bind tighter than `|`; `-` is "and not"; `!` negates; parentheses group. Predicates: `id(pattern)` and
//! `id(=exact)`, `tag(word)`, `level(must)` or `level(>=should)`, `needs(capability)`, `ref(key)`. In a pattern `*`
//! stands for a part of the path and `**` for any number of parts; a pattern also matches with its variants.

use std::fmt;

use crate::catalogue::Entry;
use crate::scenario::lint::name_of;
use crate::scenario::model::Level;

/// A selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Both.
    And(Box<Self>, Box<Self>),
    /// Either.
    Or(Box<Self>, Box<Self>),
    /// Not.
    Not(Box<Self>),
    /// The id follows the pattern.
    Id(String),
    /// The id is this.
    ExactId(String),
    /// It has the tag.
    Tag(String),
    /// It has the level.
    Level(Level),
    /// It has at least the level.
    AtLeast(Level),
    /// It needs the capability.
    Needs(String),
    /// It refers to this.
    Ref(String),
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFilter {
    text: String,
    at: usize,
    message: String,
}

impl fmt::Display for BadFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.text.get(..self.at).map_or(0, |before| before.chars().count());
        write!(f, "the filter does not read: {}\n  {}\n  {:>width$}", self.message, self.text, "^", width = column + 1)
    }
}

impl std::error::Error for BadFilter {}

impl Filter {
    /// Reads a filter. Text without parentheses is a pattern for ids.
    ///
    /// # Errors
    /// When it does not read; with the place.
    pub fn parse(text: &str) -> Result<Self, BadFilter> {
        if !text.contains(['(', '&', '|', '!', ' ']) && !text.is_empty() {
            return Ok(Self::Id(text.to_owned()));
        }
        let mut parser = Parser { text, at: 0, depth: 0 };
        let filter = parser.either()?;
        parser.skip_space();
        if parser.at < text.len() { Err(parser.error("expected `&`, `|` or `-`")) } else { Ok(filter) }
    }

    /// Whether a case is selected.
    pub fn selects(&self, entry: &Entry) -> bool {
        let scenario = &entry.case.scenario;
        match self {
            Self::And(a, b) => a.selects(entry) && b.selects(entry),
            Self::Or(a, b) => a.selects(entry) || b.selects(entry),
            Self::Not(inner) => !inner.selects(entry),
            Self::Id(pattern) => follows(&entry.case.id, pattern) || follows(without_variant(&entry.case.id), pattern),
            Self::ExactId(id) => entry.case.id == *id || without_variant(&entry.case.id) == id,
            Self::Tag(tag) => scenario.tags.contains(tag),
            Self::Level(level) => scenario.level == *level,
            Self::AtLeast(level) => scenario.level >= *level,
            Self::Needs(capability) => scenario.needs.iter().any(|need| name_of(need.value) == *capability),
            Self::Ref(key) => scenario.refs.iter().any(|reference| reference.value == *key),
        }
    }
}

fn without_variant(id: &str) -> &str {
    id.split_once('[').map_or(id, |(head, _)| head)
}

/// Whether a path follows a pattern. Quadratic at worst: each part of the pattern keeps the set of places it can end at.
pub(crate) fn follows(path: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let mut ends = vec![false; parts.len() + 1];
    ends[0] = true;
    for wanted in pattern.split('/') {
        let mut next = vec![false; parts.len() + 1];
        for place in 0..=parts.len() {
            next[place] = if wanted == "**" {
                ends[..=place].contains(&true)
            } else {
                place > 0 && ends[place - 1] && part_follows(parts[place - 1], wanted)
            };
        }
        ends = next;
    }
    ends[parts.len()]
}

/// The pieces between the stars have to come one after the other; taking each as early as possible loses nothing.
fn part_follows(part: &str, pattern: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return part == pattern };
    let Some(mut rest) = part.strip_prefix(head) else { return false };
    let pieces: Vec<&str> = tail.split('*').collect();
    let Some((last, middle)) = pieces.split_last() else { return true };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// Deeper nesting is refused.
const DEEPEST: usize = 64;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn error(&self, message: &str) -> BadFilter {
        BadFilter { text: self.text.to_owned(), at: self.at, message: message.to_owned() }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len_utf8() } else { 0 };
        found
    }

    fn either(&mut self) -> Result<Filter, BadFilter> {
        let mut left = self.both()?;
        while self.eat('|') {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Filter, BadFilter> {
        let mut left = self.one()?;
        loop {
            if self.eat('&') {
                left = Filter::And(Box::new(left), Box::new(self.one()?));
            } else if self.eat('-') {
                left = Filter::And(Box::new(left), Box::new(Filter::Not(Box::new(self.one()?))));
            } else {
                return Ok(left);
            }
        }
    }

    fn one(&mut self) -> Result<Filter, BadFilter> {
        if self.depth > DEEPEST {
            return Err(self.error("the filter is nested too deeply"));
        }
        self.depth += 1;
        let inner = self.nested();
        self.depth -= 1;
        inner
    }

    fn nested(&mut self) -> Result<Filter, BadFilter> {
        if self.eat('!') {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        if self.eat('(') {
            let inner = self.either()?;
            return if self.eat(')') { Ok(inner) } else { Err(self.error("expected `)`")) };
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Filter, BadFilter> {
        self.skip_space();
        let start = self.at;
        let length = self.rest().bytes().take_while(u8::is_ascii_lowercase).count();
        let name = self.rest()[..length].to_owned();
        self.at += length;
        if !self.eat('(') {
            self.at = start;
            return Err(self.error("expected id(…), tag(…), level(…), needs(…) or ref(…)"));
        }
        let Some(length) = self.rest().find(')') else { return Err(self.error("expected `)`")) };
        let argument = self.rest()[..length].trim().to_owned();
        let made = self.made(&name, argument, start);
        self.at += length + 1;
        made
    }

    fn made(&self, name: &str, argument: String, start: usize) -> Result<Filter, BadFilter> {
        if argument.is_empty() {
            return Err(self.error("nothing stands between the parentheses"));
        }
        match name {
            "id" => Ok(argument
                .strip_prefix('=')
                .map_or_else(|| Filter::Id(argument.clone()), |id| Filter::ExactId(id.to_owned()))),
            "tag" => Ok(Filter::Tag(argument)),
            "needs" => Ok(Filter::Needs(argument)),
            "ref" => Ok(Filter::Ref(argument)),
            "level" => match argument.strip_prefix(">=") {
                Some(level) => self.level(level.trim()).map(Filter::AtLeast),
                None => self.level(&argument).map(Filter::Level),
            },
            _ => {
                let at = Self { text: self.text, at: start, depth: 0 };
                Err(at.error(&format!("there is no predicate `{name}`; there are id, tag, level, needs and ref")))
            }
        }
    }

    fn level(&self, word: &str) -> Result<Level, BadFilter> {
        match word {
            "must" => Ok(Level::Must),
            "should" => Ok(Level::Should),
            "may" => Ok(Level::May),
            _ => Err(self.error("a level is must, should or may")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::Catalogue;

    #[test]
    fn patterns_follow_parts() {
        for (path, pattern, expected) in [
            ("a/b/c", "a/*/c", true),
            ("a/b/c", "a/*", false),
            ("a/b/c", "a/**", true),
            ("a/b/c", "**/c", true),
            ("a/b/c", "**", true),
            ("a/bcd", "a/b*d", true),
            ("a/bcd", "a/*x*", false),
            ("a", "", false),
            ("a/abcabc", "a/*bc", true),
            ("a/aXbYc", "a/a*b*c", true),
            ("a/ab", "a/ab*b", false),
        ] {
            assert_eq!(follows(path, pattern), expected, "{path} {pattern}");
        }
    }

    #[test]
    fn a_hard_pattern_takes_no_time() {
        assert!(!follows(&"a".repeat(2_000), &format!("{}z", "*a".repeat(1_000))));
        assert!(!follows(&vec!["a"; 200].join("/"), &format!("{}/z", vec!["**"; 200].join("/"))));
    }

    #[test]
    fn operators_bind_as_documented() {
        let id = |text: &str| Box::new(Filter::Tag(text.to_owned()));
        let expected = Filter::Or(Box::new(Filter::And(id("a"), Box::new(Filter::Not(id("b"))))), id("c"));
        assert_eq!(Filter::parse("tag(a) - tag(b) | tag(c)").unwrap(), expected);
    }

    #[test]
    fn mistakes_are_shown_at_their_place() {
        for (text, message) in [
            ("tga(a)", "there is no predicate `tga`"),
            ("tag(a) & ", "expected id(…)"),
            ("tag(a", "expected `)`"),
            ("level(high)", "a level is must, should or may"),
            ("tag()", "nothing stands"),
            (&"(".repeat(60_000), "nested too deeply"),
            (&format!("{}tag(a)", "!".repeat(60_000)), "nested too deeply"),
            ("tag(a) tag(b)", "expected `&`"),
        ] {
            let error = Filter::parse(text).unwrap_err().to_string();
            assert!(error.contains(message) && error.contains('^'), "{error}");
        }
    }

    #[test]
    fn a_filter_selects_from_the_catalogue() {
        let catalogue = Catalogue::built_in();
        let count = |text: &str| {
            let filter = Filter::parse(text).unwrap();
            catalogue.entries.iter().filter(|entry| filter.selects(entry)).count()
        };
        assert_eq!(count("**"), catalogue.entries.len());
        assert_eq!(count("level(must)") + count("level(should)") + count("level(may)"), catalogue.entries.len());
        assert_eq!(count("id(errors/**) & !id(errors/**)"), 0);
        assert!(count("needs(restart)") > 0);
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in ".{0,40}") {
            if let Err(error) = Filter::parse(&text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }

        #[test]
        fn every_path_follows_itself_and_everything(parts in prop::collection::vec("[a-z]{1,4}", 1..5)) {
            let path = parts.join("/");
            prop_assert!(follows(&path, &path) && follows(&path, "**"));
        }
    }
}
