//! What rare entries say of other tables: whose data was destroyed, and which timestamps there are.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::Bool;

use super::PAGE;
use crate::domain::event::Kind;
use crate::domain::instant_text;
use crate::journal::leaf::sha256;
use crate::journal::line::hex;
use crate::store::db::AnyConnection;
use crate::store::schema::{erasures, journal_entries, journal_timestamps};
use crate::store::{Db, Error, read_back};

/// The kinds, as the index over them says it: a database uses that for these very words only.
const KINDS: &str = "kind in ('person_destroyed', 'journal_timestamped')";

/// A timestamp: the size of the tree it is of, when it came as an entry writes it, and the hash of the authority's reply in hexadecimal
/// digits.
pub type Timestamp = (i64, String, String);

/// An erasure: whose data was destroyed, the entry that says so, and when, as an entry writes it.
pub type Erasure = (String, String, String);

/// What they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The persons whose data was destroyed.
    pub destroyed: HashSet<String>,
    /// The same, with what says so.
    pub erasures: HashSet<Erasure>,
    /// The timestamps that are kept.
    pub timestamps: HashSet<Timestamp>,
}

impl Told {
    fn takes(&mut self, entry: String, clear: &[u8]) {
        let mut fields: BTreeMap<String, String> = serde_json::from_slice(clear).unwrap_or_default();
        let kind = fields.get("kind").and_then(|kind| Kind::from_code(kind));
        let mut take = |name| fields.remove(name);
        let at = take("at").unwrap_or_default();
        match kind {
            Some(Kind::PersonDestroyed) => {
                let Some(owner) = take("citizen").or_else(|| take("subject")) else { return };
                self.destroyed.insert(owner.clone());
                self.erasures.insert((owner, entry, at));
            }
            Some(Kind::JournalTimestamped) => {
                let (size, reply) = (take("size").unwrap_or_default().parse(), take("reply").unwrap_or_default());
                self.timestamps.extend(size.map(|size| (size, at, reply)));
            }
            _ => {}
        }
    }
}

/// What they say, all of them.
///
/// # Errors
/// The database fails.
pub fn told(db: &mut Db<'_>) -> Result<Told, Error> {
    use journal_entries::dsl;
    let (mut told, mut after) = (Told::default(), String::new());
    loop {
        let page = dsl::journal_entries.filter(diesel::dsl::sql::<Bool>(KINDS)).filter(dsl::id.gt(&after));
        let page = page.order(dsl::id).limit(PAGE).select((dsl::id, dsl::clear.nullable()));
        let page: Vec<(String, Option<Vec<u8>>)> = page.load(db.connection()?)?;
        let last = page.last().map(|(last, _)| last.clone());
        for (entry, clear) in page {
            told.takes(entry, &clear.unwrap_or_default());
        }
        // One that is no text, which SQLite can hold, leads nowhere.
        let Some(last) = last.filter(|last| *last > after) else { return Ok(told) };
        after = last;
    }
}

type Row = (i64, chrono::NaiveDateTime, Vec<u8>);

fn timestamp((size, at, reply): Row) -> Timestamp {
    (size, instant_text(read_back(at)), hex(&sha256(&[&reply])))
}

/// Sizes of trees of which there are timestamps, after one of them.
///
/// # Errors
/// The database fails.
pub fn timestamped(db: &mut Db<'_>, after: Option<i64>) -> Result<Vec<i64>, Error> {
    use journal_timestamps::dsl;
    let page = dsl::journal_timestamps.filter(dsl::size.gt(after.unwrap_or(i64::MIN))).order(dsl::size).limit(SIZES);
    Ok(page.select(dsl::size).load(db.connection()?)?)
}

/// The timestamps of some sizes. Of one size there is one, unless somebody was at work.
///
/// # Errors
/// The database fails.
pub fn timestamps(db: &mut Db<'_>, sizes: &[i64]) -> Result<Vec<Timestamp>, Error> {
    use journal_timestamps::dsl;
    let rows = |connection: &mut AnyConnection, sizes: &[i64]| {
        let rows = dsl::journal_timestamps.filter(dsl::size.eq_any(sizes)).order(dsl::size);
        rows.select((dsl::size, dsl::at, dsl::reply)).limit(SIZES * 2).load(connection)
    };
    readable(db, sizes, rows, timestamp, |size| (*size, String::new(), String::new()))
}

/// Persons who are said to be destroyed, after one of them.
///
/// # Errors
/// The database fails.
pub fn erased(db: &mut Db<'_>, after: Option<String>) -> Result<Vec<String>, Error> {
    use erasures::dsl;
    let page = dsl::erasures.filter(dsl::owner.gt(after.unwrap_or_default())).order(dsl::owner).limit(PAGE);
    Ok(page.select(dsl::owner).load(db.connection()?)?)
}

/// The erasures of some persons. Of one person there is one, unless somebody was at work.
///
/// # Errors
/// The database fails.
pub fn erasures(db: &mut Db<'_>, owners: &[String]) -> Result<Vec<Erasure>, Error> {
    use erasures::dsl;
    let rows = |connection: &mut AnyConnection, owners: &[String]| {
        let rows = dsl::erasures.filter(dsl::owner.eq_any(owners)).order(dsl::owner);
        rows.select((dsl::owner, dsl::entry, dsl::at)).limit(PAGE * 2).load(connection)
    };
    let read = |(owner, entry, at)| (owner, entry, instant_text(read_back(at)));
    readable(db, owners, rows, read, |owner| (owner.clone(), String::new(), String::new()))
}

/// Rows under some keys. One that cannot be read is as no entry says: SQLite keeps any value in any column.
fn readable<K: Clone + Ord, R, T>(
    db: &mut Db<'_>,
    keys: &[K],
    rows: impl Fn(&mut AnyConnection, &[K]) -> QueryResult<Vec<R>>,
    read: impl Fn(R) -> T,
    unread: impl Fn(&K) -> T,
) -> Result<Vec<T>, Error> {
    match rows(db.connection()?, keys) {
        Ok(rows) => return Ok(rows.into_iter().map(read).collect()),
        Err(DieselError::DeserializationError(_)) => {}
        Err(other) => return Err(other.into()),
    }
    let mut found = Vec::new();
    for key in keys.iter().collect::<BTreeSet<_>>() {
        match rows(db.connection()?, std::slice::from_ref(key)) {
            Ok(rows) => found.extend(rows.into_iter().map(&read)),
            Err(DieselError::DeserializationError(_)) => found.push(unread(key)),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(found)
}

/// Sizes read at once: one a day, and some kilobytes each.
const SIZES: i64 = 100;
