//! The tree over the journal's entries: positions, full tiles, checkpoints. Nothing here is ever changed.

mod holder;

use diesel::prelude::*;
pub use holder::{Holder, hold, holder};

use super::schema::{
    journal_checkpoints, journal_cosignatures, journal_entries, journal_pending, journal_positions, journal_tiles,
};
use super::{Beside, Db, Error, Store, Tx, read_back, stored};
use crate::domain::Instant;
use crate::domain::id::EntryId;
use crate::journal::leaf::{self, Hash};
use crate::journal::tile::{Row, Tile, WIDTH};
use crate::journal::{bundle, tile, tree};

impl Store {
    /// Whether other processes may have the database too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.0.beside, Beside::Probe(_))
    }
}

/// Notes of checkpoints read at once.
const NOTES: i64 = 1_000;

/// A signed tree, as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// When it was signed.
    pub at: Instant,
    /// The signed note.
    pub note: String,
}

type Columns = (i64, Vec<u8>, chrono::NaiveDateTime, String);

impl TryFrom<Columns> for Published {
    type Error = Error;
    fn try_from((size, root, at, note): Columns) -> Result<Self, Error> {
        Ok(Self { size: count(size)?, root: hash(&root)?, at: read_back(at), note })
    }
}

fn count(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| Error::Corrupt("a position"))
}

fn number(count: u64) -> Result<i64, Error> {
    i64::try_from(count).map_err(|_| Error::Corrupt("a position"))
}

fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    bytes.try_into().map_err(|_| Error::Corrupt("a hash"))
}

/// Whether an entry waits for its position.
///
/// # Errors
/// The database fails.
pub fn anything_pending(db: &mut Db<'_>) -> Result<bool, Error> {
    let first: Option<String> =
        journal_pending::table.select(journal_pending::entry).limit(1).first(db.connection()?).optional()?;
    Ok(first.is_some())
}

/// Entries without a position, counted as far as `limit`.
///
/// # Errors
/// The database fails.
pub fn pending(db: &mut Db<'_>, limit: i64) -> Result<u64, Error> {
    let some: Vec<String> =
        journal_pending::table.select(journal_pending::entry).limit(limit).load(db.connection()?)?;
    u64::try_from(some.len()).map_err(|_| Error::Corrupt("a number of rows"))
}

/// Gives the next positions to entries that wait, the earliest identifiers first, `limit` at most; answers how many.
///
/// Every committed entry is in `journal_pending` until it has its position, so that none is passed by, however late its transaction
/// was committed.
///
/// # Errors
/// The database fails.
pub fn give_positions(tx: &mut Tx<'_>, limit: i64) -> Result<usize, Error> {
    tx.connection()?.lock("journal_sequencer")?;
    let next = number(given(tx)?)?;
    // Numbers of ours, written out: a plan made without them would read the whole table.
    let place = format!(
        "insert into journal_positions (position, entry) \
         select {next} - 1 + row_number() over (order by entry), entry \
         from (select entry from journal_pending order by entry limit {limit}) as next"
    );
    let given = diesel::sql_query(place).execute(tx.connection()?)?;
    if given > 0 {
        let end = next.saturating_add(limit);
        let placed = format!("select entry from journal_positions where position >= {next} and position < {end}");
        diesel::sql_query(format!("delete from journal_pending where entry in ({placed})"))
            .execute(tx.connection()?)?;
    }
    Ok(given)
}

/// How many positions were given.
///
/// # Errors
/// The database fails.
pub fn given(db: &mut Db<'_>) -> Result<u64, Error> {
    let last: Option<i64> =
        journal_positions::table.select(diesel::dsl::max(journal_positions::position)).first(db.connection()?)?;
    last.map_or(Ok(0), |last| count(last).map(|last| last + 1))
}

/// The position of an entry, if it has one yet.
///
/// # Errors
/// The database fails.
pub fn position(db: &mut Db<'_>, entry: &EntryId) -> Result<Option<u64>, Error> {
    use journal_positions::dsl;
    let found: Option<i64> = dsl::journal_positions
        .filter(dsl::entry.eq(entry.as_str()))
        .select(dsl::position)
        .first(db.connection()?)
        .optional()?;
    found.map(count).transpose()
}

/// The leaves from a position on, `limit` at most, each computed from its entry.
///
/// # Errors
/// A position is missing, an entry is not what its hash says, or the database fails.
pub fn leaves(db: &mut Db<'_>, from: u64, limit: i64) -> Result<Vec<Hash>, Error> {
    let rows = entries(db, from, limit)?;
    rows.iter()
        .map(|(clear, commitment, kept)| {
            let leaf = leaf::leaf_hash(clear, &hash(commitment)?);
            if leaf.as_slice() == kept { Ok(leaf) } else { Err(Error::Corrupt("journal_entries.leaf")) }
        })
        .collect()
}

/// An entry as it is kept: clear part, commitment, leaf.
type Kept = (Vec<u8>, Vec<u8>, Vec<u8>);

/// Entries from a position on, without a gap.
fn entries(db: &mut Db<'_>, from: u64, limit: i64) -> Result<Vec<Kept>, Error> {
    let first = number(from)?;
    let rows: Vec<(i64, Kept)> = journal_positions::table
        .inner_join(journal_entries::table.on(journal_entries::id.eq(journal_positions::entry)))
        .filter(journal_positions::position.ge(first).and(journal_positions::position.lt(first.saturating_add(limit))))
        .order(journal_positions::position)
        // So that the plan is to look each of them up, not to read both tables.
        .limit(limit)
        .select((
            journal_positions::position,
            (journal_entries::clear, journal_entries::commitment, journal_entries::leaf),
        ))
        .load(db.connection()?)?;
    let whole = rows.iter().zip(first..).all(|((position, _), expected)| *position == expected);
    if !whole {
        return Err(Error::Corrupt("journal_positions.position"));
    }
    Ok(rows.into_iter().map(|(_, kept)| kept).collect())
}

