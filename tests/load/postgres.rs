//! PostgreSQL as it is installed, on a server of the load's own; and its floor by pgbench.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection as _, PgConnection};

use crate::generate::Size;
use crate::http::Outcome;
use crate::measure::{Accounts, Cell};
use crate::people;
use crate::rows::{self, Row, Value};
use crate::serve;

/// A running server; it pauses with this value, and keeps its data for the next run.
pub(crate) struct Server {
    state: PathBuf,
    /// Its address, up to the name of a database.
    base: String,
    /// Its first process, the parent of all others.
    pub(crate) pid: u32,
}

fn script(state: &Path, words: &[&str]) -> Outcome<String> {
    let (action, rest) = words.split_first().ok_or("nothing to do")?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres");
    let output = Command::new(file).arg(action).arg(state).args(rest).output();
    let output = output.map_err(|error| format!("tests/postgres: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Server {
    /// Starts it, with PostgreSQL's own settings: what is committed is on the disk.
    pub(crate) fn start() -> Outcome<Self> {
        let state = serve::folder().join("postgres");
        let url = script(&state, &["start", "durable"])?;
        let base = url.rsplit_once('/').map_or(url.clone(), |(base, _)| base.to_owned());
        let data = fs::read_to_string(state.join("data")).map_err(|error| error.to_string())?;
        let pid = fs::read_to_string(Path::new(data.trim()).join("cluster/postmaster.pid"));
        let pid = pid.map_err(|error| format!("reading the server's process: {error}"))?;
        let pid = pid.lines().next().and_then(|line| line.parse().ok()).ok_or("no process of the server")?;
        Ok(Self { state, base, pid })
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    fn execute(&self, database: &str, sql: &str) -> Outcome<()> {
        let mut connection = PgConnection::establish(&self.url(database)).map_err(|error| error.to_string())?;
        connection.batch_execute(sql).map_err(|error| format!("{sql}: {error}"))
    }

    /// Whether it has a database.
    pub(crate) fn has(&self, database: &str) -> bool {
        PgConnection::establish(&self.url(database)).is_ok()
    }

    /// An empty database.
    pub(crate) fn create(&self, database: &str) -> Outcome<()> {
        self.execute("postgres", &format!("create database {database}"))
    }

    /// Another name for a database that is complete, and what autovacuum would do to it in time.
    pub(crate) fn finish(&self, database: &str, name: &str) -> Outcome<()> {
        self.execute(database, "vacuum analyze")?;
        self.execute("postgres", &format!("alter database {database} rename to {name}"))
    }

    /// A database like another one, in the place of an earlier one.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Outcome<()> {
        self.drop(to)?;
        self.execute("postgres", &format!("create database {to} template {from} strategy file_copy"))
    }

    /// Removes a database.
    pub(crate) fn drop(&self, database: &str) -> Outcome<()> {
        self.execute("postgres", &format!("drop database if exists {database} with (force)"))
    }

    /// The floor: the rows of an opening, each opening a transaction of prepared statements.
    pub(crate) fn floor(
        &self,
        database: &str,
        size: Size,
        session: &str,
        start: usize,
        connections: usize,
        span: Duration,
    ) -> Outcome<Cell> {
        let path = serve::folder().join("floor.sql");
        fs::write(&path, pgbench_script(size, session)).map_err(|error| error.to_string())?;
        let accounts = Accounts::Apart { service: std::process::id(), database: Some(self.pid) };
        let before = accounts.spent();
        let output = Command::new(pgbench()?)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={connections}"))
            .arg(format!("--time={}", span.as_secs().max(1)))
            .arg(format!("--define=n={start}"))
            .arg(format!("--file={}", path.display()))
            .arg("--log")
            .arg(format!("--log-prefix={}", serve::folder().join("floor-log").display()))
            .arg(self.url(database))
            .output()
            .map_err(|error| format!("pgbench: {error}"))?;
        let after = accounts.spent();
        let text = String::from_utf8_lossy(&output.stdout);
        let failure = String::from_utf8_lossy(&output.stderr);
        let number = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label));
            let word = line.and_then(|rest| rest.split_whitespace().next());
            word.and_then(|word| word.parse::<f64>().ok()).ok_or_else(|| format!("pgbench: {text} {failure}"))
        };
        let operations = number("number of transactions actually processed: ")?;
        let took = latencies()?;
        if took.is_empty() {
            return Err(format!("pgbench: {text} {failure}"));
        }
        Ok(Cell {
            database: "postgres".to_owned(),
            what: "floor".to_owned(),
            connections,
            operations: took.len(),
            failures: 0,
            per_second: number("tps = ")?,
            p50_ms: took[took.len() / 2],
            p99_ms: took[took.len() * 99 / 100],
            service_cpu_ms: 0.0,
            database_cpu_ms: (after.1 - before.1) / operations,
            memory_mb: 0.0,
            statements: 0.0,
            commits: 0.0,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = script(&self.state, &["pause"]) {
            eprintln!("the server of the load goes on: {error}");
        }
    }
}

/// What pgbench logged of each transaction, in milliseconds, sorted; the logs are removed.
fn latencies() -> Outcome<Vec<f64>> {
    let folder = fs::read_dir(serve::folder()).map_err(|error| error.to_string())?;
    let logs = folder.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("floor-log"));
    let mut took = Vec::new();
    for log in logs.map(|entry| entry.path()) {
        let text = fs::read_to_string(&log).map_err(|error| error.to_string())?;
        let third = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok());
        took.extend(third.map(|microseconds| microseconds / 1_000.0));
        fs::remove_file(&log).map_err(|error| error.to_string())?;
    }
    took.sort_by(f64::total_cmp);
    Ok(took)
}

