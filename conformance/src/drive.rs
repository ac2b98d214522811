//! Drives a target through a case, step by step, and writes down what happens. Decides nothing.

mod change_words;
mod group;
mod lost_chunk;
mod observe;
mod real_time;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adapter_process::{Mark, shown};
use adapter_protocol::{
    Answer, Capability, ClientRegistration, ClockMode, Deliver, Endpoints, Fate, Name, ProviderInfo, Start, Verb,
};
use mock_provider::{Client, Endpoint, Entry, Label, Lifetime, RealmHandle, Sequence, Timestamp, User};

use crate::drive::change_words::change_words;
use crate::drive::group::Groups;
use crate::drive::observe::Observer;
use crate::history::{
    Deed, Ending, History, Leak, LeakPlace, Observation, RecordKind, Seen, SessionSeen, StepPath, StepRecord,
};
use crate::leaks;
use crate::link::{Link, LinkError, Target};
use crate::pool::Seat;
use crate::scenario::model::{Change, Level, Scenario, Step};
use crate::scenario::time_expr::{Anchor, TimeExpr};
use crate::uptime::Stopwatch;

/// The scopes that every case asks for.
pub(crate) const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// Lines of a process's output that are kept as evidence.
const OUTPUT_LINES: usize = 30;

/// How far a clock that is moved from outside may be from where it was put, in milliseconds.
const RESOLUTION_MS: i64 = 1_000;

/// Real time for a step that names none.
const STEP_LIMIT: Duration = Duration::from_secs(10);

/// What a case is driven with.
#[derive(Clone, Debug)]
pub(crate) struct Rig {
    /// The connection.
    pub(crate) seat: Seat,
    /// The provider of this case.
    pub(crate) realm: RealmHandle,
    /// Who moves the application's clock.
    pub(crate) clock: ClockMode,
    /// Real time without a new arrival after which no further request is waited for.
    pub(crate) settle: Duration,
    /// Real time for the application to start.
    pub(crate) start_limit: Duration,
}

impl Rig {
    /// What a case of this target needs, with a realm of its own.
    pub(crate) fn new(seat: Seat, realm: RealmHandle, target: &dyn Target, settle: Duration) -> Self {
        let start_limit = target.start_limit().max(STEP_LIMIT);
        Self { seat, realm, clock: target.clock(), settle, start_limit }
    }
}

/// Gives the next steps of a case that is made up as it goes on; none where it is over.
pub(crate) type Next<'n> = dyn FnMut(&RealmHandle) -> Option<Vec<Step>> + Send + 'n;

/// Drives a target through a case.
pub(crate) struct Driver<'a> {
    scenario: &'a Scenario,
    link: Arc<Link>,
    printed: Mark,
    clock: ClockMode,
    settle: Duration,
    start_limit: Duration,
    /// When the clock was last moved.
    moved: Timestamp,
    realm: RealmHandle,
    observer: Arc<Observer>,
    start: Timestamp,
    /// How far the application's clock is ahead of the provider's, in milliseconds.
    ahead_ms: i64,
    cursor: Sequence,
    groups: Groups,
    /// The number of the last request of each step, for those that speak of it later.
    requests: BTreeMap<String, u64>,
    /// What the step in progress does.
    deed: Deed,
    steps: Vec<StepRecord>,
}

/// A step did not come to its end.
pub(crate) type Stopped = Ending;

/// The requests that count for a step.
#[derive(Clone, Copy)]
struct Windows {
    wire: (Sequence, Sequence),
    during: (Sequence, Sequence),
}

impl Windows {
    const fn empty_at(next: Sequence) -> Self {
        Self { wire: (next, next), during: (next, next) }
    }
}

/// A command to the target, ready to be sent.
struct Command {
    actor: Name,
    verb: Verb,
    limit: Duration,
}

impl<'a> Driver<'a> {
    /// Prepares a realm and a target that has said hello.
    pub(crate) fn new(scenario: &'a Scenario, rig: &Rig) -> Self {
        let setup = &scenario.provider;
        let (link, realm) = (Arc::clone(&rig.seat.link), rig.realm.clone());
        realm.follow(setup.profile.profile());
        match rig.clock {
            ClockMode::Real => realm.change_policy(&real_time::first_policy(&setup.tokens)),
            ClockMode::Set | ClockMode::Outside => realm.change_policy(&setup.tokens),
        }
        realm.change_quirks(&setup.quirks);
        for user in &setup.users {
            realm.put_user(User::named(&format!("u-{}", user.value), &user.value));
        }
        let observer = Arc::new(Observer::new(realm.clone(), rig.seat.hello.errors.clone()));
        let (start, cursor) = (realm.now(), realm.next_sequence());
        Self {
            scenario,
            printed: link.output().map(|output| output.mark()).unwrap_or_default(),
            clock: rig.clock,
            settle: rig.settle,
            start_limit: rig.start_limit,
            moved: start,
            link,
            realm,
            observer,
            start,
            ahead_ms: 0,
            cursor,
            groups: Groups::default(),
            requests: BTreeMap::new(),
            deed: Deed::Other,
            steps: vec![],
        }
    }

