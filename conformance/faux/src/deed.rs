//! When an adapter misbehaves, and how. Plain data: `fault.rs` makes a table of it, `scene.rs` acts on it.

use serde_json::Value;

use crate::memory::Memory;

/// One thing that is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Misdeed {
    pub(crate) when: When,
    pub(crate) deed: Deed,
}

/// The moment at which it shows.
#[derive(Clone, Copy)]
pub(crate) enum When {
    /// Before anything is read.
    Birth,
    /// When the runner has closed standard input.
    End,
    /// At every request.
    Every,
    /// At every request but `hello`.
    EveryButHello,
    /// At requests with this verb.
    Verb(&'static str),
    /// At requests with this verb for the actor `mallory`.
    Mallory(&'static str),
}

/// What is done. But for [`Deed::Ask`] it is done when the honest answer is known.
#[derive(Clone, Copy)]
pub(crate) enum Deed {
    /// Asks this of the honest adapter in place of the request.
    Ask(fn(&Memory, &Value) -> Value),
    /// Writes this in place of the honest answer.
    Write(fn(&Exchange<'_>) -> Vec<u8>),
    /// Writes this to standard error, and then the honest answer.
    Mutter(fn(&Exchange<'_>) -> Vec<u8>),
    /// Does nothing more, for ever.
    Hang,
    /// Takes its time.
    Dawdle,
    /// Ends with exit code 1.
    Exit,
    /// The same, after the honest answer.
    AnswerAndExit,
    /// Ends by a signal.
    Die,
    /// Ends with exit code 1, if a process in this folder has done this before.
    ExitNextTime,
    /// Writes without end, or 64 MiB and then the honest answer.
    Flood(Stream, Amount),
    /// Closes standard output and lives on.
    CloseStdout,
    /// Starts a process, and ignores SIGTERM as that does.
    HaveChild,
}

/// Where a flood goes.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// How much.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    Endless,
    Much,
}

/// A request with its honest answer.
pub(crate) struct Exchange<'a> {
    pub(crate) request: &'a Value,
    pub(crate) reply: &'a Value,
    pub(crate) memory: &'a Memory,
}

impl When {
    /// Whether this is such a request.
    pub(crate) fn is_now(self, request: &Value) -> bool {
        let verb = request["regrant"].as_str().unwrap_or_default();
        match self {
            Self::Birth | Self::End => false,
            Self::Every => true,
            Self::EveryButHello => verb != "hello",
            Self::Verb(wanted) => verb == wanted,
            Self::Mallory(wanted) => verb == wanted && request["actor"] == "mallory",
        }
    }
}
