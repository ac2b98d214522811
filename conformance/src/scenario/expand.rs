//! From a document to its cases: one for each row and each combination of variants, with all parameters filled in.

use std::collections::{BTreeMap, BTreeSet};

use crate::scenario::decode::decode;
use crate::scenario::model::Scenario;
use crate::scenario::node::{Key, Node, Problem, Span, Value};

/// One runnable case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The id with row and variants: `refresh/concurrent/rotation[actors=fork]`.
    pub id: String,
    /// Where its scenario or its row begins.
    pub span: Span,
    /// The scenario, with everything filled in.
    pub scenario: Scenario,
}

/// What `$names` stand for.
type Names = BTreeMap<String, Node>;

/// The keys of a row that change the scenario itself instead of standing for a value.
const ROW_OVERRIDES: [&str; 3] = ["level", "needs", "refs"];

/// Expands a document.
///
/// # Errors
/// With everything that is wrong in it; one problem a case at most.
pub fn expand(document: &Node) -> Result<Vec<Case>, Vec<Problem>> {
    let mut template = document.clone();
    let parts = Parts::take(&mut template).map_err(|problem| vec![problem])?;
    let (mut cases, mut problems) = (vec![], vec![]);
    for row in parts.rows() {
        for variant in parts.combinations() {
            match case(&template, &parts.params, &row, &variant) {
                Ok(case) => cases.push(case),
                Err(problem) if problems.contains(&problem) => {}
                Err(problem) => problems.push(problem),
            }
        }
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems) }
}

/// The keys that steer the expansion.
struct Parts {
    params: Names,
    axes: Vec<(String, Vec<Node>)>,
    defaults: Names,
    table: Option<Vec<(Names, Span)>>,
}

/// One row of the table, or none where there is no table.
#[derive(Clone)]
struct Row {
    values: Names,
    span: Option<Span>,
}

impl Parts {
    fn take(template: &mut Node) -> Result<Self, Problem> {
        template.members()?;
        let params = names(template.take("params"))?;
        let defaults = names(template.take("row_defaults"))?;
        let axes = names(template.take("variants"))?.into_iter().map(axis).collect::<Result<_, _>>()?;
        let table =
            template.take("rows").map(|rows| items(&rows)?.iter().map(row).collect::<Result<_, _>>()).transpose()?;
        Ok(Self { params, axes, defaults, table })
    }

    fn rows(&self) -> Vec<Row> {
        let Some(table) = &self.table else { return vec![Row { values: Names::new(), span: None }] };
        let full = |(values, span): &(Names, Span)| {
            let mut all = self.defaults.clone();
            all.extend(values.clone());
            Row { values: all, span: Some(*span) }
        };
        table.iter().map(full).collect()
    }

    fn combinations(&self) -> Vec<Vec<(String, Node)>> {
        self.axes.iter().fold(vec![vec![]], |combinations, (name, values)| {
            let with = |combination: &Vec<(String, Node)>, value: &Node| {
                combination.iter().cloned().chain([(name.clone(), value.clone())]).collect()
            };
            combinations
                .iter()
                .flat_map(|combination| values.iter().map(|value| with(combination, value)).collect::<Vec<_>>())
                .collect()
        })
    }
}

fn names(node: Option<Node>) -> Result<Names, Problem> {
    let Some(node) = node else { return Ok(Names::new()) };
    Ok(node.members()?.iter().map(|(key, value)| (key.name.clone(), value.clone())).collect())
}

fn items(node: &Node) -> Result<&[Node], Problem> {
    match &node.value {
        Value::List(items) if !items.is_empty() => Ok(items),
        Value::List(_) => Err(Problem::at(node.span, "the list is empty, so there would be no case")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
            Err(Problem::at(node.span, format!("expected a list, found {}", node.kind())))
        }
    }
}

fn axis((name, values): (String, Node)) -> Result<(String, Vec<Node>), Problem> {
    items(&values).map(|values| (name, values.to_vec()))
}

fn row(node: &Node) -> Result<(Names, Span), Problem> {
    let values = names(Some(node.clone()))?;
    if values.get("case").and_then(Node::scalar).is_none() {
        return Err(Problem::at(node.span, "a row needs a `case`, which is its name"));
    }
    Ok((values, node.span))
}

