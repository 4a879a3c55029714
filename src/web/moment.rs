//! Instants and birthdates as people read them.

use chrono::{DateTime, Datelike, NaiveDate, TimeZone};
use chrono_tz::Tz;

use crate::domain::Instant;
use crate::domain::citizen::Birthdate;

use super::texts::Texts;

/// An instant in the time zone of an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub Instant, pub Tz);

impl Moment {
    fn local(&self) -> DateTime<Tz> {
        self.0.with_timezone(&self.1)
    }

    /// For `<time datetime=…>`: UTC, to the second.
    #[must_use]
    pub fn machine(&self) -> String {
        self.0.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// "dimanche 22 novembre 2026 à 14:05 (heure de Paris)": wherever the exact instant has consequences.
    #[must_use]
    pub fn long(&self, t: &Texts) -> String {
        let weekday = self.local().weekday().num_days_from_monday();
        t.moment_long(word(t.moment_weekdays(), weekday), self.day(t), self.time(), self.zone(t))
    }

    /// "22 novembre 2026 à 14:05": in lists.
    #[must_use]
    pub fn short(&self, t: &Texts) -> String {
        t.moment_short(self.day(t), self.time())
    }

    /// "22 novembre 2026".
    #[must_use]
    pub fn day(&self, t: &Texts) -> String {
        date(self.local().date_naive(), t)
    }

    /// "14:05".
    #[must_use]
    pub fn time(&self) -> String {
        self.local().format("%H:%M").to_string()
    }

    /// "2026-11-22 14:05:09 +01:00": for auditors.
    #[must_use]
    pub fn precise(&self) -> String {
        self.local().format("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// The zone's name; with its offset in the one hour of the year that the clocks show twice.
    fn zone(&self, t: &Texts) -> String {
        let name = match self.1 {
            Tz::Europe__Paris => t.moment_zone_paris().to_owned(),
            Tz::America__Guadeloupe => t.moment_zone_guadeloupe().to_owned(),
            Tz::America__Martinique => t.moment_zone_martinique().to_owned(),
            Tz::America__Cayenne => t.moment_zone_guyane().to_owned(),
            Tz::Indian__Reunion => t.moment_zone_reunion().to_owned(),
            Tz::Indian__Mayotte => t.moment_zone_mayotte().to_owned(),
            Tz::Pacific__Noumea => t.moment_zone_noumea().to_owned(),
            Tz::Pacific__Tahiti => t.moment_zone_tahiti().to_owned(),
            other => t.moment_zone_other(other.name().rsplit('/').next().unwrap_or_default().replace('_', " ")),
        };
        let local = self.local();
        match self.1.from_local_datetime(&local.naive_local()) {
            chrono::MappedLocalTime::Ambiguous(..) => format!("{name}, UTC{}", local.format("%:z")),
            _ => name,
        }
    }
}

/// The word at that place of a list separated by spaces.
fn word(list: &'static str, at: u32) -> &'static str {
    list.split(' ').nth(at as usize).unwrap_or_default()
}

fn month(t: &Texts, number: u32) -> &'static str {
    word(t.moment_months(), number.saturating_sub(1))
}

/// "22 novembre 2026".
#[must_use]
pub fn date(date: NaiveDate, t: &Texts) -> String {
    let day = if date.day() == 1 { t.moment_first().to_owned() } else { date.day().to_string() };
    t.moment_day(day, month(t, date.month()), date.year())
}

/// A birthdate in words, saying what is unknown: "février 1980 (jour inconnu)".
#[must_use]
pub fn birthdate(birthdate: &Birthdate, t: &Texts) -> String {
    let text = birthdate.as_str();
    if let Ok(whole) = text.parse::<NaiveDate>() {
        return date(whole, t);
    }
    let mut parts = text.split('-').map(|part| part.parse::<u32>().unwrap_or_default());
    match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
        (year, 0) => t.birthdate_year(year),
        (year, number) => t.birthdate_month(month(t, number), year),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::texts::{Language, texts};

    fn at(utc: &str, zone: Tz) -> Moment {
        Moment(utc.parse().unwrap(), zone)
    }

    #[test]
    fn an_instant_is_told_in_the_time_of_the_place_with_its_name() {
        let (fr, en) = (texts(Language::Fr), texts(Language::En));
        let paris = at("2026-11-22T13:05:00Z", Tz::Europe__Paris);
        assert_eq!(paris.long(fr), "dimanche 22 novembre 2026 à 14:05 (heure de Paris)");
        assert_eq!(paris.long(en), "Sunday 22 November 2026 at 14:05 (Paris time)");
        assert_eq!(paris.machine(), "2026-11-22T13:05:00Z");
        let reunion = at("2026-12-31T20:00:00Z", Tz::Indian__Reunion);
        assert_eq!(reunion.long(fr), "vendredi 1er janvier 2027 à 00:00 (heure de La Réunion)");
        let miquelon = at("2026-06-01T12:00:00Z", Tz::America__Miquelon);
        assert_eq!(miquelon.long(en), "Monday 1 June 2026 at 10:00 (Miquelon time)");
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_apart() {
        let fr = texts(Language::Fr);
        let summer = at("2026-10-25T00:30:00Z", Tz::Europe__Paris);
        let winter = at("2026-10-25T01:30:00Z", Tz::Europe__Paris);
        assert_eq!(summer.long(fr), "dimanche 25 octobre 2026 à 02:30 (heure de Paris, UTC+02:00)");
        assert_eq!(winter.long(fr), "dimanche 25 octobre 2026 à 02:30 (heure de Paris, UTC+01:00)");
    }

    #[test]
    fn a_partial_birthdate_says_what_is_unknown() {
        let fr = texts(Language::Fr);
        let told = |text: &str| birthdate(&text.parse().unwrap(), fr);
        assert_eq!(told("1962-08-24"), "24 août 1962");
        assert_eq!(told("1980-02-00"), "février 1980 (jour inconnu)");
        assert_eq!(told("1980-00-00"), "1980 (jour et mois inconnus)");
    }
}
