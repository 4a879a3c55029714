//! What services ask about, send ahead and give back: pushed requests, revocation, introspection, the standing of a mandate.

use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::endpoints::{Body, authenticated, proof, recorded, text};
use crate::domain::id::MandateId;
use crate::oidc::provider::client_auth::Authenticated;
use crate::oidc::provider::error::ProtocolError;
use crate::oidc::provider::introspection::{MandateStanding, inactive};
use crate::oidc::provider::params::Params;
use crate::oidc::provider::pushed::LIFE;
use crate::oidc::provider::token::agreement;
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
        Err(ProtocolError::UnknownToken) => {
            not_theirs(&app, &request, &by.client.id, HttpResponse::Ok().finish()).await
        }
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
        Err(ProtocolError::UnknownToken) => not_theirs(&app, &request, &id, HttpResponse::Ok().json(inactive())).await,
        Err(error) => recorded(&app, &request, Some(&id), error).await,
    }
}

/// A client named what is not its own: it is told nothing, and an entry says so, unless there were too many.
async fn not_theirs(app: &App, request: &HttpRequest, client: &str, answer: HttpResponse) -> HttpResponse {
    let refused = recorded(app, request, Some(client), ProtocolError::UnknownToken).await;
    if refused.status() == StatusCode::UNAUTHORIZED { answer } else { refused }
}

/// `GET /api/mandates/{mandate}/standing`: whether a mandate is worth anything now, for a service that it was used at, which authenticates
/// in the `Authorization` header.
///
/// # Errors
/// No such mandate for this service.
pub async fn standing(app: Data<App>, request: HttpRequest, id: Id<MandateId>) -> Result<HttpResponse, Problem> {
    let nothing = Params::parse(b"").ok_or(Problem::Malformed("parameters"))?;
    let by = app.provider.authenticate(&nothing, text(&request, &header::AUTHORIZATION), request.path()).await;
    match by {
        Ok(by) => stands(&app, &request, &by, id.0).await,
        // Whoever asks without saying who they are learns how to say it.
        Err(ProtocolError::InvalidClient { .. }) => {
            Ok(recorded(&app, &request, None, ProtocolError::InvalidClient { basic: true }).await)
        }
        Err(error) => Ok(recorded(&app, &request, None, error).await),
    }
}

/// `POST /api/mandates/{mandate}/standing`: the same for a service that authenticates in a form, with a secret or an assertion.
///
/// # Errors
/// No such mandate for this service.
pub async fn asked_standing(
    app: Data<App>,
    request: HttpRequest,
    id: Id<MandateId>,
    body: Body,
) -> Result<HttpResponse, Problem> {
    match authenticated(&app, &request, body).await {
        Ok((by, _)) => stands(&app, &request, &by, id.0).await,
        Err(refusal) => Ok(refusal),
    }
}

async fn stands(app: &App, request: &HttpRequest, by: &Authenticated, id: MandateId) -> Result<HttpResponse, Problem> {
    match app.provider.mandate_standing(&by.client, id).await {
        Ok(Some(found)) => Ok(HttpResponse::Ok().json(answer(&found, texts(context::language(request))))),
        Ok(None) => Err(Problem::NotFound),
        Err(error) => Ok(recorded(app, request, Some(&by.client.id), error).await),
    }
}

fn answer(found: &MandateStanding, t: &Texts) -> serde_json::Value {
    let MandateStanding { mandate, procedures, refusal } = found;
    let (reason, sentence) = match refusal {
        Some(refusal) => (refusal.code(), t.refusal(*refusal)),
        None => ("active", t.standing_active()),
    };
    let procedures: serde_json::Map<_, _> =
        procedures.iter().map(|(one, stands)| (one.key().to_owned(), json!(stands))).collect();
    json!({
        "mandate": mandate.id.as_str(),
        "valid": refusal.is_none(),
        "reason": reason,
        "sentence": sentence,
        "expires_at": mandate.expires_at.timestamp(),
        "procedures": procedures,
        "agreement": agreement(mandate),
    })
}
