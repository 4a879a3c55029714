//! The words of a mandate: the text that the citizen reads and agrees to, and that is frozen when the mandate opens.
//!
//! It is plain text, so that its SHA-256 means the same to everybody: a line `# …` is the title, `## …` a heading, `- …` an
//! item of a list, any other line a paragraph. [`Document`](crate::web::document::Document) shows it.

use crate::domain::citizen::Identity;
use crate::domain::procedure::Procedure;
use crate::domain::term::Term;
use crate::web::moment::{Moment, birthdate};

use super::{Language, Texts};

/// The version of the words below and of the texts `mandate_text_…`: it changes whenever one of them does.
pub const VERSION: &str = "1";

/// What a mandate names.
#[derive(Debug, Clone, Copy)]
pub struct Wording<'a> {
    /// The citizen.
    pub citizen: &'a Identity,
    /// The organisation's full name.
    pub organisation: &'a str,
    /// The organisation's SIRET, if it has one.
    pub siret: Option<&'a str>,
    /// The procedures, in the order of the screens.
    pub procedures: &'a [Procedure],
    /// How long.
    pub term: Term,
    /// Opening and end; unknown as long as the mandate is not open.
    pub dates: Option<(Moment, Moment)>,
}

impl Wording<'_> {
    /// The whole text in one language, ending with a line feed.
    #[must_use]
    pub fn write(&self, t: &Texts) -> String {
        let mut lines = vec![
            format!("# {}", t.mandate_text_title()),
            t.mandate_text_citizen(one_line(&self.citizen.full_name())),
            t.mandate_text_birthdate(birthdate(&self.citizen.birthdate, t)),
            t.mandate_text_gives(one_line(self.organisation)),
        ];
        lines.extend(self.siret.map(|siret| t.mandate_text_siret(one_line(siret))));
        lines.push(t.mandate_text_procedures().to_owned());
        lines.extend(self.procedures.iter().map(|procedure| {
            let shown = t.procedure(*procedure);
            format!("- {}", t.mandate_text_procedure(shown.long, shown.description))
        }));
        lines.extend(self.lasts(t));
        lines.push(format!("## {}", t.mandate_text_understood()));
        lines.extend(self.understood(t).into_iter().map(|sentence| format!("- {sentence}")));
        lines.push(format!("## {}", t.mandate_text_declare()));
        lines.push(format!("- {}", t.mandate_text_unprotected()));
        lines.push(format!("- {}", t.mandate_text_free()));
        lines.join("\n") + "\n"
    }

    fn lasts(&self, t: &Texts) -> Vec<String> {
        let term = match self.term {
            Term::Present => t.mandate_text_term_present().to_owned(),
            days => t.mandate_text_term_days(t.term(days)),
        };
        let dates =
            self.dates.map(|(opened, ends)| [t.mandate_text_opened(opened.long(t)), t.mandate_text_ends(ends.long(t))]);
        std::iter::once(term).chain(dates.into_iter().flatten()).collect()
    }

    fn understood(&self, t: &Texts) -> Vec<&'static str> {
        let mut sentences =
            vec![t.mandate_text_1(), t.mandate_text_2(), t.mandate_text_3(), t.mandate_text_4(), t.mandate_text_5()];
        if self.procedures.contains(&Procedure::Argent) {
            sentences.push(t.mandate_text_argent());
        }
        sentences
    }
}

/// The name under which a text of this version and language is recorded: `mandate-1-fr`.
#[must_use]
pub fn version(language: Language) -> String {
    format!("mandate-{VERSION}-{}", language.code())
}

/// A name with a line feed in it could add a line to the mandate: control characters become spaces.
fn one_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::citizen::Claims;
    use crate::web::texts::texts;

    fn citizen(family_name: &str) -> Identity {
        Identity::try_from(Claims {
            given_name: Some("Angela Claire".into()),
            family_name: Some(family_name.into()),
            birthdate: Some("1962-08-24".into()),
            gender: Some("female".into()),
            birthplace: Some("75107".into()),
            birthcountry: Some("99100".into()),
            email: Some("angela@example.fr".into()),
            preferred_username: None,
        })
        .unwrap()
    }

    fn text(citizen: &Identity, procedures: &[Procedure]) -> String {
        let organisation = "Association Les Lilas";
        Wording { citizen, organisation, siret: None, procedures, term: Term::Month, dates: None }
            .write(texts(Language::Fr))
    }

    #[test]
    fn a_name_cannot_add_a_line_to_the_mandate() {
        let text = text(&citizen("DUBOIS\n- Justice"), &[Procedure::Logement]);
        assert!(text.contains("Angela Claire DUBOIS - Justice\n"));
        assert_eq!(text.lines().filter(|line| line.starts_with("- Justice")).count(), 0);
    }

    #[test]
    fn the_text_names_each_procedure_and_warns_about_over_indebtedness_only_where_it_may_arise() {
        let all = text(&citizen("DUBOIS"), &Procedure::ALL);
        for procedure in Procedure::ALL {
            assert!(all.contains(texts(Language::Fr).procedure(procedure).long));
        }
        assert!(all.contains("surendettement, la structure prépare"));
        assert!(!text(&citizen("DUBOIS"), &[Procedure::Logement]).contains("la structure prépare"));
    }
}
