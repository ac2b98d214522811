//! The command `regrant`: runs the conformance suite, explains its scenarios, and serves the fake Google.

mod adapter;
mod args;
mod doctor;
mod examine;
mod exit;
mod explain;
mod fuzz;
mod known;
mod lint;
mod list;
mod log;
mod matrix;
mod merge;
mod recheck;
mod reports;
mod run;
mod schema;
mod selection;
mod selftest;
mod target;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::exit::{Exit, Failure};

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args).await,
        Command::Matrix(args) => matrix::matrix(&args).await,
        Command::Merge(args) => merge::merge(&args),
        Command::Fuzz(args) => fuzz::fuzz(&args).await,
        Command::Recheck(args) => recheck::recheck(&args),
        Command::List(args) => list::list(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Lint(args) => lint::lint(&args),
        Command::Adapter(command) => adapter::adapter(&command).await,
        Command::Doctor(args) => doctor::doctor(&args).await,
        Command::Schema(args) => schema::schema(&args),
        Command::Known(command) => known::known(&command),
        Command::Selftest(args) => selftest::selftest(&args).await,
        Command::Serve(args) => {
            mock_provider::cli::serve(args, io::stdout()).await.map(|()| Exit::Ok).map_err(Failure::usage)
        }
    };
    outcome.unwrap_or_else(|failure| failure.tell()).into()
}