fn case(template: &Node, params: &Names, row: &Row, variant: &[(String, Node)]) -> Result<Case, Problem> {
    let mut values = params.clone();
    values.extend(row.values.clone());
    values.extend(variant.iter().cloned());
    let mut filled = template.clone();
    for name in ROW_OVERRIDES {
        if let Some(value) = row.values.get(name) {
            filled.put(Key { name: name.to_owned(), span: value.span }, value.clone());
        }
    }
    let mut filling = Filling { values: &values, used: BTreeSet::new(), budget: MOST_NODES };
    filling.fill(&mut filled, 0)?;
    filling.all_used(params, row, variant)?;
    let case_name = row.values.get("case").and_then(Node::scalar);
    for key in ["id", "title"] {
        name_row(&mut filled, key, case_name.as_deref())?;
    }
    let scenario: Scenario = decode(&filled)?;
    let axes: String =
        variant.iter().map(|(axis, value)| format!("[{axis}={}]", value.scalar().unwrap_or_default())).collect();
    let id = format!("{}{axes}", scenario.id.value);
    Ok(Case { id, span: row.span.unwrap_or(scenario.id.span), scenario })
}

/// Puts the row's name where `{case}` stands.
fn name_row(document: &mut Node, key: &str, case_name: Option<&str>) -> Result<(), Problem> {
    let Value::Map(members) = &mut document.value else { return Ok(()) };
    let Some((_, node)) = members.iter_mut().find(|(known, _)| known.name == key) else { return Ok(()) };
    let Value::Text(text) = &mut node.value else { return Ok(()) };
    match case_name {
        Some(name) if key == "id" && !text.ends_with("/{case}") => {
            Err(Problem::at(node.span, format!("the id of a table ends in `/{{case}}`, which becomes `/{name}`")))
        }
        Some(name) => {
            *text = text.replace("{case}", name);
            Ok(())
        }
        None if text.contains("{case}") => Err(Problem::at(node.span, "`{case}` needs `rows`")),
        None => Ok(()),
    }
}

/// Parameters may stand for parameters; deeper than this they stand for themselves.
const DEEPEST: usize = 16;

/// A scenario has far fewer values than this; parameters that multiply each other would soon have more.
const MOST_NODES: usize = 100_000;

/// Puts values where their names stand.
struct Filling<'a> {
    values: &'a Names,
    used: BTreeSet<String>,
    budget: usize,
}

