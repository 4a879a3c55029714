//! `/token`, `/userinfo`, `/token/revocation`: the calls from server to server.

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::memory::{Grant, TOKEN};
use super::{Bridge, Service};

/// Form of `/token`.
#[derive(Deserialize)]
pub(super) struct Exchange {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
}

/// `POST /token`
pub(super) async fn exchange(bridge: Data<Bridge>, request: HttpRequest, form: Form<Exchange>) -> HttpResponse {
    let Some(service) = bridge.client(&request, &form.client_id, &form.client_secret) else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    if form.grant_type != "authorization_code" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    if form.code.is_empty() || form.redirect_uri.is_empty() {
        return refused(StatusCode::BAD_REQUEST, "invalid_request");
    }
    let Some((grant, access_token)) = bridge.redeem(service, &form.code, &form.redirect_uri) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let (asked, now) = (grant.asked, bridge.now().timestamp());
    let claims = json!({
        "sub": grant.identity.subject(&service.id),
        "acr": "eidas1",
        "auth_time": grant.auth_time,
        "nonce": asked.nonce,
        "aud": service.id,
        "exp": now + TOKEN.num_seconds(),
        "iat": now,
        "iss": bridge.issuer(),
    });
    let Ok(id_token) = bridge.key.sign(&claims) else {
        return refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error");
    };
    never_kept(&json!({
        "access_token": access_token,
        "expires_in": TOKEN.num_seconds(),
        "id_token": id_token,
        "scope": asked.scopes.join(" "),
        "token_type": "Bearer",
    }))
}

/// `GET|POST /userinfo`: always a signed token, never plain JSON.
pub(super) async fn userinfo(bridge: Data<Bridge>, request: HttpRequest) -> HttpResponse {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let now = bridge.now();
    let Some(grant) = bridge.memory().tokens.get(token, now).cloned() else {
        let mut response = refused(StatusCode::UNAUTHORIZED, "invalid_token");
        let challenge = actix_web::http::header::HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return response;
    };
    let mut claims = grant.identity.claims(&grant.asked.scopes);
    claims.insert("sub".to_owned(), json!(grant.identity.subject(&grant.asked.client)));
    claims.insert("iss".to_owned(), json!(bridge.issuer()));
    claims.insert("aud".to_owned(), json!(grant.asked.client));
    claims.insert("iat".to_owned(), json!(now.timestamp()));
    claims.insert("exp".to_owned(), json!((now + TOKEN).timestamp()));
    match bridge.key.sign(&Value::Object(claims)) {
        Ok(token) => HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .content_type("application/jwt; charset=utf-8")
            .body(token),
        Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    }
}

/// Form of `/token/revocation`; anything more is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revocation {
    token: String,
    client_id: String,
    client_secret: String,
}

/// `POST /token/revocation`
pub(super) async fn revoke(bridge: Data<Bridge>, request: HttpRequest, form: Form<Revocation>) -> HttpResponse {
    let Some(service) = bridge.client(&request, &form.client_id, &form.client_secret) else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    let (now, mut memory) = (bridge.now(), bridge.memory());
    if memory.tokens.get(&form.token, now).is_some_and(|grant| grant.asked.client == service.id) {
        memory.tokens.take(&form.token, now);
    }
    HttpResponse::Ok().finish()
}

impl Bridge {
    /// The service that proved its secret in the form: the only method there is. A header in addition is refused.
    fn client(&self, request: &HttpRequest, id: &str, secret: &str) -> Option<&Service> {
        let service = self.settings.service(id)?;
        verify_slices_are_equal(service.secret.as_bytes(), secret.as_bytes()).ok()?;
        (!request.headers().contains_key(AUTHORIZATION)).then_some(service)
    }

    /// Uses a code up. Presented again, it revokes what it gave.
    fn redeem(&self, service: &Service, code: &str, redirect_uri: &str) -> Option<(Grant, String)> {
        let now = self.now();
        let mut memory = self.memory();
        let grant = memory.codes.get(code, now)?;
        if grant.asked.client != service.id || grant.asked.redirect_uri != redirect_uri {
            return None;
        }
        if let Some(token) = grant.access_token.clone() {
            memory.tokens.take(&token, now);
            return None;
        }
        let token = self.settings.random.token();
        grant.access_token = Some(token.clone());
        let grant = grant.clone();
        memory.tokens.put(&token, grant.clone(), now, TOKEN);
        Some((grant, token))
    }
}

fn never_kept(value: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(value)
}

fn refused(status: StatusCode, error: &str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({ "error": error, "error_description": "refusé par le FranceConnect de démonstration" }))
}
