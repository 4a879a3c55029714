//! Several changes as one statement of PostgreSQL (7.8.4, "Data-Modifying Statements in WITH"): one journey, kept as a whole or not at all.

use std::any::TypeId;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::{PgConnection, QueryResult, RunQueryDsl};

use super::{AnyConnection, count};
use crate::store::Error;

/// What a change must have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Demand {
    /// Anything.
    Nothing,
    /// One row to change.
    One,
    /// One row, which is read and locked, not changed.
    Found,
}

struct Part {
    statement: Box<dyn QueryFragment<Pg>>,
    table: TypeId,
    demand: Demand,
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

    /// The change, if nothing else waits.
    fn only_change(&self) -> Option<&Part> {
        match self.0.as_slice() {
            [one] if one.demand != Demand::Found => Some(one),
            _ => None,
        }
    }

    pub(in crate::store) fn add(&mut self, statement: Box<dyn QueryFragment<Pg>>, table: TypeId, demand: Demand) {
        self.0.push(Part { statement, table, demand });
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
            out.push_sql(if part.demand == Demand::Found { ")" } else { " returning 1)" });
        }
        out.push_sql(" select 1");
        for (number, part) in self.0.iter().enumerate() {
            if part.demand != Demand::Nothing {
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
    /// Sends a batch, inside the transaction that was begun.
    pub(in crate::store) fn send(&mut self, batch: Batch) -> Result<(), Error> {
        if let Self::Pg(pg) = self {
            // Alone, a change says itself how many rows it found.
            let one = batch.only_change().is_some_and(|change| change.demand == Demand::One);
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
