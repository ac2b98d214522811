//! What a hunt has found.

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::fuzz::moves::Move;
use crate::fuzz::rule::Rule;
use crate::history::History;

/// A failure, as small as it got.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: Rule,
    /// What was expected and what came.
    pub check: Option<Check>,
    /// The plan that it was found in.
    pub case: usize,
    /// How many moves that had.
    pub moves: usize,
    /// How often it was seen again, of so many tries.
    pub reproduced: (u32, u32),
    /// How small it is.
    pub size: Size,
    /// The moves that are left.
    pub plan: Vec<Move>,
    /// The steps that came of them.
    pub steps: Vec<String>,
    /// What else matters, beside that these steps are there.
    pub facts: Vec<String>,
    /// What happened.
    pub timeline: Vec<String>,
    /// The same, for a machine.
    pub history: History,
    /// The scenario's id.
    pub id: String,
    /// The scenario.
    pub scenario: String,
}

/// How small a failure was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// Without any one of its steps it is gone.
    Smallest,
    /// The time for it was up.
    TimeWasUp,
    /// It does not fail every time, so most of some tries decided.
    ByVotes,
}

impl Finding {
    /// Whether a plan that breaks the same rule does so by the same moves: it contains them, in this order.
    pub fn explains(&self, rule: &Rule, plan: &[Move]) -> bool {
        let mut rest = plan.iter();
        let same = |wanted: &Move, other: &Move| std::mem::discriminant(wanted) == std::mem::discriminant(other);
        *rule == self.rule && self.plan.iter().all(|wanted| rest.any(|other| same(wanted, other)))
    }
}
