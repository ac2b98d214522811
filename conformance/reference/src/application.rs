//! The application of one case: the reference client, its browsers, its clock and its log.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use adapter_protocol::{Answer, Deliver, Fate, JarKind, Keep, SessionState, SessionView, Start, Verb};
use adapter_server::{CookieChanges, CookieJar, Jars, ok};
use client_core::{
    Auth, AuthParts, BadEndpoint, BadSecrets, Callbacks, ClientConfig, ClientSecret, Clock, CookieChange,
    CookieRefused, EndpointUrl, HttpRequest, IdTokenVerifier, JwksVerifier, ManualClock, NotSealed, Refresher,
    RefreshingCallbacks, SeededEntropy, SessionCookie, SessionError, SessionRead, Transport, UnixMillis,
};
use serde_json::{Value, json};
use url::Url;

use crate::browser::Browser;
use crate::defect::Defect;
use crate::mutant_callbacks::MutantCallbacks;
use crate::mutant_parts::{Gullible, OldKeysOnly, coordinator};
use crate::mutant_transport::{HttpClients, MutantTransport};
use crate::session_cookies::SessionCookies;

/// Where the application is registered to be redirected to. Nothing listens there: the browser reads the URL.
const REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// The application's log.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<String>>);

impl Log {
    pub(crate) fn write(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the cases of an adapter share.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub(crate) clients: HttpClients,
    pub(crate) browser: Browser,
}

/// An application with its browsers.
pub(crate) struct Application {
    case: String,
    parts: Parts,
    server: RwLock<Server>,
    starts: AtomicU32,
    browser: Browser,
    jars: Jars,
    cookies: SessionCookies,
}

/// Why there is no application.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    #[error(transparent)]
    Secrets(#[from] BadSecrets),
}

/// What a browser brings with a request.
struct Brought {
    jar: CookieJar,
    session: Result<SessionCookie, CookieRefused>,
}

/// What a restart replaces.
#[derive(Clone)]
struct Server {
    auth: Arc<Auth>,
    /// Signs in and out. Another than `auth` in the mutants that do not know of each other's ended sessions.
    front: Arc<Auth>,
}

impl Application {
    pub(crate) fn start(start: Start, tools: Tools, defect: Option<Defect>) -> Result<Self, NotStarted> {
        let parts = Parts {
            config: Arc::new(config(&start)?),
            transport: Arc::new(MutantTransport::new(tools.clients, defect)),
            clock: Arc::new(ManualClock::at(UnixMillis(start.now_ms))),
            log: Arc::default(),
            defect,
        };
        let server = RwLock::new(parts.server(&format!("{}/0", start.case)));
        let starts = AtomicU32::new(1);
        let cookies = SessionCookies::new(&start.case, defect)?;
        Ok(Self { case: start.case, parts, server, starts, browser: tools.browser, jars: Jars::default(), cookies })
    }

    fn brought(&self, actor: &str) -> Brought {
        let jar = self.jars.of(actor);
        let session = self.cookies.read(&jar, self.parts.clock.now());
        Brought { jar, session }
    }

    fn changes(&self, change: &CookieChange, brought: &CookieJar) -> Result<CookieChanges, NotSealed> {
        self.cookies.write(change, brought, self.parts.clock.now())
    }

    fn apply(&self, actor: &str, change: &CookieChange, brought: &CookieJar) -> Result<(), NotSealed> {
        self.jars.apply(actor, self.changes(change, brought)?);
        Ok(())
    }

