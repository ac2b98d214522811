//! Explores what nobody wrote down: plans of symbolic moves, carried out against a target, judged by what always holds.
//!
//! ```text
//! seed ─> plan (moves) ─> performed: each move becomes scenario steps when its turn comes ─> history ─> rules
//!             ▲                                                                                       │
//!             └── shrunk by proptest, while the same rule is broken ◄── confirmed by running again ◄──┘
//!                                                  └─> a scenario file that `regrant run` replays
//! ```
//! Any part of a plan is a plan: a move whose time has not come is passed over. Nothing is predicted of the client. The same
//! seed gives the same plans on every machine. Deliberately absent: any knowledge of the scenarios.

mod coverage;
mod finding;
mod hunt;
mod moves;
mod performed;
mod plan;
mod quarry;
mod report;
mod rule;
mod scene;
mod schedules;
mod simpler;
mod steer;
mod words;
mod written;

pub use coverage::{Cell, Coverage};
pub use finding::{Finding, Size};
pub use hunt::{Hunted, Limits, Sighting, Stop, Tally, hunt};
pub use moves::Move;
pub use report::{footer, reports};
pub use rule::{Rule, UnknownRule, recheck};
