//! A mandate: organisation × citizen × authorisations × a term.

pub mod document;
pub mod draft;
pub mod exercise;
pub mod open;
pub mod revoke;
#[cfg(test)]
mod tests;
mod words;

use chrono::TimeDelta;

use super::Instant;
use super::assurance::Assurance;
use super::digest::Digest;
use super::id::{AccountId, AuthorisationId, CitizenId, DraftId, MandateId, OrganisationId, SessionId};
use super::procedure::Procedure;
use super::refusal::Refusal;
use super::term::Term;

/// Ended mandates stay on the organisation's screens this long.
pub const SHOWN_AFTER_END: TimeDelta = TimeDelta::days(365);

/// How an authorisation ended before its mandate's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndingKind {
    /// By somebody's will.
    Revoked,
    /// A newer mandate took its place.
    Replaced,
    /// The presence it was opened for ended.
    PresenceEnded,
    /// Its term had passed when a newer mandate needed its place.
    Expired,
}

impl EndingKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Revoked, Self::Replaced, Self::PresenceEnded, Self::Expired];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::PresenceEnded => "presence_ended",
            Self::Expired => "expired",
        }
    }
}

/// When and how an authorisation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The instant.
    pub at: Instant,
    /// The way.
    pub kind: EndingKind,
    /// Who ended it.
    pub by: Option<AccountId>,
    /// The reason given.
    pub reason: Option<revoke::Reason>,
}

/// One mandate × one procedure; revocable alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// Its identifier.
    pub id: AuthorisationId,
    /// What may be done.
    pub procedure: Procedure,
    /// How it ended, if it did.
    pub ended: Option<Ending>,
}

/// A mandate. Facts are stored; states are computed from them and the present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mandate {
    /// Its identifier.
    pub id: MandateId,
    /// The mandatary: the organisation, never one mediator.
    pub organisation: OrganisationId,
    /// The citizen.
    pub citizen: CitizenId,
    /// The draft it came from: the idempotency key of its opening.
    pub draft: DraftId,
    /// The mediator who opened it.
    pub opened_by: AccountId,
    /// When it was opened.
    pub opened_at: Instant,
    /// The exact instant from which it no longer works.
    pub expires_at: Instant,
    /// Its term.
    pub term: Term,
    /// The browser session it lives in, for the term "while present" only.
    pub session: Option<SessionId>,
    /// One per procedure, in the order of the screens.
    pub authorisations: Vec<Authorisation>,
    /// SHA-256 of the document frozen at opening.
    pub document: Digest,
    /// How sure the provider was of the citizen who agreed.
    pub assurance: Assurance,
}

/// The state of a mandate or of one of its authorisations at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It works.
    Active,
    /// Its term has passed.
    Expired,
    /// It was ended before its term.
    Ended(EndingKind),
}

impl Mandate {
    /// The state of one authorisation. Whatever asks whether an authorisation works asks here.
    #[must_use]
    pub fn standing_of(&self, authorisation: &Authorisation, now: Instant) -> Standing {
        match &authorisation.ended {
            Some(ending) if ending.kind == EndingKind::Expired => Standing::Expired,
            Some(ending) => Standing::Ended(ending.kind),
            None if super::runs(now, self.expires_at) => Standing::Active,
            None => Standing::Expired,
        }
    }

    /// The state of the whole: active while at least one authorisation is.
    #[must_use]
    pub fn standing(&self, now: Instant) -> Standing {
        let states = self.authorisations.iter().map(|authorisation| self.standing_of(authorisation, now));
        states.reduce(|one, other| if one == Standing::Active { one } else { other }).unwrap_or(Standing::Expired)
    }

    /// When it ends, or ended: at its term, unless all of it ended before.
    #[must_use]
    pub fn last_end(&self) -> Instant {
        let ends = self.authorisations.iter().map(|one| one.ended.as_ref().map_or(self.expires_at, |ending| ending.at));
        ends.max().unwrap_or(self.expires_at)
    }

    /// Whether the organisation's screens still show it.
    #[must_use]
    pub fn is_shown(&self, now: Instant) -> bool {
        super::runs(now, self.last_end() + SHOWN_AFTER_END)
    }

    /// The live authorisations.
    pub fn live(&self, now: Instant) -> impl Iterator<Item = &Authorisation> {
        self.authorisations.iter().filter(move |one| self.standing_of(one, now) == Standing::Active)
    }

    fn authorisation(&self, procedure: Procedure) -> Result<&Authorisation, Refusal> {
        self.authorisations.iter().find(|one| one.procedure == procedure).ok_or(Refusal::ProcedureNotInMandate)
    }
}
