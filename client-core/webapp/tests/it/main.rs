//! The application as a process of its own, with the fake Google beside it and a script for a browser.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod browser;
mod cookies;
mod limits;
mod page;
mod sign_in;
mod world;
