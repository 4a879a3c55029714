//! The mediator chooses: a pass becomes a code.

use std::collections::BTreeSet;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::choice::{Desk, show};
use super::flow::{mine, returned};
use crate::credential;
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
use crate::store::{Tx, citizens, flows, grants, journal, mandates, traces};
use crate::web::context::{self, Browser};
use crate::web::extract::{Id, SecondId};
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;

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
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub async fn choose(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    session: Session,
    browser: Browser,
    id: Id<FlowId>,
    citizen: SecondId<CitizenId>,
    form: Form<Chosen>,
) -> Result<HttpResponse, Problem> {
    if form.0.procedure.is_empty() {
        let errors = Errors::on("procedure", screen.t().provider_procedure_needed());
        return show(&app, screen, Desk { mediator, session, browser }, id.0, citizen.0, errors).await;
    }
    let procedure: Procedure = form.0.procedure.parse().map_err(|_| Refusal::ProcedureNotInMandate)?;
    let (code, now) = (app.random.token(), app.clock.now());
    let choice = Choice {
        mediator,
        session,
        citizen: citizen.0,
        procedure,
        code_hash: credential::token_hash(&code),
        source: context::endpoint(&request, &app.settings),
        now,
    };
    let chosen = app.store.decide(move |tx| {
        let organisation = &choice.mediator.organisation().id;
        let Choosing { flow, held, answerable, .. } =
            flows::choosing(tx, &id.0, organisation, std::slice::from_ref(&choice.citizen))?;
        let flow = mine(flow, &browser, &choice.mediator, &choice.session, now)?;
        if !answerable {
            return choice.refused(tx, &flow, Refusal::RedirectDiffers);
        }
        choice.exercise(tx, flow, &held)
    });
    let flow = chosen.await??;
    returned(&app, &flow, &[("code", &code)])
}

struct Choice {
    mediator: Mediator,
    session: Session,
    citizen: CitizenId,
    procedure: Procedure,
    code_hash: [u8; 32],
    source: String,
    now: Instant,
}

impl Choice {
    /// One transaction: a pass becomes a code, or the refusal is recorded and the flow stays open for another choice.
    fn exercise(&self, tx: &mut Tx<'_>, flow: Flow, held: &[Mandate]) -> Result<Result<Flow, Problem>, Problem> {
        let named = |one: &&Mandate| {
            one.authorisations.iter().any(|part| part.procedure == self.procedure && part.ended.is_none())
        };
        let asked: Option<&BTreeSet<Procedure>> = flow.procedures.as_ref();
        let pass = match (flow.is_for(&self.citizen), held.iter().find(named)) {
            (Err(refusal), _) => Err(refusal),
            (Ok(()), Some(mandate)) => mandate.exercise(&self.mediator, self.procedure, asked, self.now),
            (Ok(()), None) => Err(Refusal::AuthorisationEnded),
        };
        let pass = match pass {
            Ok(pass) => pass,
            Err(refusal) => return self.refused(tx, &flow, refusal),
        };
        mandates::demand_open(tx, pass.authorisation());
        flows::spend(tx, &flow, self.now)?;
        let auth_time = self.session.code_at.unwrap_or(self.session.created_at);
        let (session, code_hash) = (&self.session.id, self.code_hash.as_slice());
        let authentication = self.session.authentication;
        let new = grants::New { flow: &flow, repeats: None, session, auth_time, authentication, code_hash };
        grants::issue(tx, &pass, &new, self.now)?;
        traces::keep(tx, &self.mediator.account().id, Some(&self.citizen), &self.source, self.now)?;
        Ok(Ok(flow))
    }

    fn refused(&self, tx: &mut Tx<'_>, flow: &Flow, refusal: Refusal) -> Result<Result<Flow, Problem>, Problem> {
        // Only a citizen of this organisation is named: another identifier is somebody's guess.
        citizens::held_by(tx, &self.mediator.organisation().id, &self.citizen, self.now)?;
        let event = Event::new(Kind::UseRefused, self.now)
            .by(&self.mediator.account().id)
            .within(&self.mediator.organisation().id)
            .for_procedure(self.procedure)
            .at_client(&flow.client)
            .fact("reason", refusal.code());
        let newest = mandates::of_citizen(tx, &self.mediator.organisation().id, &self.citizen, 1)?;
        let event = match newest.first() {
            Some(mandate) => event.about(&self.citizen).under(&mandate.id),
            None => event,
        };
        journal::record(tx, &event)?;
        Ok(Err(Problem::Recorded(refusal)))
    }
}
