//! Putting a realm into any state in one call: a family at generation 5 with three seconds left, an access token that
//! expired a minute ago, a code that waits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::family::{Family, FamilyEnd};
use crate::label::Label;
use crate::realm::Realm;
use crate::realm_error::RealmError;
use crate::secret::Secret;
use crate::state::{Code, Lineage, Scopes};
use crate::time::{Lifetime, Timestamp};

/// The most refresh tokens in one call, those that have been replaced included.
const MOST_TOKENS: u32 = 2_000_000;

/// What a realm is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SeedSpec {
    /// Families of refresh tokens.
    pub families: Vec<SeedFamily>,
    /// Access tokens without a refresh token.
    pub access_tokens: Vec<SeedAccess>,
    /// Authorization codes.
    pub codes: Vec<SeedCode>,
}

/// For whom something is seeded: the first client, the first user and the sign-in scopes, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SeedFor {
    /// The client, by id.
    pub client: Option<String>,
    /// The user, by subject or e-mail address.
    pub user: Option<String>,
    /// The scopes.
    pub scopes: Option<Vec<String>>,
}

/// A family of refresh tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SeedFamily {
    /// For whom.
    #[serde(rename = "for")]
    pub whom: SeedFor,
    /// How often it has rotated: its current token is of this generation.
    pub generation: u32,
    /// How much longer it lives at the most; the policy may end it before.
    pub left: Option<Lifetime>,
    /// How long it has been unused.
    pub idle: Option<Lifetime>,
    /// How it has ended, if it has.
    pub end: Option<FamilyEnd>,
    /// It has an access token too, with so much left; `0s` is one that has just expired.
    pub access_left: Option<Lifetime>,
    /// How many of them; one, unless said otherwise.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 2_000_000)))]
    pub count: Option<u32>,
}

/// An access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SeedAccess {
    /// For whom.
    #[serde(rename = "for", default)]
    pub whom: SeedFor,
    /// How much longer it lives.
    pub left: Lifetime,
}

/// An authorization code, which buys a refresh token too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SeedCode {
    /// For whom.
    #[serde(rename = "for", default)]
    pub whom: SeedFor,
    /// The redirect URI that has to be presented with it.
    pub redirect_uri: String,
    /// The nonce of the id_token.
    #[serde(default)]
    pub nonce: Option<String>,
    /// How much longer it lives; as the realm's switch says, unless said otherwise.
    #[serde(default)]
    pub left: Option<Lifetime>,
}

/// What was seeded, in the order of the request. It holds the tokens themselves.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Seeded {
    /// The families.
    pub families: Vec<SeededFamily>,
    /// The access tokens.
    pub access_tokens: Vec<SeededToken>,
    /// The codes.
    pub codes: Vec<SeededToken>,
}

/// A seeded family; of many, the first.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeededFamily {
    /// How many were seeded.
    pub count: u32,
    /// Its refresh tokens, oldest first; the last one is current.
    pub refresh_tokens: Vec<SeededToken>,
    /// Its access token.
    pub access_token: Option<SeededToken>,
}

/// A token and its name.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeededToken {
    /// Its name.
    pub label: Label,
    /// Its value.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub value: Secret,
}

/// For whom, looked up.
struct Whom {
    client: Arc<str>,
    sub: Arc<str>,
    scopes: Scopes,
}

impl Realm {
    /// Seeds all of it, or nothing where something is wrong.
    pub(crate) fn seed(&mut self, now: Timestamp, spec: &SeedSpec) -> Result<Seeded, RealmError> {
        check_size(spec)?;
        let families = spec.families.iter().map(|family| Ok((family, self.whom(&family.whom)?)));
        let families: Vec<(&SeedFamily, Whom)> = families.collect::<Result<_, RealmError>>()?;
        let tokens = spec.access_tokens.iter().map(|token| Ok((token, self.whom(&token.whom)?)));
        let tokens: Vec<(&SeedAccess, Whom)> = tokens.collect::<Result<_, RealmError>>()?;
        let codes = spec.codes.iter().map(|code| Ok((code, self.whom(&code.whom)?)));
        let codes: Vec<(&SeedCode, Whom)> = codes.collect::<Result<_, RealmError>>()?;
        let seeded = Seeded {
            families: families.into_iter().map(|(family, whom)| self.seed_families(now, family, &whom)).collect(),
            access_tokens: tokens.into_iter().map(|(token, whom)| self.seed_access(now, &whom, token.left)).collect(),
            codes: codes.into_iter().map(|(code, whom)| self.seed_code(now, code, whom)).collect(),
        };
        self.note(now);
        Ok(seeded)
    }

