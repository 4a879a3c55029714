//! How long a mandate lasts: five terms, never longer than 365 days.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use super::Instant;

/// The term of a mandate. A day is exactly 24 hours: the end does not move with summer time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// While the citizen is present: 60 minutes at most; ends when the mediator signs out or is idle.
    Present,
    /// 1 day.
    Day,
    /// 31 days.
    Month,
    /// 182 days.
    Semester,
    /// 365 days.
    Year,
}

/// The text names no term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a term")]
pub struct Unknown;

impl Term {
    /// All of them, shortest first.
    pub const ALL: [Self; 5] = [Self::Present, Self::Day, Self::Month, Self::Semester, Self::Year];

    /// The key stored, sent in forms and written in the journal.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Day => "day",
            Self::Month => "month",
            Self::Semester => "semester",
            Self::Year => "year",
        }
    }

    /// The exact instant at which a mandate opened at `opened` ends.
    #[must_use]
    pub fn end(self, opened: Instant) -> Instant {
        opened
            + match self {
                Self::Present => TimeDelta::minutes(60),
                Self::Day => TimeDelta::days(1),
                Self::Month => TimeDelta::days(31),
                Self::Semester => TimeDelta::days(182),
                Self::Year => TimeDelta::days(365),
            }
    }
}

impl FromStr for Term {
    type Err = Unknown;
    fn from_str(key: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|term| term.key() == key).ok_or(Unknown)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::begin;

    #[test]
    fn a_term_is_a_number_of_hours_and_never_longer_than_365_days() {
        for (term, hours) in
            [(Term::Present, 1), (Term::Day, 24), (Term::Month, 744), (Term::Semester, 4_368), (Term::Year, 8_760)]
        {
            assert_eq!(term.end(begin()) - begin(), TimeDelta::hours(hours), "{term}");
        }
        assert!(Term::ALL.into_iter().all(|term| term.end(begin()) <= begin() + TimeDelta::days(365)));
    }

    #[test]
    fn a_term_is_one_of_five() {
        for term in Term::ALL {
            assert_eq!(term.to_string().parse(), Ok(term));
        }
        for unknown in ["", "Day", "week", "365"] {
            assert_eq!(unknown.parse::<Term>(), Err(Unknown), "{unknown:?}");
        }
    }
}
