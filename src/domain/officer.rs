//! Who decides for the operator: holds, and erasures before their time.

use super::id::SessionId;
use super::mediator::Account;
use super::refusal::Refusal;

/// Somebody who may decide about holds and erasures now. Holding the value is the permission.
#[derive(Debug, Clone)]
pub struct Officer {
    account: Account,
    session: SessionId,
}

impl Officer {
    /// Proves that the account is an officer's.
    ///
    /// # Errors
    /// Account deactivated, terms not accepted, not an officer.
    pub fn new(account: Account, session: SessionId) -> Result<Self, Refusal> {
        if !account.active {
            return Err(Refusal::AccountInactive);
        }
        if !account.accepted_terms() {
            return Err(Refusal::TermsNotAccepted);
        }
        if account.officer { Ok(Self { account, session }) } else { Err(Refusal::NotAnOfficer) }
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The browser session.
    #[must_use]
    pub const fn session(&self) -> &SessionId {
        &self.session
    }
}
