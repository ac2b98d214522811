//! A scenario as types that cannot be wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use adapter_protocol::{Capability, Deliver, Fate, JarKind, Keep};
use mock_provider::policy::{PolicyPatch, Profile};
use mock_provider::{Consent, Endpoint, GrantType, HoldSpec, Label, Lifetime, ReplySpec};
use schemars::JsonSchema;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::scenario::decode::Spanned;
use crate::scenario::matcher::{Leaf, Matcher};
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
}

impl Scenario {
    /// What a target has to claim for a run on the virtual clock: what the scenario needs, and a clock that can be set
    /// where a step moves it.
    pub fn requires(&self) -> BTreeSet<Capability> {
        let moves = self.steps.iter().any(|step| matches!(step.value, Step::Clock(_)));
        self.needs.iter().map(|need| need.value).chain(moves.then_some(Capability::ClockSet)).collect()
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
        }
    }
}

/// How the provider starts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSetup {
    /// A ready-made policy.
    pub profile: Profile,
    /// The users' names; `ada` has the subject `u-ada`.
    pub users: Vec<Spanned<String>>,
    /// Changes of the policy.
    pub tokens: PolicyPatch,
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
    /// Restarts the application.
    Restart(Restart),
    /// Says something.
    Note(String),
}

/// What an observed step expects.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Of every session that the step shows.
    pub session: Option<SessionExpect>,
    /// The same, by the name that reads better on a `join`.
    pub each: Option<SessionExpect>,
    /// Any of these named expectations of a session.
    pub outcome: Option<Names>,
    /// Of the status that `api` got.
    pub status: Option<Leaf>,
    /// Of an exception of the target; absent unless said otherwise.
    pub threw: Option<Leaf>,
    /// Of what reached the provider.
    pub wire: Option<Wire>,
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
    Hold(HoldSpec),
    /// How the user decides.
    Consent(Consent),
    /// New requests pass.
    LiftHolds,
    /// All scripted replies are forgotten.
    Honest,
    /// A new signing key.
    RotateKeys,
}

/// What a session may look like.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionExpect {
    /// The first of these that fits counts.
    pub any_of: Option<Vec<Alternative>>,
    /// `active` or `signed_out`.
    pub state: Option<Leaf>,
    /// The user.
    pub subject: Option<Leaf>,
    /// `RefreshTokenError`.
    pub error: Option<Leaf>,
    /// The label of the access token that the application would use.
    pub access_token: Option<Leaf>,
    /// The level of these checks.
    pub level: Option<Level>,
}

/// One way a session may look, with a grade.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alternative {
    /// `active` or `signed_out`.
    pub state: Option<Leaf>,
    /// The user.
    pub subject: Option<Leaf>,
    /// `RefreshTokenError`.
    pub error: Option<Leaf>,
    /// The label of the access token.
    pub access_token: Option<Leaf>,
    /// What it is worth.
    pub grade: Grade,
    /// Why it is worth no more.
    pub because: Option<String>,
}

/// What an alternative is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// As good as any.
    #[default]
    Pass,
    /// Tolerable.
    Warn,
    /// Known to be wrong.
    Fail,
}

/// One name or several.
#[derive(Clone, Debug)]
pub struct Names(pub Vec<Spanned<String>>);

/// What reached the provider.
#[derive(Clone, Debug)]
pub enum Wire {
    /// Nothing. Written `none`.
    Nothing,
    /// Exactly these, in order. Written as a list.
    Exactly(Vec<Exchange>),
    /// So many of a kind. Written as a mapping.
    Count(Box<WireCount>),
}

/// So many of a kind.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WireCount {
    /// Of which kind.
    pub count: Exchange,
    /// How many.
    pub is: Matcher,
    /// The level of this check.
    #[serde(default)]
    pub level: Option<Level>,
    /// The name of this check.
    #[serde(default)]
    pub check: Option<String>,
}

