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
    /// The member of the clear part that names whose key seals what belongs to such an entry.
    #[must_use]
    pub const fn sealed_by(self) -> &'static str {
        match self {
            Self::AgreementGiven | Self::MandateOpened | Self::InquiryAsked => "citizen",
            Self::AccountCreated => "subject",
            _ => "actor",
        }
    }
}
