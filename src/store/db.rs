//! The only file that asks which database it is: opening, locking, beginning, migrating.

#![expect(missing_docs, reason = "the derive of MultiConnection makes items that nobody here names")]

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::r2d2::{ManageConnection, Pool};
use diesel::sql_types::Text;
use diesel::{Connection as _, PgConnection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use url::Url;

use super::Error;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How long a request waits for a connection before it is told that the database is not available.
pub(super) const WAIT: Duration = Duration::from_secs(3);

/// How a connection notices that its server is gone without a word (libpq, 34.1.2): a connection refused or cut says so by itself, a
/// machine that lost its power does not, and the system would wait for hours. What the address says itself prevails.
const VIGILANCE: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "15000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
];

/// One connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL 15 or later.
    Pg(PgConnection),
    /// SQLite, compiled in.
    Sqlite(SqliteConnection),
}

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(String),
    /// A `postgres://` address.
    Postgres(String),
}

impl Location {
    /// Reads `sqlite:PATH` or `postgres://…`.
    ///
    /// # Errors
    /// Any other scheme.
    pub fn parse(url: &str) -> Result<Self, Error> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            Ok(Self::Sqlite(path.to_owned()))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.to_owned()))
        } else {
            Err(Error::Unavailable("the address must begin with sqlite: or postgres://".to_owned()))
        }
    }

    /// Whether there is anything there; a file that is not there is not made by asking. A server answers for itself.
    #[must_use]
    pub fn exists(&self) -> bool {
        match self {
            Self::Sqlite(path) => std::path::Path::new(path).exists(),
            Self::Postgres(_) => true,
        }
    }

    /// Opens a connection that may write.
    pub(super) fn open(&self) -> Result<AnyConnection, Error> {
        match self {
            Self::Sqlite(path) => {
                let mut connection = SqliteConnection::establish(path).map_err(unavailable)?;
                connection.batch_execute(
                    "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; \
                     pragma foreign_keys = on; pragma trusted_schema = off;",
                )?;
                Ok(AnyConnection::Sqlite(connection))
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::establish(&vigilant(url)).map_err(unavailable)?;
                connection.batch_execute(
                    "set timezone = 'UTC'; set statement_timeout = '10s'; set lock_timeout = '5s'; \
                     set idle_in_transaction_session_timeout = '15s'; set client_min_messages = warning;",
                )?;
                Ok(AnyConnection::Pg(connection))
            }
        }
    }

    /// A pool of connections; on SQLite they only read.
    pub(super) fn pool(&self, size: u32) -> Result<Pool<Manager>, Error> {
        Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            .test_on_check_out(false)
            .build(Manager(self.clone()))
            .map_err(unavailable)
    }
}