/// Debian keeps it beside the server's programs, outside the path.
fn pgbench() -> Outcome<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|one| one.path().join("bin/pgbench")).filter(|path| path.is_file()).collect();
    found.sort();
    let known = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = std::env::split_paths(&known).map(|path| path.join("pgbench")).find(|path| path.is_file());
    found.pop().or(elsewhere).ok_or_else(|| "there is no pgbench (apt-get install postgresql)".to_owned())
}

fn pgbench_script(size: Size, session: &str) -> String {
    let (first, last) = (people::FIRST, people::FIRST + size.mediators - 1);
    let mut script = format!("\\set n :n + 1\n\\set number :n * 64 + :client_id\n\\set m random({first}, {last})\n");
    // Writing to a String cannot fail.
    let _ = writeln!(script, "\\set o (:m - {first}) % {} + {first}\nbegin;", size.organisations);
    let random: Vec<u8> = mandataire::clock::Random::system().bytes::<4_096>().to_vec();
    for row in rows::of_an_opening() {
        let _ = writeln!(script, "{};", statement(&row, session, &random));
    }
    script + "commit;\n"
}

fn statement(row: &Row, session: &str, random: &[u8]) -> String {
    let value = |value: Value| expression(value, session, random);
    if let Some(changed) = row.changed {
        let set: Vec<_> = row.columns.iter().map(|(name, new)| format!("{name} = {}", value(*new))).collect();
        return format!("update {} set {} where id = {}", row.table, set.join(", "), value(changed));
    }
    let names: Vec<_> = row.columns.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = row.columns.iter().map(|(_, new)| value(*new)).collect();
    format!("insert into {} ({}) values ({})", row.table, names.join(", "), values.join(", "))
}

fn expression(value: Value, session: &str, random: &[u8]) -> String {
    let hex = |length: usize| {
        random[..length].iter().fold(String::with_capacity(length * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    match value {
        Value::New(kind, row) => format!("'{kind}_00000000' || :number || '{row:02}'"),
        Value::Account | Value::Authenticator | Value::Session => {
            format!("'{}' || :m", rows::prefix_of(value, session))
        }
        Value::Organisation => format!("'{}' || :o", rows::prefix_of(value, session)),
        Value::Bytes(length) => format!("'\\x{}'::bytea", hex(length)),
        Value::Unique(length, row) => {
            format!("int8send(:number::bigint) || int8send({row}) || '\\x{}'::bytea", hex(length - 16))
        }
        Value::Text(text) => format!("'{text}'"),
        Value::Token => format!("'{}' || :number", "0".repeat(27)),
        Value::Number(number) => number.to_string(),
        Value::Now => "now() at time zone 'UTC'".to_owned(),
    }
}
