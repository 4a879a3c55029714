//! Where a citizen can be called: one French number for each organisation, never in the journal.

use std::fmt;
use std::str::FromStr;

use super::Instant;
use super::event::{Event, Journalled, Kind};
use super::id::{CitizenId, OrganisationId, PhoneId};
use super::mediator::Mediator;

/// The country codes of the French numbering plan (ITU-T E.164), and how many digits follow each.
const ZONES: [(&str, usize); 9] =
    [("33", 9), ("262", 9), ("590", 9), ("594", 9), ("596", 9), ("508", 6), ("681", 6), ("687", 6), ("689", 8)];

/// Numbers dialled as 0 and nine digits that belong overseas: their country code, and how they begin (ARCEP, decision 2018-0881).
const OVERSEAS: [(&str, &[&str]); 5] = [
    ("262", &["262", "263", "269", "639", "692", "693", "70920", "70921", "70922", "70923"]),
    ("590", &["590", "690", "691", "70900", "70901", "70902", "70903", "70904"]),
    ("594", &["594", "694", "70930", "70931", "70932", "70933"]),
    ("596", &["596", "696", "697", "70910", "70911", "70912", "70913"]),
    // Saint-Pierre-et-Miquelon: 05 08, then the six digits of the island.
    ("508", &["508"]),
];

/// Characters of a number as people write it, at most.
pub const LONGEST: usize = 30;

/// A French number, mainland or overseas, in the one form it is stored and compared in: `+33612345678` (ITU-T E.164).
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

/// The text is no French number that a person can be called at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a French phone number")]
pub struct NotAPhone;

impl Phone {
    /// `+33612345678`
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it: `06 12 34 56 78`, or `+262 692 12 34 56`.
    #[must_use]
    pub fn written(&self) -> String {
        let zone = ZONES.iter().find_map(|(code, _)| Some((*code, self.0.strip_prefix('+')?.strip_prefix(code)?)));
        match zone {
            Some(("33", rest)) => pairs(&format!("0{rest}")),
            Some((code, rest)) => format!("+{code} {}", pairs(rest)),
            None => self.0.clone(),
        }
    }
}

/// Two digits at a time; three first where their number is odd.
fn pairs(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 1 && (digits.len() - at).is_multiple_of(2) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

impl FromStr for Phone {
    type Err = NotAPhone;
    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        if text.chars().count() > LONGEST {
            return Err(NotAPhone);
        }
        let plain = text.replace("(0)", "");
        let plain: String = plain.chars().filter(|one| !one.is_whitespace() && !".-/()".contains(*one)).collect();
        let (international, digits) = match plain.strip_prefix('+').or_else(|| plain.strip_prefix("00")) {
            Some(rest) => (true, rest),
            None => (false, plain.as_str()),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAPhone);
        }
        if international {
            let zone = ZONES.iter().find_map(|(code, long)| Some((*code, digits.strip_prefix(code)?, *long)));
            let (code, rest, long) = zone.ok_or(NotAPhone)?;
            // +33 06…: the zero of the national form, kept by habit.
            let rest = if rest.len() == long + 1 { rest.strip_prefix('0').unwrap_or(rest) } else { rest };
            return if code == "33" { national(rest) } else { within(code, rest, long) };
        }
        national(digits.strip_prefix('0').ok_or(NotAPhone)?)
    }
}

/// Nine digits as they are dialled from the mainland, without the zero: some are overseas.
fn national(rest: &str) -> Result<Phone, NotAPhone> {
    match OVERSEAS.iter().find(|(_, begins)| begins.iter().any(|one| rest.starts_with(one))) {
        Some(("508", _)) if rest.len() == 9 => within("508", rest.strip_prefix("508").unwrap_or(rest), 6),
        Some((code, _)) => within(code, rest, 9),
        None => within("33", rest, 9),
    }
}

/// The number of a zone. Special and premium numbers (08…, four digits) lead to no person.
fn within(code: &str, rest: &str, long: usize) -> Result<Phone, NotAPhone> {
    let special = rest.starts_with('0') || (long == 9 && rest.starts_with('8'));
    let counted = rest.len() == long && !special;
    if counted { Ok(Phone(format!("+{code}{rest}"))) } else { Err(NotAPhone) }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone")
    }
}

