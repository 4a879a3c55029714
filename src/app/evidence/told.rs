//! Rows of which an entry says that they are there: timestamps, and erasures.

use std::collections::HashSet;
use std::hash::Hash;

use super::Found;
use super::database::Rows;
use super::findings::Findings;
use crate::journal::verify::Damage::{Added, Altered, Missing};
use crate::store::examine::{self, Erasure, Timestamp};
use crate::store::{Db, Error};

/// A table of such rows: what each is found by, a page of those, and the rows under some of them.
struct Table<K, T> {
    key: fn(&T) -> K,
    page: fn(&mut Db<'_>, Option<K>) -> Result<Vec<K>, Error>,
    rows: fn(&mut Db<'_>, &[K]) -> Result<Vec<T>, Error>,
    place: fn(&K) -> String,
}

const TIMESTAMPS: Table<i64, Timestamp> = Table {
    key: |one| one.0,
    page: examine::timestamped,
    rows: examine::timestamps,
    place: |size| format!("the timestamp at {size}"),
};

const ERASURES: Table<String, Erasure> = Table {
    key: |one| one.0.clone(),
    page: examine::erased,
    rows: examine::erasures,
    place: |owner| format!("the erasure of {owner}"),
};

/// What is kept is what entries say, and all of it.
pub(super) fn all<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let (timestamps, erasures) = (TIMESTAMPS.kept(rows, said)?, ERASURES.kept(rows, said)?);
    // Asked after the rows: whoever wrote one wrote its entry in the same transaction.
    let told = rows.ask(examine::told)?;
    TIMESTAMPS.compared(rows, &timestamps, &told.timestamps, said)?;
    ERASURES.compared(rows, &erasures, &told.erasures, said)
}

impl<K: Clone + Hash + Ord + Send + 'static, T: Eq + Hash + Send + 'static> Table<K, T> {
    /// All that is kept.
    fn kept<R: Rows>(&self, rows: &mut R, said: &mut Findings) -> Result<HashSet<T>, Error> {
        let (mut kept, mut keys, mut after) = (HashSet::new(), HashSet::new(), None);
        loop {
            let (from, page, read) = (after.clone(), self.page, self.rows);
            let (last, found) = rows.ask(move |db| {
                let page = page(db, from)?;
                Ok((page.last().cloned(), read(db, &page)?))
            })?;
            for one in found {
                let key = (self.key)(&one);
                if !keys.insert(key.clone()) {
                    said.say(Found::in_place(Added, (self.place)(&key)));
                }
                kept.insert(one);
            }
            // One that is no number or no text, which SQLite can hold, is said where such values are looked for: no other way leads
            // beyond it.
            if last <= after {
                return Ok(kept);
            }
            after = last;
        }
    }

    /// What is kept and what entries say, one held against the other.
    fn compared<R: Rows>(
        &self,
        rows: &mut R,
        kept: &HashSet<T>,
        told: &HashSet<T>,
        said: &mut Findings,
    ) -> Result<(), Error> {
        let keys: HashSet<K> = told.iter().map(self.key).collect();
        for one in kept.difference(told) {
            let key = (self.key)(one);
            let damage = if keys.contains(&key) { Altered } else { Added };
            said.say(Found::in_place(damage, (self.place)(&key)));
        }
        for one in told.difference(kept) {
            let (key, read) = ((self.key)(one), self.rows);
            let asked = key.clone();
            // It may have come since.
            let now = rows.ask(move |db| read(db, &[asked]))?;
            if now.is_empty() {
                said.say(Found::in_place(Missing, (self.place)(&key)));
            } else if !now.contains(one) {
                said.say(Found::in_place(Altered, (self.place)(&key)));
            }
        }
        Ok(())
    }
}
