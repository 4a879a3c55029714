//! `/authorize`: a request comes in, becomes a flow of this browser, and waits for a mediator.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::pages::RefusedRequestPage;
use super::silent;
use crate::credential;
use crate::domain::client::Client;
use crate::domain::event::{Event, Kind};
use crate::domain::flow::{Flow, LIFE};
use crate::domain::id::FlowId;
use crate::oidc::provider::authorize::{self, Around, Rejection};
use crate::oidc::provider::params::Params;
use crate::oidc::provider::prompt::is_silent;
use crate::store::sessions::Session;
use crate::store::{Error, clients, flows, sessions};
use crate::web::context::Browser;
use crate::web::cookies;
use crate::web::problem::Problem;
use crate::web::public::handler::PENDING_FLOW;
use crate::web::refusals;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::App;

/// `GET /authorize` and `POST /authorize` (OpenID Connect Core 3.1.2.1 asks for both).
///
/// # Errors
/// The database.
pub async fn start(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    browser: Browser,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let body = body.map_err(|_| Problem::Malformed("body"))?;
    let query = request.query_string().as_bytes();
    // Parameters come one way: in the address or in the form, never partly in both.
    let source = match (query.is_empty(), body.is_empty()) {
        (false, true) => query,
        (true, false) => body.as_ref(),
        _ => return rejected(&app, &request, screen, None, Rejection::Page("parameters")).await,
    };
    let Some(params) = Params::parse(source) else {
        return rejected(&app, &request, screen, None, Rejection::Page("parameters")).await;
    };
    let client = match client(&app, &params).await? {
        Ok(client) => client,
        Err(rejection) => return rejected(&app, &request, screen, None, rejection).await,
    };
    let pushed = match app.provider.pushed(&client, &params).await? {
        Ok(pushed) => pushed,
        Err(rejection) => return rejected(&app, &request, screen, Some(&client), rejection).await,
    };
    // RFC 9126 4: what stands beside the name of a pushed request is not looked at.
    let (params, pushed) = pushed.map_or((params, false), |params| (params, true));
    let now = app.clock.now();
    // Who is signed in matters to nobody who is shown a page.
    let session = if is_silent(&params) { session(&app, &request).await? } else { None };
    let hint = app.provider.hint(&client, &params).await.map_err(|_| unavailable("reading a hint"))?;
    let (id, signed_in) = (FlowId::new(now, app.random.u128()), session.is_some());
    let around = Around { browser: browser.hash(), signed_in, id, now, hint: &hint, pushed };
    let answered = match (authorize::check(&params, &client, around), session) {
        (Ok(flow), Some(session)) => {
            let (redirect_uri, state) = (flow.redirect_uri.clone(), flow.state.clone());
            let answered = silent::again(&app, flow, hint.choice(), session).await?;
            answered.map_err(|error| Rejection::Redirect { redirect_uri, error, state })
        }
        (Ok(flow), None) => Ok(begun(&app, flow).await?),
        (Err(rejection), _) => Err(rejection),
    };
    match answered {
        Ok(response) => Ok(response),
        Err(rejection) => rejected(&app, &request, screen, Some(&client), rejection).await,
    }
}

async fn client(app: &App, params: &Params) -> Result<Result<Client, Rejection>, Problem> {
    let id = match authorize::client_id(params) {
        Ok(id) => id.to_owned(),
        Err(rejection) => return Ok(Err(rejection)),
    };
    let found = app.store.read(move |db| clients::find(db, &id).map_err(Problem::from)).await?;
    Ok(found.ok_or(Rejection::Page("client_id")))
}

/// The route is open to machines, so nobody looked at the session yet.
pub(super) async fn session(app: &App, request: &HttpRequest) -> Result<Option<Session>, Problem> {
    let Some(secret) = cookies::secret(request, cookies::session(&app.settings)) else { return Ok(None) };
    let (hash, now) = (credential::token_hash(&secret), app.clock.now());
    app.store.read(move |db| sessions::find(db, &hash, now).map_err(Problem::from)).await
}

async fn begun(app: &App, flow: Flow) -> Result<HttpResponse, Problem> {
    let id = flow.id.clone();
    app.store.write(move |tx| flows::start(tx, &flow, None).map_err(Problem::from)).await?;
    // Kept while the mediator signs in, if they have to.
    let mut cookie = cookies::made(&app.settings, PENDING_FLOW, id.to_string());
    cookie.set_max_age(actix_web::cookie::time::Duration::seconds(LIFE.num_seconds()));
    with_cookie(see_other(&format!("/provider/{id}")), &cookie)
}

async fn rejected(
    app: &App,
    request: &HttpRequest,
    screen: Screen,
    client: Option<&Client>,
    rejection: Rejection,
) -> Result<HttpResponse, Problem> {
    let reason = match &rejection {
        Rejection::Page(word) => word,
        Rejection::Redirect { error, .. } => error,
    };
    let event = Event::new(Kind::SecurityRefused, app.clock.now()).fact("reason", format!("authorize_{reason}"));
    let event = match client {
        Some(client) => event.at_client(&client.id),
        None => event,
    };
    refusals::record(app, request, event).await?;
    match rejection {
        Rejection::Page(_) => Ok(refused_page(screen)),
        Rejection::Redirect { redirect_uri, error, state } => {
            Ok(match authorize::answer(&redirect_uri, &app.provider.issuer, state.as_deref(), &[("error", error)]) {
                Some(url) => see_other(url.as_str()),
                None => refused_page(screen),
            })
        }
    }
}

/// The provider role says no more than that the database failed.
pub(super) fn unavailable(doing: &str) -> Problem {
    Problem::Store(Error::Unavailable(doing.to_owned()))
}

/// A page, never a redirect: nobody knows whom the request came from.
pub(super) fn refused_page(screen: Screen) -> HttpResponse {
    let sentence = screen.t().provider_refused_request().to_owned();
    screen.page_with(StatusCode::BAD_REQUEST, |shell| RefusedRequestPage { shell, sentence, reference: None })
}
