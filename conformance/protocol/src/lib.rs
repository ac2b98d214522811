//! The messages between the Regrant runner and an adapter: one JSON object a line, UTF-8.
//!
//! An adapter is a remote control of an application, never a test: it is told verbs, gets no scenario name and no expected
//! answer, and reports what its application shows. The runner sends a [`Request`]; the adapter answers with a
//! [`Reply`] that carries the same `id`, in any order. Unknown fields are ignored by both sides; an unknown verb is
//! answered with [`Answer::No`]. Deliberately absent: any I/O.

mod codec;
mod messages;
mod plain;

pub use codec::{BadLine, MAX_LINE, decode_reply, decode_request, encode_reply, encode_request};
pub use messages::{
    Answer, Capability, Chunk, ClientRegistration, ClockMode, Deliver, Endpoints, Fate, Hello, HelloAnswer,
    Implementation, JarKind, Keep, Name, ProviderInfo, Reply, ReplyKind, Request, SessionState, SessionView, Start,
    Verb, Version,
};
pub use plain::plain;

/// The version of the protocol that this crate speaks.
pub const PROTOCOL: Version = Version(1);
