//! Bodies that stop, stall or drip: faults that need no broken connection, so that HTTP/2 has them too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::fault_io::Receipt;
use crate::uptime::pause;

/// What happens to a body after the part that is sent.
pub(crate) enum Then {
    /// It is broken off: a reset stream on HTTP/2, an orderly close on HTTP/1.1.
    Break,
    /// Nothing more comes, and the stream stays open.
    Silence {
        /// Dropped with the body: when the client leaves.
        #[expect(dead_code, reason = "it is there to be dropped")]
        receipt: Option<Receipt>,
    },
    /// It goes on after a while, a piece at a time.
    Piece {
        /// Bytes a piece.
        size: usize,
        /// Real time between pieces.
        every: Duration,
        /// Called when the last piece is handed over.
        done: Option<Receipt>,
    },
}

/// Such a body.
pub(crate) struct UnsteadyBody {
    left: Bytes,
    promised: u64,
    then: Then,
    pause: Option<Pin<Box<Sleep>>>,
}

impl UnsteadyBody {
    /// The first `sent` bytes, and then what `then` says. The whole length is promised.
    pub(crate) fn new(whole: &Bytes, sent: usize, then: Then) -> Self {
        let promised = whole.len() as u64;
        let left = whole.slice(..sent.min(whole.len()));
        Self { left, promised, then, pause: None }
    }
}

impl Body for UnsteadyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let this = &mut *self;
        let size = match &this.then {
            Then::Piece { size, .. } => (*size).min(this.left.len()),
            Then::Break | Then::Silence { .. } => this.left.len(),
        };
        if size == 0 {
            return this.end();
        }
        let piece = this.left.split_to(size);
        if let Then::Piece { every, done, .. } = &mut this.then {
            this.pause = Some(Box::pin(pause(*every)));
            let last = if this.left.is_empty() { done.take() } else { None };
            last.into_iter().for_each(|done| done());
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

impl UnsteadyBody {
    fn end(&self) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.then {
            Then::Break => Poll::Ready(Some(Err(io::Error::other("a scripted fault ended the answer")))),
            // Nobody will wake this up: only the client's leaving ends it.
            Then::Silence { .. } => Poll::Pending,
            Then::Piece { .. } => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// The lengths of the pieces, and whether the body was broken off.
    async fn pieces(mut body: UnsteadyBody) -> (Vec<usize>, bool) {
        let mut lengths = vec![];
        loop {
            match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                Some(Ok(frame)) => lengths.push(frame.into_data().map_or(0, |data| data.len())),
                Some(Err(_)) => return (lengths, true),
                None => return (lengths, false),
            }
        }
    }

    fn body(sent: usize, then: Then) -> UnsteadyBody {
        UnsteadyBody::new(&Bytes::from_static(b"0123456789"), sent, then)
    }

    #[tokio::test]
    async fn a_dripping_body_comes_in_pieces_and_says_when_it_is_out() {
        let out = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&out);
        let done: Receipt = Box::new(move || seen.store(true, Ordering::Relaxed));
        let then = Then::Piece { size: 4, every: Duration::from_millis(1), done: Some(done) };
        assert_eq!(pieces(body(10, then)).await, (vec![4, 4, 2], false));
        assert!(out.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn a_broken_body_promises_more_than_it_gives() {
        let broken = body(3, Then::Break);
        assert_eq!(broken.size_hint().exact(), Some(10));
        assert_eq!(pieces(broken).await, (vec![3], true));
    }
}
