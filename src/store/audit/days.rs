//! The figures of each day as they are, for whoever verifies them: they are held against the copy that they were counted in.

use diesel::dsl::{count_star, min};
use diesel::prelude::*;

use super::{CHANCE, beginning};
use crate::domain::civil;
use crate::store::schema::{journal_days, journal_search};
use crate::store::{Db, Error};

/// The first day after this one of which there are entries in the copy, or figures.
///
/// # Errors
/// The database fails.
pub fn day_after(db: &mut Db<'_>, day: Option<i32>) -> Result<Option<i32>, Error> {
    let Some(next) = day.map_or(Some(i32::MIN), |day| day.checked_add(1)) else { return Ok(None) };
    let of_figures = journal_days::table.filter(journal_days::day.ge(next)).select(min(journal_days::day));
    let of_figures: Option<i32> = of_figures.first(db.connection()?)?;
    let of_figures = of_figures.filter(|of| *of >= next);
    let begins = day.map_or(i64::MIN, |_| beginning(civil::begins(next, civil::FIGURES)));
    let of_entries = journal_search::table.filter(journal_search::n.ge(begins)).select(min(journal_search::n));
    let of_entries: Option<i64> = of_entries.first(db.connection()?)?;
    let of_entries = of_entries.and_then(|n| chrono::DateTime::from_timestamp_millis(n >> CHANCE));
    let of_entries = of_entries.map(|at| civil::day(at, civil::FIGURES)).filter(|of| day.is_none_or(|day| *of > day));
    Ok(of_figures.into_iter().chain(of_entries).min())
}

/// What the figures of a day are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// Those of its entries in the copy.
    Right,
    /// Others.
    Odd,
    /// Nobody can say: entries were copied just then.
    Moving,
}

/// Holds the figures of a day against its entries in the copy.
///
/// # Errors
/// The database fails.
pub fn figures_of(db: &mut Db<'_>, day: i32) -> Result<Figures, Error> {
    use journal_search::dsl;
    let begins = beginning(civil::begins(day, civil::FIGURES));
    let ends = beginning(civil::begins(day.saturating_add(1), civil::FIGURES));
    let its = || dsl::journal_search.filter(dsl::n.ge(begins).and(dsl::n.lt(ends)));
    let before: i64 = its().count().get_result(db.connection()?)?;
    let all = its().group_by(dsl::kind).select((dsl::kind.nullable(), count_star()));
    let all: Vec<(Option<i32>, i64)> = all.load(db.connection()?)?;
    let mut counted: Vec<_> = all.into_iter().map(|(kind, entries)| (Some(0), kind, Some(entries))).collect();
    macro_rules! of {
        ($($field:ident)*) => { $(
            let named = its().filter(dsl::$field.is_not_null()).group_by((dsl::$field, dsl::kind));
            let named = named.select((dsl::$field, dsl::kind.nullable(), count_star().nullable()));
            counted.extend(named.load::<Figure>(db.connection()?)?);
        )* };
    }
    of!(organisation actor client procedure);
    let figures = journal_days::table.filter(journal_days::day.eq(day));
    let columns = (journal_days::term.nullable(), journal_days::kind.nullable(), journal_days::entries.nullable());
    let mut kept: Vec<Figure> = figures.select(columns).load(db.connection()?)?;
    let after: i64 = its().count().get_result(db.connection()?)?;
    counted.sort_unstable();
    kept.sort_unstable();
    // Entries and figures are written together, and entries are never taken out.
    Ok(if counted == kept {
        Figures::Right
    } else if before == after {
        Figures::Odd
    } else {
        Figures::Moving
    })
}

/// The number of a word, that of a kind, and how many entries.
type Figure = (Option<i32>, Option<i32>, Option<i64>);
