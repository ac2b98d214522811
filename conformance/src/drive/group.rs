//! Steps that run at once: starting them, finding them parked, letting them go, waiting for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mock_provider::Sequence;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::drive::{Driver, Stopped, Windows, action_of, commands, deed_of, level_of, limit, name_of};
use crate::history::{Deed, Ending, Observation, RecordKind, StepPath};
use crate::scenario::model::{Join, Order, Parked, Together};

/// Real time in which a first request has to be parked.
const FIRST_PARKED: Duration = Duration::from_secs(2);

/// Real time for a released request to be answered.
const RELEASED: Duration = Duration::from_secs(5);

/// Groups that have been started and not joined.
#[derive(Default)]
pub(crate) struct Groups {
    running: BTreeMap<String, Group>,
    /// Rung when a command is answered.
    answered: Arc<Notify>,
}

struct Group {
    /// Where the step before ended, and where the group began.
    from: Sequence,
    begun: Sequence,
    /// Requests that were parked already when it began.
    parked_before: usize,
    /// Commands without an answer.
    in_flight: Arc<AtomicUsize>,
    steps: Vec<Running>,
}

struct Running {
    path: StepPath,
    name: String,
    action: String,
    deed: Deed,
    tasks: Vec<JoinHandle<Result<Observation, Stopped>>>,
}

impl Drop for Group {
    fn drop(&mut self) {
        self.steps.iter().flat_map(|step| &step.tasks).for_each(JoinHandle::abort);
    }
}

impl Driver<'_> {
    pub(crate) fn start_group(&mut self, outer: usize, together: &Together) {
        let (from, begun) = (self.cursor, self.realm.next_sequence());
        let parked_before = self.realm.parked().len();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let mut steps = vec![];
        for (index, inner) in together.steps.iter().enumerate() {
            let path = StepPath { outer, inner: Some(index) };
            let name = name_of(&inner.value).unwrap_or_else(|| format!("{}-{}", together.name.value, index + 1));
            let level = level_of(&inner.value).unwrap_or(self.scenario.level);
            // A user that the realm does not know was found by lint; the sign-in itself would show it.
            drop(self.choose_user(&name, &inner.value));
            let tasks = commands(&inner.value, &self.realm).into_iter().map(|command| {
                let id = self.link.reserve();
                self.requests.insert(name.clone(), id);
                in_flight.fetch_add(1, Ordering::SeqCst);
                let (link, observer, in_flight, name) =
                    (Arc::clone(&self.link), Arc::clone(&self.observer), Arc::clone(&in_flight), name.clone());
                let answered = Arc::clone(&self.groups.answered);
                tokio::spawn(async move {
                    let answer = link.ask_as(id, command.verb, command.limit).await;
                    in_flight.fetch_sub(1, Ordering::SeqCst);
                    answered.notify_one();
                    observer.observe(&name, level, command.actor, answer)
                })
            });
            let tasks = tasks.collect();
            steps.push(Running { path, name, action: action_of(&inner.value), deed: deed_of(&inner.value), tasks });
        }
        self.groups.running.insert(together.name.value.clone(), Group { from, begun, parked_before, in_flight, steps });
    }

    pub(crate) async fn parked(&mut self, path: StepPath, name: String, parked: &Parked) -> Result<(), Stopped> {
        let of = parked.of.as_ref().map(|of| of.value.as_str());
        let found = self.settle(of).await;
        let windows = Windows::empty_at(self.realm.next_sequence());
        self.record(path, name, format!("{found} parked"), vec![], windows, RecordKind::Parked(found));
        Ok(())
    }

    /// Waits until as many requests are parked as commands are in flight, or until no more arrive.
    ///
    /// That only makes requests overlap; how many there were is judged from the journal after the `join`.
    async fn settle(&self, of: Option<&str>) -> usize {
        let before = of.and_then(|of| self.groups.running.get(of)).map_or(0, |group| group.parked_before);
        let mut found = 0;
        while found < self.in_flight(of) {
            // Where one is parked already, those of this group may wait for its answer and never come.
            let limit = if found + before == 0 { FIRST_PARKED } else { self.settle };
            tokio::select! {
                parked = timeout(limit, self.realm.wait_for_parked(before + found + 1)) => match parked {
                    Ok(parked) => found = parked.len().saturating_sub(before).max(found),
                    Err(_) => break,
                },
                // One command less that could be parked.
                () = self.groups.answered.notified() => {}
            }
        }
        found
    }

    fn in_flight(&self, of: Option<&str>) -> usize {
        let chosen = self.groups.running.iter().filter(|(name, _)| of.is_none_or(|of| of == name.as_str()));
        chosen.map(|(_, group)| group.in_flight.load(Ordering::SeqCst)).sum()
    }

    pub(crate) async fn release(&mut self, path: StepPath, name: String, order: &Order) -> Result<(), Stopped> {
        let parked = self.realm.parked();
        let chosen: Vec<Sequence> = match order {
            Order::FirstFirst => parked,
            Order::LastFirst => parked.into_iter().rev().collect(),
            Order::Exactly(numbers) => numbers.iter().filter_map(|number| parked.get(number - 1).copied()).collect(),
        };
        for sequence in &chosen {
            // One whose client has left in the meantime is gone, and that is what the journal says.
            drop(self.realm.release(*sequence));
            drop(timeout(RELEASED, self.realm.wait_for_answer(*sequence)).await);
        }
        self.silent(path, name, format!("release {}", chosen.len()));
        Ok(())
    }

    pub(crate) async fn join(&mut self, path: StepPath, name: String, join: &Join) -> Result<(), Stopped> {
        let of = &join.of.value;
        let missing = || Ending::Broken { step: name.clone(), reason: format!("no group `{of}` is running") };
        let mut group = self.groups.running.remove(of).ok_or_else(missing)?;
        let mut all = vec![];
        for step in &mut group.steps {
            let own = self.joined(&name, join, step).await?;
            all.extend(own.clone());
            let next = Windows::empty_at(self.realm.next_sequence());
            self.deed = step.deed.clone();
            self.record(step.path, step.name.clone(), step.action.clone(), own, next, RecordKind::Inside);
        }
        self.cursor = self.realm.next_sequence();
        let windows = Windows { wire: (group.from, self.cursor), during: (group.begun, self.cursor) };
        self.in_time(&name)?;
        self.deed = Deed::Group;
        self.record(path, name, format!("all of {of} are back"), all, windows, RecordKind::Asked);
        Ok(())
    }

    async fn joined(&self, name: &str, join: &Join, step: &mut Running) -> Result<Vec<Observation>, Stopped> {
        let limit = limit(join.within);
        let hang = || Ending::Hang {
            step: name.to_owned(),
            reason: format!("{} has not ended within {} s", step.name, limit.as_secs_f64()),
            level: join.level.unwrap_or(self.scenario.level),
        };
        let mut own = vec![];
        for task in std::mem::take(&mut step.tasks) {
            let joined = timeout(limit, task).await.map_err(|_| hang())?;
            own.push(joined.unwrap_or_else(|_| Err(Ending::Crash { step: step.name.clone() }))?);
        }
        Ok(own)
    }
}