    /// Runs the case to its end, or to where it stops, and gives what happened.
    pub(crate) async fn run(mut self, case: &str, claims: BTreeSet<Capability>) -> History {
        let ended = self.all_steps(case).await.err();
        self.end(ended, claims).await
    }

    /// Runs a case that is made up as it goes on: each time some steps have been carried out, the next are asked for.
    pub(crate) async fn improvise(mut self, case: &str, claims: BTreeSet<Capability>, next: &mut Next<'_>) -> History {
        let ended = self.improvised(case, next).await.err();
        self.end(ended, claims).await
    }

    async fn improvised(&mut self, case: &str, next: &mut Next<'_>) -> Result<(), Stopped> {
        let start = Verb::Start(Box::new(self.start_message(case)));
        self.command("start", start).await?;
        let mut index = 0;
        while let Some(steps) = next(&self.realm) {
            for step in steps {
                self.step(index, &step).await?;
                index += 1;
            }
        }
        Ok(())
    }

    async fn end(self, mut ended: Option<Ending>, claims: BTreeSet<Capability>) -> History {
        let gone = matches!(ended, Some(Ending::Crash { .. } | Ending::Broken { .. } | Ending::Hang { .. }));
        let log = if claims.contains(&Capability::Logs) && !gone { self.log().await } else { Ok(String::new()) };
        let log = log.unwrap_or_else(|blocked| {
            ended.get_or_insert(blocked);
            String::new()
        });
        if ended.is_none() {
            ended = self.stop().await.err();
        }
        let (printed, whole) = self.printed().await;
        if let Some(Ending::Crash { step }) = &mut ended {
            step.push_str(&self.link.ended().map(|status| format!(" ({status})")).unwrap_or_default());
        }
        if !whole && ended.is_none() && claims.contains(&Capability::Logs) {
            let reason = "it printed more than can be searched for secrets".to_owned();
            ended = Some(Ending::Blocked { step: "logs".to_owned(), reason });
        }
        self.history(ended, &(log + &printed), &printed, claims)
    }

    async fn stop(&self) -> Result<(), Stopped> {
        self.command("stop", Verb::Stop {}).await
    }

    /// What the target's process printed in this case, and whether that is all of it.
    async fn printed(&self) -> (String, bool) {
        let Some(output) = self.link.output() else { return (String::new(), true) };
        output.quiet().await;
        output.since(self.printed)
    }

    /// Sets the target's clock to two instants an hour apart and asks back. No expiry is believed without this.
    pub(crate) async fn prove_clock(self) -> Result<(), Ending> {
        self.command("start", Verb::Start(Box::new(self.start_message("clock-probe")))).await?;
        for now_ms in [self.start.as_millis(), self.start.as_millis() + 3_600_000] {
            let answer = self.link.ask(Verb::Clock { now_ms }, STEP_LIMIT).await;
            let shown = match answer.map_err(|error| ending_of("clock", Level::Must, error))? {
                Answer::Ok(members) => members.get("now_ms").and_then(serde_json::Value::as_i64).ok_or(None),
                Answer::Threw { message: said }
                | Answer::No { reason: said }
                | Answer::Broken { message: said }
                | Answer::Unknown { message: said } => Err(Some(said)),
            };
            let shown = match shown {
                Ok(shown) if self.is_close(shown, now_ms) => continue,
                Ok(shown) => shown.to_string(),
                Err(said) => said.map_or_else(|| "nothing".to_owned(), |said| format!("nothing and says: {said}")),
            };
            let reason = format!("its clock does not show what it was set to: set to {now_ms}, it shows {shown}");
            return Err(Ending::Broken { step: "clock".to_owned(), reason });
        }
        self.stop().await
    }

