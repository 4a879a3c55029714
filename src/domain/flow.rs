//! One sign-in at a public service in progress: from the authorisation request to the code. Bound to a browser, then to one mediator
//! and session; lives 10 minutes; gives one code at most.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::Instant;
use super::authenticator::FreshCode;
use super::id::{AccountId, CitizenId, FlowId, SessionId};
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
    /// Whom the service asks for, if it showed a token of ours about somebody; anybody otherwise.
    pub citizen: Option<CitizenId>,
    /// The oldest code that counts as authentication for this request, if any is asked for.
    pub code_since: Option<Instant>,
    /// PKCE challenge (S256), if the client sent one.
    pub challenge: Option<String>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 10), if it is.
    pub dpop_key: Option<String>,
    /// The word by which the service learns how sure we are.
    pub acr: String,
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

    /// Whether the service may be answered for this citizen (OpenID Connect Core 3.1.2.2: nobody but whom the hint is about).
    ///
    /// # Errors
    /// It asks for another one.
    pub fn is_for(&self, citizen: &CitizenId) -> Result<(), Refusal> {
        if self.citizen.as_ref().is_some_and(|asked| asked != citizen) {
            return Err(Refusal::CitizenNotAsked);
        }
        Ok(())
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

#[cfg(test)]
pub(in crate::domain) mod tests {
    use super::*;
    use crate::domain::samples::{MICROSECOND, Who, begin};

    const BROWSER: [u8; 32] = [1; 32];

    /// A flow that nobody has taken up.
    pub(in crate::domain) fn flow() -> Flow {
        Flow {
            id: FlowId::new(begin(), 1),
            client: "franceconnect".to_owned(),
            browser: BROWSER,
            redirect_uri: "https://fc.example.fr/callback".to_owned(),
            state: None,
            nonce: None,
            scope: "openid".to_owned(),
            procedures: None,
            citizen: None,
            code_since: None,
            challenge: None,
            dpop_key: None,
            acr: "eidas1".to_owned(),
            account: None,
            session: None,
            created_at: begin(),
            used: false,
        }
    }

    #[test]
    fn a_flow_goes_on_in_its_browser_and_once() {
        assert_eq!(flow().alive(&BROWSER, begin()), Ok(()));
        assert_eq!(flow().alive(&[2; 32], begin()), Err(Refusal::FlowNotYours));
        let used = Flow { used: true, ..flow() };
        assert_eq!(used.alive(&BROWSER, begin()), Err(Refusal::FlowUsed));
        assert_eq!(used.alive(&[2; 32], begin()), Err(Refusal::FlowNotYours), "a stranger learns nothing of it");
    }

    #[test]
    fn a_flow_lives_ten_minutes() {
        let end = begin() + TimeDelta::minutes(10);
        assert_eq!(flow().alive(&BROWSER, end - MICROSECOND), Ok(()));
        for now in [end, end + MICROSECOND] {
            assert_eq!(flow().alive(&BROWSER, now), Err(Refusal::FlowExpired), "{now}");
        }
    }

    #[test]
    fn whoever_takes_it_up_first_keeps_it_in_that_session() {
        let ana = Who::ana();
        let taken = flow().taken_by(&ana.clone().mediator()).unwrap();
        assert_eq!((taken.account.as_ref(), taken.session.as_ref()), (Some(&ana.account.id), Some(&ana.session)));
        assert_eq!(taken.clone().taken_by(&ana.clone().mediator()), Ok(taken.clone()));
        let bea = ana.clone().but(|who| who.account.id = AccountId::new(begin(), 2));
        let elsewhere = ana.but(|who| who.session = SessionId::new(begin(), 2));
        for other in [bea, elsewhere] {
            assert_eq!(taken.clone().taken_by(&other.mediator()), Err(Refusal::FlowNotYours));
        }
    }

    #[test]
    fn a_flow_is_for_whom_the_service_asks() {
        let (one, other) = (CitizenId::new(begin(), 1), CitizenId::new(begin(), 2));
        assert_eq!(flow().is_for(&one), Ok(()), "anybody");
        let asked = Flow { citizen: Some(one.clone()), ..flow() };
        assert_eq!((asked.is_for(&one), asked.is_for(&other)), (Ok(()), Err(Refusal::CitizenNotAsked)));
    }

    #[test]
    fn the_last_code_is_as_recent_as_the_request_asks() {
        let code = |at| Some(FreshCode::remembered(at));
        assert_eq!(flow().authenticated(None), Ok(()), "nothing is asked");
        let asks = Flow { code_since: Some(begin()), ..flow() };
        assert_eq!(asks.authenticated(code(begin())), Ok(()));
        for older in [None, code(begin() - MICROSECOND)] {
            assert_eq!(asks.authenticated(older), Err(Refusal::FreshCodeNeeded));
        }
    }
}
