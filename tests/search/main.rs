//! How fast auditors find entries: a journal of millions, made by SQL, and the first page of every filter and every pair of filters.
//!
//!     cargo bench --bench search -- --database sqlite --entries 1000000
//!     MANDATAIRE_TEST_POSTGRES=… cargo bench --bench search -- --database postgres --entries 1000000
//!
//! The database is its own, and removed at the end (`--keep` leaves it). docs/performance.md says how to read the table.

#![expect(clippy::cast_precision_loss, reason = "a program that measures: its figures are smaller than 2^52")]

mod generate;
mod measure;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};
use mandataire::app::block_on;
use mandataire::clock::Random;
use mandataire::store::{Location, Store};

/// Measures the search of the journal.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// The database.
    #[arg(long, value_enum, default_value_t = Kind::Sqlite)]
    database: Kind,
    /// Entries of the journal.
    #[arg(long, default_value_t = 1_000_000)]
    entries: i64,
    /// Queries of each filter, each for another word.
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Leaves the database where it is.
    #[arg(long)]
    keep: bool,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// What goes wrong is said, and ends the run.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The database on PostgreSQL.
const NAME: &str = "mandataire_search";

/// An empty place for the journal.
fn place(kind: Kind) -> Outcome<Location> {
    if kind == Kind::Sqlite {
        let file = std::env::temp_dir().join("mandataire-search.db");
        forget(&file.display().to_string());
        return Ok(Location::Sqlite(file.display().to_string()));
    }
    let base = std::env::var("MANDATAIRE_TEST_POSTGRES").map_err(|_| "MANDATAIRE_TEST_POSTGRES names no server")?;
    let mut connection = PgConnection::establish(&base)?;
    connection.batch_execute(&format!("drop database if exists {NAME} with (force)"))?;
    connection.batch_execute(&format!("create database {NAME}"))?;
    let mut address = url::Url::parse(&base)?;
    address.set_path(NAME);
    Ok(Location::Postgres(address.into()))
}

fn forget(file: &str) {
    for end in ["", "-wal", "-shm"] {
        // Usually there is none.
        let _ = std::fs::remove_file(format!("{file}{end}"));
    }
}

fn run(options: &Options) -> Outcome<bool> {
    let location = place(options.database)?;
    Store::migrate(&location)?;
    let began = std::time::Instant::now();
    let bytes = generate::fill(&location, options.entries)?;
    eprintln!("{} entries in {:.0?}, {:.2} GB", options.entries, began.elapsed(), bytes as f64 / 1e9);
    let store = Store::open(&location, 2, b"the master key of a search\0\0\0\0\0\0", Random::system())?;
    let fast = block_on(measure::all(&store, options.queries))?;
    drop(store);
    if !options.keep {
        match &location {
            Location::Sqlite(file) => forget(file),
            Location::Postgres(_) => {
                let base = std::env::var("MANDATAIRE_TEST_POSTGRES")?;
                PgConnection::establish(&base)?.batch_execute(&format!("drop database {NAME} with (force)"))?;
            }
        }
    }
    Ok(fast)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("search: {error}");
            ExitCode::FAILURE
        }
    }
}
