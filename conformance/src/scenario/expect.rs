//! What a scenario expects: of a session, of what reached the provider, of the end.

use std::collections::BTreeMap;
use std::fmt;

use mock_provider::{Endpoint, GrantType, Label};
use schemars::JsonSchema;
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::scenario::decode::Spanned;
use crate::scenario::matcher::{Leaf, Matcher};
use crate::scenario::model::Level;
use crate::scenario::shapes::{Shaped, shaped};

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
