//! Coming back from a provider: the citizen is identified, and the provider's own session is closed at once.

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use chrono::NaiveDate;
use serde::Deserialize;

use super::opening::{self, Filled, sentence, warned};
use crate::config::FRANCECONNECT;
use crate::credential;
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{CitizenId, DraftId};
use crate::domain::mandate::draft::{Draft, Person};
use crate::domain::mediator::Mediator;
use crate::oidc::relying_party::{Callback, Failed, Identified, LONGEST_CODE, RelyingParty};
use crate::store::drafts::Waiting;
use crate::store::{Error, citizens, drafts, journal, traces};
use crate::web::context;
use crate::web::extract::Query;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// How long our keys may be cached, in seconds.
const CACHED: &str = "public, max-age=600";
/// Why the provider's session was closed without an identification: the same may go well the next time.
pub(super) const TRY_AGAIN: &str = "try_again";
/// Why the provider's session was closed without an identification: trying again would end the same way.
pub(super) const NOT_ACCEPTED: &str = "not_accepted";

/// What a provider sends back (OpenID Connect Core 3.1.2.5 and 3.1.2.6, RFC 9207).
#[derive(Deserialize)]
pub struct Returned {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// The provider whose address of ours is called: each has its own.
pub(super) fn called<'a>(app: &'a App, request: &HttpRequest) -> Result<&'a RelyingParty, Problem> {
    let name = match request.match_info().get("provider") {
        None => FRANCECONNECT,
        Some(FRANCECONNECT) => return Err(Problem::NotFound),
        Some(other) => other,
    };
    app.relying_party(name).ok_or(Problem::NotFound)
}

/// `GET /franceconnect/jwks`, `GET /providers/{provider}/jwks`: what a provider that encrypts its tokens encrypts them to.
///
/// # Errors
/// There is no such provider, or it does not encrypt.
pub async fn key_set(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let keys = called(&app, &request)?.key_set().ok_or(Problem::NotFound)?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, CACHED)).json(keys))
}

/// `GET /franceconnect/callback`, `GET /providers/{provider}/callback`
///
/// # Errors
/// No draft of this session waits for this `state` of this provider; the database.
pub async fn callback(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    returned: Query<Returned>,
) -> Result<HttpResponse, Problem> {
    let provider = called(&app, &request)?;
    let Returned { state, code, iss, error } = returned.0;
    if code.as_ref().is_some_and(|code| !plausible(provider, code, iss.as_deref())) {
        return Err(Problem::Malformed("callback"));
    }
    let waiting = taken(&app, &mediator, provider, state.as_deref()).await?;
    let filled = || Filled { procedures: waiting.draft.procedures.clone(), term: Some(waiting.draft.term) };
    let (Some(code), None) = (code, error) else {
        refused(&app, &mediator, &waiting.draft, "provider_error").await?;
        let obstacle = Some(screen.t().franceconnect_abandoned().to_owned());
        return Ok(opening::show(
            &app,
            warned(screen, [provider]),
            &mediator,
            StatusCode::OK,
            filled(),
            Errors::none(),
            obstacle,
        ));
    };
    let (callback, source) = (Callback { code, iss }, context::endpoint(&request, &app.settings));
    // Whatever came of it, a session that the provider opened is closed before anything else is shown.
    match provider.identify(&callback, &waiting.nonce, waiting.verifier.as_deref()).await {
        Ok(identified) => {
            let id_token = identified.id_token.clone();
            let today = app.clock.now().with_timezone(&screen.zone()).date_naive();
            let why = accepted(&app, &mediator, &waiting.draft, identified, today, &source).await;
            Ok(closing(provider, &id_token, &waiting.draft.id, why).await)
        }
        Err(Failed { fault, id_token }) => {
            tracing::warn!(
                provider = provider.name(),
                fault = fault.code(),
                "FranceConnect did not identify the citizen"
            );
            let recorded = refused(&app, &mediator, &waiting.draft, fault.code()).await;
            if let Some(id_token) = id_token {
                let why = if fault.retry() { TRY_AGAIN } else { NOT_ACCEPTED };
                return Ok(closing(provider, &id_token, &waiting.draft.id, Some(why)).await);
            }
            recorded?;
            let (status, obstacle) = (StatusCode::BAD_GATEWAY, Some(sentence(&fault, provider, screen.t())));
            Ok(opening::show(&app, warned(screen, [provider]), &mediator, status, filled(), Errors::none(), obstacle))
        }
    }
}

