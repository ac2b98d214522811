//! A failure that is looked into: seen again, made as small as it gets, explained.

use std::collections::BTreeSet;

use proptest::strategy::ValueTree as _;

use crate::fuzz::finding::{Finding, Size};
use crate::fuzz::hunt::Limits;
use crate::fuzz::moves::Move;
use crate::fuzz::performed::{Performed, Stage};
use crate::fuzz::plan::Draft;
use crate::fuzz::rule::Rule;
use crate::fuzz::written::{Origin, scenario};
use crate::runner::RunError;
use crate::timeline;
use crate::uptime::Stopwatch;

/// How often a failure is looked at again before anything is said of it.
const AGAIN: u32 = 3;

/// A plan of so many moves is small.
const FEW: usize = 6;

/// Moves of a plan of which pairs are taken away.
const PAIRED: usize = 12;

/// A failure of a rule in a plan.
pub(super) struct Quarry<'a> {
    pub(super) stage: &'a Stage,
    pub(super) limits: &'a Limits,
    pub(super) rule: Rule,
    pub(super) draft: Draft,
}

/// A failure that is being made smaller.
struct Search<'q, 'a> {
    quarry: &'q Quarry<'a>,
    watch: Stopwatch,
    /// A candidate has to fail in the first number of tries out of the second.
    votes: (u32, u32),
    /// What was given up and had to be taken back, with the move that has it.
    facts: Vec<(Move, &'static str)>,
}

impl Quarry<'_> {
    /// What it comes to; nothing where it is never seen again.
    pub(super) async fn caught(&self) -> Result<Option<Finding>, RunError> {
        let first = self.draft.moves();
        let mut again = 0;
        for _ in 0..AGAIN {
            again += u32::from(self.shows(&first).await?.is_some());
        }
        if again == 0 {
            return Ok(None);
        }
        // What does not fail every time is asked for a majority.
        let votes = if again == AGAIN { (1, 1) } else { (2, 3) };
        let mut search = Search { quarry: self, watch: Stopwatch::start(), votes, facts: vec![] };
        let smaller = search.without_moves(first.clone()).await?;
        let smaller = search.by_proptest(smaller).await?;
        let smaller = search.without_pairs(smaller).await?;
        let smaller = search.simpler(smaller).await?;
        let smaller = search.without_moves(smaller).await?;
        let Some(performed) = search.once_more(&smaller).await? else { return Ok(None) };
        let (steps, performed) = search.without_steps(performed).await?;
        let size = match (again, search.is_over()) {
            (AGAIN, false) => Size::Smallest,
            (AGAIN, true) => Size::TimeWasUp,
            _ => Size::ByVotes,
        };
        let facts = search.facts_of(&smaller);
        Ok(Some(self.finding(first.len(), smaller, steps, &performed, (again, size), facts)))
    }

    /// A plan carried out, where it breaks the same rule.
    async fn shows(&self, moves: &[Move]) -> Result<Option<Performed>, RunError> {
        let performed = self.stage.perform(moves, &format!("f{}-again", self.draft.case)).await?;
        Ok(self.same(performed))
    }

    fn same(&self, performed: Performed) -> Option<Performed> {
        performed.broken(self.limits.gate).contains(&self.rule).then_some(performed)
    }

    fn finding(
        &self,
        moves: usize,
        plan: Vec<Move>,
        steps: Vec<String>,
        performed: &Performed,
        (again, size): (u32, Size),
        facts: Vec<&'static str>,
    ) -> Finding {
        let check = performed.check_of(&self.rule);
        let target = self.stage.introduction.hello.target.to_string();
        let reproduced = (again, AGAIN);
        let origin = Origin { target, seed: self.limits.seed, case: self.draft.case, moves, reproduced, size };
        let (id, text) = scenario(&self.rule, check.as_ref(), &steps, &facts, &origin);
        Finding {
            rule: self.rule.clone(),
            check,
            case: self.draft.case,
            moves,
            reproduced,
            size,
            plan,
            steps,
            facts: facts.into_iter().map(str::to_owned).collect(),
            timeline: timeline::lines(&performed.history),
            history: performed.history.clone(),
            id,
            scenario: text,
        }
    }
}

impl Search<'_, '_> {
    fn is_over(&self) -> bool {
        self.watch.elapsed() >= self.quarry.limits.shrink_time
    }

    async fn fails(&self, moves: &[Move]) -> Result<bool, RunError> {
        let (needed, tries) = self.votes;
        let mut seen = 0;
        for _ in 0..tries {
            seen += u32::from(self.quarry.shows(moves).await?.is_some());
        }
        Ok(seen >= needed)
    }

