//! The mediator chooses for whom and for what, or goes back to the service.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::pages::{ChooseCitizenPage, ChooseProcedurePage};
use crate::credential;
use crate::domain::Instant;
use crate::domain::authenticator::FreshCode;
use crate::domain::event::{Event, Kind};
use crate::domain::flow::Flow;
use crate::domain::id::{CitizenId, FlowId};
use crate::domain::mandate::Mandate;
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::oidc::provider::authorize::answer;
use crate::store::sessions::Session;
use crate::store::{Db, Tx, citizens, clients, flows, grants, journal, mandates};
use crate::web::context::Browser;
use crate::web::counter::people::{Asked, PAGE, asked, pages};
use crate::web::counter::recap::Nothing;
use crate::web::extract::{Id, Query, SecondId};
use crate::web::form::Form;
use crate::web::moment::birthdate;
use crate::web::parts::Errors;
use crate::web::present::row;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::{App, origin_of};

/// A flow of this browser, and nobody else's, with a code recent enough.
fn mine(
    db: &mut Db<'_>,
    id: &FlowId,
    browser: &Browser,
    mediator: &Mediator,
    session: &Session,
    now: Instant,
) -> Result<Flow, Problem> {
    let flow = flows::find(db, id)?;
    flow.alive(&browser.hash(), now)?;
    let flow = flow.taken_by(mediator)?;
    match flow.authenticated(session.code_at.map(FreshCode::remembered)) {
        Ok(()) => Ok(flow),
        Err(_) => Err(Problem::First(format!("/code?next=/provider/{id}"))),
    }
}

/// What is looked for.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

/// `GET /provider/{flw}`: for whom.
///
/// # Errors
/// Not this browser's or session's flow; over; the database.
pub async fn citizens(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    session: Session,
    browser: Browser,
    id: Id<FlowId>,
    search: Query<Search>,
) -> Result<HttpResponse, Problem> {
    let Asked { query, words, too_short, after } = asked(&search.0.q, &search.0.after)?;
    let now = app.clock.now();
    let (flow, cursor) = (id.0, after.clone());
    let (flow, service, listed, held) = app
        .store
        .read(move |db| {
            let flow = mine(db, &flow, &browser, &mediator, &session, now)?;
            let service = clients::find(db, &flow.client)?.map(|client| client.name).unwrap_or_default();
            let organisation = &mediator.organisation().id;
            let none = citizens::Listed { lines: Vec::new(), next: None };
            let listed = if too_short {
                none
            } else {
                citizens::list(db, organisation, citizens::Tab::Active, &words, cursor.as_ref(), PAGE, now)?
            };
            let ids: Vec<_> = listed.lines.iter().map(|one| one.citizen.id.clone()).collect();
            let held = mandates::holding(db, organisation, &ids)?;
            Ok::<_, Problem>((flow, service, listed, held))
        })
        .await?;
    let usable = |one: &&citizens::Line| !offered(&flow, &held, &one.citizen.id, now).is_empty();
    let rows = listed.lines.iter().filter(usable).map(|one| row(one, &held, now, &screen)).collect();
    let base = format!("/provider/{}", flow.id);
    let pages = pages(&base, &[("q", &query)], after.as_ref(), listed.next);
    let screen = screen.with_form_target(origin_of(&flow.redirect_uri));
    Ok(screen.page(|shell| ChooseCitizenPage {
        shell,
        flow: flow.id.to_string(),
        service,
        query,
        too_short,
        rows,
        pages,
    }))
}

/// The procedures that the citizen gave and the request allows, each with its mandate.
fn offered<'m>(flow: &Flow, held: &'m [Mandate], citizen: &CitizenId, now: Instant) -> Vec<(Procedure, &'m Mandate)> {
    let theirs = held.iter().filter(|one| one.citizen == *citizen);
    let live = theirs.flat_map(|one| one.live(now).map(move |part| (part.procedure, one)));
    let asked = |procedure: &Procedure| flow.procedures.as_ref().is_none_or(|asked| asked.contains(procedure));
    let mut offered: Vec<_> = live.filter(|(procedure, _)| asked(procedure)).collect();
    offered.sort_by_key(|(procedure, _)| *procedure);
    offered
}

/// `GET /provider/{flw}/citizens/{cit}`: for which procedure.
///
/// # Errors
/// Not this browser's or session's flow; not of this organisation; the database.
#[expect(clippy::too_many_arguments, reason = "each is one thing the request carries")]
pub async fn procedures(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    session: Session,
    browser: Browser,
    id: Id<FlowId>,
    citizen: SecondId<CitizenId>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let organisation = mediator.organisation().name.clone();
    let (flow, service, citizen, held) = app
        .store
        .read(move |db| {
            let flow = mine(db, &id.0, &browser, &mediator, &session, now)?;
            let service = clients::find(db, &flow.client)?.map(|client| client.name).unwrap_or_default();
            let citizen = citizens::held_by(db, &mediator.organisation().id, &citizen.0, now)?;
            let held = mandates::holding(db, &mediator.organisation().id, std::slice::from_ref(&citizen.id))?;
            Ok::<_, Problem>((flow, service, citizen, held))
        })
        .await?;
    let offered = offered(&flow, &held, &citizen.id, now);
    if offered.is_empty() {
        return Err(Refusal::AuthorisationEnded.into());
    }
    let procedures = offered.iter().map(|(one, mandate)| (*one, screen.moment(mandate.expires_at))).collect();
    let born = birthdate(&citizen.identity.birthdate, screen.t());
    let screen = screen.with_form_target(origin_of(&flow.redirect_uri));
    Ok(screen.page(|shell| ChooseProcedurePage {
        shell,
        flow: flow.id.to_string(),
        service,
        citizen_id: citizen.id.to_string(),
        citizen: citizen.identity.full_name(),
        birthdate: born,
        organisation,
        procedures,
        errors: Errors::none(),
    }))
}

