//! Every text of the screens, in each language: `fr.toml` and `en.toml`, one typed method per text (see `build.rs`).

use std::fmt::Display;

pub use crate::domain::language::Language;
use crate::domain::procedure::Procedure;
use crate::domain::term::Term;

mod sentences;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The texts of one language.
#[derive(Debug)]
pub struct Texts {
    language: Language,
}

/// The texts of that language.
#[must_use]
pub const fn texts(language: Language) -> &'static Texts {
    match language {
        Language::Fr => &Texts { language: Language::Fr },
        Language::En => &Texts { language: Language::En },
    }
}

/// How a procedure is presented.
#[derive(Debug, Clone, Copy)]
pub struct Presented {
    /// One or two words, for lists.
    pub short: &'static str,
    /// The whole theme.
    pub long: &'static str,
    /// What it covers.
    pub description: &'static str,
    /// Some everyday acts.
    pub examples: &'static str,
    /// What a mediator may not do here.
    pub warning: Option<&'static str>,
}

impl Texts {
    /// The language of these texts.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    const fn pick(&self, french: &'static str, english: &'static str) -> &'static str {
        match self.language {
            Language::Fr => french,
            Language::En => english,
        }
    }

    const fn is_singular(&self, count: usize) -> bool {
        count == 1 || (count == 0 && matches!(self.language, Language::Fr))
    }

    /// How this procedure is presented.
    #[must_use]
    pub const fn procedure(&self, procedure: Procedure) -> Presented {
        let (short, long) = self.titles(procedure);
        let (description, examples) = match procedure {
            Procedure::Papiers => (self.papiers_description(), self.papiers_examples()),
            Procedure::Famille => (self.famille_description(), self.famille_examples()),
            Procedure::Social => (self.social_description(), self.social_examples()),
            Procedure::Travail => (self.travail_description(), self.travail_examples()),
            Procedure::Logement => (self.logement_description(), self.logement_examples()),
            Procedure::Transports => (self.transports_description(), self.transports_examples()),
            Procedure::Argent => (self.argent_description(), self.argent_examples()),
            Procedure::Justice => (self.justice_description(), self.justice_examples()),
            Procedure::Etranger => (self.etranger_description(), self.etranger_examples()),
            Procedure::Loisirs => (self.loisirs_description(), self.loisirs_examples()),
        };
        let warning = match procedure {
            Procedure::Argent => Some(self.argent_warning()),
            _ => None,
        };
        Presented { short, long, description, examples, warning }
    }

    /// The short and the long title.
    const fn titles(&self, procedure: Procedure) -> (&'static str, &'static str) {
        match procedure {
            Procedure::Papiers => (self.papiers_short(), self.papiers_long()),
            Procedure::Famille => (self.famille_short(), self.famille_long()),
            Procedure::Social => (self.social_short(), self.social_long()),
            Procedure::Travail => (self.travail_short(), self.travail_long()),
            Procedure::Logement => (self.logement_short(), self.logement_long()),
            Procedure::Transports => (self.transports_short(), self.transports_long()),
            Procedure::Argent => (self.argent_short(), self.argent_long()),
            Procedure::Justice => (self.justice_short(), self.justice_long()),
            Procedure::Etranger => (self.etranger_short(), self.etranger_long()),
            Procedure::Loisirs => (self.loisirs_short(), self.loisirs_long()),
        }
    }

    /// The name of a term: "31 jours".
    #[must_use]
    pub const fn term(&self, term: Term) -> &'static str {
        match term {
            Term::Present => self.term_present(),
            Term::Day => self.term_day(),
            Term::Month => self.term_month(),
            Term::Semester => self.term_semester(),
            Term::Year => self.term_year(),
        }
    }

    /// What a term is good for.
    #[must_use]
    pub const fn term_hint(&self, term: Term) -> &'static str {
        match term {
            Term::Present => self.term_present_hint(),
            Term::Day => self.term_day_hint(),
            Term::Month => self.term_month_hint(),
            Term::Semester => self.term_semester_hint(),
            Term::Year => self.term_year_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_counts_zero_as_singular_and_english_does_not() {
        assert_eq!(texts(Language::Fr).demo_seconds(0), "encore 0 seconde");
        assert_eq!(texts(Language::En).demo_seconds(0), "0 seconds left");
        assert_eq!(texts(Language::En).demo_seconds(1), "1 second left");
    }

    #[test]
    fn french_punctuation_keeps_its_non_breaking_space_and_apostrophes_are_curved() {
        for line in include_str!("fr.toml").lines().filter(|line| line.contains(" = \"")) {
            for wrong in [" ;", " :", " !", " ?", "« ", " »", "'"] {
                assert!(!line.contains(wrong), "{wrong:?} in {line}");
            }
        }
    }
}
