//! The accredited body that is the mandatary.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Instant;
use super::event::{Event, Journalled, Kind};
use super::id::{AccountId, OrganisationId};
use super::procedure::Procedure;

/// The establishment's number in the French register: 14 digits with a check digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Siret(String);

/// The text is not a SIRET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SIRET has 14 digits, the last of which checks the others")]
pub struct NotASiret;

impl FromStr for Siret {
    type Err = NotASiret;
    fn from_str(text: &str) -> Result<Self, NotASiret> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if compact.len() != 14 || !compact.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotASiret);
        }
        let luhn: u32 = compact
            .bytes()
            .rev()
            .enumerate()
            .map(|(at, byte)| match (at % 2, u32::from(byte - b'0')) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            })
            .sum();
        let plain: u32 = compact.bytes().map(|byte| u32::from(byte - b'0')).sum();
        // The establishments of La Poste (SIREN 356000000) sum to a multiple of five instead.
        let valid = luhn.is_multiple_of(10) || (compact.starts_with("356000000") && plain.is_multiple_of(5));
        if valid { Ok(Self(compact)) } else { Err(NotASiret) }
    }
}

impl fmt::Display for Siret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An accredited organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organisation {
    /// Its identifier.
    pub id: OrganisationId,
    /// Its name, in full.
    pub name: String,
    /// Its number in the register.
    pub siret: Siret,
    /// Its postal address.
    pub address: String,
    /// Its time zone (IANA name): the screens show its civil time.
    pub zone: String,
    /// The procedures it offers, chosen by its manager.
    pub procedures: BTreeSet<Procedure>,
    /// Since when an officer suspended it.
    pub suspended_at: Option<Instant>,
}

impl Organisation {
    /// A new organisation, accredited by the operator.
    pub fn create(self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::OrganisationCreated, now).within(&self.id).fact("siret", self.siret.to_string());
        Journalled::new(self, vec![event])
    }

    /// Suspends it: all its mandates stop working at once. Suspending twice changes nothing.
    pub fn suspend(mut self, by: Option<&AccountId>, now: Instant) -> Journalled<Self> {
        if self.suspended_at.is_some() {
            return Journalled::new(self, Vec::new());
        }
        self.suspended_at = Some(now);
        let event = with_actor(Event::new(Kind::OrganisationSuspended, now).within(&self.id), by);
        Journalled::new(self, vec![event])
    }

    /// Lifts a suspension: mandates that have not ended work again.
    pub fn resume(mut self, by: Option<&AccountId>, now: Instant) -> Journalled<Self> {
        if self.suspended_at.take().is_none() {
            return Journalled::new(self, Vec::new());
        }
        let event = with_actor(Event::new(Kind::OrganisationResumed, now).within(&self.id), by);
        Journalled::new(self, vec![event])
    }
}

fn with_actor(event: Event, by: Option<&AccountId>) -> Event {
    match by {
        Some(account) => event.by(account),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{begin, one_event, organisation};

    #[test]
    fn a_siret_has_a_check_digit() {
        assert_eq!("732 829 320 00074".parse::<Siret>().unwrap().to_string(), "73282932000074");
        assert!("73282932000075".parse::<Siret>().is_err());
        assert!("35600000049837".parse::<Siret>().is_ok(), "La Poste has its own rule");
        assert!("7328293200007".parse::<Siret>().is_err());
        assert!("7328293200007a".parse::<Siret>().is_err());
    }

    #[test]
    fn a_new_organisation_is_a_fact_with_its_number() {
        let (made, event) = one_event(organisation(1).create(begin()));
        let expected = Event::new(Kind::OrganisationCreated, begin()).within(&made.id).fact("siret", "73282932000074");
        assert_eq!(event, expected);
    }

    #[test]
    fn a_suspension_begins_once_and_is_lifted_once() {
        let officer = AccountId::new(begin(), 9);
        let (suspended, event) = one_event(organisation(1).suspend(Some(&officer), begin()));
        assert_eq!(suspended.suspended_at, Some(begin()));
        let fact = |kind| Event::new(kind, begin()).within(&suspended.id);
        assert_eq!(event, fact(Kind::OrganisationSuspended).by(&officer));
        let later = begin() + chrono::TimeDelta::days(1);
        let (again, events) = suspended.clone().suspend(None, later).into_parts();
        assert_eq!((again.suspended_at, events), (Some(begin()), Vec::new()), "since the first time");
        let (resumed, event) = one_event(suspended.clone().resume(None, begin()));
        assert_eq!((resumed.suspended_at, event), (None, fact(Kind::OrganisationResumed)));
        assert_eq!(resumed.clone().resume(None, begin()).into_parts(), (resumed, Vec::new()));
    }
}
