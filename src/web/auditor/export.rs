//! A filtered list as a file: a limit, a quota, an entry that says so, and lines that leave as they are read.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use tokio::sync::mpsc;

use super::reading;
use super::search::Typed;
use crate::domain::event::{Event, Kind};
use crate::journal::listing::Listed;
use crate::journal::{line, listing};
use crate::store::audit::{CHUNK, Proofs};
use crate::store::sessions::Session;
use crate::store::{Db, Error, Store, audit};
use crate::web::form::Form;
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;

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

    /// The tree that the lines are proved to be in; in CSV, none.
    fn proofs(self, db: &mut Db<'_>) -> Result<Proofs, Error> {
        if self == Self::Csv { Ok(Proofs::default()) } else { Proofs::begin(db) }
    }

    fn head(self, proofs: &Proofs, entries: usize) -> String {
        match self {
            Self::Csv => line::csv_head(),
            Self::Json => listing::head(proofs.note(), entries as u64),
        }
    }

    fn line(self, listed: &Listed) -> String {
        match self {
            Self::Csv => line::csv(listed),
            Self::Json => listing::line(listed),
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
    let event = reading::under(&session, event);
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
    if let Err(error) = read_and_send(&store, &ids, format, &to).await {
        // Nobody listens: then nobody misses it.
        let _ = to.send(Err(error)).await;
    }
}

async fn read_and_send(
    store: &Store,
    ids: &[String],
    format: Format,
    to: &mpsc::Sender<Result<Bytes, Error>>,
) -> Result<(), Error> {
    let mut proofs = store.read(move |db| format.proofs(db)).await?;
    if to.send(Ok(format.head(&proofs, ids.len()).into())).await.is_err() {
        return Ok(());
    }
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        let (next, listed) =
            store.read::<_, _, Error>(move |db| proofs.of(db, &chunk).map(|listed| (proofs, listed))).await?;
        proofs = next;
        let lines: String = listed.iter().map(|one| format.line(one)).collect();
        if to.send(Ok(lines.into())).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
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
