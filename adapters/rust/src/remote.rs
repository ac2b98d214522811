//! The application under remote control.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use adapter_protocol::{Answer, ClockMode, HelloAnswer, JarKind, Keep, Name, SessionState, SessionView, Start, Verb};
use adapter_server::{Adapter, Case, ok};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::{Application, Introduction};

/// Makes an application for each case.
pub(crate) struct Remote<A> {
    introduction: Introduction,
    application: PhantomData<fn() -> A>,
}

impl<A> Remote<A> {
    pub(crate) const fn new(introduction: Introduction) -> Self {
        Self { introduction, application: PhantomData }
    }
}

impl<A: Application> Adapter for Remote<A> {
    type Case = Running<A>;

    fn hello(&self) -> HelloAnswer {
        self.introduction.hello()
    }

    fn start(&self, start: Start) -> BoxFuture<'_, Result<Running<A>, String>> {
        std::future::ready(Running::new(start)).boxed()
    }
}

/// Who is signed in at a browser. Two tabs are one browser.
struct Browser<U>(Mutex<Option<Arc<U>>>);

impl<U> Browser<U> {
    fn user(&self) -> MutexGuard<'_, Option<Arc<U>>> {
        locked(&self.0)
    }
}

type Browsers<U> = BTreeMap<Name, Arc<Browser<U>>>;

/// An application with its browsers.
pub(crate) struct Running<A: Application> {
    start: Start,
    now_ms: Mutex<Option<i64>>,
    application: RwLock<Arc<A>>,
    browsers: Mutex<Browsers<A::User>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<A: Application> Running<A> {
    fn new(start: Start) -> Result<Self, String> {
        let now_ms = (start.clock == ClockMode::Set).then_some(start.now_ms);
        let application = RwLock::new(Arc::new(A::new(&start, now_ms)?));
        Ok(Self { start, now_ms: Mutex::new(now_ms), application, browsers: Mutex::default() })
    }

    fn application(&self) -> Arc<A> {
        Arc::clone(&self.application.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn browser(&self, actor: &str) -> Arc<Browser<A::User>> {
        let mut browsers = locked(&self.browsers);
        Arc::clone(browsers.entry(actor.to_owned()).or_insert_with(|| Arc::new(Browser(Mutex::new(None)))))
    }

    /// Two tabs are one browser, and come once.
    fn each_browser(&self) -> Vec<Arc<Browser<A::User>>> {
        let mut each: Vec<Arc<Browser<A::User>>> = vec![];
        for browser in locked(&self.browsers).values() {
            if !each.iter().any(|known| Arc::ptr_eq(known, browser)) {
                each.push(Arc::clone(browser));
            }
        }
        each
    }

    async fn answer(&self, verb: Verb) -> Result<Answer, String> {
        Ok(match verb {
            Verb::SignIn { actor } => self.sign_in(&actor).await?,
            Verb::Session { actor, .. } => self.session(&actor).await?,
            Verb::Api { actor, url } => self.api(&actor, &url).await?,
            Verb::SignOut { actor } => {
                self.browser(&actor).user().take();
                shown(&signed_out(), None)
            }
            Verb::Clock { now_ms } => self.clock(now_ms),
            Verb::Second { of, actor, kind: JarKind::Tab } => {
                let browser = self.browser(&of);
                locked(&self.browsers).insert(actor, browser);
                ok(json!({}))
            }
            Verb::Restart { keep } => self.restart(keep).await,
            // They are on stderr.
            Verb::Logs {} => ok(json!({"lines": []})),
            Verb::Second { kind: JarKind::Fork, .. } | Verb::Deliver { .. } | Verb::LoseChunk { .. } => {
                no("there are no cookies")
            }
            Verb::Hello(_) | Verb::Start(_) | Verb::Cancel { .. } | Verb::Stop {} => no("a case has begun already"),
        })
    }

    async fn sign_in(&self, actor: &str) -> Result<Answer, String> {
        let browser = self.browser(actor);
        let user = Arc::new(self.application().sign_in().await?);
        *browser.user() = Some(Arc::clone(&user));
        Ok(shown(&self.application().session(&user).await?, None))
    }

    async fn session(&self, actor: &str) -> Result<Answer, String> {
        let user = self.browser(actor).user().clone();
        let Some(user) = user else { return Ok(shown(&signed_out(), None)) };
        Ok(shown(&self.application().session(&user).await?, None))
    }

    async fn api(&self, actor: &str, url: &str) -> Result<Answer, String> {
        let user = self.browser(actor).user().clone();
        let Some(user) = user else { return Ok(shown(&signed_out(), None)) };
        let (view, status) = self.application().api(&user, url).await?;
        Ok(shown(&view, status))
    }

    fn clock(&self, now_ms: i64) -> Answer {
        locked(&self.now_ms).as_mut().into_iter().for_each(|known| *known = now_ms);
        ok(json!({"now_ms": self.application().clock(now_ms)}))
    }

    async fn restart(&self, keep: Keep) -> Answer {
        match self.begin_again(keep).await {
            Ok(()) => ok(json!({})),
            Err(message) => Answer::Broken { message },
        }
    }

    async fn begin_again(&self, keep: Keep) -> Result<(), String> {
        let new = Arc::new(A::new(&self.start, *locked(&self.now_ms))?);
        let old = self.application();
        for browser in self.each_browser() {
            let user = browser.user().take();
            if let (Some(user), Keep::Store) = (user, keep) {
                let loaded = new.load(old.save(&user).await?).await?;
                *browser.user() = Some(Arc::new(loaded));
            }
        }
        *self.application.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

impl<A: Application> Case for Running<A> {
    fn perform(self: Arc<Self>, _: u64, verb: Verb) -> BoxFuture<'static, Answer> {
        async move {
            match AssertUnwindSafe(self.answer(verb)).catch_unwind().await {
                Ok(Ok(answer)) => answer,
                Ok(Err(message)) => Answer::Threw { message },
                Err(panic) => Answer::Threw { message: format!("panic: {}", words(&*panic)) },
            }
        }
        .boxed()
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

fn no(reason: &str) -> Answer {
    Answer::No { reason: reason.to_owned() }
}

fn signed_out() -> SessionView {
    SessionView { state: SessionState::SignedOut, subject: None, error: None, access_token: None, page: Value::Null }
}

fn shown(view: &SessionView, status: Option<u16>) -> Answer {
    match status {
        Some(status) => ok(json!({"session": view, "status": status})),
        None => ok(json!({"session": view})),
    }
}
