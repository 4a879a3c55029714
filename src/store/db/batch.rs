//! Several changes as one statement of PostgreSQL (7.8.4, "Data-Modifying Statements in WITH"): one journey, kept as a whole or not at all.

use std::any::TypeId;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::query_dsl::methods::ExecuteDsl;
use diesel::{PgConnection, QueryResult, RunQueryDsl, SqliteConnection};

use super::{AnyConnection, count};
use crate::store::Error;

/// What a part does, and must have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Role {
    /// Writes rows.
    Insert,
    /// Changes rows, if there are any.
    Change,
    /// Changes one row.
    ChangeOne,
    /// Finds one row and locks it.
    Find,
}

/// A statement that can wait on PostgreSQL, and is done at once on SQLite.
pub(in crate::store) trait Statement:
    QueryFragment<Pg> + ExecuteDsl<SqliteConnection> + QueryId + 'static
{
}
impl<Q: QueryFragment<Pg> + ExecuteDsl<SqliteConnection> + QueryId + 'static> Statement for Q {}

/// A query that locks what it finds; SQLite does not run it.
pub(in crate::store) trait Look: QueryFragment<Pg> + 'static {}
impl<Q: QueryFragment<Pg> + 'static> Look for Q {}

struct Part {
    statement: Box<dyn QueryFragment<Pg>>,
    table: TypeId,
    role: Role,
}

/// Changes that wait.
#[derive(Default)]
pub(in crate::store) struct Batch(Vec<Part>);

impl Batch {
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is about a table.
    pub(in crate::store) fn touches(&self, table: TypeId) -> bool {
        self.0.iter().any(|part| part.table == table)
    }

    /// Whether one of them changes rows of a table.
    pub(in crate::store) fn changes(&self, table: TypeId) -> bool {
        self.0.iter().any(|part| part.table == table && matches!(part.role, Role::Change | Role::ChangeOne))
    }

    /// The change, if nothing else waits.
    fn only_change(&self) -> Option<&Part> {
        match self.0.as_slice() {
            [one] if one.role != Role::Find => Some(one),
            _ => None,
        }
    }
}

impl QueryFragment<Pg> for Batch {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(change) = self.only_change() {
            return change.statement.walk_ast(out);
        }
        for (number, part) in self.0.iter().enumerate() {
            out.push_sql(if number == 0 { "with " } else { ", " });
            out.push_sql(&format!("part{number} as ("));
            part.statement.walk_ast(out.reborrow())?;
            out.push_sql(if part.role == Role::Find { ")" } else { " returning 1)" });
        }
        out.push_sql(" select 1");
        for (number, part) in self.0.iter().enumerate() {
            if matches!(part.role, Role::ChangeOne | Role::Find) {
                out.push_sql(&format!(", demand_one((select count(*) from part{number}))"));
            }
        }
        Ok(())
    }
}

impl QueryId for Batch {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<PgConnection> for Batch {}

impl AnyConnection {
    /// Lets a statement about a table wait; on SQLite it is done.
    pub(in crate::store) fn later<Q: Statement>(
        &mut self,
        statement: Q,
        (table, role): (TypeId, Role),
        waiting: &mut Batch,
    ) -> Result<(), Error> {
        match self {
            Self::Pg(_) => waiting.0.push(Part { statement: Box::new(statement), table, role }),
            Self::Sqlite(sqlite) => {
                if Q::execute(statement, sqlite)? != 1 && role == Role::ChangeOne {
                    return Err(Error::Conflict);
                }
            }
        }
        Ok(())
    }

    /// Demands that a query finds one row; SQLite has one writer, so that it would.
    pub(in crate::store) fn demand<Q: Look>(&self, row: Q, waiting: &mut Batch) {
        if let Self::Pg(_) = self {
            waiting.0.push(Part { statement: Box::new(row), table: TypeId::of::<()>(), role: Role::Find });
        }
    }

    /// Sends a batch, inside the transaction that was begun.
    pub(in crate::store) fn send(&mut self, batch: Batch) -> Result<(), Error> {
        if let Self::Pg(pg) = self {
            // Alone, a change says itself how many rows it found.
            let one = batch.only_change().is_some_and(|change| change.role == Role::ChangeOne);
            if batch.execute(pg)? != 1 && one {
                return Err(Error::Conflict);
            }
        }
        Ok(())
    }

    /// Sends a batch that is a transaction of its own.
    pub(in crate::store) fn send_alone(&mut self, batch: Batch) -> Result<(), Error> {
        let sent = self.send(batch);
        match sent {
            Ok(()) => count::commit(),
            Err(Error::Unavailable(_)) if self.is_lost() => {
                tracing::error!("connection lost during the statement that writes");
                return Err(Error::Uncertain);
            }
            Err(_) => {}
        }
        sent
    }
}