/// Where a citizen can be called by one organisation. The pseudonym stands for the number in the journal: it is drawn by chance, one for
/// each number in each organisation, and forgotten with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Which organisation calls.
    pub organisation: OrganisationId,
    /// Whom.
    pub citizen: CitizenId,
    /// Where; nothing if it was taken out.
    pub phone: Option<(PhoneId, Phone)>,
}

impl Contact {
    /// A mediator writes down where the citizen can be called.
    pub fn record(
        mediator: &Mediator,
        citizen: CitizenId,
        id: PhoneId,
        phone: Phone,
        now: Instant,
    ) -> Journalled<Self> {
        let event = said(Kind::PhoneRecorded, mediator, &citizen, &id, now);
        let organisation = mediator.organisation().id.clone();
        Journalled::new(Self { organisation, citizen, phone: Some((id, phone)) }, vec![event])
    }

    /// A mediator takes it out again.
    pub fn forget(mediator: &Mediator, citizen: CitizenId, id: &PhoneId, now: Instant) -> Journalled<Self> {
        let event = said(Kind::PhoneForgotten, mediator, &citizen, id, now);
        let organisation = mediator.organisation().id.clone();
        Journalled::new(Self { organisation, citizen, phone: None }, vec![event])
    }
}

fn said(kind: Kind, mediator: &Mediator, citizen: &CitizenId, id: &PhoneId, now: Instant) -> Event {
    Event::new(kind, now)
        .by(&mediator.account().id)
        .within(&mediator.organisation().id)
        .about(citizen)
        .fact("phone", id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{Who, begin, one_event};

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        for (written, stored, read) in [
            ("06 12 34 56 78", "+33612345678", "06 12 34 56 78"),
            ("06.12.34.56.78", "+33612345678", "06 12 34 56 78"),
            ("+33 (0)6 12-34-56-78", "+33612345678", "06 12 34 56 78"),
            ("0033 6 12 34 56 78", "+33612345678", "06 12 34 56 78"),
            ("+33 06 12 34 56 78", "+33612345678", "06 12 34 56 78"),
            ("01\u{a0}30\u{202f}59 60 00", "+33130596000", "01 30 59 60 00"),
            ("0692 12 34 56", "+262692123456", "+262 692 12 34 56"),
            ("+262 692 12 34 56", "+262692123456", "+262 692 12 34 56"),
            ("0696123456", "+596696123456", "+596 696 12 34 56"),
            ("+33 692 12 34 56", "+262692123456", "+262 692 12 34 56"),
            ("07 09 21 34 56", "+262709213456", "+262 709 21 34 56"),
            ("05 08 41 12 34", "+508411234", "+508 41 12 34"),
            ("+687 75 12 34", "+687751234", "+687 75 12 34"),
            ("00689 87 12 34 56", "+68987123456", "+689 87 12 34 56"),
        ] {
            let phone: Phone = written.parse().unwrap();
            assert_eq!((phone.as_str(), phone.written().as_str()), (stored, read), "{written}");
        }
    }

    #[test]
    fn what_leads_to_nobody_is_refused() {
        for wrong in [
            "",
            " ",
            "+",
            "0",
            "15",
            "3646",
            "06 12 34 56",
            "06 12 34 56 789",
            "0812345678",
            "+33 8 12 34 56 78",
            "+262 80 123 45 67",
            "+44 20 7946 0000",
            "+1 202 555 0100",
            "+33000000000",
            "six douze",
            "06 12 34 56 7８",
            "=06123456",
            "+687 123 456 789",
            "0612345678 0612345678 0612345678",
        ] {
            assert_eq!(wrong.parse::<Phone>(), Err(NotAPhone), "{wrong}");
        }
    }

    #[test]
    fn nothing_printed_and_nothing_said_holds_the_number() {
        let (ana, citizen, id) = (Who::ana().mediator(), CitizenId::new(begin(), 1), PhoneId::new(begin(), 1));
        let phone: Phone = "0612345678".parse().unwrap();
        let (contact, event) = one_event(Contact::record(&ana, citizen.clone(), id.clone(), phone, begin()));
        assert!(!format!("{contact:?} {event:?}").contains("612345678"));
        assert_eq!((event.kind, event.facts), (Kind::PhoneRecorded, vec![("phone", id.to_string())]));
        let (gone, event) = one_event(Contact::forget(&ana, citizen.clone(), &id, begin()));
        assert_eq!((gone.phone, event.kind, event.citizen), (None, Kind::PhoneForgotten, Some(citizen)));
    }
}
