//! Our role as a client of FranceConnect: the citizen signs in there, and we receive an identity that we can prove.
//!
//! ```text
//! start ── the browser goes to FranceConnect ──▶ identify ── the browser goes there again ──▶ logout_url
//! ```
//!
//! FranceConnect accepts no PKCE today. What keeps one person's sign-in out of another's flow is therefore the `state`
//! (compared by the caller with its session), the `iss` parameter, and the nonce inside a token whose signature, issuer,
//! audience and times are checked. None of these checks can be switched off.

mod breaker;
mod callback;
mod decryption;
mod discovery;
mod exchange;
mod fault;
#[cfg(test)]
mod fuzz;
pub(in crate::oidc) mod json;
mod jwe;
mod jws;
mod logout;
mod settings;
mod start;
mod userinfo;

use std::fmt;
use std::sync::Arc;

pub use breaker::Patience;
pub use callback::{Callback, Failed, Identified};
pub use decryption::{DecryptionKeys, KeyManagement};
pub use exchange::LONGEST_CODE;
pub use fault::{Fault, Outage, Refused, Step};
pub use json::Malformed;
pub use settings::{Algorithm, Settings};
pub use start::Started;

use crate::clock::Clock;
use crate::oidc::http;

/// A client of one FranceConnect platform. Cheap to clone: the clones share what they know of the platform.
#[derive(Clone)]
pub struct RelyingParty(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Clock,
    http: http::Client,
    cache: discovery::Cache,
    breaker: breaker::Breaker,
}

impl RelyingParty {
    /// A client with these settings. Nothing is asked of FranceConnect yet.
    ///
    /// # Errors
    /// [`Fault::Settings`], with a sentence about the setting that cannot work; [`Fault::Unavailable`] if this machine cannot
    /// make TLS connections.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, Fault> {
        let http = http::Client::new(&settings.check()?).map_err(|error| Fault::unavailable(Step::Discovery, error))?;
        Self::with_client(settings, clock, http)
    }

    /// The same over a given HTTP client, whose time limit may be another.
    ///
    /// # Errors
    /// [`Fault::Settings`].
    pub fn with_client(settings: Settings, clock: Clock, http: http::Client) -> Result<Self, Fault> {
        if !http.reaches(&settings.check()?) {
            return Err(Fault::Settings("the HTTP client is for another issuer"));
        }
        let breaker = breaker::Breaker::new(settings.name.clone(), settings.patience);
        Ok(Self(Arc::new(Inner { settings, clock, http, cache: discovery::Cache::default(), breaker })))
    }

    /// Its name in addresses, in the configuration and in figures: `franceconnect`, or another.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// Its name on the screens.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.0.settings.label
    }

    /// Its issuer: an address, whose origin is that of all its pages.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.settings.issuer
    }

    /// What it encrypts to, if it encrypts: our public keys (RFC 7517 5).
    #[must_use]
    pub fn key_set(&self) -> Option<serde_json::Value> {
        self.0.settings.decryption.as_ref().map(DecryptionKeys::key_set)
    }

    /// Whether it is being left alone after several outages in a row: whoever starts now would start in vain.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.breaker.is_paused(self.0.clock.now())
    }
}

impl fmt::Debug for RelyingParty {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RelyingParty").field("issuer", &self.0.settings.issuer).finish_non_exhaustive()
    }
}
