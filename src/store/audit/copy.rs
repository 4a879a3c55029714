//! The copy as it is, for whoever verifies it: it is held against the entries that it was made of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::digest::{Reached, beside};
use super::{Field, wanted};
use crate::store::schema::{journal_entries, journal_pending, journal_positions, journal_search, journal_terms};
use crate::store::{Db, Error};

/// Rows looked at together.
const PAGE: i64 = 2_000;

/// Positions whose entries are looked at together.
pub const POSITIONS: usize = 2_000;

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

/// The entries at [`POSITIONS`] positions from `first` on, with their clear parts.
///
/// # Errors
/// The database fails.
pub fn positioned(db: &mut Db<'_>, first: u64) -> Result<Vec<(i64, String, Vec<u8>)>, Error> {
    use journal_positions::dsl;
    let joined = dsl::journal_positions.inner_join(journal_entries::table.on(journal_entries::id.eq(dsl::entry)));
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    // Bounded, so that no general plan thinks of half the table. Where positions are given again there are more of them.
    let page = joined.filter(dsl::position.ge(first).and(dsl::position.lt(first.saturating_add(PAGE))));
    let page = page.order(dsl::position).limit(PAGE * 2);
    let page = page.select((dsl::position, dsl::entry, journal_entries::clear.nullable()));
    let rows: Vec<(i64, String, Option<Vec<u8>>)> = page.load(db.connection()?)?;
    Ok(rows.into_iter().map(|(position, id, clear)| (position, id, clear.unwrap_or_default())).collect())
}

/// The entries after an identifier that wait for a position, with their clear parts; a page of them.
///
/// # Errors
/// The database fails.
pub fn unplaced(db: &mut Db<'_>, after: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
    use journal_pending::dsl;
    let joined = dsl::journal_pending.inner_join(journal_entries::table.on(journal_entries::id.eq(dsl::entry)));
    let page = joined.filter(dsl::entry.gt(after)).order(dsl::entry).limit(PAGE);
    let rows: Vec<(String, Option<Vec<u8>>)> =
        page.select((dsl::entry, journal_entries::clear.nullable())).load(db.connection()?)?;
    Ok(rows.into_iter().map(|(id, clear)| (id, clear.unwrap_or_default())).collect())
}

/// A row of the copy: its place, whose it is, and the numbers of its words.
type Row =
    (i64, Option<String>, Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>, Option<i32>);

fn rows_at(db: &mut Db<'_>, places: &HashSet<i64>) -> Result<Vec<Row>, Error> {
    use journal_search::dsl;
    let columns = (
        dsl::n,
        dsl::entry.nullable(),
        dsl::mandate,
        dsl::citizen,
        dsl::actor,
        dsl::client,
        dsl::procedure,
        dsl::organisation,
        dsl::kind.nullable(),
    );
    Ok(dsl::journal_search.filter(dsl::n.eq_any(places)).select(columns).load(db.connection()?)?)
}

/// What these entries are found by; more than once, if somebody was at work.
///
/// # Errors
/// The database fails.
pub fn copied(db: &mut Db<'_>, ids: &[String]) -> Result<HashMap<String, Vec<Words>>, Error> {
    let asked: Vec<(&String, i64)> = ids.iter().filter_map(|id| Some((id, wanted(id).ok()?))).collect();
    let places: HashSet<i64> = asked.iter().map(|(_, place)| *place).collect();
    let mut rows = rows_at(db, &places)?;
    let taken: HashSet<i64> = rows.iter().map(|row| row.0).collect();
    let there: HashSet<&String> = rows.iter().filter_map(|row| row.1.as_ref()).collect();
    let mut aside = HashSet::new();
    for (_, place) in asked.iter().filter(|(id, place)| taken.contains(place) && !there.contains(id)) {
        // Another has its place: it stepped aside.
        aside.extend(beside(db, *place)?.into_keys().filter(|beside| !places.contains(beside)));
    }
    rows.extend(rows_at(db, &aside)?);
    let numbers = |row: &Row| [row.2, row.3, row.4, row.5, row.6, row.7, row.8];
    let words = words_of(db, rows.iter().flat_map(numbers).flatten().collect())?;
    let ids: HashSet<&String> = ids.iter().collect();
    let mut found: HashMap<String, Vec<Words>> = HashMap::new();
    for row in rows {
        let named = Field::ALL.into_iter().zip(numbers(&row));
        // A number without a word is none that an entry has.
        let word = |number| words.get(&number).cloned().unwrap_or_default();
        let words = named.filter_map(|(field, number)| Some((field, word(number?)))).collect();
        if let Some(entry) = row.1.filter(|entry| ids.contains(entry)) {
            found.entry(entry).or_default().push(words);
        }
    }
    Ok(found)
}

/// The words of numbers. Of two words with one number, the last.
fn words_of(db: &mut Db<'_>, numbers: HashSet<i32>) -> Result<HashMap<i32, String>, Error> {
    use journal_terms::dsl;
    let query = dsl::journal_terms.filter(dsl::number.eq_any(numbers)).select((dsl::number, dsl::term.nullable()));
    let rows: Vec<(i32, Option<String>)> = query.load(db.connection()?)?;
    Ok(rows.into_iter().filter_map(|(number, term)| Some((number, term?))).collect())
}

