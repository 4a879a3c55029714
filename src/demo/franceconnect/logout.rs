//! Logout: first at Mandataire if it vouched for the person, then here, then back to the service.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use url::form_urlencoded;

use super::memory::{COOKIE, Via};
use super::pages::{Halt, LoggedOut};
use super::{Bridge, logout_callback_uri};
use crate::demo::{jws, site};

const KNOWN: [&str; 6] =
    ["id_token_hint", "post_logout_redirect_uri", "state", "client_id", "logout_hint", "ui_locales"];

/// `GET /session/end`
pub(super) async fn end(bridge: Data<Bridge>, request: HttpRequest) -> Result<HttpResponse, Halt> {
    let target = bridge.way_out(request.query_string())?;
    let now = bridge.now();
    let mut memory = bridge.memory();
    let Ok(session) = memory.session(&request, now) else { return Ok(leave(&target)) };
    let hint = session.person.as_ref().and_then(|person| match &person.via {
        Via::Mandataire { id_token, .. } => Some(id_token.clone()),
        Via::Themselves => None,
    });
    let Some(hint) = hint else {
        bridge.forget(&mut memory, &request);
        return Ok(leave(&target));
    };
    // The session here ends only when the browser comes back from Mandataire.
    session.leaving_to = Some(target);
    let settings = &bridge.settings;
    Ok(site::see_other(&site::with_query(
        &format!("{}/session/end", settings.mandataire),
        &[
            ("id_token_hint", &hint),
            ("post_logout_redirect_uri", &logout_callback_uri(&settings.origin)),
            ("state", &bridge.hexadecimal_secret()),
            ("client_id", &settings.identity_provider_client.id),
        ],
    )))
}

/// `GET /client/logout-callback`: the returned `state` is not looked at, as at the real one.
pub(super) async fn callback(bridge: Data<Bridge>, request: HttpRequest) -> Result<HttpResponse, Halt> {
    let now = bridge.now();
    let mut memory = bridge.memory();
    let target = memory.session(&request, now)?.leaving_to.take().ok_or_else(Halt::session_lost)?;
    bridge.forget(&mut memory, &request);
    Ok(leave(&target))
}

/// An empty target stands for a service that did not ask for the person back.
fn leave(target: &str) -> HttpResponse {
    if target.is_empty() { site::page(StatusCode::OK, &LoggedOut) } else { site::see_other(target) }
}

impl Bridge {
    fn forget(&self, memory: &mut super::memory::Memory, request: &HttpRequest) {
        if let Some(cookie) = request.cookie(COOKIE) {
            memory.sessions.take(cookie.value(), self.now());
        }
    }

    /// Where a logout leads, once its parameters are accepted.
    fn way_out(&self, query: &str) -> Result<String, Halt> {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        let malformed = |why: &str| Halt::new("Y030007", format!("La demande de déconnexion est incorrecte : {why}."));
        if let Some((name, _)) = parameters.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            return Err(malformed(&format!("le paramètre « {name} » n'est pas accepté")));
        }
        let hint = value("id_token_hint").ok_or_else(|| malformed("« id_token_hint » manque"))?;
        // An expired hint is good: only who signed it, and for whom, counts.
        let claims = jws::verify_es256(hint, &self.key.jwks());
        let claims = claims.ok_or_else(|| malformed("« id_token_hint » n'est pas un jeton d'ici"))?;
        let audience = claims.get("aud").and_then(serde_json::Value::as_str).unwrap_or_default();
        let service = self.settings.service(audience).ok_or_else(|| malformed("service inconnu"))?;
        if value("client_id").is_some_and(|id| id != service.id) {
            return Err(malformed("« client_id » n'est pas celui de « id_token_hint »"));
        }
        let Some(target) = value("post_logout_redirect_uri") else { return Ok(String::new()) };
        if target != service.logout_uri {
            return Err(malformed("l'adresse de retour n'est pas celle que le service a déclarée"));
        }
        Ok(value("state").map_or_else(|| target.to_owned(), |state| site::with_query(target, &[("state", state)])))
    }
}