impl Filling<'_> {
    fn fill(&mut self, node: &mut Node, depth: usize) -> Result<(), Problem> {
        self.budget = self
            .budget
            .checked_sub(1)
            .ok_or_else(|| Problem::at(node.span, "the parameters multiply beyond all measure"))?;
        if let Value::Text(text) = &node.value
            && let Some(name) = text.strip_prefix('$')
        {
            node.value = self.value(name, node.span, depth)?;
            return self.fill(node, depth + 1);
        }
        match &mut node.value {
            Value::List(items) => items.iter_mut().try_for_each(|item| self.fill(item, depth)),
            Value::Map(members) => members.iter_mut().try_for_each(|(_, value)| self.fill(value, depth)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => Ok(()),
        }
    }

    fn value(&mut self, name: &str, span: Span, depth: usize) -> Result<Value, Problem> {
        let unknown = || {
            let problem = Problem::at(span, format!("nothing says what `${name}` is"));
            problem.suggesting(name, self.values.keys().map(String::as_str))
        };
        let value = self.values.get(name).ok_or_else(unknown)?;
        if depth > DEEPEST {
            return Err(Problem::at(span, format!("`${name}` stands for itself")));
        }
        self.used.insert(name.to_owned());
        Ok(value.value.clone())
    }

    /// A value that stands nowhere was meant to stand somewhere.
    fn all_used(&self, params: &Names, row: &Row, variant: &[(String, Node)]) -> Result<(), Problem> {
        let steers = |name: &str| name == "case" || ROW_OVERRIDES.contains(&name);
        let given = params.iter().chain(row.values.iter().filter(|(name, _)| !steers(name)));
        let given = given.chain(variant.iter().map(|(axis, value)| (axis, value)));
        let mut unused = given.filter(|(name, _)| !self.used.contains(*name));
        let Some((name, value)) = unused.next() else { return Ok(()) };
        let problem = Problem::at(value.span, format!("`{name}` is given, but `${name}` stands nowhere"));
        let known = self.used.iter().map(String::as_str).chain(ROW_OVERRIDES);
        Err(problem.suggesting(name, known.filter(|known| known != name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::yaml::read;

    const HEAD: &str = "regrant: 1\ntitle: t {case}\nwhy: w\nlevel: must\nrefs: []\nneeds: []\n";

    fn expanded(text: &str) -> Result<Vec<Case>, Vec<Problem>> {
        expand(&read(text).unwrap())
    }

    #[test]
    fn rows_and_variants_multiply_and_name_the_cases() {
        let text = format!(
            "{HEAD}id: a/{{case}}\nvariants: {{ kind: [tab, fork] }}\nrow_defaults: {{ x: note one }}\nrows:\n  - {{ case: p }}\n  - {{ case: q, level: may, x: note two }}\nsteps:\n  - note: $x\n  - second: {{ of: ada, actor: ada2, kind: $kind }}\n"
        );
        let cases = expanded(&text).unwrap();
        let ids: Vec<&str> = cases.iter().map(|case| case.id.as_str()).collect();
        assert_eq!(ids, ["a/p[kind=tab]", "a/p[kind=fork]", "a/q[kind=tab]", "a/q[kind=fork]"]);
        assert_eq!(cases[0].scenario.title, "t p");
        assert_eq!(cases[2].scenario.level, crate::scenario::model::Level::May);
    }

    #[test]
    fn an_unknown_parameter_is_a_problem_with_a_suggestion() {
        let text = format!("{}id: a/b\nparams: {{ ttl: 1h }}\nsteps:\n  - note: $tll\n", HEAD.replace(" {case}", ""));
        let problems = expanded(&text).unwrap_err();
        assert_eq!(problems[0].message, "nothing says what `$tll` is");
        assert_eq!(problems[0].help.as_deref(), Some("did you mean `ttl`?"));
    }

    #[test]
    fn a_parameter_that_stands_for_itself_is_a_problem() {
        let text = format!("{}id: a/b\nparams: {{ x: $x }}\nsteps:\n  - note: $x\n", HEAD.replace(" {case}", ""));
        assert!(expanded(&text).unwrap_err()[0].message.contains("stands for itself"));
    }

    #[test]
    fn a_misspelt_row_key_or_parameter_is_a_problem() {
        let row = format!(
            "{HEAD}id: a/{{case}}\nrow_defaults: {{ x: one }}\nrows: [ {{ case: p, lvel: may }} ]\nsteps:\n  - note: $x\n"
        );
        let problems = expanded(&row).unwrap_err();
        assert_eq!(problems[0].message, "`lvel` is given, but `$lvel` stands nowhere");
        assert_eq!(problems[0].help.as_deref(), Some("did you mean `level`?"));
    }

    #[test]
    fn parameters_that_multiply_are_stopped() {
        let ten = |name: &str| format!("[{}]", vec![format!("${name}"); 10].join(", "));
        let params: Vec<String> = (0..12).map(|n| format!("p{n}: {}", ten(&format!("p{}", n + 1)))).collect();
        let text = format!(
            "{}id: a/b\nparams: {{ {}, p12: x }}\nsteps:\n  - note: $p0\n",
            HEAD.replace(" {case}", ""),
            params.join(", ")
        );
        assert!(expanded(&text).unwrap_err()[0].message.contains("beyond all measure"));
    }

    #[test]
    fn a_table_needs_names_in_ids_and_rows() {
        let no_case = format!("{HEAD}id: a/{{case}}\nrows: [ {{ x: 1 }} ]\nsteps: []\n");
        assert!(expanded(&no_case).unwrap_err()[0].message.contains("needs a `case`"));
        let no_id = format!("{HEAD}id: a/b\nrows: [ {{ case: x }} ]\nsteps: []\n");
        assert!(expanded(&no_id).unwrap_err()[0].message.contains("ends in `/{case}`"));
    }
}
