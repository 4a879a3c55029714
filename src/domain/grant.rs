//! What a use gives to the client: a code for 30 seconds, then an access token for 60, each once.

use chrono::TimeDelta;

use super::Instant;
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
    /// When the mediator authenticated.
    pub auth_time: Instant,
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
}

impl Grant {
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
        Ok(())
    }

    /// The access token is presented.
    ///
    /// # Errors
    /// Spent before, expired or revoked.
    pub fn spend(&self, now: Instant) -> Result<(), Refusal> {
        if self.revoked_at.is_some() {
            return Err(Refusal::GrantRevoked);
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
