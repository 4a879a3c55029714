//! The form of an opening, and the way to the provider that identifies the citizen.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::opening_pages::{OpeningPage, ProviderButton};
use crate::credential;
use crate::domain::event::{Event, Kind};
use crate::domain::id::DraftId;
use crate::domain::mandate::draft::Draft;
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::domain::term::Term;
use crate::oidc::relying_party::{Fault, Outage, RelyingParty};
use crate::store::drafts;
use crate::web::cookies;
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::refusals;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::{App, origin_of};
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
    let origins = app.relying_parties.iter().map(|provider| origin_of(provider.issuer()));
    let screen = origins.fold(screen, Screen::with_form_target);
    let button = |provider: &RelyingParty| ProviderButton {
        name: provider.name().to_owned(),
        label: provider.label().to_owned(),
        down: provider.is_paused(),
    };
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
        providers: app.relying_parties.iter().map(button).collect(),
    })
}

/// `GET /mandates/new`
pub async fn form(request: HttpRequest, app: Data<App>, screen: Screen, mediator: Mediator) -> HttpResponse {
    let open = cookies::open_at(&request);
    let screen = warned(screen, app.relying_parties.iter().filter(|one| open.iter().any(|name| name == one.name())));
    show(&app, screen, &mediator, StatusCode::OK, Filled::default(), Errors::none(), None)
}

/// The next citizen must not become the one before: the session at these providers could not be closed for certain.
pub(super) fn warned<'a>(screen: Screen, open: impl IntoIterator<Item = &'a RelyingParty>) -> Screen {
    let labels: Vec<&str> = open.into_iter().map(RelyingParty::label).collect();
    if labels.is_empty() {
        return screen;
    }
    let sentence = screen.t().franceconnect_may_be_open(labels.join(", "));
    screen.with_notice(&sentence)
}

/// The form as sent.
#[derive(Deserialize)]
pub struct Sent {
    #[serde(default)]
    procedures: Vec<String>,
    #[serde(default)]
    term: String,
    /// The button pressed; the first one if there is only one.
    #[serde(default)]
    provider: String,
}

/// `POST /mandates/drafts`: starts a draft and goes to the provider.
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
    let provider = chosen(&app, &form.0.provider)?;
    let started = match provider.start(&app.random).await {
        Ok(started) => started,
        Err(fault) => {
            let obstacle = Some(sentence(&fault, provider, screen.t()));
            let status = StatusCode::BAD_GATEWAY;
            return Ok(show(&app, screen, &mediator, status, filled, Errors::none(), obstacle));
        }
    };
    let (id, now) = (DraftId::new(app.clock.now(), app.random.u128()), app.clock.now());
    let draft = Draft::start(&mediator, filled.procedures, term, id, now)?;
    let (state_hash, name) = (credential::token_hash(&started.state), provider.name().to_owned());
    app.store
        .write(move |tx| {
            let expected = drafts::Expected {
                provider: &name,
                state_hash: &state_hash,
                nonce: &started.nonce,
                verifier: started.verifier.as_deref(),
            };
            drafts::start(tx, &draft, &expected)?;
            Ok::<_, Problem>(started.url)
        })
        .await
        .and_then(|url| {
            with_cookie(see_other(url.as_str()), &cookies::left_for(&request, &app.settings, provider.name()))
        })
}

/// The provider of the button pressed. Another one is on no button.
fn chosen<'a>(app: &'a App, name: &str) -> Result<&'a RelyingParty, Problem> {
    let first = app.relying_parties.first().filter(|_| name.is_empty());
    first.or_else(|| app.relying_party(name)).ok_or(Problem::Malformed("provider"))
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

/// What a failure of a provider means at the counter, and whether to try again.
#[must_use]
pub fn sentence(fault: &Fault, provider: &RelyingParty, t: &Texts) -> String {
    match fault {
        Fault::Unavailable { cause: Outage::Paused, .. } => t.provider_down(provider.label()),
        fault if fault.retry() => t.franceconnect_try_again(provider.label()),
        _ => t.franceconnect_refused().to_owned(),
    }
}
