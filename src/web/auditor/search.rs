//! What an auditor looks for, as typed, as understood, as recorded, and as the query of an address.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::event::{Event, Kind};
use crate::domain::id::{AccountId, CitizenId, MandateId, OrganisationId};
use crate::domain::procedure::Procedure;
use crate::domain::{Instant, civil};
use crate::store::audit::{Field, Search};
use crate::web::parts::Errors;
use crate::web::texts::Texts;

/// The filter as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// First day, `2026-11-22`.
    pub from: String,
    /// Last day, included.
    pub to: String,
    /// Key of a kind.
    pub kind: String,
    /// `org_…`
    pub organisation: String,
    /// `acc_…`
    pub mediator: String,
    /// `cit_…`
    pub citizen: String,
    /// `mdt_…`
    pub mandate: String,
    /// Identifier of a client.
    pub service: String,
    /// Key of a procedure.
    pub procedure: String,
    /// As what the list is exported; no part of the filter.
    pub format: String,
}

/// A day as a number, if it is one that instants can have.
#[must_use]
pub fn day(text: &str) -> Option<i32> {
    let date: NaiveDate = text.trim().parse().ok()?;
    let known = NaiveDate::from_ymd_opt(1970, 1, 2)?..NaiveDate::from_ymd_opt(9990, 1, 1)?;
    known.contains(&date).then(|| civil::number(date))
}

/// Whether a text can be the identifier of a client: it is written into the journal as it is.
#[must_use]
pub fn names_a_client(text: &str) -> bool {
    (1..=80).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/=".contains(&byte))
}

impl Typed {
    /// Names and values, in the order of the form.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, &str); 9] {
        [
            ("from", self.from.trim()),
            ("to", self.to.trim()),
            ("kind", self.kind.trim()),
            ("organisation", self.organisation.trim()),
            ("mediator", self.mediator.trim()),
            ("citizen", self.citizen.trim()),
            ("mandate", self.mandate.trim()),
            ("service", self.service.trim()),
            ("procedure", self.procedure.trim()),
        ]
    }

    /// Those that are filled in.
    pub fn filled(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields().into_iter().filter(|(_, value)| !value.is_empty())
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled().next().is_none()
    }

    /// What is meant, and the fields that mean nothing.
    #[must_use]
    pub fn understood(&self, zone: chrono_tz::Tz, t: &Texts) -> (Search, Errors) {
        let (mut search, mut with, mut errors) = (Search::default(), BTreeMap::new(), Errors::none());
        for (name, value) in self.filled() {
            let (field, fits) = match name {
                "from" => {
                    search.from = day(value).map(|day| civil::begins(day, zone));
                    (None, search.from.is_some())
                }
                "to" => {
                    search.until = day(value).map(|day| civil::begins(day + 1, zone));
                    (None, search.until.is_some())
                }
                "kind" => (Some(Field::Kind), Kind::from_code(value).is_some()),
                "organisation" => (Some(Field::Organisation), value.parse::<OrganisationId>().is_ok()),
                "mediator" => (Some(Field::Actor), value.parse::<AccountId>().is_ok()),
                "citizen" => (Some(Field::Citizen), value.parse::<CitizenId>().is_ok()),
                "mandate" => (Some(Field::Mandate), value.parse::<MandateId>().is_ok()),
                "service" => (Some(Field::Client), names_a_client(value)),
                _ => (Some(Field::Procedure), value.parse::<Procedure>().is_ok()),
            };
            if !fits {
                errors = errors.and(name, t.journal_filter_invalid());
            } else if let Some(field) = field {
                with.insert(field, value.to_owned());
            }
        }
        (Search { with, ..search }, errors)
    }

    /// A fact that says what was looked for, never what was found. Only of a filter that was understood.
    #[must_use]
    pub fn event(&self, kind: Kind, account: &AccountId, now: Instant) -> Event {
        self.filled().fold(Event::new(kind, now).by(account), |event, (name, value)| {
            let name = match name {
                "from" => "filter_from",
                "to" => "filter_to",
                "kind" => "filter_kind",
                "organisation" => "filter_organisation",
                "mediator" => "filter_mediator",
                "citizen" => "filter_citizen",
                "mandate" => "filter_mandate",
                "service" => "filter_client",
                _ => "filter_procedure",
            };
            event.fact(name, value)
        })
    }

    /// The address of a list with this filter, and one thing more.
    #[must_use]
    pub fn address(&self, more: Option<(&str, &str)>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.filled());
        query.extend_pairs(more);
        let query = query.finish();
        if query.is_empty() { "/journal".to_owned() } else { format!("/journal?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::texts::{Language, texts};

    #[test]
    fn what_cannot_be_meant_is_named_and_not_searched() {
        let typed = Typed {
            from: "2026-02-30".to_owned(),
            to: "+262142-12-31".to_owned(),
            service: "Joséphine".to_owned(),
            kind: " use ".to_owned(),
            ..Typed::default()
        };
        let (search, errors) = typed.understood(civil::FIGURES, texts(Language::En));
        assert_eq!((search.from, search.until, errors.len()), (None, None, 3));
        assert_eq!(search.with, BTreeMap::from([(Field::Kind, "use".to_owned())]));
        assert_eq!(Typed::default().address(None), "/journal");
        let one = Typed { service: "a b".to_owned(), ..Typed::default() };
        assert_eq!(one.address(Some(("after", "ent_1"))), "/journal?service=a+b&after=ent_1");
    }
}
