//! What a process prints: evidence, never a verdict.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::pause::pause;
use crate::shown::shown;

/// So much is kept at least; what came first goes first: 4 MiB.
const KEPT: usize = 4 << 20;

/// So much is kept at most. To move the rest at every line that is added would cost far more than the line.
const MOST: usize = 2 * KEPT;

/// Real time in which nothing new has to come before the output counts as complete.
const QUIET: Duration = Duration::from_millis(20);

/// Real time for all of that.
const PATIENCE: Duration = Duration::from_millis(500);

/// Everything that a process has printed, bounded.
#[derive(Debug, Default)]
pub struct Output(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    text: Vec<u8>,
    /// How many bytes have been given up at the beginning.
    lost: usize,
}

/// A place in the output; at first its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(usize);

impl Output {
    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds bytes.
    pub fn add(&self, bytes: &[u8]) {
        let mut kept = self.locked();
        kept.text.extend_from_slice(bytes);
        if kept.text.len() > MOST {
            let over = kept.text.len() - KEPT;
            kept.text.drain(..over);
            kept.lost += over;
        }
    }

    /// The end so far.
    pub fn mark(&self) -> Mark {
        let kept = self.locked();
        Mark(kept.lost + kept.text.len())
    }

    /// What came since a mark, and whether all of it is still there.
    pub fn since(&self, mark: Mark) -> (String, bool) {
        let kept = self.locked();
        let from = mark.0.saturating_sub(kept.lost).min(kept.text.len());
        (String::from_utf8_lossy(&kept.text[from..]).into_owned(), mark.0 >= kept.lost)
    }

    /// The last lines of everything that is kept, as people are shown them.
    pub fn last_lines(&self, most: usize) -> Vec<String> {
        let (text, _) = self.since(Mark::default());
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(most)..].iter().map(|line| shown(line)).collect()
    }

    /// Waits until nothing new has come for a moment: what was written before an answer may be read after it.
    pub async fn quiet(&self) {
        let settled = async {
            let mut seen = self.mark();
            loop {
                pause(QUIET).await;
                let now = self.mark();
                if now == seen {
                    return;
                }
                seen = now;
            }
        };
        drop(tokio::time::timeout(PATIENCE, settled).await);
    }

    /// Reads a stream to its end.
    pub(crate) async fn read(&self, mut stream: impl AsyncRead + Unpin) {
        let mut buffer = [0; 8192];
        while let Ok(read) = stream.read(&mut buffer).await {
            if read == 0 {
                return;
            }
            self.add(&buffer[..read]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_since_a_mark_is_given_whole_or_said_to_be_cut() {
        let output = Output::default();
        output.add(b"before ");
        let mark = output.mark();
        output.add(b"after");
        assert_eq!(output.since(mark), ("after".to_owned(), true));
        output.add(&vec![b'x'; MOST]);
        let (text, whole) = output.since(mark);
        assert!(text.len() == KEPT && !whole);
        assert!(output.since(output.mark()).0.is_empty());
    }
}