/// The words from one on, in their order; a page of them.
///
/// # Errors
/// The database fails.
pub fn terms(db: &mut Db<'_>, from: Option<Option<String>>) -> Result<Vec<Option<String>>, Error> {
    use journal_terms::dsl;
    let page = dsl::journal_terms.filter(dsl::term.ge(from.flatten().unwrap_or_default()));
    Ok(page.order(dsl::term).limit(PAGE).select(dsl::term.nullable()).load(db.connection()?)?)
}

/// The numbers of words from one on, in their order; a page of them.
///
/// # Errors
/// The database fails.
pub fn term_numbers(db: &mut Db<'_>, from: Option<Option<i32>>) -> Result<Vec<Option<i32>>, Error> {
    use journal_terms::dsl;
    let page = dsl::journal_terms.filter(dsl::number.ge(from.flatten().unwrap_or(i32::MIN)));
    Ok(page.order(dsl::number).limit(PAGE).select(dsl::number.nullable()).load(db.connection()?)?)
}

/// Places that follow each other without a gap, the last of what was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// The first and the last; nothing before the first row.
    places: Option<(i64, i64)>,
    /// Who has them.
    met: BTreeSet<String>,
}

impl Run {
    /// The last place looked at.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.places.map(|(_, last)| last)
    }

    /// The next row; whether it is where it may be.
    fn takes(&mut self, n: i64, entry: String) -> bool {
        let first = match self.places {
            Some((first, last)) if last.checked_add(1) == Some(n) => first,
            _ => {
                let again = self.places.is_some_and(|(_, last)| last == n);
                self.met.clear();
                if again {
                    return false;
                }
                n
            }
        };
        self.places = Some((first, n));
        // It has the place that it asked for, or a later one, because others have that and all between.
        let asked = wanted(&entry).is_ok_and(|asked| (first..=n).contains(&asked));
        self.met.insert(entry) && asked
    }
}

/// Looks at the next rows of the copy: the run that they end with, nothing if there are none; and the entries named by rows that are not
/// theirs.
///
/// # Errors
/// The database fails.
pub fn astray(db: &mut Db<'_>, before: Run) -> Result<(Option<Run>, Vec<String>), Error> {
    use journal_search::dsl;
    let mut page = dsl::journal_search.order(dsl::n).limit(PAGE).into_boxed();
    if let Some((_, last)) = before.places {
        page = page.filter(dsl::n.gt(last));
    }
    let columns = (dsl::n.nullable(), dsl::entry.nullable());
    let rows: Vec<(Option<i64>, Option<String>)> = page.select(columns).load(db.connection()?)?;
    let named: HashSet<&String> = rows.iter().filter_map(|(_, entry)| entry.as_ref()).collect();
    let entries = journal_entries::table.filter(journal_entries::id.eq_any(named)).select(journal_entries::id);
    let entries: HashSet<String> = entries.load::<String>(db.connection()?)?.into_iter().collect();
    let (ended, mut run, mut strays) = (rows.is_empty(), before, Vec::new());
    for (n, entry) in rows {
        let entry = entry.unwrap_or_default();
        let placed = n.is_some_and(|n| run.takes(n, entry.clone()));
        if !placed || !entries.contains(&entry) {
            strays.push(entry);
        }
    }
    Ok(((!ended).then_some(run), strays))
}

#[cfg(test)]
mod tests {
    use super::super::CHANCE;
    use super::*;
    use crate::domain::id::EntryId;

    #[test]
    fn whoever_finds_their_place_taken_has_the_next_free_one() {
        let at = "2026-11-22T09:00:00Z".parse().unwrap();
        // Two that ask for one place, and one that asks for the next: chance differs in bits that no place has.
        let id = |chance: u128| EntryId::new(at, chance << (crate::domain::id::CHANCE - CHANCE)).to_string();
        let other = |chance: u128| EntryId::new(at, (chance << (crate::domain::id::CHANCE - CHANCE)) + 1).to_string();
        let n = wanted(&id(7)).unwrap();
        assert_eq!((wanted(&other(7)).unwrap(), wanted(&id(8)).unwrap()), (n, n + 1));
        let rows = |rows: &[(i64, String)]| {
            let mut run = Run::default();
            rows.iter().map(|(n, entry)| run.takes(*n, entry.clone())).collect::<Vec<_>>()
        };
        assert_eq!(rows(&[(n, id(7)), (n + 1, other(7)), (n + 2, id(8))]), [true, true, true]);
        assert_eq!(rows(&[(n, id(7)), (n + 2, other(7))]), [true, false], "a place is free between them");
        assert_eq!(rows(&[(n + 1, id(7))]), [false], "nobody has its own");
        assert_eq!(rows(&[(n, id(7)), (n + 1, id(7))]), [true, false], "there again");
        assert_eq!(rows(&[(n, id(7)), (n, other(7))]), [true, false], "in one place");
        assert_eq!(rows(&[(n, id(8)), (n + 1, id(7))]), [false, true], "before its own");
    }
}
