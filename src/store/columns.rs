//! Between the types of the domain and those of columns.

use super::Error;
use crate::domain::Instant;

pub(super) fn stored(at: Instant) -> chrono::NaiveDateTime {
    at.naive_utc()
}

pub(super) fn read_back(at: chrono::NaiveDateTime) -> Instant {
    at.and_utc()
}

/// A text column that this program wrote, back in its type.
pub(super) fn parsed<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Corrupt(what))
}

/// A number of rows, for the database.
pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
