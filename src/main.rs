//! The program: reads its command line and does what it says.

use std::process::ExitCode;

use clap::Parser;
use mandataire::{admin, cli};

fn main() -> ExitCode {
    admin::run(cli::Cli::parse())
}
