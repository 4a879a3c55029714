//! What the operator does to a database beside running the service: migrations, and roles.

use super::{Db, Error, Location, Schema, Store};

pub use super::db::roles::{PREFIX, statements};

impl Store {
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

    /// Makes the roles of PostgreSQL, or gives them the rights to tables that are new. Nothing on SQLite.
    ///
    /// # Errors
    /// Whoever is connected may not, or the database does not answer.
    pub fn make_roles(location: &Location, prefix: &str) -> Result<(), Error> {
        location.open()?.make_roles(prefix)
    }

    /// Whether whoever is connected may make roles. Never on SQLite.
    ///
    /// # Errors
    /// The database does not answer.
    pub fn may_make_roles(location: &Location) -> Result<bool, Error> {
        location.open()?.may_make_roles()
    }

    /// Whether there are roles.
    ///
    /// # Errors
    /// The database does not answer.
    pub fn has_roles(location: &Location, prefix: &str) -> Result<bool, Error> {
        location.open()?.has_roles(prefix)
    }

    /// How the schema stands against this program.
    ///
    /// # Errors
    /// The database does not answer.
    pub fn schema(location: &Location) -> Result<Schema, Error> {
        location.open()?.schema()
    }
}

impl Db<'_> {
    /// Which database and schema of which server this is. None on SQLite.
    ///
    /// # Errors
    /// The database fails.
    pub fn named(&mut self) -> Result<Option<String>, Error> {
        self.connection()?.named()
    }

    /// Whether this role of PostgreSQL may add rows to a table. Always on SQLite.
    ///
    /// # Errors
    /// The database fails.
    pub fn may_add(&mut self, table: &str) -> Result<bool, Error> {
        self.connection()?.may_add(table)
    }

    /// The tables of the journal that this role of PostgreSQL may change, though they only grow.
    ///
    /// # Errors
    /// The database fails.
    pub fn may_rewrite(&mut self) -> Result<Vec<&'static str>, Error> {
        self.connection()?.may_rewrite()
    }
}
