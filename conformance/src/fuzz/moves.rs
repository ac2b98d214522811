//! What can happen, symbolically: a move names no token and no instant, so that it can stand anywhere in a plan.

use std::fmt;

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

impl Actor {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ada, Self::Bob, Self::Tab, Self::Fork];

    /// The name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ada => "ada",
            Self::Bob => "bob",
            Self::Tab => "tab",
            Self::Fork => "fork",
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An instant worth being at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Boundary {
    /// The end of the newest access token.
    Access,
    /// The end of the newest refresh token, where it ends by itself.
    Refresh,
    /// A little later: pauses between tries are over.
    Minutes,
    /// Past every pause that a client may make.
    Hours,
    /// Past every session that is not read.
    Session,
    /// 32 bits of seconds are over.
    After2038,
}

/// How far from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Near {
    /// Exactly there.
    At,
    /// A second later.
    SecondAfter,
    /// A millisecond later.
    MillisecondAfter,
    /// A millisecond before.
    MillisecondBefore,
    /// A second before.
    SecondBefore,
    /// A minute before: many clients refresh early.
    MinuteBefore,
}

/// What a scripted reply does to the honest answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// This status, with an error in JSON or without.
    Status(u16),
    /// One of the provider's named replies.
    Preset(String),
    /// The connection breaks before an answer.
    Reset,
    /// `invalid_grant`, though the grant is alive.
    FalseRefusal,
    /// Other than usual: this member of the honest answer has this JSON value; none means that it is left out.
    Member(&'static str, Option<&'static str>),
    /// The id_token is another user's.
    ForeignSubject,
}

/// How refresh tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Life {
    /// As Google's: for ever, never replaced.
    Google,
    /// Replaced at each refresh; using an old one ends the family.
    Rotating,
    /// Replaced, with a short grace for the old one.
    Grace,
    /// Access tokens of a minute.
    Short,
}

/// In which order parked requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Turn {
    /// As they came.
    FirstFirst,
    /// The other way round.
    LastFirst,
    /// The second, the third, the first.
    Middle,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// A user signs in.
    SignIn(Actor),
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
    /// So many reads at once, parked at the provider and released in an order; the answer of one is lost.
    Race {
        /// Readers of Ada's browser.
        readers: u32,
        /// The order.
        turn: Turn,
        /// Which request's answer is lost, counted from 1.
        lose: Option<u32>,
    },
    /// A read whose cookie comes late, or never.
    LateCookie {
        /// Whether it is lost.
        lost: bool,
    },
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
    /// A new signing key.
    RotateKeys,
    /// Other life rules.
    Life(Life),
    /// The next refreshes meet trouble, before or after the provider has done its work.
    Trouble {
        /// What.
        trouble: Trouble,
        /// How many.
        times: u32,
        /// Whether the work is done all the same.
        after: bool,
    },
    /// No more trouble.
    Honest,
    /// The application is restarted, with what it had stored or without.
    Restart {
        /// Whether it forgets.
        forgetting: bool,
    },
}
