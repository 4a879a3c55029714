//! The journal's rows as they are, for whoever verifies them. Nothing that stands in them is believed, and nothing odd in them stops the
//! reading: what cannot be read is said to be so.

mod checkpoints;
mod misread;
mod strays;
mod told;

pub use checkpoints::*;
pub use misread::*;
pub use strays::*;
pub use told::*;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::result::Error as DieselError;

use super::schema::{journal_entries, journal_positions, journal_sealed, journal_tiles, person_keys};
use super::vault::Place;
use super::{Db, Error};
use crate::domain::Instant;

/// Positions of one batch: a bundle, and the tile above it.
pub const WIDTH: u64 = 256;
/// Rows looked at together where there is no position.
const PAGE: i64 = 2_000;
/// More rows than this that should not be there are not listed.
const LISTED: i64 = 1_000;

/// A row of `journal_entries`.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct EntryRow {
    /// Its key.
    pub id: String,
    /// The copies of fields of the clear part, for filters.
    pub at: chrono::NaiveDateTime,
    /// See `at`.
    pub kind: String,
    /// See `at`.
    pub organisation: Option<String>,
    /// See `at`.
    pub actor: Option<String>,
    /// See `at`.
    pub citizen: Option<String>,
    /// See `at`.
    pub mandate: Option<String>,
    /// See `at`.
    pub client: Option<String>,
    /// The clear part.
    pub clear: Vec<u8>,
    /// The commitment to the sealed part.
    pub commitment: Vec<u8>,
    /// The leaf hash.
    pub leaf: Vec<u8>,
}

/// A row of `journal_sealed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Whose key seals it.
    pub owner: String,
    /// What the commitment is made of, beside the ciphertext.
    pub salt: Vec<u8>,
    /// The sealed part.
    pub ciphertext: Vec<u8>,
    /// The sealed part, opened; nothing if the key is gone.
    pub opened: Option<Result<Vec<u8>, Unopened>>,
}

/// The owner's key is there and does not open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unopened;

/// What stands under one identifier. One row each, unless somebody was at work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stands {
    /// Entries; nothing for a row that cannot be read.
    pub rows: Vec<Option<EntryRow>>,
    /// Sealed parts.
    pub sealed: Vec<SealedRow>,
}

/// What stands at one position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot {
    /// The identifiers that `journal_positions` has for it.
    pub placed: Vec<String>,
    /// What stands under the first of them.
    pub stands: Stands,
}

/// A row of `journal_tiles`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileRow {
    /// The root over it.
    pub root: Vec<u8>,
    /// Its hashes.
    pub hashes: Vec<u8>,
}

/// The tiles under one level and number.
pub type Tiles = Vec<TileRow>;

/// The positions of one bundle, and all that stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// The first position.
    pub first: u64,
    /// By position, without gaps.
    pub slots: Vec<Slot>,
    /// The full tile of leaf hashes.
    pub tile: Tiles,
    /// The tiles of the levels above that end with this bundle: level, number, rows.
    pub above: Vec<(u8, u64, Tiles)>,
}

/// Reads the bundle from `first` on, of a tree of which `signed` leaves are signed; nothing if there is none.
///
/// # Errors
/// The database fails.
pub fn batch(db: &mut Db<'_>, first: u64, signed: u64) -> Result<Option<Batch>, Error> {
    use journal_positions::dsl;
    let range = dsl::position.ge(place(first)).and(dsl::position.lt(place(first.saturating_add(WIDTH))));
    let placed: Vec<(i64, Option<String>)> = dsl::journal_positions
        .filter(range)
        .order(dsl::position)
        .limit(PAGE)
        .select((dsl::position, dsl::entry.nullable()))
        .load(db.connection()?)?;
    let last = placed.last().and_then(|(position, _)| u64::try_from(*position).ok()).map_or(0, |last| last + 1);
    let end = last.max(signed.min(first.saturating_add(WIDTH)));
    if end <= first {
        return Ok(None);
    }
    let ids: Vec<String> = placed.iter().filter_map(|(_, id)| id.clone()).collect();
    let mut stands = standing(db, &ids)?;
    let mut slots = vec![Slot::default(); usize::try_from(end - first).unwrap_or(0)];
    for (position, id) in placed {
        let at = u64::try_from(position).ok().and_then(|at| usize::try_from(at.checked_sub(first)?).ok());
        let Some((slot, id)) = at.and_then(|at| slots.get_mut(at)).zip(id) else { continue };
        if slot.placed.is_empty() {
            slot.stands = stands.remove(&id).unwrap_or_default();
        }
        slot.placed.push(id);
    }
    let number = first / WIDTH;
    let mut above = Vec::new();
    let (mut level, mut ended) = (1, number + 1);
    while ended.is_multiple_of(WIDTH) && level < 8 {
        ended /= WIDTH;
        above.push((level, ended - 1, tiles(db, level, ended - 1)?));
        level += 1;
    }
    Ok(Some(Batch { first, slots, tile: tiles(db, 0, number)?, above }))
}

/// A column as it is where its constraint was taken away.
type Bytes = Option<Vec<u8>>;