/// The last checkpoint.
///
/// # Errors
/// The database fails.
pub fn latest(db: &mut Db<'_>) -> Result<Option<Published>, Error> {
    use journal_checkpoints::dsl;
    let columns = (dsl::size, dsl::root, dsl::at, dsl::note);
    let row: Option<Columns> =
        journal_checkpoints::table.order(dsl::size.desc()).select(columns).first(db.connection()?).optional()?;
    row.map(Published::try_from).transpose()
}

/// Leaves under the newest checkpoint of which the note is one that is asked for.
///
/// # Errors
/// The database fails.
pub fn newest(db: &mut Db<'_>, wanted: impl Fn(&str) -> bool) -> Result<Option<u64>, Error> {
    use journal_checkpoints::dsl;
    let mut below = i64::MAX;
    loop {
        let next = dsl::journal_checkpoints.filter(dsl::size.lt(below)).order(dsl::size.desc()).limit(NOTES);
        let notes: Vec<(i64, String)> = next.select((dsl::size, dsl::note)).load(db.connection()?)?;
        if let Some((size, _)) = notes.iter().find(|(_, note)| wanted(note)) {
            return count(*size).map(Some);
        }
        match notes.last() {
            Some((size, _)) => below = *size,
            None => return Ok(None),
        }
    }
}

/// The signatures of witnesses under a checkpoint, a line each.
///
/// # Errors
/// The database fails.
pub fn cosignatures(db: &mut Db<'_>, size: u64) -> Result<Vec<String>, Error> {
    use journal_cosignatures::dsl;
    let lines = dsl::journal_cosignatures.filter(dsl::size.eq(number(size)?)).order(dsl::witness).select(dsl::line);
    Ok(lines.load(db.connection()?)?)
}

/// Publishes a checkpoint after the one of `base` leaves, and the tiles that it filled.
///
/// # Errors
/// [`Error::Conflict`] if another one was published meanwhile, or this one is older than the last; or the database fails.
pub fn publish(tx: &mut Tx<'_>, base: u64, full: &[(Tile, Vec<Hash>)], next: &Published) -> Result<(), Error> {
    tx.connection()?.lock("journal_sequencer")?;
    let last = latest(tx)?;
    let follows = last.as_ref().map_or(0, |last| last.size) == base && last.is_none_or(|last| last.at <= next.at);
    if !follows || next.size <= base {
        return Err(Error::Conflict);
    }
    for (full, hashes) in full {
        let Row::Hashes(level) = full.row else { continue };
        let root = tree::fold(hashes).map_err(|_| Error::Corrupt("a tile"))?;
        diesel::insert_into(journal_tiles::table)
            .values((
                journal_tiles::level.eq(i32::from(level)),
                journal_tiles::number.eq(number(full.index)?),
                journal_tiles::root.eq(root.as_slice()),
                journal_tiles::hashes.eq(hashes.concat()),
            ))
            .execute(tx.connection()?)?;
    }
    diesel::insert_into(journal_checkpoints::table)
        .values((
            journal_checkpoints::size.eq(number(next.size)?),
            journal_checkpoints::root.eq(next.root.as_slice()),
            journal_checkpoints::at.eq(stored(next.at)),
            journal_checkpoints::note.eq(&next.note),
            journal_checkpoints::previous.eq(number(base)?),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

/// A tile of hashes, or a bundle of entries, cut to its width. Whether that much was published already is for the caller to know.
///
/// # Errors
/// [`Error::NotFound`] if there is not so much of it; or a row is not what it should be, or the database fails.
pub fn tile(db: &mut Db<'_>, wanted: Tile) -> Result<Vec<u8>, Error> {
    let width = i64::from(wanted.width);
    let first = wanted.index.checked_mul(u64::from(WIDTH)).ok_or(Error::NotFound)?;
    let Row::Hashes(level) = wanted.row else {
        let rows = entries(db, first, width)?;
        let mut bytes = Vec::new();
        for (clear, commitment, _) in &rows {
            bundle::append(&mut bytes, clear, &hash(commitment)?)
                .map_err(|_| Error::Corrupt("journal_entries.clear"))?;
        }
        return if rows.len() == usize::from(wanted.width) { Ok(bytes) } else { Err(Error::NotFound) };
    };
    let kept: Option<Vec<u8>> = journal_tiles::table
        .find((i32::from(level), number(wanted.index)?))
        .select(journal_tiles::hashes)
        .first(db.connection()?)
        .optional()?;
    let mut bytes = match (kept, level.checked_sub(1)) {
        (Some(bytes), _) => bytes,
        (None, None) => leaves(db, first, width)?.concat(),
        (None, Some(below)) => {
            let first = number(first)?;
            let roots: Vec<Vec<u8>> = journal_tiles::table
                .filter(journal_tiles::level.eq(i32::from(below)))
                .filter(journal_tiles::number.ge(first).and(journal_tiles::number.lt(first.saturating_add(width))))
                .order(journal_tiles::number)
                .select(journal_tiles::root)
                .load(db.connection()?)?;
            roots.concat()
        }
    };
    bytes.truncate(usize::from(wanted.width) * size_of::<Hash>());
    tile::hashes(&bytes, wanted.width).map_err(|_| Error::NotFound)?;
    Ok(bytes)
}
