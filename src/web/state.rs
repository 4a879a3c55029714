//! What every handler may reach: the store, time, randomness, and the two OpenID Connect roles.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{Notify, Semaphore};
use url::Url;

use super::refusals::Budget;
use crate::clock::{Clock, Random};
use crate::config::Audit;
use crate::domain::Instant;
use crate::domain::signal::Thresholds;
use crate::oidc::provider::Provider;
use crate::oidc::relying_party::RelyingParty;
use crate::store::Store;
use crate::store::vouched::Trust;

/// Sign-in requests from one source within an hour.
const REQUESTS_PER_SOURCE: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Slow hashes computed at once: each holds 19 MiB.
const SLOW_HASHES: usize = 2;

/// The service, for its pages.
pub struct App {
    /// The database and the vault.
    pub store: Store,
    /// The same database, as whoever signs the journal sees it.
    pub signs: Store,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// What the operator decided about the pages.
    pub settings: Settings,
    /// Our role as a client of the providers that identify citizens, in the order of their buttons.
    pub relying_parties: Vec<RelyingParty>,
    /// Our role as an identity provider.
    pub provider: Provider,
    /// Rung when a message was put into the outbox.
    pub bell: Arc<Notify>,
    /// Limits sign-in requests by source.
    pub sources: DefaultKeyedRateLimiter<String>,
    /// Limits the slow hashes.
    pub slow: Arc<Semaphore>,
    /// Asked to stop: what is under way is answered, and nothing more should come.
    pub draining: AtomicBool,
    /// Limits the refusals that one source may cause.
    pub budget: Budget,
    /// How far the journal is signed.
    pub signing: Arc<Signing>,
    /// Who vouches for it.
    pub trust: Arc<Trust>,
}

/// How far the journal is signed, for whoever asks how the service is.
#[derive(Debug, Default)]
pub struct Signing(Mutex<Signed>);

/// A moment of [`Signing`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signed {
    /// Entries under the last signature.
    pub size: u64,
    /// When it was made.
    pub at: Option<Instant>,
    /// Why there are no further ones now.
    pub trouble: Option<String>,
    /// Whether another node signs.
    pub elsewhere: bool,
    /// Whether this node could not take over, because it does not know yet what was signed.
    pub joins: bool,
    /// What is the matter with those who vouch for it, by name.
    pub alarms: BTreeMap<String, String>,
}

impl Signing {
    /// Says how far.
    pub fn signed(&self, size: u64, at: Instant) {
        let mut signed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (signed.size, signed.at) = (size, Some(at));
    }

    /// Says why not further, or that nothing is in the way.
    pub fn says(&self, trouble: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).trouble = trouble;
    }

    /// Says whether another node signs.
    pub fn turns(&self, elsewhere: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elsewhere = elsewhere;
    }

    /// Says whether this node could not take over.
    pub fn joins(&self, joins: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).joins = joins;
    }

    /// Says what is the matter with one who vouches for it, or that nothing is.
    pub fn alarms(&self, name: &str, alarm: Option<String>) {
        let alarms = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).alarms;
        match alarm {
            Some(alarm) => alarms.insert(name.to_owned(), alarm),
            None => alarms.remove(name),
        };
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Signed {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl App {
    /// The provider with this name in its addresses.
    #[must_use]
    pub fn relying_party(&self, name: &str) -> Option<&RelyingParty> {
        self.relying_parties.iter().find(|one| one.name() == name)
    }
}

/// What the operator decided about the pages.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Our own address, without a final slash.
    pub public_url: String,
    /// The name of the service.
    pub name: String,
    /// Where people who need help write to.
    pub contact: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// TLS ends at a proxy: nobody else is answered.
    pub proxied: bool,
    /// Everything is invented: a banner says so.
    pub demo: bool,
    /// Everybody may read the clear parts of the journal's entries.
    pub public_entries: bool,
    /// What auditors take away, and what asks for an explanation.
    pub audit: Audit,
}

impl Settings {
    /// From when on something in the journal asks for an explanation.
    #[must_use]
    pub const fn thresholds(&self) -> Thresholds {
        thresholds(&self.audit)
    }

    /// Whether browsers reach us over TLS: cookies are `Secure` then.
    #[must_use]
    pub fn secure(&self) -> bool {
        self.public_url.starts_with("https:")
    }

    /// Our own origin, as browsers write it.
    #[must_use]
    pub fn origin(&self) -> String {
        origin_of(&self.public_url)
    }
}

/// The thresholds that the operator decided.
#[must_use]
pub const fn thresholds(audit: &Audit) -> Thresholds {
    Thresholds {
        opens: audit.opens,
        closes: audit.closes,
        minutes: audit.minutes,
        openings: audit.openings,
        uses: audit.uses,
        refusals: audit.refusals,
        soon: audit.soon,
        outcome_days: audit.outcome_days,
        phone_citizens: audit.phone_citizens,
        phone_days: audit.phone_days,
        answer_days: audit.answer_days,
    }
}

/// The origin of an address, as browsers write it; empty if it has none.
#[must_use]
pub fn origin_of(address: &str) -> String {
    Url::parse(address).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// The limiter of sign-in requests.
#[must_use]
pub fn source_limiter() -> DefaultKeyedRateLimiter<String> {
    keyed_limiter(Duration::from_hours(1) / REQUESTS_PER_SOURCE.get(), REQUESTS_PER_SOURCE)
}

/// A limiter by key: `burst` at once, then one more after each `every`.
#[must_use]
pub fn keyed_limiter(every: Duration, burst: NonZeroU32) -> DefaultKeyedRateLimiter<String> {
    RateLimiter::keyed(Quota::with_period(every).unwrap_or(Quota::per_hour(burst)).allow_burst(burst))
}

/// The limiter of slow hashes.
#[must_use]
pub fn slow_limiter() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(SLOW_HASHES))
}
