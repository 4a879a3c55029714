//! What an auditor concluded: written once, with a fresh code, and part of the journal.

use super::Instant;
use super::auditor::Auditor;
use super::authenticator::FreshCode;
use super::event::{Event, Journalled, Kind};
use super::id::{AccountId, CitizenId, FindingId};
use super::refusal::Refusal;

/// What a finding may be about: it must be known whose key seals it.
pub const ABOUT: [&str; 7] = ["sig_", "mdt_", "acc_", "org_", "ent_", "cit_", "inq_"];

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
    /// Whether an auditor may conclude about something; `acts`: whose acts it is about.
    ///
    /// # Errors
    /// They are the auditor's own.
    pub fn signable_by(auditor: &Auditor, acts: Option<&str>) -> Result<(), Refusal> {
        if acts == Some(auditor.account().as_str()) { Err(Refusal::FindingOfOneself) } else { Ok(()) }
    }

    /// Signs a finding: the code is the signature. The text is sealed: a digest of it in the clear part would outlive it. `citizen`: whom it
    /// speaks of, if it is about one: it goes with them. `acts`: whose acts it judges.
    ///
    /// # Errors
    /// They are the auditor's own.
    pub fn record(
        id: FindingId,
        auditor: &Auditor,
        _code: &FreshCode,
        (about, citizen, acts): (String, Option<CitizenId>, Option<&str>),
        text: &str,
        now: Instant,
    ) -> Result<Journalled<Self>, Refusal> {
        Self::signable_by(auditor, acts)?;
        let account = auditor.account().clone();
        let event = Event::new(Kind::FindingRecorded, now)
            .by(&account)
            .fact("finding", id.as_str())
            .fact("about", &about)
            .sealed_about(citizen, &account, vec![("text", text.to_owned())]);
        Ok(Journalled::new(Self { id, account, at: now, about }, vec![event]))
    }
}
