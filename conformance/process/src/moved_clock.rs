//! The wall clock of a process, moved from outside by libfaketime.
//!
//! Works for programs that ask the C library for the time: Node.js, the JVM not, Python in part, Go and static binaries
//! not at all. Whether it works is to be proved each time by asking the process. The monotonic clock is never moved, so
//! timers and time limits stay real.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Where distributions keep the library.
const PLACES: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
    "/opt/homebrew/lib/faketime/libfaketime.1.dylib",
];

/// libfaketime is not there.
#[derive(Debug, thiserror::Error)]
#[error("libfaketime is not installed; Debian and Ubuntu have it in the package `libfaketime`")]
pub struct NoFaketime;

/// The frozen wall clock of processes that were started with its environment.
#[derive(Debug)]
pub struct MovedClock {
    library: PathBuf,
    folder: TempDir,
}

impl MovedClock {
    /// A clock that stands at an instant, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When libfaketime is not installed, or no temporary file can be written.
    pub fn at(now_ms: i64) -> io::Result<Self> {
        let found = PLACES.iter().map(Path::new).find(|path| path.exists());
        let library = found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, NoFaketime))?.to_owned();
        let clock = Self { library, folder: tempfile::tempdir()? };
        clock.set(now_ms)?;
        Ok(clock)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("now")
    }

    /// Moves it, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When its file cannot be written.
    pub fn set(&self, now_ms: i64) -> io::Result<()> {
        // Replaced at one blow: a process that reads half a file would be in another year.
        let next = self.folder.path().join("next");
        fs::write(&next, format!("{}.{:03}\n", now_ms.div_euclid(1000), now_ms.rem_euclid(1000)))?;
        fs::rename(next, self.file())
    }

    /// What a process has to be started with.
    pub fn environment(&self) -> BTreeMap<String, OsString> {
        let preload = if cfg!(target_os = "macos") { "DYLD_INSERT_LIBRARIES" } else { "LD_PRELOAD" };
        BTreeMap::from([
            (preload.to_owned(), self.library.clone().into_os_string()),
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), self.file().into_os_string()),
            ("FAKETIME_FMT".to_owned(), "%s".into()),
            ("FAKETIME_NO_CACHE".to_owned(), "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".into()),
        ])
    }
}
