//! Wires the reference client up: in this process, behind an in-memory pipe, speaking the same protocol as anybody else.

use std::io;

use conformance::link::{Pipe, Target};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reference_adapter::Adapter;

use crate::args::TargetName;
use crate::exit::{Exit, Failure};

/// Bytes that the pipe holds before a writer waits.
const PIPE: usize = 64 * 1024;

/// The reference client or one of its mutants.
pub(crate) struct ReferenceTarget {
    name: TargetName,
    adapter: Adapter,
}

impl ReferenceTarget {
    pub(crate) fn new(name: TargetName) -> Result<Self, Failure> {
        let defect = match name {
            TargetName::Reference => None,
            TargetName::Mutant(defect) => Some(defect),
        };
        let adapter = Adapter::new(defect).map_err(|error| Failure::new(Exit::NothingMeasured, error))?;
        Ok(Self { name, adapter })
    }
}

impl Target for ReferenceTarget {
    fn name(&self) -> String {
        match self.name {
            TargetName::Reference => "reference".to_owned(),
            TargetName::Mutant(defect) => format!("mutant:{defect}"),
        }
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Pipe>> {
        let (requests, input) = tokio::io::duplex(PIPE);
        let (output, answers) = tokio::io::duplex(PIPE);
        // It ends when the runner drops its side of the pipe.
        tokio::spawn(self.adapter.clone().serve(input, output));
        std::future::ready(Ok(Pipe { requests: Box::new(requests), answers: Box::new(answers) })).boxed()
    }
}
