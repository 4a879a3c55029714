//! The people who sign in, and what proves that one of them may act now.

use std::fmt;
use std::str::FromStr;

use super::Instant;
use super::event::{Event, Journalled, Kind, Owner};
use super::id::{AccountId, OrganisationId, SessionId};
use super::organisation::Organisation;
use super::refusal::Refusal;

/// The version of the terms of use in force. A change asks everybody again.
pub const TERMS_VERSION: &str = "2026-11";

/// An e-mail address in the one form it is stored and compared in: lower case, ASCII, at most 254 characters (RFC 5321).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// The text is not an address that can be used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnAddress;

impl Email {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = NotAnAddress;
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let address = text.trim().to_ascii_lowercase();
        let (user, domain) = address.split_once('@').ok_or(NotAnAddress)?;
        let user_fits = !user.is_empty()
            && user.len() <= 64
            && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte))
            && user.split('.').all(|atom| !atom.is_empty());
        let label_fits = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let domain_fits = domain.contains('.') && domain.split('.').all(label_fits);
        if user_fits && domain_fits && address.len() <= 254 { Ok(Self(address)) } else { Err(NotAnAddress) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Pseudonymous identifier.
    pub id: AccountId,
    /// E-mail address.
    pub email: Email,
    /// First and last name.
    pub name: String,
    /// May read the journal.
    pub auditor: bool,
    /// May decide about holds and erasures.
    pub officer: bool,
    /// False once deactivated.
    pub active: bool,
    /// The version of the terms of use accepted last.
    pub terms: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What an account may do in one organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organisation: OrganisationId,
    /// May open and use mandates.
    pub mediator: bool,
    /// Manages the organisation's mediators and devices.
    pub manager: bool,
    /// End of the mediator's certification, if it has one.
    pub certified_until: Option<Instant>,
}

impl Account {
    /// A new account, or a new role of it.
    pub fn create(self, membership: Option<&Membership>, now: Instant) -> Journalled<Self> {
        let role = match membership {
            Some(Membership { mediator: true, manager: true, .. }) => "mediator_and_manager",
            Some(Membership { mediator: true, .. }) => "mediator",
            Some(_) => "manager",
            None if self.officer => "officer",
            None if self.auditor => "auditor",
            None => "none",
        };
        let mut event = Event::new(Kind::AccountCreated, now).on(&self.id).fact("role", role).sealed_for(
            Owner::Account(self.id.clone()),
            vec![("email", self.email.to_string()), ("name", self.name.clone())],
        );
        if let Some(membership) = membership {
            event = event.within(&membership.organisation);
        }
        Journalled::new(self, vec![event])
    }

    /// Deactivates it: its sessions and its uses in progress stop at once. Twice changes nothing.
    pub fn deactivate(mut self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::AccountDeactivated, now).on(&self.id);
        let events = if self.active { vec![event] } else { Vec::new() };
        self.active = false;
        Journalled::new(self, events)
    }

    /// Reactivates it.
    pub fn reactivate(mut self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::AccountReactivated, now).on(&self.id);
        let events = if self.active { Vec::new() } else { vec![event] };
        self.active = true;
        Journalled::new(self, events)
    }

    /// Accepts the terms of use in force.
    pub fn accept_terms(mut self, now: Instant) -> Journalled<Self> {
        if self.accepted_terms() {
            return Journalled::new(self, Vec::new());
        }
        self.terms = Some(TERMS_VERSION.to_owned());
        let event = Event::new(Kind::TermsAccepted, now).by(&self.id).fact("version", TERMS_VERSION);
        Journalled::new(self, vec![event])
    }

    /// Whether the terms in force are accepted.
    #[must_use]
    pub fn accepted_terms(&self) -> bool {
        self.terms.as_deref() == Some(TERMS_VERSION)
    }
}

/// Somebody who may see and end the mandates of one organisation now: a mediator or a manager of it.
/// Holding the value is the permission.
#[derive(Debug, Clone)]
pub struct Member {
    account: Account,
    organisation: Organisation,
    session: SessionId,
    membership: Membership,
}

impl Member {
    /// Proves that the account may act for the organisation now.
    ///
    /// # Errors
    /// Account deactivated, terms not accepted, membership of another organisation, organisation suspended.
    pub fn new(
        account: Account,
        membership: Membership,
        organisation: Organisation,
        session: SessionId,
    ) -> Result<Self, Refusal> {
        if !account.active {
            return Err(Refusal::AccountInactive);
        }
        if !account.accepted_terms() {
            return Err(Refusal::TermsNotAccepted);
        }
        if membership.organisation != organisation.id || !(membership.mediator || membership.manager) {
            return Err(Refusal::NotAMember);
        }
        if organisation.suspended_at.is_some() {
            return Err(Refusal::OrganisationSuspended);
        }
        Ok(Self { account, organisation, session, membership })
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The current organisation.
    #[must_use]
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// The browser session.
    #[must_use]
    pub const fn session(&self) -> &SessionId {
        &self.session
    }

    /// Whether they are also a manager.
    #[must_use]
    pub const fn is_manager(&self) -> bool {
        self.membership.manager
    }
}

/// Somebody who may open and use mandates of one organisation now. Holding the value is the permission.
#[derive(Debug, Clone)]
pub struct Mediator(Member);

impl Mediator {
    /// Proves that the member is a certified mediator now.
    ///
    /// # Errors
    /// Not a mediator of the organisation, or certification ended.
    pub fn new(member: Member, now: Instant) -> Result<Self, Refusal> {
        if !member.membership.mediator {
            return Err(Refusal::NotAMediator);
        }
        if member.membership.certified_until.is_some_and(|until| !super::runs(now, until)) {
            return Err(Refusal::NotCertified);
        }
        Ok(Self(member))
    }
}

impl std::ops::Deref for Mediator {
    type Target = Member;
    fn deref(&self) -> &Member {
        &self.0
    }
}

#[cfg(test)]
mod tests;