fn place(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn tiles(db: &mut Db<'_>, level: u8, number: u64) -> Result<Tiles, Error> {
    use journal_tiles::dsl;
    let wanted = dsl::journal_tiles.filter(dsl::level.eq(i32::from(level)).and(dsl::number.eq(place(number))));
    let columns = (dsl::root.nullable(), dsl::hashes.nullable());
    let rows: Vec<(Bytes, Bytes)> = wanted.select(columns).limit(LISTED).load(db.connection()?)?;
    let row =
        |(root, hashes): (Bytes, Bytes)| TileRow { root: root.unwrap_or_default(), hashes: hashes.unwrap_or_default() };
    Ok(rows.into_iter().map(row).collect())
}

/// What stands under identifiers.
///
/// # Errors
/// The database fails.
pub fn standing(db: &mut Db<'_>, ids: &[String]) -> Result<HashMap<String, Stands>, Error> {
    let mut found: HashMap<String, Stands> = HashMap::new();
    for (id, row) in entry_rows(db, ids)? {
        found.entry(id).or_default().rows.push(row);
    }
    for (id, row) in sealed_rows(db, ids)? {
        found.entry(id).or_default().sealed.push(row);
    }
    Ok(found)
}

const COLUMNS: (
    journal_entries::id,
    journal_entries::at,
    journal_entries::kind,
    journal_entries::organisation,
    journal_entries::actor,
    journal_entries::citizen,
    journal_entries::mandate,
    journal_entries::client,
    journal_entries::clear,
    journal_entries::commitment,
    journal_entries::leaf,
) = (
    journal_entries::id,
    journal_entries::at,
    journal_entries::kind,
    journal_entries::organisation,
    journal_entries::actor,
    journal_entries::citizen,
    journal_entries::mandate,
    journal_entries::client,
    journal_entries::clear,
    journal_entries::commitment,
    journal_entries::leaf,
);

type Identified<T> = Vec<(String, T)>;

fn entry_rows(db: &mut Db<'_>, ids: &[String]) -> Result<Identified<Option<EntryRow>>, Error> {
    let all = journal_entries::table.filter(journal_entries::id.eq_any(ids)).select(COLUMNS);
    match all.load::<EntryRow>(db.connection()?) {
        Ok(rows) => return Ok(rows.into_iter().map(|row| (row.id.clone(), Some(row))).collect()),
        Err(DieselError::DeserializationError(_)) => {}
        Err(other) => return Err(other.into()),
    }
    // SQLite keeps any value in any column: then each row is read by itself.
    let mut found = Vec::new();
    for id in ids {
        let one = journal_entries::table
            .filter(journal_entries::id.eq(id))
            .select(COLUMNS)
            .load::<EntryRow>(db.connection()?);
        match one {
            Ok(rows) => found.extend(rows.into_iter().map(|row| (id.clone(), Some(row)))),
            Err(DieselError::DeserializationError(_)) => found.push((id.clone(), None)),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(found)
}

fn sealed_rows(db: &mut Db<'_>, ids: &[String]) -> Result<Identified<SealedRow>, Error> {
    use journal_sealed::dsl;
    let columns = (dsl::entry, dsl::owner.nullable(), dsl::salt.nullable(), dsl::ciphertext.nullable());
    let rows: Vec<(String, Option<String>, Bytes, Bytes)> =
        dsl::journal_sealed.filter(dsl::entry.eq_any(ids)).select(columns).load(db.connection()?)?;
    let owners: HashSet<&String> = rows.iter().filter_map(|(_, owner, ..)| owner.as_ref()).collect();
    // An auditor's role has no right to keys: nor is one needed, but to see whose part it is.
    let keys: Vec<(String, Vec<u8>)> = if !owners.is_empty() && db.connection()?.may_read("person_keys")? {
        let theirs = person_keys::table.filter(person_keys::owner.eq_any(owners));
        theirs.select((person_keys::owner, person_keys::wrapped)).load(db.connection()?)?
    } else {
        Vec::new()
    };
    let unwrapped = keys.into_iter().filter_map(|(owner, key)| Some((db.vault.unwrap_key(&owner, &key).ok()?, owner)));
    let keys: HashMap<String, _> = unwrapped.map(|(key, owner)| (owner, key)).collect();
    let open = |(entry, owner, salt, ciphertext): (String, Option<String>, Bytes, Bytes)| {
        let (owner, ciphertext) = (owner.unwrap_or_default(), ciphertext.unwrap_or_default());
        let at = Place { table: "journal_sealed", column: "ciphertext", row: &entry };
        let opened = keys.get(&owner).map(|key| db.vault.open(key, at, &ciphertext));
        let opened = opened.map(|opened| opened.map(|plain| plain.to_vec()).map_err(|_| Unopened));
        (entry, SealedRow { owner, salt: salt.unwrap_or_default(), ciphertext, opened })
    };
    Ok(rows.into_iter().map(open).collect())
}

/// When a row says that something was.
#[must_use]
pub fn instant(at: chrono::NaiveDateTime) -> Instant {
    super::read_back(at)
}
