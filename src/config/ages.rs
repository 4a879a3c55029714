//! How long keys sign, how long what is known about people is kept, and what auditors look for.

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
    /// What the journal knows phone numbers by that nobody has any more: days after they were written down last.
    pub phones: u32,
    /// The hour of the night, in UTC, at which a running service carries this out.
    pub hour: u32,
}

/// What auditors take away, and from when on something in the journal asks for an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// Most entries in one export.
    pub export_limit: u32,
    /// Most entries that one auditor exports within 24 hours.
    pub export_quota: u32,
    /// The hour from which a use is within opening hours.
    pub opens: u32,
    /// The hour from which it is no longer.
    pub closes: u32,
    /// Minutes within which acts are counted together.
    pub minutes: u32,
    /// So many openings by one mediator.
    pub openings: u32,
    /// So many uses by one mediator.
    pub uses: u32,
    /// So many refusals to one mediator.
    pub refusals: u32,
    /// Minutes after an opening within which another mediator's use is one.
    pub soon: u32,
    /// Days after which a use without an outcome is one.
    pub outcome_days: u32,
    /// So many citizens with one phone number.
    pub phone_citizens: u32,
    /// Days within which they are counted.
    pub phone_days: u32,
    /// Days that an organisation has to answer.
    pub answer_days: u32,
}
