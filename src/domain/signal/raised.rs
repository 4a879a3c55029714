//! A signal: sent to the organisation first, answered by it, then read by auditors.

use super::{Found, Thresholds};
use crate::domain::auditor;
use crate::domain::event::{Event, Journalled, Kind};
use crate::domain::id::{AccountId, CitizenId, OrganisationId, SignalId};
use crate::domain::mediator::Member;
use crate::domain::refusal::Refusal;
use crate::domain::{Instant, civil, runs};

/// A signal, from the question to the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Its identifier.
    pub id: SignalId,
    /// To whom it is sent first.
    pub organisation: OrganisationId,
    /// The day it is about, counted as in [`civil`].
    pub day: i32,
    /// What was found.
    pub found: Found,
    /// Since when the organisation sees it.
    pub raised_at: Instant,
    /// Until when it comes before the auditors.
    pub answer_until: Instant,
    /// When and by whom it was answered.
    pub answered: Option<(Instant, AccountId)>,
}

impl Signal {
    /// Sends it to the organisation.
    pub fn raise(
        id: SignalId,
        organisation: OrganisationId,
        day: i32,
        found: Found,
        limits: &Thresholds,
        now: Instant,
    ) -> Journalled<Self> {
        let answer_until = now + limits.answer_time();
        let event = Event::new(Kind::SignalRaised, now)
            .within(&organisation)
            .fact("signal", id.as_str())
            .fact("rule", found.rule.code())
            .fact("about", &found.subject)
            .fact("day", civil::date(day).to_string())
            .fact("times", found.times.to_string());
        let signal = Self { id, organisation, day, found, raised_at: now, answer_until, answered: None };
        Journalled::new(signal, vec![event])
    }

    /// Whether auditors see it: the organisation comes first.
    #[must_use]
    pub fn is_before_auditors(&self, now: Instant) -> bool {
        self.answered.is_some() || !runs(now, self.answer_until)
    }

    /// Whether it is about this account: then somebody else answers, if there is anybody.
    #[must_use]
    pub fn is_about(&self, account: &AccountId) -> bool {
        self.found.subject == account.as_str()
    }

    /// The organisation answers, once. The text is sealed: a digest of it in the clear part would outlive it. `citizen`: whose mandate it is
    /// about, if it is. `alone`: whether nobody else of the organisation could answer.
    ///
    /// # Errors
    /// Another organisation's, answered already, about whoever answers, or a text too short or too long.
    pub fn answer(
        mut self,
        member: &Member,
        alone: bool,
        citizen: Option<CitizenId>,
        typed: &str,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        if self.organisation != member.organisation().id {
            return Err(Refusal::OtherOrganisation);
        }
        if self.answered.is_some() {
            return Err(Refusal::SignalAnswered);
        }
        if self.is_about(&member.account().id) && !alone {
            return Err(Refusal::SignalOfOneself);
        }
        let (text, account) = (auditor::text(typed)?, member.account().id.clone());
        let event = Event::new(Kind::SignalAnswered, now)
            .by(&account)
            .within(&self.organisation)
            .fact("signal", self.id.as_str())
            .sealed_about(citizen, &account, vec![("text", text)]);
        self.answered = Some((now, account));
        Ok(Journalled::new(self, vec![event]))
    }
}
