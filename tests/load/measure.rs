//! Running an operation at a concurrency for some seconds, and what it cost.

use std::net::SocketAddr;
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::http::{Connection, Outcome};
use crate::process;

/// Whose processor time is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Accounts {
    /// The service alone; the database, if there is one, is PostgreSQL's processes.
    Apart { service: u32, database: Option<u32> },
    /// The service with SQLite in it: the thread that writes is the database's share.
    Within { service: u32 },
}

impl Accounts {
    /// Milliseconds so far: the service, the database.
    pub(crate) fn spent(self) -> (f64, f64) {
        match self {
            Self::Apart { service, database } => (process::cpu(service), database.map_or(0.0, process::cpu_of_family)),
            Self::Within { service } => {
                let writer = process::cpu_of_threads(service, "writer");
                (process::cpu(service) - writer, writer)
            }
        }
    }

    pub(crate) const fn service(self) -> u32 {
        match self {
            Self::Apart { service, .. } | Self::Within { service } => service,
        }
    }
}

/// Where the service tells its figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures(pub(crate) SocketAddr);

impl Figures {
    /// Statements sent to the database so far, and transactions kept.
    pub(crate) fn read(self) -> Outcome<(f64, f64)> {
        let answer = Connection::open(self.0)?.get("/metrics", "")?;
        let figure = |name: &str| {
            let line = answer.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|value| value.parse().ok()).unwrap_or(0.0)
        };
        Ok((figure("database_statements_total"), figure("database_commits_total")))
    }
}

/// What is watched while an operation runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    /// Processor time.
    pub(crate) accounts: Accounts,
    /// What the service counts itself, if it does.
    pub(crate) figures: Option<Figures>,
}

impl Watched {
    fn counted(self) -> Outcome<(f64, f64)> {
        self.figures.map_or(Ok((0.0, 0.0)), Figures::read)
    }
}

/// One line of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) database: String,
    pub(crate) what: String,
    pub(crate) connections: usize,
    pub(crate) operations: usize,
    pub(crate) failures: usize,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) service_cpu_ms: f64,
    pub(crate) database_cpu_ms: f64,
    pub(crate) memory_mb: f64,
    /// Statements sent to the database for one.
    pub(crate) statements: f64,
    /// Transactions kept for one; on SQLite several may share one.
    pub(crate) commits: f64,
}

/// What is done again and again, by the thread of this number, over its connection.
pub(crate) type Operation = dyn Fn(usize, &mut Connection) -> Outcome<()> + Send + Sync;

/// Runs an operation from so many connections.
pub(crate) fn run(
    database: &str,
    what: &str,
    address: SocketAddr,
    connections: usize,
    span: Duration,
    watched: Watched,
    operation: &Arc<Operation>,
) -> Outcome<Cell> {
    let ready = Arc::new(Barrier::new(connections + 1));
    let complaints = Arc::new(Mutex::new(Vec::new()));
    let threads: Vec<_> = (0..connections)
        .map(|number| {
            let (ready, operation, complaints) = (ready.clone(), operation.clone(), complaints.clone());
            std::thread::spawn(move || {
                let connection = Connection::open(address);
                ready.wait();
                repeat(number, connection, span, &*operation, &complaints)
            })
        })
        .collect();
    let accounts = watched.accounts;
    let (counted, before) = (watched.counted()?, accounts.spent());
    ready.wait();
    let began = Instant::now();
    let mut took: Vec<f64> = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect();
    let seconds = began.elapsed().as_secs_f64();
    let after = accounts.spent();
    let now = watched.counted()?;
    let complaints = complaints.lock().expect("a list");
    if let Some(first) = complaints.first() {
        eprintln!("{what}, {connections} connections: {} failures, the first: {first}", complaints.len());
    }
    if took.is_empty() {
        return Err(format!("{what}: nothing succeeded"));
    }
    took.sort_by(f64::total_cmp);
    let operations = took.len();
    let each = operations as f64;
    Ok(Cell {
        database: database.to_owned(),
        what: what.to_owned(),
        connections,
        operations,
        failures: complaints.len(),
        per_second: each / seconds,
        p50_ms: took[operations / 2],
        p99_ms: took[operations * 99 / 100],
        service_cpu_ms: (after.0 - before.0) / each,
        database_cpu_ms: (after.1 - before.1) / each,
        memory_mb: process::memory(accounts.service()),
        statements: (now.0 - counted.0) / each,
        commits: (now.1 - counted.1) / each,
    })
}

/// Does it until the time is over; answers how long each took, in milliseconds.
fn repeat(
    number: usize,
    connection: Outcome<Connection>,
    span: Duration,
    operation: &Operation,
    complaints: &Mutex<Vec<String>>,
) -> Vec<f64> {
    let complain = |error| complaints.lock().expect("a list").push(error);
    let mut took = Vec::new();
    let mut connection = match connection {
        Ok(connection) => connection,
        Err(error) => {
            complain(error);
            return took;
        }
    };
    let began = Instant::now();
    let mut failed = 0;
    // Whatever fails ten times will go on failing.
    while began.elapsed() < span && failed < 10 {
        let start = Instant::now();
        match operation(number, &mut connection) {
            Ok(()) => took.push(start.elapsed().as_secs_f64() * 1_000.0),
            Err(error) => {
                complain(error);
                failed += 1;
            }
        }
    }
    took
}
