//! The public files of the journal (C2SP tlog-tiles): the checkpoint, tiles of hashes, bundles of entries. For everybody; they name nobody.

use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use super::problem::Problem;
use super::state::App;
use crate::journal::tile::{Row, Tile};
use crate::store::log::{self, Published};
use crate::store::{Db, Error, vouched};

/// The longest path of a tile: 2⁶³ entries have none longer.
const LONGEST: usize = 64;

/// What never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// What changes each second.
const BRIEFLY: &str = "public, max-age=1";

/// `GET /log/checkpoint`
///
/// # Errors
/// The database.
pub(super) async fn checkpoint(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    note(&app, &request, log::latest).await
}

/// `GET /log/witnessed`: the last checkpoint that enough witnesses signed. Under load the newest one has none of theirs yet.
///
/// # Errors
/// The database.
pub(super) async fn witnessed(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let trust = app.trust.clone();
    if trust.witnesses.is_empty() {
        return Ok(absent());
    }
    note(&app, &request, move |db| vouched::last_witnessed(db, &trust, trust.needed, 0)).await
}

/// A checkpoint, with the signatures of witnesses that it has.
async fn note<F>(app: &App, request: &HttpRequest, find: F) -> Result<HttpResponse, Problem>
where
    F: FnOnce(&mut Db<'_>) -> Result<Option<Published>, Error> + Send + 'static,
{
    let found = app.store.read(|db| {
        let Some(last) = find(db)? else { return Ok(None) };
        let lines = log::cosignatures(db, last.size)?;
        Ok::<_, Error>(Some((last.size, last.note, lines)))
    });
    let Some((size, note, lines)) = found.await? else { return Ok(absent()) };
    let tag = format!("\"{size}-{}\"", lines.len());
    Ok(answer(request, &tag, BRIEFLY, "text/plain; charset=utf-8", (note + &lines.concat()).into_bytes()))
}

/// `GET /log/tile/…`
///
/// # Errors
/// The database.
pub(super) async fn tile(app: Data<App>, request: HttpRequest, path: Path<String>) -> Result<HttpResponse, Problem> {
    let path = path.into_inner();
    // An address that cannot be one is no attack, and leaves nothing in the journal.
    let wanted = (path.len() <= LONGEST).then(|| Tile::parse(&format!("tile/{path}"))).flatten();
    let shown = |tile: &Tile| tile.row != Row::Entries || app.settings.public_entries;
    let Some(wanted) = wanted.filter(shown) else { return Ok(absent()) };
    let found = app.store.read(move |db| {
        let size = log::latest(db)?.map_or(0, |last| last.size);
        // Only what a checkpoint covers, so that whoever reads it can check it.
        match Tile::within(wanted.row, wanted.index, size) {
            Some(whole) if wanted.width <= whole.width => log::tile(db, wanted).map(Some),
            _ => Ok(None),
        }
    });
    let Some(bytes) = found.await? else { return Ok(absent()) };
    let tag = format!("\"{path}\"");
    Ok(answer(&request, &tag, FOREVER, "application/octet-stream", bytes))
}

fn answer(request: &HttpRequest, tag: &str, keep: &'static str, kind: &'static str, bytes: Vec<u8>) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let known = known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((header::CACHE_CONTROL, keep)).insert_header((header::ETAG, tag));
    if known { answer.finish() } else { answer.content_type(kind).body(bytes) }
}

/// Not there, or not yet: nobody may remember that.
fn absent() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain")
        .body("not found\n")
}
