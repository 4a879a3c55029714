//! The endpoints that machines call, and signing out.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::authorize::{refused_page, session, unavailable};
use super::pages::SignedOutPage;
use crate::domain::event::{Event, Kind};
use crate::oidc::provider::client_auth::Authenticated;
use crate::oidc::provider::error::ProtocolError;
use crate::oidc::provider::logout::Decision;
use crate::oidc::provider::params::Params;
use crate::oidc::provider::proof;
use crate::oidc::provider::userinfo::Userinfo;
use crate::web::form::is_form;
use crate::web::frame::RETRY_AFTER;
use crate::web::problem::Problem;
use crate::web::refusals;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// The body of a request, or that it cannot be read: too large, or cut.
pub(super) type Body = Result<Bytes, actix_web::Error>;

/// How long metadata and keys may be cached, in seconds.
const CACHED: &str = "public, max-age=600";

/// `GET /.well-known/openid-configuration`
pub async fn metadata(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, CACHED)).json(app.provider.metadata())
}

/// `GET /jwks`
pub async fn key_set(app: Data<App>) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, CACHED)).json(app.provider.keys.key_set())
}

pub(super) fn text<'r>(request: &'r HttpRequest, name: &header::HeaderName) -> Option<&'r str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn refused(error: ProtocolError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = HttpResponse::build(status);
    if error == (ProtocolError::InvalidClient { basic: true }) {
        response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"mandataire\""));
    }
    if error == ProtocolError::TooMany {
        response.insert_header((header::RETRY_AFTER, RETRY_AFTER));
    }
    response.json(serde_json::json!({ "error": error.code(), "error_description": error.description() }))
}

/// Answers a refusal once it is recorded. What concerns a code or a token of ours was, in its own transaction.
pub(super) async fn recorded(
    app: &App,
    request: &HttpRequest,
    client: Option<&str>,
    error: ProtocolError,
) -> HttpResponse {
    let Some(reason) = reason(error) else { return refused(error) };
    let event = Event::new(Kind::SecurityRefused, app.clock.now()).fact("reason", reason);
    let event = client.map_or(event.clone(), |client| event.at_client(client));
    match refusals::record(app, request, event).await {
        Ok(()) => refused(error),
        Err(Problem::TooMany) => refused(ProtocolError::TooMany),
        Err(_) => refused(ProtocolError::Unavailable),
    }
}

const fn reason(error: ProtocolError) -> Option<&'static str> {
    match error {
        ProtocolError::InvalidRequest | ProtocolError::Unreadable | ProtocolError::NotAForm => {
            Some("malformed_request")
        }
        ProtocolError::InvalidClient { .. } => Some("client_authentication"),
        ProtocolError::UnsupportedGrantType => Some("grant_type"),
        ProtocolError::UnknownToken => Some("unknown_token"),
        ProtocolError::InvalidProof => Some("proof"),
        ProtocolError::UnauthorizedClient => Some("unauthorized_client"),
        ProtocolError::Pushed(_) => Some("pushed_request"),
        // Asking without a token is how a client learns that it needs one (RFC 6750 3).
        ProtocolError::MissingToken
        | ProtocolError::InvalidGrant
        | ProtocolError::InvalidToken
        | ProtocolError::TooMany
        | ProtocolError::Unavailable => None,
    }
}

/// The form of a machine, and the client that sent it; or the answer that refuses it.
pub(super) async fn authenticated(
    app: &App,
    request: &HttpRequest,
    body: Body,
) -> Result<(Authenticated, Params), HttpResponse> {
    let body = match body {
        _ if !is_form(request) => return Err(recorded(app, request, None, ProtocolError::NotAForm).await),
        Err(_) => return Err(recorded(app, request, None, ProtocolError::Unreadable).await),
        Ok(body) => body,
    };
    // A secret in the address would be in every log on the way.
    let params = Params::parse(&body).filter(|_| request.query_string().is_empty());
    let Some(params) = params else { return Err(recorded(app, request, None, ProtocolError::InvalidRequest).await) };
    match app.provider.authenticate(&params, text(request, &header::AUTHORIZATION), request.path()).await {
        Ok(by) => Ok((by, params)),
        Err(error) => Err(recorded(app, request, None, error).await),
    }
}

/// The key that a request proves to hold (RFC 9449 4.3), if it carries a proof.
pub(super) async fn proof(
    app: &App,
    request: &HttpRequest,
    token: Option<&str>,
) -> Result<Option<String>, ProtocolError> {
    let mut proofs = request.headers().get_all("dpop");
    let Some(proof) = proofs.next() else { return Ok(None) };
    let proof = proof.to_str().ok().filter(|_| proofs.next().is_none()).ok_or(ProtocolError::InvalidProof)?;
    let about = proof::Request { method: request.method().as_str(), path: request.path(), token };
    app.provider.prove(proof, about).await.map(Some)
}

