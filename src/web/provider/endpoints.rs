//! The endpoints that machines call, and signing out.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::authorize::{is_signed_in, refused_page, unavailable};
use super::pages::SignedOutPage;
use crate::domain::event::{Event, Kind};
use crate::oidc::provider::error::ProtocolError;
use crate::oidc::provider::logout::Decision;
use crate::oidc::provider::params::Params;
use crate::oidc::provider::userinfo::Userinfo;
use crate::web::form::is_form;
use crate::web::frame::RETRY_AFTER;
use crate::web::problem::Problem;
use crate::web::refusals;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// The body of a request, or that it cannot be read: too large, or cut.
type Body = Result<Bytes, actix_web::Error>;

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

fn text<'r>(request: &'r HttpRequest, name: &header::HeaderName) -> Option<&'r str> {
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
async fn recorded(app: &App, request: &HttpRequest, client: Option<&str>, error: ProtocolError) -> HttpResponse {
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
        // Asking without a token is how a client learns that it needs one (RFC 6750 3).
        ProtocolError::MissingToken
        | ProtocolError::InvalidGrant
        | ProtocolError::InvalidToken
        | ProtocolError::TooMany
        | ProtocolError::Unavailable => None,
    }
}

/// `POST /token`
pub async fn token(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let body = match body {
        _ if !is_form(&request) => return recorded(&app, &request, None, ProtocolError::NotAForm).await,
        Err(_) => return recorded(&app, &request, None, ProtocolError::Unreadable).await,
        Ok(body) => body,
    };
    // A secret in the address would be in every log on the way.
    let params = Params::parse(&body).filter(|_| request.query_string().is_empty());
    let Some(params) = params else { return recorded(&app, &request, None, ProtocolError::InvalidRequest).await };
    let client = match app.provider.authenticate(&params, text(&request, &header::AUTHORIZATION)).await {
        Ok(client) => client,
        Err(error) => return recorded(&app, &request, None, error).await,
    };
    let id = client.id.clone();
    match app.provider.exchange(client, &params).await {
        Ok(answer) => HttpResponse::Ok().json(answer),
        Err(error) => recorded(&app, &request, Some(&id), error).await,
    }
}

/// The access token of a request (RFC 6750 2): in the header, or in the form of a POST; never in the address.
fn bearer(request: &HttpRequest, body: Body) -> Result<String, ProtocolError> {
    let in_address = Params::parse(request.query_string().as_bytes()).ok_or(ProtocolError::InvalidRequest)?;
    if !matches!(in_address.one("access_token"), Ok(None)) {
        return Err(ProtocolError::InvalidRequest);
    }
    let header = text(request, &header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    let header = header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let body = body.map_err(|_| ProtocolError::Unreadable)?;
    let form = if is_form(request) { Some(Params::parse(&body).ok_or(ProtocolError::InvalidRequest)?) } else { None };
    let in_form = match &form {
        Some(form) => form.one("access_token").map_err(|_| ProtocolError::InvalidRequest)?,
        None => None,
    };
    match (header, in_form) {
        (Some(_), Some(_)) => Err(ProtocolError::InvalidRequest),
        (Some(token), None) | (None, Some(token)) => Ok(token.to_owned()),
        (None, None) => Err(ProtocolError::MissingToken),
    }
}

/// `GET /userinfo` and `POST /userinfo`
pub async fn userinfo(app: Data<App>, request: HttpRequest, body: Body) -> HttpResponse {
    let answered = match bearer(&request, body) {
        Ok(token) => app.provider.userinfo(&token).await,
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
        Decision::Ask if is_signed_in(&app, &request).await? => see_other("/sign-out"),
        Decision::Ask => screen.page(|shell| SignedOutPage { shell }),
        Decision::Refuse(word) => {
            let event = Event::new(Kind::SecurityRefused, app.clock.now()).fact("reason", format!("logout_{word}"));
            refusals::record(&app, &request, event).await?;
            refused_page(screen)
        }
    })
}
