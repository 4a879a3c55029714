//! The load program: a real `serve`, a year of generated work, and what each operation costs. docs/performance.md says how to read it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a load program that meets a surprise stops, and its figures are smaller than 2^52"
)]

mod evidence;
mod floor_sqlite;
mod generate;
mod http;
mod inquire;
mod installation;
mod measure;
mod people;
mod postgres;
mod process;
mod report;
mod rows;
mod run;
mod seats;
mod sequence;
mod serve;
mod settle;
mod stub;
mod visits;
mod work;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use generate::Size;

/// Mediators: a code works once in thirty seconds, so that opening hundreds of mandates in a second takes thousands of them.
const MEDIATORS: usize = 6_000;
const ORGANISATIONS: usize = 60;

/// Measures what the service costs.
#[derive(Debug, Clone, Parser)]
pub(crate) struct Options {
    /// The database.
    #[arg(long, value_enum, default_value_t = Kind::Sqlite)]
    database: Kind,
    /// What to measure; everything if nothing is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Citizens in the database.
    #[arg(long, default_value_t = 20_000)]
    citizens: usize,
    /// Entries of the journal.
    #[arg(long, default_value_t = 300_000)]
    entries: usize,
    /// So many times the citizens and the entries.
    #[arg(long, default_value_t = 1)]
    scale: usize,
    /// Connections at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 4, 16, 64])]
    connections: Vec<usize>,
    /// Seconds for each line of the table.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Entries of the copy whose verification is measured; ten millions take 3.9 GB of the disk for the time of the run.
    #[arg(long)]
    leaves: Option<u64>,
    /// A run of some seconds on little data, to see that everything works.
    #[arg(long)]
    small: bool,
    /// Serves the bare page at an address: how the program starts itself.
    #[arg(long, hide = true)]
    bare_page: Option<String>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Both,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Open,
    Use,
    Pages,
    Standing,
    Floor,
    Bare,
    /// The sequencer, alone: only if it is named.
    Journal,
    /// The verification of a copy of the journal: only if it is named.
    Evidence,
}

impl Options {
    fn measures(&self, part: Part) -> bool {
        (self.only.is_empty() && ![Part::Journal, Part::Evidence].contains(&part)) || self.only.contains(&part)
    }

    fn size(&self) -> Size {
        let (citizens, entries) = (self.citizens * self.scale, self.entries * self.scale);
        if self.small {
            return Size { citizens: 300, entries: 6_000, mediators: 600, organisations: 6 };
        }
        Size { citizens, entries, mediators: MEDIATORS, organisations: ORGANISATIONS }
    }
}

fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.small {
        options.seconds = 1;
        options.connections = vec![1, 16];
    }
    let done = match &options.bare_page {
        Some(address) => serve::bare_page(address),
        None => run::all(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
