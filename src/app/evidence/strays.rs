//! Rows that nothing leads to: entries without a position, sealed parts without an entry, tiles that nobody signed.

use std::collections::HashSet;

use super::database::Rows;
use super::{Found, judge};
use crate::journal::verify::Damage::{Added, Altered, Missing, Moved};
use crate::store::examine::{self, Walked};
use crate::store::{Db, Error};

/// Entries asked about at once.
const PARTS: usize = 500;

/// All of them. Positions end before `end`, and the tree is signed up to `signed`.
pub(super) fn all<R: Rows>(
    rows: &mut R,
    (signed, end): (u64, u64),
    destroyed: &HashSet<String>,
) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for (position, entry) in rows.ask(move |db| examine::placed_again(db, signed))? {
        let position = u64::try_from(position).unwrap_or(u64::MAX - 1);
        found.push(Found::at(Added, position, Some(&entry), "journal_positions"));
    }
    let mut next = end;
    for (position, entry) in rows.ask(move |db| examine::outside(db, end))? {
        // Positions go on without a gap: this one was given since the walk came to its end.
        if u64::try_from(position) == Ok(next) {
            next += 1;
            continue;
        }
        let position = u64::try_from(position).unwrap_or(u64::MAX - 1);
        found.push(Found::at(Moved, position, Some(&entry), "journal_positions"));
    }
    let unplaced = walk(rows, examine::unplaced)?;
    found.extend(unplaced.iter().map(|id| Found::of(Missing, id, "journal_positions")));
    let unsealed = walk(rows, examine::unsealed)?;
    found.extend(unsealed.iter().map(|id| Found::of(Added, id, "journal_sealed")));
    for (level, number) in rows.ask(examine::unfilled)? {
        found.push(Found::in_place(Added, format!("tile {level}/{number}")));
    }
    if rows.ask(examine::sizeless)? {
        found.push(Found::in_place(Added, "journal_checkpoints".to_owned()));
    }
    waiting(rows, destroyed, &mut found)?;
    Ok(found)
}

/// Walks through a table by its identifiers.
fn walk<R: Rows>(rows: &mut R, step: fn(&mut Db<'_>, &str) -> Result<Walked, Error>) -> Result<Vec<String>, Error> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let from = after.clone();
        let Walked { last, strays } = rows.ask(move |db| step(db, &from))?;
        found.extend(strays);
        match last {
            Some(last) if last > after => after = last,
            // SQLite can hold one that is no text, and no way leads beyond it.
            Some(last) => {
                found.push(last);
                return Ok(found);
            }
            None => return Ok(found),
        }
    }
}

/// The entries that wait for a position.
fn waiting<R: Rows>(rows: &mut R, destroyed: &HashSet<String>, found: &mut Vec<Found>) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let (ids, walked, mut stands) = rows.ask(move |db| {
            let (ids, walked) = examine::waiting(db, &from)?;
            let stands = examine::standing(db, &ids)?;
            Ok((ids, walked, stands))
        })?;
        found.extend(walked.strays.iter().map(|id| Found::of(Added, id, "journal_pending")));
        for id in &ids {
            let stands = stands.remove(id).unwrap_or_default();
            judge::about(&stands, Some(id), None, true, destroyed, found);
        }
        match walked.last {
            Some(last) if last > after => after = last,
            Some(last) => {
                found.push(Found::of(Altered, &last, "journal_pending"));
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

/// Takes out the sealed parts of those whose data were destroyed since the verification began.
pub(super) fn erased_meanwhile<R: Rows>(
    rows: &mut R,
    (before, now): (&HashSet<String>, &HashSet<String>),
    found: &mut Vec<Found>,
) -> Result<(), Error> {
    let missing = |one: &Found| one.damage == Missing && one.place.as_deref() == Some("journal_sealed");
    if before.len() == now.len() || !found.iter().any(missing) {
        return Ok(());
    }
    let mut ids: Vec<String> = found.iter().filter(|one| missing(one)).filter_map(|one| one.entry.clone()).collect();
    ids.sort_unstable();
    let mut gone = HashSet::new();
    for some in ids.chunks(PARTS).map(<[String]>::to_vec) {
        let stands = rows.ask(move |db| examine::standing(db, &some))?;
        let theirs = stands.into_iter().filter(|(_, stands)| {
            let owner = stands.rows.first().and_then(Option::as_ref).and_then(judge::owner);
            owner.is_some_and(|owner| now.contains(&owner))
        });
        gone.extend(theirs.map(|(id, _)| id));
    }
    found.retain(|one| !(missing(one) && one.entry.as_ref().is_some_and(|id| gone.contains(id))));
    Ok(())
}
