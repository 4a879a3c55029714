//! What the pretend FranceConnect says of itself.

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::Data;
use serde_json::{Value, json};

use super::Bridge;
use super::identity::SCOPES;

/// The metadata. PKCE is announced although `/authorize` refuses its parameters: so does the real one.
pub(super) async fn configuration(bridge: Data<Bridge>) -> HttpResponse {
    let issuer = bridge.issuer();
    cached(&json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/session/end"),
        "revocation_endpoint": format!("{issuer}/token/revocation"),
        "scopes_supported": SCOPES,
        "claims_supported": [
            "sub", "given_name", "given_name_array", "family_name", "preferred_username", "birthdate", "idp_birthdate",
            "gender", "birthplace", "birthcountry", "email", "acr", "auth_time", "iss",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "acr_values_supported": ["eidas1"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "userinfo_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// The public keys.
pub(super) async fn jwks(bridge: Data<Bridge>) -> HttpResponse {
    cached(&bridge.key.jwks())
}

fn cached(value: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=600")).json(value)
}
