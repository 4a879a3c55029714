//! Roles of PostgreSQL: what whoever serves, signs or audits may do. SQLite has none: its file is the limit.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Bool, Text};
use diesel::{QueryableByName, RunQueryDsl};

use super::AnyConnection;
use crate::store::Error;

const SQL: &str = include_str!("roles.sql");

/// What the roles are called before their own word, unless the operator says otherwise.
pub const PREFIX: &str = "mandataire";

/// Tables that only grow: who may change or empty one of them can rewrite the journal.
const GROW: [&str; 7] = [
    "journal_entries",
    "journal_sealed",
    "journal_positions",
    "journal_tiles",
    "journal_checkpoints",
    "journal_cosignatures",
    "journal_timestamps",
];

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The statements that make the roles and give them their rights, for whoever may run them.
#[must_use]
pub fn statements(prefix: &str) -> String {
    SQL.replace("{prefix}", prefix)
}

impl AnyConnection {
    /// Makes the roles and gives them their rights. Nothing on SQLite.
    pub(in crate::store) fn make_roles(&mut self, prefix: &str) -> Result<(), Error> {
        let Self::Pg(pg) = self else { return Ok(()) };
        let made = pg.batch_execute(&statements(prefix));
        made.map_err(|error| Error::Unavailable(format!("making the roles: {error}")))
    }

    /// Whether whoever is connected may make roles.
    pub(in crate::store) fn may_make_roles(&mut self) -> Result<bool, Error> {
        self.asks("select rolsuper or rolcreaterole as yes from pg_roles where rolname = current_user", false)
    }

    /// Whether the roles exist.
    pub(in crate::store) fn has_roles(&mut self, prefix: &str) -> Result<bool, Error> {
        self.asks(&format!("select exists (select 1 from pg_roles where rolname = '{prefix}_service') as yes"), false)
    }

    /// Whether whoever is connected may read a table.
    pub(in crate::store) fn may_read(&mut self, table: &str) -> Result<bool, Error> {
        self.asks(&format!("select has_table_privilege('{table}', 'select') as yes"), true)
    }

    /// Whether whoever is connected may add rows to a table.
    pub(in crate::store) fn may_add(&mut self, table: &str) -> Result<bool, Error> {
        self.asks(&format!("select has_table_privilege('{table}', 'insert') as yes"), true)
    }

    /// Which database and schema of which server this is.
    pub(in crate::store) fn named(&mut self) -> Result<Option<String>, Error> {
        let Self::Pg(pg) = self else { return Ok(None) };
        // A copy of a server has its identifier and everything in it, but did not start at the same moment; and anybody may ask for that.
        // As a number: how a time is written is a setting of each login.
        let named = "select concat_ws('/', (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint, current_database(), \
                     current_schema()) as value";
        Ok(Some(diesel::sql_query(named).get_result::<Said>(pg)?.value))
    }

    /// The tables of the journal that whoever is connected may change, though they only grow.
    pub(in crate::store) fn may_rewrite(&mut self) -> Result<Vec<&'static str>, Error> {
        let mut found = Vec::new();
        for table in GROW {
            // A trigger lets the sealed parts of somebody who was destroyed go, and no other.
            let change = if table == "journal_sealed" { "update, truncate" } else { "update, delete, truncate" };
            if self.asks(&format!("select has_table_privilege('{table}', '{change}') as yes"), false)? {
                found.push(table);
            }
        }
        Ok(found)
    }

    /// What PostgreSQL answers; SQLite always answers otherwise.
    fn asks(&mut self, sql: &str, otherwise: bool) -> Result<bool, Error> {
        let Self::Pg(pg) = self else { return Ok(otherwise) };
        Ok(diesel::sql_query(sql).get_result::<Answer>(pg)?.yes)
    }

    /// The migrations that were run, read without the right to create the table of them.
    pub(super) fn versions_on_postgres(pg: &mut diesel::PgConnection) -> Result<Vec<String>, Error> {
        let there = diesel::sql_query("select to_regclass('__diesel_schema_migrations') is not null as yes");
        if !there.get_result::<Answer>(pg)?.yes {
            return Ok(Vec::new());
        }
        let rows = diesel::sql_query("select version::text as value from __diesel_schema_migrations");
        Ok(rows.load::<Said>(pg)?.into_iter().map(|row| row.value).collect())
    }
}
