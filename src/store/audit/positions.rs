//! Where the entries of a list stand in the tree.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::domain::id::EntryId;
use crate::store::schema::journal_positions;
use crate::store::{Db, Error};

/// The positions of those of these entries that have one, in one query.
///
/// # Errors
/// The database fails.
pub fn positions(db: &mut Db<'_>, entries: &[&EntryId]) -> Result<BTreeMap<String, u64>, Error> {
    use journal_positions::dsl;
    let ids: Vec<&str> = entries.iter().map(|id| id.as_str()).collect();
    let found: Vec<(String, i64)> = dsl::journal_positions
        .filter(dsl::entry.eq_any(ids))
        .select((dsl::entry, dsl::position))
        .load(db.connection()?)?;
    let counted = |position| u64::try_from(position).map_err(|_| Error::Corrupt("journal_positions.position"));
    found.into_iter().map(|(entry, position)| Ok((entry, counted(position)?))).collect()
}
