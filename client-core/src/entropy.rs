//! Where unguessable values come from. The decisions take it as an argument, so that a test can repeat them.

use aws_lc_rs::digest;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of unguessable values.
pub trait Entropy: Send + Sync {
    /// 32 fresh bytes.
    fn bytes(&self) -> [u8; 32];

    /// A fresh value of 43 unreserved characters, 256 bits.
    fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes())
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no sign-in is safe, so there is nothing to carry on with"
    )]
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).expect("the operating system gives randomness");
        bytes
    }
}

/// The same values for the same seed. For tests: whoever knows the seed knows the values.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: String,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// A source that repeats itself for the same seed.
    pub fn new(seed: impl Into<String>) -> Self {
        Self { seed: seed.into(), drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn bytes(&self) -> [u8; 32] {
        let input = format!("{}/{}", self.seed, self.drawn.fetch_add(1, Ordering::Relaxed));
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, input.as_bytes()).as_ref());
        bytes
    }
}
