//! SQLite's floor: the rows of an opening by prepared statements, one transaction after another on one thread, those that wait together
//! in one commit, as the service's writer does.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Binary, Integer, Text, Timestamp};
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, QueryResult, RunQueryDsl, SqliteConnection};

use crate::generate::Size;
use crate::http::Outcome;
use crate::measure::Cell;
use crate::people;
use crate::process;
use crate::rows::{self, Row, Value};

/// The name of the thread whose time is counted.
const THREAD: &str = "floor";
/// Transactions in one commit, at most.
const BATCH: usize = 64;

/// A value as it is bound.
enum Bound {
    Text(String),
    Bytes(Vec<u8>),
    Number(i32),
    Instant(chrono::NaiveDateTime),
}

/// A statement that SQLite prepares once: its text is always the same.
struct Statement<'a> {
    /// The text between the values: one more than there are values.
    parts: &'a [String],
    values: Vec<Bound>,
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        for (part, value) in self.parts.iter().zip(&self.values) {
            out.push_sql(part);
            match value {
                Bound::Text(text) => out.push_bind_param::<Text, _>(text)?,
                Bound::Bytes(bytes) => out.push_bind_param::<Binary, _>(bytes)?,
                Bound::Number(number) => out.push_bind_param::<Integer, _>(number)?,
                Bound::Instant(at) => out.push_bind_param::<Timestamp, _>(at)?,
            }
        }
        out.push_sql(self.parts.last().map_or("", String::as_str));
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for Statement<'_> {}

/// The texts between the values of a row.
fn parts(row: &Row) -> Vec<String> {
    let names: Vec<_> = row.columns.iter().map(|(name, _)| *name).collect();
    if row.changed.is_some() {
        let first = format!("update {} set {} = ", row.table, names[0]);
        let others = names[1..].iter().map(|name| format!(", {name} = "));
        return [first].into_iter().chain(others).chain([" where id = ".to_owned(), String::new()]).collect();
    }
    let first = format!("insert into {} ({}) values (", row.table, names.join(", "));
    let others = names[1..].iter().map(|_| ", ".to_owned());
    [first].into_iter().chain(others).chain([")".to_owned()]).collect()
}

/// One opening: which one it is, and who opens it.
struct Opening {
    number: usize,
    mediator: usize,
    place: usize,
}

impl Opening {
    fn bound(&self, value: Value, session: &str, random: &[u8]) -> Bound {
        let numbered = |value, number: usize| {
            Bound::Text(format!("{}{:07}", rows::prefix_of(value, session), people::FIRST + number))
        };
        match value {
            Value::New(kind, row) => Bound::Text(format!("{kind}_00000000{:016}{row:02}", self.number)),
            Value::Account | Value::Authenticator | Value::Session => numbered(value, self.mediator),
            Value::Organisation => numbered(value, self.place),
            Value::Bytes(length) => Bound::Bytes(random[..length].to_vec()),
            Value::Unique(length, row) => {
                let mut bytes = [self.number.to_be_bytes(), row.to_be_bytes()].concat();
                bytes.extend_from_slice(&random[..length - bytes.len()]);
                Bound::Bytes(bytes)
            }
            Value::Text(text) => Bound::Text(text.to_owned()),
            Value::Token => Bound::Text(format!("{:043}", self.number)),
            Value::Number(number) => Bound::Number(number),
            Value::Now => Bound::Instant(chrono::Utc::now().naive_utc()),
        }
    }
}

type Job = (Opening, mpsc::Sender<bool>);

/// Writes what waits, until nobody asks any more.
fn write(mut connection: SqliteConnection, session: &str, jobs: &mpsc::Receiver<Job>) -> QueryResult<()> {
    let rows: Vec<_> = rows::of_an_opening().into_iter().map(|row| (parts(&row), row)).collect();
    let random: Vec<u8> = mandataire::clock::Random::system().bytes::<4_096>().to_vec();
    while let Ok(first) = jobs.recv() {
        let mut waiting = vec![first];
        connection.batch_execute("begin immediate")?;
        let mut next = 0;
        while let Some((opening, _)) = waiting.get(next) {
            for (parts, row) in &rows {
                let values = row.columns.iter().map(|(_, value)| *value).chain(row.changed);
                let values = values.map(|value| opening.bound(value, session, &random)).collect();
                Statement { parts, values }.execute(&mut connection)?;
            }
            next += 1;
            if waiting.len() < BATCH
                && let Ok(another) = jobs.try_recv()
            {
                waiting.push(another);
            }
        }
        connection.batch_execute("commit")?;
        for (_, reply) in waiting {
            // Whoever no longer waits has measured enough.
            let _ = reply.send(true);
        }
    }
    Ok(())
}

/// Measures it at a concurrency, on the database of the run.
pub(crate) fn run(
    path: &str,
    size: Size,
    session: &str,
    start: usize,
    connections: usize,
    span: Duration,
) -> Outcome<Cell> {
    let mut connection = SqliteConnection::establish(path).map_err(|error| error.to_string())?;
    let settings = "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
                    pragma busy_timeout = 5000;";
    connection.batch_execute(settings).map_err(|error| error.to_string())?;
    let (sender, jobs) = mpsc::channel::<Job>();
    let (own, session) = (std::process::id(), session.to_owned());
    let writer = std::thread::Builder::new().name(THREAD.to_owned());
    let (told, outcome) = mpsc::channel();
    let writer = writer.spawn(move || told.send(write(connection, &session, &jobs)));
    let writer = writer.map_err(|error| error.to_string())?;
    let before = process::cpu_of_threads(own, THREAD);
    let began = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|client| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let (reply, answer) = mpsc::channel();
                let mut took = Vec::new();
                while began.elapsed() < span {
                    let number = start + took.len() * connections + client;
                    let mediator = number % size.mediators;
                    let opening = Opening { number, mediator, place: size.organisation_of(mediator) };
                    let asked = Instant::now();
                    if sender.send((opening, reply.clone())).is_err() || answer.recv().is_err() {
                        break;
                    }
                    took.push(asked.elapsed().as_secs_f64() * 1_000.0);
                }
                took
            })
        })
        .collect();
    let mut took: Vec<f64> = clients.into_iter().flat_map(|client| client.join().unwrap_or_default()).collect();
    let seconds = began.elapsed().as_secs_f64();
    let spent = process::cpu_of_threads(own, THREAD) - before;
    drop(sender);
    outcome.recv().map_err(|error| error.to_string())?.map_err(|error| format!("the floor: {error}"))?;
    drop(writer.join());
    took.sort_by(f64::total_cmp);
    let operations = took.len();
    let each = operations as f64;
    Ok(Cell {
        database: "sqlite".to_owned(),
        what: "floor".to_owned(),
        connections,
        operations,
        failures: 0,
        per_second: each / seconds,
        p50_ms: took[operations / 2],
        p99_ms: took[operations * 99 / 100],
        service_cpu_ms: 0.0,
        database_cpu_ms: spent / each,
        memory_mb: 0.0,
        statements: 0.0,
        commits: 0.0,
    })
}
