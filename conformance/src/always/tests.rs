//! Invariants against histories made by hand: each holds, is broken, and is unknown.

use super::*;
