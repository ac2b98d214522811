//! A target that is a command: an adapter process that speaks the protocol over its standard streams.
//!
//! Only lines of its standard output that are messages count; everything else that it prints is evidence. Where its clock
//! is moved from outside, this is the place: the adapter is asked for the time after the clock was moved, so the runner
//! need not know.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use adapter_process::{MovedClock, Output, Program};
use adapter_protocol::{Answer, Capability, ClockMode, Reply, Verb};
use adapter_protocol::{decode_reply, decode_request, encode_reply, encode_request};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::link::{Connection, HELLO_LIMIT, PIPE, Pipe, Reuse, Target, next_line};
use crate::runner::START;

/// An adapter process.
#[derive(Clone, Debug)]
pub struct CommandTarget {
    name: String,
    program: Program,
    clock: ClockMode,
    hello_limit: Duration,
}

impl CommandTarget {
    /// An adapter that is started with this command; `name` is how the command line of the runner names it.
    pub const fn new(name: String, program: Program, clock: ClockMode) -> Self {
        Self { name, program, clock, hello_limit: HELLO_LIMIT }
    }

    /// The same with another limit of real time for its answer to `hello`.
    pub fn with_hello_limit(self, hello_limit: Duration) -> Self {
        Self { hello_limit, ..self }
    }

    fn start(&self) -> io::Result<Connection> {
        let moved = match self.clock {
            ClockMode::Outside => Some(Arc::new(MovedClock::at(START.as_millis())?)),
            ClockMode::Set | ClockMode::Real => None,
        };
        let mut program = self.program.clone();
        program.environment.extend(moved.iter().flat_map(|clock| clock.environment()));
        let (child, stdin, stdout) = program.start_piped()?;
        let (requests, outgoing) = tokio::io::duplex(PIPE);
        let (incoming, answers) = tokio::io::duplex(PIPE);
        tokio::spawn(forward_requests(outgoing, stdin, moved.clone(), self.clock));
        tokio::spawn(forward_answers(stdout, incoming, child.output(), moved));
        Ok(Connection { pipe: Pipe { requests: Box::new(requests), answers: Box::new(answers) }, child: Some(child) })
    }
}

impl Target for CommandTarget {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Connection>> {
        std::future::ready(self.start()).boxed()
    }

    fn reuse(&self) -> Reuse {
        Reuse::AfterStop
    }

    fn clock(&self) -> ClockMode {
        self.clock
    }

    fn hello_limit(&self) -> Duration {
        self.hello_limit
    }
}

/// Passes requests on; moves the clock before the adapter hears that it was moved.
async fn forward_requests(
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    clock: Option<Arc<MovedClock>>,
    mode: ClockMode,
) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = in_mode(&line, clock.as_deref(), mode).unwrap_or(line) + "\n";
        if to.write_all(line.as_bytes()).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// A request as the adapter has to see it, where that is not how the runner wrote it.
fn in_mode(line: &str, clock: Option<&MovedClock>, mode: ClockMode) -> Option<String> {
    let mut request = decode_request(line).ok()?;
    let now_ms = match &mut request.verb {
        Verb::Clock { now_ms } => *now_ms,
        Verb::Start(start) => {
            start.clock = mode;
            start.now_ms
        }
        _ => return None,
    };
    // What cannot be moved shows when the adapter is asked for the time.
    clock.into_iter().for_each(|clock| drop(clock.set(now_ms)));
    encode_request(&request).ok().map(|line| line.trim_end().to_owned())
}

/// Passes messages on, and keeps everything else as evidence.
async fn forward_answers(
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    output: Arc<Output>,
    clock: Option<Arc<MovedClock>>,
) {
    let mut from = BufReader::new(from);
    let mut ended = true;
    while let Some(line) = next_line(&mut from).await {
        // What goes on from a line that was too long is no line of its own.
        let begins = std::mem::replace(&mut ended, line.ends_with(b"\n"));
        if !begins || !is_message(&line) {
            output.add(&line);
            continue;
        }
        let claimed = clock.as_ref().and_then(|_| with_clock_claimed(&line));
        if to.write_all(claimed.as_deref().unwrap_or(&line)).await.is_err() {
            return;
        }
    }
}

/// Whether a line is meant as a message: an object with a member `regrant`, or one that begins with it and goes wrong later.
fn is_message(line: &[u8]) -> bool {
    let text = line.trim_ascii_start();
    if text.starts_with(b"{\"regrant\"") {
        return true;
    }
    text.starts_with(b"{")
        && serde_json::from_slice::<Map<String, Value>>(text).is_ok_and(|members| members.contains_key("regrant"))
}

/// The answer to `hello`, with the claim that the clock can be set: it is we who set it.
fn with_clock_claimed(line: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(line).ok()?;
    let Reply { regrant, id, answer: Answer::Ok(mut members) } = decode_reply(text.trim_end()).ok()? else {
        return None;
    };
    let claims = members.get_mut("claims")?.as_array_mut()?;
    let claim = json!(Capability::ClockSet);
    if !claims.contains(&claim) {
        claims.push(claim);
    }
    encode_reply(&Reply { regrant, id, answer: Answer::Ok(members) }).ok().map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_are_messages() {
        for (line, expected) in [
            ("{\"regrant\":\"answer\",\"id\":1,\"ok\":{}}\n", true),
            ("  {\"id\":1,\"ok\":{},\"regrant\":\"answer\"}\n", true),
            ("{\"regrant\":\"answer\",\"id\":1,\"ok\":{}\n", true),
            ("{\"level\":\"info\",\"msg\":\"listening\"}\n", false),
            ("Listening on {\"regrant\"\n", false),
            ("\n", false),
            ("{\n", false),
        ] {
            assert_eq!(is_message(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn the_mode_of_the_clock_is_told_at_the_start() {
        let start = "{\"regrant\":\"start\",\"id\":1,\"case\":\"c\",\"provider\":{\"issuer\":\"i\",\"endpoints\":{\"authorization\":\"a\",\
            \"token\":\"t\",\"jwks\":\"j\",\"userinfo\":\"u\",\"revocation\":\"r\"},\"client\":{\"id\":\"i\",\"secret\":\"s\"}},\
            \"scopes\":[],\"now_ms\":5}";
        let told = in_mode(start, None, ClockMode::Real).unwrap();
        assert!(told.contains("\"clock\":\"real\""), "{told}");
        assert_eq!(
            in_mode("{\"regrant\":\"session\",\"id\":1,\"actor\":\"a\",\"deliver\":\"now\"}", None, ClockMode::Real),
            None
        );
    }

    #[test]
    fn the_clock_is_claimed_where_it_is_moved_from_outside() {
        let line = b"{\"regrant\":\"answer\",\"id\":1,\"ok\":{\"claims\":[\"sign_in\"]}}\n";
        let claimed = String::from_utf8(with_clock_claimed(line).unwrap()).unwrap();
        assert!(claimed.contains("[\"sign_in\",\"clock.set\"]"), "{claimed}");
        assert_eq!(with_clock_claimed(b"{\"regrant\":\"answer\",\"id\":1,\"ok\":{}}\n"), None);
    }
}
