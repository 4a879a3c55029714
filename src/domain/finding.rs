//! What an auditor concluded: written once, with a fresh code, and part of the journal.

use super::Instant;
use super::auditor::Auditor;
use super::authenticator::FreshCode;
use super::event::{Event, Journalled, Kind, Owner};
use super::id::{AccountId, FindingId};

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its identifier.
    pub id: FindingId,
    /// Who signed it.
    pub account: AccountId,
    /// When.
    pub at: Instant,
    /// What it is about: an identifier of ours.
    pub about: String,
}

impl Finding {
    /// Signs a finding: the code is the signature. The text is sealed: a digest of it in the clear part would outlive it.
    pub fn record(
        id: FindingId,
        auditor: &Auditor,
        _code: &FreshCode,
        about: String,
        text: &str,
        now: Instant,
    ) -> Journalled<Self> {
        let account = auditor.account().clone();
        let event = Event::new(Kind::FindingRecorded, now)
            .by(&account)
            .fact("finding", id.as_str())
            .fact("about", &about)
            .sealed_for(Owner::Account(account.clone()), vec![("text", text.to_owned())]);
        Journalled::new(Self { id, account, at: now, about }, vec![event])
    }
}
