//! The service-account grant (RFC 7523) with Google's checks and texts. Bodies are compact here, unlike everywhere else.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::answer::{Answer, Body, Effect, OAuthError};
use crate::endpoint::Endpoint;
use crate::issue::ID_TOKEN_LIFETIME;
use crate::json_text::{JsonText, Layout};
use crate::jws::{self, IdTokenDraft, Signature};
use crate::keys::{SigningKey, service_account_pem};
use crate::party::{ServiceAccount, Standing};
use crate::realm::Realm;
use crate::request::WireRequest;
use crate::secret::Secret;
use crate::state::{AccessToken, project_of};
use crate::time::Timestamp;

/// An assertion lives an hour, and Google lets clocks differ by five minutes.
const LONGEST: i64 = 3_600 + 300;
const SKEW: i64 = 300;

/// Google's token endpoint under its names.
const GOOGLES: [&str; 3] = [
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
];

const TIMEFRAME: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                         Check your iat and exp values in the JWT claim.";

/// What an assertion asks for.
enum Wanted {
    /// An access token with these scopes, in the name of a user where there is one.
    Access(Vec<String>, Option<String>),
    /// An id_token for this audience.
    IdToken(String),
}

impl Realm {
    pub(crate) fn redeem_assertion(&mut self, now: Timestamp, request: &WireRequest) -> Result<Answer, OAuthError> {
        self.assertion_answer(now, request).map_err(OAuthError::compact)
    }

    fn assertion_answer(&mut self, now: Timestamp, request: &WireRequest) -> Result<Answer, OAuthError> {
        let assertion = request.params.get("assertion").ok_or_else(|| OAuthError::missing("assertion"))?;
        let not_a_jwt = || OAuthError::new(400, "invalid_request", "Bad Request");
        let (_, claims) = jws::read(assertion).ok_or_else(not_a_jwt)?;
        let robot = self.robot(&claims)?.clone();
        check_times(now, &claims)?;
        self.check_audience(&claims)?;
        if robot.key != Standing::Active || !SigningKey::of_service_accounts().signed(assertion) {
            return Err(invalid_grant("Invalid JWT Signature."));
        }
        match self.wanted(&robot, &claims)? {
            Wanted::Access(scopes, user) => Ok(self.robot_access(now, &robot, scopes, user)),
            Wanted::IdToken(audience) => Ok(self.robot_id_token(now, &robot, &audience)),
        }
    }

    fn robot(&self, claims: &Map<String, Value>) -> Result<&ServiceAccount, OAuthError> {
        let Some(issuer) = text(claims, "iss") else {
            return Err(invalid_grant("Invalid JWT: No valid verifier found for issuer."));
        };
        match self.state.robot(issuer).map(|robot| (robot, robot.standing)) {
            Some((robot, Standing::Active)) => Ok(robot),
            Some((_, Standing::Disabled)) => {
                Err(OAuthError::new(401, "disabled_client", "The OAuth client was disabled."))
            }
            Some((_, Standing::Deleted)) | None => Err(invalid_grant("Invalid grant: account not found")),
        }
    }

    /// The audience is one string; a list of it is refused too. Google's own libraries name Google's endpoint whatever
    /// `token_uri` says, so that one is as good as the realm's.
    fn check_audience(&self, claims: &Map<String, Value>) -> Result<(), OAuthError> {
        let audience = text(claims, "aud").unwrap_or_default();
        let own = audience.strip_prefix(self.base.as_str());
        let fine = own.is_some_and(|path| Endpoint::at(path) == Some(Endpoint::Token)) || GOOGLES.contains(&audience);
        if fine { Ok(()) } else { Err(invalid_grant("Invalid JWT: Failed audience check.")) }
    }

