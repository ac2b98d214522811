//! Finds what types cannot: references that lead nowhere, capabilities that are not asked for, steps that cannot happen.

use std::collections::{BTreeMap, BTreeSet};

use adapter_protocol::{Capability, Deliver, JarKind};

use crate::catalogue::References;
use crate::scenario::decode::Spanned;
use crate::scenario::matcher::Leaf;
use crate::scenario::model::{Alternative, Change, Expect, FORMAT, Scenario, SessionExpect, Step};
use crate::scenario::node::{Problem, Span};

/// Checks one case.
pub fn lint(scenario: &Scenario, references: &References) -> Vec<Problem> {
    let mut linter = Linter::default();
    linter.head(scenario, references);
    linter.actors.extend(scenario.provider.users.iter().map(|user| user.value.clone()));
    linter.users.clone_from(&linter.actors);
    for step in &scenario.steps {
        linter.step(&step.value, step.span, scenario);
    }
    linter.tail(scenario);
    linter.problems
}

/// What is known at a point of the steps.
#[derive(Default)]
struct Linter {
    problems: Vec<Problem>,
    users: BTreeSet<String>,
    actors: BTreeSet<String>,
    names: BTreeSet<String>,
    /// Groups that have been started and not joined.
    running: BTreeMap<String, Span>,
    /// Steps whose cookies are kept back.
    kept_back: BTreeSet<String>,
    holding: bool,
    used: BTreeMap<Capability, Span>,
}

