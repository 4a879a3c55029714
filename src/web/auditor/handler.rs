//! The auditor declares a purpose, then reads. Every reading is itself an entry.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use chrono::{Days, NaiveDate, TimeZone};
use serde::Deserialize;

use super::pages::{EntryRow, JournalFilter, JournalPage, PurposePage};
use crate::domain::Instant;
use crate::domain::event::{Event, Kind, Owner};
use crate::domain::id::EntryId;
use crate::domain::refusal::Refusal;
use crate::store::journal::{self, Entry, Filter};
use crate::store::sessions::{self, Session};
use crate::web::extract::Query;
use crate::web::form::Form;
use crate::web::parts::{Errors, Pages};
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;
use crate::web::texts::Texts;

/// Entries on a page.
const PAGE: i64 = 50;
/// Shortest and longest purpose, in characters.
const PURPOSE: std::ops::RangeInclusive<usize> = 10..=500;

/// `GET /journal/purpose`
pub async fn purpose_form(screen: Screen, session: Session) -> HttpResponse {
    let purpose = session.purpose.unwrap_or_default();
    screen.page(|shell| PurposePage { shell, purpose, errors: Errors::none() })
}

/// Why the journal is read.
#[derive(Deserialize)]
pub struct Purpose {
    #[serde(default)]
    purpose: String,
}

/// `POST /journal/purpose`: asked once per session, and recorded.
///
/// # Errors
/// The database.
pub async fn declare(
    app: Data<App>,
    screen: Screen,
    session: Session,
    form: Form<Purpose>,
) -> Result<HttpResponse, Problem> {
    // Neither control nor direction marks: what is read later must be what was typed.
    let marks = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let purpose = form.0.purpose.trim().replace(marks, " ");
    if !PURPOSE.contains(&purpose.chars().count()) {
        let errors = Errors::on("purpose", screen.t().refusal(Refusal::PurposeNeeded));
        return Ok(screen.refused(|shell| PurposePage { shell, purpose, errors }));
    }
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            let account = &session.account.id;
            sessions::declare(tx, &session.id, account, &purpose)?;
            // A free text may speak of a person: it is sealed.
            let private = vec![("purpose", purpose.clone())];
            let event = Event::new(Kind::PurposeDeclared, now).by(account);
            journal::record(tx, &event.sealed_for(Owner::Account(account.clone()), private))?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(see_other("/journal"))
}

/// The filter as typed.
#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    mediator: String,
    #[serde(default)]
    mandate: String,
    #[serde(default)]
    after: String,
}

/// A day as a pair of instants in the reader's zone: its first moment, and the first of the next day.
fn day(text: &str, zone: chrono_tz::Tz) -> Option<(Instant, Instant)> {
    let day: NaiveDate = text.parse().ok()?;
    let begins = |day: NaiveDate| {
        let hours = (0..3).filter_map(|hour| day.and_hms_opt(hour, 0, 0));
        hours.filter_map(|time| zone.from_local_datetime(&time).earliest()).map(|local| local.to_utc()).next()
    };
    Some((begins(day)?, begins(day.checked_add_days(Days::new(1))?)?))
}

fn optional<T>(
    text: &str,
    field: &'static str,
    read: impl Fn(&str) -> Option<T>,
    wrong: &mut Vec<&'static str>,
) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let value = read(text);
    if value.is_none() {
        wrong.push(field);
    }
    value
}

fn filter(typed: &Typed, zone: chrono_tz::Tz, t: &Texts) -> (Filter, Errors) {
    let mut wrong = Vec::new();
    let filter = Filter {
        from: optional(&typed.from, "from", |text| day(text, zone), &mut wrong).map(|(begin, _)| begin),
        until: optional(&typed.to, "to", |text| day(text, zone), &mut wrong).map(|(_, end)| end),
        kind: optional(&typed.kind, "kind", Kind::from_code, &mut wrong),
        organisation: optional(&typed.organisation, "organisation", |text| text.parse().ok(), &mut wrong),
        actor: optional(&typed.mediator, "mediator", |text| text.parse().ok(), &mut wrong),
        mandate: optional(&typed.mandate, "mandate", |text| text.parse().ok(), &mut wrong),
    };
    let errors = wrong.into_iter().fold(Errors::none(), |errors, field| errors.and(field, t.journal_filter_invalid()));
    (filter, errors)
}

