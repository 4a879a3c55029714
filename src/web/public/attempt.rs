//! One attempt to sign in: link and code, counted and recorded in one transaction.

use super::handler::start_of;
use crate::credential;
use crate::domain::Instant;
use crate::domain::assurance::Authentication;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AccountId, AuthenticatorId, SessionId};
use crate::domain::mediator::Account;
use crate::domain::refusal::Refusal;
use crate::store::sign_in::Link;
use crate::store::{Tx, accounts, authenticators, journal, sessions, sign_in};
use crate::web::context::Browser;
use crate::web::problem::Problem;

/// A link and a code, presented together, with everything that a session needs.
pub(super) struct Attempt {
    pub(super) link_hash: [u8; 32],
    pub(super) recovery: Option<i32>,
    pub(super) code: String,
    pub(super) browser: Browser,
    pub(super) session: SessionId,
    pub(super) factor: AuthenticatorId,
    pub(super) seed: [u8; credential::SEED_BYTES],
    pub(super) token: String,
    pub(super) csrf: String,
    pub(super) now: Instant,
}

/// A session that was opened.
pub(super) struct Entered {
    pub(super) enrolling: bool,
    pub(super) start: &'static str,
}

impl Attempt {
    /// Everything in one transaction, failures included: they are counted and recorded.
    pub(super) fn enter(&self, tx: &mut Tx<'_>) -> Result<Result<Entered, Refusal>, Problem> {
        let link = sign_in::find_locked(tx, &self.link_hash)?;
        let account = match usable(link, &self.browser, self.now) {
            Some(id) => Some(accounts::find(tx, &id)?).filter(|account| account.active),
            None => None,
        };
        let account = account.ok_or(Refusal::SignInFailed)?;
        let Some((device, seed)) = authenticators::confirmed_locked(tx, &account.id)? else {
            authenticators::begin(tx, &self.factor, &account.id, &self.seed, self.now)?;
            return self.open(tx, &account, None, Authentication::Code);
        };
        if let Some(position) = self.recovery.filter(|_| device.locked_at.is_none()) {
            if !authenticators::spend_recovery_code(tx, &account.id, position, self.now)? {
                return self.refused(tx, &account.id);
            }
            let (event, code) = crate::domain::authenticator::recovery_code_accepted(&account.id, self.now);
            journal::record(tx, &event)?;
            journal::record(tx, &Event::new(Kind::SignedIn, self.now).by(&account.id))?;
            return self.open(tx, &account, Some(code.at()), Authentication::RecoveryCode);
        }
        let step = credential::matching_step(&seed, &self.code, self.now);
        let presented = device.present(step, self.now, Kind::SignedIn, Kind::SignInRefused);
        let device = authenticators::save(tx, presented.authenticator)?;
        if device.locked_at.is_some() {
            // No further guess on this link, and none of its entries in the journal.
            sign_in::spend(tx, &self.link_hash, self.now)?;
        }
        match presented.outcome {
            Ok(code) => self.open(tx, &account, Some(code.at()), Authentication::Code),
            // A locked device and a wrong code answer alike: nobody learns which.
            Err(_) => Ok(Err(Refusal::SignInFailed)),
        }
    }

    fn refused(&self, tx: &mut Tx<'_>, account: &AccountId) -> Result<Result<Entered, Refusal>, Problem> {
        let event = Event::new(Kind::SignInRefused, self.now).by(account).fact("reason", Refusal::SignInFailed.code());
        journal::record(tx, &event)?;
        Ok(Err(Refusal::SignInFailed))
    }

    fn open(
        &self,
        tx: &mut Tx<'_>,
        account: &Account,
        code_at: Option<Instant>,
        authentication: Authentication,
    ) -> Result<Result<Entered, Refusal>, Problem> {
        if !sign_in::spend(tx, &self.link_hash, self.now)? {
            return self.refused(tx, &account.id);
        }
        let memberships = accounts::memberships(tx, &account.id)?;
        let first = memberships.iter().find(|(role, _)| role.mediator).or(memberships.first());
        let new = sessions::New {
            id: &self.session,
            token_hash: &credential::token_hash(&self.token),
            account: &account.id,
            organisation: first.map(|(_, organisation)| &organisation.id),
            csrf: &self.csrf,
            code_at,
            authentication,
        };
        sessions::create(tx, &new, self.now)?;
        let start = start_of(account, !memberships.is_empty());
        Ok(Ok(Entered { enrolling: code_at.is_none(), start }))
    }
}

/// The account of a link that works now in this browser.
pub(super) fn usable(link: Option<Link>, browser: &Browser, now: Instant) -> Option<AccountId> {
    let link = link?;
    let works = !link.used
        && crate::domain::runs(now, link.expires_at)
        && credential::same(&link.browser_hash, &browser.hash());
    link.account.filter(|_| works)
}
