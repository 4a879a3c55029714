//! Using a mandate: the one rule that says whether an organisation may act for a citizen now.

use std::collections::BTreeSet;

use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AccountId, AuthorisationId, CitizenId, MandateId, OrganisationId};
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;

use super::{Mandate, Standing};

/// Proof that this mediator may act under this authorisation at this instant. Only a pass can become a code, and it is asked for
/// again when the code is exchanged and when the identity is issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    mandate: MandateId,
    authorisation: AuthorisationId,
    citizen: CitizenId,
    organisation: OrganisationId,
    account: AccountId,
    procedure: Procedure,
    expires_at: Instant,
}

impl Pass {
    /// The mandate.
    #[must_use]
    pub const fn mandate(&self) -> &MandateId {
        &self.mandate
    }

    /// The authorisation.
    #[must_use]
    pub const fn authorisation(&self) -> &AuthorisationId {
        &self.authorisation
    }

    /// For whom.
    #[must_use]
    pub const fn citizen(&self) -> &CitizenId {
        &self.citizen
    }

    /// In whose name.
    #[must_use]
    pub const fn organisation(&self) -> &OrganisationId {
        &self.organisation
    }

    /// By whom.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.account
    }

    /// For what.
    #[must_use]
    pub const fn procedure(&self) -> Procedure {
        self.procedure
    }

    /// Until when the mandate runs.
    #[must_use]
    pub const fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// A fact about this use.
    #[must_use]
    pub fn event(&self, kind: Kind, client: &str, now: Instant) -> Event {
        Event::new(kind, now)
            .by(&self.account)
            .within(&self.organisation)
            .about(&self.citizen)
            .under(&self.mandate)
            .for_procedure(self.procedure)
            .at_client(client)
            .fact("authorisation", self.authorisation.as_str())
    }
}

impl Mandate {
    /// Whether the mediator may act for the citizen in this procedure now, at a service that accepts `asked` procedures
    /// (all of them if `None`).
    ///
    /// # Errors
    /// Another organisation's mandate, expired, revoked, replaced, procedure not named or not asked, presence ended.
    pub fn exercise(
        &self,
        mediator: &Mediator,
        procedure: Procedure,
        asked: Option<&BTreeSet<Procedure>>,
        now: Instant,
    ) -> Result<Pass, Refusal> {
        if self.organisation != mediator.organisation().id {
            return Err(Refusal::OtherOrganisation);
        }
        let authorisation = self.authorisation(procedure)?;
        match self.standing_of(authorisation, now) {
            Standing::Active => {}
            Standing::Expired => return Err(Refusal::MandateExpired),
            Standing::Ended(_) => return Err(Refusal::AuthorisationEnded),
        }
        if self.session.as_ref().is_some_and(|session| session != mediator.session()) {
            return Err(Refusal::PresenceEnded);
        }
        if asked.is_some_and(|asked| !asked.contains(&procedure)) {
            return Err(Refusal::ProcedureNotAsked);
        }
        Ok(Pass {
            mandate: self.id.clone(),
            authorisation: authorisation.id.clone(),
            citizen: self.citizen.clone(),
            organisation: self.organisation.clone(),
            account: mediator.account().id.clone(),
            procedure,
            expires_at: self.expires_at,
        })
    }
}
