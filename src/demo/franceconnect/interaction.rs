//! The pages between a service's request and its answer: the list, or for someone signed in only the confirmation.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::authorize::error_return;
use super::checks;
use super::citizens::{CITIZENS, find};
use super::memory::{CODE, Grant, Interaction, Person, Via};
use super::pages::{Consent, Halt, Home, List};
use super::{BASE, Bridge, Service};
use crate::demo::site;

/// `GET /`
pub(super) async fn home(bridge: Data<Bridge>) -> HttpResponse {
    let replayable = bridge.memory().last_code.is_some();
    site::page(StatusCode::OK, &Home { citizens: &CITIZENS, replayable })
}

/// `GET /interaction/{uid}`
pub(super) async fn show(bridge: Data<Bridge>, request: HttpRequest, uid: Path<String>) -> Result<HttpResponse, Halt> {
    let mut memory = bridge.memory();
    let (session, interaction) = memory.interaction(&request, &uid, bridge.now())?;
    let service = bridge.asking(&interaction)?;
    // A person already signed in is not asked again: a shared workstation shows the previous person here.
    if let Some(person) = &session.person {
        let by_mandate = matches!(person.via, Via::Mandataire { .. });
        let name = person.identity.full_name();
        return Ok(site::page(StatusCode::OK, &Consent { uid: &uid, service: &service.name, name: &name, by_mandate }));
    }
    let list = List {
        uid: &uid,
        service: &service.name,
        citizens: &CITIZENS,
        mandataire: bridge.offers_mandataire(&interaction),
        message: interaction.message.as_deref(),
    };
    Ok(site::page(StatusCode::OK, &list))
}

/// Field of the list.
#[derive(Deserialize)]
pub(super) struct Choice {
    citizen: String,
}

/// `POST /interaction/{uid}/citizens`
pub(super) async fn choose(
    bridge: Data<Bridge>,
    request: HttpRequest,
    uid: Path<String>,
    choice: Form<Choice>,
) -> Result<HttpResponse, Halt> {
    let unknown = || Halt::new("Y020023", "Cette personne n'existe pas.");
    let citizen = find(&choice.citizen).ok_or_else(unknown)?;
    let mut memory = bridge.memory();
    let (session, _) = memory.interaction(&request, &uid, bridge.now())?;
    if session.person.is_none() {
        session.person = Some(Person { identity: citizen.identity(), via: Via::Themselves });
    }
    Ok(site::see_other(&format!("{BASE}/interaction/{uid}")))
}

/// `POST /interaction/{uid}/consent`: back to the service with a code.
pub(super) async fn consent(
    bridge: Data<Bridge>,
    request: HttpRequest,
    uid: Path<String>,
) -> Result<HttpResponse, Halt> {
    let now = bridge.now();
    let mut memory = bridge.memory();
    let (session, interaction) = memory.interaction(&request, &uid, now)?;
    let person = session.person.clone().ok_or_else(Halt::session_lost)?;
    let service = bridge.asking(&interaction)?;
    if let Via::Mandataire { rep_scope, .. } = &person.via {
        // Checked again here: the session may have begun at a service with another list.
        checks::rep_scope(&service.rep_scope, rep_scope)
            .map_err(|halt| Halt { back: Some(bridge.failure(&interaction)), ..halt })?;
    }
    session.interaction = None;
    let code = bridge.settings.random.token();
    let asked = interaction.asked;
    let target =
        site::with_query(&asked.redirect_uri, &[("code", &code), ("state", &asked.state), ("iss", &bridge.issuer())]);
    // `auth_time` is now even when the person only confirmed an open session.
    let grant = Grant { asked, identity: person.identity, auth_time: now.timestamp(), access_token: None };
    memory.codes.put(&code, grant, now, CODE);
    Ok(site::see_other(&target))
}

/// `POST /interaction/{uid}/cancellation`
pub(super) async fn cancel(
    bridge: Data<Bridge>,
    request: HttpRequest,
    uid: Path<String>,
) -> Result<HttpResponse, Halt> {
    let mut memory = bridge.memory();
    let (session, interaction) = memory.interaction(&request, &uid, bridge.now())?;
    session.interaction = None;
    let asked = interaction.asked;
    let target =
        error_return(&asked.redirect_uri, &bridge.issuer(), &asked.state, "access_denied", "User auth aborted");
    Ok(site::see_other(&target))
}

impl Bridge {
    /// The service behind a sign-in in progress.
    pub(super) fn asking(&self, interaction: &Interaction) -> Result<&Service, Halt> {
        self.settings.service(&interaction.asked.client).ok_or_else(Halt::session_lost)
    }

    /// Mandataire is not offered to Mandataire: there, citizens identify themselves.
    pub(super) fn offers_mandataire(&self, interaction: &Interaction) -> bool {
        interaction.asked.client == self.settings.service_client.id
    }

    /// The way back to the service from an error page.
    pub(super) fn failure(&self, interaction: &Interaction) -> String {
        let asked = &interaction.asked;
        error_return(&asked.redirect_uri, &self.issuer(), &asked.state, "server_error", "Authentication failed")
    }
}
