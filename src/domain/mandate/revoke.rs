//! Ending a mandate before its term: one authorisation or all of them, at once and everywhere.

use std::fmt;
use std::str::FromStr;

use crate::domain::Instant;
use crate::domain::event::{Event, Journalled, Kind};
use crate::domain::id::{AccountId, SessionId};
use crate::domain::mediator::Member;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;

use super::{Ending, EndingKind, Mandate, Standing};

/// Why it is ended: a closed list, so that no text about a person enters the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The citizen asked for it.
    CitizenAsked,
    /// What it was opened for is done.
    ProcedureDone,
    /// It was opened by mistake.
    Mistake,
    /// The citizen can no longer be reached, or has died.
    CitizenAbsent,
    /// Another reason.
    Other,
}

impl Reason {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 5] =
        [Self::CitizenAsked, Self::ProcedureDone, Self::Mistake, Self::CitizenAbsent, Self::Other];

    /// The code stored and sent in forms.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CitizenAsked => "citizen_asked",
            Self::ProcedureDone => "procedure_done",
            Self::Mistake => "mistake",
            Self::CitizenAbsent => "citizen_absent",
            Self::Other => "other",
        }
    }
}

impl FromStr for Reason {
    type Err = Refusal;
    fn from_str(code: &str) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|reason| reason.code() == code).ok_or(Refusal::NoReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What is to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every live authorisation.
    Whole,
    /// The authorisation for this procedure.
    One(Procedure),
}

impl Mandate {
    /// Ends one authorisation or all of them. What has ended already stays as it is.
    ///
    /// # Errors
    /// Another organisation's mandate, a procedure it does not name, or nothing left to end.
    pub fn revoke(
        self,
        member: &Member,
        extent: Extent,
        reason: Reason,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        if self.organisation != member.organisation().id {
            return Err(Refusal::OtherOrganisation);
        }
        if let Extent::One(procedure) = extent {
            self.authorisation(procedure)?;
        }
        let by = &member.account().id;
        let ending = Ending { at: now, kind: EndingKind::Revoked, by: Some(by.clone()), reason: Some(reason) };
        let chosen = |procedure| extent == Extent::Whole || extent == Extent::One(procedure);
        let ended = self.end(chosen, &ending, |event| event.by(by).fact("reason", reason.code()));
        if ended.value_changed() { Ok(ended.journalled) } else { Err(Refusal::NothingToRevoke) }
    }

    /// Ends what still runs because the citizen is erased.
    pub fn erased(self, by: Option<&AccountId>, reason: Reason, now: Instant) -> Journalled<Self> {
        let ending = Ending { at: now, kind: EndingKind::Revoked, by: by.cloned(), reason: Some(reason) };
        let complete = |event: Event| by.map_or(event.clone(), |by| event.by(by)).fact("reason", reason.code());
        self.end(|_| true, &ending, complete).journalled
    }

    /// The presence of the citizen has ended: the session was closed, or idle too long. Other mandates are untouched.
    pub fn presence_ended(self, session: &SessionId, now: Instant) -> Journalled<Self> {
        let here = self.session.as_ref() == Some(session);
        let ending = Ending { at: now, kind: EndingKind::PresenceEnded, by: None, reason: None };
        self.end(|_| here, &ending, |event| event).journalled
    }

    fn end(mut self, chosen: impl Fn(Procedure) -> bool, ending: &Ending, complete: impl Fn(Event) -> Event) -> Ended {
        let kind = match ending.kind {
            EndingKind::PresenceEnded => Kind::PresenceEnded,
            _ => Kind::AuthorisationRevoked,
        };
        let before = self.clone();
        let mut events = Vec::new();
        for authorisation in &mut self.authorisations {
            let live = before.standing_of(authorisation, ending.at) == Standing::Active;
            if live && chosen(authorisation.procedure) {
                authorisation.ended = Some(ending.clone());
                let event = Event::new(kind, ending.at)
                    .within(&before.organisation)
                    .about(&before.citizen)
                    .under(&before.id)
                    .for_procedure(authorisation.procedure)
                    .fact("authorisation", authorisation.id.as_str());
                events.push(complete(event));
            }
        }
        let changed = !events.is_empty();
        Ended { journalled: Journalled::new(self, events), changed }
    }
}

struct Ended {
    journalled: Journalled<Mandate>,
    changed: bool,
}

impl Ended {
    const fn value_changed(&self) -> bool {
        self.changed
    }
}
