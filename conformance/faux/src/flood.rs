//! Output without measure.

use std::io::{self, Write as _};

use crate::deed::{Amount, Stream};

/// So much is much: 64 MiB.
const MUCH: usize = 64 << 20;

/// Writes lines, for ever or for a while. Ends with an error when nobody reads any more.
pub(crate) fn flood(stream: Stream, amount: Amount) -> io::Result<()> {
    let lines = b"nothing to see here, just a very talkative adapter\n".repeat(1024);
    let rounds = match amount {
        Amount::Endless => usize::MAX,
        Amount::Much => MUCH.div_ceil(lines.len()),
    };
    (0..rounds).try_for_each(|_| write(stream, &lines))
}

/// Writes to a standard stream, past any buffer.
pub(crate) fn write(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Stdout => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        }
        Stream::Stderr => io::stderr().lock().write_all(bytes),
    }
}
