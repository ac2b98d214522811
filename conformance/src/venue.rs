//! Where cases take place: a realm of its own for each, or one realm again and again for a target that is configured for it.

use adapter_protocol::ClockMode;
use mock_provider::{DEFAULT_REALM, Provider, RealmHandle, RealmOptions};

use crate::link::Target;
use crate::runner::{RunError, START};

/// The provider of a run.
#[derive(Debug)]
pub(crate) struct Venue {
    provider: Provider,
    kind: Kind,
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Every case has a realm of its own.
    Own,
    /// All cases are in the realm at the root, one after the other.
    Shared,
}

impl Venue {
    /// A provider whose clocks stand still, or go with the time of day where the target's cannot be moved.
    pub(crate) async fn open(target: &dyn Target, seed: u64) -> Result<Self, RunError> {
        let builder = Provider::builder().seed(seed);
        let builder = match target.clock() {
            ClockMode::Set | ClockMode::Outside => builder.frozen_at(START),
            ClockMode::Real => builder,
        };
        let (builder, kind) = match target.provider() {
            Some(fixed) => (builder.port(fixed.port).clients(vec![fixed.client]), Kind::Shared),
            None => (builder, Kind::Own),
        };
        Ok(Self { provider: builder.start().await.map_err(RunError::Provider)?, kind, seed })
    }

    /// The realm of a case.
    pub(crate) fn realm(&self, case: &str) -> RealmHandle {
        if self.kind == Kind::Own {
            return self.provider.realm(case);
        }
        // What an application remembers of the case before shall not be good in this one.
        let seed = case.bytes().fold(self.seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        self.provider.close_realm(DEFAULT_REALM);
        let options = RealmOptions { seed: Some(seed), ..RealmOptions::default() };
        self.provider.new_realm(DEFAULT_REALM, options).unwrap_or_else(|| self.provider.default_realm())
    }

    /// Forgets the realm of a case.
    pub(crate) fn close(&self, case: &str) {
        if self.kind == Kind::Own {
            self.provider.close_realm(case);
        }
    }
}
