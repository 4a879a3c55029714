//! The sequencer: how long an entry waits for its signed checkpoint at a steady rate, and how fast it catches up.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mandataire::app;
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::clock::{Clock, Random};
use mandataire::domain::event::{Event, Kind as Fact};
use mandataire::domain::id::EntryId;
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::{Error, Location, Store, journal, log};

use crate::http::Outcome;
use crate::{Kind, Options, postgres, serve};

/// Entries written before the sequencer starts.
const BEHIND: usize = 100_000;
/// Entries each second.
const RATE: u32 = 500;
/// Entries of one write while the backlog is made.
const AT_ONCE: usize = 500;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Measures both, on each database.
pub(crate) fn all(options: &Options) -> Outcome<()> {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        if options.database == kind || options.database == Kind::Both {
            let server = (kind == Kind::Postgres).then(postgres::Server::start).transpose()?;
            let location = match &server {
                Some(server) => {
                    server.drop("sequence")?;
                    server.create("sequence")?;
                    Location::Postgres(server.url("sequence"))
                }
                None => Location::Sqlite(file("sequence.db").display().to_string()),
            };
            app::block_on(one(options, kind, &location))?;
        }
    }
    Ok(())
}

/// A file of this run; what an earlier one left there goes.
fn file(name: &str) -> PathBuf {
    let path = serve::folder().join(name);
    for end in ["", "-wal", "-shm"] {
        // Usually there is none.
        let _ = fs::remove_file(format!("{}{end}", path.display()));
    }
    path
}

async fn one(options: &Options, kind: Kind, location: &Location) -> Outcome<()> {
    Store::migrate(location).map_err(text)?;
    let random = Random::system();
    let store = Store::open(location, 8, &random.bytes(), random.clone()).map_err(text)?;
    let signer = Signer::new("load.example.fr/log", Purpose::Note, &random.bytes()).map_err(text)?;
    let remembered = file("sequence.signed");
    let clock = Clock::system();
    let sequencer =
        Sequencer::new(store.clone(), clock.clone(), signer, &remembered, std::sync::Arc::default(), &random);
    let mut sequencer = sequencer.map_err(text)?;
    let behind = if options.small { BEHIND / 20 } else { BEHIND };
    let began = Instant::now();
    for _ in 0..behind / AT_ONCE {
        write(&store, &clock, AT_ONCE).await?;
    }
    let written = began.elapsed();
    let began = Instant::now();
    while sequencer.step().await.map_err(text)? != Step::Idle {}
    let caught_up = began.elapsed();
    println!(
        "{kind:?}: {behind} entries written in {written:.1?}, then signed in {caught_up:.1?}: {:.0} each second",
        behind as f64 / caught_up.as_secs_f64()
    );
    actix_web::rt::spawn(sequencer.run());
    let seconds = options.seconds.max(1);
    let mut waits = steady(&store, &clock, seconds).await?;
    waits.sort();
    let at = |hundredths: usize| waits[(waits.len() - 1) * hundredths / 100];
    println!(
        "{kind:?}: {} entries at {RATE} each second, from commit to signed checkpoint: p50 {:.0?}, p99 {:.0?}, longest {:.0?}",
        waits.len(),
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}

async fn write(store: &Store, clock: &Clock, count: usize) -> Outcome<Vec<EntryId>> {
    let now = clock.now();
    let written = store.write(move |tx| {
        let fact =
            || Event::new(Fact::TermsAccepted, now).fact("version", "a word as long as a fact usually is, in an entry");
        (0..count).map(|_| journal::record(tx, &fact())).collect::<Result<Vec<_>, Error>>()
    });
    written.await.map_err(text)
}

/// Writes at a steady rate, each entry in a transaction of its own; answers how long each waited.
async fn steady(store: &Store, clock: &Clock, seconds: u64) -> Outcome<Vec<Duration>> {
    let committed = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::new(RefCell::new(Vec::<(u64, Instant)>::new()));
    let (looks, signed) = (store.clone(), seen.clone());
    let observer = actix_web::rt::spawn(async move {
        loop {
            if let Ok(Some(last)) = looks.read(log::latest).await
                && signed.borrow().last().is_none_or(|(size, _)| *size < last.size)
            {
                signed.borrow_mut().push((last.size, Instant::now()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    let mut writers = Vec::new();
    for _ in 0..u64::from(RATE) * seconds {
        tick.tick().await;
        let (store, clock, committed) = (store.clone(), clock.clone(), committed.clone());
        writers.push(actix_web::rt::spawn(async move {
            let ids = write(&store, &clock, 1).await?;
            committed.borrow_mut().extend(ids.into_iter().map(|id| (id, Instant::now())));
            Ok::<_, String>(())
        }));
    }
    for writer in writers {
        writer.await.map_err(text)??;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    observer.abort();
    let mut waits = Vec::new();
    for (id, at) in committed.take() {
        let found = store.read(move |db| log::position(db, &id)).await.map_err(text)?;
        let position = found.ok_or("an entry without a position")?;
        let seen = seen.borrow();
        let under =
            seen.get(seen.partition_point(|(size, _)| *size <= position)).ok_or("an entry that is not signed")?;
        waits.push(under.1.saturating_duration_since(at));
    }
    Ok(waits)
}
