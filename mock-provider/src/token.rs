//! The token endpoint: codes and refresh tokens in, access tokens out.
//!
//! Order of checks, statuses and texts are Google's: the client is known before the code or the refresh token is looked
//! at, so a wrong secret never spends anything.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Map, Value};
use std::time::Duration;

use crate::answer::{Answer, Effect, OAuthError};
use crate::endpoint::GrantType;
use crate::family::{FamilyEnd, Outcome, Refusal};
use crate::json_text::{IdTokenDraft, JsonText, Signature};
use crate::label::{Label, TokenKind};
use crate::realm::{Challenge, Code, Realm, TokenRef};
use crate::request::{ClientAuth, WireRequest};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long an id_token says it lives: Google's hour.
const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

const BAD_REQUEST: &str = "Bad Request";
const DEAD: &str = "Token has been expired or revoked.";

/// Whom tokens are issued to, and on what ground.
struct Issue {
    client: String,
    sub: String,
    scopes: Vec<String>,
    nonce: Option<String>,
    lineage: Option<usize>,
    /// The refresh token to show, and whether it is fresh.
    refresh: Option<(Label, Fresh)>,
    presented: Label,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fresh {
    Minted,
    Repeated,
}

impl Realm {
    pub(crate) fn token(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        if request.method != Method::POST {
            return Answer::wrong_method();
        }
        let presented = self.presented(request);
        let answer = match self.grant(now, request) {
            Ok(issue) => self.issue(now, issue),
            Err(refused) => refused.into(),
        };
        let known = Effect { client: request.credentials().id, presented, ..answer.effect.clone() };
        answer.with_effect(known)
    }

    fn presented(&self, request: &WireRequest) -> Option<Label> {
        ["refresh_token", "code"].iter().find_map(|name| self.label_of(request.params.get(name)?))
    }

    fn grant(&mut self, now: Timestamp, request: &WireRequest) -> Result<Issue, OAuthError> {
        match request.grant() {
            Some(GrantType::AuthorizationCode) => self.redeem(now, request),
            Some(GrantType::RefreshToken) => self.refresh(now, request),
            None => {
                let given = request.params.get("grant_type").unwrap_or_default();
                Err(OAuthError::new(400, "unsupported_grant_type", &format!("Invalid grant_type: {given}")))
            }
        }
    }

    /// Who the client says it is. A client that is known to be public needs no secret.
    fn claim(&self, request: &WireRequest) -> Result<(String, Option<String>), OAuthError> {
        let credentials = request.credentials();
        if credentials.method == ClientAuth::Malformed {
            return Err(OAuthError::new(400, "invalid_request", BAD_REQUEST));
        }
        if credentials.disagree {
            let text = "Credentials in post body and basic Authorization header do not match";
            return Err(OAuthError::new(400, "invalid_request", text));
        }
        let none = || OAuthError::new(400, "invalid_request", "Could not determine client ID from request.");
        let id = credentials.id.ok_or_else(none)?;
        let public = self.clients.get(&id).is_some_and(|client| client.secret.is_none());
        if credentials.secret.is_none() && !public {
            return Err(OAuthError::new(400, "invalid_request", "client_secret is missing."));
        }
        Ok((id, credentials.secret))
    }

    /// Whether it is; nothing is spent before this is known.
    fn authenticate(&self, (id, secret): (String, Option<String>)) -> Result<String, OAuthError> {
        let not_found = || OAuthError::new(401, "invalid_client", "The OAuth client was not found.");
        let client = self.clients.get(&id).ok_or_else(not_found)?;
        let right = |expected: &Secret| secret.as_deref().is_some_and(|given| *expected == *given);
        if client.secret.as_ref().is_none_or(right) {
            return Ok(id);
        }
        Err(OAuthError::new(401, "invalid_client", "The provided client secret is invalid."))
    }

    fn redeem(&mut self, now: Timestamp, request: &WireRequest) -> Result<Issue, OAuthError> {
        let params = &request.params;
        let required =
            |name: &str, text: String| params.get(name).ok_or_else(|| OAuthError::new(400, "invalid_request", &text));
        let redirect_uri = required("redirect_uri", "Missing parameter: redirect_uri".into())?;
        let claim = self.claim(request)?;
        let value = required("code", "Missing required parameter: code".into())?;
        self.verifiers.extend(params.get("code_verifier").map(Secret::new));
        let client = self.authenticate(claim)?;
        let index = self.code_at(value)?;
        check_code(&self.codes[index], now, &client, redirect_uri, params.get("code_verifier"))?;
        self.codes[index].redeemed = true;
        Ok(self.issue_for_code(now, index))
    }

