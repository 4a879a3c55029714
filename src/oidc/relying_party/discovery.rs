//! What FranceConnect publishes about itself: its endpoints and its keys, kept for ten minutes.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::DecodingKey;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet};
use openidconnect::{
    DiscoveryError, EndSessionUrl, IssuerUrl, JsonWebKey, JsonWebKeyAlgorithm, JsonWebKeyUse,
    ProviderMetadataWithLogout, TokenUrl, UserInfoUrl,
};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::breaker::Trial;
use super::jws::Key;
use super::settings::Algorithm;
use super::{Fault, Inner, Malformed, Outage, Refused, RelyingParty, Step};
use crate::domain::Instant;
use crate::oidc::http;

/// How long the answers are believed: FranceConnect's own `cache-control: max-age=600`.
const FRESH: TimeDelta = TimeDelta::seconds(600);

/// The pause between two attempts, so that neither an outage nor forged tokens make us a nuisance.
const PAUSE: TimeDelta = TimeDelta::seconds(60);

/// Smaller RSA keys are not believed (RFC 7518 §3.3).
const RSA_BITS: usize = 2048;

/// FranceConnect, as it described itself.
pub(super) struct Provider {
    pub(super) metadata: ProviderMetadataWithLogout,
    /// The keys for our algorithm; the others are left out.
    pub(super) keys: Vec<Key>,
    fetched_at: Instant,
}

/// What is known, and who is asking for more. Readers never wait for the network once something is known.
#[derive(Default)]
pub(super) struct Cache {
    known: RwLock<Option<Arc<Provider>>>,
    asking: Mutex<Attempts>,
}

#[derive(Default)]
struct Attempts {
    refresh: Option<Instant>,
    keys: Option<Instant>,
}

impl Cache {
    fn known(&self) -> Option<Arc<Provider>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, provider: Provider) -> Arc<Provider> {
        let provider = Arc::new(provider);
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&provider));
        provider
    }
}

impl RelyingParty {
    /// What is known of FranceConnect, asked for if unknown or older than ten minutes. While it cannot be asked, the old
    /// answer serves.
    pub(super) async fn provider(&self) -> Result<Arc<Provider>, Fault> {
        let Inner { cache, clock, breaker, .. } = &*self.0;
        let now = clock.now();
        let Some(old) = cache.known() else { return self.first().await };
        if within(FRESH, Some(old.fetched_at), now) {
            return Ok(old);
        }
        let Ok(mut attempts) = cache.asking.try_lock() else { return Ok(old) };
        if within(PAUSE, attempts.refresh, now) || breaker.is_paused(now) {
            return Ok(old);
        }
        attempts.refresh = Some(now);
        Ok(match self.discover().await {
            Ok(provider) => cache.keep(provider),
            Err(fault) => {
                tracing::warn!(
                    code = fault.code(),
                    step = "discovery",
                    "FranceConnect's old metadata and keys are kept"
                );
                old
            }
        })
    }

    /// The first answer. Whoever comes while it is awaited shares its fate rather than wait for a turn of their own.
    async fn first(&self) -> Result<Arc<Provider>, Fault> {
        let cache = &self.0.cache;
        if let Ok(_asking) = cache.asking.try_lock() {
            return Ok(cache.keep(self.discover().await?));
        }
        drop(cache.asking.lock().await);
        cache.known().ok_or_else(|| Fault::unavailable(Step::Discovery, Outage::JustFailed))
    }

    /// Other keys than those of `used`, if there are any to be had: `None` means that the refusal stands.
    pub(super) async fn renewed(&self, used: &Arc<Provider>) -> Option<Arc<Provider>> {
        let Inner { cache, clock, http, settings, .. } = &*self.0;
        let mut attempts = cache.asking.lock().await;
        if let Some(known) = cache.known()
            && !Arc::ptr_eq(&known, used)
        {
            return Some(known); // fetched by somebody else, while this request waited
        }
        let now = clock.now();
        if within(PAUSE, attempts.keys, now) {
            return None;
        }
        attempts.keys = Some(now);
        let fetched = CoreJsonWebKeySet::fetch_async(used.metadata.jwks_uri(), http).await;
        match fetched.map_err(|error| fault(Step::Keys, error)).and_then(|set| usable(&set, settings.algorithm)) {
            Ok(keys) => {
                let (metadata, fetched_at) = (used.metadata.clone(), used.fetched_at);
                Some(cache.keep(Provider { metadata, keys, fetched_at }))
            }
            Err(fault) => {
                tracing::warn!(code = fault.code(), step = "jwks", "FranceConnect's old keys are kept");
                None
            }
        }
    }

    /// The one answer after a pause decides whether the provider is asked again.
    pub(super) async fn tried(&self, trial: &Trial<'_>) -> Result<Arc<Provider>, Fault> {
        let provider = self.0.cache.keep(self.discover().await?);
        self.0.breaker.recovered(trial);
        Ok(provider)
    }

