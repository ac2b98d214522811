//! Explores what nobody wrote down: plans of symbolic moves, carried out against a target, judged by what always holds.
//!
//! ```text
//! seed ─> plan (moves) ─> performed: each move becomes scenario steps when its turn comes ─> history ─> checks
//!             ▲                                                                                        │
//!             └── shrunk by proptest, while the same check fails ◄── confirmed by running again ◄──────┘
//!                                                  └─> a scenario file that `regrant run` replays
//! ```
//! Any part of a plan is a plan: a move whose time has not come is passed over. Nothing is predicted of the client. The same
//! seed gives the same plans on every machine. Deliberately absent: any knowledge of the scenarios.

mod coverage;
mod hunt;
mod moves;
mod performed;
mod plan;
mod scene;
mod written;

pub use coverage::{Cell, Coverage};
pub use hunt::{Finding, Hunt, Hunted, Limits, hunt};
pub use moves::Move;
pub use performed::Fingerprint;
