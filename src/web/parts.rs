//! Small things that several pages show.

use super::moment::Moment;
use super::texts::Texts;

/// Why a form was refused: sentences, each linked to its field.
#[derive(Debug, Clone, Default)]
pub struct Errors(Vec<FieldError>);

/// One sentence about one field.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// The field's name, which is also its `id` on the page.
    pub field: &'static str,
    /// What is wrong, and what to do.
    pub sentence: String,
}

impl Errors {
    /// Nothing is wrong: the form is shown for the first time.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One error.
    #[must_use]
    pub fn on(field: &'static str, sentence: impl Into<String>) -> Self {
        Self::none().and(field, sentence)
    }

    /// The same with one error more.
    #[must_use]
    pub fn and(mut self, field: &'static str, sentence: impl Into<String>) -> Self {
        self.0.push(FieldError { field, sentence: sentence.into() });
        self
    }

    /// The errors, in order.
    #[must_use]
    pub fn all(&self) -> &[FieldError] {
        &self.0
    }

    /// The first sentence about a field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|error| error.field == field).map(|error| error.sentence.as_str())
    }

    /// Whether a field is wrong.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.of(field).is_some()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Addresses of the other pages of a list.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// The beginning, when this page is not the first.
    pub first: Option<String>,
    /// What follows, when there is more.
    pub next: Option<String>,
}

/// The state of a mandate or of an authorisation, as a word and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Badge {
    /// It works.
    Live,
    /// It works and ends within 7 days.
    Ending,
    /// Its term is over.
    Ended,
    /// It was revoked.
    Revoked,
    /// A later mandate replaced it.
    Replaced,
}

impl Badge {
    /// The word.
    #[must_use]
    pub const fn text(self, t: &Texts) -> &'static str {
        match self {
            Self::Live => t.badge_live(),
            Self::Ending => t.badge_ending(),
            Self::Ended => t.badge_ended(),
            Self::Revoked => t.badge_revoked(),
            Self::Replaced => t.badge_replaced(),
        }
    }

    /// The class in the stylesheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ending => "ending",
            Self::Ended | Self::Replaced => "ended",
            Self::Revoked => "revoked",
        }
    }

    /// Whether it still works.
    #[must_use]
    pub const fn works(self) -> bool {
        matches!(self, Self::Live | Self::Ending)
    }
}

/// What came of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nobody has said yet.
    Awaited,
    /// The act was done.
    Done,
    /// It was not.
    NotDone,
    /// The citizen finishes it alone.
    HandedBack,
}

impl Outcome {
    /// The word.
    #[must_use]
    pub const fn text(self, t: &Texts) -> &'static str {
        match self {
            Self::Awaited => t.outcome_awaited(),
            Self::Done => t.outcome_done(),
            Self::NotDone => t.outcome_not_done(),
            Self::HandedBack => t.outcome_handed_back(),
        }
    }

    /// The class in the stylesheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Awaited => "ending",
            Self::Done => "live",
            Self::NotDone | Self::HandedBack => "ended",
        }
    }
}

/// One use of a mandate in a list.
#[derive(Debug, Clone)]
pub struct UseLine {
    /// When the identity was issued.
    pub at: Moment,
    /// Short title of the procedure.
    pub procedure: String,
    /// Name of the public service.
    pub service: String,
    /// Name of the mediator.
    pub mediator: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// A person in a list.
#[derive(Debug, Clone)]
pub struct CitizenRow {
    /// `cit_…`
    pub id: String,
    /// Full name.
    pub name: String,
    /// Birthdate in words: two people may have one name.
    pub birthdate: String,
    /// Short titles of the procedures.
    pub procedures: Vec<String>,
    /// The nearest end, or the last one in the list of ended mandates.
    pub ends: Option<Moment>,
}
