//! The citizen's own act: agreeing to exactly the text shown to them.

use super::Instant;
use super::digest::Digest;
use super::id::AgreementId;
use super::language::Language;

/// How the citizen agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// On a screen of their own at the counter, after identifying with FranceConnect.
    InPerson,
}

impl Method {
    /// The stored code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InPerson => "in_person",
        }
    }
}

/// An agreement: who is said by the draft it belongs to; how, when, in which language, and to exactly which text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its identifier.
    pub id: AgreementId,
    /// When the citizen pressed the button.
    pub at: Instant,
    /// How.
    pub method: Method,
    /// The language of the text.
    pub language: Language,
    /// The text, word for word.
    pub text: String,
    /// Its SHA-256: any change of the draft changes the text, and voids the agreement.
    pub digest: Digest,
}
