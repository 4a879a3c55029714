//! Back from a provider's sign-out: the screen goes over to the citizen, or the form comes again.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::identification::{NOT_ACCEPTED, TRY_AGAIN, called};
use super::opening::{self, Filled};
use crate::credential;
use crate::domain::id::DraftId;
use crate::domain::mandate::draft::Stage;
use crate::domain::mediator::Mediator;
use crate::domain::refusal::Refusal;
use crate::store::drafts;
use crate::web::cookies;
use crate::web::extract::Query;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::App;

/// The provider brings the draft's identifier back, and why the person was refused if they were.
#[derive(Deserialize)]
pub struct LoggedOut {
    #[serde(default)]
    state: String,
    /// Ours: its session could not be closed.
    open: Option<String>,
}

/// `GET /franceconnect/logged-out`, `GET /providers/{provider}/logged-out`: hands the screen over to the citizen, or shows the form again.
///
/// # Errors
/// No draft of this session has this identifier.
pub async fn logged_out(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    query: Query<LoggedOut>,
) -> Result<HttpResponse, Problem> {
    let provider = called(&app, &request)?;
    let closed = query.0.open.is_none().then(|| cookies::closed_at(&request, &app.settings, provider.name()));
    let state = query.0.state.as_str();
    let (id, why) = state.split_once('.').map_or((state, None), |(id, why)| (id, Some(why)));
    let id: DraftId = id.parse().map_err(|_| Problem::NotFound)?;
    if let Some(why) = why {
        // The word only chooses among our own sentences.
        let t = screen.t();
        let obstacle = match why {
            TRY_AGAIN => t.franceconnect_try_again(provider.label()),
            NOT_ACCEPTED => t.franceconnect_refused().to_owned(),
            code => {
                let known = Refusal::ALL.iter().find(|one| one.code() == code);
                t.refusal(known.copied().unwrap_or(Refusal::NotIdentified)).to_owned()
            }
        };
        let again = form_again(&app, screen, mediator, id, obstacle).await?;
        return finished(again, closed.as_ref());
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
    finished(next, closed.as_ref())
}

/// If the provider came back from its sign-out, the browser is told to forget the warning.
fn finished(response: HttpResponse, closed: Option<&Cookie<'_>>) -> Result<HttpResponse, Problem> {
    match closed {
        Some(cookie) => with_cookie(response, cookie),
        None => Ok(response),
    }
}

async fn form_again(
    app: &App,
    screen: Screen,
    mediator: Mediator,
    id: DraftId,
    obstacle: String,
) -> Result<HttpResponse, Problem> {
    let session = mediator.session().clone();
    let draft = app.store.read(move |db| drafts::of_session(db, &session, &id).map_err(Problem::from)).await?;
    let filled = Filled { procedures: draft.procedures, term: Some(draft.term) };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(opening::show(app, screen, &mediator, status, filled, Errors::none(), Some(obstacle)))
}
