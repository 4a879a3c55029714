//! What a piece of work holds while it reads or writes.
//!
//! On PostgreSQL each statement is a journey to the server and back. A transaction begins there with the first statement that needs one,
//! a lock or a change whose outcome is asked for; changes that nobody asks about wait for the end and go as one statement. A piece of
//! work that only read before needs no transaction around it: each of its reads saw what was committed then, as it would have inside
//! one (`READ COMMITTED`), and what it relies on is demanded again by the statement that writes.

use std::any::TypeId;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use diesel::QuerySource;
use diesel::query_builder::{InsertStatement, UpdateStatement};

use super::Error;
use super::db::{AnyConnection, Batch, Look, Role, Statement};
use super::vault::{PersonKey, Vault};
use crate::clock::Random;

/// A connection that reads.
pub struct Db<'c> {
    raw: &'c mut AnyConnection,
    pub(super) vault: &'c Vault,
    /// The persons' keys unwrapped so far.
    pub(super) keys: Vec<Rc<PersonKey>>,
    begun: bool,
    waiting: Batch,
    /// What waited rested on something that has changed.
    outdated: bool,
}

/// A transaction. It is committed when the closure it was lent to answers `Ok`, and only then.
pub struct Tx<'c> {
    db: Db<'c>,
    pub(super) random: &'c Random,
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

impl<'c> Db<'c> {
    pub(super) fn new(raw: &'c mut AnyConnection, vault: &'c Vault) -> Self {
        Self { raw, vault, keys: Vec::new(), begun: false, waiting: Batch::default(), outdated: false }
    }

    /// The vault, for blind indexes.
    #[must_use]
    pub const fn vault(&self) -> &Vault {
        self.vault
    }

    /// The connection, to read: what waits is written first, so that it is seen.
    pub(super) fn connection(&mut self) -> Result<&mut AnyConnection, Error> {
        if !self.waiting.is_empty() {
            self.begin()?;
            let waiting = std::mem::take(&mut self.waiting);
            self.sent(|raw| raw.send(waiting))?;
        }
        Ok(self.raw)
    }

    fn sent(&mut self, send: impl FnOnce(&mut AnyConnection) -> Result<(), Error>) -> Result<(), Error> {
        let outcome = send(self.raw);
        self.outdated |= matches!(outcome, Err(Error::Conflict));
        outcome
    }

    fn begin(&mut self) -> Result<(), Error> {
        if !self.begun {
            self.raw.begin()?;
            self.begun = true;
        }
        Ok(())
    }
}

impl<'c> Tx<'c> {
    /// A transaction that begins when it has to.
    pub(super) fn new(raw: &'c mut AnyConnection, vault: &'c Vault, random: &'c Random) -> Self {
        Self { db: Db::new(raw, vault), random }
    }

    /// A part of a transaction that somebody else began and ends.
    pub(super) fn within(raw: &'c mut AnyConnection, vault: &'c Vault, random: &'c Random) -> Self {
        Self { db: Db { begun: true, ..Db::new(raw, vault) }, random }
    }

    /// The connection inside the transaction: to lock, or to write and be told at once what was changed.
    pub(super) fn connection(&mut self) -> Result<&mut AnyConnection, Error> {
        self.db.begin()?;
        self.db.connection()
    }

    /// Writes a row. What the database has against it may be said at the end.
    pub(super) fn insert<T, V>(&mut self, row: InsertStatement<T, V>) -> Result<(), Error>
    where
        T: QuerySource + 'static,
        InsertStatement<T, V>: Statement,
    {
        // Of what is written together, nobody says which comes first: a row may take the place that a change makes free.
        if self.waiting.changes(TypeId::of::<T>()) {
            Tx::connection(self)?;
        }
        self.later(row, TypeId::of::<T>(), Role::Insert)
    }

    /// Changes a row, if it is there.
    pub(super) fn update<T, U, V>(&mut self, change: UpdateStatement<T, U, V>) -> Result<(), Error>
    where
        T: QuerySource + 'static,
        UpdateStatement<T, U, V>: Statement,
    {
        self.before_changing(TypeId::of::<T>())?;
        self.later(change, TypeId::of::<T>(), Role::Change)
    }

    /// Changes the one row that the statement finds: [`Error::Conflict`], here or at the end, if it finds none any more.
    pub(super) fn update_one<T, U, V>(&mut self, change: UpdateStatement<T, U, V>) -> Result<(), Error>
    where
        T: QuerySource + 'static,
        UpdateStatement<T, U, V>: Statement,
    {
        self.before_changing(TypeId::of::<T>())?;
        self.later(change, TypeId::of::<T>(), Role::ChangeOne)
    }

    /// Demands that a row which was read is still found, and stays so until the transaction ends: [`Error::Conflict`] otherwise. The
    /// statement locks what it finds. SQLite has one writer: nothing changed since.
    pub(super) fn demand<Q: Look>(&mut self, row: Q) {
        self.db.raw.demand(row, &mut self.db.waiting);
    }

    /// All parts of one statement see the rows as they were before it: what changes a row goes after whatever made it or changed it.
    fn before_changing(&mut self, table: TypeId) -> Result<(), Error> {
        if self.waiting.touches(table) { Tx::connection(self).map(drop) } else { Ok(()) }
    }

    fn later<Q: Statement>(&mut self, statement: Q, table: TypeId, role: Role) -> Result<(), Error> {
        self.db.raw.later(statement, (table, role), &mut self.db.waiting)
    }

    /// The end of a transaction that began when it had to. Without one, all that waits is one statement, kept as a whole or not at all.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.begun {
            Db::connection(self)?;
            self.begun = false;
            return self.raw.commit();
        }
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() { Ok(()) } else { self.sent(|raw| raw.send_alone(waiting)) }
    }

    /// Undoes what was done; says whether it came to nothing because something had changed that it rested on.
    pub(super) fn abandon(self) -> bool {
        if self.begun {
            self.db.raw.rollback();
        }
        self.outdated
    }
}
