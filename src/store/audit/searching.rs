//! The entries that match: an index leads to their places, and the places to the entries.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{CHANCE, Field, Part, Search, beginning, numbers, wanted};
use crate::domain::id::EntryId;
use crate::store::db::MultiBackend;
use crate::store::journal::{self, Entry};
use crate::store::schema::journal_search;
use crate::store::{Db, Error};

/// Identifiers read at once.
const TOGETHER: usize = 500;

/// How many of the fields an index leads by: one where few entries have it, else two. The fields come in the order of [`Field`].
fn led_by(fields: &[(Field, i32)]) -> usize {
    match fields.first() {
        None => 0,
        Some((Field::Mandate | Field::Citizen, _)) => 1,
        Some(_) => fields.len().min(2),
    }
}

type Matching<'q> = journal_search::BoxedQuery<'q, MultiBackend>;

pub(super) fn matching<'q>(search: &Search, fields: &[(Field, i32)]) -> Matching<'q> {
    use journal_search::dsl;
    let mut query = dsl::journal_search.into_boxed();
    if let Some(from) = search.from {
        query = query.filter(dsl::n.ge(beginning(from)));
    }
    if let Some(until) = search.until {
        query = query.filter(dsl::n.lt(beginning(until)));
    }
    let lead = led_by(fields);
    for (at, (field, number)) in fields.iter().enumerate() {
        // A column with something added to it is in no index: the database cannot choose another one than meant.
        query = match (field, at < lead) {
            (Field::Mandate, true) => query.filter(dsl::mandate.eq(*number)),
            (Field::Citizen, true) => query.filter(dsl::citizen.eq(*number)),
            (Field::Actor, true) => query.filter(dsl::actor.eq(*number)),
            (Field::Client, true) => query.filter(dsl::client.eq(*number)),
            (Field::Procedure, true) => query.filter(dsl::procedure.eq(*number)),
            (Field::Organisation, true) => query.filter(dsl::organisation.eq(*number)),
            (Field::Kind, true) => query.filter(dsl::kind.eq(*number)),
            (Field::Mandate, false) => query.filter((dsl::mandate + 0).eq(*number)),
            (Field::Citizen, false) => query.filter((dsl::citizen + 0).eq(*number)),
            (Field::Actor, false) => query.filter((dsl::actor + 0).eq(*number)),
            (Field::Client, false) => query.filter((dsl::client + 0).eq(*number)),
            (Field::Procedure, false) => query.filter((dsl::procedure + 0).eq(*number)),
            (Field::Organisation, false) => query.filter((dsl::organisation + 0).eq(*number)),
            (Field::Kind, false) => query.filter((dsl::kind + 0).eq(*number)),
        };
    }
    query
}

/// The place of an entry; that which its identifier asks for, if it has none.
fn place(db: &mut Db<'_>, entry: &EntryId) -> Result<i64, Error> {
    use journal_search::dsl;
    let wanted = wanted(entry.as_str())?;
    let millisecond = (wanted >> CHANCE) << CHANCE;
    let found = dsl::journal_search
        .filter(dsl::n.ge(millisecond).and(dsl::n.lt(millisecond + (1 << CHANCE))))
        .filter(dsl::entry.eq(entry.as_str()))
        .select(dsl::n)
        .first(db.connection()?)
        .optional()?;
    Ok(found.unwrap_or(wanted))
}

/// Entries that match, at most `limit`, newest first (oldest first with [`Part::Forward`]).
///
/// # Errors
/// The database fails.
pub fn page(db: &mut Db<'_>, search: &Search, part: &Part, limit: i64) -> Result<Vec<Entry>, Error> {
    let places = places(db, search, part, limit)?;
    let mut found = journal::placed(db, &places)?;
    Ok(places.iter().filter_map(|place| found.remove(place)).collect())
}

/// The identifiers of [`page`].
///
/// # Errors
/// The database fails.
pub fn identifiers(db: &mut Db<'_>, search: &Search, part: &Part, limit: i64) -> Result<Vec<String>, Error> {
    use journal_search::dsl;
    let places = places(db, search, part, limit)?;
    let mut found = Vec::with_capacity(places.len());
    for some in places.chunks(TOGETHER) {
        let rows = dsl::journal_search.filter(dsl::n.eq_any(some)).select((dsl::n, dsl::entry));
        let mut rows: HashMap<i64, String> = rows.load(db.connection()?)?.into_iter().collect();
        found.extend(some.iter().filter_map(|place| rows.remove(place)));
    }
    Ok(found)
}

/// Where what is searched stands: an index alone tells, however many entries it has to pass by.
fn places(db: &mut Db<'_>, search: &Search, part: &Part, limit: i64) -> Result<Vec<i64>, Error> {
    use journal_search::dsl;
    let Some(fields) = numbers(db, search)? else { return Ok(Vec::new()) };
    let mut query = matching(search, &fields);
    query = match part {
        Part::First | Part::Forward(None) => query,
        Part::Older(than) => query.filter(dsl::n.lt(place(db, than)?)),
        Part::Newer(than) | Part::Forward(Some(than)) => query.filter(dsl::n.gt(place(db, than)?)),
    };
    let query = match part {
        Part::First | Part::Older(_) => query.order(dsl::n.desc()),
        Part::Newer(_) | Part::Forward(_) => query.order(dsl::n.asc()),
    };
    db.connection()?.plan_for_values(true)?;
    let found = query.select(dsl::n).limit(limit).load(db.connection()?);
    db.connection()?.plan_for_values(false)?;
    let mut found: Vec<i64> = found?;
    if matches!(part, Part::Newer(_)) {
        found.reverse();
    }
    Ok(found)
}

/// How many entries match, counted up to `most`.
///
/// # Errors
/// The database fails.
pub fn count(db: &mut Db<'_>, search: &Search, most: i64) -> Result<usize, Error> {
    use journal_search::dsl;
    let Some(fields) = numbers(db, search)? else { return Ok(0) };
    let found: Vec<i64> = matching(search, &fields).select(dsl::n).limit(most).load(db.connection()?)?;
    Ok(found.len())
}
