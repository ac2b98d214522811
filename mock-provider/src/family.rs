//! One lineage of refresh tokens, as a state machine.
//!
//! A sign-in begins a family with one refresh token, generation 0. Every rotation adds a generation whose parent is the
//! token that was presented, so the family is a tree and remembers who came from whom. [`Family::refresh`] decides what
//! a presented token is worth; it knows no HTTP, mints no values and reads no clock.

use serde::{Deserialize, Serialize};

use crate::policy::{Grace, GraceFor, Policy, Reuse, Rotation, Successor};
use crate::time::Timestamp;

/// The index of a refresh token within its family.
pub type Generation = usize;

/// One refresh token of a family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The token whose use brought this one; none for the first.
    pub parent: Option<Generation>,
    /// When it was minted.
    pub born: Timestamp,
    /// When it was first replaced; none while it is current.
    pub replaced: Option<Timestamp>,
    /// How often it has bought tokens, its grace uses included.
    pub uses: u32,
    /// How often it has been used after it was replaced.
    pub grace_uses: u32,
}

/// Why a whole family is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FamilyEnd {
    /// The user, the client or an operator revoked it.
    Revoked,
    /// The user's password changed, and the scopes are of the kind that does not survive it.
    PasswordChanged,
    /// A replaced token came back (RFC 9700 section 4.14.2).
    ReuseDetected,
    /// A newer family took its place under the live-token limit.
    Evicted,
    /// It was told to expire, or reached its absolute lifetime.
    Expired,
}

impl FamilyEnd {
    /// Whether the family's access tokens die with it; otherwise they run out by themselves.
    pub const fn takes_access_tokens(self) -> bool {
        match self {
            Self::Revoked | Self::PasswordChanged | Self::ReuseDetected => true,
            Self::Evicted | Self::Expired => false,
        }
    }
}

/// The end of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ended {
    /// Why.
    pub why: FamilyEnd,
    /// When it was decided, in milliseconds since the epoch.
    pub at: Timestamp,
    /// From when on it is felt, where a server takes its time; at once otherwise.
    pub felt_from: Option<Timestamp>,
    /// The generation of the token whose reuse was noticed.
    pub reused: Option<Generation>,
}

impl Ended {
    /// Whether the end is felt at `now`.
    pub fn is_felt(&self, now: Timestamp) -> bool {
        self.felt_from.is_none_or(|from| now >= from)
    }
}

/// What a presented refresh token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Tokens are issued; the refresh token stays and is not repeated.
    Kept,
    /// Tokens are issued with a new refresh token of this generation.
    Rotated(Generation),
    /// Tokens are issued with a refresh token that was already given out.
    Repeated(Generation),
    /// Nothing is issued.
    Refused(Refusal),
}

/// Why nothing is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The family had ended before.
    Ended(FamilyEnd),
    /// The family has reached its absolute lifetime.
    Expired,
    /// The family was unused for too long.
    Idle,
    /// The token has been replaced, and its grace is over.
    Replaced,
    /// The token has been replaced, and presenting it has now revoked the family.
    ReuseDetected,
}

/// A lineage of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    members: Vec<Member>,
    last_used: Timestamp,
    ends: Option<Timestamp>,
    end: Option<Ended>,
}

impl Family {
    /// A family with its first token, minted at `now`.
    pub fn begin(now: Timestamp) -> Self {
        Self { members: vec![Member::born(None, now)], last_used: now, ends: None, end: None }
    }

    /// A family that has rotated so many times, all at `now`: its current token is of that generation.
    pub fn grown(now: Timestamp, generations: Generation) -> Self {
        let mut family = Self::begin(now);
        for generation in 0..generations {
            family.use_up(now, generation);
            family.replace(now, generation);
        }
        family
    }

    /// The same family with an end of its own, whatever the policy says: access for a time, or seven days of Testing.
    #[must_use]
    pub const fn until(mut self, ends: Option<Timestamp>) -> Self {
        self.ends = ends;
        self
    }

    /// Whether it is a tree that can have grown: with a root, and every parent older than its child.
    pub fn is_whole(&self) -> bool {
        let older = |(index, member): (usize, &Member)| match member.parent {
            None => index == 0,
            Some(parent) => parent < index,
        };
        !self.members.is_empty() && self.members.iter().enumerate().all(older)
    }

    /// Its refresh tokens, oldest first.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Its end, if it has been ended.
    pub const fn end(&self) -> Option<Ended> {
        self.end
    }

    /// Ends the family; the first reason stays, unless it was still to be felt.
    pub fn finish(&mut self, why: FamilyEnd, at: Timestamp) {
        self.finish_with(Ended { why, at, felt_from: None, reused: None });
    }

    fn finish_with(&mut self, end: Ended) {
        let to_come = self.end.and_then(|known| known.felt_from).is_some_and(|from| from > end.at);
        if self.end.is_none() || to_come {
            self.end = Some(end);
        }
    }

    /// Ends the family at `at`, but lets it live on until the news has got round.
    pub fn finish_late(&mut self, why: FamilyEnd, at: Timestamp, felt_from: Timestamp) {
        self.end.get_or_insert(Ended { why, at, felt_from: Some(felt_from), reused: None });
    }

