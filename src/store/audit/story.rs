//! What happened to one mandate.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Field, Part, Search, page};
use crate::domain::event::Kind;
use crate::domain::id::MandateId;
use crate::store::journal::Entry;
use crate::store::{Db, Error};

/// How long before the opening its draft may have begun.
const DRAFT: TimeDelta = TimeDelta::minutes(20);

/// The first entries of a mandate, with those of its draft from before it had an identifier; oldest first.
///
/// # Errors
/// The database fails.
pub fn of_mandate(db: &mut Db<'_>, mandate: &MandateId, limit: i64) -> Result<Vec<Entry>, Error> {
    let facts =
        |entry: &Entry| -> BTreeMap<String, String> { serde_json::from_slice(&entry.clear).unwrap_or_default() };
    let with = BTreeMap::from([(Field::Mandate, mandate.to_string())]);
    let mut entries = page(db, &Search { with, ..Search::default() }, &Part::Forward(None), limit)?;
    let Some((at, opening)) =
        entries.iter().find(|one| one.kind == Kind::MandateOpened).map(|one| (one.at, facts(one)))
    else {
        return Ok(entries);
    };
    let (Some(citizen), Some(draft)) = (opening.get("citizen"), opening.get("draft")) else { return Ok(entries) };
    let search = Search {
        from: Some(at - DRAFT),
        until: Some(at + TimeDelta::seconds(1)),
        with: BTreeMap::from([(Field::Citizen, citizen.clone())]),
    };
    let before = page(db, &search, &Part::Forward(None), limit)?;
    let of_draft = |entry: &Entry| {
        let facts = facts(entry);
        !facts.contains_key("mandate") && facts.get("draft") == Some(draft)
    };
    entries.extend(before.into_iter().filter(of_draft));
    // What one transaction wrote has one instant: kinds are declared in the order in which things happen.
    entries.sort_by(|one, other| (one.at, one.kind, &one.id).cmp(&(other.at, other.kind, &other.id)));
    Ok(entries)
}
