//! What reads bytes from outside, a function each: it has to come to an end without a panic, and what it has read has to make
//! sense. cargo-fuzz calls these (`fuzz/fuzz_targets`), and so do tests over its corpus and over changes of it.
//!
//! Deliberately absent: what reads files that only this project writes.

mod client;
mod provider;
mod suite;

pub use client::{session_cookie, token_answer};
pub use provider::token_request;
pub use suite::{adapter_manifest, event_log, known_failures, protocol_line, scenario};

/// A function that bytes from outside are given to.
pub type Target = fn(&[u8]);

/// All of them, by the names of their folders in the corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("token_answer", token_answer),
    ("session_cookie", session_cookie),
    ("token_request", token_request),
    ("scenario", scenario),
    ("known_failures", known_failures),
    ("adapter_manifest", adapter_manifest),
    ("protocol_line", protocol_line),
    ("event_log", event_log),
];
