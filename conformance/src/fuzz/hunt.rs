//! The hunt: many plans, each failure confirmed, made as small as it gets, explained and written down.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::strategy::ValueTree as _;
use tokio::task::JoinSet;

use crate::always::Invariant;
use crate::check::{Check, Gate};
use crate::fuzz::coverage::Coverage;
use crate::fuzz::moves::Move;
use crate::fuzz::performed::{Fingerprint, Performed, Stage};
use crate::fuzz::plan::plan;
use crate::fuzz::written::{Origin, scenario};
use crate::handshake::{Probing, introduce};
use crate::link::Target;
use crate::pool::Pool;
use crate::runner::RunError;
use crate::timeline;
use crate::uptime::Stopwatch;
use crate::venue::Venue;

/// How often a failure is looked at again before anything is said of it.
const AGAIN: u32 = 3;

/// What to hunt for, and how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many plans.
    pub cases: usize,
    /// Real time for all of them, where that ends first.
    pub time: Option<Duration>,
    /// Where the plans come from.
    pub seed: u64,
    /// How many moves a plan has at most.
    pub steps: usize,
    /// How many at a time.
    pub jobs: usize,
    /// What counts as a failure.
    pub gate: Gate,
    /// Real time for making one failure smaller.
    pub shrink_time: Duration,
    /// What is judged.
    pub invariants: Vec<Invariant>,
}

/// A failure, as small as it got.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What it is.
    pub fingerprint: Fingerprint,
    /// What was expected and what came, where a check says so.
    pub check: Option<Check>,
    /// The plan that it was found in.
    pub case: usize,
    /// How many moves that had.
    pub moves: usize,
    /// How often it was seen again, of so many tries.
    pub reproduced: (u32, u32),
    /// The steps that are left.
    pub steps: Vec<String>,
    /// Whether it is gone without the step of this place.
    pub needed: Vec<bool>,
    /// What happened.
    pub timeline: Vec<String>,
    /// The last part of the scenario's id.
    pub id: String,
    /// The scenario.
    pub scenario: String,
}

/// What a hunt came to.
#[derive(Clone, Debug, Default)]
pub struct Hunted {
    /// How many plans were carried out.
    pub cases: usize,
    /// How many steps they had.
    pub steps: usize,
    /// What was found, each kind once.
    pub findings: Vec<Finding>,
    /// How many plans showed each kind.
    pub seen: BTreeMap<Fingerprint, usize>,
    /// Where it has been.
    pub coverage: Coverage,
    /// Real time.
    pub took: Duration,
}

/// Hunts. After each plan `progress` hears how far it is.
///
/// # Errors
/// When the target cannot be started, or leaves for good.
pub async fn hunt(
    target: Arc<dyn Target>,
    limits: &Limits,
    mut progress: impl FnMut(&Hunted),
) -> Result<Hunted, RunError> {
    let watch = Stopwatch::start();
    let venue = Arc::new(Venue::open(&*target, limits.seed).await?);
    let pool = Arc::new(Pool::new(target));
    let introduction = introduce(&pool, &venue, &Probing::Of(adapter_protocol::Capability::ALL.into())).await?;
    let stage = Arc::new(Stage { pool, venue, introduction, invariants: limits.invariants.clone() });
    let mut hunted = Hunted::default();
    let mut running = JoinSet::new();
    let mut next = 0;
    loop {
        let over = limits.time.is_some_and(|time| watch.elapsed() > time);
        while running.len() < limits.jobs.max(1) && next < limits.cases && !over {
            running.spawn(one(Arc::clone(&stage), limits.clone(), next));
            next += 1;
        }
        let Some(done) = running.join_next().await else { break };
        let Ok((case, performed)) = done else { continue };
        note(&stage, limits, case, performed?, &mut hunted).await?;
        hunted.took = watch.elapsed();
        progress(&hunted);
    }
    stage.pool.close().await;
    Ok(hunted)
}

