//! An examination that whoever waits for it can break off. A process of the adapter's would outlive a command that is
//! ended by a signal: the two are in different groups.

use std::sync::Arc;

use conformance::check_up::{CheckUp, check_up};
use conformance::link::Target;
use conformance::runner::RunError;
use mock_provider::cli::StopSignals;

use crate::exit::{Exit, Failure};

pub(crate) async fn examine(target: Arc<dyn Target>) -> Result<CheckUp, Failure> {
    let stopped = StopSignals::new().map_err(|error| Failure::new(Exit::Bug, error))?;
    tokio::select! {
        found = check_up(target) => found.map_err(Failure::from),
        () = stopped.wait() => Err(RunError::Interrupted.into()),
    }
}
