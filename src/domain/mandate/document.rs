//! The texts of a mandate: the one the citizen agrees to, and the document frozen at opening. Nothing renders them again later.

use std::collections::BTreeSet;

use crate::domain::Instant;
use crate::domain::agreement::Agreement;
use crate::domain::citizen::Identity;
use crate::domain::digest::Digest;
use crate::domain::id::MandateId;
use crate::domain::language::Language;
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::term::Term;

use super::draft::Draft;
use super::words;

/// The version of the legal texts below. A change of a word is a new version.
pub const VERSION: &str = "2026-11";

const FRENCH: &str = include_str!("agreement.fr.txt");
const ENGLISH: &str = include_str!("agreement.en.txt");

/// A document as it was on the day of the opening.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Its text, word for word.
    pub text: String,
    /// Its SHA-256, which is in the journal.
    pub digest: Digest,
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Document").field(&self.digest).finish()
    }
}

const fn procedure_words(procedure: Procedure, language: Language) -> &'static str {
    match (procedure, language) {
        (Procedure::Papiers, Language::Fr) => "Papiers, citoyenneté, élections",
        (Procedure::Papiers, Language::En) => "Identity papers, citizenship, elections",
        (Procedure::Famille, Language::Fr) => "Famille, scolarité",
        (Procedure::Famille, Language::En) => "Family, school",
        (Procedure::Social, Language::Fr) => "Social, santé",
        (Procedure::Social, Language::En) => "Social matters, health",
        (Procedure::Travail, Language::Fr) => "Travail, formation, retraite",
        (Procedure::Travail, Language::En) => "Work, training, pension",
        (Procedure::Logement, Language::Fr) => "Logement",
        (Procedure::Logement, Language::En) => "Housing",
        (Procedure::Transports, Language::Fr) => "Transports, mobilité",
        (Procedure::Transports, Language::En) => "Transport, mobility",
        (Procedure::Argent, Language::Fr) => {
            "Argent, impôts, consommation (un dossier de surendettement : moi seul(e) peux le signer)"
        }
        (Procedure::Argent, Language::En) => {
            "Money, taxes, consumer matters (an over-indebtedness file: I alone may sign it)"
        }
        (Procedure::Justice, Language::Fr | Language::En) => "Justice",
        (Procedure::Etranger, Language::Fr) => "Étranger, Europe",
        (Procedure::Etranger, Language::En) => "Foreign nationals, Europe",
        (Procedure::Loisirs, Language::Fr) => "Loisirs, sport, culture",
        (Procedure::Loisirs, Language::En) => "Leisure, sport, culture",
    }
}

const fn term_words(term: Term, language: Language) -> &'static str {
    match (term, language) {
        (Term::Present, Language::Fr) => "le temps de ma présence, une heure au plus",
        (Term::Present, Language::En) => "while I am present, one hour at most",
        (Term::Day, Language::Fr) => "1 jour",
        (Term::Day, Language::En) => "1 day",
        (Term::Month, Language::Fr) => "31 jours",
        (Term::Month, Language::En) => "31 days",
        (Term::Semester, Language::Fr) => "182 jours",
        (Term::Semester, Language::En) => "182 days",
        (Term::Year, Language::Fr) => "365 jours",
        (Term::Year, Language::En) => "365 days",
    }
}

/// The text the citizen agrees to. Each placeholder is filled in one pass, so that a name holding `{term}` stays a name.
#[must_use]
pub fn agreement_text(
    identity: &Identity,
    organisation: &str,
    procedures: &BTreeSet<Procedure>,
    term: Term,
    language: Language,
) -> String {
    let listed =
        procedures.iter().fold(String::new(), |list, one| list + "- " + procedure_words(*one, language) + "\n");
    let (name, birthdate) = (identity_words(identity), words::birthdate(&identity.birthdate, language));
    let template = match language {
        Language::Fr => FRENCH,
        Language::En => ENGLISH,
    };
    let mut text = String::with_capacity(template.len() + 512);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((key, tail)) = after.split_once('}') else { break };
        text.push_str(before);
        text.push_str(match key {
            "name" => &name,
            "birthdate" => &birthdate,
            "organisation" => organisation,
            "procedures" => &listed,
            _ => term_words(term, language),
        });
        rest = tail;
    }
    text + rest
}

fn identity_words(identity: &Identity) -> String {
    match &identity.preferred_username {
        Some(used) => format!("{} {} ({used})", identity.given_name, identity.family_name),
        None => format!("{} {}", identity.given_name, identity.family_name),
    }
}

/// Freezes the document of a mandate being opened: the text agreed to, and who, when and until when.
#[must_use]
pub fn freeze(
    identity: &Identity,
    mediator: &Mediator,
    draft: &Draft,
    agreement: &Agreement,
    id: &MandateId,
    now: Instant,
    expires_at: Instant,
) -> Document {
    let french = agreement_text(identity, &mediator.organisation().name, &draft.procedures, draft.term, Language::Fr);
    let organisation = mediator.organisation();
    let instant = |at: Instant| words::instant(at, &organisation.zone);
    let language = match agreement.language {
        Language::Fr => "français",
        Language::En => "anglais",
    };
    let mut text = format!(
        "{french}\nMandat : {id}\nTexte : version {VERSION}\nStructure : {name}, SIRET {siret}, {address}\n\
         Ouvert le : {opened}\nFin le : {end}, sauf arrêt avant\nAidant présent : {mediator}\n\
         Accord : donné en personne le {agreed}, texte lu en {language}, SHA-256 {digest}\n",
        name = organisation.name,
        siret = organisation.siret,
        address = organisation.address,
        opened = instant(now),
        end = instant(expires_at),
        mediator = mediator.account().name,
        agreed = instant(agreement.at),
        digest = agreement.digest,
    );
    if agreement.language != Language::Fr {
        text.push_str("\n----\n");
        text.push_str(&agreement.text);
    }
    let digest = Digest::of(text.as_bytes());
    Document { text, digest }
}
