//! Who may read the journal. Holding the value is the permission.

use super::id::AccountId;
use super::mediator::Account;
use super::refusal::Refusal;

/// An auditor who may act now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditor(AccountId);

impl Auditor {
    /// Proves that the account is an auditor's.
    ///
    /// # Errors
    /// Deactivated, terms not accepted, or no auditor.
    pub fn new(account: &Account) -> Result<Self, Refusal> {
        if !account.active {
            return Err(Refusal::AccountInactive);
        }
        if !account.accepted_terms() {
            return Err(Refusal::TermsNotAccepted);
        }
        if account.auditor { Ok(Self(account.id.clone())) } else { Err(Refusal::NotAnAuditor) }
    }

    /// Their account.
    #[must_use]
    pub const fn account(&self) -> &AccountId {
        &self.0
    }
}

/// Shortest and longest text of an auditor or of an organisation, in characters.
pub const TEXT: std::ops::RangeInclusive<usize> = 10..=500;

/// A text as it is kept: its lines, without other control or direction marks, so that what is read later is what was typed.
///
/// # Errors
/// Too short or too long.
pub fn text(typed: &str) -> Result<String, Refusal> {
    let marks = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    // A browser ends the lines of a form with both.
    let text = typed.trim().replace("\r\n", "\n").replace(marks, " ");
    if TEXT.contains(&text.chars().count()) { Ok(text) } else { Err(Refusal::PurposeNeeded) }
}
