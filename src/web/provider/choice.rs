//! The mediator looks for whom and for what, or goes back to the service.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::flow::{mine, returned, take_up};
use super::pages::{ChooseCitizenPage, ChooseProcedurePage};
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::flow::Flow;
use crate::domain::id::{CitizenId, FlowId};
use crate::domain::mandate::Mandate;
use crate::domain::mediator::Mediator;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::store::flows::Choosing;
use crate::store::sessions::Session;
use crate::store::{Db, citizens, flows, journal, mandates};
use crate::web::context::Browser;
use crate::web::counter::people::{Asked, PAGE, asked, pages};
use crate::web::extract::{Id, Query, SecondId};
use crate::web::form::{Form, Nothing};
use crate::web::moment::birthdate;
use crate::web::parts::Errors;
use crate::web::present::row;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::{App, origin_of};

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
    let asked = Arc::new(asked(&search.0.q, &search.0.after)?);
    let now = app.clock.now();
    let (desk, looked) = (Desk { mediator: mediator.clone(), session, browser }, Arc::clone(&asked));
    let (found, listed, free) = app.store.read(move |db| look(db, &desk, &id.0, &looked, now)).await?;
    let Asked { query, after, too_short, .. } = &*asked;
    let Choosing { flow, service, held, .. } = found;
    if free {
        take_up(&app, &flow).await?;
    }
    if let Some(citizen) = flow.citizen.clone() {
        return asked_for(&app, flow, mediator, citizen, now).await;
    }
    let usable = |one: &&citizens::Line| !offered(&flow, &held, &one.citizen.id, now).is_empty();
    let rows: Vec<_> = listed.lines.iter().filter(usable).map(|one| row(one, &held, now, &screen)).collect();
    let whole_list = query.is_empty() && after.is_none() && listed.next.is_none() && !listed.lines.is_empty();
    if rows.is_empty() && whole_list && flow.procedures.is_some() {
        let refusal = (Refusal::ProcedureNotAsked, "access_denied");
        return nobody(&app, flow, mediator, refusal).await;
    }
    let base = format!("/provider/{}", flow.id);
    let pages = pages(&base, &[("q", query)], after.as_ref(), listed.next);
    let screen = screen.with_form_target(origin_of(&flow.redirect_uri));
    Ok(screen.page(|shell| ChooseCitizenPage {
        shell,
        flow: flow.id.to_string(),
        service,
        query: query.clone(),
        too_short: *too_short,
        rows,
        pages,
    }))
}

/// The flow, the people who match with what they gave, and whether nobody had taken the flow up.
fn look(
    db: &mut Db<'_>,
    desk: &Desk,
    flow: &FlowId,
    asked: &Asked,
    now: Instant,
) -> Result<(Choosing, citizens::Listed, bool), Problem> {
    let organisation = &desk.mediator.organisation().id;
    let listed = if asked.too_short {
        citizens::Listed { lines: Vec::new(), next: None }
    } else {
        citizens::list(db, organisation, citizens::Tab::Active, &asked.words, asked.after.as_ref(), PAGE, now)?
    };
    let ids: Vec<_> = listed.lines.iter().map(|one| one.citizen.id.clone()).collect();
    let found = flows::choosing(db, flow, organisation, &ids)?;
    let free = found.flow.account.is_none();
    let flow = mine(found.flow, &desk.browser, &desk.mediator, &desk.session, now)?;
    Ok((Choosing { flow, ..found }, listed, free))
}

/// The service showed a token about somebody: nobody else is offered, and it is told so if nothing can be chosen for that person.
async fn asked_for(
    app: &App,
    flow: Flow,
    mediator: Mediator,
    citizen: CitizenId,
    now: Instant,
) -> Result<HttpResponse, Problem> {
    let (ids, organisation) = ([citizen], mediator.organisation().id.clone());
    let (held, [citizen]) =
        app.store.read(move |db| Ok::<_, Problem>((mandates::holding(db, &organisation, &ids)?, ids))).await?;
    if offered(&flow, &held, &citizen, now).is_empty() {
        let refusal = (Refusal::CitizenNotAsked, "login_required");
        return nobody(app, flow, mediator, refusal).await;
    }
    Ok(see_other(&format!("/provider/{}/citizens/{citizen}", flow.id)))
}

