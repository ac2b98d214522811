//! A plan carried out: each move becomes steps when its turn comes, for only then it is known which tokens there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use adapter_protocol::{Capability, ClockMode};
use serde::{Deserialize, Serialize};

use crate::always::{self, Invariant};
use crate::check::{Check, Gate, Verdict};
use crate::drive::{Driver, Rig};
use crate::fuzz::moves::Move;
use crate::fuzz::scene::Scene;
use crate::handshake::Introduction;
use crate::history::{Ending, History};
use crate::judge::judge;
use crate::pool::Pool;
use crate::runner::RunError;
use crate::scenario::decode::decode;
use crate::scenario::model::{Scenario, Step};
use crate::scenario::yaml;
use crate::venue::Venue;

/// What names a failure: two failures of the same kind are one finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A plan that was carried out.
#[derive(Debug)]
pub(super) struct Performed {
    /// The steps that came of it, one YAML value each.
    pub(super) steps: Vec<String>,
    pub(super) history: History,
    pub(super) checks: Vec<Check>,
}

impl Performed {
    /// What failed, with the check that says so.
    pub(super) fn failures(&self, gate: Gate) -> Vec<(Fingerprint, Option<&Check>)> {
        let bad = |check: &&Check| match gate {
            Gate::Must => check.verdict == Verdict::Fail,
            Gate::Should => check.verdict >= Verdict::Warn,
        };
        let checks = self.checks.iter().filter(bad).map(|check| (Fingerprint(check.id.clone()), Some(check)));
        let ended = match &self.history.ended {
            Some(Ending::Crash { .. }) => Some("crash"),
            Some(Ending::Broken { .. }) => Some("broken"),
            Some(Ending::Hang { .. } | Ending::Blocked { .. } | Ending::OutOfReach { .. }) | None => None,
        };
        checks.chain(ended.map(|word| (Fingerprint(word.to_owned()), None))).collect()
    }
}

/// Where plans are carried out.
pub(super) struct Stage {
    pub(super) pool: Arc<Pool>,
    pub(super) venue: Arc<Venue>,
    pub(super) introduction: Introduction,
    pub(super) invariants: Vec<Invariant>,
}

impl Stage {
    /// Carries a plan out, in a realm of this name.
    pub(super) async fn perform(&self, plan: &[Move], name: &str) -> Result<Performed, RunError> {
        let seat = self.pool.take().await?;
        let claims = self.claims();
        let scenario = Scenario::for_users(&["ada", "bob"]);
        self.venue.close(name);
        let rig = Rig::new(seat.clone(), self.venue.realm(name), self.pool.target(), self.introduction.settle);
        let (mut scene, mut moves, mut steps) = (Scene::new(claims.clone()), plan.iter(), vec![]);
        let history = Driver::new(&scenario, &rig)
            .improvise(name, claims, &mut |realm| {
                scene.look(realm);
                let next = scene.steps(moves.next()?);
                steps.extend(next.iter().cloned());
                Some(next.iter().filter_map(|text| step(text)).collect())
            })
            .await;
        self.venue.close(name);
        if history.ended.is_none() {
            self.pool.give_back(seat);
        }
        let mut checks = always::checks(self.invariants.iter().copied(), &history);
        checks.extend(judge(&scenario, &history));
        Ok(Performed { steps, history, checks })
    }

    fn claims(&self) -> BTreeSet<Capability> {
        let mut claims = self.introduction.hello.claimed();
        claims.retain(|claim| !self.introduction.unproven.contains_key(claim));
        if self.pool.target().clock() == ClockMode::Real {
            claims.insert(Capability::ClockSet);
        }
        claims
    }
}

fn step(text: &str) -> Option<Step> {
    decode(&yaml::read(text).ok()?).ok()
}