    async fn discover(&self) -> Result<Provider, Fault> {
        let outcome = self.asked().await;
        self.0.breaker.note(outcome.as_ref().err(), self.0.clock.now());
        outcome
    }

    async fn asked(&self) -> Result<Provider, Fault> {
        let Inner { clock, http, settings, .. } = &*self.0;
        let issuer =
            IssuerUrl::new(settings.issuer.clone()).map_err(|_| Fault::Settings("the issuer is no address"))?;
        let metadata = ProviderMetadataWithLogout::discover_async(issuer, http)
            .await
            .map_err(|error| fault(Step::Discovery, error))?;
        at_home(&metadata, http, settings.logout)?;
        let keys = usable(metadata.jwks(), settings.algorithm)?;
        Ok(Provider { metadata, keys, fetched_at: clock.now() })
    }
}

/// Whether less than `span` separates two instants, in either direction: a clock set back must not freeze anything.
fn within(span: TimeDelta, then: Option<Instant>, now: Instant) -> bool {
    then.is_some_and(|then| (now - then).abs() < span)
}

/// Every endpoint is at the issuer's origin: a discovery document must not send our secret, or a citizen, elsewhere.
fn at_home(metadata: &ProviderMetadataWithLogout, http: &http::Client, logout: bool) -> Result<(), Fault> {
    let endpoints: [(&str, Option<&Url>); 4] = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("token_endpoint", metadata.token_endpoint().map(TokenUrl::url)),
        ("userinfo_endpoint", metadata.userinfo_endpoint().map(UserInfoUrl::url)),
        ("end_session_endpoint", metadata.additional_metadata().end_session_endpoint.as_ref().map(EndSessionUrl::url)),
    ];
    for (name, address) in endpoints {
        if address.is_none() && name == "end_session_endpoint" && !logout {
            continue;
        }
        let address = address.ok_or_else(|| Fault::unavailable(Step::Discovery, Outage::Missing(name)))?;
        if !http.reaches(address) {
            return Err(Fault::unavailable(Step::Discovery, Outage::Foreign(name)));
        }
    }
    Ok(())
}

/// The keys that may vouch for a token: public, for signatures, for our algorithm, long enough.
fn usable(set: &CoreJsonWebKeySet, algorithm: Algorithm) -> Result<Vec<Key>, Fault> {
    let keys: Vec<_> = set.keys().iter().filter_map(|key| sound(key, algorithm)).collect();
    if keys.is_empty() { Err(Fault::unavailable(Step::Keys, Outage::NoKey)) } else { Ok(keys) }
}

fn sound(key: &CoreJsonWebKey, algorithm: Algorithm) -> Option<Key> {
    let for_signatures = key.key_use().is_none_or(JsonWebKeyUse::allows_signature);
    let for_ours = match key.signing_alg() {
        JsonWebKeyAlgorithm::Algorithm(named) => *named == algorithm.core(),
        JsonWebKeyAlgorithm::Unspecified => true,
        JsonWebKeyAlgorithm::Unsupported => false,
    };
    // The numbers of a key can only be read from its JSON.
    let json = serde_json::to_value(key).ok()?;
    let part = |name: &str| json.get(name).and_then(Value::as_str);
    // A key published with its private part is everybody's key.
    if !for_signatures || !for_ours || *key.key_type() != algorithm.key_type() || part("d").is_some() {
        return None;
    }
    let verifying = match algorithm {
        Algorithm::Es256 if part("crv") == Some("P-256") => DecodingKey::from_ec_components(part("x")?, part("y")?),
        Algorithm::Rs256 if bits(part("n")?) >= RSA_BITS => DecodingKey::from_rsa_components(part("n")?, part("e")?),
        _ => return None,
    };
    Some(Key { published: key.clone(), verifying: verifying.ok()? })
}

/// The length of a number written in base64url.
fn bits(number: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(number).unwrap_or_default();
    let mut significant = bytes.iter().skip_while(|byte| **byte == 0);
    let first = significant.next().map_or(0, |byte| 8 - byte.leading_zeros() as usize);
    first + 8 * significant.count()
}

/// Without the body that the library keeps in its errors: it is whatever the other side liked to send.
fn fault(step: Step, error: DiscoveryError<http::Error>) -> Fault {
    match error {
        DiscoveryError::Request(error) => Fault::unavailable(step, error),
        DiscoveryError::Response(status, ..) if status.as_u16() == 200 => Fault::unavailable(step, Outage::ContentType),
        DiscoveryError::Response(status, ..) => Fault::unavailable(step, Outage::Status(status.as_u16())),
        DiscoveryError::Parse(error) => Fault::unavailable(step, Malformed::from(error.inner())),
        DiscoveryError::Validation(_) => Refused::Issuer.into(),
        // No request can be made of it: the issuer's own address was checked at the start.
        _ => Fault::unavailable(step, Outage::Foreign("jwks_uri")),
    }
}
