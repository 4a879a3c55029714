//! How many entries of each kind on each day.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::digest::kinds;
use super::searching::matching;
use super::{Field, Search, number, numbers};
use crate::domain::civil;
use crate::domain::event::Kind;
use crate::store::schema::{journal_days, journal_search};
use crate::store::{Db, Error, read_back};

/// Entries of one person that are counted one by one.
const OF_A_PERSON: i64 = 20_000;

/// Entries of one kind on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// The day, counted as in [`civil`].
    pub day: i32,
    /// The kind.
    pub kind: Kind,
    /// How many.
    pub entries: u64,
}

/// The entries of each day from `first` to `last`, in all or of one word. An organisation, actor, client or procedure has figures of its
/// own; the entries of a person or of a mandate are few, and counted.
///
/// # Errors
/// The database fails.
pub fn tallies(db: &mut Db<'_>, of: Option<(Field, &str)>, first: i32, last: i32) -> Result<Vec<Tally>, Error> {
    match of {
        Some((field @ (Field::Citizen | Field::Mandate), value)) => counted(db, field, value, first, last),
        None => kept(db, 0, first, last),
        Some((field, value)) => match number(db, &field.term(value))? {
            Some(term) => kept(db, term, first, last),
            None => Ok(Vec::new()),
        },
    }
}

fn kept(db: &mut Db<'_>, term: i32, first: i32, last: i32) -> Result<Vec<Tally>, Error> {
    use journal_days::dsl;
    let kinds = kinds(db)?;
    let rows: Vec<(i32, i32, i64)> = dsl::journal_days
        .filter(dsl::term.eq(term).and(dsl::day.between(first, last)))
        .order((dsl::day.asc(), dsl::kind.asc()))
        .select((dsl::day, dsl::kind, dsl::entries))
        .load(db.connection()?)?;
    let tally = |(day, kind, entries): (i32, i32, i64)| {
        Some(Tally { day, kind: *kinds.get(&kind)?, entries: u64::try_from(entries).ok()? })
    };
    Ok(rows.into_iter().filter_map(tally).collect())
}

fn counted(db: &mut Db<'_>, field: Field, value: &str, first: i32, last: i32) -> Result<Vec<Tally>, Error> {
    use journal_search::dsl;
    let search = Search {
        from: Some(civil::begins(first, civil::FIGURES)),
        until: Some(civil::begins(last.saturating_add(1), civil::FIGURES)),
        with: BTreeMap::from([(field, value.to_owned())]),
    };
    let Some(fields) = numbers(db, &search)? else { return Ok(Vec::new()) };
    let kinds = kinds(db)?;
    let query = matching(&search, &fields).order(dsl::n.desc()).limit(OF_A_PERSON);
    let rows: Vec<(i64, i32)> = query.select((dsl::n, dsl::kind)).load(db.connection()?)?;
    let mut days: BTreeMap<(i32, Kind), u64> = BTreeMap::new();
    for (n, kind) in rows {
        let at = chrono::DateTime::from_timestamp_millis(n >> super::CHANCE).unwrap_or_default();
        if let Some(kind) = kinds.get(&kind) {
            *days.entry((civil::day(read_back(at.naive_utc()), civil::FIGURES), *kind)).or_default() += 1;
        }
    }
    Ok(days.into_iter().map(|((day, kind), entries)| Tally { day, kind, entries }).collect())
}
