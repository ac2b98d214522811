//! The token endpoint: codes and refresh tokens in, access tokens out.
//!
//! Order of checks, statuses and texts are Google's: the client is known before the code or the refresh token is looked
//! at, so a wrong secret never spends anything. Device codes are [`crate::device`], assertions [`crate::assertion`].

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, header};

use crate::answer::{Answer, OAuthError};
use crate::endpoint::GrantType;
use crate::family::{FamilyEnd, Outcome, Refusal};
use crate::issue::{Fresh, Ground, Issue};
use crate::label::Label;
use crate::party::{Client, Standing};
use crate::policy::Policy;
use crate::profile::RefusalReason;
use crate::quirks::CodeReuse;
use crate::realm::Realm;
use crate::request::{ClientAuth, WireRequest};
use crate::secret::Secret;
use crate::state::{Bought, Challenge, Code, Scopes, TokenRef};
use crate::time::Timestamp;

const BAD_REQUEST: &str = "Bad Request";
const DEAD: &str = "Token has been expired or revoked.";
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Who a client says it is, and what it offers as proof.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    id: &'a str,
    secret: Option<&'a str>,
}

impl Realm {
    pub(crate) fn token(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        if request.method != Method::POST {
            return Answer::wrong_method();
        }
        let presented = self.presented(request);
        let mut answer = match self.grant(now, request) {
            Ok(answer) => answer,
            Err(refused) => self.challenged(refused.into()),
        };
        answer.effect.presented = presented;
        if answer.effect.client.is_none() {
            answer.effect.client = request.credentials().id.clone();
        }
        answer
    }

    /// RFC 6749 section 5.2 wants a challenge where the client came with a header; Google sends none.
    fn challenged(&self, mut answer: Answer) -> Answer {
        if answer.status == 401 && self.state.quirks.www_authenticate.is_on() {
            answer.put_header(header::WWW_AUTHENTICATE, &format!("Basic realm=\"{}/\"", self.base));
        }
        answer
    }

    fn presented(&self, request: &WireRequest) -> Option<Label> {
        ["refresh_token", "code"].iter().find_map(|name| self.state.label_of(request.params.get(name)?))
    }

    fn grant(&mut self, now: Timestamp, request: &WireRequest) -> Result<Answer, OAuthError> {
        match request.grant() {
            Some(GrantType::AuthorizationCode) => self.redeem(now, request),
            Some(GrantType::RefreshToken) => self.refresh(now, request).map(|issue| self.issue(now, &issue)),
            Some(GrantType::DeviceCode) => self.redeem_device(now, request).map(|issue| self.issue(now, &issue)),
            Some(GrantType::JwtBearer) => self.redeem_assertion(now, request),
            None => {
                let given = request.params.get("grant_type").unwrap_or_default();
                Err(OAuthError::new(400, "unsupported_grant_type", &format!("Invalid grant_type: {given}")))
            }
        }
    }

