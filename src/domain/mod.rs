//! The rules of mandates. Pure: no input or output, no clock, no randomness of its own; the same arguments give the same answer.

pub mod agreement;
pub mod assurance;
pub mod auditor;
pub mod authenticator;
pub mod citizen;
pub mod civil;
pub mod client;
pub mod digest;
pub mod erasure;
pub mod event;
pub mod finding;
pub mod flow;
pub mod grant;
pub mod id;
pub mod inquiry;
pub mod language;
pub mod likeness;
pub mod mandate;
pub mod mediator;
pub mod officer;
pub mod organisation;
pub mod outcome;
pub mod phone;
pub mod procedure;
pub mod refusal;
pub mod repeat;
pub mod retention;
#[cfg(test)]
mod samples;
pub mod signal;
pub mod signing_key;
pub mod term;

/// An instant in UTC. Civil time exists on screens only.
pub type Instant = chrono::DateTime<chrono::Utc>;

/// How the journal writes an instant: UTC, with exactly six decimals (RFC 3339). What is hashed has no second spelling.
#[must_use]
pub fn instant_text(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// Whether something that ends at `end` still runs: valid if and only if now < end. The one comparison of instants that decides.
#[must_use]
pub fn runs(now: Instant, end: Instant) -> bool {
    now < end
}
