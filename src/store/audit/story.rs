//! What happened to one mandate.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Field, Part, Search, page};
use crate::domain::event::Kind;
use crate::domain::id::{EntryId, MandateId};
use crate::store::journal::Entry;
use crate::store::{Db, Error};

/// How long before the opening its draft may have begun.
const DRAFT: TimeDelta = TimeDelta::minutes(20);

/// A part of what happened to a mandate.
#[derive(Debug)]
pub struct Story {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// The entry after which it goes on, if it does.
    pub next: Option<EntryId>,
}

/// So many entries of a mandate, after an entry or from the beginning on: there with those of its draft from before it had an identifier.
///
/// # Errors
/// The database fails.
pub fn of_mandate(db: &mut Db<'_>, mandate: &MandateId, after: Option<EntryId>, limit: i64) -> Result<Story, Error> {
    let begins = after.is_none();
    let with = BTreeMap::from([(Field::Mandate, mandate.to_string())]);
    let mut entries = page(db, &Search { with, ..Search::default() }, &Part::Forward(after), limit + 1)?;
    let more = i64::try_from(entries.len()).is_ok_and(|found| found > limit);
    if more {
        entries.pop();
    }
    let next = entries.last().filter(|_| more).map(|last| last.id.clone());
    if begins {
        let before = of_draft(db, &entries, limit)?;
        entries.extend(before);
    }
    // What one transaction wrote has one instant: kinds are declared in the order in which things happen.
    entries.sort_by(|one, other| (one.at, one.kind, &one.id).cmp(&(other.at, other.kind, &other.id)));
    Ok(Story { entries, next })
}

/// What was written about the draft of which a mandate was opened.
fn of_draft(db: &mut Db<'_>, entries: &[Entry], limit: i64) -> Result<Vec<Entry>, Error> {
    let facts =
        |entry: &Entry| -> BTreeMap<String, String> { serde_json::from_slice(&entry.clear).unwrap_or_default() };
    let Some((at, opening)) =
        entries.iter().find(|one| one.kind == Kind::MandateOpened).map(|one| (one.at, facts(one)))
    else {
        return Ok(Vec::new());
    };
    let (Some(citizen), Some(draft)) = (opening.get("citizen"), opening.get("draft")) else { return Ok(Vec::new()) };
    let search = Search {
        from: Some(at - DRAFT),
        until: Some(at + TimeDelta::seconds(1)),
        with: BTreeMap::from([(Field::Citizen, citizen.clone())]),
    };
    // Backwards from the opening: a person about whom much was written in these minutes does not hide it.
    let mut before = page(db, &search, &Part::First, limit)?;
    before.retain(|entry| {
        let facts = facts(entry);
        !facts.contains_key("mandate") && facts.get("draft") == Some(draft)
    });
    Ok(before)
}
