//! Which situations the plans so far were about, and what to do more often for it.
//!
//! Plans are steered by what they plan, not by what a target makes of them: so the same seed gives the same cases for every
//! target and on every machine. What was reached is another question, and [`Coverage`](super::Coverage) answers it.

use std::collections::BTreeSet;

use crate::fuzz::coverage::{Cell, Company, Met, Stands};
use crate::fuzz::moves::{Boundary, Move, Near, Place, Trouble, Wrong};

/// Plans between two looks at the weights.
pub(super) const ROUND: usize = 64;

/// How often things are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    /// Troubles by what a refresh meets: outage, throttle, lost answer, refusal, altered success, another error.
    pub(super) troubles: [u32; 6],
    /// Instants: just after the end of the access token, just before it, long after.
    pub(super) instants: [u32; 3],
    /// Races.
    pub(super) races: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { troubles: [4, 1, 2, 2, 6, 2], instants: [10, 3, 8], races: 4 }
    }
}

const MET: [Met; 6] = [Met::Outage, Met::Throttle, Met::LostAnswer, Met::Refusal, Met::AlteredSuccess, Met::OtherError];

const STANDS: [Stands; 3] = [Stands::JustAfter, Stands::JustBefore, Stands::LongAfter];

/// The situations of all plans so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Planned(BTreeSet<Cell>);

impl Planned {
    /// Adds a plan.
    pub(super) fn add(&mut self, plan: &[Move]) {
        let mut walk = Walk { met: Met::Nothing, ahead: None, stands: Stands::LongBefore };
        self.0.extend(plan.iter().filter_map(|next| walk.passes(next)));
    }

    /// The weights for the next round: up to three times the usual for what leads to situations that are missing.
    pub(super) fn weights(&self) -> Weights {
        let usual = Weights::default();
        let share = |of: &dyn Fn(&Cell) -> bool| {
            let all = Cell::all().filter(|cell| of(cell));
            let (missing, all) =
                all.fold((0, 0), |(missing, all), cell| (missing + u32::from(!self.0.contains(&cell)), all + 1));
            (missing, all.max(1))
        };
        let raised = |weight: u32, (missing, all): (u32, u32)| weight + 2 * weight * missing / all;
        let each = |index: usize| raised(usual.troubles[index], share(&|cell| cell.met == MET[index]));
        let instant = |index: usize| raised(usual.instants[index], share(&|cell| cell.stands == STANDS[index]));
        Weights {
            troubles: std::array::from_fn(each),
            instants: std::array::from_fn(instant),
            races: raised(usual.races, share(&|cell| cell.company == Company::AmongOthers)),
        }
    }
}

/// What a client that refreshes when a token has ended would have met.
struct Walk {
    met: Met,
    /// What the next refresh meets.
    ahead: Option<Met>,
    stands: Stands,
}

impl Walk {
    fn passes(&mut self, next: &Move) -> Option<Cell> {
        match next {
            Move::SignIn(_) | Move::SwitchUser => self.stands = Stands::LongBefore,
            Move::Advance(boundary, near) => self.stands = instant(*boundary, *near),
            Move::Trouble(trouble) if trouble.place == Place::Refresh => self.ahead = Some(meets(trouble)),
            Move::Revoke | Move::ExpireRefresh => self.ahead = Some(Met::Refusal),
            Move::Honest => self.ahead = None,
            Move::Read(..) | Move::Api(_) => return Some(self.read(Company::Alone)),
            Move::Race(..) => return Some(self.read(Company::AmongOthers)),
            _ => {}
        }
        None
    }

    fn read(&mut self, company: Company) -> Cell {
        let cell = Cell { met: self.met, stands: self.stands, company };
        if matches!(self.stands, Stands::JustAfter | Stands::LongAfter) {
            self.met = self.ahead.unwrap_or(Met::Success);
            if matches!(self.met, Met::Success | Met::AlteredSuccess) {
                self.stands = Stands::LongBefore;
            }
        }
        cell
    }
}

const fn instant(boundary: Boundary, near: Near) -> Stands {
    match (boundary, near) {
        (Boundary::Access, Near::SecondBefore | Near::MillisecondBefore | Near::MinuteBefore) => Stands::JustBefore,
        (Boundary::Access, Near::At | Near::SecondAfter | Near::MillisecondAfter) => Stands::JustAfter,
        _ => Stands::LongAfter,
    }
}

const fn meets(trouble: &Trouble) -> Met {
    match &trouble.wrong {
        Wrong::Status(500..) => Met::Outage,
        Wrong::Status(429) | Wrong::Throttle(_) => Met::Throttle,
        Wrong::Reset => Met::LostAnswer,
        Wrong::FalseRefusal => Met::Refusal,
        Wrong::Member(..) | Wrong::ForeignSubject => Met::AlteredSuccess,
        Wrong::Status(_) | Wrong::Preset(_) => Met::OtherError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::moves::Actor;

    #[test]
    fn what_is_missing_is_chosen_more_often_and_what_was_there_is_not() {
        let (usual, nothing) = (Weights::default(), Planned::default());
        assert_eq!(nothing.weights().races, 3 * usual.races);
        let mut all = Planned::default();
        all.0.extend(Cell::all());
        assert_eq!(all.weights(), usual);
    }

    #[test]
    fn a_plan_is_in_the_situations_of_its_reads() {
        let mut planned = Planned::default();
        let advance = Move::Advance(Boundary::Access, Near::SecondAfter);
        planned.add(&[
            Move::SignIn(Actor::Ada),
            advance.clone(),
            Move::Read(Actor::Ada, 1),
            advance,
            Move::Race(crate::fuzz::moves::Readers::Ada(2), None),
        ]);
        let cell = |met, company| Cell { met, stands: Stands::JustAfter, company };
        let expected = [cell(Met::Nothing, Company::Alone), cell(Met::Success, Company::AmongOthers)];
        assert_eq!(planned.0, expected.into());
    }
}
