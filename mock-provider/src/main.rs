//! The binary `mock-provider`: a fake Google on a port.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use mock_provider::cli::{ServeArgs, serve};

/// A fake Google whose tokens expire, rotate, are revoked and fail exactly as told.
///
/// Prints one JSON line on standard output when it is ready, and serves until Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    serve: ServeArgs,
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a command line tells its errors on standard error")]
async fn main() -> ExitCode {
    match serve(Cli::parse().serve, io::stdout()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mock-provider: {error}");
            ExitCode::from(2)
        }
    }
}
