//! The store: the only place that knows the database. It never decides; it hides what is not yours.
//!
//! Two doors: [`Store::read`] and [`Store::write`]. Nothing slow happens inside a write: no network, no password hashing, no signing.

pub mod accounts;
pub mod authenticators;
pub mod citizens;
pub mod clients;
pub mod db;
pub mod drafts;
mod error;
pub mod flows;
pub mod grants;
pub mod journal;
pub mod keys;
pub mod mandates;
pub mod organisations;
pub mod outbox;
mod person_keys;
mod schema;
pub mod sessions;
pub mod sign_in;
pub mod uses;
pub mod vault;
mod writer;

use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::Pool;

use crate::clock::Random;
use crate::domain::Instant;

pub use db::{Location, Schema};
pub use error::Error;
use vault::Vault;

/// A server gives a statement up after ten seconds (`db.rs`). From one that was not heard of for longer, nothing will come.
const SILENCE: Duration = Duration::from_secs(15);

/// The database and the vault behind one handle. Cloning it is cheap.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pool: Pool<db::Manager>,
    /// SQLite only: PostgreSQL writes side by side from the pool.
    writer: Option<writer::Writer>,
    vault: Arc<Vault>,
    random: Random,
}

/// A connection that reads.
pub struct Db<'c> {
    connection: &'c mut db::AnyConnection,
    vault: &'c Vault,
}

/// A transaction. It is committed when the closure it was lent to answers `Ok`, and only then.
pub struct Tx<'c> {
    db: Db<'c>,
    random: &'c Random,
}

impl<'c> Deref for Tx<'c> {
    type Target = Db<'c>;
    fn deref(&self) -> &Db<'c> {
        &self.db
    }
}

impl<'c> DerefMut for Tx<'c> {
    fn deref_mut(&mut self) -> &mut Db<'c> {
        &mut self.db
    }
}

impl Db<'_> {
    /// The vault, for blind indexes.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        self.vault
    }
}

impl Store {
    /// Opens the database. It must have been migrated.
    ///
    /// # Errors
    /// The database does not answer, or the vault's key is unusable.
    pub fn open(location: &Location, pool: u32, master_key: &[u8; 32], random: Random) -> Result<Self, Error> {
        let vault = Arc::new(Vault::new(master_key, random.clone())?);
        let writer = match location {
            Location::Sqlite(_) => Some(writer::Writer::start(location.open()?, vault.clone(), random.clone())?),
            Location::Postgres(_) => None,
        };
        Ok(Self(Arc::new(Inner { pool: location.pool(pool)?, writer, vault, random })))
    }

    /// Brings the schema up to date; answers the names of the migrations it ran.
    ///
    /// # Errors
    /// The database does not answer, or a migration fails.
    pub fn migrate(location: &Location) -> Result<Vec<String>, Error> {
        location.open()?.migrate()
    }

    /// Undoes the last migration; answers its name.
    ///
    /// # Errors
    /// The database does not answer, or there is nothing to undo.
    pub fn revert(location: &Location) -> Result<String, Error> {
        location.open()?.revert()
    }

    /// How the schema stands against this program.
    ///
    /// # Errors
    /// The database does not answer.
    pub fn schema(location: &Location) -> Result<Schema, Error> {
        location.open()?.schema()
    }

    /// Reads.
    ///
    /// # Errors
    /// Whatever the closure answers, or the database being unavailable.
    pub async fn read<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Db<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let inner = self.0.clone();
        blocking(move || {
            let mut connection = inner.connection()?;
            work(&mut Db { connection: &mut connection, vault: &inner.vault })
        })
        .await
        .unwrap_or_else(|| Err(Error::Unavailable("no answer".to_owned()).into()))
    }

    /// Writes: one transaction, committed if the closure answers `Ok`, undone otherwise. A caller that stops waiting does not stop it.
    ///
    /// # Errors
    /// Whatever the closure answers; [`Error::Unavailable`] if nothing was written; [`Error::Uncertain`] if nobody knows.
    pub async fn write<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if let Some(writer) = &self.0.writer {
            return writer.write(work).await;
        }
        let inner = self.0.clone();
        blocking(move || {
            let mut connection = inner.connection()?;
            connection.begin()?;
            let mut tx = Tx { db: Db { connection: &mut connection, vault: &inner.vault }, random: &inner.random };
            match catch_unwind(AssertUnwindSafe(|| work(&mut tx))) {
                Ok(Ok(done)) => connection.commit().map(|()| done).map_err(E::from),
                Ok(Err(refused)) => {
                    connection.rollback();
                    Err(refused)
                }
                Err(_) => {
                    connection.rollback();
                    Err(Error::Unavailable("the work stopped unexpectedly".to_owned()).into())
                }
            }
        })
        .await
        .unwrap_or_else(|| Err(Error::Uncertain.into()))
    }
}

impl Inner {
    fn connection(&self) -> Result<diesel::r2d2::PooledConnection<db::Manager>, Error> {
        self.pool.get().map_err(|error| Error::Unavailable(error.to_string()))
    }
}

/// Runs blocking work on the runtime's threads for it. It goes on if the caller stops waiting, and if it takes too long: then, and if
/// it stopped unexpectedly, there is nothing to answer.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Option<Result<T, E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    tokio::time::timeout(SILENCE, tokio::task::spawn_blocking(work)).await.ok()?.ok()
}

fn stored(at: Instant) -> chrono::NaiveDateTime {
    at.naive_utc()
}

fn read_back(at: chrono::NaiveDateTime) -> Instant {
    at.and_utc()
}

/// A text column that this program wrote, back in its type.
fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt(what))
}
