//! Whose key seals what an entry keeps to itself.

use crate::domain::id::{AccountId, CitizenId};

/// Whose key seals the private part of an entry: destroying that key destroys the part, and leaves every proof valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A citizen.
    Citizen(CitizenId),
    /// A mediator, manager or auditor.
    Account(AccountId),
}

impl Owner {
    /// The identifier of the person.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Citizen(id) => id.as_str(),
            Self::Account(id) => id.as_str(),
        }
    }
}

impl super::Kind {
    /// The members of the clear part that may name whose key seals what belongs to such an entry: the first that is there does.
    #[must_use]
    pub const fn sealed_by(self) -> &'static [&'static str] {
        match self {
            Self::AgreementGiven | Self::MandateOpened | Self::InquiryAsked => &["citizen"],
            Self::AccountCreated => &["subject"],
            Self::FindingRecorded | Self::SignalAnswered => &["citizen", "actor"],
            _ => &["actor"],
        }
    }
}

impl super::Event {
    /// With a sealed part that speaks of a citizen, and goes with them; or of nobody, and goes with who wrote it.
    #[must_use]
    pub fn sealed_about(
        self,
        citizen: Option<CitizenId>,
        author: &AccountId,
        values: Vec<(&'static str, String)>,
    ) -> Self {
        match citizen {
            Some(citizen) => self.about(&citizen).sealed_for(Owner::Citizen(citizen), values),
            None => self.sealed_for(Owner::Account(author.clone()), values),
        }
    }
}
