//! How much of the journal a page shows, in figures that are known, and none that are not.

use diesel::prelude::*;

use super::digest::Reached;
use crate::domain::Instant;
use crate::domain::id::{self, EntryId};
use crate::store::schema::{erasures, journal_entries};
use crate::store::vouched::{self, Trust};
use crate::store::{Db, Error, log, parsed, read_back};

/// So many waiting entries are not counted further.
const MOST_PENDING: i64 = 10_000;

/// Entries that have no position yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// How many, as far as they were counted.
    pub count: u64,
    /// Whether there may be more.
    pub or_more: bool,
}

/// What can be said of the journal as a whole. What is `None` is not kept by this version, and is never shown as a figure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// The newest entry, and its instant.
    pub newest: Option<(EntryId, Instant)>,
    /// Every entry up to this position is found by searches and counted in figures.
    pub searched: Option<u64>,
    /// Of the entries without a position, those before this instant are found and counted.
    pub searched_to: Option<Instant>,
    /// The last position in the tree.
    pub position: Option<u64>,
    /// Entries that have no position yet.
    pub pending: Option<Pending>,
    /// Until when enough witnesses have cosigned.
    pub witnessed_to: Option<Instant>,
    /// Whether there are witnesses at all.
    pub has_witnesses: bool,
    /// The witnesses that are silent for longer than they may, and since when.
    pub silent: Vec<(String, Instant)>,
    /// Persons whose sealed parts were destroyed.
    pub erased: Option<u64>,
}

/// What is known now, to whoever believes these witnesses.
///
/// # Errors
/// The database fails.
pub fn coverage(db: &mut Db<'_>, trust: &Trust, now: Instant) -> Result<Coverage, Error> {
    use journal_entries::dsl;
    let newest: Option<(String, chrono::NaiveDateTime)> =
        dsl::journal_entries.order(dsl::id.desc()).select((dsl::id, dsl::at)).first(db.connection()?).optional()?;
    let newest = newest.map(|(id, at)| Ok::<_, Error>((parsed(&id, "journal_entries.id")?, read_back(at))));
    let reached = Reached::read(db)?;
    let milliseconds = id::parts(&reached.waiting).and_then(|(milliseconds, _)| i64::try_from(milliseconds).ok());
    let signed = log::latest(db)?;
    let erased: i64 = erasures::table.count().get_result(db.connection()?)?;
    let pending = signed.is_some().then(|| log::pending(db, MOST_PENDING)).transpose()?;
    let vouched = vouched::standing(db, trust, now)?;
    Ok(Coverage {
        newest: newest.transpose()?,
        searched: reached.position.checked_sub(1).and_then(|position| u64::try_from(position).ok()),
        searched_to: milliseconds.and_then(Instant::from_timestamp_millis),
        position: signed.as_ref().and_then(|checkpoint| checkpoint.size.checked_sub(1)),
        pending: pending.map(|count| Pending { count, or_more: count >= MOST_PENDING.unsigned_abs() }),
        witnessed_to: vouched.to.map(|(_, at)| at),
        has_witnesses: !trust.witnesses.is_empty(),
        silent: vouched.silent,
        erased: u64::try_from(erased).ok(),
    })
}
