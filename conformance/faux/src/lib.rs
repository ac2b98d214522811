//! Deliberately bad adapters: the reference adapter in a process of its own, good but for one [`Fault`].
//!
//! They test the harness. Who starts one with `--witness` sees each process of it as a connection that ends with the
//! process, so that nothing has to be looked up by number. A fault that shall hit one case of many waits for the actor
//! `mallory`. Deliberately absent: wrong clients, which are the mutants of the reference client.

mod deed;
mod ending;
mod family;
mod fault;
mod flood;
mod memory;
mod scene;
mod spoilt;
mod stray;
mod witness;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

pub use fault::Fault;

/// The command line of a bad adapter.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "faux-adapter")]
pub struct Args {
    /// What is wrong with it.
    #[arg(value_enum)]
    pub fault: Fault,
    /// Where somebody listens who wants to know which processes live.
    #[arg(long)]
    pub witness: Option<SocketAddr>,
}

/// Lives the life of a bad adapter.
pub fn run(args: Args) -> ExitCode {
    let lived = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(scene::play(args)));
    lived.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
