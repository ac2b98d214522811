//! Lets Regrant drive `application.rs`: one JSON object a line comes in, one goes out. Little of this has to change.

mod application;

use std::collections::HashMap;
use std::io::{BufRead as _, Write as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::application::{Application, RefreshError, User};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

fn hello() -> Value {
    json!({
        "protocol": 1,
        "adapter": "my-adapter 1.0.0",
        // REPLACE: what is tested, as it shall be called in reports.
        "target": {"name": "my-application", "version": "0.0.0", "language": "Rust"},
        // REPLACE: leave out what your application cannot do, add what it can. What is not claimed is not judged.
        "claims": ["sign_in", "sign_out", "session.error", "session.access_token", "session.concurrent",
            "refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart", "logs"],
        // REPLACE: the names by which your application says that a refresh has failed.
        "errors": {"RefreshTokenError": ["RefreshError"]},
    })
}

/// The application's clock. REPLACE: let your library read it in place of the system's.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Some(set) => set.load(Ordering::SeqCst),
            None => SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_millis() as i64),
        }
    }
}

/// The browser of an actor; two tabs are one browser.
type Browser = Arc<Mutex<Option<Arc<User>>>>;

#[derive(Default)]
struct Adapter {
    begun: Value,
    clock: Clock,
    application: Option<Arc<Application>>,
    browsers: HashMap<String, Browser>,
}

#[derive(Debug)]
struct Unsupported;

impl std::fmt::Display for Unsupported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unsupported")
    }
}

impl std::error::Error for Unsupported {}

impl Adapter {
    fn browser(&mut self, actor: &Value) -> Browser {
        self.browsers.entry(actor.as_str().unwrap_or_default().to_owned()).or_default().clone()
    }

    fn new_application(&self) -> Option<Arc<Application>> {
        Some(Arc::new(Application::new(&self.begun["provider"], &self.begun["scopes"], self.clock.clone())))
    }

    /// What makes and moves the application.
    fn arrange(&mut self, request: &Value) -> Result<Value, Error> {
        match request["regrant"].as_str() {
            Some("hello") => return Ok(hello()),
            Some("start") => {
                let now_ms = Arc::new(AtomicI64::new(request["now_ms"].as_i64().unwrap_or_default()));
                self.clock = Clock((request["clock"] == "set").then_some(now_ms));
                self.begun = request.clone();
                self.browsers.clear();
                self.application = self.new_application();
            }
            Some("clock") => {
                if let (Some(set), Some(now_ms)) = (&self.clock.0, request["now_ms"].as_i64()) {
                    set.store(now_ms, Ordering::SeqCst);
                }
                return Ok(json!({"now_ms": self.clock.now_ms()}));
            }
            Some("second") if request["kind"] == "tab" => {
                let browser = self.browser(&request["of"]);
                self.browsers.insert(request["actor"].as_str().unwrap_or_default().to_owned(), browser);
            }
            Some("restart") => self.restart(request["keep"] == "store")?,
            // All that is printed to stderr is read anyway.
            Some("logs") => return Ok(json!({"lines": []})),
            Some("stop") => (self.application, self.browsers) = (None, HashMap::new()),
            _ => return Err(Unsupported.into()),
        }
        Ok(json!({}))
    }

    /// REPLACE: throw your library's objects away, and make them anew from what the application has stored.
    fn restart(&mut self, keep: bool) -> Result<(), Error> {
        self.application = self.new_application();
        for browser in self.browsers.values() {
            let mut user = browser.lock().unwrap();
            let stored = user.take().filter(|_| keep).map(|user| user.saved.lock().unwrap().to_string());
            if let Some(stored) = stored {
                *user = Some(Arc::new(User::new(serde_json::from_str(&stored)?)));
            }
        }
        Ok(())
    }
}

/// What users do.
fn perform(application: Option<&Application>, browser: &Browser, request: &Value) -> Result<Value, Error> {
    let application = application.ok_or("no case has begun")?;
    if request["regrant"] == "sign_in" {
        let user = Arc::new(application.sign_in()?);
        *browser.lock().unwrap() = Some(user);
    }
    if request["regrant"] == "sign_out" {
        *browser.lock().unwrap() = None;
    }
    let user = browser.lock().unwrap().clone();
    let Some(user) = user else { return Ok(json!({"session": {"state": "signed_out"}})) };
    let subject = &user.subject;
    match application.access_token(&user) {
        Ok(token) => {
            let session = json!({"state": "active", "subject": subject, "access_token": token});
            if request["regrant"] != "api" {
                return Ok(json!({"session": session}));
            }
            let status = application.api(&token, request["url"].as_str().unwrap_or_default())?;
            Ok(json!({"session": session, "status": status}))
        }
        Err(error) if error.is::<RefreshError>() => {
            Ok(json!({"session": {"state": "active", "subject": subject, "error": "RefreshError"}}))
        }
        Err(error) => Err(error),
    }
}

fn say(id: &Value, failure: &str, outcome: Result<Value, Error>) {
    let (kind, members) = match outcome {
        Ok(members) => ("ok", members),
        Err(error) if error.is::<Unsupported>() => ("no", json!({"reason": error.to_string()})),
        Err(error) => (failure, json!({"message": error.to_string()})),
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{}", json!({"regrant": "answer", "id": id, kind: members})).unwrap();
    output.flush().unwrap();
}

fn main() -> Result<(), Error> {
    let mut adapter = Adapter::default();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        if !["sign_in", "session", "api", "sign_out"].iter().any(|verb| request["regrant"] == *verb) {
            say(&request["id"], "broken", adapter.arrange(&request));
            continue;
        }
        // No request waits for the one before. An error is the application's own.
        let (application, browser) = (adapter.application.clone(), adapter.browser(&request["actor"]));
        thread::spawn(move || {
            say(&request["id"], "threw", perform(application.as_deref(), &browser, &request));
        });
    }
    Ok(())
}
