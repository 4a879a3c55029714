//! Rows of the journal that nothing leads to.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::{LISTED, PAGE, place};
use crate::store::schema::{
    journal_checkpoints, journal_cosignatures, journal_entries, journal_pending, journal_positions, journal_sealed,
    journal_tiles,
};
use crate::store::{Db, Error};

/// Notes read at once.
const NOTES: i64 = 256;

/// How far a walk through the identifiers of a table came, and what it met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walked {
    /// The last identifier; nothing at the end of the table.
    pub last: Option<String>,
    /// Identifiers of rows that nothing leads to.
    pub strays: Vec<String>,
}

/// Entries after an identifier that have no position and do not wait for one; a page of them.
///
/// # Errors
/// The database fails.
pub fn unplaced(db: &mut Db<'_>, after: &str) -> Result<Walked, Error> {
    use journal_entries::dsl;
    let page = dsl::journal_entries.filter(dsl::id.gt(after)).order(dsl::id).limit(PAGE).select(dsl::id);
    let ids: Vec<String> = page.load(db.connection()?)?;
    // In this order: an entry that waits may get its position in between.
    let waiting = journal_pending::table.filter(journal_pending::entry.eq_any(&ids)).select(journal_pending::entry);
    let mut known: HashSet<String> = waiting.load::<String>(db.connection()?)?.into_iter().collect();
    known.extend(positioned(db, &ids)?);
    Ok(walked(ids, &known))
}

fn positioned(db: &mut Db<'_>, ids: &[String]) -> Result<Vec<String>, Error> {
    use journal_positions::dsl;
    Ok(dsl::journal_positions.filter(dsl::entry.eq_any(ids)).select(dsl::entry).load(db.connection()?)?)
}

fn walked(ids: Vec<String>, known: &HashSet<String>) -> Walked {
    Walked { last: ids.last().cloned(), strays: ids.into_iter().filter(|id| !known.contains(id)).collect() }
}

/// Sealed parts after an identifier whose entry is not there; a page of them.
///
/// # Errors
/// The database fails.
pub fn unsealed(db: &mut Db<'_>, after: &str) -> Result<Walked, Error> {
    use journal_sealed::dsl;
    let page = dsl::journal_sealed.filter(dsl::entry.gt(after)).order(dsl::entry).limit(PAGE).select(dsl::entry);
    let ids: Vec<String> = page.load(db.connection()?)?;
    let entries = journal_entries::table.filter(journal_entries::id.eq_any(&ids)).select(journal_entries::id);
    let known = entries.load::<String>(db.connection()?)?.into_iter().collect();
    Ok(walked(ids, &known))
}

/// The entries that wait for a position after an identifier; a page of them. The strays are those that have one already, or are not
/// there.
///
/// # Errors
/// The database fails.
pub fn waiting(db: &mut Db<'_>, after: &str) -> Result<(Vec<String>, Walked), Error> {
    use journal_pending::dsl;
    let page = dsl::journal_pending.filter(dsl::entry.gt(after)).order(dsl::entry).limit(PAGE).select(dsl::entry);
    let ids: Vec<String> = page.load(db.connection()?)?;
    let placed: HashSet<String> = positioned(db, &ids)?.into_iter().collect();
    let entries = journal_entries::table.filter(journal_entries::id.eq_any(&ids)).select(journal_entries::id);
    let entries: HashSet<String> = entries.load::<String>(db.connection()?)?.into_iter().collect();
    let twice: HashSet<&String> =
        ids.iter().zip(ids.iter().skip(1)).filter(|(one, next)| one == next).map(|(one, _)| one).collect();
    let is_odd = |id: &&String| placed.contains(*id) || !entries.contains(*id) || twice.contains(*id);
    let odd: Vec<String> = ids.iter().filter(is_odd).cloned().collect();
    // One that got its position in between waits no longer.
    let still: Vec<String> =
        dsl::journal_pending.filter(dsl::entry.eq_any(&odd)).select(dsl::entry).load(db.connection()?)?;
    let walked = Walked { last: ids.last().cloned(), strays: still };
    Ok((ids.into_iter().filter(|id| !odd.contains(id)).collect(), walked))
}

/// The sizes and notes of the last checkpoints below a size, the largest first. More than one: whoever changed one must not hide the others.
///
/// # Errors
/// The database fails.
pub fn notes_below(db: &mut Db<'_>, size: i64) -> Result<Vec<(i64, String)>, Error> {
    use journal_checkpoints::dsl;
    let page = dsl::journal_checkpoints.filter(dsl::size.lt(size)).order(dsl::size.desc()).limit(NOTES);
    let rows: Vec<(i64, Option<String>)> = page.select((dsl::size, dsl::note.nullable())).load(db.connection()?)?;
    Ok(rows.into_iter().map(|(size, note)| (size, note.unwrap_or_default())).collect())
}