/// `GET /journal`
///
/// # Errors
/// A malformed cursor; the database.
pub async fn list(
    app: Data<App>,
    screen: Screen,
    session: Session,
    typed: Query<Typed>,
) -> Result<HttpResponse, Problem> {
    let typed = typed.0;
    let (filter, errors) = filter(&typed, screen.zone(), screen.t());
    let after: Option<EntryId> = match typed.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::Malformed("cursor"))?),
    };
    let now = app.clock.now();
    let (account, purpose) = (session.account.id.clone(), session.purpose.unwrap_or_default());
    let (wrong, cursor) = (!errors.is_empty(), after.clone());
    let mut entries = if wrong {
        Vec::new()
    } else {
        let read = read_event(&typed, &account, now);
        // A long search does not hold up those who write; nothing is shown unless the reading is recorded.
        let entries = app
            .store
            .read(move |db| journal::list(db, &filter, cursor.as_ref(), PAGE + 1).map_err(Problem::from))
            .await?;
        app.store.write(move |tx| journal::record(tx, &read).map(drop).map_err(Problem::from)).await?;
        entries
    };
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = entries.len() > page;
    entries.truncate(page);
    let next = entries.last().filter(|_| more).map(|entry| entry.id.to_string());
    let pages = pages(&typed, after.is_some(), next);
    let rows = entries.iter().map(|entry| entry_row(entry, &screen)).collect();
    let t = screen.t();
    let kinds = Kind::ALL.iter().map(|kind| (kind.code().to_owned(), t.kind(*kind).to_owned())).collect();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let Typed { from, to, kind, organisation, mediator, mandate, .. } = typed;
    let filter = JournalFilter { from, to, kind, organisation, mediator, mandate };
    Ok(screen.page_with(status, |shell| JournalPage { shell, purpose, filter, kinds, errors, rows, pages }))
}

/// What was read is recorded: the filter, never the result.
fn read_event(typed: &Typed, account: &crate::domain::id::AccountId, now: Instant) -> Event {
    let facts = [
        ("filter_from", &typed.from),
        ("filter_to", &typed.to),
        ("filter_kind", &typed.kind),
        ("filter_organisation", &typed.organisation),
        ("filter_mediator", &typed.mediator),
        ("filter_mandate", &typed.mandate),
    ];
    let filled = facts.into_iter().filter(|(_, value)| !value.trim().is_empty());
    filled.fold(Event::new(Kind::JournalRead, now).by(account), |event, (name, value)| event.fact(name, value.trim()))
}

fn pages(typed: &Typed, later: bool, next: Option<String>) -> Pages {
    let fields = [
        ("from", &typed.from),
        ("to", &typed.to),
        ("kind", &typed.kind),
        ("organisation", &typed.organisation),
        ("mediator", &typed.mediator),
        ("mandate", &typed.mandate),
    ];
    let address = |after: Option<String>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(after.map(|after| ("after", after)));
        format!("/journal?{}", query.finish())
    };
    Pages { first: later.then(|| address(None)), next: next.map(|next| address(Some(next))) }
}

/// The names and values of a clear part.
pub(super) fn facts(clear: &[u8]) -> BTreeMap<String, String> {
    serde_json::from_slice(clear).unwrap_or_default()
}

fn entry_row(entry: &Entry, screen: &Screen) -> EntryRow {
    let mut facts = facts(&entry.clear);
    EntryRow {
        id: entry.id.to_string(),
        position: None,
        at: screen.moment(entry.at),
        kind: screen.t().kind(entry.kind).to_owned(),
        organisation: facts.remove("organisation"),
        mediator: facts.remove("actor"),
        mandate: facts.remove("mandate"),
    }
}
