//! The device flow (RFC 8628) as Google speaks it: `verification_url` instead of `verification_uri`, and 428 for
//! "not yet".

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::{Answer, Effect, OAuthError};
use crate::authorize::{ORG_INTERNAL, ShutOut};
use crate::issue::Issue;
use crate::party::ClientKind;
use crate::quirks::DeviceExpired;
use crate::realm::Realm;
use crate::request::WireRequest;
use crate::secret::Secret;
use crate::state::{Scopes, TokenRef};
use crate::time::Timestamp;

/// How long a device code lives.
const LIFETIME: Duration = Duration::from_secs(1800);

/// How many seconds a device waits between polls, and how many more after each `slow_down` (RFC 8628 section 3.5).
const INTERVAL: u64 = 5;

/// The scopes that a device may ask for.
const SCOPES: [&str; 9] = [
    "email",
    "openid",
    "profile",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
    "https://www.googleapis.com/auth/drive.appdata",
    "https://www.googleapis.com/auth/drive.file",
    "https://www.googleapis.com/auth/youtube",
    "https://www.googleapis.com/auth/youtube.readonly",
];

/// A device code and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceCode {
    pub(crate) value: Secret,
    pub(crate) user_code: String,
    pub(crate) client: Arc<str>,
    pub(crate) scopes: Scopes,
    pub(crate) expires: Timestamp,
    pub(crate) interval: u64,
    pub(crate) polled: Option<Timestamp>,
    pub(crate) decision: DeviceDecision,
}

/// What the person in front of the other screen has decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeviceDecision {
    Pending,
    Approved(Arc<str>),
    Denied,
    /// The tokens are out.
    Claimed,
}

impl Realm {
    /// The device authorization endpoint (RFC 8628 section 3.1).
    pub(crate) fn device_code(&mut self, now: Timestamp, request: &WireRequest) -> Answer {
        if request.method != Method::POST {
            return Answer::wrong_method();
        }
        match self.begin_device(now, request) {
            Ok(place) => self.device_answer(place),
            Err(refused) => refused.into(),
        }
    }

    fn begin_device(&mut self, now: Timestamp, request: &WireRequest) -> Result<u32, OAuthError> {
        let id = request.credentials().id.as_deref().ok_or_else(OAuthError::no_client)?;
        let client = self.active_client(id)?;
        if client.kind != ClientKind::Tv {
            return Err(OAuthError::new(401, "invalid_client", "Invalid client type."));
        }
        let scopes = request.params.words("scope");
        if scopes.is_empty() || !scopes.iter().all(|scope| SCOPES.contains(&scope.as_str())) {
            return Err(OAuthError::bare(400, "invalid_scope"));
        }
        let (client, scopes) = (id.into(), Arc::new(crate::authorize::granted_form(&scopes)));
        Ok(self.state.add_device_code(|value, user_code| DeviceCode {
            value,
            user_code,
            client,
            scopes,
            expires: now.plus(LIFETIME),
            interval: INTERVAL,
            polled: None,
            decision: DeviceDecision::Pending,
        }))
    }

    fn device_answer(&self, place: u32) -> Answer {
        let code = &self.state.device_codes[place as usize];
        let body = json!({
            "device_code": code.value.expose(),
            "user_code": code.user_code,
            "expires_in": LIFETIME.as_secs(),
            "interval": INTERVAL,
            "verification_url": format!("{}/device", self.base),
        });
        let client = Some(code.client.to_string());
        Answer::api(200, body).with_effect(Effect { client, ..Effect::default() })
    }

    /// A poll at the token endpoint (RFC 8628 section 3.4).
    pub(crate) fn redeem_device(&mut self, now: Timestamp, request: &WireRequest) -> Result<Issue, OAuthError> {
        let claim = self.claim(request)?;
        // The flow's old grant type calls it `code`.
        let value = request.params.get("device_code").or_else(|| request.params.get("code"));
        let value = value.ok_or_else(|| OAuthError::missing("device_code"))?;
        let client = self.authenticate(claim)?;
        let invalid = || OAuthError::new(400, "invalid_grant", "Bad Request");
        let Some(TokenRef::Device(place)) = self.state.place_of(value) else { return Err(invalid()) };
        let expired = self.state.quirks.device_expired;
        let code = &mut self.state.device_codes[place as usize];
        if *code.client != *client {
            return Err(invalid());
        }
        if code.decision == DeviceDecision::Claimed {
            return Err(invalid());
        }
        if now >= code.expires {
            return Err(match expired {
                DeviceExpired::ExpiredToken => OAuthError::new(400, "expired_token", "Bad Request"),
                DeviceExpired::InvalidGrant => invalid(),
            });
        }
        let sub = code.poll(now)?;
        let (client, scopes) = (Arc::clone(&code.client), Arc::clone(&code.scopes));
        self.check_account(&sub, &scopes)?;
        self.check_audience_of(&client, &sub)?;
        self.state.device_codes[place as usize].decision = DeviceDecision::Claimed;
        self.remember_scopes(&client, &sub, &scopes);
        Ok(self.issue_with_family(now, client, sub, scopes, None))
    }

    /// Whether the project is for this user.
    fn check_audience_of(&self, client: &str, sub: &str) -> Result<(), OAuthError> {
        let Some(user) = self.state.user(sub) else { return Ok(()) };
        match self.shut_out(client, user) {
            Some(ShutOut::Strangers) => Err(OAuthError::new(403, "org_internal", ORG_INTERNAL)),
            Some(ShutOut::Untested) => Err(OAuthError::new(403, "access_denied", "Forbidden")),
            None => Ok(()),
        }
    }

    /// The person enters the user code and decides; says whether a device waits with that code.
    pub(crate) fn decide_device(&mut self, now: Timestamp, user_code: &str, decision: DeviceDecision) -> bool {
        let wanted = |code: &char| code.is_ascii_alphanumeric();
        let plain = |text: &str| text.chars().filter(wanted).collect::<String>().to_ascii_uppercase();
        let pending = |code: &&mut DeviceCode| {
            let waits = now < code.expires && code.decision == DeviceDecision::Pending;
            waits && plain(&code.user_code) == plain(user_code)
        };
        let found = self.state.device_codes.iter_mut().find(pending);
        found.map(|code| code.decision = decision).is_some()
    }
}

impl DeviceCode {
    fn poll(&mut self, now: Timestamp) -> Result<Arc<str>, OAuthError> {
        let too_soon = self.polled.is_some_and(|at| now < at.plus(Duration::from_secs(self.interval)));
        self.polled = Some(now);
        match &self.decision {
            DeviceDecision::Approved(sub) => Ok(Arc::clone(sub)),
            DeviceDecision::Denied | DeviceDecision::Claimed => Err(OAuthError::new(403, "access_denied", "Forbidden")),
            DeviceDecision::Pending if too_soon => {
                self.interval += INTERVAL;
                Err(OAuthError::new(403, "slow_down", "Forbidden"))
            }
            DeviceDecision::Pending => Err(OAuthError::new(428, "authorization_pending", "Precondition Required")),
        }
    }
}
