//! What is printed beside the messages, or looks like one and is none.

use crate::deed::Exchange;
use crate::spoilt::line;

/// Longer than any message may be.
const OVERSIZE: usize = 100 << 20;

/// What the runner reads of a line before it loses patience: 8 MiB, and a byte that shows that there is more.
const PATIENCE: usize = (8 << 20) + 1;

/// A line that no message begins with, in place of an answer.
pub(crate) fn chatter(_: &Exchange<'_>) -> Vec<u8> {
    b"Listening on port 3000\n".to_vec()
}

/// A very long line that is no message, and then the answer.
pub(crate) fn oversized_line(exchange: &Exchange<'_>) -> Vec<u8> {
    [vec![b'x'; OVERSIZE], b"\n".to_vec(), line(exchange.reply)].concat()
}

/// An answer in the middle of a line that is no message, where a reader that works in pieces would find it.
pub(crate) fn message_in_a_line(exchange: &Exchange<'_>) -> Vec<u8> {
    [vec![b'x'; PATIENCE], line(exchange.reply)].concat()
}

/// The token that the session stands for, as a careless log shows it.
pub(crate) fn access_token(exchange: &Exchange<'_>) -> Vec<u8> {
    let token = exchange.reply["ok"]["session"]["access_token"].as_str().unwrap_or_default();
    format!("using access token {token}\n").into_bytes()
}

pub(crate) fn access_token_and_answer(exchange: &Exchange<'_>) -> Vec<u8> {
    [access_token(exchange), line(exchange.reply)].concat()
}
