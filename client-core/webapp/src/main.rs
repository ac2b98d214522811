//! An example web application of `client-core`: users sign in with Google, stay signed in, and are asked to sign in again
//! when their tokens cannot be refreshed.
//!
//! It has the REST surface of Auth.js below `/auth`, a page that works without JavaScript at `/`, and one call of a
//! protected resource at `/api/resource`. All that it keeps for a browser lies sealed in that browser's cookies; the server
//! only remembers refreshes in flight, what came of the last ones, and sessions that were ended. It listens on loopback;
//! what stands before it, with TLS, is told by `--base-url`.
//!
//! Deliberately absent: other providers, a database, client-side scripts.

mod app;
mod args;
mod auth_routes;
mod cookies;
mod csrf;
mod failure;
mod log;
mod page;
mod resource;
mod serve;
mod session_view;
mod test_clock;
mod visit;

use std::process::ExitCode;

use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    match serve::serve(args::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::line(&error);
            ExitCode::FAILURE
        }
    }
}