/// Positions before the first, from `end` on, or none at all where the constraints were taken away, with their entries.
///
/// # Errors
/// The database fails.
pub fn outside(db: &mut Db<'_>, end: u64) -> Result<Vec<(i64, String)>, Error> {
    use journal_positions::dsl;
    let nowhere = dsl::position.nullable().is_null();
    let range = dsl::position.lt(0).or(dsl::position.ge(place(end)));
    let found = dsl::journal_positions.filter(range.or(nowhere)).order(dsl::position).limit(LISTED);
    let found: Vec<(Option<i64>, Option<String>)> =
        found.select((dsl::position.nullable(), dsl::entry.nullable())).load(db.connection()?)?;
    // What is nowhere would be before all else.
    let outside =
        |(position, entry): (Option<i64>, Option<String>)| (position.unwrap_or(i64::MIN), entry.unwrap_or_default());
    Ok(found.into_iter().map(outside).collect())
}

diesel::alias! {
    const ELSEWHERE: Alias<Elsewhere> = journal_positions as elsewhere;
}

/// Positions from `signed` on whose entry stands elsewhere too. Before that the tree says which entry is whose.
///
/// # Errors
/// The database fails.
pub fn placed_again(db: &mut Db<'_>, signed: u64) -> Result<Vec<(i64, String)>, Error> {
    use journal_positions::dsl;
    let (entry, position) = ELSEWHERE.fields((dsl::entry, dsl::position));
    let again = dsl::journal_positions
        .inner_join(ELSEWHERE.on(entry.eq(dsl::entry).and(position.ne(dsl::position))))
        .filter(dsl::position.ge(place(signed)));
    Ok(again.order(dsl::position).select((dsl::position, dsl::entry)).limit(LISTED).load(db.connection()?)?)
}

/// Tiles that no checkpoint filled: level and number.
///
/// # Errors
/// The database fails.
pub fn unfilled(db: &mut Db<'_>) -> Result<Vec<(i32, i64)>, Error> {
    use journal_tiles::dsl;
    let mut found: Vec<(i32, i64)> = dsl::journal_tiles
        .filter(dsl::level.lt(0).or(dsl::level.gt(7)).or(dsl::number.lt(0)))
        .filter(dsl::level.nullable().is_not_null().and(dsl::number.nullable().is_not_null()))
        .select((dsl::level, dsl::number))
        .limit(LISTED)
        .load(db.connection()?)?;
    for (level, height) in (0..8).zip((8_u32..).step_by(8)) {
        let last: Option<i64> = dsl::journal_tiles
            .filter(dsl::level.eq(level))
            .select(diesel::dsl::max(dsl::number))
            .first(db.connection()?)?;
        let Some(last) = last else { continue };
        // Asked after the tile: whoever filled it signed in the same transaction.
        let size: Option<i64> =
            journal_checkpoints::table.select(diesel::dsl::max(journal_checkpoints::size)).first(db.connection()?)?;
        let size = u64::try_from(size.unwrap_or(0)).unwrap_or(0);
        let filled = place(size.checked_shr(height).unwrap_or(0));
        if last >= filled {
            let beyond = dsl::journal_tiles.filter(dsl::level.eq(level).and(dsl::number.ge(filled)));
            let beyond = beyond.order(dsl::number).select((dsl::level, dsl::number)).limit(LISTED);
            found.extend(beyond.load::<(i32, i64)>(db.connection()?)?);
        }
    }
    Ok(found)
}

/// A row of `journal_cosignatures`: the size it is about, the witness, the line.
pub type CosignatureRow = (i64, String, String);

/// What witnesses said of checkpoints, by size and witness, from the last row of the page before on and without it; each with the note
/// if it is there. Of one size and witness there is one row, unless somebody was at work.
///
/// # Errors
/// The database fails.
pub fn cosignatures(
    db: &mut Db<'_>,
    after: Option<(i64, String)>,
) -> Result<Vec<(CosignatureRow, Option<String>)>, Error> {
    use journal_cosignatures::dsl;
    // One without its key leads nowhere, and is said where such rows are.
    let whole = dsl::size.nullable().is_not_null().and(dsl::witness.nullable().is_not_null());
    let page = dsl::journal_cosignatures.filter(whole).order((dsl::size, dsl::witness));
    let mut page = page.limit(PAGE + 1).into_boxed();
    if let Some((size, witness)) = &after {
        page = page.filter(dsl::size.gt(size).or(dsl::size.eq(size).and(dsl::witness.ge(witness))));
    }
    let columns = (dsl::size, dsl::witness, dsl::line.nullable());
    let rows: Vec<(i64, String, Option<String>)> = page.select(columns).load(db.connection()?)?;
    let mut rows: Vec<CosignatureRow> =
        rows.into_iter().map(|(size, witness, line)| (size, witness, line.unwrap_or_default())).collect();
    if after.is_some_and(|(size, witness)| rows.first().is_some_and(|row| row.0 == size && row.1 == witness)) {
        rows.remove(0);
    }
    let sizes: HashSet<i64> = rows.iter().map(|row| row.0).collect();
    let notes = journal_checkpoints::table.filter(journal_checkpoints::size.eq_any(sizes));
    let notes = notes.select((journal_checkpoints::size, journal_checkpoints::note.nullable()));
    let notes = notes.load::<(i64, Option<String>)>(db.connection()?)?;
    let notes: HashMap<i64, String> = notes.into_iter().filter_map(|(size, note)| Some((size, note?))).collect();
    Ok(rows
        .into_iter()
        .map(|row| {
            let note = notes.get(&row.0).cloned();
            (row, note)
        })
        .collect())
}