fn vigilant(address: &str) -> String {
    // An address that only libpq can read (several hosts) is left to whoever wrote it.
    let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
    for (name, value) in VIGILANCE {
        if !url.query_pairs().any(|(known, _)| known == name) {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    url.into()
}

/// The address may hold a password: only the kind of failure is told.
fn unavailable(error: impl std::error::Error) -> Error {
    let text = error.to_string();
    Error::Unavailable(text.lines().next().unwrap_or_default().chars().take(200).collect())
}

/// Makes the connections of a pool.
pub struct Manager(Location);

/// A connection of the pool.
pub struct Lent {
    pub(super) connection: AnyConnection,
    /// The last work over it did not succeed, or is still going on: it may be the connection's fault.
    pub(super) suspect: bool,
}

impl ManageConnection for Manager {
    type Connection = Lent;
    type Error = Error;

    fn connect(&self) -> Result<Lent, Error> {
        let mut connection = self.0.open()?;
        if let AnyConnection::Sqlite(sqlite) = &mut connection {
            sqlite.batch_execute("pragma query_only = on;")?;
        }
        Ok(Lent { connection, suspect: false })
    }

    fn is_valid(&self, lent: &mut Lent) -> Result<(), Error> {
        Ok(lent.connection.batch_execute("select 1")?)
    }

    /// Asked whenever a connection comes back: a server that went away is not offered to the next request. After work that
    /// succeeded there is nothing to ask the server.
    fn has_broken(&self, lent: &mut Lent) -> bool {
        match &mut lent.connection {
            AnyConnection::Pg(pg) => lent.suspect && pg.batch_execute("select 1").is_err(),
            AnyConnection::Sqlite(_) => false,
        }
    }
}

impl AnyConnection {
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        // IMMEDIATE takes SQLite's write lock at once: a later upgrade could fail halfway.
        Ok(match self {
            Self::Pg(pg) => pg.batch_execute("begin"),
            Self::Sqlite(sqlite) => sqlite.batch_execute("begin immediate"),
        }?)
    }

    pub(super) fn commit(&mut self) -> Result<(), Error> {
        let refused = match self {
            Self::Pg(pg) => match pg.batch_execute("commit") {
                Ok(()) => return Ok(()),
                Err(error) if pg.batch_execute("select 1").is_err() => {
                    tracing::error!(%error, "connection lost during commit");
                    return Err(Error::Uncertain);
                }
                Err(error) => error,
            },
            Self::Sqlite(sqlite) => match sqlite.batch_execute("commit") {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
        };
        self.rollback();
        Err(refused.into())
    }

    /// A rollback that fails has nothing left to roll back: the connection is gone, and the transaction with it.
    pub(super) fn rollback(&mut self) {
        if let Err(error) = self.batch_execute("rollback") {
            tracing::warn!(%error, "rollback failed");
        }
    }

    /// Makes this transaction the only one to read and write about `key` until it ends. SQLite has one writer anyway.
    pub(super) fn lock(&mut self, key: &str) -> Result<(), Error> {
        if let Self::Pg(pg) = self {
            diesel::sql_query("select pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind::<Text, _>(key)
                .execute(pg)?;
        }
        Ok(())
    }

    /// What time the database's server thinks it is; nothing where it is this process.
    pub(super) fn server_time(&mut self) -> Result<Option<chrono::NaiveDateTime>, Error> {
        match self {
            Self::Pg(pg) => {
                let utc = "clock_timestamp() at time zone 'UTC'";
                Ok(Some(diesel::select(diesel::dsl::sql::<diesel::sql_types::Timestamp>(utc)).get_result(pg)?))
            }
            Self::Sqlite(sqlite) => {
                sqlite.batch_execute("select 1 from journal_entries limit 1")?;
                Ok(None)
            }
        }
    }

    /// Runs the migrations that are missing; answers their names.
    pub(super) fn migrate(&mut self) -> Result<Vec<String>, Error> {
        let run = match self {
            Self::Pg(pg) => pg.run_pending_migrations(POSTGRES).map(|done| names(&done)),
            Self::Sqlite(sqlite) => sqlite.run_pending_migrations(SQLITE).map(|done| names(&done)),
        };
        run.map_err(|error| Error::Unavailable(format!("migrating: {error}")))
    }

    /// Undoes the last migration; answers its name.
    pub(super) fn revert(&mut self) -> Result<String, Error> {
        let run = match self {
            Self::Pg(pg) => pg.revert_last_migration(POSTGRES).map(|done| done.to_string()),
            Self::Sqlite(sqlite) => sqlite.revert_last_migration(SQLITE).map(|done| done.to_string()),
        };
        run.map_err(|error| Error::Unavailable(format!("migrating back: {error}")))
    }

    /// How the schema stands against this program.
    pub(super) fn schema(&mut self) -> Result<Schema, Error> {
        let (applied, known) = match self {
            Self::Pg(pg) => {
                let source: Vec<Box<dyn Migration<diesel::pg::Pg>>> = POSTGRES.migrations().map_err(migrating)?;
                (pg.applied_migrations().map_err(migrating)?.len(), source.len())
            }
            Self::Sqlite(sqlite) => {
                let source: Vec<Box<dyn Migration<diesel::sqlite::Sqlite>>> = SQLITE.migrations().map_err(migrating)?;
                (sqlite.applied_migrations().map_err(migrating)?.len(), source.len())
            }
        };
        Ok(match applied.cmp(&known) {
            std::cmp::Ordering::Less => Schema::Behind,
            std::cmp::Ordering::Equal => Schema::Current,
            std::cmp::Ordering::Greater => Schema::Ahead,
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err asks for")]
fn migrating(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Unavailable(format!("reading the migrations: {error}"))
}

fn names(done: &[diesel::migration::MigrationVersion<'_>]) -> Vec<String> {
    done.iter().map(ToString::to_string).collect()
}

/// How the schema of a database stands against this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Migrations are missing: run `migrate`.
    Behind,
    /// The same.
    Current,
    /// A newer program migrated it.
    Ahead,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_server_is_noticed_unless_the_address_says_otherwise() {
        let plain = vigilant("postgres://u:p%40ss@127.0.0.1:5432/d?options=-csearch_path%3Ds&connect_timeout=60");
        assert_eq!(
            plain,
            "postgres://u:p%40ss@127.0.0.1:5432/d?options=-csearch_path%3Ds&connect_timeout=60\
             &tcp_user_timeout=15000&keepalives_idle=10&keepalives_interval=5&keepalives_count=3"
        );
        assert_eq!(
            vigilant("postgres://a,b/d"),
            "postgres://a,b/d?connect_timeout=5&tcp_user_timeout=15000\
             &keepalives_idle=10&keepalives_interval=5&keepalives_count=3"
        );
    }
}
