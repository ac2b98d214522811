//! What can happen, symbolically: a move names no token and no instant, so that it can stand anywhere in a plan.

use std::fmt;

use adapter_protocol::Chunk;

/// Whose browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The first user.
    Ada,
    /// The second user.
    Bob,
    /// A second tab of Ada's browser.
    Tab,
    /// A browser with a copy of Ada's cookies.
    Fork,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ada => "ada",
            Self::Bob => "bob",
            Self::Tab => "tab",
            Self::Fork => "fork",
        })
    }
}

/// An instant worth being at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Boundary {
    /// The end of the newest access token.
    Access,
    /// The end of the newest refresh token, where it ends by itself.
    Refresh,
    /// The end of the grace of a replaced refresh token.
    Grace,
    /// What a scripted `Retry-After` names.
    RetryAfter,
    /// A little later: pauses between tries are over.
    Minutes,
    /// Past every pause that a client may make.
    Hours,
    /// The end of a session that is not read for 30 days.
    Session,
}

/// A time at which clocks do what they rarely do. A plan begins half an hour before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Era {
    /// Clocks in Europe go to summer time, 2030-03-31T01:00:00Z.
    SummerTime,
    /// A day that is not in every year begins, 2032-02-29T00:00:00Z.
    LeapDay,
    /// 32 bits of seconds are over, 2038-01-19T03:14:08Z.
    Year2038,
}

/// How far from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Near {
    /// A second later.
    SecondAfter,
    /// A millisecond later.
    MillisecondAfter,
    /// Exactly there.
    At,
    /// A millisecond before.
    MillisecondBefore,
    /// A second before.
    SecondBefore,
    /// A minute before: many clients refresh early.
    MinuteBefore,
}

/// Which requests meet trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Those for a refresh.
    Refresh,
    /// Those that end a sign-in.
    Exchange,
    /// Those for the keys of the provider.
    Keys,
    /// Revocations.
    Revocation,
    /// Calls of the resource.
    Resource,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wrong {
    /// This status.
    Status(u16),
    /// 429 with `Retry-After`, in seconds.
    Throttle(u32),
    /// The connection breaks before an answer.
    Reset,
    /// `invalid_grant`, though the grant is alive.
    FalseRefusal,
    /// This member of the honest answer has this JSON text; none means that it is left out.
    Member(&'static str, Option<&'static str>),
    /// The id_token is another user's.
    ForeignSubject,
    /// One of the provider's named replies.
    Preset(String),
}

/// Answers that are wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trouble {
    /// What is wrong with them.
    pub wrong: Wrong,
    /// How many; none where they go on for a time.
    pub times: Option<u32>,
    /// Of which requests.
    pub place: Place,
    /// Whether the provider does its work all the same.
    pub work: Work,
}

/// Whether the provider does its work before a wrong answer goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// It never sees the request.
    Undone,
    /// Tokens are rotated and revoked; only the answer is another.
    Done,
}

/// How tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// As Google's: refresh tokens for ever, never replaced.
    Google,
    /// Replaced at each refresh; using an old one ends the family.
    Rotating,
    /// Replaced, with 30 seconds of grace for the old one.
    Grace,
    /// Access tokens of a minute.
    Short,
    /// Families end after twelve hours.
    Ending,
    /// Families end after two hours without a refresh.
    Idle,
}

/// How long access tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Length {
    /// As Google's: a session fits into one cookie.
    Google,
    /// Too long for that.
    MoreThanACookie,
}

/// Who reads at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Readers {
    /// So many requests of Ada's browser.
    Ada(u32),
    /// Ada's browser and one with a copy of its cookies.
    Fork,
    /// Ada's browser and Bob's.
    Bob,
}

/// In which order parked requests go, counted from 1 as they came, and whose answers are lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Schedule {
    /// The order.
    pub order: Vec<usize>,
    /// Those whose answers are lost.
    pub lost: Vec<usize>,
}

/// What happens while a read is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meanwhile {
    /// Ada signs out.
    SignOut,
    /// Bob signs in at Ada's browser.
    SwitchUser,
    /// The reader leaves, and another goes on waiting.
    Leave,
    /// The clocks go on for an hour.
    Time,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// A user signs in.
    SignIn(Actor),
    /// Bob signs in at Ada's browser.
    SwitchUser,
    /// Ada begins another sign-in and declines.
    Decline,
    /// Reads the session, so many times.
    Read(Actor, u32),
    /// Calls the resource.
    Api(Actor),
    /// Signs out.
    SignOut(Actor),
    /// Ada opens a second tab.
    OpenTab,
    /// Ada's cookies are copied to another browser.
    CopyJar,
    /// Reads at once: as it comes, or parked at the provider and released in an order.
    Race(Readers, Option<Schedule>),
    /// Something overtakes a read.
    Overtake(Meanwhile),
    /// A read whose cookie is kept back.
    KeepCookie,
    /// The last cookie that was kept back arrives after all, over newer ones.
    PutBack,
    /// It never arrives.
    LoseCookie,
    /// Ada's browser loses a chunk of a session that is too long for one cookie.
    LoseChunk(Chunk),
    /// Access tokens are so long from now on.
    TokenLength(Length),
    /// Both clocks go to a special time.
    Era(Era),
    /// Both clocks go forward.
    Advance(Boundary, Near),
    /// Both clocks go back by so many seconds.
    Back(u32),
    /// The application's clock is so many seconds ahead of the provider's, or behind.
    Skew(i32),
    /// The user takes the newest grant back.
    Revoke,
    /// The newest refresh token ends.
    ExpireRefresh,
    /// Something happens to Ada's account, by the provider's name for it.
    Account(&'static str),
    /// A new signing key.
    RotateKeys,
    /// Other life rules.
    Life(Life),
    /// Answers are wrong.
    Trouble(Trouble),
    /// No more trouble.
    Honest,
    /// The application is restarted with what it had stored.
    Restart,
    /// The application is restarted and has lost what it had stored.
    LoseStore,
}
