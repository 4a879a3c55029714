//! What services ask about, send ahead and give back: pushed requests, revocation, introspection, the standing of a mandate.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::endpoints::{Body, authenticated, proof, recorded, text};
use crate::domain::Instant;
use crate::domain::id::MandateId;
use crate::domain::mandate::{Mandate, Standing};
use crate::oidc::provider::client_auth::Authenticated;
use crate::oidc::provider::error::ProtocolError;
use crate::oidc::provider::introspection::MandateStanding;
use crate::oidc::provider::params::Params;
use crate::oidc::provider::pushed::LIFE;
use crate::web::context;
use crate::web::extract::Id;
use crate::web::problem::Problem;
use crate::web::state::App;
use crate::web::texts::{Texts, texts};

/// `POST /par` (RFC 9126)
pub async fn push(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let (by, params) = match authenticated(&app, &request, body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let pushed = match proof(&app, &request, None).await {
        Ok(proof) => app.provider.push(&by, &params, proof.as_deref()).await,
        Err(error) => Err(error),
    };
    match pushed {
        Ok(name) => HttpResponse::Created().json(json!({ "request_uri": name, "expires_in": LIFE.num_seconds() })),
        Err(error) => recorded(&app, &request, Some(&by.client.id), error).await,
    }
}

/// `POST /revocation` (RFC 7009): 200 whether or not there was anything to revoke.
pub async fn revoke(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let (by, params) = match authenticated(&app, &request, body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    match app.provider.revoke(&by, &params).await {
        Ok(()) => HttpResponse::Ok().finish(),
        Err(error) => recorded(&app, &request, Some(&by.client.id), error).await,
    }
}

/// `POST /introspection` (RFC 7662)
pub async fn introspect(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let (by, params) = match authenticated(&app, &request, body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let id = by.client.id.clone();
    match app.provider.introspect(by, &params).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => recorded(&app, &request, Some(&id), error).await,
    }
}

/// `GET /api/mandates/{mandate}/standing`: whether a mandate is worth anything now, for a service that it was used at, which authenticates
/// in the `Authorization` header.
///
/// # Errors
/// No such mandate for this service.
pub async fn standing(app: Data<App>, request: HttpRequest, id: Id<MandateId>) -> Result<HttpResponse, Problem> {
    let nothing = Params::parse(b"").ok_or(Problem::Malformed("parameters"))?;
    let by = app.provider.authenticate(&nothing, text(&request, &header::AUTHORIZATION), request.path()).await;
    let Authenticated { client, .. } = match by {
        Ok(by) => by,
        // Whoever asks without saying who they are learns how to say it.
        Err(_) => return Ok(recorded(&app, &request, None, ProtocolError::InvalidClient { basic: true }).await),
    };
    match app.provider.mandate_standing(&client, id.0).await {
        Ok(Some(found)) => Ok(HttpResponse::Ok().json(answer(&found, texts(context::language(&request))))),
        Ok(None) => Err(Problem::NotFound),
        Err(error) => Ok(recorded(&app, &request, Some(&client.id), error).await),
    }
}

fn answer(found: &MandateStanding, t: &Texts) -> serde_json::Value {
    let MandateStanding { mandate, refusal, now } = found;
    let (reason, sentence) = match refusal {
        Some(refusal) => (refusal.code(), t.refusal(*refusal)),
        None => ("active", t.standing_active()),
    };
    json!({
        "mandate": mandate.id.as_str(),
        "valid": refusal.is_none(),
        "reason": reason,
        "sentence": sentence,
        "expires_at": mandate.expires_at.timestamp(),
        "procedures": procedures(mandate, *now, refusal.is_none()),
    })
}

/// Each procedure by its name, and whether the mandate is worth anything for it.
fn procedures(mandate: &Mandate, now: Instant, valid: bool) -> serde_json::Value {
    let state = |one: &crate::domain::mandate::Authorisation| {
        let live = valid && mandate.standing_of(one, now) == Standing::Active;
        (one.procedure.key().to_owned(), serde_json::Value::Bool(live))
    };
    serde_json::Value::Object(mandate.authorisations.iter().map(state).collect())
}
