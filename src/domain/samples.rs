//! People, places and instants for the tests of the rules.

use chrono::TimeDelta;

use super::Instant;
use super::citizen::{Claims, Identity};
use super::event::{Event, Journalled};
use super::id::{AccountId, OrganisationId, SessionId};
use super::mediator::{Account, Mediator, Member, Membership, TERMS_VERSION};
use super::organisation::Organisation;
use super::procedure::Procedure;
use super::refusal::Refusal;

/// When these tests begin.
pub(in crate::domain) fn begin() -> Instant {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// The shortest time that is told apart.
pub(in crate::domain) const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// Somebody at work: who, where, and since which sign-in.
#[derive(Clone)]
pub(in crate::domain) struct Who {
    pub(in crate::domain) account: Account,
    pub(in crate::domain) membership: Membership,
    pub(in crate::domain) organisation: Organisation,
    pub(in crate::domain) session: SessionId,
}

impl Who {
    /// Ana Silva, a mediator of the organisation number 1.
    pub(in crate::domain) fn ana() -> Self {
        let account = Account {
            id: AccountId::new(begin(), 1),
            email: "ana.silva@houdan.example.fr".parse().unwrap(),
            name: "Ana Silva".to_owned(),
            auditor: false,
            officer: false,
            active: true,
            terms: Some(TERMS_VERSION.to_owned()),
        };
        let organisation = organisation(1);
        let membership =
            Membership { organisation: organisation.id.clone(), mediator: true, manager: false, certified_until: None };
        Self { account, membership, organisation, session: SessionId::new(begin(), 1) }
    }

    /// With something else about them.
    pub(in crate::domain) fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// At another organisation.
    pub(in crate::domain) fn at(self, number: u128) -> Self {
        self.but(|who| {
            who.organisation = organisation(number);
            who.membership.organisation = who.organisation.id.clone();
        })
    }

    /// What they may see and end.
    pub(in crate::domain) fn member(self) -> Result<Member, Refusal> {
        Member::new(self.account, self.membership, self.organisation, self.session)
    }

    /// What they may open and use at the beginning.
    pub(in crate::domain) fn mediator(self) -> Mediator {
        Mediator::new(self.member().unwrap(), begin()).unwrap()
    }
}

/// An organisation that offers every procedure.
pub(in crate::domain) fn organisation(number: u128) -> Organisation {
    Organisation {
        id: OrganisationId::new(begin(), number),
        name: "Maison France services de Houdan".to_owned(),
        siret: "73282932000074".parse().unwrap(),
        address: "12 Grande Rue, 78550 Houdan".to_owned(),
        zone: "Europe/Paris".to_owned(),
        procedures: Procedure::ALL.into(),
        suspended_at: None,
    }
}

/// Joséphine Marie LEMOINE, who uses the name DUBOIS, with other claims.
pub(in crate::domain) fn identity(change: impl FnOnce(&mut Claims)) -> Identity {
    let mut claims = Claims {
        given_name: Some("Joséphine Marie".to_owned()),
        family_name: Some("LEMOINE".to_owned()),
        preferred_username: Some("DUBOIS".to_owned()),
        birthdate: Some("1962-08-24".to_owned()),
        gender: Some("female".to_owned()),
        birthplace: Some("75107".to_owned()),
        birthcountry: Some("99100".to_owned()),
        email: Some("josephine@example.fr".to_owned()),
    };
    change(&mut claims);
    claims.try_into().unwrap()
}

/// The new state, and its only fact.
pub(in crate::domain) fn one_event<T>(change: Journalled<T>) -> (T, Event) {
    let (value, mut events) = change.into_parts();
    assert_eq!(events.len(), 1, "{events:?}");
    (value, events.remove(0))
}

/// The value of a fact of an event.
pub(in crate::domain) fn fact<'e>(event: &'e Event, name: &str) -> Option<&'e str> {
    event.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}