/// `POST /token`
pub async fn token(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let (by, params) = match authenticated(&app, &request, body).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    let id = by.client.id.clone();
    let exchanged = match proof(&app, &request, None).await {
        Ok(proof) => app.provider.exchange(by, &params, proof).await,
        Err(error) => Err(error),
    };
    match exchanged {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => recorded(&app, &request, Some(&id), error).await,
    }
}

/// An access token as it was presented.
struct Presented {
    token: String,
    /// Whether it is said to be bound to a key.
    bound: bool,
}

/// The access token of a request (RFC 6750 2, RFC 9449 7.1): in the header, or in the form of a POST; never in the address.
fn presented(request: &HttpRequest, body: Body) -> Result<Presented, ProtocolError> {
    let in_address = Params::parse(request.query_string().as_bytes()).ok_or(ProtocolError::InvalidRequest)?;
    if !matches!(in_address.one("access_token"), Ok(None)) {
        return Err(ProtocolError::InvalidRequest);
    }
    let header = text(request, &header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let header = header.and_then(|(scheme, token)| {
        let bound = scheme.eq_ignore_ascii_case("dpop");
        (bound || scheme.eq_ignore_ascii_case("bearer")).then(|| Presented { token: token.trim().to_owned(), bound })
    });
    let body = body.map_err(|_| ProtocolError::Unreadable)?;
    let form = if is_form(request) { Some(Params::parse(&body).ok_or(ProtocolError::InvalidRequest)?) } else { None };
    let in_form = match &form {
        Some(form) => form.one("access_token").map_err(|_| ProtocolError::InvalidRequest)?,
        None => None,
    };
    match (header, in_form) {
        (Some(_), Some(_)) => Err(ProtocolError::InvalidRequest),
        (Some(presented), None) => Ok(presented),
        (None, Some(token)) => Ok(Presented { token: token.to_owned(), bound: false }),
        (None, None) => Err(ProtocolError::MissingToken),
    }
}

async fn identity(app: &App, request: &HttpRequest, presented: Presented) -> Result<Userinfo, ProtocolError> {
    let Presented { token, bound } = presented;
    let proof = if bound { proof(app, request, Some(&token)).await? } else { None };
    if bound && proof.is_none() {
        return Err(ProtocolError::InvalidProof);
    }
    app.provider.userinfo(&token, proof).await
}

/// `GET /userinfo` and `POST /userinfo`
pub async fn userinfo(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answered = match presented(&request, body) {
        Ok(presented) => identity(&app, &request, presented).await,
        Err(error) => Err(error),
    };
    let mut response = match answered {
        Ok(Userinfo::Json(claims)) => HttpResponse::Ok().json(claims),
        Ok(Userinfo::Jwt(token)) => HttpResponse::Ok().content_type("application/jwt").body(token),
        Err(error) => {
            let mut response = recorded(&app, &request, None, error).await;
            let challenge = match error {
                ProtocolError::InvalidToken | ProtocolError::UnknownToken => Some("Bearer error=\"invalid_token\""),
                ProtocolError::MissingToken => Some("Bearer"),
                ProtocolError::InvalidProof => {
                    // RFC 9449 7.1: at a resource, what is missing is the authentication.
                    response.head_mut().status = StatusCode::UNAUTHORIZED;
                    Some("DPoP error=\"invalid_dpop_proof\", algs=\"ES256 PS256\"")
                }
                _ => None,
            };
            if let Some(challenge) = challenge {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static(challenge));
            }
            response
        }
    };
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("Authorization"));
    response
}

/// `GET /session/end` and `POST /session/end`
///
/// # Errors
/// The database.
pub async fn end_session(
    app: Data<App>,
    request: HttpRequest,
    screen: Screen,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let body = body.map_err(|_| Problem::Malformed("body"))?;
    let source = if body.is_empty() { request.query_string().as_bytes() } else { body.as_ref() };
    let params = Params::parse(source).ok_or(Problem::Malformed("parameters"))?;
    let decision = app.provider.end_session(&params).await.map_err(|_| unavailable("signing out"))?;
    Ok(match decision {
        Decision::Return(url) => see_other(url.as_str()),
        Decision::Done => screen.page(|shell| SignedOutPage { shell }),
        // The question is a page of its own: only there is it known who is signed in, whose button it then carries.
        Decision::Ask if session(&app, &request).await?.is_some() => see_other("/sign-out"),
        Decision::Ask => screen.page(|shell| SignedOutPage { shell }),
        Decision::Refuse(word) => {
            let event = Event::new(Kind::SecurityRefused, app.clock.now()).fact("reason", format!("logout_{word}"));
            refusals::record(&app, &request, event).await?;
            refused_page(screen)
        }
    })
}
