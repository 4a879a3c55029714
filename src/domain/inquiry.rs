//! Who is behind a pseudonym: an auditor asks with a ground, a second one decides with a fresh code, the first reads, for a day.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use super::Instant;
use super::auditor::Auditor;
use super::authenticator::FreshCode;
use super::event::{Event, Journalled, Kind, Owner};
use super::id::{AccountId, CitizenId, InquiryId};
use super::refusal::Refusal;

/// How long an inquiry waits for a second auditor.
pub const DECIDED_WITHIN: TimeDelta = TimeDelta::days(7);
/// How long the identity may be read once that is allowed.
pub const READ_WITHIN: TimeDelta = TimeDelta::hours(24);

/// Why something is looked into: a closed list, so that no text about a person enters the journal's clear part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Somebody complained.
    Complaint,
    /// A planned inspection.
    Inspection,
    /// A security incident.
    Incident,
    /// A court or another authority asks.
    Authority,
    /// The person asks about themselves.
    Person,
}

impl Ground {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 5] = [Self::Complaint, Self::Inspection, Self::Incident, Self::Authority, Self::Person];

    /// The code stored and sent in forms.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::Inspection => "inspection",
            Self::Incident => "incident",
            Self::Authority => "authority",
            Self::Person => "person",
        }
    }
}

impl FromStr for Ground {
    type Err = Refusal;
    fn from_str(code: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|ground| ground.code() == code).ok_or(Refusal::NoReason)
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What the second auditor decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Who.
    pub by: AccountId,
    /// When.
    pub at: Instant,
    /// Allowed or not.
    pub approved: bool,
}

/// A request to know who a pseudonym stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inquiry {
    /// Its identifier.
    pub id: InquiryId,
    /// The pseudonym.
    pub citizen: CitizenId,
    /// Who asked.
    pub asked_by: AccountId,
    /// When.
    pub asked_at: Instant,
    /// Why.
    pub ground: Ground,
    /// What came of it.
    pub decision: Option<Decision>,
}

/// Where an inquiry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A second auditor has yet to decide.
    Waiting,
    /// Nobody decided in time.
    Lapsed,
    /// Refused.
    Declined,
    /// The identity may be read until this instant.
    Open(Instant),
    /// The time to read is over.
    Closed,
}

impl Inquiry {
    /// Asks. The reason in words is sealed, and goes when the citizen's key goes: it speaks of them.
    pub fn ask(
        id: InquiryId,
        citizen: CitizenId,
        auditor: &Auditor,
        ground: Ground,
        reason: &str,
        now: Instant,
    ) -> Journalled<Self> {
        let asked_by = auditor.account().clone();
        let inquiry = Self { id, citizen, asked_by, asked_at: now, ground, decision: None };
        let event = inquiry
            .event(Kind::InquiryAsked, auditor, now)
            .fact("ground", ground.code())
            .sealed_for(Owner::Citizen(inquiry.citizen.clone()), vec![("text", reason.to_owned())]);
        Journalled::new(inquiry, vec![event])
    }

    fn event(&self, kind: Kind, auditor: &Auditor, now: Instant) -> Event {
        Event::new(kind, now).by(auditor.account()).about(&self.citizen).fact("inquiry", self.id.as_str())
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self, now: Instant) -> Standing {
        match &self.decision {
            None if super::runs(now, self.asked_at + DECIDED_WITHIN) => Standing::Waiting,
            None => Standing::Lapsed,
            Some(Decision { approved: false, .. }) => Standing::Declined,
            Some(Decision { at, .. }) if super::runs(now, *at + READ_WITHIN) => Standing::Open(*at + READ_WITHIN),
            Some(_) => Standing::Closed,
        }
    }

    /// Whether this auditor may decide it now.
    ///
    /// # Errors
    /// It is their own, decided already, or too old.
    pub fn decidable_by(&self, auditor: &Auditor, now: Instant) -> Result<(), Refusal> {
        if self.asked_by == *auditor.account() {
            return Err(Refusal::InquiryOfOneself);
        }
        match self.standing(now) {
            Standing::Waiting => Ok(()),
            Standing::Lapsed => Err(Refusal::InquiryExpired),
            _ => Err(Refusal::InquiryDecided),
        }
    }

    /// A second auditor decides, with a fresh code.
    ///
    /// # Errors
    /// As [`Self::decidable_by`].
    pub fn decide(
        mut self,
        auditor: &Auditor,
        _code: &FreshCode,
        approved: bool,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        self.decidable_by(auditor, now)?;
        let kind = if approved { Kind::InquiryApproved } else { Kind::InquiryDeclined };
        let event = self.event(kind, auditor, now);
        self.decision = Some(Decision { by: auditor.account().clone(), at: now, approved });
        Ok(Journalled::new(self, vec![event]))
    }

