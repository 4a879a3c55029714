//! A run: the database is made or found, copied, served, measured.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mandataire::clock::Clock;
use mandataire::store::{Location, Store};

use crate::generate::{self, Size};
use crate::http::Outcome;
use crate::inquire::{self, Journey};
use crate::measure::{self, Accounts, Cell, Operation, Watched};
use crate::report::{self, Start};
use crate::seats::Seats;
use crate::{Kind, Options, Part, evidence, floor_sqlite, people, postgres, sequence, serve, settle, stub, work};

/// Changes whenever the generator does: an older database is not what this program thinks it is. Its schema is brought up to date.
const VERSION: u32 = 1;
/// The first number of the floor's rows: sixteen digits, apart for each line of the table.
const FLOOR: usize = 1_000_000_000_000_000;
/// Before the first line of an operation, so that connections and caches are there.
const WARMING: Duration = Duration::from_millis(700);
/// Between the end of the service and the floor.
const SETTLING: Duration = Duration::from_secs(2);

/// Where the database of a run is, and whose processes it has.
struct Place {
    name: &'static str,
    url: String,
    location: Location,
    server: Option<postgres::Server>,
}

/// The name under which a generated database is kept.
fn kept(size: Size) -> String {
    format!("load_v{VERSION}_{}_{}", size.citizens, size.entries)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Everything that was asked for.
pub(crate) fn all(options: &Options) -> Outcome<()> {
    fs::create_dir_all(serve::folder()).map_err(text)?;
    if options.measures(Part::Evidence) {
        return evidence::all(options);
    }
    if options.measures(Part::Journal) {
        return sequence::all(options);
    }
    let (mut cells, mut starts, mut journeys) = (Vec::new(), Vec::new(), Vec::new());
    if options.measures(Part::Bare) {
        cells.extend(bare(options)?);
    }
    let issuer = stub::start();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        if options.database == kind || options.database == Kind::Both {
            let place = if kind == Kind::Sqlite { sqlite(options.size())? } else { on_postgres(options.size())? };
            let (measured, start, looked) = on(options, &place, &issuer)?;
            journeys.extend(looked);
            cells.extend(measured);
            starts.push(start);
        }
    }
    let ratios = report::ratios(&cells, &starts, &journeys);
    println!("{}\n{}", report::table(&cells), report::ratio_table(&ratios));
    if !journeys.is_empty() {
        println!("{}", report::journey_table(&journeys));
    }
    let size = options.size();
    let json = report::json(&cells, &ratios, &journeys, (size.citizens, size.entries));
    let logs = serve::folder().with_file_name("run");
    fs::create_dir_all(&logs).map_err(text)?;
    fs::write(logs.join("load.json"), format!("{json:#}\n")).map_err(text)?;
    let failures: usize = cells.iter().map(|cell| cell.failures).sum();
    if failures == 0 { Ok(()) } else { Err(format!("{failures} operations failed")) }
}

fn span(options: &Options) -> Duration {
    Duration::from_secs(options.seconds)
}

fn bare(options: &Options) -> Outcome<Vec<Cell>> {
    let server = serve::bare()?;
    let watched = Watched { accounts: Accounts::Apart { service: server.pid(), database: None }, figures: None };
    let run = |count: &usize| {
        measure::run("none", "bare page", server.address, *count, span(options), watched, &work::bare())
    };
    options.connections.iter().map(run).collect()
}

/// Generates a database where there is none yet.
fn generated(location: &Location, size: Size) -> Outcome<()> {
    let began = Instant::now();
    Store::migrate(location).map_err(text)?;
    let entries = generate::fill(location, size, Clock::system().now()).map_err(text)?;
    eprintln!("generated {} citizens, {entries} entries in {:.0?}", size.citizens, began.elapsed());
    settle::all(location)
}

