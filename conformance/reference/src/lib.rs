//! The reference client behind the adapter protocol, as any foreign client would stand there.
//!
//! [`Adapter::serve`] speaks the protocol over any pair of pipes; the `regrant` binary gives it an in-memory one. With a
//! [`Defect`] it becomes a **mutant**: the same client with one named bug, made only by swapping the parts that
//! `client-core` lets an application choose. The mutants prove the suite: each has to be caught by a scenario.

mod adapter;
mod application;
mod browser;
mod defect;
mod mutant_callbacks;
mod mutant_parts;
mod mutant_transport;
mod session_cookies;

pub use adapter::Adapter;
pub use defect::{Defect, UnknownDefect};
