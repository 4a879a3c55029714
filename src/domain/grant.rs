//! What a use gives to the client: a code for 30 seconds, then an access token for 60, each once.

use chrono::TimeDelta;

use super::Instant;
use super::assurance::Authentication;
use super::digest::Digest;
use super::event::{Event, Kind};
use super::id::{AccountId, CitizenId, FlowId, MandateId, OrganisationId, SessionId};
use super::procedure::Procedure;
use super::refusal::Refusal;

/// How long a code works.
pub const CODE_LIFE: TimeDelta = TimeDelta::seconds(30);
/// How long an access token and an ID token work.
pub const TOKEN_LIFE: TimeDelta = TimeDelta::seconds(60);

/// A grant and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The sign-in it came from.
    pub flow: FlowId,
    /// The client it was given to.
    pub client: String,
    /// The mediator.
    pub account: AccountId,
    /// The mediator's session.
    pub session: SessionId,
    /// In whose name.
    pub organisation: OrganisationId,
    /// For whom.
    pub citizen: CitizenId,
    /// Under which mandate.
    pub mandate: MandateId,
    /// For what.
    pub procedure: Procedure,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// The nonce of the request.
    pub nonce: Option<String>,
    /// The scopes granted.
    pub scope: String,
    /// PKCE challenge (S256).
    pub challenge: Option<String>,
    /// The sign-in whose choice it repeats without a page, if it does.
    pub repeats: Option<FlowId>,
    /// The thumbprint of the key that the code, then the access token, is bound to (RFC 9449), if it is.
    pub dpop_key: Option<String>,
    /// When the mediator authenticated.
    pub auth_time: Instant,
    /// How.
    pub authentication: Authentication,
    /// The word by which the service learns how sure we are.
    pub acr: String,
    /// The secret that redeemed the code, if it signs: its SHA-256.
    pub secret: Option<Digest>,
    /// Until when the code works.
    pub code_expires_at: Instant,
    /// When the code was presented.
    pub code_used_at: Option<Instant>,
    /// Until when the access token works.
    pub token_expires_at: Option<Instant>,
    /// When the access token was spent.
    pub token_used_at: Option<Instant>,
    /// When everything it gave was revoked.
    pub revoked_at: Option<Instant>,
}

/// What a client presents with a code.
pub struct Presented<'a> {
    /// The authenticated client.
    pub client: &'a str,
    /// Its `redirect_uri`.
    pub redirect_uri: &'a str,
    /// Its PKCE verifier, already hashed into a challenge.
    pub challenge: Option<&'a str>,
    /// The thumbprint of the key it proved to hold, if it did.
    pub proof: Option<&'a str>,
}

impl Grant {
    /// A fact about what was given: who acted, for whom, under which mandate, for what, at which client.
    #[must_use]
    pub fn event(&self, kind: Kind, now: Instant) -> Event {
        Event::new(kind, now)
            .by(&self.account)
            .within(&self.organisation)
            .about(&self.citizen)
            .under(&self.mandate)
            .for_procedure(self.procedure)
            .at_client(&self.client)
    }

    /// The code is presented: afterwards it is spent, whatever the outcome of the other checks.
    ///
    /// # Errors
    /// Spent before, expired, another client's, another redirect URI, another verifier, revoked.
    pub fn redeem(&self, with: &Presented<'_>, now: Instant) -> Result<(), Refusal> {
        if self.code_used_at.is_some() {
            return Err(Refusal::CodeReplayed);
        }
        if self.client != with.client {
            return Err(Refusal::CodeOfAnother);
        }
        if self.revoked_at.is_some() {
            return Err(Refusal::GrantRevoked);
        }
        if !super::runs(now, self.code_expires_at) {
            return Err(Refusal::CodeExpired);
        }
        if self.redirect_uri != with.redirect_uri {
            return Err(Refusal::RedirectDiffers);
        }
        // RFC 9700 4.8.2: a verifier without a challenge is refused, as is a challenge without its verifier.
        if self.challenge.as_deref() != with.challenge {
            return Err(Refusal::VerifierDiffers);
        }
        // RFC 9449 10: a code bound to a key at the request is worth nothing to another, or to none.
        if self.dpop_key.is_some() && self.dpop_key.as_deref() != with.proof {
            return Err(Refusal::KeyDiffers);
        }
        Ok(())
    }