async fn one(stage: Arc<Stage>, limits: Limits, case: usize) -> (usize, Result<Performed, RunError>) {
    let moves = plan(limits.seed, case, limits.steps).map(|tree| tree.current()).unwrap_or_default();
    (case, stage.perform(&moves, &format!("f{case}")).await)
}

async fn note(
    stage: &Stage,
    limits: &Limits,
    case: usize,
    performed: Performed,
    hunted: &mut Hunted,
) -> Result<(), RunError> {
    hunted.cases += 1;
    hunted.steps += performed.history.steps.len();
    hunted.coverage.add(&performed.history);
    for (fingerprint, _) in performed.failures(limits.gate) {
        let count = hunted.seen.entry(fingerprint.clone()).or_default();
        *count += 1;
        if *count == 1 {
            hunted.findings.extend(Quarry { stage, limits, fingerprint, case }.caught().await?);
        }
    }
    Ok(())
}

/// A failure that is looked into.
struct Quarry<'a> {
    stage: &'a Stage,
    limits: &'a Limits,
    fingerprint: Fingerprint,
    case: usize,
}

impl Quarry<'_> {
    /// What it comes to; nothing where it is never seen again.
    async fn caught(&self) -> Result<Option<Finding>, RunError> {
        let Some(mut tree) = plan(self.limits.seed, self.case, self.limits.steps) else { return Ok(None) };
        let first = tree.current();
        let mut again = 0;
        for _ in 0..AGAIN {
            again += u32::from(self.shows(&first).await?.is_some());
        }
        if again == 0 {
            return Ok(None);
        }
        let mut smallest = first.clone();
        if again == AGAIN {
            smallest = self.shrunk(&mut tree).await?.unwrap_or(smallest);
        }
        self.finding(first.len(), &smallest, (again, AGAIN)).await
    }

    /// A plan carried out, where it fails in the same way.
    async fn shows(&self, moves: &[Move]) -> Result<Option<Performed>, RunError> {
        let performed = self.stage.perform(moves, &format!("f{}-again", self.case)).await?;
        let same = performed.failures(self.limits.gate).iter().any(|(other, _)| *other == self.fingerprint);
        Ok(same.then_some(performed))
    }

    /// The smallest plan that fails in the same way, within the time.
    async fn shrunk(&self, tree: &mut crate::fuzz::plan::Tree) -> Result<Option<Vec<Move>>, RunError> {
        let watch = Stopwatch::start();
        let mut smallest = None;
        let mut goes_on = tree.simplify();
        while goes_on && watch.elapsed() < self.limits.shrink_time {
            let moves = tree.current();
            if self.shows(&moves).await?.is_some() {
                smallest = Some(moves);
                goes_on = tree.simplify();
            } else {
                goes_on = tree.complicate();
            }
        }
        Ok(smallest)
    }

    async fn finding(&self, moves: usize, smallest: &[Move], reproduced: (u32, u32)) -> Result<Option<Finding>, RunError> {
        let Some(performed) = self.shows(smallest).await? else { return Ok(None) };
        let mut needed = vec![];
        for place in 0..smallest.len() {
            let without: Vec<Move> =
                smallest.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, one)| one.clone()).collect();
            needed.push(self.shows(&without).await?.is_none());
        }
        let check = performed.failures(self.limits.gate).into_iter().find(|(other, _)| *other == self.fingerprint);
        let origin = Origin {
            target: self.stage.introduction.hello.target.to_string(),
            seed: self.limits.seed,
            case: self.case,
            moves,
            reproduced,
        };
        let (id, text) = scenario(&self.fingerprint, &performed.steps, &origin);
        Ok(Some(Finding {
            fingerprint: self.fingerprint.clone(),
            check: check.and_then(|(_, check)| check.cloned()),
            case: self.case,
            moves,
            reproduced,
            steps: performed.steps.clone(),
            needed,
            timeline: timeline::lines(&performed.history),
            id,
            scenario: text,
        }))
    }
}
