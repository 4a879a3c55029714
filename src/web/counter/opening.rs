//! The form of an opening, and the way to FranceConnect.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::opening_pages::OpeningPage;
use crate::credential;
use crate::domain::event::{Event, Kind};
use crate::domain::id::DraftId;
use crate::domain::mandate::draft::Draft;
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::domain::term::Term;
use crate::oidc::relying_party::Fault;
use crate::store::drafts;
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::refusals;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::App;
use crate::web::texts::Texts;

/// What the form holds, kept when it is shown again.
#[derive(Default)]
pub struct Filled {
    /// The procedures ticked.
    pub procedures: BTreeSet<Procedure>,
    /// The term chosen.
    pub term: Option<Term>,
}

/// The form, with what was filled in and what is wrong.
pub fn show(
    app: &App,
    screen: Screen,
    mediator: &Mediator,
    status: StatusCode,
    filled: Filled,
    errors: Errors,
    obstacle: Option<String>,
) -> HttpResponse {
    let screen = screen.with_form_target(app.settings.franceconnect_origin.clone());
    // Whoever belongs to several organisations reads the current one in full.
    let several_organisations = screen.shell.person.as_ref().is_some_and(crate::web::shell::Person::has_choice);
    let organisation = mediator.organisation();
    screen.page_with(status, |shell| OpeningPage {
        shell,
        organisation: organisation.name.clone(),
        several_organisations,
        allowed: organisation.procedures.iter().copied().collect(),
        chosen: filled.procedures.into_iter().collect(),
        term: filled.term,
        errors,
        obstacle,
    })
}

/// `GET /mandates/new`
pub async fn form(request: HttpRequest, app: Data<App>, screen: Screen, mediator: Mediator) -> HttpResponse {
    let screen = if request.cookie(cookies::FRANCECONNECT).is_some() { warned(screen) } else { screen };
    show(&app, screen, &mediator, StatusCode::OK, Filled::default(), Errors::none(), None)
}

/// The next citizen must not become the one before: FranceConnect's session could not be closed for certain.
pub(super) fn warned(screen: Screen) -> Screen {
    let sentence = screen.t().franceconnect_may_be_open();
    screen.with_notice(sentence)
}

/// The form as sent.
#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    procedures: Vec<String>,
    #[serde(default)]
    term: String,
}

/// `POST /mandates/drafts`: starts a draft and goes to FranceConnect.
///
/// # Errors
/// The database.
pub async fn start(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    form: Form<Sent>,
) -> Result<HttpResponse, Problem> {
    let (filled, errors) = read(&form.0, &mediator, screen.t());
    let (Some(term), true) = (filled.term, errors.is_empty()) else {
        if let Some(forged) = forged(&form.0, &mediator) {
            let event = Event::new(Kind::OpeningRefused, app.clock.now())
                .by(&mediator.account().id)
                .within(&mediator.organisation().id)
                .fact("reason", forged.code());
            refusals::record(&app, &request, event).await?;
        }
        return Ok(show(&app, screen, &mediator, StatusCode::UNPROCESSABLE_ENTITY, filled, errors, None));
    };
    let started = match app.relying_party.start(&app.random).await {
        Ok(started) => started,
        Err(fault) => {
            let obstacle = Some(sentence(&fault, screen.t()));
            let status = StatusCode::BAD_GATEWAY;
            return Ok(show(&app, screen, &mediator, status, filled, Errors::none(), obstacle));
        }
    };
    let (id, now) = (DraftId::new(app.clock.now(), app.random.u128()), app.clock.now());
    let draft = Draft::start(&mediator, filled.procedures, term, id, now)?;
    let state_hash = credential::token_hash(&started.state);
    app.store
        .write(move |tx| {
            let expected = drafts::Expected {
                state_hash: &state_hash,
                nonce: &started.nonce,
                verifier: started.verifier.as_deref(),
            };
            drafts::start(tx, &draft, &expected)?;
            Ok::<_, Problem>(started.url)
        })
        .await
        .and_then(|url| with_cookie(see_other(url.as_str()), &cookies::left_for_franceconnect(&app.settings)))
}

fn read(sent: &Sent, mediator: &Mediator, t: &Texts) -> (Filled, Errors) {
    let parsed: Vec<_> = sent.procedures.iter().map(|key| key.parse::<Procedure>()).collect();
    let procedures: BTreeSet<Procedure> = parsed.iter().filter_map(|one| one.ok()).collect();
    let term = sent.term.parse::<Term>().ok();
    let mut errors = Errors::none();
    if procedures.is_empty() {
        errors = errors.and("procedures", t.refusal(Refusal::NoProcedure));
    } else if parsed.iter().any(Result::is_err) || !procedures.is_subset(&mediator.organisation().procedures) {
        errors = errors.and("procedures", t.refusal(Refusal::ProcedureNotAllowed));
    }
    if term.is_none() {
        errors = errors.and("term", t.refusal(Refusal::NoTerm));
    }
    (Filled { procedures, term }, errors)
}

/// What the form holds that its page never offers: a procedure that the organisation does not do, an unknown term.
fn forged(sent: &Sent, mediator: &Mediator) -> Option<Refusal> {
    let offered = |key: &String| key.parse().is_ok_and(|one| mediator.organisation().procedures.contains(&one));
    if !sent.procedures.iter().all(offered) {
        return Some(Refusal::ProcedureNotAllowed);
    }
    let unknown = !sent.term.is_empty() && sent.term.parse::<Term>().is_err();
    unknown.then_some(Refusal::NoTerm)
}

/// What a failure of FranceConnect means at the counter, and whether to try again.
#[must_use]
pub fn sentence(fault: &Fault, t: &Texts) -> String {
    let told = if fault.retry() { t.franceconnect_try_again() } else { t.franceconnect_refused() };
    told.to_owned()
}
