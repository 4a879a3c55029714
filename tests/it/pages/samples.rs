//! Data to fill every page with.

use askama::Template;
use chrono::TimeDelta;
use chrono_tz::Tz;
use mandataire::domain::citizen::{Claims, Identity};
use mandataire::domain::mandate::document::agreement_text;
use mandataire::domain::procedure::Procedure;
use mandataire::domain::term::Term;
use mandataire::web::document::Document;
use mandataire::web::moment::{Moment, birthdate};
use mandataire::web::parts::{Badge, CitizenRow, Errors, Outcome, Pages, UseLine};
use mandataire::web::shell::{Person, Shell};
use mandataire::web::texts::{Language, texts};

/// One way of filling every page.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    /// Given names and family name of whoever is named.
    pub(crate) person: (String, String),
    pub(crate) organisation: String,
    pub(crate) service: String,
    pub(crate) birthdate: &'static str,
    /// Lines in each list.
    pub(crate) lines: usize,
    /// Whether every form was refused, and whatever can be said is said.
    pub(crate) refused: bool,
}

impl Sample {
    pub(crate) fn all() -> Vec<Self> {
        let sample = |name, given: &str, family: &str, organisation: &str, service: &str| Self {
            name,
            person: (given.into(), family.into()),
            organisation: organisation.into(),
            service: service.into(),
            birthdate: "1962-08-24",
            lines: 3,
            refused: false,
        };
        let usual = || sample("usual", "Joséphine", "MARTIN-LEROY", "Maison de services de Bourg-en-Forêt", "Impôts");
        let long = "Anne-Sophie Marie-Madeleine Élisabeth ".repeat(6);
        let town = "Centre communal d’action sociale de Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson ".repeat(2);
        let hostile = "<script>alert(1)</script>\" onfocus=\"x";
        vec![
            usual(),
            Self { name: "empty", lines: 0, ..usual() },
            Self { name: "refused", refused: true, birthdate: "1980-00-00", ..usual() },
            Self { lines: 40, birthdate: "1980-02-00", ..sample("long", long.trim(), &"X".repeat(120), &town, &town) },
            sample("rtl", "يوسف", "بن عبد الله", "جمعية الأمل", "خدمة"),
            Self { refused: true, ..sample("hostile", hostile, "<img src=x>", hostile, hostile) },
        ]
    }

    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.person.0, self.person.1)
    }

    pub(crate) fn shell(&self, language: Language, path: &str) -> Shell {
        Shell {
            t: texts(language),
            language,
            csrf: Some("jeton".into()),
            path: path.into(),
            service_name: "Mandataire".into(),
            contact: "contact@example.fr".into(),
            stylesheet: mandataire::web::assets::STYLESHEET_URL,
            person: None,
            notice: self.refused.then(|| "Le mandat est arrêté.".into()),
            demo: self.lines == 0,
        }
    }

    pub(crate) fn signed_in(&self, language: Language, path: &str) -> Shell {
        let mut organisations = vec![("org_1".to_owned(), self.organisation.clone())];
        if self.refused || self.lines > 3 {
            organisations.push(("org_2".into(), "Association Les Lilas".into()));
        }
        let person = Person {
            name: "Ana Ferreira".into(),
            organisation: Some(self.organisation.clone()),
            organisations,
            member: true,
            mediator: true,
            manager: false,
            auditor: false,
            officer: false,
        };
        Shell { person: Some(person), ..self.shell(language, path) }
    }

    pub(crate) fn auditing(&self, language: Language, path: &str) -> Shell {
        let person = Person { name: "Inès Morel".into(), auditor: true, ..Person::default() };
        Shell { person: Some(person), ..self.shell(language, path) }
    }

    pub(crate) fn errors(&self, fields: &[&'static str]) -> Errors {
        let said = if self.refused { fields } else { &[] };
        said.iter().fold(Errors::none(), |errors, field| errors.and(field, format!("Ce champ est à revoir : {field}.")))
    }

    pub(crate) fn many<T>(&self, make: impl Fn(usize) -> T) -> Vec<T> {
        (0..self.lines).map(make).collect()
    }

    pub(crate) fn pages(&self) -> Pages {
        let far = self.lines > 3;
        Pages { first: far.then(|| "/citizens".into()), next: far.then(|| "/citizens?after=x".into()) }
    }

    pub(crate) fn born(&self, language: Language) -> String {
        birthdate(&self.birthdate.parse().unwrap(), texts(language))
    }

    pub(crate) fn rows(&self, language: Language) -> Vec<CitizenRow> {
        self.many(|at| CitizenRow {
            id: format!("cit_{at}"),
            name: self.full_name(),
            birthdate: self.born(language),
            procedures: titles(language, at + 1),
            ends: Some(days(at)),
        })
    }

    pub(crate) fn uses(&self, language: Language) -> Vec<UseLine> {
        let outcomes = [Outcome::Awaited, Outcome::Done, Outcome::NotDone, Outcome::HandedBack].into_iter().cycle();
        outcomes
            .take(self.lines)
            .map(|outcome| UseLine {
                at: days(0),
                procedure: texts(language).procedure(Procedure::Argent).short.into(),
                service: self.service.clone(),
                mediator: "Ana Ferreira".into(),
                outcome,
            })
            .collect()
    }

    pub(crate) fn document(&self, language: Language, frozen: bool) -> Document {
        let claims = Claims {
            given_name: Some(self.person.0.clone()),
            family_name: Some(self.person.1.clone()),
            birthdate: Some(self.birthdate.into()),
            gender: Some("female".into()),
            birthplace: Some("75107".into()),
            birthcountry: Some("99100".into()),
            email: Some("josephine@example.fr".into()),
            preferred_username: None,
        };
        let citizen = Identity::try_from(claims).unwrap();
        let procedures = [Procedure::Logement, Procedure::Argent].into();
        let mut text = agreement_text(&citizen, &self.organisation, &procedures, Term::Month, language);
        if frozen {
            text.push_str("\nMandat : mdt_1\nFin le : 25 décembre 2026 à 14:05:00 (UTC+01:00)\n\n----\n");
            text.push_str(&text.clone());
        }
        Document::read(&text)
    }
}

pub(crate) fn days(count: usize) -> Moment {
    let first = chrono::DateTime::from_timestamp(1_795_525_500, 0).unwrap_or_default();
    Moment(first + TimeDelta::days(i64::try_from(count).unwrap_or(0)), Tz::Europe__Paris)
}

pub(crate) fn titles(language: Language, count: usize) -> Vec<String> {
    Procedure::ALL.into_iter().take(count).map(|procedure| texts(language).procedure(procedure).short.into()).collect()
}

pub(crate) fn html(page: &impl Template) -> String {
    page.render().unwrap()
}

/// Every state.
pub(crate) const BADGES: [Badge; 5] = [Badge::Live, Badge::Ending, Badge::Ended, Badge::Revoked, Badge::Replaced];
