//! Signed checkpoints, as they are kept.

use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::PAGE;
use crate::store::schema::journal_checkpoints;
use crate::store::{Db, Error};

/// A row of `journal_checkpoints`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct CheckpointRow {
    /// Leaves.
    pub size: i64,
    /// The root over them.
    pub root: Vec<u8>,
    /// When it was signed.
    pub at: chrono::NaiveDateTime,
    /// The signed note.
    pub note: String,
    /// The size of the checkpoint before it.
    pub previous: i64,
}

/// Checkpoints of more than `after` leaves by their sizes, a page of them; nothing for one that cannot be read.
///
/// # Errors
/// The database fails.
pub fn checkpoints(db: &mut Db<'_>, after: i64) -> Result<Vec<(i64, Option<CheckpointRow>)>, Error> {
    use journal_checkpoints::dsl;
    let columns = (dsl::size, dsl::root, dsl::at, dsl::note, dsl::previous);
    let page = dsl::journal_checkpoints.filter(dsl::size.gt(after)).order(dsl::size).limit(PAGE);
    match page.select(columns).load::<CheckpointRow>(db.connection()?) {
        Ok(rows) => return Ok(rows.into_iter().map(|row| (row.size, Some(row))).collect()),
        Err(DieselError::DeserializationError(_)) => {}
        Err(other) => return Err(other.into()),
    }
    let mut found = Vec::new();
    for size in page.select(dsl::size).load::<i64>(db.connection()?)? {
        let one = dsl::journal_checkpoints.filter(dsl::size.eq(size)).select(columns);
        match one.first::<CheckpointRow>(db.connection()?) {
            Ok(row) => found.push((size, Some(row))),
            Err(DieselError::DeserializationError(_)) => found.push((size, None)),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(found)
}
