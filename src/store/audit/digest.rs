//! Filling the copy: off the way of those who write, some entries at a time, each exactly once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::prelude::*;

use super::{CHANCE, Field, numbered, wanted};
use crate::domain::event::Kind;
use crate::domain::id::EntryId;
use crate::domain::{Instant, civil};
use crate::store::db::insert_all;
use crate::store::schema::{journal_days, journal_digest, journal_entries, journal_search};
use crate::store::{Db, Error, Store, Tx};

/// Entries of one transaction: on SQLite nobody else writes meanwhile.
const BATCH: usize = 500;
/// Identifiers looked at together.
const LOOKED_AT: i64 = 2_000;
/// How long after its instant an entry may become visible: a statement, a lock and an idle transaction are given up well before.
const LATE: TimeDelta = TimeDelta::seconds(60);
/// Batches that a reader waits for.
const WAITED_FOR: usize = 4;

type Row = (
    String,
    chrono::NaiveDateTime,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Vec<u8>,
);

/// Brings the copy up to date for a reader, unless it is far behind: the header of the page says how far it is.
///
/// # Errors
/// The database fails.
pub async fn catch_up(store: &Store, now: Instant) -> Result<(), Error> {
    for _ in 0..WAITED_FOR {
        if store.write(move |tx| digest(tx, now)).await? < BATCH {
            break;
        }
    }
    Ok(())
}

/// Copies the next entries; answers how many. Fewer than a batch: there are no more.
///
/// # Errors
/// The database fails.
pub fn digest(tx: &mut Tx<'_>, now: Instant) -> Result<usize, Error> {
    // Two nodes take turns.
    tx.connection()?.lock("journal_search")?;
    let settled: String = journal_digest::table.select(journal_digest::settled).first(tx.connection()?)?;
    let late = EntryId::new(now - LATE, 0).to_string();
    let (mut after, mut missing, mut reached) = (settled.clone(), Vec::new(), settled.clone());
    loop {
        let ids = following(tx, &after)?;
        let known = known_among(tx, &ids)?;
        for id in &ids {
            if !known.contains(id) {
                missing.push(id.clone());
            }
            if missing.len() == BATCH {
                break;
            }
            reached.clone_from(id);
        }
        let Some(last) = ids.last() else { break };
        if missing.len() == BATCH || ids.len() < usize::try_from(LOOKED_AT).unwrap_or(usize::MAX) {
            break;
        }
        after.clone_from(last);
    }
    if let Some(last) = missing.last() {
        copy(tx, &missing)?;
        reached = reached.max(last.clone());
    }
    // What is younger than `late` may yet be followed by an entry that comes before it.
    let reached = reached.min(late).max(settled.clone());
    if reached != settled {
        diesel::update(journal_digest::table).set(journal_digest::settled.eq(reached)).execute(tx.connection()?)?;
    }
    Ok(missing.len())
}

fn following(db: &mut Db<'_>, after: &str) -> Result<Vec<String>, Error> {
    use journal_entries::dsl;
    let query = dsl::journal_entries.filter(dsl::id.gt(after)).order(dsl::id.asc()).limit(LOOKED_AT);
    Ok(query.select(dsl::id).load(db.connection()?)?)
}

fn known_among(db: &mut Db<'_>, ids: &[String]) -> Result<BTreeSet<String>, Error> {
    use journal_search::dsl;
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(BTreeSet::new()) };
    let (from, to) = ((wanted(first)? >> CHANCE) << CHANCE, ((wanted(last)? >> CHANCE) + 1) << CHANCE);
    let query = dsl::journal_search.filter(dsl::n.ge(from).and(dsl::n.lt(to))).select(dsl::entry);
    Ok(query.load::<String>(db.connection()?)?.into_iter().collect())
}

/// The words of an entry.
fn words(row: &Row) -> BTreeMap<Field, String> {
    let (_, _, kind, organisation, actor, citizen, mandate, client, clear) = row;
    let clear: BTreeMap<String, String> = serde_json::from_slice(clear).unwrap_or_default();
    let all = [
        (Field::Kind, Some(kind)),
        (Field::Organisation, organisation.as_ref()),
        (Field::Actor, actor.as_ref()),
        (Field::Citizen, citizen.as_ref()),
        (Field::Mandate, mandate.as_ref()),
        (Field::Client, client.as_ref()),
        (Field::Procedure, clear.get("procedure")),
    ];
    all.into_iter().filter_map(|(field, value)| Some((field, field.term(value?)))).collect()
}

fn copy(tx: &mut Tx<'_>, ids: &[String]) -> Result<(), Error> {
    use journal_entries::dsl;
    let columns = (
        dsl::id,
        dsl::at,
        dsl::kind,
        dsl::organisation,
        dsl::actor,
        dsl::citizen,
        dsl::mandate,
        dsl::client,
        dsl::clear,
    );
    let query = dsl::journal_entries.filter(dsl::id.eq_any(ids)).order(dsl::id.asc());
    let rows: Vec<Row> = query.select(columns).load(tx.connection()?)?;
    let words: Vec<_> = rows.iter().map(words).collect();
    let numbers = numbered(tx, &words.iter().flat_map(|of| of.values().cloned()).collect())?;
    let number = |of: &BTreeMap<Field, String>, field| of.get(&field).and_then(|term| numbers.get(term)).copied();
    let mut taken = places_taken(tx, ids)?;
    let mut days: BTreeMap<(i32, i32, i32), i64> = BTreeMap::new();
    let mut search = Vec::new();
    for (row, of) in rows.iter().zip(&words) {
        let mut n = wanted(&row.0)?;
        // Two entries of one millisecond whose chance is the same in its last bits.
        while !taken.insert(n) {
            n += 1;
        }
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

/// Places in the milliseconds of these entries that others have.
fn places_taken(db: &mut Db<'_>, ids: &[String]) -> Result<BTreeSet<i64>, Error> {
    use journal_search::dsl;
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(BTreeSet::new()) };
    let (from, to) = ((wanted(first)? >> CHANCE) << CHANCE, ((wanted(last)? >> CHANCE) + 2) << CHANCE);
    let query = dsl::journal_search.filter(dsl::n.ge(from).and(dsl::n.lt(to))).select(dsl::n);
    Ok(query.load::<i64>(db.connection()?)?.into_iter().collect())
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
