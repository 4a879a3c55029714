//! Filling the copy: off the way of those who write, some entries at a time, each exactly once.
//!
//! What has a position is followed by its position, so that none is passed by, however late it became visible. What waits for one is
//! copied too, so that an auditor sees what has just happened.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::copy::words;
use super::{CHANCE, Field, numbered, wanted};
use crate::domain::event::Kind;
use crate::domain::id::EntryId;
use crate::domain::{Instant, civil};
use crate::store::db::insert_all;
use crate::store::schema::{
    journal_days, journal_digest, journal_entries, journal_pending, journal_positions, journal_search,
};
use crate::store::{Db, Error, Store, Tx};

/// Entries of one transaction: on SQLite nobody else writes meanwhile.
const BATCH: usize = 500;
/// Identifiers looked at together.
const LOOKED_AT: i64 = 2_000;
/// How long after its instant an entry may begin to wait for its position: a statement, a lock and an idle transaction are given up well
/// before. One that is later still is copied as soon as it has its position.
const LATE: TimeDelta = TimeDelta::seconds(60);
/// Batches that a reader waits for.
const WAITED_FOR: usize = 4;

type Row = (String, chrono::NaiveDateTime, Vec<u8>);

/// How far the copy goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reached {
    /// Every entry before this position is in it.
    pub(super) position: i64,
    /// And of those that wait for a position, every one up to this identifier that was visible in time.
    pub(super) waiting: String,
}

impl Reached {
    pub(super) fn read(db: &mut Db<'_>) -> Result<Self, Error> {
        let settled: Option<String> =
            journal_digest::table.select(journal_digest::settled.nullable()).first(db.connection()?)?;
        let settled = settled.ok_or(Error::Corrupt("journal_digest.settled"))?;
        // No position: a copy that never followed them begins with the first.
        let (position, waiting) = settled.split_once(' ').unwrap_or(("0", settled.as_str()));
        let position = position.parse().map_err(|_| Error::Corrupt("journal_digest.settled"))?;
        Ok(Self { position, waiting: waiting.to_owned() })
    }

    fn keep(&self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let settled = format!("{} {}", self.position, self.waiting);
        diesel::update(journal_digest::table).set(journal_digest::settled.eq(settled)).execute(tx.connection()?)?;
        Ok(())
    }
}

/// What one transaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digested {
    /// Entries copied.
    pub copied: usize,
    /// Whether there may be more.
    pub more: bool,
}

/// Brings the copy up to date for a reader, unless it is far behind: the header of the page says how far it is.
///
/// # Errors
/// The database fails.
pub async fn catch_up(store: &Store, now: Instant) -> Result<(), Error> {
    for _ in 0..WAITED_FOR {
        if !store.write(move |tx| digest(tx, now)).await?.more {
            break;
        }
    }
    Ok(())
}

/// Copies the next entries.
///
/// # Errors
/// The database fails.
pub fn digest(tx: &mut Tx<'_>, now: Instant) -> Result<Digested, Error> {
    // Two nodes take turns.
    tx.connection()?.lock("journal_search")?;
    let before = Reached::read(tx)?;
    let mut reached = before.clone();
    let mut missing = Vec::new();
    let mut more = placed(tx, &mut reached, &mut missing)?;
    if !more {
        more = waiting(tx, &mut reached, &mut missing, now)?;
    }
    if !missing.is_empty() {
        copy(tx, &missing)?;
    }
    if reached != before {
        reached.keep(tx)?;
    }
    Ok(Digested { copied: missing.len(), more })
}

/// Finds what is missing among the entries with the next positions; true if there may be more.
fn placed(db: &mut Db<'_>, reached: &mut Reached, missing: &mut Vec<String>) -> Result<bool, Error> {
    use journal_positions::dsl;
    // Positions are given one transaction after the other, without gaps: none comes later before these.
    let query = dsl::journal_positions.filter(dsl::position.ge(reached.position)).order(dsl::position).limit(LOOKED_AT);
    let next: Vec<(i64, String)> = query.select((dsl::position, dsl::entry)).load(db.connection()?)?;
    let known = known_among(db, next.iter().map(|(_, id)| id))?;
    let full = next.len() == usize::try_from(LOOKED_AT).unwrap_or(usize::MAX);
    for (position, id) in next {
        if !known.contains(&id) {
            if missing.len() == BATCH {
                return Ok(true);
            }
            missing.push(id);
        }
        reached.position = position + 1;
    }
    Ok(full)
}