    fn code_at(&self, value: &str) -> Result<usize, OAuthError> {
        match self.by_value.get(value) {
            Some(TokenRef::Code(index)) => Ok(*index),
            Some(TokenRef::Access(_) | TokenRef::Refresh(..)) | None => {
                Err(OAuthError::new(400, "invalid_grant", "Malformed auth code."))
            }
        }
    }

    fn issue_for_code(&mut self, now: Timestamp, index: usize) -> Issue {
        let code = &self.codes[index];
        let (client, sub, scopes, offline) = (code.client.clone(), code.sub.clone(), code.scopes.clone(), code.offline);
        let (nonce, presented) = (code.nonce.clone(), code.label);
        let lineage = offline.then(|| self.begin_family(now, &client, &sub, &scopes));
        let refresh = lineage.map(|lineage| (self.lineages[lineage].tokens[0].0, Fresh::Minted));
        Issue { client, sub, scopes, nonce, lineage, refresh, presented }
    }

    fn refresh(&mut self, now: Timestamp, request: &WireRequest) -> Result<Issue, OAuthError> {
        let claim = self.claim(request)?;
        let missing = || OAuthError::new(400, "invalid_request", "Missing required parameter: refresh_token");
        let value = request.params.get("refresh_token").ok_or_else(missing)?;
        let client = self.authenticate(claim)?;
        let Some(TokenRef::Refresh(lineage, generation)) = self.by_value.get(value).copied() else {
            return Err(OAuthError::new(400, "invalid_grant", BAD_REQUEST));
        };
        let owner = &self.lineages[lineage];
        if owner.client != client {
            return Err(OAuthError::new(401, "unauthorized_client", "Unauthorized"));
        }
        let scopes = narrowed(&owner.scopes, &request.params.words("scope"))?;
        let (sub, presented) = (owner.sub.clone(), owner.tokens[generation].0);
        let outcome = self.lineages[lineage].family.refresh(now, generation, &self.policy);
        let refresh = self.refreshed(lineage, outcome)?;
        Ok(Issue { client, sub, scopes, nonce: None, lineage: Some(lineage), refresh, presented })
    }

    fn refreshed(&mut self, lineage: usize, outcome: Outcome) -> Result<Option<(Label, Fresh)>, OAuthError> {
        match outcome {
            Outcome::Kept => Ok(None),
            Outcome::Rotated(_) => Ok(Some((self.mint_refresh(lineage), Fresh::Minted))),
            Outcome::Repeated(generation) => Ok(Some((self.lineages[lineage].tokens[generation].0, Fresh::Repeated))),
            Outcome::Refused(refusal) => {
                if refusal == Refusal::ReuseDetected {
                    self.counters.reuse_detected += 1;
                    self.finish_family(lineage, FamilyEnd::ReuseDetected);
                }
                Err(OAuthError::new(400, "invalid_grant", DEAD))
            }
        }
    }

    /// Google's order: access_token, expires_in, refresh_token, scope, token_type, id_token, refresh_token_expires_in.
    fn issue(&mut self, now: Timestamp, issue: Issue) -> Answer {
        let access = self.mint_access(now, &issue.client, &issue.sub, &issue.scopes, issue.lineage);
        let mut minted = vec![self.access[access].label];
        let mut members = Map::new();
        members.insert("access_token".into(), self.access[access].value.expose().into());
        members.insert("expires_in".into(), self.policy.access_ttl.0.as_secs().into());
        if let Some((label, fresh)) = issue.refresh {
            members.insert("refresh_token".into(), self.refresh_value(label).into());
            minted.extend((fresh == Fresh::Minted).then_some(label));
        }
        members.insert("scope".into(), issue.scopes.join(" ").into());
        members.insert("token_type".into(), "Bearer".into());
        let mut body = JsonText::from(Value::Object(members));
        if issue.scopes.iter().any(|scope| scope == "openid") {
            self.id_tokens += 1;
            minted.push(Label { kind: TokenKind::Id, number: self.id_tokens });
            body.set("/id_token", JsonText::IdToken(Box::new(self.id_token(now, &issue, access))));
        }
        if let Some(seconds) =
            issue.refresh.and(issue.lineage).and_then(|lineage| self.refresh_expires_in(now, lineage))
        {
            body.set("/refresh_token_expires_in", JsonText::Raw(seconds.to_string()));
        }
        Answer::api_text(200, body).with_effect(Effect {
            client: Some(issue.client),
            user: Some(issue.sub),
            presented: Some(issue.presented),
            minted,
            error: None,
        })
    }

