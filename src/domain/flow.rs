//! One sign-in at a public service in progress: from the authorisation request to the code. Bound to a browser, then to one mediator
//! and session; lives 10 minutes; gives one code at most.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Instant;
use super::authenticator::FreshCode;
use super::id::{AccountId, FlowId, SessionId};
use super::mediator::Mediator;
use super::procedure::Procedure;
use super::refusal::Refusal;

/// How long a sign-in may take.
pub const LIFE: TimeDelta = TimeDelta::minutes(10);
/// How old the code of a mediator may be when FranceConnect sends `prompt=login`, as it does every time.
pub const FRANCECONNECT_REAUTHENTICATION: TimeDelta = TimeDelta::minutes(15);

/// An authorisation request that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its identifier: 80 random bits, and useless without the browser and session it is bound to.
    pub id: FlowId,
    /// The client.
    pub client: String,
    /// SHA-256 of the browser's secret.
    pub browser: [u8; 32],
    /// Where to answer.
    pub redirect_uri: String,
    /// Echoed.
    pub state: Option<String>,
    /// Echoed in the ID token.
    pub nonce: Option<String>,
    /// The scopes granted: known ones among those asked.
    pub scope: String,
    /// The procedures the service accepts; all of them if none.
    pub procedures: Option<BTreeSet<Procedure>>,
    /// The oldest code that counts as authentication for this request, if any is asked for.
    pub code_since: Option<Instant>,
    /// PKCE challenge (S256), if the client sent one.
    pub challenge: Option<String>,
    /// The mediator who took it up.
    pub account: Option<AccountId>,
    /// Their session.
    pub session: Option<SessionId>,
    /// When it began.
    pub created_at: Instant,
    /// Whether it has given its code or was refused.
    pub used: bool,
}

impl Flow {
    /// Whether it may go on in this browser.
    ///
    /// # Errors
    /// Another browser's, too old, or over.
    pub fn alive(&self, browser: &[u8; 32], now: Instant) -> Result<(), Refusal> {
        if self.browser != *browser {
            return Err(Refusal::FlowNotYours);
        }
        if self.used {
            return Err(Refusal::FlowUsed);
        }
        if !super::runs(now, self.created_at + LIFE) {
            return Err(Refusal::FlowExpired);
        }
        Ok(())
    }

    /// The mediator takes it up; afterwards nobody else can.
    ///
    /// # Errors
    /// Somebody else took it up.
    pub fn taken_by(mut self, mediator: &Mediator) -> Result<Self, Refusal> {
        let (account, session) = (&mediator.account().id, mediator.session());
        if self.account.as_ref().is_some_and(|taken| taken != account)
            || self.session.as_ref().is_some_and(|taken| taken != session)
        {
            return Err(Refusal::FlowNotYours);
        }
        self.account = Some(account.clone());
        self.session = Some(session.clone());
        Ok(self)
    }

    /// Whether the mediator's last code is recent enough for this request.
    ///
    /// # Errors
    /// It is older than the request allows.
    pub fn authenticated(&self, last_code: Option<FreshCode>) -> Result<(), Refusal> {
        match self.code_since {
            Some(since) if last_code.is_none_or(|code| code.at() < since) => Err(Refusal::FreshCodeNeeded),
            _ => Ok(()),
        }
    }
}
