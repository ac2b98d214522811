//! The log: lines on standard error, for people. Nothing secret is ever handed to it: secrets are types that do not display.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Writes a line; a log that nobody reads stops nothing.
pub(crate) fn line(message: impl Display) {
    drop(writeln!(io::stderr().lock(), "client-core-webapp: {message}"));
}
