//! Opening a mandate, up to the paper that both sign.

use askama::Template;

use crate::domain::procedure::Procedure;
use crate::domain::term::Term;
use crate::web::document::Document;
use crate::web::moment::Moment;
use crate::web::parts::Errors;
use crate::web::shell::Shell;
use crate::web::texts::{Language, Presented, Texts, texts};

/// `/mandates/new`
#[derive(Debug, Template)]
#[template(path = "counter/opening.html")]
pub struct OpeningPage {
    /// Frame.
    pub shell: Shell,
    /// Full name of the organisation that receives the mandate.
    pub organisation: String,
    /// Whether the mediator belongs to several organisations.
    pub several_organisations: bool,
    /// The procedures that the organisation allows, in the order of the screens.
    pub allowed: Vec<Procedure>,
    /// The procedures ticked.
    pub chosen: Vec<Procedure>,
    /// The term chosen.
    pub term: Option<Term>,
    /// Fields `procedures` and `term`.
    pub errors: Errors,
    /// Another obstacle, as a sentence: a provider does not answer.
    pub obstacle: Option<String>,
    /// The providers that may identify the citizen.
    pub providers: Vec<ProviderButton>,
}

/// A provider, as a button.
#[derive(Debug, Clone)]
pub struct ProviderButton {
    /// Its name in addresses.
    pub name: String,
    /// Its name on the screens.
    pub label: String,
    /// Whether it does not answer at the moment.
    pub down: bool,
}

impl OpeningPage {
    /// Each allowed procedure: its key, its words, whether it is ticked, and the field's identifier.
    fn procedures(&self) -> Vec<(&'static str, Presented, bool, String)> {
        let choices = self.allowed.iter().enumerate();
        choices
            .map(|(at, procedure)| {
                let chosen = self.chosen.contains(procedure);
                (procedure.key(), self.shell.t.procedure(*procedure), chosen, field("procedures", at))
            })
            .collect()
    }

    /// Each term: its key, its name, its hint, whether it is chosen, and the field's identifier.
    fn terms(&self) -> Vec<(&'static str, &'static str, &'static str, bool, String)> {
        let t = self.shell.t;
        let choices = Term::ALL.into_iter().enumerate();
        choices
            .map(|(at, term)| (term.key(), t.term(term), t.term_hint(term), self.term == Some(term), field("term", at)))
            .collect()
    }
}

/// The first field of a group bears the group's name: the summary of errors links to it.
pub(in crate::web) fn field(name: &str, at: usize) -> String {
    if at == 0 { name.to_owned() } else { format!("{name}-{at}") }
}

/// `/mandates/drafts/{drf}`: the last look before the mandate opens.
#[derive(Debug, Template)]
#[template(path = "counter/recap.html")]
pub struct RecapPage {
    /// Frame.
    pub shell: Shell,
    /// `drf_…`
    pub draft: String,
    /// Full name of the citizen.
    pub citizen: String,
    /// Birthdate in words.
    pub birthdate: String,
    /// Full name of the organisation.
    pub organisation: String,
    /// The procedures.
    pub procedures: Vec<Procedure>,
    /// The term.
    pub term: Term,
    /// The end, if the mandate were opened now.
    pub ends: Moment,
    /// When the citizen agreed.
    pub agreed: Moment,
    /// When this draft dies.
    pub deadline: Moment,
    /// Live authorisations that the mandate replaces.
    pub replaced: Vec<ReplacedLine>,
    /// Whether `in_front` is ticked.
    pub in_front: bool,
    /// Whether `informed` is ticked.
    pub informed: bool,
    /// Fields `in_front`, `informed` and `code`.
    pub errors: Errors,
}

/// An authorisation that will be replaced.
#[derive(Debug, Clone)]
pub struct ReplacedLine {
    /// Long title of the procedure.
    pub procedure: String,
    /// Its present end.
    pub ends: Moment,
}

impl RecapPage {
    fn presented(&self) -> Vec<Presented> {
        self.procedures.iter().map(|procedure| self.shell.t.procedure(*procedure)).collect()
    }

    fn warnings(&self) -> Vec<&'static str> {
        self.presented().into_iter().filter_map(|presented| presented.warning).collect()
    }
}

/// `/mandates/drafts/{drf}` once the citizen has refused.
#[derive(Debug, Template)]
#[template(path = "counter/refused.html")]
pub struct RefusedPage {
    /// Frame.
    pub shell: Shell,
}

/// `/mandates/{mdt}/document`: the frozen text, to be printed and signed.
#[derive(Debug, Template)]
#[template(path = "counter/document.html")]
pub struct DocumentPage {
    /// Frame. Its language is that of the screen; the document has its own.
    pub shell: Shell,
    /// `mdt_…`
    pub id: String,
    /// The frozen text.
    pub document: Document,
    /// Language of the frozen text: the labels beside it are in that language too.
    pub language: Language,
    /// SHA-256 of the frozen text, in hexadecimal.
    pub hash: String,
}

impl DocumentPage {
    const fn words(&self) -> &'static Texts {
        texts(self.language)
    }
}
