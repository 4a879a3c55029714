//! What auditors search: a copy, held against the entries that it was made of. Whoever hides an entry there hides it from them.

use std::collections::HashMap;
use std::thread::sleep;
use std::time::Duration;

use super::Found;
use super::database::Rows;
use super::findings::Findings;
use crate::domain::civil;
use crate::journal::verify::Damage::{self, Added, Altered, Missing};
use crate::store::audit::{self, Figures, Run, Words};
use crate::store::{Db, Error};

const SEARCH: &str = "journal_search";
const DAYS: &str = "journal_days";
/// How often a day is looked at while entries of it are copied, and what lies between.
const LOOKS: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Everything that is wrong with it. It says that it holds the entries before `reached`; positions end before `end`.
pub(super) fn all<R: Rows>(rows: &mut R, reached: Option<u64>, end: u64, said: &mut Findings) -> Result<(), Error> {
    match reached {
        Some(reached) if reached <= end => {
            entries(rows, (reached, end), said)?;
            waiting(rows, said)?;
        }
        // What it claims to hold already would never be copied.
        _ => said.say(Found::in_place(Altered, "journal_digest".to_owned())),
    }
    strays(rows, said)?;
    twice(rows, said)?;
    figures(rows, said)
}

/// What is wrong with what an entry is found by.
fn compared(there: &[Words], clear: &[u8]) -> Option<Damage> {
    match there {
        [] => Some(Missing),
        [one] => (*one != audit::words(clear)).then_some(Altered),
        _ => Some(Added),
    }
}

/// Entries, and what they are found by in the copy.
type Page<T> = (Vec<T>, HashMap<String, Vec<Words>>);

/// A page of entries.
fn found_by<R: Rows, T: Send + 'static>(
    rows: &mut R,
    page: impl FnOnce(&mut Db<'_>) -> Result<Vec<T>, Error> + Send + 'static,
    id: fn(&T) -> &String,
) -> Result<Page<T>, Error> {
    rows.ask(move |db| {
        let page = page(db)?;
        let ids: Vec<String> = page.iter().map(id).cloned().collect();
        let copied = audit::copied(db, &ids)?;
        Ok((page, copied))
    })
}

/// Each entry that the copy says it holds is in it, with its words, once; of what comes after those, what is in it.
fn entries<R: Rows>(rows: &mut R, (reached, end): (u64, u64), said: &mut Findings) -> Result<(), Error> {
    for first in (0..end).step_by(audit::POSITIONS) {
        let page = move |db: &mut Db<'_>| audit::positioned(db, first);
        let (page, mut copied) = found_by(rows, page, |(_, id, _)| id)?;
        for (position, id, clear) in page {
            let at = u64::try_from(position).unwrap_or(u64::MAX - 1);
            let there = copied.remove(&id).unwrap_or_default();
            let damage = compared(&there, &clear).filter(|damage| *damage != Missing || at < reached);
            if let Some(damage) = damage {
                said.say(Found::at(damage, at, Some(&id), SEARCH));
            }
        }
    }
    Ok(())
}

/// What the copy holds already of the entries that wait for a position.
fn waiting<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let from = after.clone();
        let (page, mut copied) = found_by(rows, move |db| audit::unplaced(db, &from), |(id, _)| id)?;
        // What leads nowhere is said where all that waits is looked at.
        let Some((last, _)) = page.last().filter(|(last, _)| *last > after) else { return Ok(()) };
        after.clone_from(last);
        for (id, clear) in page {
            let there = copied.remove(&id).unwrap_or_default();
            if let Some(damage) = compared(&there, &clear).filter(|damage| *damage != Missing) {
                said.say(Found::of(damage, &id, SEARCH));
            }
        }
    }
}

/// Rows of the copy without an entry, in another's place, or there again.
fn strays<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let mut run = Run::default();
    loop {
        let before = run.clone();
        let (next, strays) = rows.ask(move |db| audit::astray(db, before))?;
        for id in &strays {
            said.say(Found::of(Added, id, SEARCH));
        }
        match next {
            Some(next) if next.last() > run.last() => run = next,
            // One that is no number, which SQLite can hold: no way leads beyond it.
            Some(_) => {
                said.say(Found::in_place(Altered, SEARCH.to_owned()));
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

/// Words that have more than one number, and numbers that have more than one word.
fn twice<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    fn walk<R, T>(rows: &mut R, page: fn(&mut Db<'_>, Option<T>) -> Result<Vec<T>, Error>) -> Result<Vec<T>, Error>
    where
        R: Rows,
        T: Clone + PartialOrd + Send + 'static,
    {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let (asked, begins) = (from.clone(), from.clone());
            // The last of a page is the first of the next.
            let all = rows.ask(move |db| page(db, asked))?;
            let pairs = all.iter().zip(all.iter().skip(1));
            found.extend(pairs.filter(|(one, other)| one == other).map(|(one, _)| one.clone()));
            from = all.last().cloned();
            if from == begins {
                return Ok(found);
            }
            if from < begins {
                // Out of order: something is not what it is read as.
                found.extend(from);
                return Ok(found);
            }
        }
    }
    for term in walk(rows, audit::terms)? {
        said.say(Found::of(Added, &term.unwrap_or_default(), "journal_terms"));
    }
    for number in walk(rows, audit::term_numbers)? {
        said.say(Found::of(Added, &number.unwrap_or_default().to_string(), "journal_terms"));
    }
    Ok(())
}

/// The figures of each day are those of its entries.
fn figures<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let mut day = None;
    while let Some(next) = rows.ask(move |db| audit::day_after(db, day))? {
        let mut looks = 0;
        let seen = loop {
            let seen = rows.ask(move |db| audit::figures_of(db, next))?;
            looks += 1;
            if seen != Figures::Moving || looks == LOOKS {
                break seen;
            }
            sleep(PAUSE);
        };
        if seen == Figures::Odd {
            said.say(Found::in_place(Altered, format!("{DAYS} of {}", civil::date(next))));
        }
        if day.is_some_and(|day| next <= day) {
            said.say(Found::in_place(Altered, DAYS.to_owned()));
            return Ok(());
        }
        day = Some(next);
    }
    Ok(())
}
