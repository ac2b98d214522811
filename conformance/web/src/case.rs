//! The adapter: a description, and cases made of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use adapter_protocol::{Answer, Deliver, HelloAnswer, Implementation, PROTOCOL, Start, Verb};
use adapter_server::{Adapter, Case, Jars, ok};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::application::Application;
use crate::browser::Browser;
use crate::description::{ClockSource, Description};
use crate::flow::{Flow, Read};

/// An adapter around a web application.
#[derive(Clone, Debug)]
pub struct WebAdapter {
    implementation: Implementation,
    description: Arc<Description>,
    folder: PathBuf,
    browser: Browser,
    /// How often the application was seen at the time that it was put to.
    proofs: Arc<AtomicU32>,
}

/// After so many proofs the clock of this application is believed: each costs up to a second.
const ENOUGH: u32 = 3;

impl WebAdapter {
    /// An adapter; commands start in the folder.
    ///
    /// # Errors
    /// When no HTTP client can be set up.
    pub fn new(implementation: Implementation, description: Description, folder: PathBuf) -> std::io::Result<Self> {
        let browser = Browser::new().map_err(std::io::Error::other)?;
        Ok(Self { implementation, description: Arc::new(description), folder, browser, proofs: Arc::default() })
    }
}

impl Adapter for WebAdapter {
    type Case = WebCase;

    fn hello(&self) -> HelloAnswer {
        let mut claims = self.description.claims.clone();
        let clock = adapter_protocol::Capability::ClockSet;
        if self.description.clock != ClockSource::Real && !claims.contains(&clock) {
            claims.push(clock);
        }
        HelloAnswer {
            protocol: PROTOCOL,
            adapter: format!("web-adapter {}", env!("CARGO_PKG_VERSION")),
            target: self.implementation.clone(),
            claims,
            errors: self.description.errors.clone(),
        }
    }

    fn start(&self, start: Start) -> BoxFuture<'_, Result<WebCase, String>> {
        async move {
            let application = Application::start(&self.description, &self.folder, &start, &self.browser).await?;
            Ok(WebCase {
                description: Arc::clone(&self.description),
                browser: self.browser.clone(),
                application,
                proofs: Arc::clone(&self.proofs),
                jars: Jars::default(),
            })
        }
        .boxed()
    }
}

/// An application with its browsers.
#[derive(Debug)]
pub struct WebCase {
    description: Arc<Description>,
    browser: Browser,
    application: Application,
    proofs: Arc<AtomicU32>,
    jars: Jars,
}

impl Case for WebCase {
    fn perform(self: Arc<Self>, id: u64, verb: Verb) -> BoxFuture<'static, Answer> {
        async move { self.answer(id, verb).await }.boxed()
    }
}

impl WebCase {
    fn flow<'a>(&'a self, actor: &'a str) -> Flow<'a> {
        let Self { description, browser, application, jars, .. } = self;
        Flow { description, base: &application.base, browser, jars, actor }
    }

    async fn answer(&self, id: u64, verb: Verb) -> Answer {
        match verb {
            Verb::SignIn { actor } => self.sign_in(&actor).await,
            Verb::Session { actor, deliver } => {
                let read = self.flow(&actor).session().await;
                self.shown(id, &actor, deliver, read)
            }
            Verb::Api { actor, url } => {
                let read = self.flow(&actor).api(&url).await;
                self.shown(id, &actor, Deliver::Now, read)
            }
            Verb::SignOut { actor } => match self.flow(&actor).sign_out().await {
                Ok(()) => self.read_now(id, &actor).await,
                Err(message) => Answer::Threw { message },
            },
            Verb::Deliver { of, fate } => match self.jars.deliver(of, fate) {
                true => ok(json!({})),
                false => Answer::Broken { message: format!("no cookie of request {of} is kept back") },
            },
            Verb::LoseChunk { actor, chunk } => ok(json!({"lost": self.jars.lose_chunk(&actor, chunk)})),
            Verb::Second { of, actor, kind } => {
                self.jars.second(&of, &actor, kind);
                ok(json!({}))
            }
            Verb::Clock { now_ms } => self.clock(now_ms).await,
            Verb::Restart { .. } => match self.application.restart(&self.browser).await {
                Ok(()) => ok(json!({})),
                Err(message) => Answer::Broken { message },
            },
            Verb::Logs {} => ok(json!({"lines": [self.application.log().await]})),
            Verb::Hello(_) | Verb::Start(_) | Verb::Cancel { .. } | Verb::Stop {} => {
                Answer::No { reason: "a case has begun already".to_owned() }
            }
        }
    }

    async fn sign_in(&self, actor: &str) -> Answer {
        match self.flow(actor).sign_in().await {
            Ok(()) => self.read_now(0, actor).await,
            Err(message) => Answer::Threw { message },
        }
    }

    async fn read_now(&self, id: u64, actor: &str) -> Answer {
        let read = self.flow(actor).session().await;
        self.shown(id, actor, Deliver::Now, read)
    }

    fn shown(&self, id: u64, actor: &str, deliver: Deliver, read: Result<Read, String>) -> Answer {
        let Read { view, status, changes } = match read {
            Ok(read) => read,
            Err(message) => return Answer::Threw { message },
        };
        match deliver {
            Deliver::Now => self.jars.apply(actor, changes),
            Deliver::Later => self.jars.keep_back(id, actor, changes),
        }
        match status {
            Some(status) => ok(json!({"session": view, "status": status})),
            None => ok(json!({"session": view})),
        }
    }

    async fn clock(&self, now_ms: i64) -> Answer {
        let (base, browser) = (&self.application.base, &self.browser);
        match self.application.set_clock(now_ms, browser).await {
            Ok(shown) => {
                if self.proofs.load(Ordering::Relaxed) >= ENOUGH {
                    return ok(json!({"now_ms": shown}));
                }
                let seen = self.application.clock.shown(shown, base, browser).await;
                self.proofs.fetch_add(u32::from(seen == Some(shown)), Ordering::Relaxed);
                ok(json!({"now_ms": seen}))
            }
            Err(message) => Answer::Broken { message },
        }
    }
}
