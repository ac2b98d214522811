//! A scenario as types that cannot be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use adapter_protocol::{Capability, Chunk, Deliver, Fate, JarKind, Keep};
use mock_provider::policy::PolicyPatch;
use mock_provider::profile::ProfileName;
use mock_provider::quirks::QuirksPatch;
use mock_provider::{Consent, Event, HoldSpec, Label, Lifetime, ReplySpec};
use schemars::JsonSchema;
use serde::de::{self, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize};

use crate::always::Invariant;
use crate::scenario::decode::Spanned;
use crate::scenario::expect::{Expect, Finally, SessionExpect};
use crate::scenario::matcher::Leaf;
use crate::scenario::shapes::{Shaped, shaped};
use crate::scenario::time_expr::TimeExpr;

/// The version of the format that this crate reads.
pub const FORMAT: u32 = 1;

/// How binding a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Behaviours differ legitimately; recorded only.
    May,
    /// Good clients do it; a warning.
    Should,
    /// A specification or the callbacks' own contract demands it.
    Must,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::May => "MAY",
            Self::Should => "SHOULD",
            Self::Must => "MUST",
        })
    }
}

/// One scenario: parameters filled in, one row, one variant.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The version of the format.
    pub regrant: Spanned<u32>,
    /// Where the file lies; stable for ever.
    pub id: Spanned<String>,
    /// One line.
    pub title: String,
    /// One paragraph that needs no prior reading.
    pub why: String,
    /// The default level of the checks.
    pub level: Level,
    /// Keys of `refs.yaml`.
    pub refs: Vec<Spanned<String>>,
    /// Words to select by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What the target has to claim.
    pub needs: Vec<Spanned<Capability>>,
    /// How the provider starts.
    #[serde(default)]
    pub provider: ProviderSetup,
    /// Named expectations of a session.
    #[serde(default)]
    pub outcomes: BTreeMap<String, Spanned<SessionExpect>>,
    /// What happens.
    pub steps: Vec<Spanned<Step>>,
    /// What holds at the end.
    #[serde(default)]
    pub finally: Finally,
    /// Invariants that are judged besides, each at its own level.
    #[serde(default)]
    pub always: Vec<Spanned<Invariant>>,
}

impl Scenario {
    /// What a target has to claim for a run on the virtual clock: what the scenario needs, and a clock that can be set
    /// where a step moves it.
    pub fn requires(&self) -> BTreeSet<Capability> {
        let moves = self.steps.iter().any(|step| matches!(step.value, Step::Clock(_)));
        self.needs.iter().map(|need| need.value).chain(moves.then_some(Capability::ClockSet)).collect()
    }

    /// A scenario in which nothing is written down yet, at a provider with these users.
    pub(crate) fn for_users(users: &[&str]) -> Self {
        let spanned = |user: &&str| Spanned { value: (*user).to_owned(), span: crate::scenario::node::Span::default() };
        let provider = ProviderSetup { users: users.iter().map(spanned).collect(), ..ProviderSetup::default() };
        Self { provider, ..Self::empty() }
    }

    /// A scenario in which nothing happens, for the handshake.
    pub(crate) fn empty() -> Self {
        let text = |value: &str| Spanned { value: value.to_owned(), span: crate::scenario::node::Span::default() };
        Self {
            regrant: Spanned { value: FORMAT, span: crate::scenario::node::Span::default() },
            id: text("handshake"),
            title: String::new(),
            why: String::new(),
            level: Level::Must,
            refs: vec![],
            tags: vec![],
            needs: vec![],
            provider: ProviderSetup::default(),
            outcomes: BTreeMap::new(),
            steps: vec![],
            finally: Finally::default(),
            always: vec![],
        }
    }
}

/// How the provider starts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSetup {
    /// A ready-made policy.
    pub profile: ProfileName,
    /// The users' names; `ada` has the subject `u-ada`.
    pub users: Vec<Spanned<String>>,
    /// Changes of the policy.
    pub tokens: PolicyPatch,
    /// Changes of the provider's switches.
    pub quirks: QuirksPatch,
}

/// One verb.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The actor signs in as the user.
    SignIn(SignIn),
    /// Reads the session.
    Session(ReadSession),
    /// Calls the protected resource.
    Api(CallApi),
    /// Signs out.
    SignOut(SignOut),
    /// Makes a second actor.
    Second(Second),
    /// Moves both clocks.
    Clock(TimeExpr),
    /// Moves the application's clock alone.
    ClientClock(TimeExpr),
    /// Changes the provider.
    Provider(Change),
    /// Starts steps and goes on.
    Together(Together),
    /// Waits until started steps are parked.
    Parked(Parked),
    /// Lets parked requests go.
    Release(Release),
    /// Waits for started steps.
    Join(Join),
    /// Gives up a started step, as a browser that leaves the page does.
    Cancel(Cancel),
    /// Delivers or loses a cookie that was kept back.
    Deliver(DeliverStep),
    /// Loses a chunk of the session cookie.
    LoseChunk(LoseChunk),
    /// Restarts the application.
    Restart(Restart),
    /// Says something.
    Note(String),
}

