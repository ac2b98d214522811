//! A plan carried out: each move becomes steps when its turn comes, for only then it is known which tokens there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use adapter_protocol::Capability;
use mock_provider::RealmHandle;

use crate::check::{Check, Detail, Gate, Verdict};
use crate::drive::Next;
use crate::fuzz::moves::Move;
use crate::fuzz::rule::{Rule, recheck};
use crate::fuzz::scene::Scene;
use crate::handshake::Introduction;
use crate::history::{Ending, History};
use crate::pool::{Case, Pool, Script};
use crate::runner::RunError;
use crate::scenario::decode::decode;
use crate::scenario::model::{Scenario, Step};
use crate::scenario::yaml;
use crate::venue::Venue;

/// A plan that was carried out.
#[derive(Debug)]
pub(super) struct Performed {
    /// The steps that came of it, one YAML value each.
    pub(super) steps: Vec<String>,
    pub(super) history: History,
    pub(super) checks: Vec<Check>,
}

impl Performed {
    /// The rules that are broken, as far as the gate asks for them.
    pub(super) fn broken(&self, gate: Gate) -> Vec<Rule> {
        let bad = self.checks.iter().filter(|check| gate.minds(check));
        let checks = bad.filter_map(|check| Rule::of_check(&check.id));
        checks.chain(self.ended()).collect()
    }

    /// The rules that were put to the test and hold.
    pub(super) fn kept(&self) -> Vec<Rule> {
        let good = self.checks.iter().filter(|check| check.verdict <= Verdict::Info);
        good.filter_map(|check| Rule::of_check(&check.id)).collect()
    }

    fn ended(&self) -> Option<Rule> {
        match &self.history.ended {
            Some(Ending::Crash { .. }) => Some(Rule::DoesNotCrash),
            Some(Ending::Broken { .. } | Ending::Blocked { .. }) => Some(Rule::SpeaksTheProtocol),
            Some(Ending::Hang { .. } | Ending::OutOfReach { .. }) | None => None,
        }
    }

    /// The check that says how a rule is broken, or what stands for it.
    pub(super) fn check_of(&self, rule: &Rule) -> Option<Check> {
        let found = self.checks.iter().find(|check| check.id == rule.check() && check.detail.is_some());
        found.cloned().or_else(|| {
            let ending = self.history.ended.as_ref().filter(|_| self.ended().as_ref() == Some(rule))?;
            let detail = Detail::new(rule.says(), ending.words());
            Some(Check::missed(rule.check(), rule.level(), detail))
        })
    }
}

/// Where plans are carried out.
pub(super) struct Stage {
    pub(super) pool: Arc<Pool>,
    pub(super) venue: Arc<Venue>,
    pub(super) introduction: Introduction,
    pub(super) rules: Vec<Rule>,
    pub(super) scenario: Scenario,
    /// Steps that have been read before: most plans have many in common.
    pub(super) read: Mutex<BTreeMap<String, Step>>,
}

/// Steps that are remembered at most.
const REMEMBERED: usize = 4_096;

impl Stage {
    /// Carries a plan out, in a realm of this name.
    pub(super) async fn perform(&self, plan: &[Move], name: &str) -> Result<Performed, RunError> {
        let (mut scene, mut moves, mut steps) = (Scene::new(self.shown()), plan.iter(), vec![]);
        let mut next = |realm: &RealmHandle| {
            scene.look(realm);
            let texts = scene.steps(moves.next()?);
            let read = texts.iter().filter_map(|text| self.step(text)).collect();
            steps.extend(texts);
            Some(read)
        };
        let history = self.drive(name, &mut next).await?;
        Ok(self.judged(steps, history))
    }

    /// Carries steps out as they are written.
    pub(super) async fn replay(&self, steps: &[String], name: &str) -> Result<Performed, RunError> {
        let mut read = Some(steps.iter().filter_map(|text| self.step(text)).collect());
        let history = self.drive(name, &mut |_| read.take()).await?;
        Ok(self.judged(steps.to_vec(), history))
    }

    async fn drive(&self, name: &str, next: &mut Next<'_>) -> Result<History, RunError> {
        let (claims, settle) = (self.claimed(), self.introduction.settle);
        let case = Case { scenario: &self.scenario, claims: &claims, name, realm: name, settle };
        self.pool.play(&self.venue, &case, Script::MadeUp(next)).await
    }

    /// A step as it is written in a scenario.
    fn step(&self, text: &str) -> Option<Step> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(step) = read.get(text) {
            return Some(step.clone());
        }
        let step: Step = decode(&yaml::read(text).ok()?).ok()?;
        if read.len() < REMEMBERED {
            read.insert(text.to_owned(), step.clone());
        }
        Some(step)
    }

    fn judged(&self, steps: Vec<String>, history: History) -> Performed {
        let checks = recheck(&self.rules, &history);
        Performed { steps, history, checks }
    }

    fn claimed(&self) -> BTreeSet<Capability> {
        self.introduction.claimed(self.pool.target().clock())
    }

    /// What has stood the probes of that which it claims: only that is asked for.
    fn shown(&self) -> BTreeSet<Capability> {
        let mut claims = self.claimed();
        claims.retain(|claim| !self.introduction.unproven.contains_key(claim));
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::Level;

    fn ended(ending: &Ending) -> Vec<Rule> {
        let history: History = serde_json::from_value(serde_json::json!({
            "steps": [], "journal": [], "counters": {"reuse_detected": 0, "families_revoked": 0, "families_evicted": 0},
            "leaks": [], "claims": [], "start": 0, "expiries": {}, "output": [], "ended": ending,
        }))
        .unwrap();
        let checks = recheck(&Rule::all(), &history);
        let performed = Performed { steps: vec![], history, checks };
        let broken = performed.broken(Gate::Must);
        broken.iter().for_each(|rule| assert!(performed.check_of(rule).is_some_and(|check| check.detail.is_some())));
        broken
    }

    #[test]
    fn an_end_that_is_none_breaks_a_rule() {
        let (step, reason) = (|| "step-3".to_owned(), || "why".to_owned());
        assert_eq!(ended(&Ending::Crash { step: step() }), [Rule::DoesNotCrash]);
        assert_eq!(ended(&Ending::Broken { step: step(), reason: reason() }), [Rule::SpeaksTheProtocol]);
        assert_eq!(ended(&Ending::Blocked { step: step(), reason: reason() }), [Rule::SpeaksTheProtocol]);
        let hang = Ending::Hang { step: step(), reason: reason(), level: Level::Must };
        assert_eq!(ended(&hang), [Rule::Every("answers-in-time")]);
        assert_eq!(ended(&Ending::OutOfReach { step: step(), reason: reason() }), []);
    }
}
