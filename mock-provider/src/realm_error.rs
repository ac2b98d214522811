//! Why a realm refuses a call.

use crate::journal::Sequence;
use crate::reply::BadReply;

/// Why a realm refuses a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RealmError {
    /// No token of that name.
    #[error("the realm has minted no token `{0}`")]
    NoSuchToken(String),
    /// No user of that name.
    #[error("the realm has no user `{0}`; add it first")]
    NoSuchUser(String),
    /// No client of that id.
    #[error("the realm has no client `{0}`; add it first")]
    NoSuchClient(String),
    /// No service account of that address.
    #[error("the realm has no service account `{0}`; add it first")]
    NoSuchServiceAccount(String),
    /// No device waits with that code.
    #[error("no device waits with the user code `{0}`")]
    NoSuchDevice(String),
    /// Nobody of that number is parked.
    #[error("no parked request has the number {0}")]
    NotParked(Sequence),
    /// There is nothing to seed it with.
    #[error("the realm has no {0} to seed for; add one first")]
    NobodyToSeedFor(&'static str),
    /// The reach of its memory.
    #[error("the realm remembers nothing that old; POST memory with a longer reach first")]
    Forgotten,
    /// A snapshot that no realm has written.
    #[error("the snapshot makes no sense: {0}")]
    BadSnapshot(String),
    /// A family that is none.
    #[error("`count` is 0; write how many families to seed")]
    NoFamily,
    /// More than is good.
    #[error("at most {most} {what} are seeded at once, not {given}")]
    TooMany {
        /// What.
        what: &'static str,
        /// The limit.
        most: u32,
        /// What was asked for.
        given: u32,
    },
    /// A secret cannot be retired before there is another.
    #[error("the client `{0}` has only one secret; add the next one first")]
    OnlySecret(String),
    /// The scripted reply makes no sense.
    #[error(transparent)]
    BadReply(#[from] BadReply),
}
