//! Tokens going out: the members of a successful answer, and the claims of an id_token.

use std::borrow::Cow;
use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::time::Duration;

use crate::answer::{Answer, Effect};
use crate::authorize::{EMAIL, PROFILE};
use crate::json_text::JsonText;
use crate::jws::{IdTokenDraft, Signature};
use crate::label::Label;
use crate::quirks::ExpiryCounts;
use crate::realm::Realm;
use crate::secret::Secret;
use crate::state::{Scopes, TokenRef};
use crate::time::{Lifetime, Timestamp};

/// How long an id_token says it lives: Google's hour.
pub(crate) const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Whom tokens are issued to, and on what ground.
pub(crate) struct Issue {
    pub(crate) client: Arc<str>,
    pub(crate) sub: Arc<str>,
    pub(crate) scopes: Scopes,
    pub(crate) nonce: Option<String>,
    pub(crate) lineage: Option<u32>,
    /// The refresh token to show, and whether it is fresh.
    pub(crate) refresh: Option<(Label, Fresh)>,
    pub(crate) ground: Ground,
}

/// What tokens are issued for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// A sign-in: the answer says when the refresh token ends.
    SignIn,
    /// A refresh: whether it says so is a switch.
    Refresh,
}

/// Whether a refresh token is new.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    Minted,
    Repeated,
}

/// Whom an id_token is about and for.
pub(crate) struct Subject<'a> {
    pub(crate) client: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) nonce: Option<&'a str>,
}

/// What an id_token binds by hash (OpenID Connect Core sections 3.1.3.6 and 3.3.2.11).
#[derive(Default)]
pub(crate) struct Hashes {
    pub(crate) access_token: Option<Secret>,
    pub(crate) code: Option<Secret>,
}

impl Realm {
    /// Begins a family and says what to issue from it.
    pub(crate) fn issue_with_family(
        &mut self,
        now: Timestamp,
        client: Arc<str>,
        sub: Arc<str>,
        scopes: Scopes,
        access_for: Option<Lifetime>,
    ) -> Issue {
        let lineage = self.begin_family(now, Arc::clone(&client), Arc::clone(&sub), Arc::clone(&scopes), access_for);
        let (label, _) = self.state.refresh_value(lineage, 0);
        let refresh = Some((*label, Fresh::Minted));
        Issue { client, sub, scopes, nonce: None, lineage: Some(lineage), refresh, ground: Ground::SignIn }
    }

    /// Google's order: access_token, expires_in, refresh_token, scope, token_type, id_token, refresh_token_expires_in.
    pub(crate) fn issue(&mut self, now: Timestamp, issue: &Issue) -> Answer {
        let access = self.mint_access(now, &issue.client, &issue.sub, &issue.scopes, issue.lineage);
        let token = self.state.access(access);
        let mut minted = vec![token.label];
        let hashes = Hashes { access_token: Some(token.value.clone()), code: None };
        let seconds = (token.expires.as_millis() - now.as_millis()) / 1000;
        let mut members: Vec<(Cow<'static, str>, JsonText)> = Vec::with_capacity(7);
        let mut put = |name: &'static str, value: JsonText| members.push((Cow::Borrowed(name), value));
        put("access_token", JsonText::text(token.value.expose()));
        put("expires_in", JsonText::Raw(seconds.to_string()));
        if let Some((label, fresh)) = issue.refresh {
            put("refresh_token", JsonText::text(self.value_of_refresh(label)));
            minted.extend((fresh == Fresh::Minted).then_some(label));
        }
        put("scope", JsonText::text(&long_names(&issue.scopes)));
        put("token_type", JsonText::Raw("\"Bearer\"".to_owned()));
        if has(&issue.scopes, "openid") {
            minted.push(self.state.mint_id());
            let nonce = issue.nonce.as_deref();
            let subject = Subject { client: &issue.client, sub: &issue.sub, scopes: &issue.scopes, nonce };
            let draft = self.id_token(now, &subject, &hashes);
            members.push((Cow::Borrowed("id_token"), JsonText::IdToken(Box::new(draft))));
        }
        if let Some((name, seconds)) = self.refresh_expiry(now, issue) {
            members.push((Cow::Borrowed(name), JsonText::Raw(seconds.to_string())));
        }
        Answer::api_text(200, JsonText::Object(members)).with_effect(Effect {
            client: Some(issue.client.to_string()),
            user: Some(issue.sub.to_string()),
            minted,
            ..Effect::default()
        })
    }

    /// Only a refresh token that has an end says so, and it says it last.
    fn refresh_expiry(&self, now: Timestamp, issue: &Issue) -> Option<(&'static str, i64)> {
        let silent = issue.ground == Ground::Refresh && !self.state.quirks.expiry_on_refresh.is_on();
        let lineage = issue.lineage.filter(|_| !silent)?;
        let policy = self.state.policy_for(&issue.client);
        let family = &self.state.lineage(lineage).family;
        let end = match self.state.quirks.expiry_counts {
            ExpiryCounts::Absolute => family.expires(&policy),
            ExpiryCounts::IdleToo => family.ends_by_itself(&policy),
        }?;
        Some((self.state.quirks.expiry_member.name()?, (end.as_millis() - now.as_millis()) / 1000))
    }

    fn value_of_refresh(&self, label: Label) -> &str {
        match self.state.find(label) {
            Some(TokenRef::Refresh(lineage, generation)) => {
                self.state.refresh_value(lineage, generation as usize).1.expose()
            }
            Some(TokenRef::Access(_) | TokenRef::Code(_) | TokenRef::Device(_)) | None => "",
        }
    }

    /// The claims of an id_token, in Google's order of 2024; a refresh leaves out the nonce.
    pub(crate) fn id_token(&self, now: Timestamp, subject: &Subject<'_>, hashes: &Hashes) -> IdTokenDraft {
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", self.base.as_str().into());
        put("azp", subject.client.into());
        put("aud", subject.client.into());
        put("sub", subject.sub.into());
        let user = self.state.user(subject.sub);
        if let Some(hd) = user.and_then(|user| user.hd.as_deref()) {
            put("hd", hd.into());
        }
        if let Some(user) = user.filter(|_| has(subject.scopes, EMAIL)) {
            put("email", user.email.as_str().into());
            put("email_verified", true.into());
        }
        for (name, value) in [("at_hash", &hashes.access_token), ("c_hash", &hashes.code)] {
            if let Some(value) = value {
                put(name, half_hash(value).into());
            }
        }
        if let Some(nonce) = subject.nonce {
            put("nonce", nonce.into());
        }
        if let Some(user) = user.filter(|_| has(subject.scopes, PROFILE)) {
            user.profile_claims().into_iter().for_each(|(name, value)| drop(put(name, value)));
        }
        put("iat", now.as_secs().into());
        put("exp", now.plus(ID_TOKEN_LIFETIME).as_secs().into());
        claims.extend(user.map(|user| user.claims.clone()).unwrap_or_default());
        IdTokenDraft::new(claims, Signature::Valid)
    }
}

/// The left half of the SHA-256, in base64url.
fn half_hash(value: &Secret) -> String {
    let hash = digest::digest(&digest::SHA256, value.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// The token endpoint tells scopes by their long names only.
pub(crate) fn long_names(scopes: &[String]) -> String {
    let long = scopes.iter().map(String::as_str).filter(|scope| !matches!(*scope, "email" | "profile"));
    long.collect::<Vec<_>>().join(" ")
}

pub(crate) fn has(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|known| known == scope)
}