macro_rules! observed_step {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)*
            /// The name of the step.
            #[serde(default, rename = "as")]
            pub name: Option<Spanned<String>>,
            /// What is expected.
            #[serde(default)]
            pub expect: Expect,
            /// Real time for the step; ten seconds when absent.
            #[serde(default)]
            pub within: Option<Lifetime>,
            /// The level of its checks.
            #[serde(default)]
            pub level: Option<Level>,
        }
    };
}

observed_step! {
    /// The actor signs in as the user.
    SignIn {
        /// Who sits at the browser, by name.
        user: Spanned<String>,
        /// Whose browser; the user's own when absent.
        #[serde(default)]
        actor: Option<Spanned<String>>,
    }
}

observed_step! {
    /// Reads the session.
    ReadSession {
        /// Whose browser.
        actor: Spanned<String>,
        /// How often, one after the other; at once inside a `together`.
        #[serde(default)]
        repeat: Option<u32>,
        /// Whether the new cookie reaches the browser at once.
        #[serde(default)]
        deliver: Deliver,
    }
}

observed_step! {
    /// Calls the protected resource with the session's access token.
    CallApi {
        /// Whose browser.
        actor: Spanned<String>,
        /// How often.
        #[serde(default)]
        repeat: Option<u32>,
    }
}

observed_step! {
    /// Signs out.
    SignOut {
        /// Whose browser.
        actor: Spanned<String>,
    }
}

observed_step! {
    /// Waits for started steps.
    Join {
        /// The `as` of the `together`.
        of: Spanned<String>,
    }
}

/// Makes a second actor.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// The first.
    pub of: Spanned<String>,
    /// The second.
    pub actor: Spanned<String>,
    /// What they share.
    pub kind: JarKind,
}

/// Starts steps and goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Together {
    /// The name for `parked` and `join`.
    #[serde(rename = "as")]
    pub name: Spanned<String>,
    /// The steps: `session`, `api`, `sign_in` and `sign_out`.
    #[serde(rename = "do")]
    pub steps: Vec<Spanned<Step>>,
}

/// Waits until started steps are parked or wait for one another.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parked {
    /// The `as` of the `together`; of all when absent.
    #[serde(default)]
    pub of: Option<Spanned<String>>,
    /// The name of the step.
    #[serde(default, rename = "as")]
    pub name: Option<Spanned<String>>,
    /// How many requests are parked.
    #[serde(default)]
    pub count: Option<Leaf>,
}

/// Lets parked requests go.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// In which order.
    pub order: Order,
}

/// The order in which parked requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The first to arrive goes first.
    FirstFirst,
    /// The last to arrive goes first.
    LastFirst,
    /// These, counted from 1 in order of arrival; the rest stay.
    Exactly(Vec<usize>),
}

/// Gives up a started step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// The `as` of the step inside its `together`.
    pub of: Spanned<String>,
}

/// Delivers or loses a cookie that was kept back.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliverStep {
    /// The `as` of the step that kept it back.
    pub of: Spanned<String>,
    /// What becomes of it.
    pub fate: Fate,
}

/// Loses a chunk of a session cookie that is kept in several, as Auth.js and nextjs-auth0 keep a long one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoseChunk {
    /// Whose browser.
    pub actor: Spanned<String>,
    /// Which of them.
    pub chunk: Chunk,
    /// What happens where the session fits into one cookie.
    #[serde(default)]
    pub when_whole: WhenWhole,
}

/// What happens where there are no chunks to lose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenWhole {
    /// The case is blocked: it can show nothing.
    #[default]
    Blocked,
    /// It goes on, and nothing is lost.
    GoOn,
}

/// Restarts the application.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// What survives on the server's side.
    pub keep: Keep,
}

/// A change of the provider.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The user takes the grant back.
    Revoke(Label),
    /// The token ends now.
    Expire(Label),
    /// Other life rules.
    Tokens(PolicyPatch),
    /// A scripted reply.
    Reply(Box<ReplySpec>),
    /// Requests wait.
    Hold(Box<HoldSpec>),
    /// Lets something happen to users or clients on the provider's side.
    Event(Event),
    /// Flips switches of the provider.
    Quirks(QuirksPatch),
    /// How the user decides.
    Consent(Consent),
    /// New requests pass.
    LiftHolds,
    /// All scripted replies are forgotten.
    Honest,
    /// A new signing key.
    RotateKeys,
}

impl Shaped for Order {
    const EXPECTED: &'static str = "`first_first`, `last_first` or a list of numbers";

    fn from_word<E: de::Error>(word: &str) -> Result<Self, E> {
        match word {
            "first_first" => Ok(Self::FirstFirst),
            "last_first" => Ok(Self::LastFirst),
            _ => Err(E::unknown_variant(word, &["first_first", "last_first"])),
        }
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let numbers: Vec<usize> = Vec::deserialize(de::value::SeqAccessDeserializer::new(list))?;
        if numbers.contains(&0) {
            return Err(de::Error::custom("parked requests are counted from 1"));
        }
        Ok(Self::Exactly(numbers))
    }
}

shaped!(Order, |_| schemars::json_schema!({"anyOf": [
    {"enum": ["first_first", "last_first"]},
    {"type": "string", "pattern": "^\\$"},
    {"type": "array", "items": {"type": "integer", "minimum": 1}},
]}));
