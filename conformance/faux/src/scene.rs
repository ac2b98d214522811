//! The loop between the runner and the honest adapter, where the deeds are done.

use std::collections::BTreeMap;
use std::io;

use reference_adapter::Adapter;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};
use tokio::sync::mpsc;

use crate::Args;
use crate::deed::{Deed, Exchange, Misdeed, Stream, When};
use crate::ending;
use crate::family;
use crate::fault::Fault;
use crate::flood::{flood, write};
use crate::memory::Memory;
use crate::spoilt::line;
use crate::witness::Witness;

/// Bytes between the two before one waits for the other.
const PIPE: usize = 64 * 1024;

/// Plays the part that the arguments name, until the runner closes its end, or longer.
pub(crate) async fn play(args: Args) -> io::Result<()> {
    let witness = Witness::greet(args.witness)?;
    if args.fault == Fault::Grandchild {
        return family::live_as_child(&witness).await.map(drop);
    }
    let scene =
        Scene { args, witness, misdeeds: args.fault.misdeeds(), memory: Memory::default(), open: BTreeMap::new() };
    scene.play().await
}

struct Scene {
    args: Args,
    witness: Witness,
    misdeeds: Vec<Misdeed>,
    memory: Memory,
    /// Requests that the honest adapter has not answered yet, by their number.
    open: BTreeMap<u64, Value>,
}

/// The honest adapter's ends.
struct Honest {
    requests: DuplexStream,
    answers: Lines<BufReader<DuplexStream>>,
}

impl Honest {
    fn begin() -> io::Result<Self> {
        let (requests, input) = tokio::io::duplex(PIPE);
        let (output, answers) = tokio::io::duplex(PIPE);
        tokio::spawn(Adapter::new(None)?.serve(input, output));
        Ok(Self { requests, answers: BufReader::new(answers).lines() })
    }
}

/// What stands on standard input, read by a thread of its own: it may block for ever.
fn requests() -> mpsc::UnboundedReceiver<String> {
    let (read, requests) = mpsc::unbounded_channel();
    std::thread::spawn(move || io::stdin().lines().map_while(Result::ok).try_for_each(|line| read.send(line)));
    requests
}

impl Scene {
    async fn play(mut self) -> io::Result<()> {
        self.outside_of_requests(|when| matches!(when, When::Birth)).await?;
        self.converse(requests(), Honest::begin()?).await?;
        self.outside_of_requests(|when| matches!(when, When::End)).await
    }

    async fn outside_of_requests(&self, now: impl Fn(When) -> bool) -> io::Result<()> {
        for misdeed in self.misdeeds.iter().filter(|misdeed| now(misdeed.when)) {
            self.act(misdeed.deed).await?;
        }
        Ok(())
    }

    async fn converse(&mut self, mut requests: mpsc::UnboundedReceiver<String>, mut honest: Honest) -> io::Result<()> {
        loop {
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => honest.requests.write_all(&self.asked(&request)?).await?,
                    None => return Ok(()),
                },
                answer = honest.answers.next_line() => match answer? {
                    Some(answer) => self.answered(&answer).await?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// What the honest adapter is asked.
    fn asked(&mut self, request: &str) -> io::Result<Vec<u8>> {
        let request: Value = serde_json::from_str(request)?;
        self.memory.note_request(&request);
        let twisted = self.deeds_at(&request).find_map(|deed| match deed {
            Deed::Ask(twist) => Some(line(&twist(&self.memory, &request))),
            _ => None,
        });
        let asked = twisted.unwrap_or_else(|| line(&request));
        self.open.insert(request["id"].as_u64().unwrap_or_default(), request);
        Ok(asked)
    }

    /// Does what is wrong with this answer, and answers where that was not said otherwise.
    async fn answered(&mut self, answer: &str) -> io::Result<()> {
        let reply: Value = serde_json::from_str(answer)?;
        let request = reply["id"].as_u64().and_then(|id| self.open.remove(&id)).unwrap_or_default();
        let exchange = Exchange { request: &request, reply: &reply, memory: &self.memory };
        let mut written = line(&reply);
        for deed in self.deeds_at(&request) {
            match deed {
                Deed::Write(spoilt) => written = spoilt(&exchange),
                Deed::Mutter(words) => write(Stream::Stderr, &words(&exchange))?,
                Deed::AnswerAndExit => {
                    write(Stream::Stdout, &written)?;
                    ending::exit();
                }
                other => self.act(other).await?,
            }
        }
        self.memory.note_reply(&reply);
        write(Stream::Stdout, &written)
    }

    fn deeds_at(&self, request: &Value) -> impl Iterator<Item = Deed> {
        self.misdeeds.iter().filter(|misdeed| misdeed.when.is_now(request)).map(|misdeed| misdeed.deed)
    }

    async fn act(&self, deed: Deed) -> io::Result<()> {
        match deed {
            Deed::Hang => match ending::hang().await {},
            Deed::Dawdle => {
                ending::dawdle().await;
                Ok(())
            }
            Deed::Exit => ending::exit(),
            Deed::Die => ending::die(),
            Deed::ExitNextTime => ending::exit_next_time(),
            Deed::CloseStdout => ending::close_stdout(),
            Deed::HaveChild => family::have_child(self.args),
            Deed::Flood(stream, amount) => {
                flood(stream, amount)?;
                self.witness.tell_memory_of_parent()
            }
            Deed::Ask(_) | Deed::Write(_) | Deed::Mutter(_) | Deed::AnswerAndExit => Ok(()),
        }
    }
}
