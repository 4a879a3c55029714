//! Asking for an erasure, and deciding about one: two officers, two sessions, two fresh codes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::pages::{AskPage, ErasurePage, HoldRow, OfficePage, RequestRow, State, ground, hold_ground};
use crate::domain::authenticator::FreshCode;
use crate::domain::erasure::{Decision, Ground, Request};
use crate::domain::event::Owner;
use crate::domain::id::{CitizenId, ErasureId};
use crate::domain::officer::Officer;
use crate::domain::refusal::Refusal;
use crate::store::{Error, Tx, erasures, holds, sessions};
use crate::web::extract::{After, Id, Query};
use crate::web::form::{Form, Nothing};
use crate::web::parts::{Errors, Pages};
use crate::web::problem::Problem;
use crate::web::public::step_up;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// Requests on a page.
const PAGE: usize = 50;
/// Holds on the page: there are few at a time.
const HOLDS: usize = 200;

/// `GET /office`
///
/// # Errors
/// The database.
pub async fn list(app: Data<App>, screen: Screen, after: Query<After<ErasureId>>) -> Result<HttpResponse, Problem> {
    let (after, now) = (after.0.after, app.clock.now());
    let from = after.clone();
    let (mut found, held) = app
        .store
        .read(move |db| Ok::<_, Problem>((erasures::list(db, from.as_ref(), PAGE + 1)?, holds::list(db, HOLDS)?)))
        .await?;
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let next = found.last().filter(|_| more).map(|last| format!("/office?after={}", last.id));
    let requests = found.iter().map(|one| row(one, &screen, now)).collect();
    let set = |one: &crate::domain::erasure::Hold| HoldRow {
        id: one.id.to_string(),
        person: one.person.as_str().to_owned(),
        ground: hold_ground(one.ground, screen.t()),
        since: screen.moment(one.set_at),
    };
    let holds = held.iter().map(set).collect();
    let pages = Pages { first: after.map(|_| "/office".to_owned()), next };
    Ok(screen.page(|shell| OfficePage { shell, requests, pages, holds }))
}

fn row(request: &Request, screen: &Screen, now: crate::domain::Instant) -> RequestRow {
    let state = match &request.decided {
        Some(decided) => State::Decided(decided.decision),
        None if request.waits(now) => State::Waiting,
        None => State::Decided(Decision::Expired),
    };
    RequestRow {
        id: request.id.to_string(),
        citizen: request.citizen.to_string(),
        ground: ground(request.ground, screen.t()),
        asked_by: request.asked_by.to_string(),
        asked: screen.moment(request.asked_at),
        ends: screen.moment(request.ends()),
        state,
    }
}

/// `GET /office/erasures/new`
pub async fn form(screen: Screen) -> HttpResponse {
    let (citizen, chosen) = (String::new(), String::new());
    screen.page(|shell| AskPage { shell, citizen, chosen, errors: Errors::none() })
}

/// Who is to be erased, why, and a code.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    citizen: String,
    #[serde(default)]
    ground: String,
    #[serde(default)]
    code: String,
}

/// `POST /office/erasures`
///
/// # Errors
/// A rule refuses; the database.
pub async fn ask(app: Data<App>, screen: Screen, officer: Officer, form: Form<Asked>) -> Result<HttpResponse, Problem> {
    let Asked { citizen, ground: chosen, code } = form.0;
    let (typed, now, id) =
        (citizen.trim().to_owned(), app.clock.now(), ErasureId::new(app.clock.now(), app.random.u128()));
    let mut errors = Errors::none();
    let who: Result<CitizenId, _> = typed.parse();
    if who.is_err() {
        errors = errors.and("citizen", screen.t().refusal(Refusal::NoSuchPerson));
    }
    let why: Result<Ground, _> = chosen.parse();
    if why.is_err() {
        errors = errors.and("ground", screen.t().refusal(Refusal::NoGround));
    }
    if code.trim().is_empty() {
        errors = errors.and("code", screen.t().code_missing());
    }
    let (Ok(who), Ok(why), true) = (who, why, errors.is_empty()) else {
        return Ok(screen.refused(|shell| AskPage { shell, citizen: typed, chosen, errors }));
    };
    let asked = app.store.write(move |tx| {
        erasures::expire(tx, Some(&who), now)?;
        let Some(standing) = holds::standing_locked(tx, &Owner::Citizen(who.clone()))? else {
            return Ok(Err(Refusal::NoSuchPerson));
        };
        if erasures::is_waiting(tx, &who)? {
            return Ok(Err(Refusal::ErasureWaiting));
        }
        let code = match step_up::present(tx, &officer.account().id, &code, now)? {
            Ok(code) => code,
            Err(refusal) => return Ok(Err(refusal)),
        };
        sessions::awake(tx, officer.session(), now)?;
        match Request::ask(id, who, standing, why, &officer, code) {
            Ok(request) => Ok::<_, Problem>(Ok(erasures::ask(tx, request)?.id)),
            Err(refusal) => Ok(Err(refusal)),
        }
    });
    match asked.await? {
        Ok(id) => Ok(see_other(&format!("/office/erasures/{id}"))),
        Err(refusal) => match field(refusal) {
            Some(field) => {
                let errors = Errors::on(field, screen.t().refusal(refusal));
                Ok(screen.refused(|shell| AskPage { shell, citizen: typed, chosen, errors }))
            }
            None => Err(refusal.into()),
        },
    }
}

