//! The one writer of SQLite: it takes every waiting write into one transaction, a savepoint each, and answers all of them after the one
//! commit (group commit).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;
use tokio::sync::{mpsc, oneshot};

use super::db::{AnyConnection, Held};
use super::vault::Vault;
use super::{Error, Tx, journal};
use crate::clock::Random;
use crate::domain::Instant;

/// Writes that may wait. More than that is a machine that cannot follow: the next caller is told at once.
const QUEUE: usize = 1_024;
/// Writes taken into one transaction.
const BATCH: usize = 64;

/// A write that waits: its work, then its answer.
trait Job: Send {
    /// Does the work; says whether to keep it.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// Answers the caller. `fault` says why the transaction around it came to nothing.
    fn answer(self: Box<Self>, fault: Option<Error>);
}

struct Waiting<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Waiting<F, T, E>
where
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        self.result = catch_unwind(AssertUnwindSafe(|| work(tx))).ok();
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, fault: Option<Error>) {
        let result = match (self.result, fault) {
            // Even a refusal may rest on an earlier write of the same batch: without the commit, nothing was decided.
            (_, Some(fault)) => Err(fault.into()),
            (Some(done), None) => done,
            (None, None) => Err(Error::Unavailable("the work stopped unexpectedly".to_owned()).into()),
        };
        // A caller that no longer waits has gone; what was written stays written.
        drop(self.reply.send(result));
    }
}

/// The door to the writer's thread.
pub(super) struct Writer {
    door: mpsc::Sender<Box<dyn Job>>,
    state: Arc<State>,
}

/// What the thread and its door both know.
struct State {
    held: Arc<Held>,
    /// A transaction failed, and none that certainly wrote succeeded since.
    failed: AtomicBool,
}

/// The thread's own.
struct Desk {
    connection: AnyConnection,
    vault: Arc<Vault>,
    random: Random,
    state: Arc<State>,
}

impl Writer {
    /// Starts the thread over its own connection. It ends when the last door closes.
    pub(super) fn start(
        connection: AnyConnection,
        held: Arc<Held>,
        vault: Arc<Vault>,
        random: Random,
    ) -> Result<Self, Error> {
        let (door, waiting) = mpsc::channel(QUEUE);
        let state = Arc::new(State { held, failed: AtomicBool::new(false) });
        let desk = Desk { connection, vault, random, state: state.clone() };
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || desk.serve(waiting))
            .map_err(|error| Error::Unavailable(format!("starting the writer: {error}")))?;
        Ok(Self { door, state })
    }

    /// Writes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.door.max_capacity() - self.door.capacity()
    }

    /// Hands a write over and waits for the commit it is part of.
    pub(super) async fn write<F, T, E>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Waiting { work: Some(work), result: None, reply });
        self.door.try_send(job).map_err(|_| Error::Unavailable("too many writes are waiting".to_owned()))?;
        answer.await.unwrap_or_else(|_| Err(Error::Uncertain.into()))
    }

    /// Whether a write that came now would be done. A transaction without a change says so as long as none failed. After that, only a
    /// change can tell whether the disk takes one again; and nobody else may bring one, because a service that is not ready gets no
    /// requests.
    /// Answers the newest instant of the journal.
    pub(super) async fn answers(&self) -> Result<Option<Instant>, Error> {
        if !self.state.failed.load(Ordering::Relaxed) {
            return self.write(|tx| journal::newest(tx)).await;
        }
        let state = self.state.clone();
        let newest = self.write(move |tx| {
            state.held.has_room()?;
            tx.connection()?.rewrite()?;
            journal::newest(tx)
        });
        let newest = newest.await?;
        self.state.failed.store(false, Ordering::Relaxed);
        Ok(newest)
    }
}

impl Desk {
    fn serve(mut self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        while let Some(first) = waiting.blocking_recv() {
            let mut jobs = vec![first];
            let fault = self.batch(&mut waiting, &mut jobs).err().map(|error| error.to_string());
            if let Some(fault) = &fault {
                self.state.failed.store(true, Ordering::Relaxed);
                tracing::error!(fault, "a transaction failed");
            }
            for job in jobs {
                job.answer(fault.clone().map(Error::Unavailable));
            }
        }
    }

    fn batch(&mut self, waiting: &mut mpsc::Receiver<Box<dyn Job>>, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), Error> {
        self.state.held.is_there()?;
        self.connection.begin()?;
        let mut next = 0;
        while let Some(job) = jobs.get_mut(next) {
            if let Err(fault) = self.one(job.as_mut()) {
                self.connection.rollback();
                return Err(fault);
            }
            next += 1;
            if jobs.len() < BATCH
                && let Ok(another) = waiting.try_recv()
            {
                jobs.push(another);
            }
        }
        self.connection.commit()
    }

    fn one(&mut self, job: &mut dyn Job) -> Result<(), Error> {
        self.connection.batch_execute("savepoint job")?;
        let keep = job.run(&mut Tx::within(&mut self.connection, &self.vault, &self.random));
        Ok(self.connection.batch_execute(if keep { "release job" } else { "rollback to job; release job" })?)
    }
}
