//! A bad adapter: `faux-adapter FAULT`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    faux_adapter::run(faux_adapter::Args::parse())
}