    /// The auditor who asked reads the identity: the fact to record before it is shown.
    ///
    /// # Errors
    /// Somebody else's inquiry; not allowed; too late.
    pub fn read(&self, auditor: &Auditor, now: Instant) -> Result<Event, Refusal> {
        if self.asked_by != *auditor.account() {
            return Err(Refusal::InquiryNotApproved);
        }
        match self.standing(now) {
            Standing::Open(_) => Ok(self.event(Kind::IdentityRead, auditor, now)),
            Standing::Closed | Standing::Lapsed => Err(Refusal::InquiryExpired),
            Standing::Waiting | Standing::Declined => Err(Refusal::InquiryNotApproved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mediator::Account;
    use crate::domain::samples::{Who, begin, one_event};

    fn account(number: u128) -> Account {
        Account { id: AccountId::new(begin(), number), auditor: true, ..Who::ana().account }
    }

    fn auditor(number: u128) -> Auditor {
        Auditor::new(&account(number)).unwrap()
    }

    fn asked() -> Inquiry {
        let (id, citizen) = (InquiryId::new(begin(), 1), CitizenId::new(begin(), 1));
        let (inquiry, event) =
            one_event(Inquiry::ask(id, citizen, &auditor(1), Ground::Complaint, "somebody said so", begin()));
        assert_eq!(event.kind, Kind::InquiryAsked);
        assert!(event.facts.iter().all(|(_, value)| !value.contains("somebody")), "sealed");
        inquiry
    }

    fn code() -> FreshCode {
        FreshCode::remembered(begin())
    }

    #[test]
    fn only_auditors_who_may_act_are_auditors() {
        let mediator = Account { auditor: false, ..account(1) };
        assert_eq!(Auditor::new(&mediator), Err(Refusal::NotAnAuditor));
        assert_eq!(Auditor::new(&Account { active: false, ..account(1) }), Err(Refusal::AccountInactive));
        assert_eq!(Auditor::new(&Account { terms: None, ..account(1) }), Err(Refusal::TermsNotAccepted));
    }

    #[test]
    fn another_auditor_decides_once_within_seven_days() {
        let inquiry = asked();
        let decide = |who: u128, at| inquiry.clone().decide(&auditor(who), &code(), true, at);
        assert_eq!(decide(1, begin()).unwrap_err(), Refusal::InquiryOfOneself);
        assert_eq!(decide(2, begin() + DECIDED_WITHIN).unwrap_err(), Refusal::InquiryExpired);
        assert_eq!(inquiry.standing(begin() + DECIDED_WITHIN), Standing::Lapsed);
        let (approved, event) = one_event(decide(2, begin()).unwrap());
        assert_eq!(event.kind, Kind::InquiryApproved);
        assert_eq!(approved.decide(&auditor(3), &code(), false, begin()).unwrap_err(), Refusal::InquiryDecided);
    }

    #[test]
    fn only_who_asked_reads_once_allowed_for_a_day() {
        let inquiry = asked();
        assert_eq!(inquiry.read(&auditor(1), begin()).unwrap_err(), Refusal::InquiryNotApproved);
        let (open, _) = one_event(inquiry.clone().decide(&auditor(2), &code(), true, begin()).unwrap());
        assert_eq!(open.read(&auditor(1), begin()).unwrap().kind, Kind::IdentityRead);
        assert_eq!(
            open.read(&auditor(2), begin()).unwrap_err(),
            Refusal::InquiryNotApproved,
            "the second one does not read"
        );
        let last = begin() + READ_WITHIN - TimeDelta::microseconds(1);
        assert!(open.read(&auditor(1), last).is_ok());
        assert_eq!(open.read(&auditor(1), begin() + READ_WITHIN).unwrap_err(), Refusal::InquiryExpired);
        let (declined, event) = one_event(inquiry.decide(&auditor(2), &code(), false, begin()).unwrap());
        assert_eq!((event.kind, declined.standing(begin())), (Kind::InquiryDeclined, Standing::Declined));
        assert_eq!(declined.read(&auditor(1), begin()).unwrap_err(), Refusal::InquiryNotApproved);
    }

    #[test]
    fn a_ground_is_one_of_the_list() {
        for ground in Ground::ALL {
            assert_eq!(ground.to_string().parse(), Ok(ground));
        }
        assert_eq!("curiosity".parse::<Ground>(), Err(Refusal::NoReason));
    }
}
