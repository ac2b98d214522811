//! The Regrant conformance suite: scenarios in, verdict out.
//!
//! ```text
//! scenario file ─> cases ─> target driven step by step ─> history (journal + observations)
//!               ─> checks (expectations, invariants) ─> event log (JSONL) ─> every report
//! ```
//! [`scenario`] reads, `drive` acts, [`judge`] decides (a pure function of scenario and history), [`event`] is the
//! one interface to everything that reports. The suite knows targets only through the adapter protocol ([`link`]); this
//! library never imports the reference client. Deliberately absent: expectations that name an implementation.

pub mod always;
pub mod bad_handshake;
pub mod catalogue;
pub mod check;
pub mod check_up;
pub mod command;
mod drive;
pub mod event;
pub mod filter;
pub mod fuzz;
pub mod handshake;
mod harmless;
pub mod history;
pub mod judge;
pub mod known;
pub mod leaks;
pub mod link;
pub mod manifest;
pub mod matrix;
pub mod merge;
mod pool;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod schema;
pub mod selftest;
pub mod shard;
pub mod timeline;
mod uptime;
mod venue;
