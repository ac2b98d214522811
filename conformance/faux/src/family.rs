//! Processes that do not go when they are asked to.

use std::convert::Infallible;
use std::io::{self, BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::Args;
use crate::ending::hang;
use crate::witness::Witness;

/// Starts a process in this one's group that holds its standard output open, and waits until it is there.
pub(crate) fn have_child(args: Args) -> io::Result<()> {
    ignore_sigterm()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("grandchild").args(args.witness.map(|witness| format!("--witness={witness}")));
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut ready = String::new();
    child.stderr.take().map(BufReader::new).map_or(Ok(0), |mut lines| lines.read_line(&mut ready)).map(drop)
}

/// The life of such a process.
pub(crate) async fn live_as_child(witness: &Witness) -> io::Result<Infallible> {
    ignore_sigterm()?;
    witness.tell("ready")?;
    crate::flood::write(crate::deed::Stream::Stderr, b"ready\n")?;
    Ok(hang().await)
}

#[cfg(unix)]
fn ignore_sigterm() -> io::Result<()> {
    // The handler stays when its owner has gone.
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map(drop)
}

#[cfg(not(unix))]
fn ignore_sigterm() -> io::Result<()> {
    Ok(())
}
