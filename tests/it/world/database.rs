//! A database for one story: a new file, or a new schema. It goes away with the story.

use std::path::{Path, PathBuf};

use diesel::RunQueryDsl;
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::sql_types::{Nullable, Text};
use mandataire::clock::Random;
use mandataire::store::Location;

use super::Backend;

/// The variable that says where PostgreSQL is.
const VARIABLE: &str = "MANDATAIRE_TEST_POSTGRES";

/// A database.
pub(crate) struct Database {
    /// Which kind.
    pub(crate) backend: Backend,
    /// Its address.
    pub(crate) url: String,
    /// The same, read.
    pub(crate) location: Location,
    folder: Option<PathBuf>,
    schema: Option<String>,
}

/// Somebody who keeps the journal from everybody else.
pub(crate) enum Busy {
    Sqlite { _holds: diesel::sqlite::SqliteConnection },
    Postgres { _holds: PgConnection },
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

fn name() -> String {
    format!("story_{:032x}", Random::system().u128())
}

impl Database {
    /// A new SQLite file.
    pub(crate) fn sqlite() -> Self {
        Self::sqlite_in(&std::env::temp_dir())
    }

    /// A new SQLite file on this disk.
    pub(crate) fn sqlite_in(disk: &Path) -> Self {
        let folder = disk.join(name());
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("story.db").display());
        let location = Location::parse(&url).unwrap();
        Self { backend: Backend::Sqlite, url, location, folder: Some(folder), schema: None }
    }

    /// A SQLite file that somebody else made.
    pub(crate) fn at(path: &std::path::Path) -> Self {
        let url = format!("sqlite:{}", path.display());
        let location = Location::parse(&url).unwrap();
        Self { backend: Backend::Sqlite, url, location, folder: None, schema: None }
    }

    /// A new PostgreSQL schema. None where no PostgreSQL is given; with `CI` set, that is a failure.
    pub(crate) fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var(VARIABLE) else {
            assert!(std::env::var_os("CI").is_none(), "{VARIABLE} is not set: PostgreSQL must run here");
            eprintln!("not run on PostgreSQL: {VARIABLE} is not set (`tests/postgres start` gives one)");
            return None;
        };
        let schema = name();
        let mut connection = PgConnection::establish(&server).expect("PostgreSQL answers");
        connection.batch_execute(&format!("create schema {schema}")).unwrap();
        let sign = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{sign}options=-csearch_path%3D{schema}");
        let location = Location::parse(&url).unwrap();
        Some(Self { backend: Backend::Postgres, url, location, folder: None, schema: Some(schema) })
    }

    /// The same database for a second holder, at another address; whoever made it takes it away.
    pub(crate) fn seen_through(&self, url: String) -> Self {
        let location = Location::parse(&url).unwrap();
        Self { backend: self.backend, url, location, folder: None, schema: None }
    }

    /// The same database for a second holder.
    pub(crate) fn again(&self) -> Self {
        self.seen_through(self.url.clone())
    }

    /// Runs SQL beside the service, as somebody with the password of the database would.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), diesel::result::Error> {
        match self.backend {
            Backend::Sqlite => {
                let path = self.url.trim_start_matches("sqlite:");
                let mut connection = diesel::sqlite::SqliteConnection::establish(path).unwrap();
                connection.batch_execute("pragma busy_timeout = 5000; pragma foreign_keys = on;")?;
                connection.batch_execute(sql)
            }
            Backend::Postgres => PgConnection::establish(&self.url).unwrap().batch_execute(sql),
        }
    }

    /// Keeps the journal from everybody else, as something slow does, until the answer is dropped.
    pub(crate) fn kept_busy(&self) -> Busy {
        match self.backend {
            Backend::Sqlite => {
                let path = self.url.trim_start_matches("sqlite:");
                let mut connection = diesel::sqlite::SqliteConnection::establish(path).unwrap();
                connection.batch_execute("pragma busy_timeout = 5000; begin immediate").unwrap();
                Busy::Sqlite { _holds: connection }
            }
            Backend::Postgres => {
                let mut connection = PgConnection::establish(&self.url).unwrap();
                connection.batch_execute("begin; lock table journal_entries in exclusive mode").unwrap();
                Busy::Postgres { _holds: connection }
            }
        }
    }

    /// The texts that a query answers in its column `value`.
    pub(crate) fn texts(&self, sql: &str) -> Vec<String> {
        let query = diesel::sql_query(sql);
        let rows: Vec<Row> = match self.backend {
            Backend::Sqlite => {
                let path = self.url.trim_start_matches("sqlite:");
                query.load(&mut diesel::sqlite::SqliteConnection::establish(path).unwrap())
            }
            Backend::Postgres => query.load(&mut PgConnection::establish(&self.url).unwrap()),
        }
        .unwrap();
        rows.into_iter().map(|row| row.value.unwrap_or_default()).collect()
    }

    /// One number.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.texts(&format!("select cast(({sql}) as text) as value"))[0].parse().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // The service may still hold the file open; on this system it goes away all the same.
            drop(std::fs::remove_dir_all(folder));
        }
        if let (Some(schema), Ok(server)) = (&self.schema, std::env::var(VARIABLE))
            && let Ok(mut connection) = PgConnection::establish(&server)
        {
            drop(connection.batch_execute(&format!("set lock_timeout = '2s'; drop schema {schema} cascade")));
        }
    }
}
