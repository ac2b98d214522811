//! The message loop: requests in, answers out, any number in flight.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use adapter_protocol::{
    Answer, Capability, HelloAnswer, Implementation, PROTOCOL, Reply, ReplyKind, Request, Start, Verb, decode_request,
    encode_reply,
};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use crate::application::{Application, Tools, ok};
use crate::browser::Browser;
use crate::defect::Defect;
use crate::mutant_transport::HttpClients;

/// An adapter around the reference client. One adapter serves any number of connections, each with a case of its own.
#[derive(Clone, Debug)]
pub struct Adapter {
    tools: Tools,
    defect: Option<Defect>,
}

impl Adapter {
    /// An adapter; with a defect, of a mutant.
    ///
    /// # Errors
    /// When no HTTP client can be set up.
    pub fn new(defect: Option<Defect>) -> io::Result<Self> {
        let clients = HttpClients::new(defect).map_err(io::Error::other)?;
        Ok(Self { tools: Tools { clients, browser: Browser::new().map_err(io::Error::other)? }, defect })
    }

    /// Speaks the adapter protocol until the runner closes its end.
    ///
    /// # Errors
    /// When a pipe breaks.
    pub async fn serve(self, input: impl AsyncRead + Unpin, output: impl AsyncWrite + Unpin) -> io::Result<()> {
        let (answers, outgoing) = mpsc::unbounded_channel();
        let (read, written) = tokio::join!(self.read(input, answers), write(output, outgoing));
        read.and(written)
    }
    async fn read(&self, input: impl AsyncRead + Unpin, answers: mpsc::UnboundedSender<Reply>) -> io::Result<()> {
        let mut lines = BufReader::new(input).lines();
        let mut application: Option<Arc<Application>> = None;
        // Dropped at the end, and with it whatever still hangs.
        let mut running = JoinSet::new();
        let mut in_flight: BTreeMap<u64, AbortHandle> = BTreeMap::new();
        while let Some(line) = lines.next_line().await? {
            while running.try_join_next().is_some() {}
            in_flight.retain(|_, task| !task.is_finished());
            let Request { id, verb } = match decode_request(&line) {
                Ok(request) => request,
                Err(_) => {
                    let answer = Answer::No { reason: "unsupported".to_owned() };
                    id_of(&line).into_iter().for_each(|id| send(&answers, id, answer.clone()));
                    continue;
                }
            };
            match verb {
                Verb::Hello(_) => send(&answers, id, hello(self.defect)),
                Verb::Start(start) => send(&answers, id, self.begin(*start, &mut application)),
                Verb::Stop {} => {
                    application = None;
                    send(&answers, id, ok(json!({})));
                }
                Verb::Cancel { of } => {
                    if let Some(task) = in_flight.remove(&of) {
                        task.abort();
                        send(&answers, of, ok(json!({})));
                    }
                    send(&answers, id, ok(json!({})));
                }
                verb => match &application {
                    Some(application) => {
                        let (application, answers) = (Arc::clone(application), answers.clone());
                        let work = async move { send(&answers, id, application.perform(id, verb).await) };
                        in_flight.insert(id, running.spawn(work));
                    }
                    None => send(&answers, id, Answer::Broken { message: "no case has been started".to_owned() }),
                },
            }
        }
        Ok(())
    }

    fn begin(&self, start: Start, application: &mut Option<Arc<Application>>) -> Answer {
        match Application::start(start, self.tools.clone(), self.defect) {
            Ok(started) => {
                *application = Some(Arc::new(started));
                ok(json!({}))
            }
            Err(error) => Answer::Broken { message: error.to_string() },
        }
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

fn send(answers: &mpsc::UnboundedSender<Reply>, id: u64, answer: Answer) {
    // Nobody listens any more: then nobody misses it.
    drop(answers.send(Reply { regrant: ReplyKind::Answer, id, answer }));
}

/// The `id` of a line that is no request we know; without one there is nothing to answer to.
fn id_of(line: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(line).ok()?.get("id")?.as_u64()
}

fn hello(defect: Option<Defect>) -> Answer {
    let version = env!("CARGO_PKG_VERSION");
    let version_of_target = match defect {
        None => version.to_owned(),
        Some(defect) => format!("{version} with the defect {defect}"),
    };
    let target = Implementation {
        name: "client-core".to_owned(),
        version: version_of_target,
        language: Some("Rust".to_owned()),
        homepage: None,
    };
    let claims = vec![
        Capability::SignIn,
        Capability::SignOut,
        Capability::SessionError,
        Capability::SessionAccessToken,
        Capability::SessionConcurrent,
        Capability::SessionDelivery,
        Capability::SessionCancel,
        Capability::RefreshOnSession,
        Capability::RefreshOnApi,
        Capability::ClockSet,
        Capability::ActorsTab,
        Capability::ActorsFork,
        Capability::Restart,
        Capability::IdToken,
        Capability::Revocation,
        Capability::Logs,
    ];
    let adapter = format!("reference-adapter {version}");
    ok(json!(HelloAnswer { protocol: PROTOCOL, adapter, target, claims, errors: Default::default() }))
}
