//! The first sign-in: the authenticator application, the recovery codes, the terms of use.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use fast_qr::QRBuilder;
use fast_qr::convert::svg::SvgBuilder;
use serde::Deserialize;

use super::handler::with_session;
use super::pages::{EnrolmentPage, RecoveryPage, TermsPage};
use super::sign_in::onward;
use crate::credential;
use crate::domain::event::{Event, Kind};
use crate::domain::mediator::Account;
use crate::domain::refusal::Refusal;
use crate::store::sessions::Session;
use crate::store::{accounts, authenticators, journal, sessions};
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::refusals;
use crate::web::screen::Screen;
use crate::web::state::App;

/// `GET /enrolment`
///
/// # Errors
/// The database.
pub async fn form(app: Data<App>, screen: Screen, session: Session) -> Result<HttpResponse, Problem> {
    let seed = pending_seed(&app, &session.account).await?;
    let page = enrolment_page(&app, &session.account, &seed, Errors::none());
    Ok(screen.page(page))
}

async fn pending_seed(app: &App, account: &Account) -> Result<authenticators::Secret, Problem> {
    let id = account.id.clone();
    let pending = app.store.read(move |db| authenticators::pending(db, &id).map_err(Problem::from)).await?;
    pending.map(|(_, seed)| seed).ok_or(Problem::NotFound)
}

fn enrolment_page(
    app: &App,
    account: &Account,
    seed: &[u8],
    errors: Errors,
) -> impl FnOnce(crate::web::shell::Shell) -> EnrolmentPage {
    let address = credential::enrolment_address(&app.settings.name, account.email.as_str(), seed);
    let qr_svg = QRBuilder::new(address).build().map(|code| SvgBuilder::default().to_str(&code)).unwrap_or_default();
    let secret = credential::seed_text(seed);
    move |shell| EnrolmentPage { shell, qr_svg, secret, errors }
}

/// A code.
#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    code: String,
}

/// `POST /enrolment`: a first code confirms the application; the recovery codes are shown once.
///
/// # Errors
/// The database.
pub async fn confirm(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    session: Session,
    form: Form<Code>,
) -> Result<HttpResponse, Problem> {
    let seed = pending_seed(&app, &session.account).await?;
    let now = app.clock.now();
    let typed = form.0.code;
    if credential::matching_step(&seed, &typed, now).is_none() {
        let event = Event::new(Kind::CodeRefused, now).fact("reason", Refusal::CodeRefused.code());
        refusals::record(&app, &request, event.by(&session.account.id)).await?;
        let errors = Errors::on("code", screen.t().refusal(Refusal::CodeRefused));
        let page = enrolment_page(&app, &session.account, &seed, errors);
        return Ok(screen.refused(page));
    }
    let codes = credential::new_recovery_codes(&app.random);
    let hashes = hashed(&app, codes.clone()).await?;
    let token = app.random.token();
    let token_hash = credential::token_hash(&token);
    app.store
        .write(move |tx| {
            let pending = authenticators::pending(tx, &session.account.id)?;
            let (device, seed) = pending.ok_or(Refusal::SignInFailed)?;
            // Another enrolment may have begun in between: the code must be of the device that is confirmed.
            let (device, _) = device.confirm(credential::matching_step(&seed, &typed, now), now)?;
            authenticators::save(tx, device)?;
            authenticators::set_recovery_codes(tx, &session.account.id, &hashes)?;
            sessions::refreshed(tx, &session.id, &token_hash, now)?;
            journal::record(tx, &Event::new(Kind::SignedIn, now).by(&session.account.id))?;
            Ok::<_, Problem>(())
        })
        .await?;
    with_session(screen.page(|shell| RecoveryPage { shell, codes }), &app.settings, token)
}

async fn hashed(app: &App, codes: Vec<String>) -> Result<Vec<String>, Problem> {
    let _turn = app.slow.acquire().await.map_err(|_| Problem::TooMany)?;
    let work = move || codes.iter().map(|code| credential::hash_recovery_code(code)).collect::<Option<Vec<_>>>();
    tokio::task::spawn_blocking(work).await.ok().flatten().ok_or(Problem::TooMany)
}

/// `GET /terms`
pub async fn terms(screen: Screen) -> HttpResponse {
    screen.page(|shell| TermsPage { shell, errors: Errors::none() })
}

/// The box ticked.
#[derive(Deserialize)]
pub struct Terms {
    #[serde(default)]
    accept: String,
}

/// `POST /terms`
///
/// # Errors
/// The authenticator is not enrolled yet; the database.
pub async fn accept_terms(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    session: Session,
    form: Form<Terms>,
) -> Result<HttpResponse, Problem> {
    if session.code_at.is_none() {
        return Err(Problem::First("/enrolment".to_owned()));
    }
    if form.0.accept != "yes" {
        let sentence = screen.t().refusal(Refusal::TermsNotAccepted);
        return Ok(screen.refused(|shell| TermsPage { shell, errors: Errors::on("accept", sentence) }));
    }
    let now = app.clock.now();
    let id = session.account.id.clone();
    app.store
        .write(move |tx| {
            let account = accounts::find(tx, &id)?;
            accounts::save(tx, account.accept_terms(now)).map(drop).map_err(Problem::from)
        })
        .await?;
    Ok(onward(&request, &session))
}
