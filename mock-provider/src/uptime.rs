//! The one place that reads the operating system's clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::Sleep;

use crate::time::{Timestamp, Uptime};

/// Measures how long the provider has been up, for flowing clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a flowing realm clock needs real time from somewhere")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn uptime(self) -> Uptime {
        Uptime(self.0.elapsed())
    }
}

/// A pause in real time: for what drips or is late on purpose.
#[expect(clippy::disallowed_methods, reason = "a connection drips, and an answer is delayed, in real time")]
pub(crate) fn pause(length: Duration) -> Sleep {
    tokio::time::sleep(length)
}

/// The time of day, where a clock that nobody set starts.
#[expect(clippy::disallowed_methods, reason = "a clock that nobody set starts at the time of day")]
pub(crate) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0).plus(since)
}