    /// Begins a case and reads the session of somebody who has never been here.
    pub(crate) async fn first_look(self, actor: &str) -> Result<SessionSeen, Ending> {
        self.command("start", Verb::Start(Box::new(self.start_message("second")))).await?;
        let verb = Verb::Session { actor: actor.to_owned(), deliver: Deliver::Now };
        let answer = self.link.ask(verb, STEP_LIMIT).await;
        let seen = self.observer.observe("session", Level::Must, actor.to_owned(), answer)?.seen;
        self.stop().await?;
        let broken = |reason: String| Ending::Broken { step: "session".to_owned(), reason };
        seen.session().cloned().ok_or_else(|| broken(format!("it shows no session: {}", seen.words())))
    }

    const fn is_close(&self, shown: i64, set: i64) -> bool {
        match self.clock {
            ClockMode::Set => shown == set,
            ClockMode::Outside | ClockMode::Real => (shown - set).abs() < RESOLUTION_MS,
        }
    }

    async fn all_steps(&mut self, case: &str) -> Result<(), Stopped> {
        let start = Verb::Start(Box::new(self.start_message(case)));
        self.command("start", start).await?;
        let scenario = self.scenario;
        for (index, step) in scenario.steps.iter().enumerate() {
            self.step(index, &step.value).await?;
        }
        Ok(())
    }

    fn start_message(&self, case: &str) -> Start {
        let base = self.realm.issuer();
        let url = |endpoint: Endpoint| format!("{base}{}", endpoint.path());
        let client: Option<Client> = self.realm.clients().into_iter().next();
        let registration = client.map(|client| ClientRegistration {
            id: client.id.clone(),
            secret: client.secret.as_ref().map(|secret| secret.expose().to_owned()).unwrap_or_default(),
        });
        Start {
            case: case.to_owned(),
            provider: ProviderInfo {
                endpoints: Endpoints {
                    authorization: url(Endpoint::Authorize),
                    token: url(Endpoint::Token),
                    jwks: url(Endpoint::Jwks),
                    userinfo: url(Endpoint::Userinfo),
                    revocation: url(Endpoint::Revoke),
                },
                client: registration.unwrap_or(ClientRegistration { id: String::new(), secret: String::new() }),
                issuer: base.clone(),
            },
            scopes: SCOPES.map(str::to_owned).to_vec(),
            now_ms: self.start.as_millis(),
            clock: self.clock,
        }
    }

    async fn step(&mut self, index: usize, step: &Step) -> Result<(), Stopped> {
        let path = StepPath { outer: index, inner: None };
        let name = name_of(step).unwrap_or_else(|| format!("step-{}", index + 1));
        self.deed = deed_of(step);
        match step {
            Step::SignIn(_) | Step::Session(_) | Step::Api(_) | Step::SignOut(_) => self.asked(path, name, step).await,
            Step::Together(together) => {
                self.start_group(index, together);
                self.silent(path, name, format!("start {} at once", together.steps.len()));
                Ok(())
            }
            Step::Parked(parked) => self.parked(path, name, parked).await,
            Step::Release(release) => self.release(path, name, &release.order).await,
            Step::Join(join) => self.join(path, name, join).await,
            Step::Second(second) => {
                let (of, actor, kind) = (second.of.value.clone(), second.actor.value.clone(), second.kind);
                self.command(&name, Verb::Second { of, actor, kind }).await?;
                self.silent(path, name, format!("{} beside {}", second.actor.value, second.of.value));
                Ok(())
            }
            Step::Clock(time) => self.move_clocks(path, name, time).await,
            Step::ClientClock(time) => self.move_client_clock(path, name, time).await,
            Step::Provider(change) => {
                self.change(&name, change)?;
                self.silent(path, name, format!("provider: {}", change_words(change)));
                Ok(())
            }
            Step::Cancel(cancel) => {
                let of = &cancel.of.value;
                let missing = || Ending::Broken { step: name.clone(), reason: format!("no step `{of}` is running") };
                let id = *self.requests.get(of).ok_or_else(missing)?;
                self.command(&name, Verb::Cancel { of: id }).await?;
                self.silent(path, name, format!("{of} leaves"));
                Ok(())
            }
            Step::Deliver(deliver) => self.deliver(path, name, &deliver.of.value, deliver.fate).await,
            Step::LoseChunk(lose) => self.lose_chunk(path, name, lose).await,
            Step::Restart(restart) => {
                self.command(&name, Verb::Restart { keep: restart.keep }).await?;
                self.silent(path, name, "restart".to_owned());
                Ok(())
            }
            Step::Note(text) => {
                self.silent(path, name, text.clone());
                Ok(())
            }
        }
    }

