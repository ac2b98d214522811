//! Deliberately bad adapters: the harness has to notice each of them, blame the right case, and end by itself.

use std::io;
use std::sync::Arc;

use conformance::catalogue::{Catalogue, Entry};
use conformance::check::{CaseResult, Gate};
use conformance::event::{CaseReport, Event};
use conformance::handshake::Probing;
use conformance::link::{Connection, Pipe, Target};
use conformance::runner::{self, Plan, RunError, Share};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};

/// What a bad adapter does with a verb that is not `hello`.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Says yes to everything, even to what does not exist.
    AlwaysOk,
    /// Says no to everything that it claims to do.
    AlwaysNo,
    /// Never answers a session read.
    Hangs,
    /// Leaves at a session read.
    Dies,
    /// Writes something that is no answer.
    Garbage,
    /// Shows a session that nobody could have, and a clock that stands still.
    StandsStill,
    /// Tells secrets, and tries to command the terminal, in its error messages.
    Blabs,
    /// Writes a line that is longer than any message may be.
    Floods,
    /// Does everything right for a client that is always signed out.
    SignedOut,
}

struct Faux(Habit);

impl Target for Faux {
    fn name(&self) -> String {
        format!("{:?}", self.0)
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Connection>> {
        let (requests, input) = tokio::io::duplex(4096);
        let (output, answers) = tokio::io::duplex(4096);
        tokio::spawn(serve(input, output, self.0));
        let pipe = Pipe { requests: Box::new(requests), answers: Box::new(answers) };
        std::future::ready(Ok(pipe.into())).boxed()
    }
}

async fn serve(input: DuplexStream, mut output: DuplexStream, habit: Habit) {
    let mut lines = BufReader::new(input).lines();
    let mut secret = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let request: Value = serde_json::from_str(&line).unwrap();
        if let Some(given) = request["provider"]["client"]["secret"].as_str() {
            given.clone_into(&mut secret);
        }
        let Some(answer) = answer(&request, habit, &secret) else { continue };
        let Some(answer) = answer else { return };
        if output.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Nothing is no answer; nothing inside is the end.
fn answer(request: &Value, habit: Habit, secret: &str) -> Option<Option<String>> {
    let (id, verb) = (&request["id"], request["regrant"].as_str().unwrap());
    let ok = |ok: Value| Some(Some(json!({"regrant": "answer", "id": id, "ok": ok}).to_string()));
    let no = Some(Some(json!({"regrant": "answer", "id": id, "no": {"reason": "unsupported"}}).to_string()));
    let claims = ["sign_in", "session.error", "session.access_token", "refresh.on_session", "clock.set"];
    let signed_out = json!({"session": {"state": "signed_out", "page": null}});
    match (verb, habit) {
        ("hello", _) => ok(
            json!({"protocol": 1, "adapter": "faux 1", "target": {"name": "faux", "version": "1"}, "claims": claims}),
        ),
        ("x-probe-lumpy-heron", Habit::AlwaysOk) => ok(json!({})),
        ("x-probe-lumpy-heron", _) => no,
        ("clock", Habit::StandsStill) => ok(json!({"now_ms": 0})),
        ("clock", _) => ok(json!({"now_ms": request["now_ms"]})),
        ("start" | "stop", _) => ok(json!({})),
        (_, Habit::AlwaysNo) => no,
        ("session", Habit::Hangs) => None,
        ("session", Habit::Blabs) => {
            let message = "cannot refresh with client secret \u{1b}[2J";
            Some(Some(json!({"regrant": "answer", "id": id, "threw": {"message": message}}).to_string()))
        }
        ("sign_in", Habit::Blabs) => {
            Some(Some(json!({"regrant": "answer", "id": id, "threw": {"message": secret}}).to_string()))
        }
        ("session", Habit::Floods) => Some(Some("x".repeat(adapter_protocol::MAX_LINE + 10))),
        ("session", Habit::Dies) => Some(None),
        ("session", Habit::Garbage) => Some(Some("Listening on port 3000".to_owned())),
        _ => ok(signed_out),
    }
}

const SCENARIO: &str = "\
regrant: 1
id: faux
title: A title
why: A reason.
level: must
refs: [rfc6749-5.1]
needs: [sign_in]
provider: { users: [ada] }
steps:
  - sign_in: { user: ada, as: first }
  - clock: +1s
  - session: { actor: ada, as: read, within: LIMIT, expect: { session: { state: active } } }
";

/// As many cases; what hangs by itself is waited for only shortly, everything else as long as a busy machine needs.
fn entries(count: usize, habit: Habit) -> Vec<Entry> {
    let limit = if matches!(habit, Habit::Hangs) { "200ms" } else { "10s" };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faux.yaml");
    std::fs::write(&path, SCENARIO.replace("LIMIT", limit)).unwrap();
    let catalogue = Catalogue::read(&[path]).unwrap();
    assert!(catalogue.diagnostics.is_empty());
    vec![catalogue.entries[0].clone(); count]
}

fn plan(habit: Habit, entries: Vec<Entry>) -> Plan {
    Plan {
        target: Arc::new(Faux(habit)),
        entries,
        references: Catalogue::built_in().references,
        jobs: 2,
        seed: 0,
        gate: Gate::Must,
        date: String::new(),
        share: Share::default(),
        known: vec![],
        probing: Probing::Nothing,
        sources: vec![],
    }
}

async fn run(habit: Habit) -> Result<Vec<CaseReport>, RunError> {
    let plan = plan(habit, entries(2, habit));
    let mut reports = vec![];
    let footer = runner::run(plan, std::future::pending(), |event| {
        if let Event::CaseFinished(report) = event {
            reports.push((**report).clone());
        }
    });
    let footer = footer.await?;
    assert!(footer.complete, "every case comes to an end");
    Ok(reports)
}

async fn result(habit: Habit) -> CaseResult {
    let reports = run(habit).await.unwrap();
    assert_eq!(reports.len(), 2);
    reports[0].result
}

#[tokio::test]
async fn an_adapter_that_agrees_to_anything_is_not_measured() {
    let error = run(Habit::AlwaysOk).await.unwrap_err().to_string();
    assert!(error.contains("does not refuse a verb that does not exist"), "{error}");
}

#[tokio::test]
async fn a_clock_that_does_not_move_is_not_believed() {
    let error = run(Habit::StandsStill).await.unwrap_err().to_string();
    assert!(error.contains("clock does not show what it was set to"), "{error}");
}

#[tokio::test]
async fn a_claim_that_is_refused_is_blocked_not_skipped() {
    assert_eq!(result(Habit::AlwaysNo).await, CaseResult::Blocked);
}

#[tokio::test]
async fn a_hang_ends_with_its_time() {
    let reports = run(Habit::Hangs).await.unwrap();
    assert_eq!(reports[0].result, CaseResult::Hang);
    assert!(reports[0].reason.as_ref().unwrap().contains("read did not end"), "{:?}", reports[0].reason);
}

#[tokio::test]
async fn a_crash_is_blamed_on_the_step_in_flight() {
    let reports = run(Habit::Dies).await.unwrap();
    assert_eq!(reports[0].result, CaseResult::Crash);
    assert!(reports[0].reason.as_ref().unwrap().contains("during read"), "{:?}", reports[0].reason);
}

#[tokio::test]
async fn garbage_is_a_broken_adapter() {
    assert_eq!(result(Habit::Garbage).await, CaseResult::Broken);
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    assert_eq!(result(Habit::Floods).await, CaseResult::Broken);
}

#[tokio::test]
async fn a_secret_in_a_message_is_withheld_and_reported() {
    let reports = run(Habit::Blabs).await.unwrap();
    let shown = serde_json::to_string(&reports[0]).unwrap();
    assert!(!shown.contains("GOCSPX-") && !shown.contains("\\u001b["), "{shown}");
    let leak = reports[0].checks.iter().find(|check| check.id == "no-secret-in-log").unwrap();
    assert!(leak.detail.as_ref().unwrap().got.contains("client_secret stands in a message of first"), "{leak:?}");
}

#[tokio::test]
async fn a_client_that_is_always_signed_out_fails() {
    let reports = run(Habit::SignedOut).await.unwrap();
    assert_eq!(reports[0].result, CaseResult::Fail);
    assert!(reports[0].checks.iter().any(|check| check.id == "read.session.state" && check.detail.is_some()));
}

#[tokio::test]
async fn an_interrupt_before_the_first_case_is_no_run() {
    let plan = plan(Habit::SignedOut, entries(1, Habit::SignedOut));
    let ended = runner::run(plan, std::future::ready(()), |event| panic!("{event:?}")).await;
    assert!(matches!(ended, Err(RunError::Interrupted)), "{ended:?}");
}

#[tokio::test]
async fn an_interrupted_run_says_that_it_is_not_complete() {
    let plan = Plan { jobs: 1, ..plan(Habit::Hangs, entries(3, Habit::Hangs)) };
    let (begin, begun) = tokio::sync::oneshot::channel();
    let (mut begin, mut last) = (Some(begin), None);
    let footer = runner::run(plan, begun.map(drop), |event| {
        begin.take().into_iter().for_each(|begin| begin.send(()).unwrap());
        last = Some(event.clone());
    });
    let footer = footer.await.unwrap();
    assert!(!footer.complete);
    assert!(matches!(last, Some(Event::RunFinished(_))), "the footer is the last line all the same");
}
