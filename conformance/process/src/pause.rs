//! The one place that waits in real time: for processes, which know no other.

use std::time::Duration;

/// Waits.
#[expect(clippy::disallowed_methods, reason = "what a process does shows in real time only")]
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