fn sqlite(size: Size) -> Outcome<Place> {
    let file = |name: &str| serve::folder().join(format!("{name}.db"));
    let (kept, run, raw) = (file(&kept(size)), file("run"), file("raw"));
    let forget = |path: &std::path::Path| {
        for end in ["", "-wal", "-shm"] {
            // Usually there is none.
            let _ = fs::remove_file(format!("{}{end}", path.display()));
        }
    };
    if !kept.exists() {
        forget(&raw);
        generated(&Location::Sqlite(raw.display().to_string()), size)?;
        // The last connection writes the log back into the file when it closes, in a thread of its own.
        while fs::metadata(format!("{}-wal", raw.display())).is_ok() {
            std::thread::sleep(Duration::from_millis(50));
        }
        fs::rename(&raw, &kept).map_err(text)?;
    }
    forget(&run);
    fs::copy(&kept, &run).map_err(text)?;
    // Otherwise the first commit of the service waits for the whole copy to reach the disk.
    fs::File::open(&run).and_then(|copy| copy.sync_all()).map_err(text)?;
    let path = run.display().to_string();
    let location = Location::Sqlite(path.clone());
    Store::migrate(&location).map_err(text)?;
    settle::all(&location)?;
    Ok(Place { name: "sqlite", url: format!("sqlite:{path}"), location, server: None })
}

fn on_postgres(size: Size) -> Outcome<Place> {
    let server = postgres::Server::start()?;
    let kept = kept(size);
    if !server.has(&kept) {
        server.drop("raw")?;
        server.create("raw")?;
        generated(&Location::Postgres(server.url("raw")), size)?;
        server.finish("raw", &kept)?;
    }
    server.copy(&kept, "run")?;
    let url = server.url("run");
    let location = Location::Postgres(url.clone());
    Store::migrate(&location).map_err(text)?;
    settle::all(&location)?;
    Ok(Place { name: "postgres", url, location, server: Some(server) })
}

/// Measures one database.
fn on(options: &Options, place: &Place, issuer: &str) -> Outcome<(Vec<Cell>, Start, Vec<Journey>)> {
    let size = options.size();
    let seats = Arc::new(Seats::take(&place.location, size).map_err(text)?);
    let server = serve::service(&place.url, issuer)?;
    let start = Start { database: place.name.to_owned(), ready_ms: server.ready_ms, idle_mb: server.idle_mb };
    let accounts = match &place.server {
        Some(database) => Accounts::Apart { service: server.pid(), database: Some(database.pid) },
        None => Accounts::Within { service: server.pid() },
    };
    let mut operations: Vec<(&str, Arc<Operation>)> = Vec::new();
    if options.measures(Part::Pages) {
        operations.extend(work::pages(&seats));
    }
    if options.measures(Part::Use) {
        operations.push(("use", work::exercise(&seats)));
        operations.push(("use, ES256", inquire::exercise(&seats)));
    }
    if options.measures(Part::Standing) {
        operations.push(("standing", inquire::standing(&seats)));
    }
    if options.measures(Part::Open) {
        operations.push(("open", work::open(&seats, issuer)));
    }
    let mut cells = Vec::new();
    let mut keep = |cell: Cell| {
        // A run may take minutes: what is known is shown at once, and stays if something fails later.
        eprint!("{}", report::line(&cell));
        cells.push(cell);
    };
    let figures = server.figures;
    let watched = Watched { accounts, figures };
    for (what, operation) in operations {
        let run = |count, span| measure::run(place.name, what, server.address, count, span, watched, &operation);
        run(4, WARMING)?;
        for count in &options.connections {
            keep(run(*count, span(options))?);
        }
    }
    let mut journeys = Vec::new();
    if let Some(figures) = figures.filter(|_| options.measures(Part::Use)) {
        journeys = inquire::journeys(place.name, server.address, figures, &seats)?;
        keep(inquire::signature(place.name, &place.location)?);
    }
    drop(server);
    if options.measures(Part::Floor) {
        // PostgreSQL's processes for the service are still ending: what they spent must not count as the floor's.
        std::thread::sleep(SETTLING);
        let session = people::session(Some(seats.since), 0).to_string();
        for (line, count) in options.connections.iter().enumerate() {
            let start = FLOOR * (1 + line);
            keep(match (&place.server, &place.location) {
                // pgbench multiplies by 64 what it counts from here.
                (Some(server), _) => server.floor("run", size, &session, start / 64, *count, span(options))?,
                (None, Location::Sqlite(path)) => {
                    floor_sqlite::run(path, size, &session, start, *count, span(options))?
                }
                (None, Location::Postgres(_)) => return Err("a PostgreSQL without a server".to_owned()),
            });
        }
    }
    Ok((cells, start, journeys))
}