    /// When the family reaches its absolute lifetime.
    pub fn expires(&self, policy: &Policy) -> Option<Timestamp> {
        let by_policy = policy.refresh_ttl.duration().map(|ttl| self.members[0].born.plus(ttl));
        [by_policy, self.ends].into_iter().flatten().min()
    }

    /// When the family will have been unused for too long.
    pub fn idles_out(&self, policy: &Policy) -> Option<Timestamp> {
        policy.refresh_idle_ttl.duration().map(|ttl| self.last_used.plus(ttl))
    }

    /// When the family ends by itself: whichever of the two comes first.
    pub fn ends_by_itself(&self, policy: &Policy) -> Option<Timestamp> {
        [self.expires(policy), self.idles_out(policy)].into_iter().flatten().min()
    }

    /// Why the family buys nothing at `now`, whichever of its tokens is presented.
    pub fn dead(&self, now: Timestamp, policy: &Policy) -> Option<Refusal> {
        let passed = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
        if let Some(end) = self.end.filter(|end| end.is_felt(now)) {
            return Some(Refusal::Ended(end.why));
        }
        if passed(self.expires(policy)) {
            return Some(Refusal::Expired);
        }
        passed(self.idles_out(policy)).then_some(Refusal::Idle)
    }

    /// Presents the token of generation `presented` at `now`.
    ///
    /// # Panics
    /// When the family has no such generation: the caller looked the token up in another family.
    pub fn refresh(&mut self, now: Timestamp, presented: Generation, policy: &Policy) -> Outcome {
        if let Some(refusal) = self.dead(now, policy) {
            return Outcome::Refused(refusal);
        }
        if self.members[presented].replaced.is_none() {
            return self.first_use(now, presented, policy.rotation);
        }
        if self.may_retry(presented, policy.grace_for) && self.in_grace(now, presented, policy.grace) {
            return self.retry(now, presented, policy.successor);
        }
        self.reused(now, presented, policy)
    }

    fn first_use(&mut self, now: Timestamp, presented: Generation, rotation: Rotation) -> Outcome {
        self.use_up(now, presented);
        let due = match rotation {
            Rotation::Never => false,
            Rotation::Always => true,
            Rotation::EveryUses(count) => self.members[presented].uses >= count,
            Rotation::AfterAge(age) => now >= self.members[presented].born.plus(age.0),
        };
        if due { Outcome::Rotated(self.replace(now, presented)) } else { Outcome::Kept }
    }

    fn retry(&mut self, now: Timestamp, presented: Generation, successor: Successor) -> Outcome {
        self.use_up(now, presented);
        self.members[presented].grace_uses += 1;
        match successor {
            Successor::Same => Outcome::Repeated(self.head_after(presented)),
            Successor::New => Outcome::Rotated(self.replace(now, presented)),
        }
    }

    fn reused(&mut self, now: Timestamp, presented: Generation, policy: &Policy) -> Outcome {
        match policy.reuse {
            Reuse::Ignore => self.retry(now, presented, policy.successor),
            Reuse::Reject => Outcome::Refused(Refusal::Replaced),
            Reuse::RevokeFamily | Reuse::RevokeGrant | Reuse::RevokeUser => {
                let why = FamilyEnd::ReuseDetected;
                self.finish_with(Ended { why, at: now, felt_from: None, reused: Some(presented) });
                Outcome::Refused(Refusal::ReuseDetected)
            }
        }
    }

    fn may_retry(&self, presented: Generation, grace_for: GraceFor) -> bool {
        match grace_for {
            GraceFor::Any => true,
            GraceFor::Previous => self.successors(presented).any(|(_, successor)| successor.replaced.is_none()),
        }
    }

    /// How many tokens of the family were replaced after this one.
    fn replaced_since(&self, presented: Generation) -> usize {
        self.members[presented + 1..].iter().filter(|member| member.replaced.is_some()).count()
    }

    fn in_grace(&self, now: Timestamp, presented: Generation, grace: Grace) -> bool {
        let member = &self.members[presented];
        match grace {
            Grace::None => false,
            Grace::Time(length) => member.replaced.is_some_and(|at| now < at.plus(length.0)),
            Grace::Uses(count) => member.grace_uses < count,
            Grace::Last(count) => self.replaced_since(presented) < count as usize,
            Grace::UntilSuccessorUsed => self.successors(presented).all(|(_, successor)| successor.uses == 0),
        }
    }

    fn successors(&self, of: Generation) -> impl Iterator<Item = (Generation, &Member)> {
        self.members.iter().enumerate().filter(move |(_, member)| member.parent == Some(of))
    }

    /// The current token that descends from the first successor: what a late retry needs to carry on.
    fn head_after(&self, presented: Generation) -> Generation {
        let mut head = presented;
        while let Some((next, _)) = self.successors(head).next() {
            head = next;
        }
        head
    }

    fn use_up(&mut self, now: Timestamp, presented: Generation) {
        self.last_used = now;
        self.members[presented].uses += 1;
    }

    fn replace(&mut self, now: Timestamp, presented: Generation) -> Generation {
        self.members[presented].replaced.get_or_insert(now);
        self.members.push(Member::born(Some(presented), now));
        self.members.len() - 1
    }
}

impl Member {
    const fn born(parent: Option<Generation>, born: Timestamp) -> Self {
        Self { parent, born, replaced: None, uses: 0, grace_uses: 0 }
    }
}

#[cfg(test)]
#[path = "family_tests.rs"]
mod tests;