    fn whom(&self, whom: &SeedFor) -> Result<Whom, RealmError> {
        let client = match &whom.client {
            Some(id) if !self.state.clients.contains_key(id) => return Err(RealmError::NoSuchClient(id.clone())),
            Some(id) => id,
            None => self.state.clients.keys().next().ok_or(RealmError::NobodyToSeedFor("client"))?,
        };
        let sub = match &whom.user {
            Some(user) => self.known_user(user)?,
            None => self.state.users.first().ok_or(RealmError::NobodyToSeedFor("user"))?.sub.clone(),
        };
        let for_sign_in = || ["openid", "email", "profile"].map(str::to_owned).to_vec();
        let scopes = crate::authorize::granted_form(&whom.scopes.clone().unwrap_or_else(for_sign_in));
        Ok(Whom { client: client.as_str().into(), sub: sub.into(), scopes: Arc::new(scopes) })
    }

    fn seed_families(&mut self, now: Timestamp, family: &SeedFamily, whom: &Whom) -> SeededFamily {
        let count = family.count.unwrap_or(1);
        let first = self.seed_family(now, family, whom);
        for _ in 1..count {
            self.seed_family(now, family, whom);
        }
        let access_token = first.1.map(|place| self.seeded_access(place));
        let tokens = self.state.lineage(first.0).tokens.iter();
        let refresh_tokens = tokens.map(|(label, value)| SeededToken { label: *label, value: value.clone() }).collect();
        SeededFamily { count, refresh_tokens, access_token }
    }

    fn seed_family(&mut self, now: Timestamp, family: &SeedFamily, whom: &Whom) -> (u32, Option<u32>) {
        let used = family.idle.map_or(now, |idle| now.minus(idle.0));
        let mut seeded =
            Family::grown(used, family.generation as usize).until(family.left.map(|left| now.plus(left.0)));
        family.end.into_iter().for_each(|why| seeded.finish(why, now));
        let (client, sub, scopes) = (Arc::clone(&whom.client), Arc::clone(&whom.sub), Arc::clone(&whom.scopes));
        if !family.end.is_some_and(FamilyEnd::takes_access_tokens) {
            self.remember_scopes(&whom.client, &whom.sub, &whom.scopes);
        }
        let place = self.state.add_lineage(Lineage { family: seeded, client, sub, scopes, tokens: vec![] });
        for _ in 0..=family.generation {
            self.state.mint_refresh(place);
        }
        let mut access = |left: Lifetime| {
            self.mint_access_until(now.plus(left.0), &whom.client, &whom.sub, &whom.scopes, Some(place))
        };
        (place, family.access_left.map(&mut access))
    }

    fn seed_access(&mut self, now: Timestamp, whom: &Whom, left: Lifetime) -> SeededToken {
        self.remember_scopes(&whom.client, &whom.sub, &whom.scopes);
        let place = self.mint_access_until(now.plus(left.0), &whom.client, &whom.sub, &whom.scopes, None);
        self.seeded_access(place)
    }

    fn seeded_access(&self, place: u32) -> SeededToken {
        let token = self.state.access(place);
        SeededToken { label: token.label, value: token.value.clone() }
    }

    fn seed_code(&mut self, now: Timestamp, code: &SeedCode, whom: Whom) -> SeededToken {
        self.remember_scopes(&whom.client, &whom.sub, &whom.scopes);
        let expires = now.plus(code.left.unwrap_or(self.state.quirks.code_ttl).0);
        let place = self.state.add_code(|label, value| Code {
            label,
            value,
            client: whom.client,
            sub: whom.sub,
            redirect_uri: code.redirect_uri.clone(),
            scopes: whom.scopes,
            nonce: code.nonce.clone(),
            challenge: None,
            offline: true,
            access_for: None,
            expires,
            redeemed: false,
            bought: None,
        });
        let code = self.state.code(place);
        SeededToken { label: code.label, value: code.value.clone() }
    }
}

/// Whether so many tokens are a test and not a mistake.
fn check_size(spec: &SeedSpec) -> Result<(), RealmError> {
    if spec.families.iter().any(|family| family.count == Some(0)) {
        return Err(RealmError::NoFamily);
    }
    let tokens = |family: &SeedFamily| {
        let count = family.count.unwrap_or(1);
        let each = family.generation.saturating_add(1);
        count.saturating_mul(each)
    };
    let given = spec.families.iter().map(tokens).fold(0, u32::saturating_add);
    if given > MOST_TOKENS {
        return Err(RealmError::TooMany { what: "refresh tokens", most: MOST_TOKENS, given });
    }
    Ok(())
}
