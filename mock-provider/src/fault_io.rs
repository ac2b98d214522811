//! A listener whose connections can break on purpose, under an unmodified axum app.
//!
//! The handler of a request arms a fault through the connection's [`Wire`]; the next bytes of the answer then meet it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

use crate::fault::Fault;
use crate::uptime::pause;

/// What remains to happen to the answer that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Break or close the connection before a byte goes out.
    EndNow(End),
    /// Send these bytes instead, and close.
    Instead(&'static [u8]),
    /// Break or close it after this many more bytes of body.
    Cut { left: usize, head: Head, end: End },
    /// Let this many bytes of body out at a time.
    Drip { piece: usize, every: Duration, left: usize, head: Head },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Reset,
    Close,
}

/// How much of the blank line that ends the header section has gone by; 4 is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head(u8);

impl Head {
    /// Reads on in `bytes`; gives the new state and how many bytes still belonged to the head.
    fn read(self, bytes: &[u8]) -> (Self, usize) {
        let mut seen = self.0;
        for (index, byte) in bytes.iter().enumerate() {
            if seen == 4 {
                return (Self(4), index);
            }
            let wanted = if seen.is_multiple_of(2) { b'\r' } else { b'\n' };
            seen = if *byte == wanted { seen + 1 } else { u8::from(*byte == b'\r') };
        }
        (Self(seen), bytes.len())
    }
}

/// A chunk size that is none (RFC 9112 section 7.1).
const BAD_CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n\
    transfer-encoding: chunked\r\n\r\n8\r\n{\"access\r\nzz\r\n_token\":\r\n0\r\n\r\n";

/// No HTTP of any version.
const GARBAGE: &[u8] = b"\x00\x01\x02lskdu018973t09sylgasjkfg1][]'./.sdlv\xff\xfe\r\n\r\n\x13\x37";

/// Told when the last byte of an answer is out; dropped when the connection ends before.
pub(crate) type Receipt = Box<dyn FnOnce() + Send>;

/// The handle by which a handler breaks its own connection.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Armed>>);

#[derive(Default)]
struct Armed {
    plan: Option<Plan>,
    receipt: Option<Receipt>,
}

impl Wire {
    /// Arms a fault for the answer about to be written, whose honest body has `length` bytes.
    pub(crate) fn arm(&self, fault: Fault, length: usize, receipt: Option<Receipt>) {
        let cut = |left, end| Some(Plan::Cut { left, head: Head(0), end });
        let mut armed = self.armed();
        armed.receipt = receipt;
        armed.plan = match fault {
            Fault::ResetBeforeHeaders => Some(Plan::EndNow(End::Reset)),
            Fault::EmptyResponse => Some(Plan::EndNow(End::Close)),
            Fault::BadChunk => Some(Plan::Instead(BAD_CHUNK)),
            Fault::Garbage => Some(Plan::Instead(GARBAGE)),
            // A cut has to cut something, however short the body is.
            Fault::ResetInBody(left) => cut(left.min(length.saturating_sub(1)), End::Reset),
            Fault::EarlyClose(left) => cut(left.min(length.saturating_sub(1)), End::Close),
            Fault::Drip { bytes, every } => {
                Some(Plan::Drip { piece: bytes.max(1), every: every.0, left: length, head: Head(0) })
            }
            Fault::WrongLength(_) => cut(length, End::Close),
            Fault::Never | Fault::Stall(_) => None,
        };
    }

    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go_on_with(&self, plan: Plan) {
        let mut armed = self.armed();
        armed.plan = Some(plan);
        let receipt = armed.receipt.take_if(|_| matches!(plan, Plan::Drip { left: 0, .. }));
        drop(armed);
        receipt.into_iter().for_each(|receipt| receipt());
    }
}

/// A TCP connection that obeys its [`Wire`].
pub(crate) struct FaultIo {
    stream: TcpStream,
    wire: Wire,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Drop for FaultIo {
    /// The handle may outlive the connection; a receipt must not.
    fn drop(&mut self) {
        drop(self.wire.armed().receipt.take());
    }
}

impl AsyncRead for FaultIo {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let plan = self.wire.armed().plan;
        match plan {
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
            Some(Plan::EndNow(end)) => Poll::Ready(Err(self.finish(end))),
            Some(Plan::Instead(bytes)) => self.write_instead(cx, bytes),
            Some(Plan::Cut { left, head, end }) => self.write_until(cx, buf, left, head, end),
            Some(Plan::Drip { piece, every, left, head }) => self.write_piece(cx, buf, piece, every, left, head),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl FaultIo {
    fn finish(&self, end: End) -> io::Error {
        match end {
            // A close with zero linger sends RST instead of FIN; where it fails the close is merely orderly.
            End::Reset => drop(self.stream.set_zero_linger()),
            End::Close => {}
        }
        io::Error::new(io::ErrorKind::ConnectionAborted, "a scripted fault ended the connection")
    }

    /// Whatever hyper wants to say, something else is said.
    fn write_instead(&mut self, cx: &mut Context<'_>, bytes: &'static [u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Err(self.finish(End::Close)));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.wire.go_on_with(Plan::Instead(&bytes[written..]));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn write_until(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
        left: usize,
        head: Head,
        end: End,
    ) -> Poll<io::Result<usize>> {
        let (_, in_head) = head.read(buf);
        let allowed = buf.len().min(in_head.saturating_add(left));
        if allowed == 0 {
            return Poll::Ready(Err(self.finish(end)));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..allowed]))?;
        let (head, in_head) = head.read(&buf[..written]);
        self.wire.go_on_with(Plan::Cut { left: left - (written - in_head), head, end });
        Poll::Ready(Ok(written))
    }

    fn write_piece(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
        piece: usize,
        every: Duration,
        left: usize,
        head: Head,
    ) -> Poll<io::Result<usize>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let (_, in_head) = head.read(buf);
        let allowed = buf.len().min(if in_head > 0 { in_head } else { piece });
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &buf[..allowed]))?;
        let (head, in_head) = head.read(&buf[..written]);
        self.wire.go_on_with(Plan::Drip { piece, every, left: left.saturating_sub(written - in_head), head });
        self.pause = Some(Box::pin(pause(every)));
        Poll::Ready(Ok(written))
    }
}

/// Accepts [`FaultIo`] connections.
#[derive(Debug)]
pub(crate) struct FaultListener(pub(crate) TcpListener);

impl Listener for FaultListener {
    type Io = FaultIo;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (FaultIo, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Answers are small and wanted at once; where this fails they are only later.
        drop(stream.set_nodelay(true));
        (FaultIo { stream, wire: Wire::default(), pause: None }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, FaultListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, FaultListener>) -> Self {
        stream.io().wire.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_head_ends_at_the_blank_line_however_it_is_cut(cuts in prop::collection::vec(1usize..9, 1..12)) {
            let text = b"HTTP/1.1 200 OK\r\nA: b\r\r\n\r\nbody";
            let end = text.len() - "body".len();
            let (mut head, mut in_head, mut at) = (Head(0), 0, 0);
            for cut in cuts.into_iter().cycle() {
                let piece = &text[at..text.len().min(at + cut)];
                if piece.is_empty() { break; }
                let (next, belonged) = head.read(piece);
                (head, in_head, at) = (next, in_head + belonged, at + piece.len());
            }
            prop_assert_eq!(in_head, end);
        }
    }
}
