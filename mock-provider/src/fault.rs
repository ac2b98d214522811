//! What a connection does to an answer.

use serde::{Deserialize, Serialize};

use crate::time::Lifetime;

/// The most bytes that a fault may count: 16 MiB.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// What a connection does to an answer. Offsets count bytes of the body.
///
/// On HTTP/2 a cut resets the stream (`RST_STREAM`); what breaks the connection breaks all its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A TCP reset instead of an answer.
    ResetBeforeHeaders,
    /// A TCP reset after this many bytes.
    ResetInBody(usize),
    /// An orderly close instead of an answer.
    EmptyResponse,
    /// An orderly close after this many bytes.
    EarlyClose(usize),
    /// The body under a `Content-Length` of this: cut to it, or followed by an orderly close.
    WrongLength(usize),
    /// A few bytes at a time, in real time.
    Drip {
        /// Bytes a piece.
        bytes: usize,
        /// Real time between pieces.
        every: Lifetime,
    },
    /// Silence after this many bytes; the connection stays open until the client leaves.
    Stall(usize),
    /// No answer at all; the connection stays open until the client leaves.
    Never,
    /// A chunked body with a chunk size that is none.
    BadChunk,
    /// Bytes that are no HTTP, and an orderly close.
    Garbage,
}

impl Fault {
    /// Whether it is about the body of an answer, so that there has to be one.
    pub(crate) const fn needs_a_body(self) -> bool {
        match self {
            Self::ResetInBody(_) | Self::EarlyClose(_) | Self::WrongLength(_) | Self::Drip { .. } | Self::Stall(_) => {
                true
            }
            Self::ResetBeforeHeaders | Self::EmptyResponse | Self::Never | Self::BadChunk | Self::Garbage => false,
        }
    }

    /// Whether the client sees a status line of ours.
    pub(crate) const fn shows_the_status(self) -> bool {
        self.needs_a_body()
    }

    /// The largest number of bytes in it.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::ResetInBody(size)
            | Self::EarlyClose(size)
            | Self::WrongLength(size)
            | Self::Stall(size)
            | Self::Drip { bytes: size, .. } => size,
            Self::ResetBeforeHeaders | Self::EmptyResponse | Self::Never | Self::BadChunk | Self::Garbage => 0,
        }
    }

    /// Whether a client may still get the whole answer.
    pub(crate) const fn delivers(self) -> bool {
        matches!(self, Self::Drip { .. })
    }
}
