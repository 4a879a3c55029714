//! Where the database is, how its connections are opened, and how they are lent.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool};
use diesel::{Connection as _, PgConnection, SqliteConnection};
use url::Url;

use super::{AnyConnection, Held, count, file};
use crate::store::Error;

/// How long a request waits for a connection before it is told that the database is not available.
pub(in crate::store) const WAIT: Duration = Duration::from_secs(3);

/// How a connection notices that its server is gone without a word (libpq, 34.1.2): a connection refused or cut says so by itself, a
/// machine that lost its power does not, and the system would wait for hours. What the address says itself prevails.
const VIGILANCE: [(&str, &str); 5] = [
    ("connect_timeout", "5"),
    ("tcp_user_timeout", "15000"),
    ("keepalives_idle", "10"),
    ("keepalives_interval", "5"),
    ("keepalives_count", "3"),
];

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
    pub(in crate::store) fn open(&self) -> Result<AnyConnection, Error> {
        match self {
            Self::Sqlite(path) => {
                file::make(path);
                let mut connection = SqliteConnection::establish(path).map_err(unavailable)?;
                // What is deleted is overwritten with zeros. The last line is for speed: pages that stay in memory, what a savepoint sets
                // aside too, and the log is written back into the file each 16 MB.
                let kept = kept(path);
                connection.batch_execute(&format!(
                    "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; \
                     pragma foreign_keys = on; pragma trusted_schema = off; pragma secure_delete = on; \
                     pragma cache_size = -{kept}; pragma temp_store = memory; pragma wal_autocheckpoint = 4000;",
                ))?;
                connection.set_instrumentation(count::statement);
                Ok(AnyConnection::Sqlite(connection))
            }
            Self::Postgres(url) => {
                let mut connection = PgConnection::establish(&vigilant(url)).map_err(unavailable)?;
                // A general plan guesses at a tenth of a table: whoever believes it compiles half a second for two thousand rows.
                connection.batch_execute(
                    "set timezone = 'UTC'; set statement_timeout = '10s'; set lock_timeout = '5s'; \
                     set idle_in_transaction_session_timeout = '15s'; set client_min_messages = warning; \
                     set plan_cache_mode = force_generic_plan; set jit = off;",
                )?;
                connection.set_instrumentation(count::statement);
                Ok(AnyConnection::Pg(connection))
            }
        }
    }

    /// A pool of connections; on SQLite they only read.
    pub(in crate::store) fn pool(&self, size: u32, held: Arc<Held>) -> Result<Pool<Manager>, Error> {
        Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(WAIT)
            .test_on_check_out(false)
            .build(Manager { location: self.clone(), held })
            .map_err(unavailable)
    }
}

/// How many KiB of its pages a connection keeps, at most. The upper levels of all trees are a four-hundredth of the file: with less than
/// these, each row of a large journal is read through pages that were just put away.
fn kept(path: &str) -> u64 {
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    (bytes / 256 / 1024).clamp(16_000, 64_000)
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
pub struct Manager {
    location: Location,
    held: Arc<Held>,
}

/// A connection of the pool.
pub struct Lent {
    pub(in crate::store) connection: AnyConnection,
    /// The last work over it did not succeed, or is still going on: it may be the connection's fault.
    pub(in crate::store) suspect: bool,
}

impl ManageConnection for Manager {
    type Connection = Lent;
    type Error = Error;

    fn connect(&self) -> Result<Lent, Error> {
        // All of them to the same file, and none made anew where the first one was.
        self.held.is_there()?;
        let mut connection = self.location.open()?;
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