    // --- asking the target ---

    /// A step that shows something, carried out and waited for.
    async fn asked(&mut self, path: StepPath, name: String, step: &Step) -> Result<(), Stopped> {
        self.choose_user(&name, step)?;
        let (from, begun) = (self.cursor, self.realm.next_sequence());
        let level = level_of(step).unwrap_or(self.scenario.level);
        let watch = Stopwatch::start();
        let mut observations = vec![];
        for command in commands(step, &self.realm) {
            let id = self.link.reserve();
            self.requests.insert(name.clone(), id);
            let answer = self.link.ask_as(id, command.verb, command.limit).await;
            observations.push(self.observer.observe(&name, level, command.actor, answer)?);
        }
        self.cursor = self.realm.next_sequence();
        let windows = Windows { wire: (from, self.cursor), during: (begun, self.cursor) };
        self.in_time(&name)?;
        self.record(path, name, action_of(step), observations, windows, RecordKind::Asked);
        self.steps.last_mut().into_iter().for_each(|step| step.took = watch.elapsed());
        Ok(())
    }

    /// In real time, whether what the scenario takes for valid still is.
    fn in_time(&self, name: &str) -> Result<(), Stopped> {
        match self.clock {
            ClockMode::Real => real_time::in_time(&self.realm, name, self.moved),
            ClockMode::Set | ClockMode::Outside => Ok(()),
        }
    }

    fn choose_user(&self, name: &str, step: &Step) -> Result<(), Stopped> {
        let Step::SignIn(sign_in) = step else { return Ok(()) };
        let broken =
            |error: mock_provider::RealmError| Ending::Broken { step: name.to_owned(), reason: error.to_string() };
        self.realm.sign_in_as(&format!("u-{}", sign_in.user.value)).map_err(broken)
    }

    /// A command whose answer shows nothing. An error of the application's is no observation here: the case cannot go on.
    async fn command(&self, name: &str, verb: Verb) -> Result<(), Stopped> {
        let limit = match verb {
            Verb::Start(_) | Verb::Restart { .. } => self.start_limit,
            _ => STEP_LIMIT,
        };
        let answer = self.link.ask(verb, limit).await;
        match self.observer.observe(name, Level::Must, String::new(), answer)?.seen {
            Seen::Threw(message) => {
                Err(Ending::Broken { step: name.to_owned(), reason: format!("it threw {message}") })
            }
            Seen::Session(_) | Seen::Api(..) | Seen::Done => Ok(()),
        }
    }

    async fn deliver(&mut self, path: StepPath, name: String, of: &str, fate: Fate) -> Result<(), Stopped> {
        let missing = || Ending::Broken { step: name.clone(), reason: format!("no cookie of `{of}` is kept back") };
        let id = self.requests.remove(of).ok_or_else(missing)?;
        self.command(&name, Verb::Deliver { of: id, fate }).await?;
        let word = if fate == Fate::Apply { "deliver" } else { "lose" };
        self.silent(path, name, format!("{word} the cookie of {of}"));
        Ok(())
    }

    /// The log; a target that claims one and does not give it is blocked, for nothing can be said about it.
    async fn log(&self) -> Result<String, Stopped> {
        let blocked = |reason: String| Ending::Blocked { step: "logs".to_owned(), reason };
        match self.link.ask(Verb::Logs {}, STEP_LIMIT).await {
            Ok(Answer::Ok(members)) => Ok(serde_json::Value::Object(members).to_string()),
            Ok(Answer::Threw { .. } | Answer::No { .. } | Answer::Broken { .. } | Answer::Unknown { .. }) => {
                Err(blocked("the log was not given".to_owned()))
            }
            Err(error) => Err(blocked(error.to_string())),
        }
    }

    // --- time and the provider ---

    async fn move_clocks(&mut self, path: StepPath, name: String, time: &TimeExpr) -> Result<(), Stopped> {
        let to = self.resolve(&name, time, self.realm.now())?;
        match self.clock {
            ClockMode::Real => real_time::reach(&self.realm, &name, time.from, to).await?,
            ClockMode::Set | ClockMode::Outside => {
                self.realm.set_clock(to);
                self.set_client_clock(&name).await?;
            }
        }
        self.moved = self.realm.now();
        self.silent(path, name, format!("clock to {time}"));
        Ok(())
    }