    fn server(&self) -> Server {
        self.server.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Does what the runner asks for. `id` names the request, for cookies that are kept back.
    pub(crate) async fn answer(&self, id: u64, verb: Verb) -> Answer {
        self.done(id, verb).await.unwrap_or_else(|error| Answer::Broken { message: error.to_string() })
    }

    async fn done(&self, id: u64, verb: Verb) -> Result<Answer, NotSealed> {
        Ok(match verb {
            Verb::SignIn { actor } => self.sign_in(&actor).await?,
            Verb::Session { actor, deliver } => self.session(id, &actor, deliver).await?,
            Verb::Deliver { of, fate } => self.deliver(of, fate),
            Verb::LoseChunk { actor, chunk } => ok(json!({"lost": self.jars.lose_chunk(&actor, chunk)})),
            Verb::Api { actor, url } => self.api(id, &actor, &url).await?,
            Verb::SignOut { actor } => self.sign_out(&actor).await?,
            Verb::Clock { now_ms } => {
                self.parts.clock.set(UnixMillis(now_ms));
                if self.parts.defect == Some(Defect::RefreshesUnasked) {
                    self.read_all().await?;
                }
                ok(json!({"now_ms": self.parts.clock.now()}))
            }
            Verb::Second { of, actor, kind } => self.second(&of, &actor, kind),
            Verb::Restart { keep } => self.restart(keep)?,
            Verb::Logs {} => ok(json!({"lines": self.parts.log.take()})),
            Verb::Hello(_) | Verb::Start(_) | Verb::Cancel { .. } | Verb::Stop {} => {
                Answer::No { reason: "a case has begun already".to_owned() }
            }
        })
    }

    async fn sign_in(&self, actor: &str) -> Result<Answer, NotSealed> {
        let server = self.server();
        let (url, pending) = server.front.begin_sign_in();
        let callback = match self.browser.visit(self.authorization_url(url)).await {
            Ok(callback) if callback.as_str().starts_with(REDIRECT_URI) => callback,
            Ok(_) => {
                return Ok(Answer::Threw { message: "the provider kept the user on a page of its own".to_owned() });
            }
            Err(message) => return Ok(Answer::Threw { message }),
        };
        let Brought { jar, session } = self.brought(actor);
        match server.front.finish_sign_in(pending, &callback, session.ok()).await {
            Ok(cookie) => {
                self.apply(actor, &CookieChange::Set(Box::new(cookie)), &jar)?;
                Ok(shown(&self.read_by(&server.front, actor).await?))
            }
            Err(error) => {
                if self.parts.defect == Some(Defect::DropsSessionOnFailedSignIn) {
                    self.apply(actor, &CookieChange::Clear, &jar)?;
                }
                Ok(Answer::Threw { message: error.to_string() })
            }
        }
    }

    fn authorization_url(&self, mut url: Url) -> Url {
        let unwanted: &[&str] = match self.parts.defect {
            Some(Defect::NoOfflineAccess) => &["access_type", "prompt"],
            Some(Defect::NoPkce) => &["code_challenge", "code_challenge_method"],
            Some(_) | None => return url,
        };
        let kept: Vec<(String, String)> =
            url.query_pairs().into_owned().filter(|(name, _)| !unwanted.contains(&name.as_str())).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
        url
    }

    async fn session(&self, id: u64, actor: &str, deliver: Deliver) -> Result<Answer, NotSealed> {
        let Brought { jar, session } = self.brought(actor);
        if let (Some(Defect::CrashesOnBadCookie), Err(CookieRefused::Unopened(error))) = (self.parts.defect, &session) {
            return Ok(Answer::Threw { message: error.to_string() });
        }
        let signed_in = session.is_ok();
        let read = self.server().auth.read(session.ok()).await;
        if signed_in && self.crashed(&read) {
            return Ok(Answer::Threw { message: "unexpected token < in JSON".to_owned() });
        }
        let changes = self.changes(&read.cookie, &jar)?;
        match deliver {
            Deliver::Now => self.jars.apply(actor, changes),
            Deliver::Later => self.jars.keep_back(id, actor, changes),
        }
        self.note(&read);
        Ok(shown(&read))
    }

    /// The mutant that crashes clears its session where the reference client would have reported.
    fn crashed(&self, read: &SessionRead) -> bool {
        self.parts.defect == Some(Defect::CrashesOnHtml) && read.session.is_none() && read.cookie == CookieChange::Clear
    }

    fn note(&self, read: &SessionRead) {
        if let Some(SessionError::RefreshTokenError) = read.session.as_ref().and_then(|session| session.error) {
            self.parts.log.write("RefreshTokenError: the access token could not be refreshed".to_owned());
        }
    }

    fn deliver(&self, of: u64, fate: Fate) -> Answer {
        if self.jars.deliver(of, fate) {
            ok(json!({}))
        } else {
            Answer::Broken { message: format!("no cookie of request {of} is kept back") }
        }
    }

    async fn read_all(&self) -> Result<(), NotSealed> {
        for actor in self.jars.actors() {
            self.read_by(&self.server().auth, &actor).await?;
        }
        Ok(())
    }

    async fn read_by(&self, auth: &Auth, actor: &str) -> Result<SessionRead, NotSealed> {
        let Brought { jar, session } = self.brought(actor);
        let read = auth.read(session.ok()).await;
        self.apply(actor, &read.cookie, &jar)?;
        Ok(read)
    }

    async fn api(&self, id: u64, actor: &str, url: &str) -> Result<Answer, NotSealed> {
        let read = self.read_by(&self.server().auth, actor).await?;
        let Ok(url) = Url::parse(url) else {
            return Ok(Answer::Broken { message: format!("request {id} has no URL to call") });
        };
        let status = match &read.access_token {
            Some(token) => {
                let request = HttpRequest { bearer: Some(token.clone()), ..HttpRequest::get(url) };
                self.parts.transport.send(request).await.ok().map(|response| response.status)
            }
            None => None,
        };
        Ok(ok(json!({"status": status, "session": view(&read)})))
    }

    async fn sign_out(&self, actor: &str) -> Result<Answer, NotSealed> {
        let Brought { jar, session } = self.brought(actor);
        let change = self.server().front.sign_out(session.ok()).await;
        if self.parts.defect == Some(Defect::SignOutNeedsProvider) && self.parts.transport.revocation_failed() {
            return Ok(Answer::Threw { message: "the provider did not revoke the token".to_owned() });
        }
        self.apply(actor, &change, &jar)?;
        Ok(shown(&SessionRead { session: None, cookie: CookieChange::Keep, access_token: None }))
    }

    fn second(&self, of: &str, actor: &str, kind: JarKind) -> Answer {
        self.jars.second(of, actor, kind);
        ok(json!({}))
    }

    /// The reference client stores nothing on the server's side, so both kinds of restart are one.
    fn restart(&self, _: Keep) -> Result<Answer, NotSealed> {
        let start = self.starts.fetch_add(1, Ordering::SeqCst);
        let server = self.parts.server(&format!("{}/{start}", self.case));
        *self.server.write().unwrap_or_else(PoisonError::into_inner) = server;
        if self.parts.defect == Some(Defect::ResetsLifetimeOnRestart) {
            self.jars.actors().iter().try_for_each(|actor| self.give_an_hour(actor))?;
        }
        Ok(ok(json!({})))
    }

    fn give_an_hour(&self, actor: &str) -> Result<(), NotSealed> {
        let Brought { jar, session } = self.brought(actor);
        let Ok(mut cookie) = session else { return Ok(()) };
        cookie.jwt.expires_at = self.parts.clock.now().as_secs().plus(std::time::Duration::from_secs(3600));
        self.apply(actor, &CookieChange::Set(Box::new(cookie)), &jar)
    }
}

/// What a server is made of.
struct Parts {
    config: Arc<ClientConfig>,
    transport: Arc<MutantTransport>,
    clock: Arc<ManualClock>,
    log: Arc<Log>,
    defect: Option<Defect>,
}

impl Parts {
    fn server(&self, seed: &str) -> Server {
        let auth = Arc::new(self.auth(seed));
        let apart = matches!(self.defect, Some(Defect::ResurrectsAfterSignOut | Defect::SwapsUserOnLateAnswer));
        let front = if apart { Arc::new(self.auth(&format!("{seed}/front"))) } else { Arc::clone(&auth) };
        Server { auth, front }
    }

