//! Answers in place of the honest one, and requests in place of the runner's.

use serde_json::{Value, json};

use crate::deed::Exchange;
use crate::memory::Memory;

/// More than a message may have.
const OVERSIZE: usize = 100 << 20;

pub(crate) fn line(message: &Value) -> Vec<u8> {
    format!("{message}\n").into_bytes()
}

fn answer(request: &Value, outcome: &str, members: &Value) -> Vec<u8> {
    line(&json!({"regrant": "answer", "id": request["id"], outcome: members}))
}

/// The honest answer with one thing changed.
fn changed(exchange: &Exchange<'_>, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut reply = exchange.reply.clone();
    change(&mut reply);
    line(&reply)
}

/// The honest answer with one thing changed in its text.
fn edited(exchange: &Exchange<'_>, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut text = line(exchange.reply);
    edit(&mut text);
    text
}

pub(crate) const fn nothing(_: &Exchange<'_>) -> Vec<u8> {
    vec![]
}

pub(crate) fn empty_ok(exchange: &Exchange<'_>) -> Vec<u8> {
    answer(exchange.request, "ok", &json!({}))
}

pub(crate) fn no(exchange: &Exchange<'_>) -> Vec<u8> {
    answer(exchange.request, "no", &json!({"reason": "I would rather not"}))
}

pub(crate) fn next_version(exchange: &Exchange<'_>) -> Vec<u8> {
    changed(exchange, |reply| reply["ok"]["protocol"] = json!(2))
}

pub(crate) fn unknown_claim(exchange: &Exchange<'_>) -> Vec<u8> {
    changed(exchange, |reply| reply["ok"]["claims"] = json!(["sign_in", "levitation"]))
}

/// Without its last brace.
pub(crate) fn cut_short(exchange: &Exchange<'_>) -> Vec<u8> {
    edited(exchange, |text| drop(text.drain(text.len() - 2..text.len() - 1)))
}

pub(crate) fn invalid_utf8(exchange: &Exchange<'_>) -> Vec<u8> {
    edited(exchange, |text| drop(text.splice(text.len() - 2..text.len() - 2, *b",\"x\":\"\xff\"")))
}

pub(crate) fn oversized(exchange: &Exchange<'_>) -> Vec<u8> {
    let text = line(exchange.reply);
    let (before, after) = text.split_at(text.len() - 2);
    [before, b",\"x\":\"", &vec![b'x'; OVERSIZE], b"\"", after].concat()
}

pub(crate) fn another_id(exchange: &Exchange<'_>) -> Vec<u8> {
    changed(exchange, |reply| reply["id"] = json!(reply["id"].as_u64().unwrap_or_default() + 1_000_000))
}

pub(crate) fn two_outcomes(exchange: &Exchange<'_>) -> Vec<u8> {
    changed(exchange, |reply| reply["no"] = json!({"reason": "or rather not"}))
}

pub(crate) fn twice(exchange: &Exchange<'_>) -> Vec<u8> {
    line(exchange.reply).repeat(2)
}

/// With an answer to the request that will come next.
pub(crate) fn with_the_next(exchange: &Exchange<'_>) -> Vec<u8> {
    let next = changed(exchange, |reply| reply["id"] = json!(reply["id"].as_u64().unwrap_or_default() + 1));
    [line(exchange.reply), next].concat()
}

pub(crate) fn the_session_before(exchange: &Exchange<'_>) -> Vec<u8> {
    answer(exchange.request, "ok", exchange.memory.session())
}

pub(crate) fn the_instant_asked_for(exchange: &Exchange<'_>) -> Vec<u8> {
    answer(exchange.request, "ok", &json!({"now_ms": exchange.request["now_ms"]}))
}

/// A request that changes nothing.
pub(crate) fn anything_else(_: &Memory, request: &Value) -> Value {
    json!({"regrant": "logs", "id": request["id"]})
}

pub(crate) fn the_first_instant(memory: &Memory, request: &Value) -> Value {
    json!({"regrant": "clock", "id": request["id"], "now_ms": memory.start()["now_ms"]})
}

pub(crate) fn start_again(memory: &Memory, request: &Value) -> Value {
    let mut start = memory.start().clone();
    start["id"] = request["id"].clone();
    start
}
