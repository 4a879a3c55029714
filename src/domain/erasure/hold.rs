//! Holds: whose data stay, whatever the periods and the officers say.

use std::fmt;
use std::str::FromStr;

use super::Standing;
use crate::domain::Instant;
use crate::domain::event::{Event, Journalled, Kind, Owner};
use crate::domain::id::{AccountId, HoldId};
use crate::domain::officer::Officer;
use crate::domain::refusal::Refusal;

grounds! {
    /// Why somebody's data must stay.
    HoldGround:
    /// A dispute before a court.
    Litigation = "litigation",
    /// An inquiry of a court, the police or an authority.
    Inquiry = "inquiry",
    /// A complaint that is being looked into.
    Complaint = "complaint",
}

/// A hold: whatever the periods and the officers say, the person's data stay where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its identifier.
    pub id: HoldId,
    /// Whose data.
    pub person: Owner,
    /// Why.
    pub ground: HoldGround,
    /// Who set it.
    pub set_by: AccountId,
    /// When.
    pub set_at: Instant,
    /// Who lifted it, and when.
    pub lifted: Option<(AccountId, Instant)>,
}

impl Hold {
    /// Sets it.
    ///
    /// # Errors
    /// The person is destroyed already, or held.
    pub fn set(
        id: HoldId,
        person: Owner,
        standing: Standing,
        ground: HoldGround,
        officer: &Officer,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        standing.allows()?;
        let by = officer.account().id.clone();
        let hold = Self { id, person, ground, set_by: by, set_at: now, lifted: None };
        let event = hold.event(Kind::HoldSet, officer, now);
        Ok(Journalled::new(hold, vec![event]))
    }

    /// Lifts it. Twice changes nothing.
    pub fn lift(mut self, officer: &Officer, now: Instant) -> Journalled<Self> {
        if self.lifted.is_some() {
            return Journalled::new(self, Vec::new());
        }
        let event = self.event(Kind::HoldLifted, officer, now);
        self.lifted = Some((officer.account().id.clone(), now));
        Journalled::new(self, vec![event])
    }

    fn event(&self, kind: Kind, officer: &Officer, now: Instant) -> Event {
        let event = Event::new(kind, now).by(&officer.account().id);
        let event = match &self.person {
            Owner::Citizen(id) => event.about(id),
            Owner::Account(id) => event.on(id),
        };
        event.fact("hold", self.id.as_str()).fact("ground", self.ground.code())
    }
}
