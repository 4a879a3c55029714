//! Coming back from FranceConnect: the citizen is identified, and FranceConnect's own session is closed at once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use chrono::NaiveDate;
use serde::Deserialize;

use super::opening::{self, Filled, sentence, warned};
use crate::credential;
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::DraftId;
use crate::domain::mandate::draft::{Draft, Person, Stage};
use crate::domain::mediator::Mediator;
use crate::domain::refusal::Refusal;
use crate::oidc::relying_party::{Callback, Failed, Identified, LONGEST_CODE};
use crate::store::drafts::Waiting;
use crate::store::{Error, citizens, drafts, journal};
use crate::web::cookies;
use crate::web::extract::Query;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::App;

/// Why FranceConnect's session was closed without an identification: the same may go well the next time.
const TRY_AGAIN: &str = "try_again";
/// Why FranceConnect's session was closed without an identification: trying again would end the same way.
const NOT_ACCEPTED: &str = "not_accepted";

/// What FranceConnect sends back (OpenID Connect Core 3.1.2.5 and 3.1.2.6, RFC 9207).
#[derive(Deserialize)]
pub struct Returned {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// `GET /franceconnect/callback`
///
/// # Errors
/// No draft of this session waits for this `state`; the database.
pub async fn callback(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    returned: Query<Returned>,
) -> Result<HttpResponse, Problem> {
    let Returned { state, code, iss, error } = returned.0;
    if code.as_ref().is_some_and(|code| !plausible(&app, code, iss.as_deref())) {
        return Err(Problem::Malformed("callback"));
    }
    let waiting = taken(&app, &mediator, state.as_deref()).await?;
    let filled = || Filled { procedures: waiting.draft.procedures.clone(), term: Some(waiting.draft.term) };
    let (Some(code), None) = (code, error) else {
        refused(&app, &mediator, &waiting.draft, "provider_error").await?;
        let obstacle = Some(screen.t().franceconnect_abandoned().to_owned());
        return Ok(opening::show(&app, warned(screen), &mediator, StatusCode::OK, filled(), Errors::none(), obstacle));
    };
    let callback = Callback { code, iss };
    // Whatever came of it, a session that FranceConnect opened is closed before anything else is shown.
    match app.relying_party.identify(&callback, &waiting.nonce, waiting.verifier.as_deref()).await {
        Ok(identified) => {
            let id_token = identified.id_token.clone();
            let today = app.clock.now().with_timezone(&screen.zone()).date_naive();
            let why = accepted(&app, &mediator, &waiting.draft, identified, today).await;
            Ok(closing(&app, &id_token, &waiting.draft.id, why).await)
        }
        Err(Failed { fault, id_token }) => {
            tracing::warn!(fault = fault.code(), "FranceConnect did not identify the citizen");
            let recorded = refused(&app, &mediator, &waiting.draft, fault.code()).await;
            if let Some(id_token) = id_token {
                let why = if fault.retry() { TRY_AGAIN } else { NOT_ACCEPTED };
                return Ok(closing(&app, &id_token, &waiting.draft.id, Some(why)).await);
            }
            recorded?;
            let (status, obstacle) = (StatusCode::BAD_GATEWAY, Some(sentence(&fault, screen.t())));
            Ok(opening::show(&app, warned(screen), &mediator, status, filled(), Errors::none(), obstacle))
        }
    }
}

/// Whether a callback can be FranceConnect's at all (RFC 9207 2.4): what is not changes nothing, and the draft goes on waiting.
fn plausible(app: &App, code: &str, issuer: Option<&str>) -> bool {
    !code.is_empty() && code.len() <= LONGEST_CODE && app.relying_party.is_issuer(issuer)
}

/// To FranceConnect's sign-out, which comes back with the draft and, if the person was not accepted, with the word for why.
async fn closing(app: &App, id_token: &str, draft: &DraftId, why: Option<&'static str>) -> HttpResponse {
    let state = why.map_or_else(|| draft.to_string(), |why| format!("{draft}.{why}"));
    match app.relying_party.logout_url(id_token, &state).await {
        Ok(url) => see_other(url.as_str()),
        Err(fault) => {
            tracing::error!(fault = fault.code(), "FranceConnect's session could not be closed");
            see_other(&format!("/franceconnect/logged-out?state={state}&open=yes"))
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
) -> Option<&'static str> {
    let refusal = match recognised(app, mediator, draft.id.clone(), identified, today).await {
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

/// Takes the draft that waits for this `state` in this very session. Whoever brings another one learns nothing.
async fn taken(app: &App, mediator: &Mediator, state: Option<&str>) -> Result<Waiting, Problem> {
    let hash = credential::token_hash(state.unwrap_or_default());
    let session = mediator.session().clone();
    let taken = app.store.write(move |tx| drafts::take_waiting(tx, &session, &hash)).await;
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
) -> Result<(), Problem> {
    let (mediator, now) = (mediator.clone(), app.clock.now());
    app.store
        .write(move |tx| {
            let Identified { issuer, subject, identity, .. } = identified;
            let known = citizens::recognise(tx, &issuer, &subject, &identity, now)?;
            if known.changed {
                journal::record(tx, &changed(&mediator, &known.id, now))?;
            }
            let person = Person { id: known.id, identity };
            // Read again under its lock: it may have been cancelled while FranceConnect was asked.
            let draft = drafts::of_session_locked(tx, mediator.session(), &draft)?;
            drafts::save(tx, draft.identified(&mediator, person, today, now)?)?;
            Ok::<_, Problem>(())
        })
        .await
}

fn changed(mediator: &Mediator, citizen: &crate::domain::id::CitizenId, now: Instant) -> Event {
    Event::new(Kind::IdentityChanged, now).by(&mediator.account().id).within(&mediator.organisation().id).about(citizen)
}

/// FranceConnect brings the draft's identifier back, and why the person was refused if they were.
#[derive(Deserialize)]
pub struct LoggedOut {
    #[serde(default)]
    state: String,
    /// Ours: its session could not be closed.
    open: Option<String>,
}

/// `GET /franceconnect/logged-out`: hands the screen over to the citizen, or shows the form again.
///
/// # Errors
/// No draft of this session has this identifier.
pub async fn logged_out(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    query: Query<LoggedOut>,
) -> Result<HttpResponse, Problem> {
    let state = query.0.state.as_str();
    let (id, why) = state.split_once('.').map_or((state, None), |(id, why)| (id, Some(why)));
    let id: DraftId = id.parse().map_err(|_| Problem::NotFound)?;
    if let Some(why) = why {
        // The word only chooses among our own sentences.
        let t = screen.t();
        let obstacle = match why {
            TRY_AGAIN => t.franceconnect_try_again(),
            NOT_ACCEPTED => t.franceconnect_refused(),
            code => {
                let known = Refusal::ALL.iter().find(|one| one.code() == code);
                t.refusal(known.copied().unwrap_or(Refusal::NotIdentified))
            }
        };
        let again = form_again(&app, screen, mediator, id, obstacle).await?;
        return if query.0.open.is_some() { Ok(again) } else { closed(&app, again) };
    }
    let (token, now) = (app.random.token(), app.clock.now());
    let hash = credential::token_hash(&token);
    let onward = format!("/mandates/drafts/{id}");
    let offered = app
        .store
        .write(move |tx| {
            let draft = drafts::of_session_locked(tx, mediator.session(), &id)?;
            draft.alive(now)?;
            if draft.citizen.is_none() {
                return Err(Refusal::NotIdentified.into());
            }
            let waits = draft.stage == Stage::Identified;
            if waits {
                drafts::offer_agreement(tx, &draft.id, &hash)?;
            }
            Ok::<_, Problem>(waits)
        })
        .await?;
    let next = see_other(&if offered { format!("/agreements/{token}") } else { onward });
    if query.0.open.is_some() { Ok(next) } else { closed(&app, next) }
}

/// FranceConnect came back from its sign-out: nobody is known there any more.
fn closed(app: &App, response: HttpResponse) -> Result<HttpResponse, Problem> {
    with_cookie(response, &cookies::removed(&app.settings, cookies::FRANCECONNECT))
}

async fn form_again(
    app: &App,
    screen: Screen,
    mediator: Mediator,
    id: DraftId,
    obstacle: &str,
) -> Result<HttpResponse, Problem> {
    let session = mediator.session().clone();
    let draft = app.store.read(move |db| drafts::of_session(db, &session, &id).map_err(Problem::from)).await?;
    let filled = Filled { procedures: draft.procedures, term: Some(draft.term) };
    let obstacle = Some(obstacle.to_owned());
    Ok(opening::show(app, screen, &mediator, StatusCode::UNPROCESSABLE_ENTITY, filled, Errors::none(), obstacle))
}