/// Finds what is missing among the entries that wait for a position; true if there may be more.
fn waiting(db: &mut Db<'_>, reached: &mut Reached, missing: &mut Vec<String>, now: Instant) -> Result<bool, Error> {
    use journal_pending::dsl;
    let late = EntryId::new(now - LATE, 0).to_string();
    let (before, mut after, mut more) = (reached.waiting.clone(), reached.waiting.clone(), true);
    while more {
        let query = dsl::journal_pending.filter(dsl::entry.gt(&after)).order(dsl::entry.asc()).limit(LOOKED_AT);
        let next: Vec<String> = query.select(dsl::entry).load(db.connection()?)?;
        let known = known_among(db, next.iter())?;
        more = next.len() == usize::try_from(LOOKED_AT).unwrap_or(usize::MAX);
        for id in next {
            if !known.contains(&id) {
                if missing.len() == BATCH {
                    // What is younger than `late` may yet be followed by an entry that comes before it.
                    reached.waiting = after.min(late).max(before);
                    return Ok(true);
                }
                missing.push(id.clone());
            }
            after = id;
        }
    }
    reached.waiting = after.min(late).max(before);
    Ok(false)
}

/// Those of these entries that are in the copy.
fn known_among<'i>(db: &mut Db<'_>, ids: impl Iterator<Item = &'i String>) -> Result<BTreeSet<String>, Error> {
    use journal_search::dsl;
    let ids: Vec<&String> = ids.collect();
    let places = ids.iter().map(|id| wanted(id)).collect::<Result<Vec<_>, _>>()?;
    let query = dsl::journal_search.filter(dsl::n.eq_any(&places)).select((dsl::n, dsl::entry));
    let there: BTreeMap<i64, String> = query.load::<(i64, String)>(db.connection()?)?.into_iter().collect();
    let mut known = BTreeSet::new();
    for (id, place) in ids.into_iter().zip(places) {
        // Somebody else's place: if this one is there, it had to step aside.
        if there.get(&place).is_some_and(|entry| entry == id)
            || (there.contains_key(&place) && beside(db, place)?.values().any(|entry| entry == id))
        {
            known.insert(id.clone());
        }
    }
    Ok(known)
}

/// The places taken in the millisecond of a place, and by whom.
pub(super) fn beside(db: &mut Db<'_>, place: i64) -> Result<BTreeMap<i64, String>, Error> {
    use journal_search::dsl;
    let from = (place >> CHANCE) << CHANCE;
    // And those of the next, which the last ones of this may have.
    let query = dsl::journal_search.filter(dsl::n.ge(from).and(dsl::n.lt(from + (2 << CHANCE))));
    // One of nobody takes its place all the same.
    let taken = query.select((dsl::n, dsl::entry.nullable())).load::<(i64, Option<String>)>(db.connection()?)?;
    Ok(taken.into_iter().map(|(n, entry)| (n, entry.unwrap_or_default())).collect())
}

