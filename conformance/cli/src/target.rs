//! Wires the reference client up: in this process, behind an in-memory pipe, speaking the same protocol as anybody else.

use std::io;

use conformance::link::{Pipe, Target};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reference_adapter::serve;

use crate::args::TargetName;

/// Bytes that the pipe holds before a writer waits.
const PIPE: usize = 64 * 1024;

/// The reference client or one of its mutants.
pub(crate) struct ReferenceTarget(pub(crate) TargetName);

impl Target for ReferenceTarget {
    fn name(&self) -> String {
        match self.0 {
            TargetName::Reference => "reference".to_owned(),
            TargetName::Mutant(defect) => format!("mutant:{defect}"),
        }
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Pipe>> {
        let defect = match self.0 {
            TargetName::Reference => None,
            TargetName::Mutant(defect) => Some(defect),
        };
        let (requests, input) = tokio::io::duplex(PIPE);
        let (output, answers) = tokio::io::duplex(PIPE);
        // It ends when the runner drops its side of the pipe.
        tokio::spawn(serve(input, output, defect));
        std::future::ready(Ok(Pipe { requests: Box::new(requests), answers: Box::new(answers) })).boxed()
    }
}
