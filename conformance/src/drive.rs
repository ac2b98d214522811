//! Drives a target through a case, step by step, and writes down what happens. Decides nothing.

mod group;
mod observe;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adapter_protocol::{
    Answer, Capability, ClientRegistration, Endpoints, Fate, HelloAnswer, Name, ProviderInfo, Start, Verb,
};
use mock_provider::{Client, Endpoint, Lifetime, RealmHandle, Sequence, Timestamp, User};

use crate::drive::group::Groups;
use crate::drive::observe::Observer;
use crate::history::{Ending, History, Leak, LeakPlace, Observation, RecordKind, StepPath, StepRecord};
use crate::leaks;
use crate::link::{Link, LinkError};
use crate::scenario::model::{Change, Level, Scenario, Step};
use crate::scenario::time_expr::{Anchor, TimeExpr};

/// The scopes that every case asks for.
pub const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// Real time for a step that names none.
const STEP_LIMIT: Duration = Duration::from_secs(10);

/// Drives a target through a case.
#[expect(missing_debug_implementations, reason = "it lives for one call and holds channels")]
pub struct Driver<'a> {
    scenario: &'a Scenario,
    link: Arc<Link>,
    realm: RealmHandle,
    observer: Arc<Observer>,
    start: Timestamp,
    /// How far the application's clock is ahead of the provider's, in milliseconds.
    ahead_ms: i64,
    cursor: Sequence,
    groups: Groups,
    /// The number of the last request of each step, for those that speak of it later.
    requests: BTreeMap<String, u64>,
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
    pub fn new(scenario: &'a Scenario, link: Link, realm: RealmHandle, hello: &HelloAnswer) -> Self {
        let setup = &scenario.provider;
        realm.follow(setup.profile.profile());
        realm.change_policy(&setup.tokens);
        realm.change_quirks(&setup.quirks);
        for user in &setup.users {
            realm.put_user(User::named(&format!("u-{}", user.value), &user.value));
        }
        let observer = Arc::new(Observer::new(realm.clone(), hello.errors.clone()));
        let (start, cursor) = (realm.now(), realm.next_sequence());
        Self {
            scenario,
            link: Arc::new(link),
            realm,
            observer,
            start,
            ahead_ms: 0,
            cursor,
            groups: Groups::default(),
            requests: BTreeMap::new(),
            steps: vec![],
        }
    }

    /// Runs the case to its end, or to where it stops, and gives what happened.
    pub async fn run(mut self, case: &str, claims: BTreeSet<Capability>) -> History {
        let mut ended = self.all_steps(case).await.err();
        let gone = matches!(ended, Some(Ending::Crash { .. } | Ending::Broken { .. }));
        let log = if claims.contains(&Capability::Logs) && !gone { self.log().await } else { Ok(String::new()) };
        let log = log.unwrap_or_else(|blocked| {
            ended.get_or_insert(blocked);
            String::new()
        });
        if ended.is_none() {
            drop(self.link.ask(Verb::Stop {}, STEP_LIMIT).await);
        }
        self.history(ended, &log, claims)
    }

    /// Sets the target's clock to two instants an hour apart and asks back. No expiry is believed without this.
    pub(crate) async fn prove_clock(link: Link, realm: RealmHandle, hello: &HelloAnswer) -> Result<bool, Ending> {
        let scenario = Scenario::empty();
        let driver = Driver::new(&scenario, link, realm, hello);
        driver.command("start", Verb::Start(Box::new(driver.start_message("clock-probe")))).await?;
        for now_ms in [driver.start.as_millis(), driver.start.as_millis() + 3_600_000] {
            let answer = driver
                .link
                .ask(Verb::Clock { now_ms }, STEP_LIMIT)
                .await
                .map_err(|error| ending_of("clock", Level::Must, error))?;
            let Answer::Ok(members) = answer else { return Ok(false) };
            if members.get("now_ms").and_then(serde_json::Value::as_i64) != Some(now_ms) {
                return Ok(false);
            }
        }
        Ok(true)
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
        }
    }

    async fn step(&mut self, index: usize, step: &Step) -> Result<(), Stopped> {
        let path = StepPath { outer: index, inner: None };
        let name = name_of(step).unwrap_or_else(|| format!("step-{}", index + 1));
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
        let mut observations = vec![];
        for command in commands(step, &self.realm) {
            let id = self.link.reserve();
            self.requests.insert(name.clone(), id);
            let answer = self.link.ask_as(id, command.verb, command.limit).await;
            observations.push(self.observer.observe(&name, level, command.actor, answer)?);
        }
        self.cursor = self.realm.next_sequence();
        let windows = Windows { wire: (from, self.cursor), during: (begun, self.cursor) };
        self.record(path, name, action_of(step), observations, windows, RecordKind::Asked);
        Ok(())
    }

    fn choose_user(&self, name: &str, step: &Step) -> Result<(), Stopped> {
        let Step::SignIn(sign_in) = step else { return Ok(()) };
        let broken =
            |error: mock_provider::RealmError| Ending::Broken { step: name.to_owned(), reason: error.to_string() };
        self.realm.sign_in_as(&format!("u-{}", sign_in.user.value)).map_err(broken)
    }

    /// A command whose answer shows nothing.
    async fn command(&self, name: &str, verb: Verb) -> Result<(), Stopped> {
        let answer = self.link.ask(verb, STEP_LIMIT).await;
        self.observer.observe(name, Level::Must, String::new(), answer).map(drop)
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
            Ok(Answer::Threw { .. } | Answer::No { .. } | Answer::Broken { .. }) => {
                Err(blocked("the log was not given".to_owned()))
            }
            Err(error) => Err(blocked(error.to_string())),
        }
    }

    // --- time and the provider ---

    async fn move_clocks(&mut self, path: StepPath, name: String, time: &TimeExpr) -> Result<(), Stopped> {
        let to = self.resolve(&name, time, self.realm.now())?;
        self.realm.set_clock(to);
        self.set_client_clock(&name).await?;
        self.silent(path, name, format!("clock to {time}"));
        Ok(())
    }

    async fn move_client_clock(&mut self, path: StepPath, name: String, time: &TimeExpr) -> Result<(), Stopped> {
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
                realm.change_policy(patch);
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
        self.steps.push(StepRecord { path, name, action, at: self.realm.now(), observations, wire, during, kind });
    }

    fn history(self, ended: Option<Ending>, log: &str, claims: BTreeSet<Capability>) -> History {
        let secrets = self.realm.secrets();
        let mut leaks = self.observer.leaks(&secrets);
        leaks.extend(leaks::found_in(log, &secrets).into_iter().map(|secret| Leak { secret, place: LeakPlace::Log }));
        History {
            steps: self.steps,
            journal: self.realm.journal(0),
            counters: self.realm.counters(),
            leaks,
            claims,
            start: self.start,
            ended,
        }
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

fn change_words(change: &Change) -> String {
    match change {
        Change::Revoke(label) => format!("revoke {label}"),
        Change::Expire(label) => format!("expire {label}"),
        Change::Tokens(_) => "other life rules".to_owned(),
        Change::Reply(reply) => format!("{} scripted for {:?}", times(reply.times), reply.to).to_lowercase(),
        Change::Hold(hold) => format!("hold {:?}", hold.to).to_lowercase(),
        Change::Event(event) => format!("{event:?}").to_lowercase(),
        Change::Quirks(_) => "other switches".to_owned(),
        Change::Consent(consent) => format!("consent {consent:?}").to_lowercase(),
        Change::LiftHolds => "lift holds".to_owned(),
        Change::Honest => "honest again".to_owned(),
        Change::RotateKeys => "rotate keys".to_owned(),
    }
}

fn times(count: Option<u32>) -> String {
    match count {
        None | Some(1) => "one reply".to_owned(),
        Some(count) => format!("{count} replies"),
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
