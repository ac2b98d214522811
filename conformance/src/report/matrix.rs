//! The matrix as pages: Markdown for people who read a repository, HTML with the evidence behind every cell.

use askama::Template;

use crate::check::{CaseResult, Verdict};
use crate::event::CaseReport;
use crate::matrix::{Column, Matrix, sign};

/// The matrix in Markdown: a summary by area, and every scenario.
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = "# Implementations side by side\n\n".to_owned();
    out.push_str("Every cell comes from a run: ✓ as it should be, ! a `should` that is not, ✗ a `must` that is not, – not claimed.\n\n");
    out.push_str(&summary(matrix));
    for (area, rows) in &matrix.areas {
        out.push_str(&format!("\n## {area}\n\n"));
        out.push_str(&head(matrix, "scenario"));
        for row in rows {
            let cells = matrix.columns.iter().map(|column| column.result(&row.id).map_or("", sign).to_owned());
            out.push_str(&line(&format!("{} `{}`", row.level, row.id), cells));
        }
    }
    out
}

/// The implementations with their versions, and a line an area.
pub fn summary(matrix: &Matrix) -> String {
    let mut out = line(
        "implementation",
        ["version", "language", "clock", "run on", "pass", "warn", "fail", "not claimed"].map(str::to_owned),
    );
    out.push_str(&line("---", std::iter::repeat_n("---".to_owned(), 8)));
    for column in &matrix.columns {
        let tally = column.tally(None);
        let started = &column.started;
        let cells = [
            version(column),
            started.language.clone().unwrap_or_default(),
            column.clock().to_owned(),
            started.date.clone(),
            tally.pass.to_string(),
            tally.warn.to_string(),
            tally.fail.to_string(),
            tally.skip.to_string(),
        ];
        out.push_str(&line(&column.name, cells));
    }
    for (name, reason) in &matrix.not_run {
        out.push_str(&line(
            name,
            [format!("not run: {}", reason.replace('\n', " "))]
                .into_iter()
                .chain(std::iter::repeat_n(String::new(), 7)),
        ));
    }
    out.push('\n');
    out.push_str(&head(matrix, "area"));
    for area in matrix.areas.keys() {
        out.push_str(&line(area, matrix.columns.iter().map(|column| column.tally(Some(area)).signs())));
    }
    out
}

/// The version without the name before it.
fn version(column: &Column) -> String {
    let implementation = &column.started.implementation;
    implementation.rsplit_once(' ').map_or(implementation.as_str(), |(_, version)| version).to_owned()
}

fn head(matrix: &Matrix, first: &str) -> String {
    let names = matrix.columns.iter().map(|column| column.name.clone());
    line(first, names) + &line("---", matrix.columns.iter().map(|_| ":-:".to_owned()))
}

fn line(first: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} | {} |\n", first.replace('|', "\\|"), cells.join(" | "))
}

/// The matrix as one page without any other file.
#[derive(Template)]
#[template(path = "matrix.html")]
struct MatrixPage<'a> {
    matrix: &'a Matrix,
}

impl MatrixPage<'_> {
    fn class(&self, column: &Column, id: &str) -> &'static str {
        column.result(id).map_or("none", class)
    }

    fn sign(&self, column: &Column, id: &str) -> &'static str {
        column.result(id).map_or("", sign)
    }

    fn hint(&self, column: &Column, id: &str) -> String {
        column.reports.get(id).map(hint).unwrap_or_default()
    }
}

/// The evidence of one implementation: every case with its checks and what happened.
#[derive(Template)]
#[template(path = "evidence.html")]
struct EvidencePage<'a> {
    column: &'a Column,
}

impl EvidencePage<'_> {
    fn class(&self, report: &CaseReport) -> &'static str {
        class(report.result)
    }

    fn checks<'a>(&self, report: &'a CaseReport) -> Vec<&'a crate::check::Check> {
        report.checks.iter().filter(|check| check.verdict >= Verdict::Info && check.detail.is_some()).collect()
    }
}

/// The matrix in HTML. Its cells lead to `evidence/NAME.html`.
///
/// # Errors
/// When the page cannot be made.
pub fn html(matrix: &Matrix) -> Result<String, askama::Error> {
    MatrixPage { matrix }.render()
}

/// The evidence of one implementation in HTML.
///
/// # Errors
/// When the page cannot be made.
pub fn evidence(column: &Column) -> Result<String, askama::Error> {
    EvidencePage { column }.render()
}

const fn class(result: CaseResult) -> &'static str {
    match result {
        CaseResult::Pass => "pass",
        CaseResult::Warn => "warn",
        CaseResult::Skip => "skip",
        CaseResult::Fail | CaseResult::Blocked | CaseResult::Hang | CaseResult::Crash | CaseResult::Broken => "fail",
    }
}

/// What stands behind a cell, in a line: the reason, the known reason, or the first complaint.
fn hint(report: &CaseReport) -> String {
    let known = report.standing.excused.first().map(|excuse| excuse.reason.clone());
    let complaint = || {
        let check = report.checks.iter().find(|check| check.verdict >= Verdict::Warn)?;
        Some(format!("{}: {}", check.id, check.detail.as_ref()?))
    };
    known.or_else(complaint).or_else(|| report.reason.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Check, Detail};
    use crate::matrix::tests::column;
    use crate::scenario::model::Level;

    fn matrix() -> Matrix {
        let mut first = column("a|b", &[("x/1", CaseResult::Fail), ("y/2", CaseResult::Pass)]);
        let check = Check::missed("hit", Level::Must, Detail::new("<script>", "y"));
        first.reports.get_mut("x/1").unwrap().checks.push(check);
        Matrix::of(vec![first, column("c", &[("x/1", CaseResult::Skip)])], vec![("d".to_owned(), "no node".to_owned())])
    }

    #[test]
    fn the_markdown_has_a_cell_for_everything() {
        let text = markdown(&matrix());
        assert!(text.contains("| MUST `x/1` | ✗ | – |") && text.contains("a\\|b"), "{text}");
        assert!(text.contains("| d | not run: no node |"), "{text}");
        let widths: Vec<usize> =
            summary(&matrix()).lines().take(3).map(|line| line.replace("\\|", "").matches('|').count()).collect();
        assert_eq!(widths, [10, 10, 10]);
    }

    #[test]
    fn the_pages_lead_from_a_cell_to_its_evidence_and_nothing_breaks_out() {
        let (page, evidence) = (html(&matrix()).unwrap(), evidence(&matrix().columns[0]).unwrap());
        assert!(page.contains("evidence/a%7Cb.html#x/1") || page.contains("evidence/a|b.html#x/1"), "{page}");
        assert!(evidence.contains("id=\"x/1\"") && !evidence.contains("<script>"), "{evidence}");
        assert!(!page.contains("http://") && !page.contains("https://"), "a page that needs no network");
    }
}
