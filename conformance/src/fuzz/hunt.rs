//! The hunt: many plans, several at a time; each failure is looked into, once for each kind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::check::Gate;
use crate::fuzz::coverage::Coverage;
use crate::fuzz::finding::Finding;
use crate::fuzz::moves::Move;
use crate::fuzz::performed::{Performed, Stage};
use crate::fuzz::plan::{Draft, Planner};
use crate::fuzz::quarry::Quarry;
use crate::fuzz::rule::Rule;
use crate::handshake::{Introduction, Probing, introduce};
use crate::history::History;
use crate::link::Target;
use crate::pool::Pool;
use crate::runner::RunError;
use crate::scenario::lint::name_of;
use crate::scenario::model::Scenario;
use crate::uptime::Stopwatch;
use crate::venue::Venue;

/// Findings of one rule that are looked into: what comes after these is most likely one of them.
const EACH: usize = 3;

/// Failures of one rule that were never seen again, after which no more of it are looked into.
const GHOSTS: usize = 5;

/// When a hunt ends before its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// It goes on.
    #[default]
    AtLimits,
    /// When something was found.
    AtFirst,
}

/// What to hunt for, and how long.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many plans.
    pub cases: usize,
    /// The number of the first plan.
    pub first: usize,
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
    pub rules: Vec<Rule>,
    /// Whether it goes on after a finding.
    pub stop: Stop,
}

/// How often a rule was put to the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Plans in which it held.
    pub kept: usize,
    /// Plans in which it did not.
    pub broken: usize,
    /// Plans in which it did not, and did when they were carried out again.
    pub ghosts: usize,
}

/// What a hunt came to.
#[derive(Clone, Debug, Default)]
pub struct Hunted {
    /// How many plans were carried out.
    pub cases: usize,
    /// How many steps they had.
    pub steps: usize,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What became of each rule.
    pub tallies: BTreeMap<Rule, Tally>,
    /// Where it has been.
    pub coverage: Coverage,
    /// What the target claims and did not show, with what was wrong.
    pub unproven: BTreeMap<String, String>,
    /// Real time.
    pub took: Duration,
    /// Whether it was broken off from outside.
    pub broken_off: bool,
}