const fn field(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::NoSuchPerson => Some("citizen"),
        Refusal::CodeRefused | Refusal::FactorLocked | Refusal::SignInFailed => Some("code"),
        _ => None,
    }
}

/// `GET /office/erasures/{ers}`
///
/// # Errors
/// There is none.
pub async fn show(
    app: Data<App>,
    screen: Screen,
    officer: Officer,
    id: Id<ErasureId>,
) -> Result<HttpResponse, Problem> {
    page(&app, screen, &officer, id.0, StatusCode::OK, Errors::none()).await
}

async fn page(
    app: &App,
    screen: Screen,
    officer: &Officer,
    id: ErasureId,
    status: StatusCode,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let request = app.store.read(move |db| erasures::find(db, &id).map_err(Problem::from)).await?;
    let own = request.asked_by == officer.account().id;
    let request = row(&request, &screen, app.clock.now());
    Ok(screen.page_with(status, |shell| ErasurePage { shell, request, own, errors }))
}

/// A code.
#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    code: String,
}

/// `POST /office/erasures/{ers}/approval`: the person is erased, in this very transaction.
///
/// # Errors
/// There is none; a rule refuses; the database.
pub async fn approve(
    app: Data<App>,
    screen: Screen,
    officer: Officer,
    id: Id<ErasureId>,
    form: Form<Code>,
) -> Result<HttpResponse, Problem> {
    let (now, typed, asked, by) = (app.clock.now(), form.0.code, id.0.clone(), officer.clone());
    if typed.trim().is_empty() {
        let errors = Errors::on("code", screen.t().code_missing());
        return page(&app, screen, &officer, id.0, StatusCode::UNPROCESSABLE_ENTITY, errors).await;
    }
    let decided = app.store.write(move |tx| approved(tx, &asked, &by, &typed, now));
    match decided.await? {
        Ok(request) => Ok(see_other(&format!("/office/erasures/{}", request.id))),
        Err(refusal) if field(refusal) == Some("code") => {
            let errors = Errors::on("code", screen.t().refusal(refusal));
            page(&app, screen, &officer, id.0, StatusCode::UNPROCESSABLE_ENTITY, errors).await
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A refusal is an answer: a wrong code is counted, and the right one is spent.
fn approved(
    tx: &mut Tx<'_>,
    id: &ErasureId,
    officer: &Officer,
    typed: &str,
    now: crate::domain::Instant,
) -> Result<Result<Request, Refusal>, Problem> {
    let request = erasures::find_locked(tx, id)?;
    let person = Owner::Citizen(request.citizen.clone());
    let standing = holds::standing(tx, &person)?.ok_or(Error::NotFound)?;
    // The code is looked at last: what cannot be approved does not cost one.
    if let Err(refusal) = request.clone().approve(standing, officer, FreshCode::remembered(now)) {
        return Ok(Err(refusal));
    }
    let code = match step_up::present(tx, &officer.account().id, typed, now)? {
        Ok(code) => code,
        Err(refusal) => return Ok(Err(refusal)),
    };
    sessions::awake(tx, officer.session(), now)?;
    match request.approve(standing, officer, code) {
        Ok(approved) => Ok(Ok(erasures::carry_out(tx, approved, officer, now)?)),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// `POST /office/erasures/{ers}/refusal`
///
/// # Errors
/// There is none; decided already; the database.
pub async fn decline(
    app: Data<App>,
    officer: Officer,
    id: Id<ErasureId>,
    _form: Form<Nothing>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let declined = app.store.write(move |tx| {
        let request = erasures::find_locked(tx, &id.0)?;
        let declined = request.decline(&officer, now)?;
        Ok::<_, Problem>(erasures::save(tx, declined)?)
    });
    Ok(see_other(&format!("/office/erasures/{}", declined.await?.id)))
}
