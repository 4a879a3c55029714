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
use crate::store::schema::{journal_entries, journal_timestamps};
use crate::store::{Db, Error, read_back};

/// The kinds, as the index over them says it: a database uses that for these very words only.
const KINDS: &str = "kind in ('person_destroyed', 'journal_timestamped')";

/// A timestamp: the size of the tree it is of, when it came as an entry writes it, and the hash of the authority's reply in hexadecimal
/// digits.
pub type Timestamp = (i64, String, String);

/// What they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The persons whose data was destroyed.
    pub destroyed: HashSet<String>,
    /// The timestamps that are kept.
    pub timestamps: HashSet<Timestamp>,
}

impl Told {
    fn takes(&mut self, clear: &[u8]) {
        let mut fields: BTreeMap<String, String> = serde_json::from_slice(clear).unwrap_or_default();
        match fields.get("kind").and_then(|kind| Kind::from_code(kind)) {
            Some(Kind::PersonDestroyed) => {
                self.destroyed.extend(["citizen", "subject"].into_iter().filter_map(|name| fields.remove(name)));
            }
            Some(Kind::JournalTimestamped) => {
                let mut take = |name| fields.remove(name).unwrap_or_default();
                let (size, at, reply) = (take("size").parse(), take("at"), take("reply"));
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
        for clear in page.iter().filter_map(|(_, clear)| clear.as_ref()) {
            told.takes(clear);
        }
        // One that is no text, which SQLite can hold, leads nowhere.
        let Some((last, _)) = page.last().filter(|(last, _)| *last > after) else { return Ok(told) };
        after.clone_from(last);
    }
}

type Row = (i64, chrono::NaiveDateTime, Vec<u8>);

fn timestamp((size, at, reply): Row) -> Timestamp {
    (size, instant_text(read_back(at)), hex(&sha256(&[&reply])))
}

/// Timestamps of trees of more than `after` leaves, by size; those of some sizes. Of one size there is one, unless somebody was at work.
///
/// # Errors
/// The database fails.
pub fn timestamps(db: &mut Db<'_>, after: i64) -> Result<Vec<Timestamp>, Error> {
    use journal_timestamps::dsl;
    let page = dsl::journal_timestamps.filter(dsl::size.gt(after)).order(dsl::size).limit(SIZES);
    let sizes: Vec<i64> = page.select(dsl::size).load(db.connection()?)?;
    let rows = dsl::journal_timestamps.filter(dsl::size.eq_any(&sizes)).order(dsl::size);
    match rows.select((dsl::size, dsl::at, dsl::reply)).limit(SIZES * 2).load::<Row>(db.connection()?) {
        Ok(rows) => return Ok(rows.into_iter().map(timestamp).collect()),
        Err(DieselError::DeserializationError(_)) => {}
        Err(other) => return Err(other.into()),
    }
    let mut found = Vec::new();
    for size in sizes.into_iter().collect::<BTreeSet<_>>() {
        let rows = dsl::journal_timestamps.filter(dsl::size.eq(size)).select((dsl::size, dsl::at, dsl::reply));
        match rows.limit(SIZES).load::<Row>(db.connection()?) {
            Ok(rows) => found.extend(rows.into_iter().map(timestamp)),
            // SQLite keeps any value in any column: this one is as no entry says.
            Err(DieselError::DeserializationError(_)) => found.push((size, String::new(), String::new())),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(found)
}

/// Sizes read at once: one a day, and some kilobytes each.
const SIZES: i64 = 100;
