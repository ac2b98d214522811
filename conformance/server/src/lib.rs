//! The message loop of an adapter that is written in Rust: requests in, answers out, any number in flight.
//!
//! An adapter gives its [`Adapter::hello`] and starts cases; a [`Case`] does what the runner asks for. Unknown verbs are
//! refused, a request that is given up is dropped. [`Jars`] are the browsers of a case. Deliberately absent: what applications do.

mod jars;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use adapter_protocol::{Answer, HelloAnswer, Reply, ReplyKind, Request, Start, Verb, decode_request, encode_reply};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

pub use jars::{CookieChanges, CookieJar, Jars};

/// An adapter. One serves any number of connections, each with one case at a time.
pub trait Adapter: Send + Sync {
    /// A case in progress.
    type Case: Case;

    /// Who it is and what it claims.
    fn hello(&self) -> HelloAnswer;

    /// Begins a case from nothing.
    ///
    /// # Errors
    /// When that is not possible; why, in words.
    fn start(&self, start: Start) -> BoxFuture<'_, Result<Self::Case, String>>;
}

/// A case in progress. Dropping it ends it.
pub trait Case: Send + Sync + 'static {
    /// Does what the runner asks for. `id` names the request, for cookies that are kept back. Never called with `hello`,
    /// `start`, `stop` or `cancel`.
    fn perform(self: Arc<Self>, id: u64, verb: Verb) -> BoxFuture<'static, Answer>;
}

/// An `ok` with these members; anything but an object is an empty one.
pub fn ok(members: Value) -> Answer {
    match members {
        Value::Object(members) => Answer::Ok(members),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Answer::Ok(Map::new()),
    }
}

/// Speaks the adapter protocol until the runner closes its end.
///
/// # Errors
/// When a pipe breaks.
pub async fn serve<A: Adapter>(
    adapter: &A,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let (answers, outgoing) = mpsc::unbounded_channel();
    let (read, written) = tokio::join!(read(adapter, input, answers), write(output, outgoing));
    read.and(written)
}

type Answers = mpsc::UnboundedSender<Reply>;

async fn read<A: Adapter>(adapter: &A, input: impl AsyncRead + Unpin, answers: Answers) -> io::Result<()> {
    let mut lines = BufReader::new(input).lines();
    let mut connection = Connection { case: None, running: JoinSet::new(), in_flight: BTreeMap::new(), answers };
    while let Some(line) = lines.next_line().await? {
        connection.tidy();
        match decode_request(&line) {
            Ok(Request { id, verb }) => connection.take(adapter, id, verb).await,
            Err(_) => {
                let no = Answer::No { reason: "unsupported".to_owned() };
                id_of(&line).into_iter().for_each(|id| connection.send(id, no.clone()));
            }
        }
    }
    Ok(())
}

/// What a connection is about.
struct Connection<C> {
    case: Option<Arc<C>>,
    // Dropped at the end, and with it whatever still hangs.
    running: JoinSet<()>,
    in_flight: BTreeMap<u64, AbortHandle>,
    answers: Answers,
}

impl<C: Case> Connection<C> {
    fn tidy(&mut self) {
        while self.running.try_join_next().is_some() {}
        self.in_flight.retain(|_, task| !task.is_finished());
    }

    fn send(&self, id: u64, answer: Answer) {
        send(&self.answers, id, answer);
    }

    async fn take<A: Adapter<Case = C>>(&mut self, adapter: &A, id: u64, verb: Verb) {
        match verb {
            Verb::Hello(_) => self.send(id, ok(json!(adapter.hello()))),
            Verb::Start(start) => {
                // The case before ends before the next begins.
                self.end();
                let answer = match adapter.start(*start).await {
                    Ok(case) => {
                        self.case = Some(Arc::new(case));
                        ok(json!({}))
                    }
                    Err(message) => Answer::Broken { message },
                };
                self.send(id, answer);
            }
            Verb::Stop {} => {
                self.end();
                self.send(id, ok(json!({})));
            }
            Verb::Cancel { of } => {
                if let Some(task) = self.in_flight.remove(&of) {
                    task.abort();
                    self.send(of, ok(json!({})));
                }
                self.send(id, ok(json!({})));
            }
            verb => self.perform(id, verb),
        }
    }

    fn end(&mut self) {
        self.in_flight.values().for_each(AbortHandle::abort);
        self.case = None;
    }

    fn perform(&mut self, id: u64, verb: Verb) {
        let Some(case) = &self.case else {
            return self.send(id, Answer::Broken { message: "no case has been started".to_owned() });
        };
        let (case, answers) = (Arc::clone(case), self.answers.clone());
        let work = async move { send(&answers, id, case.perform(id, verb).await) };
        self.in_flight.insert(id, self.running.spawn(work));
    }
}

async fn write(mut output: impl AsyncWrite + Unpin, mut outgoing: mpsc::UnboundedReceiver<Reply>) -> io::Result<()> {
    while let Some(reply) = outgoing.recv().await {
        let line = encode_reply(&reply).map_err(io::Error::other)?;
        output.write_all(line.as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

fn send(answers: &Answers, id: u64, answer: Answer) {
    // Nobody listens any more: then nobody misses it.
    drop(answers.send(Reply { regrant: ReplyKind::Answer, id, answer }));
}

/// The `id` of a line that is no request we know; without one there is nothing to answer to.
fn id_of(line: &str) -> Option<u64> {
    serde_json::from_str::<Value>(line).ok()?.get("id")?.as_u64()
}
