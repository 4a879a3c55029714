//! A flow in the hands of a mediator: whose it is, and its way back to the service.

use actix_web::HttpResponse;

use crate::domain::Instant;
use crate::domain::authenticator::FreshCode;
use crate::domain::flow::Flow;
use crate::domain::id::FlowId;
use crate::domain::mediator::Mediator;
use crate::domain::refusal::Refusal;
use crate::oidc::provider::authorize::answer;
use crate::store::sessions::Session;
use crate::store::{Error, flows};
use crate::web::context::Browser;
use crate::web::cookies;
use crate::web::problem::Problem;
use crate::web::public::handler::PENDING_FLOW;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::{App, origin_of};

/// A flow of this browser, and nobody else's, with a code recent enough.
pub(super) fn mine(
    flow: Flow,
    browser: &Browser,
    mediator: &Mediator,
    session: &Session,
    now: Instant,
) -> Result<Flow, Problem> {
    flow.alive(&browser.hash(), now)?;
    let flow = flow.taken_by(mediator)?;
    match flow.authenticated(session.code_at.map(FreshCode::remembered)) {
        Ok(()) => Ok(flow),
        Err(_) => Err(Problem::First(format!("/code?next=/provider/{}", flow.id))),
    }
}

/// Lets the forms of a page lead to the service that waits: a code typed for it may end there at once, if there is nobody to choose.
///
/// # Errors
/// The database.
pub async fn leading_to(app: &App, screen: Screen, flow: Option<FlowId>) -> Result<Screen, Problem> {
    let Some(id) = flow else { return Ok(screen) };
    match app.store.read(move |db| flows::find(db, &id)).await {
        Ok(flow) => Ok(screen.with_form_target(origin_of(&flow.redirect_uri))),
        Err(Error::NotFound) => Ok(screen),
        Err(error) => Err(error.into()),
    }
}

/// The mediator who comes first takes the flow up: from then on nobody else goes on with it, not even in this browser.
pub(super) async fn take_up(app: &App, flow: &Flow) -> Result<(), Problem> {
    let mine = flow.clone();
    match app.store.write(move |tx| flows::take(tx, &mine)).await {
        Err(Error::Conflict) => Err(Refusal::FlowNotYours.into()),
        done => done.map_err(Problem::from),
    }
}

/// Back to the service. The browser forgets the flow: the next sign-in here leads to the mediator's day again.
pub(super) fn returned(app: &App, flow: &Flow, fields: &[(&str, &str)]) -> Result<HttpResponse, Problem> {
    let url = answer(&flow.redirect_uri, &app.provider.issuer, flow.state.as_deref(), fields);
    let back = see_other(url.ok_or(Problem::Malformed("redirect_uri"))?.as_str());
    with_cookie(back, &cookies::removed(&app.settings, PENDING_FLOW))
}
