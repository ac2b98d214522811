//! The application's clock: moved, and asked what it shows.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use adapter_process::{MovedClock, pause};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;

use crate::browser::{Browser, Request, Response};
use crate::description::ClockSource;

/// Servers renew their `Date` header once a second; so long it may show the time before, with something to spare.
const LAG: Duration = Duration::from_secs(3);

/// Real time between two looks at it.
const LOOK: Duration = Duration::from_millis(50);

/// How far a `Date` header may be from the truth, in milliseconds: it has whole seconds.
const COARSE_MS: i64 = 1_000;

/// The clock of an application in a case.
#[derive(Debug)]
pub(crate) enum Clock {
    Moved(MovedClock),
    Told(String),
    Real,
}

impl Clock {
    pub(crate) fn new(source: &ClockSource, now_ms: i64) -> Result<Self, String> {
        match source {
            ClockSource::Libfaketime => MovedClock::at(now_ms).map(Self::Moved).map_err(|error| error.to_string()),
            ClockSource::Path(path) => Ok(Self::Told(path.clone())),
            ClockSource::Real => Ok(Self::Real),
        }
    }

    /// What the application has to be started with.
    pub(crate) fn environment(&self) -> BTreeMap<String, OsString> {
        match self {
            Self::Moved(clock) => clock.environment(),
            Self::Told(_) | Self::Real => BTreeMap::new(),
        }
    }

    /// Moves it.
    ///
    /// # Errors
    /// When that is not possible, in words.
    pub(crate) async fn set(&self, now_ms: i64, base: &Url, browser: &Browser) -> Result<i64, String> {
        match self {
            Self::Moved(clock) => clock.set(now_ms).map(|()| now_ms).map_err(|error| error.to_string()),
            Self::Told(path) => tell(path, now_ms, base, browser).await,
            Self::Real => Ok(now_ms),
        }
    }

    /// What the application shows after it was moved, in milliseconds since the Unix epoch. Where only its `Date` header
    /// tells, within a second.
    pub(crate) async fn shown(&self, now_ms: i64, base: &Url, browser: &Browser) -> Option<i64> {
        if matches!(self, Self::Told(_)) {
            // It has answered with what it sees.
            return Some(now_ms);
        }
        let look = async {
            loop {
                let shown = date(base, browser).await;
                if shown.is_some_and(|shown| (now_ms - shown).abs() <= COARSE_MS) {
                    return Some(now_ms);
                }
                pause(LOOK).await;
            }
        };
        match tokio::time::timeout(LAG, look).await {
            Ok(shown) => shown,
            Err(_) => date(base, browser).await,
        }
    }
}

async fn date(base: &Url, browser: &Browser) -> Option<i64> {
    browser.send(Request::get(base.clone(), None)).await.ok().and_then(|response: Response| response.date_ms)
}

async fn tell(path: &str, now_ms: i64, base: &Url, browser: &Browser) -> Result<i64, String> {
    let url = base.join(path).map_err(|error| format!("clock: `{path}`: {error}"))?;
    let form = vec![("now_ms", now_ms.to_string())];
    let request = Request { method: Method::POST, url, cookies: None, form, headers: HeaderMap::new() };
    let answer = browser.send(request).await?.json();
    answer.get("now_ms").and_then(Value::as_i64).ok_or_else(|| format!("{path} does not say what time it is"))
}
