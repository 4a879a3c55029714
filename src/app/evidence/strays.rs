//! Rows that nothing leads to: entries without a position, sealed parts without an entry, tiles that nobody signed.

use std::collections::HashSet;

use super::database::Rows;
use super::findings::Findings;
use super::{Found, judge};
use crate::journal::verify::Damage::{Added, Altered, Missing, Moved};
use crate::store::examine::{self, Stands, Walked};
use crate::store::{Db, Error};

/// All of them. Positions end before `end`, and the tree is signed up to `signed`.
pub(super) fn all<R: Rows>(
    rows: &mut R,
    (signed, end): (u64, u64),
    destroyed: &HashSet<String>,
    said: &mut Findings,
) -> Result<(), Error> {
    for (position, entry) in rows.ask(move |db| examine::placed_again(db, signed))? {
        let position = u64::try_from(position).unwrap_or(u64::MAX - 1);
        said.say(Found::at(Added, position, Some(&entry), "journal_positions"));
    }
    let mut next = end;
    for (position, entry) in rows.ask(move |db| examine::outside(db, end))? {
        // Positions go on without a gap: this one was given since the walk came to its end.
        if u64::try_from(position) == Ok(next) {
            next += 1;
            continue;
        }
        let position = u64::try_from(position).unwrap_or(u64::MAX - 1);
        said.say(Found::at(Moved, position, Some(&entry), "journal_positions"));
    }
    walk(rows, examine::unplaced, |id| said.say(Found::of(Missing, id, "journal_positions")))?;
    walk(rows, examine::unsealed, |id| said.say(Found::of(Added, id, "journal_sealed")))?;
    for (level, number) in rows.ask(examine::unfilled)? {
        said.say(Found::in_place(Added, format!("tile {level}/{number}")));
    }
    waiting(rows, destroyed, said)
}

/// Walks through a table by its identifiers.
fn walk<R: Rows>(
    rows: &mut R,
    step: fn(&mut Db<'_>, &str) -> Result<Walked, Error>,
    mut stray: impl FnMut(&str),
) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let Walked { last, strays } = rows.ask(move |db| step(db, &from))?;
        for id in &strays {
            stray(id);
        }
        match last {
            Some(last) if last > after => after = last,
            // SQLite can hold one that is no text, and no way leads beyond it.
            Some(last) => {
                stray(&last);
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

/// The entries that wait for a position.
fn waiting<R: Rows>(rows: &mut R, destroyed: &HashSet<String>, said: &mut Findings) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let (ids, walked, mut stands) = rows.ask(move |db| {
            let (ids, walked) = examine::waiting(db, &from)?;
            let stands = examine::standing(db, &ids)?;
            Ok((ids, walked, stands))
        })?;
        said.extend(walked.strays.iter().map(|id| Found::of(Added, id, "journal_pending")));
        let mut found = Vec::new();
        for id in &ids {
            let stands = stands.remove(id).unwrap_or_default();
            judge::about(&stands, Some(id), None, true, destroyed, &mut found);
        }
        said.extend(not_erased_meanwhile(rows, destroyed, found)?);
        match walked.last {
            Some(last) if last > after => after = last,
            Some(last) => {
                said.say(Found::of(Altered, &last, "journal_pending"));
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

/// Of what was found of some entries, all but the sealed parts of those whose data were destroyed since the verification began.
pub(super) fn not_erased_meanwhile<R: Rows>(
    rows: &mut R,
    before: &HashSet<String>,
    mut found: Vec<Found>,
) -> Result<Vec<Found>, Error> {
    let missing = |one: &Found| one.damage == Missing && one.place.as_deref() == Some("journal_sealed");
    let ids: Vec<String> = found.iter().filter(|one| missing(one)).filter_map(|one| one.entry.clone()).collect();
    if ids.is_empty() {
        return Ok(found);
    }
    let now = rows.ask(examine::told)?.destroyed;
    if now.len() == before.len() {
        return Ok(found);
    }
    let stands = rows.ask(move |db| examine::standing(db, &ids))?;
    let is_theirs = |stands: &Stands| {
        let owner = stands.rows.first().and_then(Option::as_ref).and_then(judge::owner);
        owner.is_some_and(|owner| now.contains(&owner))
    };
    found.retain(|one| !(missing(one) && one.entry.as_ref().and_then(|id| stands.get(id)).is_some_and(is_theirs)));
    Ok(found)
}