/// The procedure chosen.
#[derive(Deserialize)]
pub struct Chosen {
    #[serde(default)]
    procedure: String,
}

/// `POST /provider/{flw}/citizens/{cit}`: the use begins, and the service receives a code.
///
/// # Errors
/// Not this browser's or session's flow; a rule refuses; the database.
#[expect(clippy::too_many_arguments, reason = "each is one thing the request carries")]
pub async fn choose(
    app: Data<App>,
    mediator: Mediator,
    session: Session,
    browser: Browser,
    id: Id<FlowId>,
    citizen: SecondId<CitizenId>,
    form: Form<Chosen>,
) -> Result<HttpResponse, Problem> {
    let procedure: Procedure = form.0.procedure.parse().map_err(|_| Refusal::ProcedureNotInMandate)?;
    let (code, now) = (app.random.token(), app.clock.now());
    let choice =
        Choice { mediator, session, citizen: citizen.0, procedure, code_hash: credential::token_hash(&code), now };
    let flow = app
        .store
        .write(move |tx| {
            let flow = mine(tx, &id.0, &browser, &choice.mediator, &choice.session, now)?;
            choice.exercise(tx, flow)
        })
        .await??;
    Ok(returned(&app, &flow, &[("code", &code)]))
}

struct Choice {
    mediator: Mediator,
    session: Session,
    citizen: CitizenId,
    procedure: Procedure,
    code_hash: [u8; 32],
    now: Instant,
}

impl Choice {
    /// One transaction: a pass becomes a code, or the refusal is recorded and the flow stays open for another choice.
    fn exercise(&self, tx: &mut Tx<'_>, flow: Flow) -> Result<Result<Flow, Refusal>, Problem> {
        let organisation = &self.mediator.organisation().id;
        let held = mandates::holding_locked(tx, organisation, &self.citizen)?;
        let named = |one: &&Mandate| {
            one.authorisations.iter().any(|part| part.procedure == self.procedure && part.ended.is_none())
        };
        let asked: Option<&BTreeSet<Procedure>> = flow.procedures.as_ref();
        let pass = match held.iter().find(named) {
            Some(mandate) => mandate.exercise(&self.mediator, self.procedure, asked, self.now),
            None => Err(Refusal::AuthorisationEnded),
        };
        let pass = match pass {
            Ok(pass) => pass,
            Err(refusal) => return self.refused(tx, &flow, refusal),
        };
        if !flows::spend(tx, &flow.id, self.now)? {
            return Err(Refusal::FlowUsed.into());
        }
        flows::take(tx, &flow)?;
        let auth_time = self.session.code_at.unwrap_or(self.session.created_at);
        grants::issue(tx, &pass, &flow, &self.session.id, auth_time, &self.code_hash, self.now)?;
        Ok(Ok(flow))
    }

    fn refused(&self, tx: &mut Tx<'_>, flow: &Flow, refusal: Refusal) -> Result<Result<Flow, Refusal>, Problem> {
        // Only a citizen of this organisation is named: another identifier is somebody's guess.
        let known = citizens::held_by(tx, &self.mediator.organisation().id, &self.citizen, self.now).is_ok();
        let event = Event::new(Kind::UseRefused, self.now)
            .by(&self.mediator.account().id)
            .within(&self.mediator.organisation().id)
            .for_procedure(self.procedure)
            .at_client(&flow.client)
            .fact("reason", refusal.code());
        let newest = mandates::of_citizen(tx, &self.mediator.organisation().id, &self.citizen, 1)?;
        let event = match newest.first() {
            Some(mandate) if known => event.about(&self.citizen).under(&mandate.id),
            _ => event,
        };
        journal::record(tx, &event)?;
        if known { Ok(Err(refusal)) } else { Ok(Err(Refusal::AuthorisationEnded)) }
    }
}

/// `POST /provider/{flw}/cancellation`: back to the service with `access_denied`.
///
/// # Errors
/// Not this browser's or session's flow; over; the database.
pub async fn cancel(
    app: Data<App>,
    mediator: Mediator,
    browser: Browser,
    id: Id<FlowId>,
    _form: Form<Nothing>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let flow = app
        .store
        .write(move |tx| {
            let flow = flows::find(tx, &id.0)?;
            flow.alive(&browser.hash(), now)?;
            let flow = flow.taken_by(&mediator)?;
            if flows::spend(tx, &flow.id, now)? { Ok(flow) } else { Err(Problem::from(Refusal::FlowUsed)) }
        })
        .await?;
    Ok(returned(&app, &flow, &[("error", "access_denied")]))
}

fn returned(app: &App, flow: &Flow, fields: &[(&str, &str)]) -> HttpResponse {
    match answer(&flow.redirect_uri, &app.provider.issuer, flow.state.as_deref(), fields) {
        Some(url) => see_other(url.as_str()),
        None => HttpResponse::build(StatusCode::INTERNAL_SERVER_ERROR).finish(),
    }
}