fn copy(tx: &mut Tx<'_>, ids: &[String]) -> Result<(), Error> {
    use journal_entries::dsl;
    let query = dsl::journal_entries.filter(dsl::id.eq_any(ids)).order(dsl::id.asc());
    let rows: Vec<Row> = query.select((dsl::id, dsl::at, dsl::clear)).load(tx.connection()?)?;
    let words: Vec<_> = rows.iter().map(|(_, _, clear)| words(clear)).collect();
    let numbers = numbered(tx, &words.iter().flat_map(|of| of.values().cloned()).collect())?;
    let number = |of: &BTreeMap<Field, String>, field| of.get(&field).and_then(|term| numbers.get(term)).copied();
    let mut places = Places::of(tx, ids)?;
    let mut days: BTreeMap<(i32, i32, i32), i64> = BTreeMap::new();
    let mut search = Vec::new();
    for (row, of) in rows.iter().zip(&words) {
        let n = places.take(tx, &row.0)?;
        let kind = number(of, Field::Kind).ok_or(Error::Corrupt("journal_terms"))?;
        let day = civil::day(row.1.and_utc(), civil::FIGURES);
        let counted = [Field::Organisation, Field::Actor, Field::Client, Field::Procedure];
        for term in counted.into_iter().filter_map(|field| number(of, field)).chain([0]) {
            *days.entry((term, day, kind)).or_default() += 1;
        }
        search.push((
            journal_search::n.eq(n),
            journal_search::entry.eq(row.0.clone()),
            journal_search::kind.eq(kind),
            journal_search::organisation.eq(number(of, Field::Organisation)),
            journal_search::actor.eq(number(of, Field::Actor)),
            journal_search::citizen.eq(number(of, Field::Citizen)),
            journal_search::mandate.eq(number(of, Field::Mandate)),
            journal_search::client.eq(number(of, Field::Client)),
            journal_search::procedure.eq(number(of, Field::Procedure)),
        ));
    }
    insert_all!(tx.connection()?, journal_search::table, search);
    count(tx, days)
}

/// Places in the copy, and who may still have one.
struct Places {
    taken: BTreeSet<i64>,
    /// Milliseconds of which all that are taken are known.
    whole: BTreeSet<i64>,
}

impl Places {
    /// Those that these entries ask for.
    fn of(db: &mut Db<'_>, ids: &[String]) -> Result<Self, Error> {
        use journal_search::dsl;
        let places = ids.iter().map(|id| wanted(id)).collect::<Result<Vec<_>, _>>()?;
        let taken: Vec<i64> =
            dsl::journal_search.filter(dsl::n.eq_any(places)).select(dsl::n).load(db.connection()?)?;
        Ok(Self { taken: taken.into_iter().collect(), whole: BTreeSet::new() })
    }

    /// The place of an entry: the one it asks for, or one beside it.
    fn take(&mut self, db: &mut Db<'_>, id: &str) -> Result<i64, Error> {
        let mut n = wanted(id)?;
        // Two entries of one millisecond whose chance is the same in its first bits.
        while !self.taken.insert(n) {
            if self.whole.insert(n >> CHANCE) {
                self.taken.extend(beside(db, n)?.into_keys());
            }
            n += 1;
        }
        Ok(n)
    }
}

fn count(tx: &mut Tx<'_>, days: BTreeMap<(i32, i32, i32), i64>) -> Result<(), Error> {
    use journal_days::dsl;
    for ((term, day, kind), more) in days {
        let row = dsl::journal_days.find((term, day, kind));
        let changed = diesel::update(row).set(dsl::entries.eq(dsl::entries + more)).execute(tx.connection()?)?;
        if changed == 0 {
            let new = (dsl::term.eq(term), dsl::day.eq(day), dsl::kind.eq(kind), dsl::entries.eq(more));
            diesel::insert_into(dsl::journal_days).values(new).execute(tx.connection()?)?;
        }
    }
    Ok(())
}

/// Every kind's number, for those that were met.
pub(super) fn kinds(db: &mut Db<'_>) -> Result<BTreeMap<i32, Kind>, Error> {
    use crate::store::schema::journal_terms::dsl;
    let codes = Kind::ALL.iter().map(|kind| Field::Kind.term(kind.code()));
    let found: Vec<(i32, String)> =
        dsl::journal_terms.filter(dsl::term.eq_any(codes)).select((dsl::number, dsl::term)).load(db.connection()?)?;
    let kind = |term: &str| Kind::from_code(term.trim_start_matches(Field::Kind.prefix()));
    Ok(found.into_iter().filter_map(|(number, term)| kind(&term).map(|kind| (number, kind))).collect())
}
