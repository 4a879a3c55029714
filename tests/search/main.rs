//! How fast auditors find entries: journals of millions, made by SQL, and the first page of every filter and every pair of filters. Where
//! there are several journals each question is put to all of them in turn, so that what disturbs one disturbs the others.
//!
//!     cargo bench --bench search -- --database sqlite --entries 1000000,10000000
//!     MANDATAIRE_TEST_POSTGRES=… cargo bench --bench search -- --database postgres --entries 1000000,10000000
//!
//! The databases are its own, and removed at the end: `--keep` leaves them, and `--kept` measures what was left. docs/performance.md says
//! how to read the table.

#![expect(clippy::cast_precision_loss, reason = "a program that measures: its figures are smaller than 2^52")]

mod generate;
#[expect(dead_code, clippy::indexing_slicing, reason = "an auditor reads; the browser of the load does more")]
#[path = "../load/http.rs"]
mod http;
#[path = "../load/installation.rs"]
mod installation;
mod measure;
mod page;

use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, ValueEnum};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};
use mandataire::app::block_on;
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::clock::{Clock, Random};
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::{Location, Store};

/// Measures the search of the journal.
#[derive(Debug, Clone, Parser)]
struct Options {
    /// The database.
    #[arg(long, value_enum, default_value_t = Kind::Sqlite)]
    database: Kind,
    /// Entries of each journal, the smallest first.
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    entries: Vec<i64>,
    /// Queries of each filter, each for another word.
    #[arg(long, default_value_t = 100)]
    queries: usize,
    /// Leaves the databases where they are.
    #[arg(long)]
    keep: bool,
    /// Measures what an earlier run left.
    #[arg(long)]
    kept: bool,
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

/// Under which the persons of these journals would be, if there were any.
const MASTER_KEY: &[u8; 32] = b"the master key of a search\0\0\0\0\0\0";

fn random() -> Random {
    Random::system()
}

/// Where a journal of so many entries is.
fn place(kind: Kind, entries: i64) -> Outcome<Location> {
    let name = format!("mandataire_search_{entries}");
    if kind == Kind::Sqlite {
        return Ok(Location::Sqlite(std::env::temp_dir().join(name + ".db").display().to_string()));
    }
    let mut address = url::Url::parse(&server()?)?;
    address.set_path(&name);
    Ok(Location::Postgres(address.into()))
}

fn server() -> Outcome<String> {
    std::env::var("MANDATAIRE_TEST_POSTGRES").map_err(|_| "MANDATAIRE_TEST_POSTGRES names no server".into())
}

/// Takes away what is there.
fn forget(location: &Location) -> Outcome<()> {
    match location {
        Location::Sqlite(file) => {
            for end in ["", "-wal", "-shm"] {
                // Usually there is none.
                let _ = std::fs::remove_file(format!("{file}{end}"));
            }
        }
        Location::Postgres(_) => on_server(&format!("drop database if exists {} with (force)", name(location)?))?,
    }
    Ok(())
}

fn on_server(sql: &str) -> Outcome<()> {
    Ok(PgConnection::establish(&server()?)?.batch_execute(sql)?)
}

fn name(location: &Location) -> Outcome<String> {
    let Location::Postgres(address) = location else { return Err("no database of a server".into()) };
    Ok(url::Url::parse(address)?.path().trim_start_matches('/').to_owned())
}

fn make(location: &Location, entries: i64) -> Outcome<()> {
    forget(location)?;
    if matches!(location, Location::Postgres(_)) {
        on_server(&format!("create database {}", name(location)?))?;
    }
    Store::migrate(location)?;
    let began = Instant::now();
    generate::fill(location, entries)?;
    let (filled, began) = (began.elapsed(), Instant::now());
    block_on(signed(location))?;
    let signed = began.elapsed();
    let bytes = generate::settle(location)?;
    let rate = entries as f64 / signed.as_secs_f64();
    eprintln!(
        "{entries} entries in {filled:.0?}, signed in {signed:.0?} ({rate:.0} each second), {:.2} GB",
        bytes as f64 / 1e9
    );
    Ok(())
}

/// The key that signs these journals.
fn signer() -> Outcome<Signer> {
    Ok(Signer::new("search.example.fr/log", Purpose::Note, MASTER_KEY)?)
}

/// The tree over all of it: a service that still had to sign millions of entries would do so while it is measured.
async fn signed(location: &Location) -> Outcome<()> {
    let (store, random) = (Store::open(location, 2, MASTER_KEY, random())?, random());
    let remembered = std::env::temp_dir().join(format!("mandataire-search-{:032x}.signed", random.u128()));
    let mut sequencer =
        Sequencer::new(store, Clock::system(), signer()?, &remembered, std::sync::Arc::default(), &random)?;
    while sequencer.step().await? != Step::Idle {}
    Ok(std::fs::remove_file(remembered)?)
}

fn run(options: &Options) -> Outcome<bool> {
    let places =
        options.entries.iter().map(|entries| place(options.database, *entries)).collect::<Outcome<Vec<_>>>()?;
    let mut stores = Vec::new();
    for (location, entries) in places.iter().zip(&options.entries) {
        if !options.kept {
            make(location, *entries)?;
        }
        stores.push(Store::open(location, 2, MASTER_KEY, random())?);
    }
    let fast = block_on(async {
        let searched = measure::all(&mut stores, options.queries).await?;
        let mut desks = Vec::new();
        for (location, store) in places.iter().zip(&stores) {
            desks.push(page::Desk::open(location, store).await?);
        }
        println!("\nThe page:\n");
        Ok::<_, Box<dyn std::error::Error>>(measure::all(&mut desks, options.queries).await? && searched)
    })?;
    drop(stores);
    if !options.keep {
        places.iter().try_for_each(forget)?;
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
