//! Virtual time: a realm's own clock, and the units it is told in.
//!
//! Nothing here reads the operating system's clock. Whoever asks a [`Clock`] for the time passes the real time that has
//! gone by since the provider started ([`Uptime`]); a frozen clock ignores it, a flowing one adds it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant on a realm's clock, in **milliseconds** since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that lies `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole **seconds** since the Unix epoch, rounded down: the NumericDate of RFC 7519 section 2.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The instant as an HTTP date (RFC 9110 section 5.6.7), within the years that this form can write.
    pub fn http_date(self) -> String {
        const LAST: u64 = 253_402_300_799;
        let seconds = u64::try_from(self.as_secs()).unwrap_or_default().min(LAST);
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// This instant moved forward; saturates instead of wrapping.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(saturating_millis(by)))
    }

    /// This instant moved back; saturates instead of wrapping.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(saturating_millis(by)))
    }
}

fn saturating_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Real time since the provider started; only a flowing clock takes notice of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(pub Duration);

/// Whether virtual time passes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// Time moves only when told to.
    Frozen,
    /// Time moves with real time, from wherever it was set.
    Flowing,
}

/// A realm's clock. Every lifetime in the realm is judged by it and by nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    mode: ClockMode,
    set_to: Timestamp,
    set_when: Uptime,
}

impl Clock {
    /// A clock that stands still at `now`.
    pub const fn frozen(now: Timestamp) -> Self {
        Self { mode: ClockMode::Frozen, set_to: now, set_when: Uptime(Duration::ZERO) }
    }

    /// A clock that shows `now` at `uptime` and goes on with real time.
    pub const fn flowing(now: Timestamp, uptime: Uptime) -> Self {
        Self { mode: ClockMode::Flowing, set_to: now, set_when: uptime }
    }

    /// What the clock shows.
    pub fn now(&self, uptime: Uptime) -> Timestamp {
        match self.mode {
            ClockMode::Frozen => self.set_to,
            ClockMode::Flowing => self.set_to.plus(uptime.0.saturating_sub(self.set_when.0)),
        }
    }

    /// Whether time passes by itself.
    pub const fn mode(&self) -> ClockMode {
        self.mode
    }

    /// Puts the hands to `to`, forward or back; the mode stays.
    pub fn set(&mut self, to: Timestamp, uptime: Uptime) {
        self.set_to = to;
        self.set_when = uptime;
    }

    /// Freezes the clock or lets it flow, without a jump.
    pub fn switch(&mut self, mode: ClockMode, uptime: Uptime) {
        self.set(self.now(uptime), uptime);
        self.mode = mode;
    }
}

/// A length of time as people write it: `1h`, `90s`, `1500ms`, `7d`. Millisecond resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lifetime(pub Duration);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time; write a whole number and a unit: 500ms, 90s, 15m, 1h or 7d")]
pub struct BadLifetime(String);

impl Lifetime {
    /// So many days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Self(Duration::from_secs(days * 86_400))
    }
}

impl FromStr for Lifetime {
    type Err = BadLifetime;

    fn from_str(text: &str) -> Result<Self, BadLifetime> {
        let bad = || BadLifetime(text.to_owned());
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| bad())?;
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        let total = number.checked_mul(*millis).ok_or_else(bad)?;
        Ok(Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let fits = |unit: &&(&str, u64)| millis.is_multiple_of(unit.1);
        let (name, size) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
        if millis == 0 {
            return f.write_str("0s");
        }
        write!(f, "{}{name}", millis / size)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_set() {
        let mut clock = Clock::frozen(Timestamp::from_millis(5));
        let later = Uptime(Duration::from_secs(9));
        assert_eq!(clock.now(later), Timestamp::from_millis(5));
        clock.set(Timestamp::from_millis(2), later);
        assert_eq!(clock.now(later), Timestamp::from_millis(2));
    }

    #[test]
    fn switching_the_mode_does_not_jump() {
        let mut clock = Clock::flowing(Timestamp::from_millis(0), Uptime(Duration::from_secs(1)));
        let later = Uptime(Duration::from_secs(3));
        clock.switch(ClockMode::Frozen, later);
        assert_eq!(clock.now(Uptime(Duration::from_secs(60))), Timestamp::from_millis(2_000));
    }

    #[test]
    fn any_instant_has_an_http_date() {
        assert_eq!(Timestamp::from_millis(1_893_456_000_000).http_date(), "Tue, 01 Jan 2030 00:00:00 GMT");
        for millis in [i64::MIN, i64::MAX] {
            assert_eq!(Timestamp::from_millis(millis).http_date().len(), 29);
        }
    }

    #[test]
    fn a_second_before_the_epoch_rounds_down() {
        assert_eq!(Timestamp::from_millis(-1).as_secs(), -1);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "h", "1", "-1s", "1.5h", "1 h", "99999999999999999999d", "18446744073709551615d"] {
            assert!(text.parse::<Lifetime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millis in 0u64..u64::MAX / 2) {
            let lifetime = Lifetime(Duration::from_millis(millis));
            prop_assert_eq!(lifetime.to_string().parse(), Ok(lifetime));
        }
    }
}