    /// The access token is presented, with the thumbprint of the key proved to be held.
    ///
    /// # Errors
    /// Spent before, expired or revoked; bound to another key.
    pub fn spend(&self, proof: Option<&str>, now: Instant) -> Result<(), Refusal> {
        if self.revoked_at.is_some() {
            return Err(Refusal::GrantRevoked);
        }
        if self.dpop_key.as_deref() != proof {
            return Err(Refusal::KeyDiffers);
        }
        if self.token_used_at.is_some() {
            return Err(Refusal::TokenUsed);
        }
        if !self.token_expires_at.is_some_and(|end| super::runs(now, end)) {
            return Err(Refusal::TokenExpired);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(in crate::domain) mod tests {
    use super::*;
    use crate::domain::samples::{MICROSECOND, begin};

    /// A grant whose code was given at the beginning, to a client that sent a challenge.
    pub(in crate::domain) fn grant() -> Grant {
        Grant {
            flow: FlowId::new(begin(), 1),
            client: "franceconnect".to_owned(),
            account: AccountId::new(begin(), 1),
            session: SessionId::new(begin(), 1),
            organisation: OrganisationId::new(begin(), 1),
            citizen: CitizenId::new(begin(), 1),
            mandate: MandateId::new(begin(), 1),
            procedure: Procedure::Logement,
            redirect_uri: "https://fc.example.fr/callback".to_owned(),
            nonce: None,
            scope: "openid".to_owned(),
            challenge: Some("challenge".to_owned()),
            repeats: None,
            dpop_key: None,
            auth_time: begin(),
            authentication: Authentication::Code,
            acr: "eidas1".to_owned(),
            secret: None,
            code_expires_at: begin() + CODE_LIFE,
            code_used_at: None,
            token_expires_at: Some(begin() + TOKEN_LIFE),
            token_used_at: None,
            revoked_at: None,
        }
    }

    const RIGHT: Presented<'_> = Presented {
        client: "franceconnect",
        redirect_uri: "https://fc.example.fr/callback",
        challenge: Some("challenge"),
        proof: None,
    };

    fn redeem(change: impl FnOnce(&mut Grant), with: &Presented<'_>) -> Result<(), Refusal> {
        let mut grant = grant();
        change(&mut grant);
        grant.redeem(with, begin())
    }

    fn spend(change: impl FnOnce(&mut Grant)) -> Result<(), Refusal> {
        let mut grant = grant();
        change(&mut grant);
        grant.spend(None, begin())
    }

    #[test]
    fn a_code_is_worth_something_once_to_its_client_while_it_stands() {
        assert_eq!(redeem(|_| (), &RIGHT), Ok(()));
        assert_eq!(redeem(|grant| grant.code_used_at = Some(begin()), &RIGHT), Err(Refusal::CodeReplayed));
        assert_eq!(redeem(|grant| grant.revoked_at = Some(begin()), &RIGHT), Err(Refusal::GrantRevoked));
        let other = Presented { client: "other", ..RIGHT };
        assert_eq!(redeem(|_| (), &other), Err(Refusal::CodeOfAnother));
        assert_eq!(redeem(|grant| grant.code_used_at = Some(begin()), &other), Err(Refusal::CodeReplayed));
    }

    #[test]
    fn the_redirect_uri_is_the_same_byte_for_byte() {
        for redirect_uri in ["", "https://fc.example.fr/callback/", "https://FC.example.fr/callback"] {
            assert_eq!(redeem(|_| (), &Presented { redirect_uri, ..RIGHT }), Err(Refusal::RedirectDiffers));
        }
    }

    #[test]
    fn a_verifier_and_a_challenge_come_together_or_not_at_all() {
        for challenge in [None, Some("other")] {
            assert_eq!(redeem(|_| (), &Presented { challenge, ..RIGHT }), Err(Refusal::VerifierDiffers));
        }
        assert_eq!(redeem(|grant| grant.challenge = None, &RIGHT), Err(Refusal::VerifierDiffers));
        assert_eq!(redeem(|grant| grant.challenge = None, &Presented { challenge: None, ..RIGHT }), Ok(()));
    }

    #[test]
    fn what_is_bound_to_a_key_needs_its_proof() {
        let bind = |grant: &mut Grant| grant.dpop_key = Some("key".to_owned());
        assert_eq!(redeem(bind, &Presented { proof: Some("key"), ..RIGHT }), Ok(()));
        assert_eq!(redeem(|_| (), &Presented { proof: Some("key"), ..RIGHT }), Ok(()), "bound from here on");
        for proof in [None, Some("other")] {
            assert_eq!(redeem(bind, &Presented { proof, ..RIGHT }), Err(Refusal::KeyDiffers));
        }
        let mut bound = grant();
        bind(&mut bound);
        assert_eq!(bound.spend(Some("key"), begin()), Ok(()));
        for (held, proof) in [(&bound, None), (&bound, Some("other")), (&grant(), Some("key"))] {
            assert_eq!(held.spend(proof, begin()), Err(Refusal::KeyDiffers));
        }
    }

    #[test]
    fn a_code_lives_thirty_seconds_and_a_token_sixty() {
        assert_eq!((CODE_LIFE, TOKEN_LIFE), (TimeDelta::seconds(30), TimeDelta::seconds(60)));
        let (code_end, token_end) = (begin() + CODE_LIFE, begin() + TOKEN_LIFE);
        assert_eq!(grant().redeem(&RIGHT, code_end - MICROSECOND), Ok(()));
        assert_eq!(grant().spend(None, token_end - MICROSECOND), Ok(()));
        for late in [TimeDelta::zero(), MICROSECOND] {
            assert_eq!(grant().redeem(&RIGHT, code_end + late), Err(Refusal::CodeExpired));
            assert_eq!(grant().spend(None, token_end + late), Err(Refusal::TokenExpired));
        }
    }

    #[test]
    fn a_token_is_worth_something_once_while_it_stands() {
        assert_eq!(spend(|_| ()), Ok(()));
        assert_eq!(spend(|grant| grant.token_used_at = Some(begin())), Err(Refusal::TokenUsed));
        assert_eq!(spend(|grant| grant.revoked_at = Some(begin())), Err(Refusal::GrantRevoked));
        assert_eq!(spend(|grant| grant.token_expires_at = None), Err(Refusal::TokenExpired), "none was given");
    }
}
