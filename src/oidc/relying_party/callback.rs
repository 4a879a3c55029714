//! The citizen is back with a code: it becomes an identity, or nothing at all.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use openidconnect::core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier};
use openidconnect::{AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, JsonWebKeySet, Nonce};
use serde::Deserialize;

use super::breaker::Entry;
use super::exchange::Tokens;
use super::jws::Vouched;
use super::{Fault, Outage, Refused, RelyingParty, Step, json};
use crate::domain::Instant;
use crate::domain::assurance::Assurance;
use crate::domain::citizen::Identity;

/// How far FranceConnect's clock and ours may be apart.
pub(super) const SKEW: TimeDelta = TimeDelta::seconds(30);

/// The greatest age of an ID token. FranceConnect issues it while we wait.
const AGE: TimeDelta = TimeDelta::minutes(5);

/// The longest life of an ID token. FranceConnect gives it 60 seconds.
const LIFE: TimeDelta = TimeDelta::minutes(10);

/// What the browser brings back, beside the state, which the caller has already compared with its session.
#[derive(Clone, Deserialize)]
pub struct Callback {
    /// The authorization code.
    pub code: String,
    /// Who says that it issued it (RFC 9207).
    pub iss: Option<String>,
}

/// A citizen, as FranceConnect vouches for them.
pub struct Identified {
    /// The issuer. With `subject`, the only key of this person.
    pub issuer: String,
    /// FranceConnect's pseudonym of the person for us.
    pub subject: String,
    /// The person.
    pub identity: Identity,
    /// The level of assurance, at least the one asked for.
    pub acr: Assurance,
    /// The ID token, decrypted, for [`RelyingParty::logout_url`].
    pub id_token: String,
}

/// Why nobody was identified.
pub struct Failed {
    /// Why not.
    pub fault: Fault,
    /// The ID token of a session that FranceConnect opened all the same, for [`RelyingParty::logout_url`].
    pub id_token: Option<String>,
}

/// A token has no place in a log.
impl fmt::Debug for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Failed").field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl<F: Into<Fault>> From<F> for Failed {
    fn from(fault: F) -> Self {
        Self { fault: fault.into(), id_token: None }
    }
}

/// Personal data has no place in a log.
impl fmt::Debug for Identified {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Identified").field("issuer", &self.issuer).field("acr", &self.acr).finish_non_exhaustive()
    }
}

/// A code is of no more use once it was seen.
impl fmt::Debug for Callback {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Callback").field("iss", &self.iss).finish_non_exhaustive()
    }
}

impl RelyingParty {
    /// Turns a code into an identity. `nonce` and `verifier` are those of [`super::Started`], from the session to which the
    /// state belongs. The code is used once, whatever the outcome.
    ///
    /// # Errors
    /// [`Failed`]; of what was received, only the token that closes FranceConnect's session is kept.
    pub async fn identify(
        &self,
        callback: &Callback,
        nonce: &str,
        verifier: Option<&str>,
    ) -> Result<Identified, Failed> {
        let settings = &self.0.settings;
        // RFC 9207 §2.4: before the code goes anywhere.
        if !self.is_issuer(callback.iss.as_deref()) {
            return Err(Refused::CallbackIssuer.into());
        }
        if nonce.is_empty() {
            return Err(Refused::Nonce.into());
        }
        if verifier.is_some() != settings.pkce {
            return Err(Refused::Verifier.into());
        }
        let trial = match self.0.breaker.entry(self.0.clock.now()) {
            Entry::Free => None,
            Entry::Trial(trial) => Some(trial),
            Entry::Paused => return Err(Fault::unavailable(Step::Token, Outage::Paused).into()),
        };
        let outcome = self.identified(callback, nonce, verifier).await;
        let fault = outcome.as_ref().err().map(|failed| &failed.fault);
        // Its metadata were counted when they were asked for.
        if !matches!(fault, Some(Fault::Unavailable { step: Step::Discovery, .. })) {
            self.0.breaker.note(fault, self.0.clock.now());
        }
        drop(trial);
        outcome
    }

    async fn identified(&self, callback: &Callback, nonce: &str, verifier: Option<&str>) -> Result<Identified, Failed> {
        let settings = &self.0.settings;
        let tokens = self.exchange(&callback.code, verifier).await?;
        // Inside out from here on: the sign-out wants the signed token as its hint, not the encrypted one.
        let tokens = Tokens { id_token: self.unsealed(tokens.id_token)?, ..tokens };
        let vouched = self.vouched(&tokens.id_token).await?;
        let claims = self.id_token_claims(&tokens.id_token, &vouched, nonce)?;
        // From here on the token is known to be FranceConnect's, for us, for this flow: its session is open, and can be closed.
        match self.person(&tokens, &vouched, &claims).await {
            Ok((subject, identity, acr)) => {
                Ok(Identified { issuer: settings.issuer.clone(), subject, identity, acr, id_token: tokens.id_token })
            }
            Err(fault) => Err(Failed { fault, id_token: Some(tokens.id_token) }),
        }
    }