    /// Who the client says it is. A client that is known to be public needs no secret.
    pub(crate) fn claim<'a>(&self, request: &'a WireRequest) -> Result<Claim<'a>, OAuthError> {
        let credentials = request.credentials();
        if credentials.method == ClientAuth::Malformed {
            return Err(OAuthError::new(400, "invalid_request", BAD_REQUEST));
        }
        if credentials.disagree {
            let text = "Credentials in post body and basic Authorization header do not match";
            return Err(OAuthError::new(400, "invalid_request", text));
        }
        let id = credentials.id.as_deref().ok_or_else(OAuthError::no_client)?;
        let public = || self.state.clients.get(id).is_some_and(|client| client.secret.is_none());
        if credentials.secret.is_none() && !public() {
            return Err(OAuthError::new(400, "invalid_request", "client_secret is missing."));
        }
        Ok(Claim { id, secret: credentials.secret.as_deref() })
    }

    /// Whether it is; nothing is spent before this is known.
    pub(crate) fn authenticate<'a>(&self, Claim { id, secret }: Claim<'a>) -> Result<&'a str, OAuthError> {
        let client = self.active_client(id)?;
        if client.secret.is_none() || secret.is_some_and(|given| client.has_secret(given)) {
            return Ok(id);
        }
        Err(OAuthError::new(401, "invalid_client", "The provided client secret is invalid."))
    }

    pub(crate) fn active_client(&self, id: &str) -> Result<&Client, OAuthError> {
        let not_found = || OAuthError::new(401, "invalid_client", "The OAuth client was not found.");
        let client = self.state.clients.get(id).ok_or_else(not_found)?;
        match client.standing {
            Standing::Active => Ok(client),
            Standing::Deleted => Err(OAuthError::new(401, "deleted_client", "The OAuth client was deleted.")),
            Standing::Disabled => Err(OAuthError::new(401, "disabled_client", "The OAuth client was disabled.")),
        }
    }

    // --- authorization_code (RFC 6749 section 4.1.3) ---

    fn redeem(&mut self, now: Timestamp, request: &WireRequest) -> Result<Answer, OAuthError> {
        let params = &request.params;
        let redirect_uri = params.get("redirect_uri");
        let redirect_uri =
            redirect_uri.ok_or_else(|| OAuthError::new(400, "invalid_request", "Missing parameter: redirect_uri"))?;
        let claim = self.claim(request)?;
        let value = params.get("code").ok_or_else(|| OAuthError::missing("code"))?;
        let client = self.authenticate(claim)?;
        self.state.verifiers.extend(params.get("code_verifier").map(Secret::new));
        let Some(TokenRef::Code(place)) = self.state.place_of(value) else {
            // What looks like a code and is none was one; what does not was mangled on its way.
            let text = if value.starts_with("4/0A") { BAD_REQUEST } else { "Malformed auth code." };
            return Err(OAuthError::new(400, "invalid_grant", text));
        };
        self.notice_second_use(now, place, client);
        check_code(self.state.code(place), now, client, redirect_uri, params.get("code_verifier"))?;
        let (sub, scopes) = (Arc::clone(&self.state.code(place).sub), Arc::clone(&self.state.code(place).scopes));
        self.check_account(&sub, &scopes)?;
        let issue = self.issue_for_code(now, place);
        let answer = self.issue(now, &issue);
        let bought = Bought { lineage: issue.lineage, access: self.state.minted.access };
        let code = &mut self.state.codes[place as usize];
        (code.redeemed, code.bought) = (true, Some(bought));
        Ok(answer)
    }

    fn issue_for_code(&mut self, now: Timestamp, place: u32) -> Issue {
        let code = self.state.code(place);
        let (client, sub, scopes) = (Arc::clone(&code.client), Arc::clone(&code.sub), Arc::clone(&code.scopes));
        let (nonce, access_for) = (code.nonce.clone(), code.access_for);
        if code.offline {
            return Issue { nonce, ..self.issue_with_family(now, client, sub, scopes, access_for) };
        }
        Issue { client, sub, scopes, nonce, lineage: None, refresh: None, ground: Ground::SignIn }
    }

    /// RFC 6749 section 4.1.2: a code that is used again SHOULD take its tokens with it.
    fn notice_second_use(&mut self, now: Timestamp, place: u32, client: &str) {
        let code = self.state.code(place);
        let revokes = self.state.quirks.code_reuse == CodeReuse::Revoke && *code.client == *client;
        let Some(bought) = code.bought.filter(|_| revokes) else { return };
        if let Some(lineage) = bought.lineage {
            self.finish_family(lineage, FamilyEnd::Revoked, now);
        }
        let first = self.state.access.iter_mut().find(|token| token.label.number == bought.access);
        first.into_iter().for_each(|token| token.expires = token.expires.min(now));
    }

    // --- refresh_token (RFC 6749 section 6) ---

    fn refresh(&mut self, now: Timestamp, request: &WireRequest) -> Result<Issue, OAuthError> {
        let claim = self.claim(request)?;
        let value = request.params.get("refresh_token").ok_or_else(|| OAuthError::missing("refresh_token"))?;
        let client = self.authenticate(claim)?;
        let Some(TokenRef::Refresh(place, generation)) = self.state.place_of(value) else {
            return Err(self.refusal(RefusalReason::Unknown).because(RefusalReason::Unknown));
        };
        let lineage = self.state.lineage(place);
        if *lineage.client != *client {
            return Err(OAuthError::new(401, "unauthorized_client", "Unauthorized"));
        }
        let scopes = narrowed(&lineage.scopes, &request.params.words("scope"))?;
        let (client, sub) = (Arc::clone(&lineage.client), Arc::clone(&lineage.sub));
        let policy = self.state.policy_for(&client);
        self.check_account(&sub, &scopes)?;
        if let Some(refusal) = lineage.family.dead(now, &policy) {
            return Err(self.refused_refresh(now, place, refusal));
        }
        self.check_reauth(now, place, request.params.get("rapt"))?;
        let outcome = self.state.lineage_mut(place).family.refresh(now, generation as usize, &policy);
        let refresh = self.refreshed(now, place, outcome, &policy)?;
        Ok(Issue { client, sub, scopes, nonce: None, lineage: Some(place), refresh, ground: Ground::Refresh })
    }

    /// Whether the person is still there, and whether their administrator lets the scopes out.
    pub(crate) fn check_account(&self, sub: &str, scopes: &[String]) -> Result<(), OAuthError> {
        let Some(user) = self.state.user(sub) else { return Ok(()) };
        match user.standing {
            Standing::Active if self.is_restricted(user, scopes) => Err(OAuthError::bare(400, "admin_policy_enforced")),
            Standing::Active => Ok(()),
            Standing::Deleted => Err(OAuthError::new(400, "invalid_grant", "Account has been deleted")),
            Standing::Disabled => Err(OAuthError::new(403, "access_denied", "Account restricted")),
        }
    }

    /// Google Cloud's session control: a family that is too old, or from before a new sign-in was demanded, wants the proof
    /// of one with every refresh; the proof wears out as the session does.
    fn check_reauth(&self, now: Timestamp, place: u32, rapt: Option<&str>) -> Result<(), OAuthError> {
        let lineage = self.state.lineage(place);
        let signed_in = lineage.family.members()[0].born;
        let over = |since| self.session_is_over(now, since, &lineage.client, &lineage.scopes);
        let reauth = self.state.reauth.get(&*lineage.sub);
        let required = reauth.and_then(|reauth| reauth.required).filter(|at| *at >= signed_in);
        if required.is_none() && !over(signed_in) {
            return Ok(());
        }
        let done = reauth.and_then(|reauth| reauth.done.as_ref());
        let proven = done.is_some_and(|(at, proof)| {
            rapt.is_some_and(|given| *proof == *given) && required.is_none_or(|required| *at >= required) && !over(*at)
        });
        if proven {
            return Ok(());
        }
        let subtype = self.state.quirks.reauth_subtype.code();
        let text = format!("reauth related error ({subtype})");
        Err(OAuthError::new(400, "invalid_grant", &text).with("error_subtype", subtype))
    }

    fn session_is_over(&self, now: Timestamp, since: Timestamp, client: &str, scopes: &[String]) -> bool {
        let length = self.state.policy_for(client).session_length.duration();
        let controlled = scopes.iter().any(|scope| scope == CLOUD_PLATFORM);
        controlled && length.is_some_and(|length| now >= since.plus(length))
    }

    fn refreshed(
        &mut self,
        now: Timestamp,
        place: u32,
        outcome: Outcome,
        policy: &Policy,
    ) -> Result<Option<(Label, Fresh)>, OAuthError> {
        match outcome {
            Outcome::Kept => Ok(None),
            Outcome::Rotated(_) => Ok(Some((self.state.mint_refresh(place), Fresh::Minted))),
            Outcome::Repeated(generation) => Ok(Some((self.state.refresh_value(place, generation).0, Fresh::Repeated))),
            Outcome::Refused(refusal) => {
                if refusal == Refusal::ReuseDetected {
                    self.punish(place, policy.reuse, now);
                }
                Err(self.refused_refresh(now, place, refusal))
            }
        }
    }

    fn refused_refresh(&self, now: Timestamp, place: u32, refusal: Refusal) -> OAuthError {
        let reason = reason_of(refusal);
        let lineage = self.state.lineage(place);
        let policy = self.state.policy_for(&lineage.client);
        let ended = [lineage.family.end().map(|end| end.at), lineage.family.ends_by_itself(&policy)];
        let since = ended.into_iter().flatten().filter(|at| *at <= now).min();
        let lasts = self.state.quirks.dead_text_lasts.duration();
        let forgotten = lasts.zip(since).is_some_and(|(lasts, since)| now >= since.plus(lasts));
        self.refusal(if forgotten { RefusalReason::Unknown } else { reason }).because(reason)
    }

    /// The text of the profile for this reason or for the next best, or Google's.
    fn refusal(&self, reason: RefusalReason) -> OAuthError {
        let candidates = match reason {
            RefusalReason::Unknown => vec![RefusalReason::Unknown],
            other => vec![other, RefusalReason::Revoked, RefusalReason::Unknown],
        };
        match candidates.iter().find_map(|reason| self.state.refusals.get(reason)) {
            Some(text) => OAuthError::whole(text.status, text.body.clone()),
            None if reason == RefusalReason::Unknown => OAuthError::new(400, "invalid_grant", BAD_REQUEST),
            None => OAuthError::new(400, "invalid_grant", DEAD),
        }
    }
}

const fn reason_of(refusal: Refusal) -> RefusalReason {
    match refusal {
        Refusal::Ended(FamilyEnd::Revoked | FamilyEnd::PasswordChanged | FamilyEnd::ReuseDetected) => {
            RefusalReason::Revoked
        }
        Refusal::Ended(FamilyEnd::Evicted) => RefusalReason::Evicted,
        Refusal::Ended(FamilyEnd::Expired) | Refusal::Expired => RefusalReason::Expired,
        Refusal::Idle => RefusalReason::Idle,
        Refusal::Replaced => RefusalReason::Replaced,
        Refusal::ReuseDetected => RefusalReason::ReuseDetected,
    }
}

/// RFC 6749 section 6: a refresh may ask for less, never for more.
fn narrowed(granted: &Scopes, asked: &[String]) -> Result<Scopes, OAuthError> {
    if asked.is_empty() {
        return Ok(Arc::clone(granted));
    }
    if asked.iter().all(|scope| granted.contains(scope)) {
        let narrowed = crate::authorize::with_long_names(asked).into_iter().filter(|scope| granted.contains(scope));
        return Ok(Arc::new(narrowed.collect()));
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
    if code.redeemed || now >= code.expires || *code.client != *client {
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