/// Whether a callback can be this provider's at all (RFC 9207 2.4): what is not changes nothing, and the draft goes on waiting.
fn plausible(provider: &RelyingParty, code: &str, issuer: Option<&str>) -> bool {
    !code.is_empty() && code.len() <= LONGEST_CODE && provider.is_issuer(issuer)
}

/// To the provider's sign-out, which comes back with the draft and, if the person was not accepted, with the word for why.
async fn closing(provider: &RelyingParty, id_token: &str, draft: &DraftId, why: Option<&'static str>) -> HttpResponse {
    let state = why.map_or_else(|| draft.to_string(), |why| format!("{draft}.{why}"));
    let left_open = || see_other(&format!("{}?state={state}&open=yes", provider.back_from_sign_out()));
    match provider.logout_url(id_token, &state).await {
        Ok(Some(url)) => see_other(url.as_str()),
        Ok(None) => left_open(),
        Err(fault) => {
            let (provider, fault) = (provider.name(), fault.code());
            tracing::error!(provider, fault, "FranceConnect's session could not be closed");
            left_open()
        }
    }
}

/// Writes that the citizen is identified; a word for why not.
async fn accepted(
    app: &App,
    mediator: &Mediator,
    draft: &Draft,
    identified: Identified,
    today: NaiveDate,
    source: &str,
) -> Option<&'static str> {
    let refusal = match recognised(app, mediator, draft.id.clone(), identified, today, source.to_owned()).await {
        Ok(()) => return None,
        Err(Problem::Refused(refusal)) => refusal,
        Err(problem) => {
            tracing::error!(%problem, "an identification could not be written");
            return Some(TRY_AGAIN);
        }
    };
    match refused(app, mediator, draft, refusal.code()).await {
        Ok(()) => Some(refusal.code()),
        Err(problem) => {
            tracing::error!(%problem, "a refused identification could not be written");
            Some(TRY_AGAIN)
        }
    }
}

/// Takes the draft that waits for this `state` of this provider in this very session. Whoever brings another one learns nothing.
async fn taken(
    app: &App,
    mediator: &Mediator,
    provider: &RelyingParty,
    state: Option<&str>,
) -> Result<Waiting, Problem> {
    let hash = credential::token_hash(state.unwrap_or_default());
    let (session, name) = (mediator.session().clone(), provider.name().to_owned());
    let taken = app.store.write(move |tx| drafts::take_waiting(tx, &session, &name, &hash)).await;
    taken.map_err(|error| match error {
        Error::NotFound => Problem::Malformed("state"),
        error => error.into(),
    })
}

async fn refused(app: &App, mediator: &Mediator, draft: &Draft, reason: &str) -> Result<(), Problem> {
    let event = Event::new(Kind::IdentificationRefused, app.clock.now())
        .by(&mediator.account().id)
        .within(&draft.organisation)
        .fact("draft", draft.id.as_str())
        .fact("reason", reason);
    app.store.write(move |tx| journal::record(tx, &event).map(drop)).await.map_err(|error: Error| error.into())
}

async fn recognised(
    app: &App,
    mediator: &Mediator,
    draft: DraftId,
    identified: Identified,
    today: NaiveDate,
    source: String,
) -> Result<(), Problem> {
    let (mediator, now) = (mediator.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            let Identified { issuer, subject, identity, acr, .. } = identified;
            let known = citizens::recognise(tx, &issuer, &subject, &identity, now)?;
            if known.changed {
                journal::record(tx, &of_identity(Kind::IdentityChanged, &mediator, &known.id, now))?;
            }
            if let Some(also) = &known.also {
                let shared = of_identity(Kind::IdentityShared, &mediator, &known.id, now);
                journal::record(tx, &shared.fact("also", also.as_str()))?;
            }
            traces::keep(tx, &mediator.account().id, Some(&known.id), &source, now)?;
            let person = Person { id: known.id, identity, assurance: acr };
            // Read again under its lock: it may have been cancelled while the provider was asked.
            let draft = drafts::of_session_locked(tx, mediator.session(), &draft)?;
            drafts::save(tx, draft.identified(&mediator, person, today, now)?)?;
            Ok::<_, Problem>(())
        })
        .await
}

fn of_identity(kind: Kind, mediator: &Mediator, citizen: &CitizenId, now: Instant) -> Event {
    Event::new(kind, now).by(&mediator.account().id).within(&mediator.organisation().id).about(citizen)
}