    /// Whether the `iss` of a callback is the one asked (RFC 9207 2.4).
    #[must_use]
    pub fn is_issuer(&self, iss: Option<&str>) -> bool {
        iss == Some(self.0.settings.issuer.as_str())
    }

    async fn person(
        &self,
        tokens: &Tokens,
        vouched: &Vouched,
        claims: &CoreIdTokenClaims,
    ) -> Result<(String, Identity, Assurance), Fault> {
        let acr = self.sufficient_level(claims)?;
        self.same_access_token(claims, vouched, &tokens.access_token)?;
        let subject = plausible_subject(claims.subject().as_str())?;
        let identity = self.userinfo(&tokens.access_token, &subject).await?;
        Ok((subject, identity, acr))
    }

    /// OpenID Connect Core §3.1.3.7. The signature is known to be good: [`Vouched`] proves it.
    pub(super) fn id_token_claims(
        &self,
        token: &str,
        vouched: &Vouched,
        nonce: &str,
    ) -> Result<CoreIdTokenClaims, Fault> {
        #[derive(Deserialize)]
        struct Unread {
            nbf: Option<i64>,
        }
        let settings = &self.0.settings;
        let now = self.0.clock.now();
        let unread: Unread = json::read(&vouched.payload).map_err(|_| Refused::Form)?;
        let token = CoreIdToken::from_str(token).map_err(|_| Refused::Form)?;
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|_| Refused::Issuer)?;
        let client = ClientId::new(settings.client_id.clone());
        // A "public" client in the library's words: it then refuses every algorithm with a shared secret.
        let verifier = CoreIdTokenVerifier::new_public_client(client.clone(), issuer, JsonWebKeySet::new(Vec::new()))
            // `vouched` verified it, and the algorithm, with the faster library.
            .insecure_disable_signature_check()
            .set_time_fn(move || now - SKEW);
        let claims = token.into_claims(&verifier, &Nonce::new(nonce.to_owned())).map_err(|error| refusal(&error))?;
        // The library accepts our name among others if we do, and ignores `azp`.
        let one_audience = claims.audiences().len() == 1;
        if claims.authorized_party().map_or(!one_audience, |party| *party != client) {
            return Err(Refused::Audience.into());
        }
        just_issued(claims.issue_time(), claims.expiration(), unread.nbf, now)?;
        Ok(claims)
    }

    fn sufficient_level(&self, claims: &CoreIdTokenClaims) -> Result<Assurance, Refused> {
        let given = claims.auth_context_ref().and_then(|acr| acr.as_str().parse::<Assurance>().ok());
        let asked = self.0.settings.acr.parse().map_err(|_| Refused::Level)?;
        given.filter(|given| *given >= asked).ok_or(Refused::Level)
    }

    /// FranceConnect sends no `at_hash`; where there is one it must be right.
    fn same_access_token(&self, claims: &CoreIdTokenClaims, vouched: &Vouched, token: &str) -> Result<(), Refused> {
        let Some(said) = claims.access_token_hash() else { return Ok(()) };
        let token = AccessToken::new(token.to_owned());
        let computed = AccessTokenHash::from_token(&token, &self.0.settings.algorithm.core(), &vouched.key);
        if computed.is_ok_and(|computed| computed == *said) { Ok(()) } else { Err(Refused::AccessTokenHash) }
    }
}

fn just_issued(issued: Instant, expires: Instant, not_before: Option<i64>, now: Instant) -> Result<(), Refused> {
    let young = issued <= now + SKEW && issued >= now - AGE;
    let short = expires - issued <= LIFE;
    if young && short && has_begun(not_before, now) { Ok(()) } else { Err(Refused::Times) }
}

/// Whether a token's `nbf`, in seconds since 1970, is past.
pub(super) fn has_begun(not_before: Option<i64>, now: Instant) -> bool {
    not_before.is_none_or(|second| second <= (now + SKEW).timestamp())
}

/// OpenID Connect Core §2: at most 255 ASCII characters.
pub(super) fn plausible_subject(subject: &str) -> Result<String, Refused> {
    let plausible = (1..=255).contains(&subject.len()) && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plausible { Ok(subject.to_owned()) } else { Err(Refused::Subject) }
}

/// The signature is none of the library's business: it was verified before.
fn refusal(error: &ClaimsVerificationError) -> Refused {
    match error {
        ClaimsVerificationError::Expired(_) => Refused::Expired,
        ClaimsVerificationError::InvalidAudience(_) => Refused::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => Refused::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => Refused::Nonce,
        _ => Refused::Form,
    }
}
