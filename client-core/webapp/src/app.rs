//! The application's parts, made once.

use std::sync::Arc;

use client_core::{
    Auth, AuthParts, ClientConfig, Clock, Entropy, Flights, IdTokenVerifier, JwksVerifier, Jwt, ManualClock, Memory,
    PendingSignIn, Refresher, RefreshingCallbacks, ReqwestTransport, SealedCookie, SealingSecrets, SystemClock,
    SystemEntropy, Transport, UnixMillis,
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::cookies::CookieKind;
use crate::csrf::CsrfToken;

/// What the command line decides beyond the provider.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) base: Url,
    pub(crate) show_access_token: bool,
    pub(crate) test_clock: bool,
}

/// A sign-in under way, as the browser keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) sign_in: PendingSignIn,
    /// Where the user wanted to be.
    pub(crate) return_to: Url,
}

/// The cookies that a browser keeps for the application.
#[derive(Debug)]
pub(crate) struct Cookies {
    pub(crate) session: SealedCookie<Jwt>,
    pub(crate) pending: SealedCookie<Pending>,
    pub(crate) csrf: SealedCookie<CsrfToken>,
    /// Whether they go over https only.
    pub(crate) secure: bool,
}

impl Cookies {
    fn new(base: &Url, secrets: &SealingSecrets) -> Self {
        let secure = base.scheme() == "https";
        Self {
            session: SealedCookie::new(CookieKind::Session.name(secure), secrets),
            pending: SealedCookie::new(CookieKind::Pending.name(secure), secrets),
            csrf: SealedCookie::new(CookieKind::Csrf.name(secure), secrets),
            secure,
        }
    }
}

/// The application.
pub(crate) struct App {
    pub(crate) auth: Auth,
    pub(crate) cookies: Cookies,
    pub(crate) base: Url,
    pub(crate) issuer: String,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) show_access_token: bool,
    /// The clock, where a test may set it.
    pub(crate) test_clock: Option<Arc<ManualClock>>,
    clock: Arc<dyn Clock>,
}

impl App {
    pub(crate) fn new(
        config: ClientConfig,
        settings: Settings,
        secrets: &SealingSecrets,
        transport: ReqwestTransport,
    ) -> Self {
        let test_clock = settings.test_clock.then(|| Arc::new(ManualClock::at(SystemClock.now())));
        let clock: Arc<dyn Clock> = match &test_clock {
            Some(clock) => Arc::<ManualClock>::clone(clock),
            None => Arc::new(SystemClock),
        };
        let transport: Arc<dyn Transport> = Arc::new(transport);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        Self {
            issuer: config.issuer.clone(),
            auth: auth(config, &transport, &clock, &entropy),
            cookies: Cookies::new(&settings.base, secrets),
            base: settings.base,
            transport,
            entropy,
            show_access_token: settings.show_access_token,
            test_clock,
            clock,
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }
}

fn auth(
    config: ClientConfig,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Auth {
    let config = Arc::new(config);
    let verifier: Arc<dyn IdTokenVerifier> = Arc::new(JwksVerifier::new(Arc::clone(&config), Arc::clone(transport)));
    let flights = Arc::new(Flights::new(Arc::clone(clock), Memory::default()));
    let refresher = Refresher::new(Arc::clone(&config), Arc::clone(transport), Arc::clone(&verifier), flights);
    Auth::new(AuthParts {
        config,
        transport: Arc::clone(transport),
        verifier,
        callbacks: Arc::new(RefreshingCallbacks::new(refresher)),
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
    })
}