    async fn move_client_clock(&mut self, path: StepPath, name: String, time: &TimeExpr) -> Result<(), Stopped> {
        if self.clock == ClockMode::Real {
            let reason = "nobody can move the target's clock".to_owned();
            return Err(Ending::OutOfReach { step: name, reason });
        }
        let client_now = Timestamp::from_millis(self.realm.now().as_millis() + self.ahead_ms);
        let to = self.resolve(&name, time, client_now)?;
        self.ahead_ms = to.as_millis() - self.realm.now().as_millis();
        self.set_client_clock(&name).await?;
        self.silent(path, name, format!("the application's clock to {time}"));
        Ok(())
    }

    async fn set_client_clock(&self, name: &str) -> Result<(), Stopped> {
        let now_ms = self.realm.now().as_millis() + self.ahead_ms;
        self.command(name, Verb::Clock { now_ms }).await
    }

    fn resolve(&self, name: &str, time: &TimeExpr, now: Timestamp) -> Result<Timestamp, Stopped> {
        // A token that was never minted is the target's doing: it did not refresh. What went wrong shows in an earlier check.
        let blocked = |reason: String| Ending::Blocked { step: name.to_owned(), reason };
        let anchor = match time.from {
            Anchor::Now => now,
            Anchor::Start => self.start,
            Anchor::Expiry(label) => {
                let expiry = self.realm.expiry(label).map_err(|error| blocked(error.to_string()))?;
                expiry.ok_or_else(|| blocked(format!("{label} never ends by itself")))?
            }
        };
        Ok(time.offset.from(anchor))
    }

    fn change(&self, name: &str, change: &Change) -> Result<(), Stopped> {
        let realm = &self.realm;
        let outcome = match change {
            Change::Revoke(label) => realm.revoke(*label),
            Change::Expire(label) => realm.expire(*label),
            Change::Tokens(patch) => {
                match self.clock {
                    ClockMode::Real => realm.change_policy(&real_time::policy(patch)),
                    ClockMode::Set | ClockMode::Outside => realm.change_policy(patch),
                }
                Ok(())
            }
            Change::Reply(reply) => realm.script((**reply).clone()),
            Change::Hold(hold) => realm.hold((**hold).clone()),
            Change::Event(event) => realm.happen(event.clone()).map(drop),
            Change::Quirks(patch) => {
                realm.change_quirks(patch);
                Ok(())
            }
            Change::Consent(consent) => {
                realm.set_consent(*consent);
                Ok(())
            }
            Change::LiftHolds => {
                realm.lift_holds();
                Ok(())
            }
            Change::Honest => {
                realm.clear_script();
                Ok(())
            }
            Change::RotateKeys => {
                realm.rotate_keys();
                Ok(())
            }
        };
        outcome.map_err(|error| Ending::Blocked { step: name.to_owned(), reason: error.to_string() })
    }

    // --- writing down ---

    fn silent(&mut self, path: StepPath, name: String, action: String) {
        let next = self.realm.next_sequence();
        self.record(path, name, action, vec![], Windows::empty_at(next), RecordKind::Silent);
    }

    fn record(
        &mut self,
        path: StepPath,
        name: String,
        action: String,
        observations: Vec<Observation>,
        windows: Windows,
        kind: RecordKind,
    ) {
        let Windows { wire, during } = windows;
        let (at, took) = (self.realm.now(), Duration::ZERO);
        let deed = self.deed.clone();
        self.steps.push(StepRecord { path, name, deed, action, at, took, observations, wire, during, kind });
    }

    /// When those of the minted tokens end by themselves that do.
    fn expiries(&self, journal: &[Entry]) -> BTreeMap<Label, Timestamp> {
        let minted = journal.iter().flat_map(|entry| &entry.minted);
        minted.filter_map(|label| Some((*label, self.realm.expiry(*label).ok()??))).collect()
    }

    fn history(self, ended: Option<Ending>, log: &str, printed: &str, claims: BTreeSet<Capability>) -> History {
        let output = self.observer.clean_lines(printed, OUTPUT_LINES).iter().map(|line| shown(line)).collect();
        let secrets = self.realm.secrets();
        let mut leaks = self.observer.leaks(&secrets);
        leaks.extend(leaks::found_in(log, &secrets).into_iter().map(|secret| Leak { secret, place: LeakPlace::Log }));
        let journal = self.realm.journal(0);
        let expiries = self.expiries(&journal);
        History {
            steps: self.steps,
            journal,
            counters: self.realm.counters(),
            leaks,
            claims,
            start: self.start,
            expiries,
            output,
            ended,
        }
    }
}

