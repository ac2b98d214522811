//! A connection to somebody who wants to know which processes live: it ends with the process, whatever ends that.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};

/// The connection, where somebody listens.
#[derive(Debug)]
pub(crate) struct Witness(Option<TcpStream>);

impl Witness {
    /// Shows that this process lives.
    pub(crate) fn greet(address: Option<SocketAddr>) -> io::Result<Self> {
        address.map(TcpStream::connect).transpose().map(Self)
    }

    /// Says something, in a line.
    pub(crate) fn tell(&self, words: &str) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |mut stream| writeln!(stream, "{words}"))
    }

    /// Says how much memory the process that started this one has had at most, where that can be found out.
    pub(crate) fn tell_memory_of_parent(&self) -> io::Result<()> {
        peak_of_parent().map_or(Ok(()), |peak| self.tell(&format!("peak {peak}")))
    }
}

/// In KiB.
#[cfg(target_os = "linux")]
fn peak_of_parent() -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", std::os::unix::process::parent_id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next().map(str::to_owned)
}

#[cfg(not(target_os = "linux"))]
const fn peak_of_parent() -> Option<String> {
    None
}