    fn auth(&self, seed: &str) -> Auth {
        let transport = Arc::clone(&self.transport) as Arc<dyn Transport>;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let checking =
            Arc::new(JwksVerifier::new(Arc::clone(&self.config), Arc::clone(&transport))) as Arc<dyn IdTokenVerifier>;
        let verifier: Arc<dyn IdTokenVerifier> = match self.defect {
            Some(Defect::AcceptsAnyIdToken) => Arc::new(Gullible),
            Some(Defect::NeverFetchesKeysAgain) => Arc::new(OldKeysOnly::new(checking)),
            Some(_) | None => checking,
        };
        let coordinator = coordinator(self.defect, Arc::clone(&clock));
        let refresher =
            Refresher::new(Arc::clone(&self.config), Arc::clone(&transport), Arc::clone(&verifier), coordinator);
        let callbacks = self.callbacks(refresher);
        let entropy = Arc::new(SeededEntropy::new(seed));
        Auth::new(AuthParts { config: Arc::clone(&self.config), transport, verifier, callbacks, clock, entropy })
    }

    fn callbacks(&self, refresher: Refresher) -> Arc<dyn Callbacks> {
        match self.defect {
            None => Arc::new(RefreshingCallbacks::new(refresher)),
            Some(defect) => {
                let refreshed_once = Mutex::new(BTreeSet::new());
                Arc::new(MutantCallbacks { defect, refresher, log: Arc::clone(&self.log), refreshed_once })
            }
        }
    }
}

fn config(start: &Start) -> Result<ClientConfig, BadEndpoint> {
    let endpoints = &start.provider.endpoints;
    Ok(ClientConfig {
        issuer: start.provider.issuer.clone(),
        authorization_endpoint: EndpointUrl::parse(&endpoints.authorization)?,
        token_endpoint: EndpointUrl::parse(&endpoints.token)?,
        jwks_uri: EndpointUrl::parse(&endpoints.jwks)?,
        revocation_endpoint: Some(EndpointUrl::parse(&endpoints.revocation)?),
        client_id: start.provider.client.id.clone(),
        client_secret: Some(ClientSecret::new(start.provider.client.secret.clone())),
        redirect_uri: REDIRECT_URI.to_owned(),
        scopes: start.scopes.clone(),
    })
}

fn shown(read: &SessionRead) -> Answer {
    ok(json!({"session": view(read)}))
}

fn view(read: &SessionRead) -> SessionView {
    let session = read.session.as_ref();
    SessionView {
        state: if session.is_some() { SessionState::Active } else { SessionState::SignedOut },
        subject: session.map(|session| session.user.sub.clone()),
        error: session
            .and_then(|session| session.error)
            .map(|SessionError::RefreshTokenError| "RefreshTokenError".to_owned()),
        access_token: read.access_token.as_ref().map(|token| token.expose().to_owned()),
        page: session.map_or(Value::Null, |session| json!(session)),
    }
}