    /// The plan as it fails, tried some times where it does not always.
    async fn once_more(&self, moves: &[Move]) -> Result<Option<Performed>, RunError> {
        for _ in 0..AGAIN {
            if let Some(performed) = self.quarry.shows(moves).await? {
                return Ok(Some(performed));
            }
        }
        Ok(None)
    }

    /// What proptest makes of the whole plan, where that is smaller: it also changes what moves are about. Half of the time
    /// that is left is enough.
    async fn by_proptest(&self, known: Vec<Move>) -> Result<Vec<Move>, RunError> {
        let Some(mut tree) = self.quarry.draft.tree().filter(|_| known.len() > FEW) else { return Ok(known) };
        let until = (self.watch.elapsed() + self.quarry.limits.shrink_time) / 2;
        let mut smallest = known;
        let mut goes_on = tree.simplify();
        while goes_on && self.watch.elapsed() < until {
            let moves = tree.current();
            goes_on = if self.fails(&moves).await? {
                smallest = if moves.len() < smallest.len() { moves } else { smallest };
                tree.simplify()
            } else {
                tree.complicate()
            };
        }
        self.without_moves(smallest).await
    }

    /// Takes away halves, quarters and so on, the last moves first, until no single one can go (Zeller and Hildebrandt,
    /// "Simplifying and Isolating Failure-Inducing Input", 2002).
    async fn without_moves(&self, mut moves: Vec<Move>) -> Result<Vec<Move>, RunError> {
        let mut length = (moves.len() / 2).max(1);
        let mut end = moves.len();
        while !self.is_over() {
            if end == 0 && length == 1 {
                break;
            }
            if end == 0 {
                (length, end) = (length / 2, moves.len());
            }
            let start = end.saturating_sub(length);
            let fewer = [&moves[..start], &moves[end..]].concat();
            let gone = self.fails(&fewer).await?;
            end = match (gone, length) {
                // With one gone, another that was needed before may be needed no more.
                (true, 1) => fewer.len(),
                _ => start,
            };
            moves = if gone { fewer } else { moves };
        }
        Ok(moves)
    }

    /// Takes away two moves at once, until none can go: a trouble and the read that meets it are only needed together.
    async fn without_pairs(&self, mut moves: Vec<Move>) -> Result<Vec<Move>, RunError> {
        let mut pairs = pairs(moves.len()).into_iter();
        while let Some((first, second)) = pairs.next().filter(|_| !self.is_over()) {
            let mut fewer = moves.clone();
            fewer.remove(second);
            fewer.remove(first);
            if self.fails(&fewer).await? {
                moves = self.without_moves(fewer).await?;
                pairs = self::pairs(moves.len()).into_iter();
            }
        }
        Ok(moves)
    }

    /// Puts simpler moves in, until none can.
    async fn simpler(&mut self, mut moves: Vec<Move>) -> Result<Vec<Move>, RunError> {
        let mut place = 0;
        while place < moves.len() && !self.is_over() {
            let mut taken = false;
            for (simpler, fact) in moves[place].simpler() {
                let mut other = moves.clone();
                other[place] = simpler;
                taken = self.fails(&other).await?;
                if taken {
                    moves = other;
                    break;
                }
                self.facts.push((moves[place].clone(), fact));
            }
            place += usize::from(!taken);
        }
        Ok(moves)
    }

    /// What matters of these moves. Others had their facts too, and were taken away later.
    fn facts_of(&self, moves: &[Move]) -> Vec<&'static str> {
        let facts: BTreeSet<_> =
            self.facts.iter().filter(|(of, _)| moves.contains(of)).map(|(_, fact)| *fact).collect();
        facts.into_iter().collect()
    }

    /// Takes away single steps of moves that are made of several.
    async fn without_steps(&self, mut performed: Performed) -> Result<(Vec<String>, Performed), RunError> {
        let mut steps = performed.steps.clone();
        if self.votes != (1, 1) {
            return Ok((steps, performed));
        }
        let mut place = steps.len();
        while place > 0 && !self.is_over() {
            place -= 1;
            let mut fewer = steps.clone();
            fewer.remove(place);
            let again = self.quarry.stage.replay(&fewer, &format!("f{}-steps", self.quarry.draft.case)).await?;
            // A step that misses another which is gone has proved nothing.
            let whole = again.history.ended.is_none() || self.quarry.rule.invariant().is_none();
            if let Some(again) = self.quarry.same(again).filter(|_| whole) {
                (steps, performed) = (fewer, again);
            }
        }
        Ok((steps, performed))
    }
}

/// All pairs of places in a plan that is short enough to try them.
fn pairs(moves: usize) -> Vec<(usize, usize)> {
    let few = moves.min(PAIRED);
    (0..few).flat_map(|first| (first + 1..few).map(move |second| (first, second))).collect()
}
