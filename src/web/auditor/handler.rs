//! The auditor declares a purpose, then reads. Every reading is itself an entry.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::pages::{EntryRow, JournalPage, PurposePage};
use super::reading;
use super::search::Typed;
use crate::domain::auditor;
use crate::domain::event::{Event, Kind, Owner};
use crate::domain::id::EntryId;
use crate::domain::procedure::Procedure;
use crate::store::audit::{self, Part, Search};
use crate::store::journal::{self, Entry};
use crate::store::sessions::{self, Declared, Session};
use crate::store::{Db, clients, organisations};
use crate::web::extract::Query;
use crate::web::form::Form;
use crate::web::parts::{Errors, Pages};
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// Entries on a page.
const PAGE: i64 = 50;
/// Organisations and clients to choose from in the filter; others are typed.
const CHOICES: i64 = 300;

/// `GET /journal/purpose`
pub async fn purpose_form(screen: Screen, session: Session) -> HttpResponse {
    let purpose = session.purpose.map(|declared| declared.text).unwrap_or_default();
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
    let purpose = match auditor::text(&form.0.purpose) {
        Ok(purpose) => purpose,
        Err(refusal) => {
            let (purpose, errors) = (form.0.purpose, Errors::on("purpose", screen.t().refusal(refusal)));
            return Ok(screen.refused(|shell| PurposePage { shell, purpose, errors }));
        }
    };
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            let account = &session.account.id;
            // A free text may speak of a person: it is sealed.
            let private = vec![("purpose", purpose.clone())];
            let event = Event::new(Kind::PurposeDeclared, now).by(account);
            let entry = journal::record(tx, &event.sealed_for(Owner::Account(account.clone()), private))?;
            sessions::declare(tx, &session.id, account, &Declared { entry, text: purpose })?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(see_other("/journal"))
}

/// Where in the list.
#[derive(Deserialize)]
pub struct Cursor {
    #[serde(default)]
    after: String,
    #[serde(default)]
    before: String,
}

impl Cursor {
    fn part(&self) -> Result<Part, Problem> {
        let id = |text: &str| text.parse::<EntryId>().map_err(|_| Problem::Malformed("cursor"));
        Ok(match (self.after.as_str(), self.before.as_str()) {
            ("", "") => Part::First,
            (after, "") => Part::Older(id(after)?),
            (_, before) => Part::Newer(id(before)?),
        })
    }
}

/// What one may choose from in the filter.
pub(super) type Choices = (Vec<(String, String)>, Vec<(String, String)>);

/// Names of organisations and of clients, which are no persons'.
pub(super) fn choices(db: &mut Db<'_>) -> Result<Choices, Problem> {
    let organisations = organisations::list(db, None, CHOICES)?.into_iter().map(|one| (one.id.to_string(), one.name));
    let organisations = organisations.collect();
    let clients = clients::list(db, CHOICES)?.into_iter().map(|one| (one.id, one.name));
    Ok((organisations, clients.collect()))
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
    cursor: Query<Cursor>,
) -> Result<HttpResponse, Problem> {
    let filter = typed.0;
    let (search, errors) = filter.understood(screen.zone(), screen.t());
    let part = cursor.0.part()?;
    if !errors.is_empty() {
        let listed = Listed { coverage: reading::coverage(&app).await?, ..Listed::default() };
        return Ok(shown(screen, &session, filter, errors, listed, &app));
    }
    let event = filter.event(Kind::JournalRead, &session.account.id, app.clock.now());
    let (listed, coverage) = reading::recorded(&app, &session, event, move |db| read(db, &search, &part)).await?;
    let listed = Listed { coverage, ..listed };
    Ok(shown(screen, &session, filter, errors, listed, &app))
}

/// A page of the list, and what is around it.
#[derive(Default)]
struct Listed {
    entries: Vec<Entry>,
    positions: BTreeMap<String, u64>,
    choices: Choices,
    older: bool,
    newer: bool,
    coverage: audit::Coverage,
}

fn read(db: &mut Db<'_>, search: &Search, part: &Part) -> Result<Listed, Problem> {
    let mut entries = audit::page(db, search, part, PAGE + 1)?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = entries.len() > page;
    let (older, newer) = if let Part::Newer(_) = part {
        if more {
            entries.remove(0);
        }
        (true, more)
    } else {
        entries.truncate(page);
        (more, *part != Part::First)
    };
    let ids: Vec<_> = entries.iter().map(|entry| &entry.id).collect();
    let positions = audit::positions(db, &ids)?;
    Ok(Listed { entries, positions, choices: choices(db)?, older, newer, ..Listed::default() })
}

fn shown(screen: Screen, session: &Session, filter: Typed, errors: Errors, listed: Listed, app: &App) -> HttpResponse {
    let t = screen.t();
    let address =
        |more: Option<(&str, String)>| filter.address(more.as_ref().map(|(name, value)| (*name, value.as_str())));
    let first = listed.newer.then(|| address(None));
    let oldest = listed.entries.last().filter(|_| listed.older).map(|entry| entry.id.to_string());
    let newest = listed.entries.first().filter(|_| listed.newer).map(|entry| entry.id.to_string());
    let pages = Pages { first, next: oldest.map(|id| address(Some(("after", id)))) };
    let previous = newest.map(|id| address(Some(("before", id))));
    let rows = listed.entries.iter().map(|entry| entry_row(entry, &listed.positions, &screen)).collect();
    let kinds = Kind::ALL.iter().map(|kind| (kind.code().to_owned(), t.kind(*kind).to_owned())).collect();
    let procedures = Procedure::ALL.into_iter().map(|one| (one.key().to_owned(), t.procedure(one).short.to_owned()));
    let procedures = procedures.collect();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let head = reading::head(&listed.coverage, session, &screen);
    let ((organisations, services), limit) = (listed.choices, app.settings.audit.export_limit);
    screen.page_with(status, |shell| JournalPage {
        shell,
        head,
        filter,
        kinds,
        procedures,
        organisations,
        services,
        errors,
        rows,
        previous,
        pages,
        limit,
    })
}

/// The names and values of a clear part.
pub(super) fn facts(clear: &[u8]) -> BTreeMap<String, String> {
    serde_json::from_slice(clear).unwrap_or_default()
}

fn entry_row(entry: &Entry, positions: &BTreeMap<String, u64>, screen: &Screen) -> EntryRow {
    let mut facts = facts(&entry.clear);
    EntryRow {
        id: entry.id.to_string(),
        position: positions.get(entry.id.as_str()).copied(),
        at: screen.moment(entry.at),
        kind: screen.t().kind(entry.kind).to_owned(),
        organisation: facts.remove("organisation"),
        mediator: facts.remove("actor"),
        mandate: facts.remove("mandate"),
    }
}
