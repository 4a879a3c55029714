//! What auditors search: a copy, held against the entries that it was made of. Whoever hides an entry there hides it from them.

use std::collections::BTreeSet;

use super::Found;
use super::database::Rows;
use crate::domain::civil;
use crate::journal::verify::Damage::{Added, Altered, Missing};
use crate::store::{Error, audit};

const SEARCH: &str = "journal_search";
const DAYS: &str = "journal_days";
/// How often a day is looked at: its figures may be written just then, between two questions.
const LOOKS: usize = 5;

/// Everything that is wrong with it. Positions end before `end`.
pub(super) fn all<R: Rows>(rows: &mut R, end: u64) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    match rows.ask(audit::reached)? {
        Some(reached) if reached <= end => entries(rows, reached, &mut found)?,
        // What it claims to hold already would never be copied.
        _ => found.push(Found::in_place(Altered, "journal_digest".to_owned())),
    }
    strays(rows, &mut found)?;
    found.extend(rows.ask(audit::terms_twice)?.iter().map(|term| Found::of(Added, term, "journal_terms")));
    figures(rows, &mut found)?;
    Ok(found)
}

/// Each entry that the copy says it holds is in it, with its words, once.
fn entries<R: Rows>(rows: &mut R, reached: u64, found: &mut Vec<Found>) -> Result<(), Error> {
    let end = i64::try_from(reached).unwrap_or(i64::MAX);
    let mut first = 0;
    loop {
        let (page, mut copied) = rows.ask(move |db| {
            let page = audit::positioned(db, first, end)?;
            let ids: Vec<String> = page.iter().map(|(_, id, _)| id.clone()).collect();
            let copied = audit::copied(db, &ids)?;
            Ok((page, copied))
        })?;
        let Some((last, ..)) = page.last() else { return Ok(()) };
        first = last + 1;
        for (position, id, clear) in page {
            let at = u64::try_from(position).unwrap_or(u64::MAX - 1);
            let there = copied.remove(&id).unwrap_or_default();
            let damage = match there.as_slice() {
                [] => Missing,
                [one] if *one == audit::words(&clear) => continue,
                [_] => Altered,
                _ => Added,
            };
            found.push(Found::at(damage, at, Some(&id), SEARCH));
        }
    }
}

/// Rows of the copy without an entry, in another's place, or there again.
fn strays<R: Rows>(rows: &mut R, found: &mut Vec<Found>) -> Result<(), Error> {
    let (mut after, mut met) = (i64::MIN, BTreeSet::new());
    loop {
        let page = rows.ask(move |db| audit::astray(db, after, &met))?;
        found.extend(page.strays.iter().map(|id| Found::of(Added, id, SEARCH)));
        let Some(last) = page.last else { return Ok(()) };
        (after, met) = (last, page.met);
    }
}

/// The figures of each day are those of its entries.
fn figures<R: Rows>(rows: &mut R, found: &mut Vec<Found>) -> Result<(), Error> {
    let mut day = None;
    while let Some(next) = rows.ask(move |db| audit::day_after(db, day))? {
        let (mut fits, mut looks) = (false, 0);
        while !fits && looks < LOOKS {
            fits = rows.ask(move |db| audit::figures_fit(db, next))?;
            looks += 1;
        }
        if !fits {
            found.push(Found::in_place(Altered, format!("{DAYS} of {}", civil::date(next))));
        }
        day = Some(next);
    }
    Ok(())
}
