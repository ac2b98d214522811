//! Finds what types cannot: references that lead nowhere, capabilities that are not asked for, steps that cannot happen.

use std::collections::{BTreeMap, BTreeSet};

use adapter_protocol::{Capability, Deliver, JarKind};
use mock_provider::Label;

use crate::catalogue::References;
use crate::judge::INVARIANTS;
use crate::scenario::decode::Spanned;
use crate::scenario::expect::{Exchange, Expect, SessionExpect, Wire};
use crate::scenario::matcher::Leaf;
use crate::scenario::model::{Change, FORMAT, Parked, ReadSession, Scenario, Step};
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
    /// Whether anything at all is expected.
    checks: bool,
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
        self.wire(scenario.finally.wire.as_ref(), scenario.id.span);
        let counters = &scenario.finally.provider;
        let counted = [&counters.families_revoked, &counters.reuse_detected, &counters.families_evicted];
        self.checks |= scenario.finally.wire.is_some() || counted.iter().any(|leaf| leaf.is_some());
        self.checks |= scenario.tags.iter().any(|tag| INVARIANTS.contains(&tag.as_str()));
        self.checks |= !scenario.always.is_empty();
        if !self.checks {
            self.say(Problem::at(scenario.id.span, "the scenario expects nothing, so it cannot fail"));
        }
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
                self.observed(step.name.as_ref(), &step.expect, span, scenario);
            }
            Step::Session(step) => self.session_step(step, span, scenario),
            Step::Api(step) => {
                self.uses(Capability::RefreshOnApi, span);
                self.known_actor(&step.actor);
                self.observed(step.name.as_ref(), &step.expect, span, scenario);
            }
            Step::SignOut(step) => {
                self.uses(Capability::SignOut, span);
                self.known_actor(&step.actor);
                self.observed(step.name.as_ref(), &step.expect, span, scenario);
            }
            Step::Together(together) => {
                self.uses(Capability::SessionConcurrent, span);
                self.together(&together.name, &together.steps, scenario);
            }
            Step::Join(join) => {
                self.known_group(&join.of);
                self.running.remove(&join.of.value);
                self.observed(join.name.as_ref(), &join.expect, span, scenario);
            }
            _ => self.unobserved(step, span),
        }
    }

    /// A step that asks the target for nothing that it would show.
    fn unobserved(&mut self, step: &Step, span: Span) {
        match step {
            Step::Second(second) => {
                let tab = second.kind == JarKind::Tab;
                self.uses(if tab { Capability::ActorsTab } else { Capability::ActorsFork }, span);
                self.known_actor(&second.of);
                self.actors.insert(second.actor.value.clone());
            }
            Step::ClientClock(_) => self.uses(Capability::ClockSet, span),
            Step::Provider(change) => self.change(change, span),
            Step::Parked(parked) => self.parked(parked, span),
            Step::Release(_) if self.running.is_empty() => {
                self.say(Problem::at(span, "nothing can be released: no `together` is running"));
            }
            Step::Cancel(cancel) => {
                self.uses(Capability::SessionCancel, span);
                self.started(&cancel.of);
            }
            Step::Deliver(deliver) => self.deliver(&deliver.of),
            Step::LoseChunk(lose) => {
                self.uses(Capability::SessionChunks, span);
                self.known_actor(&lose.actor);
            }
            Step::Restart(_) => self.uses(Capability::Restart, span),
            // Time can also be let pass for real, so moving both clocks together asks for nothing.
            _ => {}
        }
    }

    fn session_step(&mut self, step: &ReadSession, span: Span, scenario: &Scenario) {
        self.known_actor(&step.actor);
        self.observed(step.name.as_ref(), &step.expect, span, scenario);
        if step.deliver == Deliver::Now {
            return;
        }
        self.uses(Capability::SessionDelivery, span);
        if step.repeat.is_some() {
            self.say(
                Problem::at(span, "only one cookie of a step can be kept back")
                    .with_help("write the step several times"),
            );
        }
        match &step.name {
            Some(name) => drop(self.kept_back.insert(name.value.clone())),
            None => {
                self.say(Problem::at(span, "a step whose cookie is kept back needs a name").with_help("add `as: …`"))
            }
        }
    }

    fn parked(&mut self, parked: &Parked, span: Span) {
        parked.of.iter().for_each(|of| self.known_group(of));
        if !self.holding {
            let problem = Problem::at(span, "nothing can be parked: no hold is in force");
            self.say(problem.with_help("add `- provider: { hold: … }` before"));
        }
    }

    fn started(&mut self, of: &Spanned<String>) {
        if self.running.is_empty() || !self.names.contains(&of.value) {
            let problem = Problem::at(of.span, format!("no started step is called `{}` at this point", of.value));
            let problem = problem.suggesting(&of.value, self.names.iter().map(String::as_str));
            self.say(problem);
        }
    }

    fn deliver(&mut self, of: &Spanned<String>) {
        if !self.kept_back.remove(&of.value) {
            let problem = Problem::at(of.span, format!("no cookie of `{}` is kept back", of.value));
            let problem = problem.suggesting(&of.value, self.kept_back.iter().map(String::as_str));
            self.say(problem);
        }
    }

    fn together(&mut self, name: &Spanned<String>, steps: &[Spanned<Step>], scenario: &Scenario) {
        self.new_name(name);
        for inner in steps {
            match &inner.value {
                Step::SignIn(_) | Step::Session(_) | Step::Api(_) | Step::SignOut(_) => {
                    self.step(&inner.value, inner.span, scenario);
                }
                _ => {
                    self.say(Problem::at(inner.span, "only sign_in, session, api and sign_out can be started together"))
                }
            }
            if expectation(&inner.value).is_some_and(|expect| expect.wire.is_some()) {
                let problem = Problem::at(inner.span, "requests of steps that run at once cannot be told apart");
                self.say(problem.with_help("put `wire` on the `join`"));
            }
        }
        let signs_in = |step: &&Spanned<Step>| matches!(step.value, Step::SignIn(_));
        if let Some(second) = steps.iter().filter(signs_in).nth(1) {
            self.say(Problem::at(second.span, "one person at a time sits at the provider's authorize page"));
        }
        self.running.insert(name.value.clone(), name.span);
    }

    fn change(&mut self, change: &Change, span: Span) {
        match change {
            Change::Hold(_) => self.holding = true,
            Change::LiftHolds => self.holding = false,
            Change::Reply(reply) => {
                if let Err(error) = mock_provider::check_reply(reply) {
                    self.say(Problem::at(span, error.to_string()));
                }
            }
            Change::Revoke(_)
            | Change::Expire(_)
            | Change::Tokens(_)
            | Change::Consent(_)
            | Change::Event(_)
            | Change::Quirks(_)
            | Change::Honest
            | Change::RotateKeys => {}
        }
    }

    fn observed(&mut self, name: Option<&Spanned<String>>, expect: &Expect, span: Span, scenario: &Scenario) {
        name.iter().for_each(|name| self.new_name(name));
        let wanted = expect.outcome.as_ref();
        if wanted.is_some_and(|names| names.0.is_empty()) {
            self.say(Problem::at(span, "an empty list of outcomes can never be missed"));
        }
        for outcome in wanted.iter().flat_map(|names| &names.0) {
            if !scenario.outcomes.contains_key(&outcome.value) {
                let problem = Problem::at(outcome.span, format!("there is no outcome `{}`", outcome.value));
                self.say(problem.suggesting(&outcome.value, scenario.outcomes.keys().map(String::as_str)));
            }
        }
        for session in expect.session.iter().chain(&expect.each) {
            self.session(session, span);
        }
        self.wire(expect.wire.as_ref(), span);
        self.checks |= expect.session.is_some() || expect.each.is_some() || wanted.is_some();
        self.checks |= expect.wire.is_some() || expect.status.is_some() || expect.threw.is_some();
    }

    fn session(&mut self, session: &SessionExpect, span: Span) {
        let own = [&session.state, &session.subject, &session.error, &session.access_token];
        let says = own.iter().any(|leaf| leaf.is_some());
        if session.any_of.is_some() == says {
            let text = if says {
                "a session has `any_of` or values of its own, not both"
            } else {
                "this expects nothing of the session"
            };
            self.say(Problem::at(span, text));
        }
        self.values(own, span);
        for alternative in session.any_of.iter().flatten() {
            let own = [&alternative.state, &alternative.subject, &alternative.error, &alternative.access_token];
            if own.iter().all(|leaf| leaf.is_none()) {
                self.say(Problem::at(span, "an alternative that names no value fits everything"));
            }
            self.values(own, span);
        }
    }

    fn values(&mut self, [state, _, _, access_token]: [&Option<Leaf>; 4], span: Span) {
        let literals = |leaf: &Option<Leaf>| -> Vec<String> {
            leaf.iter().flat_map(|leaf| leaf.is.literals()).map(str::to_owned).collect()
        };
        for text in literals(state).iter().filter(|text| !matches!(text.as_str(), "active" | "signed_out")) {
            let problem = Problem::at(span, format!("a session is never in the state `{text}`"));
            self.say(problem.with_help("a session is `active` or `signed_out`; a failed refresh shows in `error`"));
        }
        self.labels(&literals(access_token), span);
    }

    /// Literals where a token stands have to be labels; `at#?` is one that the provider never minted.
    fn labels(&mut self, literals: &[String], span: Span) {
        let label = |text: &str| text.parse::<Label>().is_ok() || matches!(text, "at#?" | "rt#?" | "unknown");
        for text in literals.iter().filter(|text| !label(text)) {
            let problem = Problem::at(span, format!("`{text}` is not a token label"));
            self.say(problem.with_help("write at#1, rt#2, code#1 or id#1"));
        }
    }

    fn wire(&mut self, wire: Option<&Wire>, span: Span) {
        let exchanges: Vec<&Exchange> = match wire {
            Some(Wire::Exactly(list)) => list.iter().collect(),
            Some(Wire::Count(count)) => vec![&count.count],
            Some(Wire::Nothing) | None => vec![],
        };
        for exchange in exchanges {
            for leaf in exchange.token.iter().chain(&exchange.bearer) {
                let literals: Vec<String> = leaf.is.literals().into_iter().map(str::to_owned).collect();
                self.labels(&literals, span);
            }
            let answers = exchange.got.iter().flat_map(|leaf| leaf.is.literals());
            for answer in answers.filter(|answer| !is_answer(answer)) {
                let problem = Problem::at(span, format!("`{answer}` is not an answer"));
                self.say(problem.with_help("write \"200\", 400 invalid_grant, lost or abandoned"));
            }
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

/// A status, a status with an error code, or what became of an answer that did not arrive.
fn is_answer(text: &str) -> bool {
    let (status, code) = text.split_once(' ').map_or((text, None), |(status, code)| (status, Some(code)));
    let is_status = status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status));
    let is_code = |code: &str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    matches!(text, "lost" | "abandoned") || (is_status && code.is_none_or(is_code))
}

fn expectation(step: &Step) -> Option<&Expect> {
    match step {
        Step::SignIn(step) => Some(&step.expect),
        Step::Session(step) => Some(&step.expect),
        Step::Api(step) => Some(&step.expect),
        Step::SignOut(step) => Some(&step.expect),
        _ => None,
    }
}

/// The written name of a capability.
pub fn name_of(capability: Capability) -> String {
    serde_json::to_value(capability).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