    /// Only a refresh token that has an end says so, and it says it last.
    fn refresh_expires_in(&self, now: Timestamp, lineage: usize) -> Option<i64> {
        let end = self.lineages[lineage].family.expires(&self.policy)?;
        Some((end.as_millis() - now.as_millis()) / 1000)
    }

    fn refresh_value(&self, label: Label) -> String {
        match self.find(label) {
            Some(TokenRef::Refresh(lineage, generation)) => {
                self.lineages[lineage].tokens[generation].1.expose().to_owned()
            }
            Some(TokenRef::Access(_) | TokenRef::Code(_)) | None => String::new(),
        }
    }

    /// The claims of a code flow's id_token, in Google's order of 2024; a refresh leaves out the nonce.
    fn id_token(&self, now: Timestamp, issue: &Issue, access: usize) -> IdTokenDraft {
        let hash = digest::digest(&digest::SHA256, self.access[access].value.expose().as_bytes());
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", self.base.as_str().into());
        put("azp", issue.client.as_str().into());
        put("aud", issue.client.as_str().into());
        put("sub", issue.sub.as_str().into());
        let user = self.user(&issue.sub);
        if let Some(hd) = user.and_then(|user| user.hd.as_deref()) {
            put("hd", hd.into());
        }
        if let Some(user) = user.filter(|_| has(&issue.scopes, "email")) {
            put("email", user.email.as_str().into());
            put("email_verified", true.into());
        }
        put("at_hash", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]).into());
        if let Some(nonce) = &issue.nonce {
            put("nonce", nonce.as_str().into());
        }
        if let Some(user) = user.filter(|_| has(&issue.scopes, "profile")) {
            put("name", user.name().into());
            put("given_name", user.given_name.as_str().into());
            put("family_name", user.family_name.as_str().into());
        }
        put("iat", now.as_secs().into());
        put("exp", now.plus(ID_TOKEN_LIFETIME).as_secs().into());
        IdTokenDraft { kid: self.signing_key().kid().to_owned(), claims, signature: Signature::Valid }
    }
}

pub(crate) fn has(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|known| known == scope)
}

/// RFC 6749 section 6: a refresh may ask for less, never for more.
fn narrowed(granted: &[String], asked: &[String]) -> Result<Vec<String>, OAuthError> {
    if asked.is_empty() {
        return Ok(granted.to_vec());
    }
    if asked.iter().all(|scope| granted.contains(scope)) {
        return Ok(asked.to_vec());
    }
    Err(OAuthError::new(400, "invalid_scope", BAD_REQUEST))
}

fn check_code(
    code: &Code,
    now: Timestamp,
    client: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<(), OAuthError> {
    if code.redeemed || now >= code.expires || code.client != client {
        return Err(OAuthError::new(400, "invalid_grant", BAD_REQUEST));
    }
    if code.redirect_uri != redirect_uri {
        return Err(OAuthError::new(400, "redirect_uri_mismatch", BAD_REQUEST));
    }
    check_pkce(code.challenge.as_ref(), verifier).map_err(|text| OAuthError::new(400, "invalid_grant", text))
}

/// RFC 7636 section 4.6; that a verifier without a challenge is refused is Google's own.
fn check_pkce(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), &'static str> {
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err("code_verifier or verifier is not needed."),
        (Some(_), None) => Err("Missing code verifier."),
        (Some(challenge), Some(verifier)) if challenge.fits(verifier) => Ok(()),
        (Some(_), Some(_)) => Err("Invalid code verifier."),
    }
}

impl Challenge {
    fn fits(&self, verifier: &str) -> bool {
        match self {
            Self::Plain(challenge) => challenge == verifier,
            Self::S256(challenge) => {
                *challenge == URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
            }
        }
    }
}
