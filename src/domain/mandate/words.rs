//! Dates as the texts of a mandate say them: whoever signs reads them in words, at the hour of the place.

use chrono::{DateTime, Datelike, SecondsFormat};
use chrono_tz::Tz;

use crate::domain::Instant;
use crate::domain::citizen::Birthdate;
use crate::domain::language::Language;

const FRENCH: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The name of a month, 1 to 12.
fn month(number: u32, language: Language) -> Option<&'static str> {
    let names = match language {
        Language::Fr => FRENCH,
        Language::En => ENGLISH,
    };
    names.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

fn day(number: u32, language: Language) -> String {
    if number == 1 && language == Language::Fr { "1er".to_owned() } else { number.to_string() }
}

/// A birthdate in words, saying what is unknown. What is not a date is told as it was received.
pub(super) fn birthdate(birthdate: &Birthdate, language: Language) -> String {
    let text = birthdate.as_str();
    let mut parts = text.split('-').map(|part| part.parse::<u32>().unwrap_or_default());
    let mut part = || parts.next().unwrap_or_default();
    let (year, number, of_month) = (part(), part(), part());
    let unknown = match (language, number) {
        (Language::Fr, 0) => "jour et mois inconnus",
        (Language::En, 0) => "day and month unknown",
        (Language::Fr, _) => "jour inconnu",
        (Language::En, _) => "day unknown",
    };
    match (month(number, language), of_month) {
        (None, 0) => format!("{year} ({unknown})"),
        (Some(month), 0) => format!("{month} {year} ({unknown})"),
        (Some(month), _) => format!("{} {month} {year}", day(of_month, language)),
        (None, _) => text.to_owned(),
    }
}

/// An instant in French words, to the second, at the hour of that zone and with its distance from UTC.
pub(super) fn instant(at: Instant, zone: &str) -> String {
    let local: DateTime<Tz> = at.with_timezone(&zone.parse().unwrap_or(Tz::UTC));
    match month(local.month(), Language::Fr) {
        Some(month) => {
            let clock = local.format("%H:%M:%S (UTC%:z)");
            format!("{} {month} {} à {clock}", day(local.day(), Language::Fr), local.year())
        }
        None => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthdate_is_told_in_words_with_what_is_unknown() {
        let told = |text: &str, language| birthdate(&text.parse().unwrap(), language);
        assert_eq!(told("1956-03-14", Language::Fr), "14 mars 1956");
        assert_eq!(told("1956-03-01", Language::Fr), "1er mars 1956");
        assert_eq!(told("1956-03-01", Language::En), "1 March 1956");
        assert_eq!(told("1992-11-00", Language::Fr), "novembre 1992 (jour inconnu)");
        assert_eq!(told("1980-00-00", Language::Fr), "1980 (jour et mois inconnus)");
        assert_eq!(told("1980-00-00", Language::En), "1980 (day and month unknown)");
    }

    #[test]
    fn an_instant_is_told_at_the_hour_of_the_place() {
        let told = |text: &str, zone| instant(text.parse().unwrap(), zone);
        let winter = "2026-11-22T07:39:34Z";
        assert_eq!(told(winter, "Europe/Paris"), "22 novembre 2026 à 08:39:34 (UTC+01:00)");
        assert_eq!(told(winter, "Indian/Reunion"), "22 novembre 2026 à 11:39:34 (UTC+04:00)");
        assert_eq!(told(winter, "nowhere"), "22 novembre 2026 à 07:39:34 (UTC+00:00)");
        assert_eq!(told("2026-07-31T22:00:00Z", "Europe/Paris"), "1er août 2026 à 00:00:00 (UTC+02:00)");
    }
}
