//! The languages of the screens and of the citizen's texts.

use std::fmt;
use std::str::FromStr;

/// A language. French is the language of the law here; English is a courtesy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

/// The text names no language of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a language of this service")]
pub struct Unknown;

impl Language {
    /// All of them, French first.
    pub const ALL: [Self; 2] = [Self::Fr, Self::En];

    /// Its BCP 47 tag.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }
}

impl FromStr for Language {
    type Err = Unknown;
    fn from_str(code: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|language| language.code() == code).ok_or(Unknown)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