/// What a step does, without what it expects.
fn deed_of(step: &Step) -> Deed {
    match step {
        Step::SignIn(step) => Deed::SignIn {
            actor: step.actor.as_ref().unwrap_or(&step.user).value.clone(),
            user: format!("u-{}", step.user.value),
        },
        // A cookie that is kept back leaves open what the browser knows from then on.
        Step::Session(step) if step.deliver == Deliver::Later => Deed::Disturbed,
        Step::Session(step) => Deed::Read { actor: step.actor.value.clone() },
        Step::Api(step) => Deed::Api { actor: step.actor.value.clone() },
        Step::SignOut(step) => Deed::SignOut { actor: step.actor.value.clone() },
        Step::Second(step) => {
            Deed::Second { of: step.of.value.clone(), actor: step.actor.value.clone(), kind: step.kind }
        }
        Step::Join(_) => Deed::Group,
        Step::Deliver(step) if step.fate == Fate::Apply => Deed::PutBack,
        Step::Cancel(_) | Step::Deliver(_) => Deed::Disturbed,
        // Until something is lost.
        Step::LoseChunk(_) => Deed::Other,
        Step::Clock(_) => Deed::Clock,
        Step::ClientClock(_) => Deed::ClientClock,
        Step::Restart(step) => Deed::Restart { keep: step.keep },
        Step::Together(_) => Deed::Begun,
        Step::Provider(Change::RotateKeys) => Deed::NewKeys,
        Step::Parked(_) | Step::Release(_) | Step::Provider(_) | Step::Note(_) => Deed::Other,
    }
}

fn limit(within: Option<Lifetime>) -> Duration {
    within.map_or(STEP_LIMIT, |within| within.0)
}

fn name_of(step: &Step) -> Option<String> {
    let name = match step {
        Step::SignIn(step) => &step.name,
        Step::Session(step) => &step.name,
        Step::Api(step) => &step.name,
        Step::SignOut(step) => &step.name,
        Step::Join(step) => &step.name,
        Step::Parked(step) => &step.name,
        Step::Together(step) => return Some(step.name.value.clone()),
        _ => &None,
    };
    name.as_ref().map(|name| name.value.clone())
}

fn level_of(step: &Step) -> Option<Level> {
    match step {
        Step::SignIn(step) => step.level,
        Step::Session(step) => step.level,
        Step::Api(step) => step.level,
        Step::SignOut(step) => step.level,
        Step::Join(step) => step.level,
        _ => None,
    }
}

/// The commands that a step stands for.
fn commands(step: &Step, realm: &RealmHandle) -> Vec<Command> {
    let command = |actor: &str, verb, within| Command { actor: actor.to_owned(), verb, limit: limit(within) };
    match step {
        Step::SignIn(step) => {
            let actor = step.actor.as_ref().unwrap_or(&step.user).value.clone();
            vec![command(&actor, Verb::SignIn { actor: actor.clone() }, step.within)]
        }
        Step::Session(step) => {
            let actor = &step.actor.value;
            let one = || command(actor, Verb::Session { actor: actor.clone(), deliver: step.deliver }, step.within);
            (0..step.repeat.unwrap_or(1)).map(|_| one()).collect()
        }
        Step::Api(step) => {
            let actor = &step.actor.value;
            let url = format!("{}{}", realm.issuer(), Endpoint::Resource.path());
            let one = || command(actor, Verb::Api { actor: actor.clone(), url: url.clone() }, step.within);
            (0..step.repeat.unwrap_or(1)).map(|_| one()).collect()
        }
        Step::SignOut(step) => {
            let actor = &step.actor.value;
            vec![command(actor, Verb::SignOut { actor: actor.clone() }, step.within)]
        }
        _ => vec![],
    }
}

fn action_of(step: &Step) -> String {
    match step {
        Step::SignIn(step) => format!("{} signs in", step.user.value),
        Step::Session(step) => match step.repeat {
            Some(times) => format!("{} reads the session {times} times", step.actor.value),
            None => format!("{} reads the session", step.actor.value),
        },
        Step::Api(step) => format!("{} calls the resource", step.actor.value),
        Step::SignOut(step) => format!("{} signs out", step.actor.value),
        _ => String::new(),
    }
}

/// What an answer that never came means.
fn ending_of(step: &str, level: Level, error: LinkError) -> Ending {
    let step = step.to_owned();
    match error {
        LinkError::TimedOut(_) => Ending::Hang { step, reason: error.to_string(), level },
        LinkError::Closed => Ending::Crash { step },
        LinkError::BadLine(reason) => Ending::Broken { step, reason },
    }
}
