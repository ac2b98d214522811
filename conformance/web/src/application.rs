//! The application itself: started for a case, or running already.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use adapter_process::{Child, Mark, Output, Program, pause};
use adapter_protocol::Start;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use url::Url;

use crate::browser::{Browser, Request};
use crate::clock::Clock;
use crate::description::Description;
use crate::values::Values;

/// Real time between two looks whether it is ready.
const LOOK: Duration = Duration::from_millis(30);

/// Lines of its output that are told when it does not start.
const TOLD: usize = 12;

/// A web application in a case.
#[derive(Debug)]
pub(crate) struct Application {
    program: Option<Program>,
    child: Mutex<Option<Child>>,
    output: std::sync::Mutex<(Arc<Output>, Mark)>,
    pub(crate) base: Url,
    pub(crate) clock: Clock,
    /// What its clock was put to last.
    now_ms: AtomicI64,
    ready: crate::description::Ready,
}

impl Application {
    /// Starts it, or finds it, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start or does not get ready, in words.
    pub(crate) async fn start(
        description: &Description,
        folder: &std::path::Path,
        start: &Start,
        browser: &Browser,
    ) -> Result<Self, String> {
        let values = Values::of(start, free_port().await?);
        let base = values.fill(&description.base_url);
        let base = Url::parse(&base).map_err(|error| format!("base_url: `{base}`: {error}"))?;
        let clock = Clock::new(&description.clock, start.now_ms)?;
        let program = description.command.as_ref().map(|command| Program {
            command: command.iter().map(|word| values.fill(word)).collect(),
            folder: Some(folder.to_owned()),
            environment: description
                .env
                .iter()
                .map(|(name, value)| (name.clone(), values.fill(value).into()))
                .chain(clock.environment())
                .collect(),
        });
        let application = Self {
            program,
            child: Mutex::new(None),
            output: std::sync::Mutex::default(),
            base,
            clock,
            now_ms: AtomicI64::new(start.now_ms),
            ready: description.ready.clone(),
        };
        application.run(browser).await?;
        application.set_clock(start.now_ms, browser).await?;
        Ok(application)
    }

    async fn run(&self, browser: &Browser) -> Result<(), String> {
        if let Some(program) = &self.program {
            let child = program.start().map_err(|error| error.to_string())?;
            *self.seen() = (child.output(), Mark::default());
            *self.child.lock().await = Some(child);
        }
        let ready = async {
            while !self.answers(browser).await {
                self.still_runs().await?;
                pause(LOOK).await;
            }
            // Somebody else may have answered, who has taken the port before it.
            self.still_runs().await
        };
        let limit = self.ready.timeout;
        tokio::time::timeout(limit, ready).await.unwrap_or_else(|_| {
            let path = &self.ready.path;
            Err(format!("the application does not answer {path} within {} s{}", limit.as_secs(), self.told()))
        })
    }

    async fn still_runs(&self) -> Result<(), String> {
        match self.ended().await {
            Some(status) => Err(format!("the application has ended with {status}{}", self.told())),
            None => Ok(()),
        }
    }

    async fn answers(&self, browser: &Browser) -> bool {
        let Ok(url) = self.base.join(&self.ready.path) else { return false };
        browser.send(Request::get(url, None)).await.is_ok_and(|response| response.status == self.ready.status)
    }

    async fn ended(&self) -> Option<String> {
        self.child.lock().await.as_mut().and_then(Child::ended)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, (Arc<Output>, Mark)> {
        self.output.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn told(&self) -> String {
        self.seen().0.last_lines(TOLD).iter().map(|line| format!("\n  | {line}")).collect()
    }

    /// Stops it and starts it again, on the same port and at the same time.
    ///
    /// # Errors
    /// When it runs without us, or does not get ready.
    pub(crate) async fn restart(&self, browser: &Browser) -> Result<(), String> {
        if self.program.is_none() {
            return Err("it was not started by the runner".to_owned());
        }
        self.stop().await;
        self.run(browser).await?;
        // A clock that the application keeps itself is lost with its process.
        self.set_clock(self.now_ms.load(Ordering::SeqCst), browser).await.map(drop)
    }

    /// Moves its clock, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When that is not possible, in words.
    pub(crate) async fn set_clock(&self, now_ms: i64, browser: &Browser) -> Result<i64, String> {
        self.now_ms.store(now_ms, Ordering::SeqCst);
        self.clock.set(now_ms, &self.base, browser).await
    }

    async fn stop(&self) {
        let child = self.child.lock().await.take();
        if let Some(child) = child {
            child.stop().await;
        }
    }

    /// What it has printed since the last time.
    pub(crate) async fn log(&self) -> String {
        let (output, mark) = self.seen().clone();
        output.quiet().await;
        let text = output.since(mark).0;
        *self.seen() = (Arc::clone(&output), output.mark());
        text
    }
}

/// A port that nobody listens on. Somebody may take it before the application does; then it does not get ready, and says so.
async fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}
