//! A fresh code within a session: after idleness, or before an act that asks for one.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;

use super::handler::{local_path, start};
use super::pages::CodePage;
use crate::credential;
use crate::domain::Instant;
use crate::domain::authenticator::FreshCode;
use crate::domain::event::Kind;
use crate::domain::id::{AccountId, FlowId};
use crate::domain::refusal::Refusal;
use crate::store::sessions::{self, Session};
use crate::store::{Tx, authenticators, mandates};
use crate::web::extract::Query;
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::provider::flow::leading_to;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /code`
///
/// # Errors
/// The authenticator is not enrolled yet.
pub async fn form(
    app: Data<App>,
    screen: Screen,
    session: Session,
    query: Query<Next>,
) -> Result<HttpResponse, Problem> {
    if session.code_at.is_none() {
        return Err(Problem::First("/enrolment".to_owned()));
    }
    let next = local_path(&query.0.next);
    let screen = leading_to(&app, screen, waiting(&next)).await?;
    Ok(screen.page(|shell| CodePage { shell, next, errors: Errors::none() }))
}

/// The sign-in at a public service that a page belongs to.
fn waiting(next: &str) -> Option<FlowId> {
    next.strip_prefix("/provider/")?.split(['/', '?']).next()?.parse().ok()
}

/// A code, and where to go afterwards.
#[derive(Deserialize)]
pub struct Code {
    #[serde(default)]
    code: String,
    #[serde(default)]
    next: String,
}

/// `POST /code`
///
/// # Errors
/// The authenticator is not enrolled yet; the database.
pub async fn enter(
    app: Data<App>,
    screen: Screen,
    session: Session,
    form: Form<Code>,
) -> Result<HttpResponse, Problem> {
    if session.code_at.is_none() {
        return Err(Problem::First("/enrolment".to_owned()));
    }
    let Code { code, next } = form.0;
    let (now, start) = (app.clock.now(), start(&session));
    let outcome = app
        .store
        .write(move |tx| {
            let outcome = present(tx, &session.account.id, &code, now)?;
            if outcome.is_ok() {
                if session.is_idle(now) {
                    mandates::end_presence(tx, &session.id, now)?;
                }
                sessions::awake(tx, &session.id, now)?;
            }
            Ok::<_, Problem>(outcome)
        })
        .await?;
    let next = local_path(&next);
    match outcome {
        Ok(_) => Ok(see_other(if next == "/" { start } else { &next })),
        Err(refusal) => {
            let errors = Errors::on("code", screen.t().refusal(refusal));
            let screen = leading_to(&app, screen, waiting(&next)).await?;
            Ok(screen.refused(|shell| CodePage { shell, next, errors }))
        }
    }
}

/// Presents a code within a transaction. The refusal is an answer, not an error: its count and its entry are kept.
///
/// # Errors
/// The database.
pub fn present(
    tx: &mut Tx<'_>,
    account: &AccountId,
    code: &str,
    now: Instant,
) -> Result<Result<FreshCode, Refusal>, Problem> {
    let (device, seed) = authenticators::confirmed_locked(tx, account)?.ok_or(Refusal::SignInFailed)?;
    let step = credential::matching_step(&seed, code, now);
    let presented = device.present(step, now, Kind::CodeAccepted, Kind::CodeRefused);
    authenticators::save(tx, presented.authenticator)?;
    Ok(presented.outcome)
}
