//! A filtered list as a file: a limit, a quota, an entry that says so, and lines that leave as they are read.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use tokio::sync::mpsc;

use super::search::Typed;
use crate::domain::event::{Event, Kind};
use crate::journal::line;
use crate::store::journal::Entry;
use crate::store::sessions::Session;
use crate::store::{Error, Store, audit};
use crate::web::form::Form;
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;

/// Entries read together.
const CHUNK: usize = 250;
/// Chunks that wait for whoever reads slowly.
const WAITING: usize = 2;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
}

impl Format {
    const fn code(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/jsonl",
        }
    }

    fn head(self) -> String {
        if self == Self::Csv { line::csv_head() } else { String::new() }
    }

    fn line(self, entry: &Entry) -> String {
        match self {
            Self::Csv => line::csv(&entry.clear, &entry.leaf, &entry.commitment),
            Self::Json => line::json(&entry.clear, &entry.leaf, &entry.commitment),
        }
    }
}

/// `POST /journal/export`
///
/// # Errors
/// The quota is used up; a filter that means nothing; the database.
pub async fn export(
    app: Data<App>,
    screen: Screen,
    session: Session,
    form: Form<Typed>,
) -> Result<HttpResponse, Problem> {
    let filter = form.0;
    let format = match filter.format.as_str() {
        "csv" => Format::Csv,
        "json" => Format::Json,
        _ => return Err(Problem::Malformed("format")),
    };
    let (search, errors) = filter.understood(screen.zone(), screen.t());
    if !errors.is_empty() {
        return Err(Problem::Malformed("filter"));
    }
    let (now, account) = (app.clock.now(), session.account.id.clone());
    audit::catch_up(&app.store, now).await?;
    let event = filter.event(Kind::JournalExported, &account, now).fact("format", format.code());
    let refused = Event::new(Kind::ActRefused, now).by(&account).fact("route", "POST /journal/export");
    let limits = (app.settings.audit.export_limit, app.settings.audit.export_quota);
    let taken = app
        .store
        .write(move |tx| audit::export(tx, &account, &search, limits, (event, refused)).map_err(Problem::from))
        .await?;
    let ids = taken.map_err(Problem::Recorded)?;
    let (sender, lines) = mpsc::channel(WAITING);
    actix_web::rt::spawn(send(app.store.clone(), ids, format, sender));
    let name = format!("journal-{}.{}", now.format("%Y%m%dT%H%M%SZ"), format.code());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(Lines(lines)))
}

/// Reads and sends until everything is sent, nobody listens any more, or the database fails: then the answer is cut, not ended.
async fn send(store: Store, ids: Vec<String>, format: Format, to: mpsc::Sender<Result<Bytes, Error>>) {
    let head = format.head();
    // A piece of no bytes would end the answer.
    if !head.is_empty() && to.send(Ok(Bytes::from(head))).await.is_err() {
        return;
    }
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        let entries = store.read(move |db| audit::chunk(db, &chunk)).await;
        let lines = entries.map(|entries| entries.iter().map(|entry| format.line(entry)).collect::<String>().into());
        let failed = lines.is_err();
        if to.send(lines).await.is_err() || failed {
            return;
        }
    }
}

/// Lines on their way.
struct Lines(mpsc::Receiver<Result<Bytes, Error>>);

impl MessageBody for Lines {
    type Error = Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.0.poll_recv(context)
    }
}
