//! Why a target does not shake hands: what was seen, and how to mend it.

use adapter_protocol::PROTOCOL;

use crate::harmless::harmless;
use crate::link::{Link, LinkError};

/// Lines of its output that are told.
const SHOWN: usize = 12;

/// Why a target does not shake hands.
#[derive(Debug, thiserror::Error)]
pub enum BadHandshake {
    /// No answer came.
    #[error("{error}{trace}")]
    NoAnswer {
        /// What came of the request.
        error: LinkError,
        /// What is known of the process.
        trace: Trace,
    },
    /// The answer to `hello` cannot be read.
    #[error("the answer to hello makes no sense: {0}")]
    Nonsense(String),
    /// It does not want to.
    #[error("it answers hello with: {0}")]
    Refused(String),
    /// It speaks another version.
    #[error("it speaks protocol {0}, this version speaks {ours}", ours = PROTOCOL.0)]
    OtherVersion(u32),
    /// It says yes to what it cannot know.
    #[error("it does not refuse a verb that does not exist with `no`, so its other answers prove nothing")]
    AgreesToAnything,
    /// A case does not even begin.
    #[error("{0}")]
    Start(String),
    /// Its clock does not move as told.
    #[error("{0}")]
    Clock(String),
    /// It takes every token that lives in real time for expired.
    #[error("in real time its tokens live for 3 s, and it does not use them: {0}")]
    TooEarly(String),
}

/// What is known of a process that did not answer: how it ended, and what it printed last.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    ended: Option<String>,
    printed: Vec<String>,
}

impl Trace {
    /// Asks the other end of a connection. Before the first case nothing that it prints is secret.
    pub(crate) async fn of(link: &Link) -> Self {
        let Some(output) = link.output() else { return Self::default() };
        output.quiet().await;
        Self { ended: link.ended(), printed: output.last_lines(SHOWN) }
    }
}

impl std::fmt::Display for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.ended.iter().try_for_each(|status| write!(f, " and ended with {status}"))?;
        if !self.printed.is_empty() {
            f.write_str("; it printed")?;
        }
        self.printed.iter().try_for_each(|line| write!(f, "\n  | {}", harmless(line)))
    }
}

impl BadHandshake {
    /// How to mend it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NoAnswer { error: LinkError::TimedOut(_), .. } => {
                "write one JSON object a line to standard output and flush after each; `hello` comes first"
            }
            Self::NoAnswer { error: LinkError::Closed, .. } => {
                "the process has to go on reading its standard input until that is closed; what it printed may say why it left"
            }
            Self::NoAnswer { error: LinkError::BadLine(_), .. } => {
                "a line that begins with {\"regrant\": is {\"regrant\":\"answer\",\"id\":…, and one of ok, threw, no, broken, unknown}"
            }
            Self::Nonsense(_) => {
                "`ok` of `hello` has `protocol`, `adapter`, `target {name, version}`, `claims` and, if names differ, `errors`"
            }
            Self::Refused(_) => "`hello` is answered with `ok`, whatever the adapter can do",
            Self::OtherVersion(_) => "answer with a version that lies in the `protocol` range of the request",
            Self::AgreesToAnything => {
                "answer every verb that you do not know with {\"regrant\":\"answer\",\"id\":…,\"no\":{\"reason\":\"unsupported\"}}"
            }
            Self::Start(_) => "`start` and `stop` are answered with {\"ok\": {}}; what goes wrong there is `broken`",
            Self::Clock(_) => {
                "`clock` has to move the clock that the library reads, and to answer with what that clock shows then"
            }
            Self::TooEarly(_) => "move its clock, by the adapter or by libfaketime, or let it refresh later",
        }
    }
}
