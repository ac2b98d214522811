//! The faults by name, and what each does when.

use clap::ValueEnum;

use crate::deed::{Amount, Deed, Misdeed, Stream, When};
use crate::spoilt;
use crate::stray;

/// What is wrong with an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it, and the table below how")]
pub enum Fault {
    None,
    AlwaysOk,
    AlwaysNo,
    AcceptsUnknownVerbs,
    WrongVersion,
    ClaimsUnknownThings,
    GarbageAtHello,
    HangsAtHello,
    ExitsAtStart,
    DiesAtStart,
    Hangs,
    Exits,
    Dies,
    ExitsAndNeverStartsAgain,
    ExitsAfterStop,
    ClosesStdout,
    Dawdles,
    CutsJsonShort,
    WritesInvalidUtf8,
    WritesAnOversizedMessage,
    WritesAnOversizedLine,
    HidesAMessageInALine,
    ChattersOnly,
    AnswersUnderAnotherId,
    AnswersWithTwoOutcomes,
    AnswersTwice,
    AnswersBeforeTheRequest,
    FloodsStdout,
    FloodsStderr,
    FloodsStdoutForAWhile,
    FloodsStderrForAWhile,
    LeavesAGrandchild,
    IgnoresSigterm,
    NeverRefreshes,
    ClockStandsStill,
    ClockLies,
    RestartForgets,
    MuttersAToken,
    PrintsAToken,
    /// No adapter: what a stubborn one starts.
    #[value(hide = true)]
    Grandchild,
}

const fn at(when: When, deed: Deed) -> Misdeed {
    Misdeed { when, deed }
}

/// What hits one case of many.
const fn halfway(deed: Deed) -> Misdeed {
    at(When::Mallory("session"), deed)
}

impl Fault {
    /// Everything that it does wrong.
    pub(crate) fn misdeeds(self) -> Vec<Misdeed> {
        match self {
            Self::None | Self::Grandchild => vec![],
            Self::AlwaysOk => vec![at(When::EveryButHello, Deed::Write(spoilt::empty_ok))],
            Self::AlwaysNo => vec![at(When::Every, Deed::Write(spoilt::no))],
            Self::AcceptsUnknownVerbs => vec![at(When::Verb("x-probe-lumpy-heron"), Deed::Write(spoilt::empty_ok))],
            Self::WrongVersion => vec![at(When::Verb("hello"), Deed::Write(spoilt::next_version))],
            Self::ClaimsUnknownThings => vec![at(When::Verb("hello"), Deed::Write(spoilt::unknown_claim))],
            Self::GarbageAtHello => vec![at(When::Verb("hello"), Deed::Write(spoilt::cut_short))],
            Self::HangsAtHello => vec![at(When::Verb("hello"), Deed::Hang)],
            Self::ExitsAtStart => vec![at(When::Birth, Deed::Exit)],
            Self::DiesAtStart => vec![at(When::Birth, Deed::Die)],
            Self::Hangs => vec![halfway(Deed::Hang)],
            Self::Exits => vec![halfway(Deed::Exit)],
            Self::Dies => vec![halfway(Deed::Die)],
            Self::ExitsAndNeverStartsAgain => vec![at(When::Birth, Deed::ExitNextTime), halfway(Deed::Exit)],
            Self::ExitsAfterStop => vec![at(When::Verb("stop"), Deed::AnswerAndExit)],
            Self::Dawdles => vec![at(When::Verb("session"), Deed::Dawdle)],
            Self::ClosesStdout => vec![halfway(Deed::CloseStdout)],
            Self::CutsJsonShort => vec![halfway(Deed::Write(spoilt::cut_short))],
            Self::WritesInvalidUtf8 => vec![halfway(Deed::Write(spoilt::invalid_utf8))],
            Self::WritesAnOversizedMessage => vec![halfway(Deed::Write(spoilt::oversized))],
            Self::WritesAnOversizedLine => vec![halfway(Deed::Write(stray::oversized_line))],
            Self::HidesAMessageInALine => vec![halfway(Deed::Write(stray::message_in_a_line))],
            Self::ChattersOnly => vec![halfway(Deed::Write(stray::chatter))],
            Self::AnswersUnderAnotherId => vec![halfway(Deed::Write(spoilt::another_id))],
            Self::AnswersWithTwoOutcomes => vec![halfway(Deed::Write(spoilt::two_outcomes))],
            Self::AnswersTwice => vec![halfway(Deed::Write(spoilt::twice))],
            Self::AnswersBeforeTheRequest => vec![
                at(When::Mallory("sign_in"), Deed::Write(spoilt::with_the_next)),
                halfway(Deed::Write(spoilt::nothing)),
            ],
            Self::FloodsStdout => vec![halfway(Deed::Flood(Stream::Stdout, Amount::Endless))],
            Self::FloodsStderr => vec![halfway(Deed::Flood(Stream::Stderr, Amount::Endless))],
            Self::FloodsStdoutForAWhile => vec![halfway(Deed::Flood(Stream::Stdout, Amount::Much))],
            Self::FloodsStderrForAWhile => vec![halfway(Deed::Flood(Stream::Stderr, Amount::Much))],
            Self::LeavesAGrandchild => vec![at(When::Birth, Deed::HaveChild)],
            Self::IgnoresSigterm => vec![at(When::Birth, Deed::HaveChild), at(When::End, Deed::Hang)],
            Self::NeverRefreshes => vec![
                at(When::Verb("session"), Deed::Ask(spoilt::anything_else)),
                at(When::Verb("session"), Deed::Write(spoilt::the_session_before)),
            ],
            Self::ClockStandsStill => vec![at(When::Verb("clock"), Deed::Ask(spoilt::the_first_instant))],
            Self::ClockLies => vec![
                at(When::Verb("clock"), Deed::Ask(spoilt::the_first_instant)),
                at(When::Verb("clock"), Deed::Write(spoilt::the_instant_asked_for)),
            ],
            Self::RestartForgets => vec![at(When::Verb("restart"), Deed::Ask(spoilt::start_again))],
            Self::MuttersAToken => vec![halfway(Deed::Mutter(stray::access_token))],
            Self::PrintsAToken => vec![halfway(Deed::Write(stray::access_token_and_answer))],
        }
    }
}