/// A request and its answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Where it went.
    pub to: Endpoint,
    /// The grant type.
    #[serde(default)]
    pub grant: Option<GrantType>,
    /// The label of the token that was presented.
    #[serde(default)]
    pub token: Option<Leaf>,
    /// The answer: `"200"`, `400 invalid_grant`, `lost`, `abandoned`.
    #[serde(default)]
    pub got: Option<Leaf>,
    /// The labels of the tokens that were minted, without id_tokens.
    #[serde(default)]
    pub mints: Option<Vec<Label>>,
    /// How the client authenticated: `none`, `basic`, `post`, `both`.
    #[serde(default)]
    pub client_auth: Option<Leaf>,
    /// The HTTP method.
    #[serde(default)]
    pub method: Option<Leaf>,
    /// The content type, without parameters.
    #[serde(default)]
    pub content_type: Option<Leaf>,
    /// Parameters: harmless ones by value, tokens by label, others `present`.
    #[serde(default)]
    pub params: BTreeMap<String, Leaf>,
    /// The label of the bearer token, or `unknown`.
    #[serde(default)]
    pub bearer: Option<Leaf>,
    /// Whether it brought cookies: `true` or `false`.
    #[serde(default)]
    pub cookies: Option<Leaf>,
    /// How many parameters came more than once.
    #[serde(default)]
    pub repeated: Option<Leaf>,
}

/// What holds at the end.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Finally {
    /// The provider's counters.
    pub provider: CounterExpect,
    /// What reached the provider in the whole case.
    pub wire: Option<Wire>,
}

/// Expectations of the provider's counters.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CounterExpect {
    /// Families revoked for whatever reason.
    pub families_revoked: Option<Leaf>,
    /// Families revoked because a replaced token came back.
    pub reuse_detected: Option<Leaf>,
    /// Families that the live-token limit has evicted.
    pub families_evicted: Option<Leaf>,
}

/// Reads something that is a word, a list or a mapping; which of them it may be is up to the type.
struct Shapes<T>(std::marker::PhantomData<T>);

/// A type with several written shapes.
trait Shaped: Sized {
    const EXPECTED: &'static str;

    fn from_word<E: de::Error>(word: &str) -> Result<Self, E>;
    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error>;

    fn from_map<'de, A: MapAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(de::Error::custom(format_args!("expected {}, found a mapping", Self::EXPECTED)))
    }
}

impl<'de, T: Shaped> Visitor<'de> for Shapes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::from_map(members)
    }
}

macro_rules! shaped {
    ($name:ident, $schema:expr) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Shapes(std::marker::PhantomData))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema = $schema;
                schema(generator)
            }
        }
    };
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

impl Shaped for Wire {
    const EXPECTED: &'static str = "`none`, a list of requests, or { count: …, is: … }";

    fn from_word<E: de::Error>(word: &str) -> Result<Self, E> {
        if word == "none" { Ok(Self::Nothing) } else { Err(E::unknown_variant(word, &["none"])) }
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Self::Exactly)
    }

    fn from_map<'de, A: MapAccess<'de>>(members: A) -> Result<Self, A::Error> {
        WireCount::deserialize(de::value::MapAccessDeserializer::new(members)).map(|count| Self::Count(Box::new(count)))
    }
}

shaped!(Wire, |generator| {
    let (item, count) = (generator.subschema_for::<Exchange>(), generator.subschema_for::<WireCount>());
    schemars::json_schema!({"anyOf": [{"enum": ["none"]}, {"type": "array", "items": item}, count]})
});

impl<'de> Deserialize<'de> for Names {
    /// A word becomes a list of one, with its place.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Vec<String>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Vec<String>, E> {
                Ok(vec![word.to_owned()])
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(list))
            }
        }

        struct Words(Vec<String>);

        impl<'de> Deserialize<'de> for Words {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(OneOrMany).map(Self)
            }
        }

        let Spanned { value: Words(names), span } = Spanned::deserialize(deserializer)?;
        Ok(Self(names.into_iter().map(|value| Spanned { value, span }).collect()))
    }
}

impl JsonSchema for Names {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
    }
}