/// What a hunt tells while it goes on.
#[derive(Debug)]
pub enum Sighting<'a> {
    /// The target has introduced itself.
    Met(&'a Introduction),
    /// A plan has been carried out: its number, its steps, and what happened.
    Performed(usize, &'a [String], &'a History),
    /// Some plans more have been carried out.
    Progress(&'a Hunted),
    /// A failure is being looked into.
    LookingInto(&'a Rule),
    /// Something was found.
    Found(&'a Finding),
}

/// Hunts, until the limits are reached or `interrupted` resolves.
///
/// # Errors
/// When the target cannot be started, or leaves for good.
pub async fn hunt(
    target: Arc<dyn Target>,
    limits: &Limits,
    interrupted: impl Future<Output = ()>,
    mut tell: impl FnMut(Sighting<'_>),
) -> Result<Hunted, RunError> {
    let watch = Stopwatch::start();
    let venue = Arc::new(Venue::open(&*target, limits.seed).await?);
    let pool = Arc::new(Pool::new(target));
    let mut interrupted = std::pin::pin!(interrupted);
    let probing = Probing::Of(adapter_protocol::Capability::ALL.into());
    let introduction = tokio::select! {
        introduction = introduce(&pool, &venue, &probing) => introduction?,
        () = &mut interrupted => return Err(RunError::Interrupted),
    };
    tell(Sighting::Met(&introduction));
    let unproven = introduction.unproven.iter().map(|(claim, why)| (name_of(*claim), why.clone())).collect();
    let scenario = Scenario::for_users(&["ada", "bob"]);
    let rules = limits.rules.clone();
    let stage = Arc::new(Stage {
        pool: Arc::clone(&pool),
        venue,
        introduction,
        rules,
        scenario,
        read: std::sync::Mutex::default(),
    });
    let mut hunter = Hunter { stage, limits, hunted: Hunted { unproven, ..Hunted::default() }, watch, tell: &mut tell };
    let ended = tokio::select! {
        ended = hunter.go() => Some(ended),
        () = &mut interrupted => None,
    };
    let mut hunted = hunter.hunted;
    hunted.broken_off = ended.is_none();
    ended.transpose()?;
    pool.close().await;
    Ok(hunted)
}

struct Hunter<'a> {
    stage: Arc<Stage>,
    limits: &'a Limits,
    hunted: Hunted,
    watch: Stopwatch,
    tell: &'a mut dyn FnMut(Sighting<'_>),
}

type Done = (Draft, Vec<Move>, Result<Performed, RunError>);

impl Hunter<'_> {
    async fn go(&mut self) -> Result<(), RunError> {
        let mut plans =
            Planner::new(self.limits.seed, self.limits.steps).skip(self.limits.first).take(self.limits.cases);
        let mut running: JoinSet<Done> = JoinSet::new();
        loop {
            while running.len() < self.limits.jobs.max(1) && !self.time_is_up() {
                let Some((draft, moves)) = plans.next() else { break };
                let stage = Arc::clone(&self.stage);
                running.spawn(async move {
                    let performed = stage.perform(&moves, &format!("f{}", draft.case)).await;
                    (draft, moves, performed)
                });
            }
            let Some(done) = running.join_next().await else { return Ok(()) };
            // A panic of our own is passed on; it is no finding.
            let (draft, moves, performed) = done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
            self.note(draft, &moves, performed?).await?;
            self.hunted.took = self.watch.elapsed();
            (self.tell)(Sighting::Progress(&self.hunted));
            let found = !self.hunted.findings.is_empty() || !self.hunted.unproven.is_empty();
            if self.limits.stop == Stop::AtFirst && found {
                return Ok(());
            }
        }
    }

    fn time_is_up(&self) -> bool {
        self.limits.time.is_some_and(|time| self.watch.elapsed() > time)
    }

    async fn note(&mut self, draft: Draft, moves: &[Move], performed: Performed) -> Result<(), RunError> {
        (self.tell)(Sighting::Performed(draft.case, &performed.steps, &performed.history));
        self.hunted.cases += 1;
        self.hunted.steps += performed.history.steps.len();
        self.hunted.coverage.add(&performed.history);
        for rule in performed.kept() {
            self.tally(&rule).kept += 1;
        }
        for rule in performed.broken(self.limits.gate) {
            self.tally(&rule).broken += 1;
            if self.is_new(&rule, moves) {
                self.look_into(rule, draft.clone()).await?;
            }
        }
        Ok(())
    }

    fn tally(&mut self, rule: &Rule) -> &mut Tally {
        self.hunted.tallies.entry(rule.clone()).or_default()
    }

    fn is_new(&self, rule: &Rule, moves: &[Move]) -> bool {
        let of_rule = self.hunted.findings.iter().filter(|finding| finding.rule == *rule);
        let ghosts = self.hunted.tallies.get(rule).map_or(0, |tally| tally.ghosts);
        of_rule.clone().count() < EACH
            && ghosts < GHOSTS
            && !of_rule.into_iter().any(|known| known.explains(rule, moves))
    }

    async fn look_into(&mut self, rule: Rule, draft: Draft) -> Result<(), RunError> {
        (self.tell)(Sighting::LookingInto(&rule));
        let quarry = Quarry { stage: &self.stage, limits: self.limits, rule: rule.clone(), draft };
        match quarry.caught().await? {
            None => self.tally(&rule).ghosts += 1,
            Some(finding) => {
                let again = self.hunted.findings.iter().any(|known| known.id == finding.id);
                if !again {
                    (self.tell)(Sighting::Found(&finding));
                    self.hunted.findings.push(finding);
                }
            }
        }
        Ok(())
    }
}
