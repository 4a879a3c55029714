//! The only place that knows the database. It never decides; it hides what is not yours. Nothing slow is in a [`Store::write`].

pub mod accounts;
pub mod audit;
pub mod authenticators;
pub mod backup;
pub mod citizens;
pub mod clients;
mod columns;
pub mod contacts;
pub mod db;
pub mod drafts;
pub mod erasures;
mod error;
pub mod examine;
pub mod flows;
pub mod grants;
pub mod holds;
pub mod journal;
pub mod keys;
pub mod leases;
pub mod log;
pub mod mandates;
pub mod organisations;
pub mod outbox;
mod person_keys;
mod probe;
pub mod pushed;
pub mod retention;
mod schema;
mod search;
pub mod seen;
pub mod sessions;
mod settling;
pub mod sign_in;
pub mod standing;
pub mod traces;
pub mod upkeep;
pub mod uses;
pub mod vault;
pub mod vouched;
mod work;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use diesel::r2d2::Pool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Random;

use columns::{parsed, read_back, rows, stored};
pub use db::{Location, Schema};
pub use error::Error;
pub use probe::Time;
use vault::Vault;
pub use work::{Db, Tx};

/// A server gives a statement up after ten seconds (`db/location.rs`). From one that was not heard of for longer, nothing will come.
const SILENCE: Duration = Duration::from_secs(15);
/// How often a decision is made before it is given up: who comes second reads what the first one did.
const DECISIONS: u32 = 4;

/// The database and the vault behind one handle. Cloning it is cheap.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pool: Pool<db::Manager>,
    /// As many turns as the pool has connections: whoever waits for one holds no thread meanwhile.
    turns: Arc<Semaphore>,
    beside: Beside,
    vault: Arc<Vault>,
    random: Random,
}

/// What each kind of database has beside the pool.
enum Beside {
    /// SQLite: the one that writes. PostgreSQL writes side by side from the pool.
    Writer(writer::Writer),
    /// PostgreSQL: whether its server answers. SQLite's writer is asked itself.
    Probe(Arc<probe::Probe>),
}

/// How busy the store is.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections open.
    pub connections: u32,
    /// Those that wait for work.
    pub idle: u32,
    /// Writes that wait for SQLite's one writer.
    pub waiting: usize,
}

impl Store {
    /// Opens the database. It must have been migrated.
    ///
    /// # Errors
    /// The database does not answer, or the vault's key is unusable.
    pub fn open(location: &Location, pool: u32, master_key: &[u8; 32], random: Random) -> Result<Self, Error> {
        let vault = Arc::new(Vault::new(master_key, random.clone())?);
        let held = Arc::new(db::Held::by(location)?);
        let beside = match location {
            Location::Sqlite(_) => {
                let writer = writer::Writer::start(location.open()?, held.clone(), vault.clone(), random.clone())?;
                Beside::Writer(writer)
            }
            Location::Postgres(_) => Beside::Probe(Arc::new(probe::Probe::new(location.clone()))),
        };
        let turns = Arc::new(Semaphore::new(usize::try_from(pool).unwrap_or(1)));
        Ok(Self(Arc::new(Inner { pool: location.pool(pool, held)?, turns, beside, vault, random })))
    }

    /// Asks the database what it knows of the time, however busy the pool is; where it is this process, whether it can write too.
    ///
    /// # Errors
    /// It does not answer, or cannot write.
    pub async fn time(&self) -> Result<Time, Error> {
        match &self.0.beside {
            Beside::Writer(writer) => writer.answers().await.map(Time::Recorded),
            Beside::Probe(probe) => {
                let probe = probe.clone();
                let unheard = || Err(Error::Unavailable("no answer".to_owned()));
                blocking(move || probe.ask()).await.unwrap_or_else(unheard)
            }
        }
    }

    /// How busy it is.
    #[must_use]
    pub fn load(&self) -> Load {
        let state = self.0.pool.state();
        let waiting = if let Beside::Writer(writer) = &self.0.beside { writer.waiting() } else { 0 };
        Load { connections: state.connections, idle: state.idle_connections, waiting }
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
        let turn = inner.turn().await?;
        blocking(move || {
            let _turn = turn;
            let mut lent = inner.lend()?;
            let done = work(&mut Db::new(&mut lent.connection, &inner.vault));
            lent.suspect = done.is_err();
            done
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
        if let Beside::Writer(writer) = &self.0.beside {
            return writer.write(work).await;
        }
        self.lent(move |inner, connection| inner.transaction(connection, work).map_err(|failed| failed.error)).await
    }

    /// Writes what rests on what was read before: if that changed in the meantime, the work is done again, from what is true by then.
    ///
    /// # Errors
    /// As [`Store::write`]; [`Error::Conflict`] if it changed each time.
    pub async fn decide<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if let Beside::Writer(writer) = &self.0.beside {
            return writer.write(work).await;
        }
        self.lent(move |inner, connection| {
            for _ in 1..DECISIONS {
                match inner.transaction(connection, &work) {
                    Err(Failed { outdated: true, .. }) => {}
                    ended => return ended.map_err(|failed| failed.error),
                }
            }
            inner.transaction(connection, &work).map_err(|failed| failed.error)
        })
        .await
    }

    /// A transaction over a connection of the pool.
    async fn lent<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Inner, &mut db::AnyConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let inner = self.0.clone();
        let turn = inner.turn().await?;
        blocking(move || {
            let _turn = turn;
            let mut lent = inner.lend()?;
            let done = work(&inner, &mut lent.connection);
            lent.suspect = done.is_err();
            done
        })
        .await
        .unwrap_or_else(|| Err(Error::Uncertain.into()))
    }
}

impl Inner {
    /// Waits for a turn at the pool, as long as one waits for a connection.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let busy = || Error::Unavailable("no connection became free in time".to_owned());
        let turn = tokio::time::timeout(db::WAIT, self.turns.clone().acquire_owned()).await;
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }

    /// A connection; whatever becomes of the work, it is suspect until the work has succeeded.
    fn lend(&self) -> Result<diesel::r2d2::PooledConnection<db::Manager>, Error> {
        let mut lent = self.pool.get().map_err(|error| Error::Unavailable(error.to_string()))?;
        lent.suspect = true;
        Ok(lent)
    }

    /// The work, and the end of its transaction.
    fn transaction<F, T, E>(&self, connection: &mut db::AnyConnection, work: F) -> Result<T, Failed<E>>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E>,
        E: From<Error>,
    {
        let mut tx = Tx::new(connection, &self.vault, &self.random);
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let done = work(&mut tx)?;
            tx.finish()?;
            Ok(done)
        }));
        let failed = match ended {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error,
            Err(_) => Error::Unavailable("the work stopped unexpectedly".to_owned()).into(),
        };
        Err(Failed { error: failed, outdated: tx.abandon() })
    }
}

/// A transaction that came to nothing.
struct Failed<E> {
    error: E,
    /// Something had changed that the work rested on: done again, it may end otherwise.
    outdated: bool,
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
