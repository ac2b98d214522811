//! Complaints with the line they are about, in the look of rustc.

use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::scenario::node::{Problem, Span};

/// A file and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, as a person would write it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// A problem in a file.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The file.
    pub file: SourceFile,
    /// What is wrong and where.
    pub problem: Problem,
}

impl SourceFile {
    /// Line and column of a byte, both counted from 1.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl Diagnostic {
    /// The complaint with path, line, column, the line itself and the advice.
    pub fn render(&self) -> String {
        let span = self.span();
        let path = self.file.path.display().to_string();
        let annotation = AnnotationKind::Primary.span(span.start..span.end);
        let snippet = Snippet::source(self.file.text.as_str()).path(path.as_str()).annotation(annotation);
        let mut group: Group<'_> = Level::ERROR.primary_title(self.problem.message.as_str()).element(snippet);
        if let Some(help) = &self.problem.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        Renderer::plain().render(&[group])
    }

    /// Path, line and column.
    pub fn place(&self) -> String {
        let (line, column) = self.file.position(self.span().start);
        format!("{}:{line}:{column}", self.file.path.display())
    }

    fn span(&self) -> Span {
        let end = self.file.text.len();
        let span = self.problem.span.unwrap_or_default();
        let start = floor(&self.file.text, span.start.min(end));
        Span { start, end: floor(&self.file.text, span.end.clamp(start, end)) }
    }
}

/// The start of the character that this byte belongs to.
fn floor(text: &str, mut offset: usize) -> usize {
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_path_line_column_and_advice() {
        let file = SourceFile { path: "scenarios/a.yaml".into(), text: "id: a\nstpes: []\n".into() };
        let problem = Problem::at(Span { start: 6, end: 11 }, "unknown key `stpes`").with_help("did you mean `steps`?");
        let diagnostic = Diagnostic { file, problem };
        assert_eq!(diagnostic.place(), "scenarios/a.yaml:2:1");
        let text = diagnostic.render();
        for part in ["unknown key `stpes`", "scenarios/a.yaml:2:1", "stpes: []", "did you mean `steps`?"] {
            assert!(text.contains(part), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_span_in_any_text_can_be_shown(text in ".{0,40}", start in 0usize..60, length in 0usize..60) {
            let file = SourceFile { path: "x".into(), text };
            let problem = Problem::at(Span { start, end: start + length }, "m");
            let diagnostic = Diagnostic { file, problem };
            prop_assert!(diagnostic.render().contains('m') && !diagnostic.place().is_empty());
        }
    }
}