impl Linter {
    fn say(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn head(&mut self, scenario: &Scenario, references: &References) {
        if scenario.regrant.value != FORMAT {
            let message = format!("this is format {}; this version reads {FORMAT}", scenario.regrant.value);
            self.say(Problem::at(scenario.regrant.span, message));
        }
        for reference in scenario.refs.iter().filter(|reference| !references.contains_key(&reference.value)) {
            let problem =
                Problem::at(reference.span, format!("there is no reference `{}` in refs.yaml", reference.value));
            self.say(problem.suggesting(&reference.value, references.keys().map(String::as_str)));
        }
        for outcome in scenario.outcomes.values() {
            self.session(&outcome.value, outcome.span);
        }
        if scenario.refs.is_empty() {
            self.say(Problem::at(scenario.id.span, "the scenario names no reference; say in `refs` what demands it"));
        }
    }

    fn tail(&mut self, scenario: &Scenario) {
        let claimed: BTreeSet<Capability> = scenario.needs.iter().map(|need| need.value).collect();
        let missing: Vec<_> =
            self.used.iter().filter(|(used, _)| !claimed.contains(used)).map(|(used, span)| (*used, *span)).collect();
        for (capability, span) in missing {
            let name = name_of(capability);
            self.say(
                Problem::at(span, format!("this needs the capability `{name}`"))
                    .with_help(format!("add `{name}` to `needs`")),
            );
        }
        let running: Vec<_> = std::mem::take(&mut self.running).into_iter().collect();
        for (name, span) in running {
            self.say(
                Problem::at(span, format!("nothing waits for `{name}`"))
                    .with_help(format!("add `- join: {{ of: {name} }}`")),
            );
        }
    }

    fn uses(&mut self, capability: Capability, span: Span) {
        self.used.entry(capability).or_insert(span);
    }

    fn step(&mut self, step: &Step, span: Span, scenario: &Scenario) {
        match step {
            Step::SignIn(step) => {
                self.uses(Capability::SignIn, span);
                self.known_user(&step.user);
                self.actors.insert(step.actor.as_ref().unwrap_or(&step.user).value.clone());
                self.observed(step.name.as_ref(), &step.expect, scenario);
            }
            Step::Session(step) => {
                self.known_actor(&step.actor);
                self.observed(step.name.as_ref(), &step.expect, scenario);
                if step.deliver == Deliver::Later {
                    self.uses(Capability::SessionDelivery, span);
                    match &step.name {
                        Some(name) => drop(self.kept_back.insert(name.value.clone())),
                        None => self.say(
                            Problem::at(span, "a step whose cookie is kept back needs a name").with_help("add `as: …`"),
                        ),
                    }
                }
            }
            Step::Api(step) => {
                self.uses(Capability::RefreshOnApi, span);
                self.known_actor(&step.actor);
                self.observed(step.name.as_ref(), &step.expect, scenario);
            }
            Step::SignOut(step) => {
                self.uses(Capability::SignOut, span);
                self.known_actor(&step.actor);
                self.observed(step.name.as_ref(), &step.expect, scenario);
            }
            Step::Second(second) => {
                self.uses(
                    if second.kind == JarKind::Tab { Capability::ActorsTab } else { Capability::ActorsFork },
                    span,
                );
                self.known_actor(&second.of);
                self.actors.insert(second.actor.value.clone());
            }
            // Time can also be let pass for real, so moving both clocks together asks for nothing.
            Step::Clock(_) => {}
            Step::ClientClock(_) => self.uses(Capability::ClockSet, span),
            Step::Provider(change) => self.change(change, span),
            Step::Together(together) => {
                self.uses(Capability::SessionConcurrent, span);
                self.together(&together.name, &together.steps, scenario);
            }
            Step::Parked(parked) => {
                parked.of.iter().for_each(|of| self.known_group(of));
                if !self.holding {
                    self.say(
                        Problem::at(span, "nothing can be parked: no hold came before")
                            .with_help("add `- provider: { hold: … }` before"),
                    );
                }
            }
            Step::Release(_) => {
                if self.running.is_empty() {
                    self.say(Problem::at(span, "nothing can be released: no `together` is running"));
                }
            }
            Step::Join(join) => {
                self.known_group(&join.of);
                self.running.remove(&join.of.value);
                self.observed(join.name.as_ref(), &join.expect, scenario);
            }
            Step::Deliver(deliver) => {
                if !self.kept_back.remove(&deliver.of.value) {
                    let problem =
                        Problem::at(deliver.of.span, format!("no cookie of `{}` is kept back", deliver.of.value));
                    let known: Vec<String> = self.kept_back.iter().cloned().collect();
                    self.say(problem.suggesting(&deliver.of.value, known.iter().map(String::as_str)));
                }
            }
            Step::Restart(_) => self.uses(Capability::Restart, span),
            Step::Note(_) => {}
        }
    }

    fn together(&mut self, name: &Spanned<String>, steps: &[Spanned<Step>], scenario: &Scenario) {
        self.new_name(name);
        for inner in steps {
            match &inner.value {
                Step::SignIn(_) | Step::Session(_) | Step::Api(_) | Step::SignOut(_) => {
                    self.step(&inner.value, inner.span, scenario)
                }
                _ => {
                    self.say(Problem::at(inner.span, "only sign_in, session, api and sign_out can be started together"))
                }
            }
        }
        self.running.insert(name.value.clone(), name.span);
    }

    fn change(&mut self, change: &Change, span: Span) {
        match change {
            Change::Hold(_) => self.holding = true,
            Change::Reply(reply) => {
                if let Err(error) = mock_provider::check_reply(reply) {
                    self.say(Problem::at(span, error.to_string()));
                }
            }
            Change::Revoke(_)
            | Change::Expire(_)
            | Change::Tokens(_)
            | Change::Consent(_)
            | Change::LiftHolds
            | Change::Honest
            | Change::RotateKeys => {}
        }
    }

    fn observed(&mut self, name: Option<&Spanned<String>>, expect: &Expect, scenario: &Scenario) {
        name.iter().for_each(|name| self.new_name(name));
        for outcome in expect.outcome.iter().flat_map(|names| &names.0) {
            if !scenario.outcomes.contains_key(&outcome.value) {
                let problem = Problem::at(outcome.span, format!("there is no outcome `{}`", outcome.value));
                self.say(problem.suggesting(&outcome.value, scenario.outcomes.keys().map(String::as_str)));
            }
        }
        let span = name.map_or(scenario.id.span, |name| name.span);
        for session in expect.session.iter().chain(&expect.each) {
            self.session(session, span);
        }
    }

    fn session(&mut self, session: &SessionExpect, span: Span) {
        let own = [&session.state, &session.subject, &session.error, &session.access_token];
        if session.any_of.is_some() && own.iter().any(|leaf| leaf.is_some()) {
            self.say(Problem::at(span, "a session has `any_of` or values of its own, not both"));
        }
        self.states(&session.state, span);
        for Alternative { state, .. } in session.any_of.iter().flatten() {
            self.states(state, span);
        }
    }

    fn states(&mut self, state: &Option<Leaf>, span: Span) {
        let literals = state.iter().flat_map(|leaf| leaf.is.literals());
        let wrong: Vec<String> =
            literals.filter(|text| !matches!(*text, "active" | "signed_out")).map(str::to_owned).collect();
        for text in wrong {
            let problem = Problem::at(span, format!("a session is never in the state `{text}`"));
            self.say(problem.with_help("a session is `active` or `signed_out`; a failed refresh shows in `error`"));
        }
    }

    fn new_name(&mut self, name: &Spanned<String>) {
        if !self.names.insert(name.value.clone()) {
            self.say(Problem::at(name.span, format!("a step is called `{}` already", name.value)));
        }
    }

    fn known_actor(&mut self, actor: &Spanned<String>) {
        if !self.actors.contains(&actor.value) {
            let problem = Problem::at(actor.span, format!("there is no actor `{}` at this point", actor.value));
            let problem = problem.suggesting(&actor.value, self.actors.iter().map(String::as_str));
            self.say(problem);
        }
    }

    fn known_user(&mut self, user: &Spanned<String>) {
        if !self.users.contains(&user.value) {
            let problem = Problem::at(
                user.span,
                format!("the provider has no user `{}`; list it under `provider.users`", user.value),
            );
            let problem = problem.suggesting(&user.value, self.users.iter().map(String::as_str));
            self.say(problem);
        }
    }

    fn known_group(&mut self, group: &Spanned<String>) {
        if !self.running.contains_key(&group.value) {
            let problem =
                Problem::at(group.span, format!("no `together` called `{}` is running at this point", group.value));
            let problem = problem.suggesting(&group.value, self.running.keys().map(String::as_str));
            self.say(problem);
        }
    }
}

/// The written name of a capability.
pub fn name_of(capability: Capability) -> String {
    serde_json::to_value(capability).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
