//! Days as people count them. Rules compare instants; what is looked at by the day is looked at in the time of a place.

use chrono::{Datelike, NaiveDate, TimeZone, Timelike};
use chrono_tz::Tz;

use super::Instant;

/// Where the days of the journal's figures begin and end.
pub const FIGURES: Tz = Tz::Europe__Paris;

/// The number of the day of an instant, counted from 1970-01-01, at a place.
#[must_use]
pub fn day(at: Instant, zone: Tz) -> i32 {
    number(at.with_timezone(&zone).date_naive())
}

/// The number of a date, counted from 1970-01-01.
#[must_use]
pub fn number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - NaiveDate::default().num_days_from_ce()
}

/// The date with a number.
#[must_use]
pub fn date(day: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day.saturating_add(NaiveDate::default().num_days_from_ce()))
        .unwrap_or_default()
}

/// The first instant of a day at a place. Where clocks skip midnight, the day begins later.
#[must_use]
pub fn begins(day: i32, zone: Tz) -> Instant {
    let hours = (0..3).filter_map(|hour| date(day).and_hms_opt(hour, 0, 0));
    let mut begins = hours.filter_map(|time| zone.from_local_datetime(&time).earliest());
    begins.next().map_or(Instant::UNIX_EPOCH, |local| local.to_utc())
}

/// The hour of an instant, and whether the day is a Saturday or a Sunday, at a place.
#[must_use]
pub fn hour(at: Instant, zone: Tz) -> (u32, bool) {
    let local = at.with_timezone(&zone);
    (local.hour(), local.weekday().number_from_monday() > 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_that_of_the_place_and_has_23_to_25_hours() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        assert_eq!(day(at("1970-01-01T00:00:00Z"), FIGURES), 0);
        let sunday = day(at("2026-11-22T22:59:59Z"), FIGURES);
        assert_eq!(day(at("2026-11-22T23:00:00Z"), FIGURES), sunday + 1);
        assert_eq!(day(at("2026-11-22T23:00:00Z"), Tz::Indian__Reunion), sunday + 1);
        assert_eq!(date(sunday).to_string(), "2026-11-22");
        assert_eq!(begins(sunday, FIGURES), at("2026-11-21T23:00:00Z"));
        let long = number("2026-10-25".parse().unwrap());
        assert_eq!((begins(long + 1, FIGURES) - begins(long, FIGURES)).num_hours(), 25);
        assert_eq!(hour(at("2026-11-22T22:59:59Z"), FIGURES), (23, true));
        assert_eq!(hour(at("2026-11-23T08:00:00Z"), FIGURES), (9, false));
    }
}
