//! A value that must not be printed.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Serialize};

/// A secret string: `Debug` shows no part of it, and comparing takes the same time wherever the values differ.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    /// The value itself; the one loud way to it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value, for a table that is looked up by it.
    pub(crate) fn key(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq<str> for Secret {
    fn eq(&self, other: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("GOCSPX-1")), "Secret(…)");
    }

    #[test]
    fn equality_compares_the_values() {
        assert!(Secret::new("a") == *"a");
        assert!(Secret::new("a") != *"b");
    }
}
