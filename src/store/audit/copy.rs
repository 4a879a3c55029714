//! The copy as it is, for whoever verifies it: it is held against the entries that it was made of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use super::digest::{Reached, beside};
use super::{CHANCE, Field, beginning, wanted};
use crate::domain::civil;
use crate::store::schema::{journal_days, journal_entries, journal_positions, journal_search, journal_terms};
use crate::store::{Db, Error};

/// Rows looked at together.
const PAGE: i64 = 2_000;

/// What an entry is found by.
pub type Words = BTreeMap<Field, String>;

/// What an entry must be found by, from its clear part.
#[must_use]
pub fn words(clear: &[u8]) -> Words {
    let clear: BTreeMap<String, String> = serde_json::from_slice(clear).unwrap_or_default();
    let of = |field: Field| clear.get(field.name()).map(|value| (field, field.term(value)));
    Field::ALL.into_iter().filter_map(of).collect()
}

/// Every entry before this position is in the copy; nothing if what says so cannot be read.
///
/// # Errors
/// The database fails.
pub fn reached(db: &mut Db<'_>) -> Result<Option<u64>, Error> {
    match Reached::read(db) {
        Ok(reached) => Ok(u64::try_from(reached.position).ok()),
        Err(Error::Corrupt(_) | Error::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The entries at positions from `first` on and before `end`, with their clear parts; a page of them.
///
/// # Errors
/// The database fails.
pub fn positioned(db: &mut Db<'_>, first: i64, end: i64) -> Result<Vec<(i64, String, Vec<u8>)>, Error> {
    use journal_positions::dsl;
    let joined = dsl::journal_positions.inner_join(journal_entries::table.on(journal_entries::id.eq(dsl::entry)));
    let page = joined.filter(dsl::position.ge(first).and(dsl::position.lt(end))).order(dsl::position).limit(PAGE);
    Ok(page.select((dsl::position, dsl::entry, journal_entries::clear)).load(db.connection()?)?)
}

/// A row of the copy: whose it is, and the numbers of its words.
type Row = (Option<String>, Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>);

/// What these entries are found by; more than once, if somebody was at work.
///
/// # Errors
/// The database fails.
pub fn copied(db: &mut Db<'_>, ids: &[String]) -> Result<HashMap<String, Vec<Words>>, Error> {
    use journal_search::dsl;
    let mut places: HashSet<i64> = ids.iter().filter_map(|id| wanted(id).ok()).collect();
    let query = dsl::journal_search.filter(dsl::n.eq_any(places.clone())).select((dsl::n, dsl::entry.nullable()));
    let there: Vec<(i64, Option<String>)> = query.load(db.connection()?)?;
    let ids: HashSet<&String> = ids.iter().collect();
    for (n, _) in there.iter().filter(|(_, entry)| entry.as_ref().is_none_or(|entry| !ids.contains(entry))) {
        // Somebody else's place: whoever asked for it stepped aside.
        places.extend(beside(db, *n)?.into_keys());
    }
    let query = dsl::journal_search.filter(dsl::n.eq_any(places)).select((
        dsl::entry.nullable(),
        dsl::mandate,
        dsl::citizen,
        dsl::actor,
        dsl::client,
        dsl::procedure,
        dsl::organisation,
        dsl::kind.nullable(),
    ));
    let rows: Vec<Row> = query.load(db.connection()?)?;
    let numbers = |row: &Row| [row.1, row.2, row.3, row.4, row.5, row.6, row.7];
    let terms = terms(db, rows.iter().flat_map(numbers).flatten().collect())?;
    let mut found: HashMap<String, Vec<Words>> = HashMap::new();
    for row in rows {
        let named = Field::ALL.into_iter().zip(numbers(&row));
        let named = named.filter_map(|(field, number)| Some((field, number?)));
        // A number without a word is none that an entry has.
        let words = named.map(|(field, number)| (field, terms.get(&number).cloned().unwrap_or_default())).collect();
        if let Some(entry) = row.0.filter(|entry| ids.contains(entry)) {
            found.entry(entry).or_default().push(words);
        }
    }
    Ok(found)
}

/// The words of numbers. Of two words with one number, the last.
fn terms(db: &mut Db<'_>, numbers: HashSet<i32>) -> Result<HashMap<i32, String>, Error> {
    use journal_terms::dsl;
    let query = dsl::journal_terms.filter(dsl::number.eq_any(numbers)).select((dsl::number, dsl::term.nullable()));
    let rows: Vec<(i32, Option<String>)> = query.load(db.connection()?)?;
    Ok(rows.into_iter().filter_map(|(number, term)| Some((number, term?))).collect())
}

/// Words that have more than one number, and numbers that have more than one word.
///
/// # Errors
/// The database fails.
pub fn terms_twice(db: &mut Db<'_>) -> Result<Vec<String>, Error> {
    use journal_terms::dsl;
    let words = dsl::journal_terms.group_by(dsl::term).having(count_star().gt(1)).select(dsl::term.nullable());
    let words: Vec<Option<String>> = words.limit(PAGE).load(db.connection()?)?;
    let numbers = dsl::journal_terms.group_by(dsl::number).having(count_star().gt(1)).select(dsl::number.nullable());
    let numbers: Vec<Option<i32>> = numbers.limit(PAGE).load(db.connection()?)?;
    let named = words.into_iter().map(Option::unwrap_or_default);
    Ok(named.chain(numbers.into_iter().map(|number| number.unwrap_or_default().to_string())).collect())
}

/// Rows of the copy that no entry leads to, of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Astray {
    /// The last place; nothing at the end of the copy.
    pub last: Option<i64>,
    /// Every entry that was met.
    pub met: BTreeSet<String>,
    /// The entries that rows name without being theirs.
    pub strays: Vec<String>,
}

/// Looks at the rows from a place on, whose entries before were `met`.
///
/// # Errors
/// The database fails.
pub fn astray(db: &mut Db<'_>, after: i64, met: &BTreeSet<String>) -> Result<Astray, Error> {
    use journal_search::dsl;
    let page = dsl::journal_search.filter(dsl::n.gt(after)).order(dsl::n).limit(PAGE);
    let rows: Vec<(i64, Option<String>)> = page.select((dsl::n, dsl::entry.nullable())).load(db.connection()?)?;
    let named: HashSet<&String> = rows.iter().filter_map(|(_, entry)| entry.as_ref()).collect();
    let entries = journal_entries::table.filter(journal_entries::id.eq_any(named)).select(journal_entries::id);
    let entries: HashSet<String> = entries.load::<String>(db.connection()?)?.into_iter().collect();
    let mut found = Astray { last: rows.last().map(|(n, _)| *n), ..Astray::default() };
    let mut before = after;
    for (n, entry) in rows {
        let entry = entry.unwrap_or_default();
        // It has the place that it asked for, or the next one, because others have that and all between.
        let asked = wanted(&entry).unwrap_or(i64::MIN);
        let is_its = entries.contains(&entry) && n > before && (asked == n || (asked < n && before == n - 1));
        before = n;
        if !is_its || met.contains(&entry) || found.met.contains(&entry) {
            found.strays.push(entry.clone());
        }
        found.met.insert(entry);
    }
    Ok(found)
}

/// The first day after this one of which there are entries in the copy, or figures.
///
/// # Errors
/// The database fails.
pub fn day_after(db: &mut Db<'_>, day: Option<i32>) -> Result<Option<i32>, Error> {
    let Some(next) = day.map_or(Some(i32::MIN), |day| day.checked_add(1)) else { return Ok(None) };
    let of_figures = journal_days::table.filter(journal_days::day.ge(next)).select(min(journal_days::day));
    let of_figures: Option<i32> = of_figures.first(db.connection()?)?;
    let begins = day.map_or(i64::MIN, |_| beginning(civil::begins(next, civil::FIGURES)));
    let of_entries = journal_search::table.filter(journal_search::n.ge(begins)).select(min(journal_search::n));
    let of_entries: Option<i64> = of_entries.first(db.connection()?)?;
    let of_entries = of_entries.and_then(|n| chrono::DateTime::from_timestamp_millis(n >> CHANCE));
    let of_entries = of_entries.map(|at| civil::day(at, civil::FIGURES)).filter(|of| day.is_none_or(|day| *of > day));
    Ok(of_figures.into_iter().chain(of_entries).min())
}

/// Whether the figures of a day are those of its entries in the copy.
///
/// # Errors
/// The database fails.
pub fn figures_fit(db: &mut Db<'_>, day: i32) -> Result<bool, Error> {
    use journal_search::dsl;
    let begins = beginning(civil::begins(day, civil::FIGURES));
    let ends = beginning(civil::begins(day.saturating_add(1), civil::FIGURES));
    let its = || dsl::journal_search.filter(dsl::n.ge(begins).and(dsl::n.lt(ends)));
    let all = its().group_by(dsl::kind).select((dsl::kind.nullable(), count_star()));
    let all: Vec<(Option<i32>, i64)> = all.load(db.connection()?)?;
    let mut counted: Vec<_> = all.into_iter().map(|(kind, entries)| (Some(0), kind, entries)).collect();
    macro_rules! of {
        ($($field:ident)*) => { $(
            let named = its().filter(dsl::$field.is_not_null()).group_by((dsl::$field, dsl::kind));
            let named = named.select((dsl::$field, dsl::kind.nullable(), count_star()));
            counted.extend(named.load::<(Option<i32>, Option<i32>, i64)>(db.connection()?)?);
        )* };
    }
    of!(organisation actor client procedure);
    let figures = journal_days::table.filter(journal_days::day.eq(day));
    let figures = figures.select((
        journal_days::term.nullable(),
        journal_days::kind.nullable(),
        journal_days::entries.nullable(),
    ));
    let kept: Vec<(Option<i32>, Option<i32>, Option<i64>)> = figures.load(db.connection()?)?;
    let mut kept: Vec<_> =
        kept.into_iter().map(|(term, kind, entries)| (term, kind, entries.unwrap_or_default())).collect();
    counted.sort_unstable();
    kept.sort_unstable();
    Ok(counted == kept)
}
