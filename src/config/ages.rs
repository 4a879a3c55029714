//! How long keys sign, and how long what is known about people is kept.

use serde::Deserialize;

/// The keys that sign our tokens.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signing {
    /// The days after which another key takes the place of one that signs.
    pub key_days: u32,
}

/// How long everything is kept, in calendar months where nothing else is said.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Mandates, agreements, documents and citizens, in use after the last mandate's end.
    pub mandates_in_use: u32,
    /// The same, then in the restricted archive.
    pub mandates_archive: u32,
    /// Those who sign in, in use after their last sign-in.
    pub mediators_in_use: u32,
    /// The same, then in the restricted archive.
    pub mediators_archive: u32,
    /// Traces for FranceConnect.
    pub traces: u32,
    /// Links, sessions, openings, sign-ins at services, messages: days after they are over.
    pub over: u32,
    /// The hour of the night, in UTC, at which a running service carries this out.
    pub hour: u32,
}