    fn wanted(&self, robot: &ServiceAccount, claims: &Map<String, Value>) -> Result<Wanted, OAuthError> {
        if let Some(audience) = text(claims, "target_audience") {
            return Ok(Wanted::IdToken(audience.to_owned()));
        }
        let scopes: Vec<String> =
            text(claims, "scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        if scopes.is_empty() {
            return Err(OAuthError::new(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."));
        }
        match text(claims, "sub").filter(|sub| *sub != robot.email) {
            Some(user) => self.delegated(robot, scopes, user),
            None => Ok(Wanted::Access(scopes, None)),
        }
    }

    /// Domain-wide delegation: in the name of a user of a Workspace domain.
    fn delegated(&self, robot: &ServiceAccount, scopes: Vec<String>, user: &str) -> Result<Wanted, OAuthError> {
        if !user.contains('@') {
            return Err(invalid_grant("Invalid email or User ID"));
        }
        let known = self.state.users.iter().find(|known| known.email.eq_ignore_ascii_case(user));
        let known = known.ok_or_else(|| invalid_grant("Invalid email or User ID"))?;
        let allowed = known.hd.is_some() && scopes.iter().all(|scope| robot.delegated_scopes.contains(scope));
        if robot.delegated_scopes.is_empty() {
            let status = self.state.quirks.service_account_denied.code();
            return Err(OAuthError::new(status, "access_denied", "Requested client not authorized."));
        }
        if !allowed {
            let text = "Client is unauthorized to retrieve access tokens using this method, or client not authorized \
                        for any of the scopes requested.";
            return Err(OAuthError::new(401, "unauthorized_client", text));
        }
        Ok(Wanted::Access(scopes, Some(known.sub.clone())))
    }

    fn robot_access(
        &mut self,
        now: Timestamp,
        robot: &ServiceAccount,
        scopes: Vec<String>,
        user: Option<String>,
    ) -> Answer {
        let label = self.state.access_label();
        let value = Secret::new(self.state.entropy.service_access_token(self.state.quirks.access_token_length));
        let ttl = self.state.policy.access_ttl.0;
        let sub = user.unwrap_or_else(|| robot.unique_id.clone());
        let body = json!({"access_token": value.expose(), "expires_in": ttl.as_secs(), "token_type": "Bearer"});
        self.state.add_access(AccessToken {
            label,
            value,
            client: robot.email.as_str().into(),
            sub: sub.as_str().into(),
            scopes: Arc::new(scopes),
            lineage: None,
            expires: now.plus(ttl),
        });
        let effect =
            Effect { client: Some(robot.email.clone()), user: Some(sub), minted: vec![label], ..Effect::default() };
        compact(body.into()).with_effect(effect)
    }

    fn robot_id_token(&mut self, now: Timestamp, robot: &ServiceAccount, audience: &str) -> Answer {
        let claims = json!({
            "aud": audience,
            "azp": robot.email,
            "email": robot.email,
            "email_verified": true,
            "exp": now.plus(ID_TOKEN_LIFETIME).as_secs(),
            "iat": now.as_secs(),
            "iss": self.base,
            "sub": robot.unique_id,
        });
        let label = self.state.mint_id();
        let claims = claims.as_object().cloned().unwrap_or_default();
        let draft = IdTokenDraft::new(claims, Signature::Valid);
        let body = JsonText::Object(vec![("id_token".into(), JsonText::IdToken(Box::new(draft)))]);
        let effect = Effect { client: Some(robot.email.clone()), minted: vec![label], ..Effect::default() };
        compact(body).with_effect(effect)
    }

    /// The key file of a service account, as the Cloud console hands it out.
    pub(crate) fn key_file(&self, robot: &ServiceAccount) -> Value {
        let key = SigningKey::of_service_accounts();
        json!({
            "type": "service_account",
            "project_id": robot.email.split(['@', '.']).nth(1).unwrap_or("regrant-test"),
            "private_key_id": key.kid(),
            "private_key": service_account_pem(),
            "client_email": robot.email,
            "client_id": robot.unique_id,
            "auth_uri": format!("{}/o/oauth2/auth", self.base),
            "token_uri": format!("{}/token", self.base),
            "auth_provider_x509_cert_url": format!("{}/oauth2/v1/certs", self.base),
            "client_x509_cert_url": format!("{}/robot/v1/metadata/x509/{}", self.base, robot.email.replace('@', "%40")),
        })
    }

    /// The file that the console hands out for an OAuth client.
    pub(crate) fn client_file(&self, client: &crate::party::Client) -> Value {
        let kind = if client.is_installed() { "installed" } else { "web" };
        json!({ kind: {
            "client_id": client.id,
            "project_id": project_of(&client.id),
            "auth_uri": format!("{}/o/oauth2/auth", self.base),
            "token_uri": format!("{}/token", self.base),
            "auth_provider_x509_cert_url": format!("{}/oauth2/v1/certs", self.base),
            "client_secret": client.secret.as_ref().map(Secret::expose),
            "redirect_uris": client.redirect_uris,
        }})
    }
}

fn compact(body: JsonText) -> Answer {
    let mut answer = Answer::api_text(200, body);
    if let Body::Json(_, layout) = &mut answer.body {
        *layout = Layout::Compact;
    }
    answer
}

fn invalid_grant(description: &str) -> OAuthError {
    OAuthError::new(400, "invalid_grant", description)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

fn check_times(now: Timestamp, claims: &Map<String, Value>) -> Result<(), OAuthError> {
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let (Some(iat), Some(exp)) = (number("iat"), number("exp")) else { return Err(invalid_grant(TIMEFRAME)) };
    let now = now.as_secs();
    let lifetime = exp.checked_sub(iat);
    let fine = lifetime.is_some_and(|lifetime| (0..=LONGEST).contains(&lifetime))
        && exp > now.saturating_sub(SKEW)
        && iat <= now.saturating_add(SKEW);
    if fine { Ok(()) } else { Err(invalid_grant(TIMEFRAME)) }
}
