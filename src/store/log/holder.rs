//! Which node gives positions now.

use diesel::prelude::*;

use crate::store::schema::journal_sequencer;
use crate::store::{Db, Error, Tx};

/// Who gives positions, and how often they said that they live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// A process.
    pub name: String,
    /// Grows as long as it lives.
    pub beat: i64,
}

/// Who gives positions now.
///
/// # Errors
/// The database fails.
pub fn holder(db: &mut Db<'_>) -> Result<Holder, Error> {
    use journal_sequencer::dsl;
    let (name, beat) = dsl::journal_sequencer.find(1).select((dsl::holder, dsl::beat)).first(db.connection()?)?;
    Ok(Holder { name, beat })
}

/// Says that `next` gives positions from now on, or still, unless somebody said so since `seen`.
///
/// # Errors
/// The database fails.
pub fn hold(tx: &mut Tx<'_>, seen: &Holder, next: &Holder) -> Result<bool, Error> {
    use journal_sequencer::dsl;
    let unchanged = dsl::journal_sequencer.filter(dsl::holder.eq(&seen.name).and(dsl::beat.eq(seen.beat)));
    let set = (dsl::holder.eq(&next.name), dsl::beat.eq(next.beat));
    Ok(diesel::update(unchanged).set(set).execute(tx.connection()?)? == 1)
}
