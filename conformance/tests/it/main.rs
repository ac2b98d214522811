//! The suite as a whole: layering, the catalogue, the schema, bad scenario files, and deliberately bad adapters.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod catalogue;
mod faux;
mod layering;
mod mistakes;
mod schemas;