/// No mandate of the organisation meets what the service asks for: it is told so before anybody chooses.
async fn nobody(
    app: &App,
    flow: Flow,
    mediator: Mediator,
    (refusal, error): (Refusal, &str),
) -> Result<HttpResponse, Problem> {
    let (seen, now) = (flow.clone(), app.clock.now());
    let event = Event::new(Kind::UseRefused, now)
        .by(&mediator.account().id)
        .within(&mediator.organisation().id)
        .at_client(&flow.client)
        .fact("reason", refusal.code());
    let answerable = app
        .store
        .decide(move |tx| {
            let flow = flows::find(tx, &seen.id)?;
            flow.alive(&seen.browser, now)?;
            flows::spend(tx, &flow.taken_by(&mediator)?, now)?;
            journal::record(tx, &event)?;
            Ok::<_, Problem>(flows::is_answerable(tx, &seen)?)
        })
        .await?;
    // What refused is an entry already.
    if answerable {
        returned(app, &flow, &[("error", error)])
    } else {
        Err(Problem::Recorded(Refusal::RedirectDiffers))
    }
}

/// The procedures that the citizen gave and the request allows, each with its mandate.
fn offered<'m>(flow: &Flow, held: &'m [Mandate], citizen: &CitizenId, now: Instant) -> Vec<(Procedure, &'m Mandate)> {
    // A mandate for the time of a presence works in its own session only, which is the flow's.
    let here = |one: &&Mandate| one.session.is_none() || one.session == flow.session;
    let theirs = held.iter().filter(|one| one.citizen == *citizen).filter(here);
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
pub async fn procedures(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    session: Session,
    browser: Browser,
    id: Id<FlowId>,
    citizen: SecondId<CitizenId>,
) -> Result<HttpResponse, Problem> {
    let desk = Desk { mediator, session, browser };
    show(&app, screen, desk, id.0, citizen.0, Errors::none()).await
}

/// Who is about to choose, and where.
pub(super) struct Desk {
    pub(super) mediator: Mediator,
    pub(super) session: Session,
    pub(super) browser: Browser,
}

/// The procedures to choose from, and what is wrong with the choice made.
pub(super) async fn show(
    app: &App,
    screen: Screen,
    desk: Desk,
    flow: FlowId,
    citizen: CitizenId,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let organisation = desk.mediator.organisation().name.clone();
    let (flow, service, citizen, held) = app
        .store
        .read(move |db| {
            let organisation = &desk.mediator.organisation().id;
            let Choosing { flow, service, held, .. } =
                flows::choosing(db, &flow, organisation, std::slice::from_ref(&citizen))?;
            let flow = mine(flow, &desk.browser, &desk.mediator, &desk.session, now)?;
            flow.is_for(&citizen)?;
            let citizen = citizens::held_by(db, organisation, &citizen, now)?;
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
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(screen.page_with(status, |shell| ChooseProcedurePage {
        shell,
        flow: flow.id.to_string(),
        service,
        citizen_id: citizen.id.to_string(),
        citizen: citizen.identity.full_name(),
        birthdate: born,
        organisation,
        procedures,
        errors,
    }))
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
    let (flow, answerable) = app
        .store
        .decide(move |tx| {
            let flow = flows::find(tx, &id.0)?;
            flow.alive(&browser.hash(), now)?;
            let flow = flow.taken_by(&mediator)?;
            flows::spend(tx, &flow, now)?;
            let answerable = flows::is_answerable(tx, &flow)?;
            Ok::<_, Problem>((flow, answerable))
        })
        .await?;
    // An address that was taken from the service since it asked is not answered.
    if answerable { returned(&app, &flow, &[("error", "access_denied")]) } else { Err(Refusal::RedirectDiffers.into()) }
}
