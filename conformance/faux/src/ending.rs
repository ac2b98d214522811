//! How a process ends before its time, or does nothing in its time.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::process;
use std::time::Duration;

/// Ends with exit code 1.
#[expect(clippy::exit, reason = "to leave without a word is the fault")]
pub(crate) fn exit() -> ! {
    process::exit(1)
}

/// Ends as by the kernel's hand.
#[cfg(unix)]
pub(crate) fn die() -> ! {
    let myself = rustix::process::getpid();
    let _ = rustix::process::kill_process(myself, rustix::process::Signal::KILL);
    exit()
}

#[cfg(not(unix))]
pub(crate) fn die() -> ! {
    process::abort()
}

/// Ends where a process in this folder has been here before.
pub(crate) fn exit_next_time() -> io::Result<()> {
    match File::create_new("faux-adapter-was-here") {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => exit(),
        marked => marked.map(drop),
    }
}

/// Does nothing more.
pub(crate) async fn hang() -> Infallible {
    std::future::pending().await
}

/// Does nothing for a while, as long as a slow application may take.
#[expect(clippy::disallowed_methods, reason = "to be slow is the fault")]
pub(crate) async fn dawdle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// Gives standard output up. What is written there from now on goes nowhere.
#[cfg(unix)]
pub(crate) fn close_stdout() -> io::Result<()> {
    let nowhere = File::options().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(nowhere)?)
}

#[cfg(not(unix))]
pub(crate) fn close_stdout() -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
