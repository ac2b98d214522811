//! A connection to an adapter: requests out, answers in, any number in flight.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use adapter_process::{Child, Output};
use adapter_protocol::{Answer, ClockMode, MAX_LINE, Reply, Request, Verb, decode_reply, encode_request};
use futures_util::future::BoxFuture;
use mock_provider::Client;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Bytes that a pipe in memory holds before a writer waits.
pub const PIPE: usize = 64 * 1024;

/// Real time for an answer to `hello`, where a target asks for no other.
pub const HELLO_LIMIT: Duration = Duration::from_secs(60);

/// Both ends of a connection to an adapter.
pub struct Pipe {
    /// Where requests go.
    pub requests: Box<dyn AsyncWrite + Send + Unpin>,
    /// Where answers come from.
    pub answers: Box<dyn AsyncRead + Send + Unpin>,
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pipe")
    }
}

/// A fresh connection to a target.
#[derive(Debug)]
pub struct Connection {
    /// Where the messages go.
    pub pipe: Pipe,
    /// The process at the other end, where it is one of its own.
    pub child: Option<Child>,
}

impl From<Pipe> for Connection {
    fn from(pipe: Pipe) -> Self {
        Self { pipe, child: None }
    }
}

/// What becomes of a connection after a case that came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// It is closed: the next case begins with a new one.
    Never,
    /// The next case goes on with it, after a `stop`.
    AfterStop,
}

/// A provider that every case has to be at, one after the other.
#[derive(Clone, Debug)]
pub struct FixedProvider {
    /// The port that it listens on.
    pub port: u16,
    /// The only client.
    pub client: Client,
}

/// Something that the suite can be run against.
pub trait Target: Send + Sync {
    /// Its name on the command line, for the line that runs a scenario again.
    fn name(&self) -> String;

    /// A fresh connection; a case never shares one with another that runs at the same time.
    fn connect(&self) -> BoxFuture<'_, io::Result<Connection>>;

    /// What becomes of a connection after a case.
    fn reuse(&self) -> Reuse {
        Reuse::Never
    }

    /// Who moves its clock.
    fn clock(&self) -> ClockMode {
        ClockMode::Set
    }

    /// Real time for `start` and `restart`, where an application needs more than any step may take.
    fn start_limit(&self) -> Duration {
        Duration::ZERO
    }

    /// Real time for its answer to `hello`, in which it may also have to get ready.
    fn hello_limit(&self) -> Duration {
        HELLO_LIMIT
    }

    /// The one provider that it is configured for, where it cannot be given another for each case.
    fn provider(&self) -> Option<FixedProvider> {
        None
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// None came in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The adapter went away.
    #[error("the adapter closed the connection")]
    Closed,
    /// The adapter wrote something that is no answer.
    #[error("the adapter wrote something that is no answer: {0}")]
    BadLine(String),
}

type Waiting = BTreeMap<u64, oneshot::Sender<Result<Answer, LinkError>>>;

/// A connection in use. Dropping it closes it, and kills the process at its other end.
#[derive(Debug)]
pub struct Link {
    child: Mutex<Option<Child>>,
    output: Option<Arc<Output>>,
    lines: mpsc::UnboundedSender<String>,
    waiting: Arc<Mutex<Option<Waiting>>>,
    next: AtomicU64,
    tasks: [JoinHandle<()>; 2],
}

impl Link {
    /// Begins to use a connection.
    pub fn new(connection: Connection) -> Self {
        let Connection { pipe, child } = connection;
        let output = child.as_ref().map(Child::output);
        let child = Mutex::new(child);
        let (lines, outgoing) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(Some(Waiting::new())));
        let reading = tokio::spawn(read(pipe.answers, Arc::clone(&waiting)));
        let writing = tokio::spawn(write(pipe.requests, outgoing));
        Self { child, output, lines, waiting, next: AtomicU64::new(1), tasks: [reading, writing] }
    }

    /// What the process at the other end prints, where there is one.
    pub fn output(&self) -> Option<&Arc<Output>> {
        self.output.as_ref()
    }

    /// How the process at the other end has ended, if it has.
    pub fn ended(&self) -> Option<String> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(Child::ended)
    }

    /// Closes the connection, and gives the process at the other end the time to end by itself.
    pub async fn close(self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(self);
        if let Some(child) = child {
            child.end().await;
        }
    }

    /// The number that the next request will have.
    pub fn reserve(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When none comes.
    pub async fn ask(&self, verb: Verb, limit: Duration) -> Result<Answer, LinkError> {
        self.ask_as(self.reserve(), verb, limit).await
    }

    /// The same under a number that was reserved before.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn ask_as(&self, id: u64, verb: Verb, limit: Duration) -> Result<Answer, LinkError> {
        let line = encode_request(&Request { id, verb }).map_err(|error| LinkError::BadLine(error.to_string()))?;
        self.ask_line(id, line, limit).await
    }

    /// Asks for something that no version of the protocol knows: an adapter that does not refuse it agrees to anything.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn ask_unknown(&self, limit: Duration) -> Result<Answer, LinkError> {
        let id = self.reserve();
        self.ask_line(id, format!("{{\"regrant\":\"x-probe-lumpy-heron\",\"id\":{id}}}\n"), limit).await
    }

    async fn ask_line(&self, id: u64, line: String, limit: Duration) -> Result<Answer, LinkError> {
        let (answered, answer) = oneshot::channel();
        match &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(waiting) => drop(waiting.insert(id, answered)),
            None => return Err(LinkError::Closed),
        }
        self.lines.send(line).map_err(|_| LinkError::Closed)?;
        match tokio::time::timeout(limit, answer).await {
            Ok(answer) => answer.unwrap_or(Err(LinkError::Closed)),
            Err(_) => Err(LinkError::TimedOut(limit)),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn write(mut pipe: Box<dyn AsyncWrite + Send + Unpin>, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(line) = lines.recv().await {
        if pipe.write_all(line.as_bytes()).await.is_err() || pipe.flush().await.is_err() {
            return;
        }
    }
}

async fn read(pipe: Box<dyn AsyncRead + Send + Unpin>, waiting: Arc<Mutex<Option<Waiting>>>) {
    let mut pipe = BufReader::new(pipe);
    let locked = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some(line) = next_line(&mut pipe).await {
        match reply(&line) {
            Ok(reply) => {
                let asked = locked().as_mut().and_then(|waiting| waiting.remove(&reply.id));
                // An answer that nobody waits for any more is late, not wrong.
                asked.into_iter().for_each(|asked| drop(asked.send(Ok(reply.answer.clone()))));
            }
            Err(error) => {
                let all = locked().take().unwrap_or_default();
                let told = LinkError::BadLine(error);
                all.into_values().for_each(|asked| drop(asked.send(Err(told.clone()))));
                return;
            }
        }
    }
    drop(locked().take());
}

/// The answer that a line is, or what is wrong with it.
fn reply(line: &[u8]) -> Result<Reply, String> {
    let text = String::from_utf8_lossy(line);
    let reply = decode_reply(text.trim_end_matches(['\n', '\r'])).map_err(|error| error.to_string())?;
    match text {
        Cow::Borrowed(_) => Ok(reply),
        Cow::Owned(_) => Err("the line is not UTF-8".to_owned()),
    }
}

/// The next line with its end, or as much of it as a message may have: what is longer is refused when it is decoded.
pub(crate) async fn next_line(pipe: &mut (impl AsyncBufRead + Unpin)) -> Option<Vec<u8>> {
    let mut line = vec![];
    match pipe.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line),
    }
}
