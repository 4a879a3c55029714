//! What came of a use. Identity issued, act done and outcome claimed are three different facts.

use std::fmt;
use std::str::FromStr;

use super::Instant;
use super::event::{Event, Journalled, Kind};
use super::id::{AccountId, AuthorisationId, CitizenId, MandateId, OrganisationId, UseId};
use super::mediator::Mediator;
use super::procedure::Procedure;
use super::refusal::Refusal;

/// What the mediator says came of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The procedure was done.
    Done,
    /// It could not be done.
    NotDone,
    /// The person goes on alone.
    HandedBack,
}

impl Outcome {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::Done, Self::NotDone, Self::HandedBack];

    /// The code stored and sent in forms.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotDone => "not_done",
            Self::HandedBack => "handed_back",
        }
    }
}

/// The text names no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an outcome")]
pub struct Unknown;

impl FromStr for Outcome {
    type Err = Unknown;
    fn from_str(code: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code).ok_or(Unknown)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// One use of a mandate at a public service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Its identifier.
    pub id: UseId,
    /// The mandate used.
    pub mandate: MandateId,
    /// The authorisation used.
    pub authorisation: AuthorisationId,
    /// In whose name.
    pub organisation: OrganisationId,
    /// For whom.
    pub citizen: CitizenId,
    /// By whom.
    pub account: AccountId,
    /// At which client.
    pub client: String,
    /// For what.
    pub procedure: Procedure,
    /// When the identity was issued.
    pub at: Instant,
    /// What came of it, once said.
    pub outcome: Option<Outcome>,
    /// Who said so.
    pub outcome_by: Option<AccountId>,
}

impl Use {
    /// The identity is issued under a pass: this is the use.
    pub fn issue(id: UseId, pass: &super::mandate::exercise::Pass, client: &str, now: Instant) -> Journalled<Self> {
        let event = pass.event(Kind::Use, client, now).fact("use", id.as_str());
        let used = Self {
            id,
            mandate: pass.mandate().clone(),
            authorisation: pass.authorisation().clone(),
            organisation: pass.organisation().clone(),
            citizen: pass.citizen().clone(),
            account: pass.account().clone(),
            client: client.to_owned(),
            procedure: pass.procedure(),
            at: now,
            outcome: None,
            outcome_by: None,
        };
        Journalled::new(used, vec![event])
    }

    /// Whether this mediator said so already: the button was pressed twice, or the first reply was lost on the way.
    #[must_use]
    pub fn holds(&self, mediator: &Mediator, outcome: Outcome) -> bool {
        self.organisation == mediator.organisation().id
            && self.outcome == Some(outcome)
            && self.outcome_by.as_ref() == Some(&mediator.account().id)
    }

    /// A mediator of the organisation says what came of it: once.
    ///
    /// # Errors
    /// Another organisation's use, or an outcome known already.
    pub fn record(mut self, mediator: &Mediator, outcome: Outcome, now: Instant) -> Result<Journalled<Self>, Refusal> {
        if self.organisation != mediator.organisation().id {
            return Err(Refusal::OtherOrganisation);
        }
        if self.outcome.is_some() {
            return Err(Refusal::OutcomeKnown);
        }
        self.outcome = Some(outcome);
        self.outcome_by = Some(mediator.account().id.clone());
        let event = Event::new(Kind::OutcomeRecorded, now)
            .by(&mediator.account().id)
            .within(&self.organisation)
            .about(&self.citizen)
            .under(&self.mandate)
            .for_procedure(self.procedure)
            .at_client(&self.client)
            .fact("use", self.id.as_str())
            .fact("outcome", outcome.code());
        Ok(Journalled::new(self, vec![event]))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::assurance::Assurance;
    use crate::domain::digest::Digest;
    use crate::domain::id::DraftId;
    use crate::domain::mandate::{Authorisation, Mandate};
    use crate::domain::samples::{Who, begin, one_event};
    use crate::domain::term::Term;

    fn mandate() -> Mandate {
        let who = Who::ana();
        let authorisation =
            Authorisation { id: AuthorisationId::new(begin(), 1), procedure: Procedure::Logement, ended: None };
        Mandate {
            id: MandateId::new(begin(), 1),
            organisation: who.organisation.id,
            citizen: CitizenId::new(begin(), 1),
            draft: DraftId::new(begin(), 1),
            opened_by: who.account.id,
            opened_at: begin(),
            expires_at: begin() + TimeDelta::days(1),
            term: Term::Day,
            session: None,
            authorisations: vec![authorisation],
            document: Digest::of(b"text"),
            assurance: Assurance::Low,
        }
    }

    fn issued() -> (Use, Event) {
        let pass = mandate().exercise(&Who::ana().mediator(), Procedure::Logement, None, begin()).unwrap();
        one_event(Use::issue(UseId::new(begin(), 1), &pass, "service", begin()))
    }

    fn about_the_use(kind: Kind) -> Event {
        let mandate = mandate();
        Event::new(kind, begin())
            .by(&Who::ana().account.id)
            .within(&mandate.organisation)
            .about(&mandate.citizen)
            .under(&mandate.id)
            .for_procedure(Procedure::Logement)
            .at_client("service")
    }

    #[test]
    fn a_use_is_one_fact_whose_outcome_nobody_knows_yet() {
        let (used, event) = issued();
        let authorisation = mandate().authorisations[0].id.clone();
        let expected =
            about_the_use(Kind::Use).fact("authorisation", authorisation.as_str()).fact("use", used.id.as_str());
        assert_eq!(event, expected);
        assert_eq!((used.mandate, used.authorisation), (mandate().id, authorisation));
        assert_eq!((used.at, used.outcome), (begin(), None));
    }

    #[test]
    fn an_outcome_is_said_once_by_a_mediator_of_the_organisation() {
        let (used, _) = issued();
        let elsewhere = used.clone().record(&Who::ana().at(2).mediator(), Outcome::Done, begin());
        assert_eq!(elsewhere, Err(Refusal::OtherOrganisation));
        let (known, event) = one_event(used.record(&Who::ana().mediator(), Outcome::HandedBack, begin()).unwrap());
        assert_eq!(known.outcome, Some(Outcome::HandedBack));
        let expected =
            about_the_use(Kind::OutcomeRecorded).fact("use", known.id.as_str()).fact("outcome", "handed_back");
        assert_eq!(event, expected);
        let ana = Who::ana().mediator();
        assert!(known.holds(&ana, Outcome::HandedBack) && !known.holds(&ana, Outcome::Done));
        assert!(!known.holds(&Who::ana().at(2).mediator(), Outcome::HandedBack));
        let colleague = Use { outcome_by: Some(AccountId::new(begin(), 77)), ..known.clone() };
        assert!(!colleague.holds(&ana, Outcome::HandedBack), "a colleague said so");
        assert_eq!(known.record(&Who::ana().mediator(), Outcome::Done, begin()), Err(Refusal::OutcomeKnown));
    }

    #[test]
    fn an_outcome_is_one_of_three() {
        for outcome in Outcome::ALL {
            assert_eq!(outcome.to_string().parse(), Ok(outcome));
        }
        assert_eq!("Done".parse::<Outcome>(), Err(Unknown));
        assert_eq!("".parse::<Outcome>(), Err(Unknown));
    }
}
