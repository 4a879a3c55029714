//! The only place that asks which database it is: opening, locking, beginning, migrating.

#![expect(missing_docs, reason = "the derive of MultiConnection makes items that nobody here names")]

mod batch;
mod count;
mod file;
mod files;
mod location;
pub(super) mod roles;

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, RunQueryDsl, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Error;
pub(super) use batch::{Batch, Look, Role, Statement};
pub use file::Held;
pub(super) use location::WAIT;
pub use location::{Lent, Location, Manager};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// After migrations of a database with rows: of a new column PostgreSQL knows nothing, and plans for a handful of rows until so many have
/// changed that it looks by itself.
const ANALYZE: &str = "set statement_timeout = 0; \
    do $$ declare one text; begin \
    for one in select tablename from pg_tables where schemaname = current_schema() loop \
    execute format('analyze %I', one); \
    end loop; end $$; \
    set statement_timeout = '10s'";

// Declared rather than written as text: only such statements stay prepared.
#[diesel::declare_sql_function]
extern "SQL" {
    /// A number for a text, nearly always another for another text.
    fn hashtextextended(text: Text, seed: BigInt) -> BigInt;
    /// Waits until nobody else holds this number. It answers nothing that anybody reads.
    fn pg_advisory_xact_lock(number: BigInt) -> BigInt;
}

/// One connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// PostgreSQL 15 or later.
    Pg(PgConnection),
    /// SQLite, compiled in.
    Sqlite(SqliteConnection),
}

/// Inserts a list of rows, which the two databases do not spell alike: one statement on PostgreSQL, where each is a journey to the
/// server and back; on SQLite one for each row, prepared once.
macro_rules! insert_all {
    ($connection:expr, $table:expr, $rows:expr) => {{
        let rows: Vec<_> = $rows;
        match $connection {
            $crate::store::db::AnyConnection::Pg(pg) => {
                diesel::insert_into($table).values(rows).execute(pg)?;
            }
            $crate::store::db::AnyConnection::Sqlite(sqlite) => {
                for row in rows {
                    diesel::insert_into($table).values(row).execute(sqlite)?;
                }
            }
        }
    }};
}
pub(super) use insert_all;

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
                Ok(()) => {
                    count::commit();
                    return Ok(());
                }
                Err(error) if is_lost(pg) => {
                    tracing::error!(%error, "connection lost during commit");
                    return Err(Error::Uncertain);
                }
                Err(error) => error,
            },
            Self::Sqlite(sqlite) => match sqlite.batch_execute("commit") {
                Ok(()) => {
                    count::commit();
                    return Ok(());
                }
                Err(error) => error,
            },
        };
        self.rollback();
        Err(refused.into())
    }

    /// Whether a server no longer answers over this connection.
    fn is_lost(&mut self) -> bool {
        match self {
            Self::Pg(pg) => is_lost(pg),
            Self::Sqlite(_) => false,
        }
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
            diesel::select(pg_advisory_xact_lock(hashtextextended(key, 0))).execute(pg)?;
        }
        Ok(())
    }

    /// Whether statements are planned for the values they come with. Otherwise each has one general plan, kept (`location.rs`): it spares
    /// the acts the planning, and reads through a whole key backwards for a rare value. SQLite plans without looking at values.
    pub(super) fn plan_for_values(&mut self, on: bool) -> Result<(), Error> {
        if let Self::Pg(pg) = self {
            let mode = if on { "custom" } else { "generic" };
            pg.batch_execute(&format!("set plan_cache_mode = force_{mode}_plan"))?;
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
            Self::Sqlite(_) => Ok(None),
        }
    }

    /// Writes something that changes nothing, down to the disk: the commit after it says whether SQLite can write. A server writes by
    /// itself.
    pub(super) fn rewrite(&mut self) -> Result<(), Error> {
        if let Self::Sqlite(sqlite) = self {
            // A number for the application's own use, which is always 0 here: the first page is written as it was.
            sqlite.batch_execute("pragma user_version = 0")?;
        }
        Ok(())
    }

    /// Runs the migrations that are missing; answers their names.
    pub(super) fn migrate(&mut self) -> Result<Vec<String>, Error> {
        let run = match self {
            Self::Pg(pg) => {
                let known = !Self::versions_on_postgres(pg)?.is_empty();
                let done = pg.run_pending_migrations(POSTGRES).map(|done| names(&done));
                if known && done.as_ref().is_ok_and(|names| !names.is_empty()) {
                    pg.batch_execute(ANALYZE)?;
                }
                done
            }
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
            Self::Pg(pg) => (Self::versions_on_postgres(pg)?, versions::<diesel::pg::Pg>(&POSTGRES)?),
            Self::Sqlite(sqlite) => {
                let applied = sqlite.applied_migrations().map_err(migrating)?;
                (names(&applied), versions::<diesel::sqlite::Sqlite>(&SQLITE)?)
            }
        };
        let applied: BTreeSet<String> = applied.into_iter().collect();
        // A migration that this program does not know comes first: `migrate` would run the missing ones over a schema that is not its own.
        Ok(match (applied.is_subset(&known), known.is_subset(&applied)) {
            (false, _) => Schema::Ahead,
            (true, false) => Schema::Behind,
            (true, true) => Schema::Current,
        })
    }
}

fn is_lost(pg: &mut PgConnection) -> bool {
    pg.batch_execute("select 1").is_err()
}

/// The versions of the migrations that this program knows.
fn versions<B: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Result<BTreeSet<String>, Error> {
    let known: Vec<Box<dyn Migration<B>>> = source.migrations().map_err(migrating)?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
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
