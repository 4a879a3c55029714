//! What we say of ourselves (OpenID Connect Discovery 1.0).

use serde_json::{Value, json};

use super::Provider;
use super::proof;
use crate::domain::assurance::Assurance;
use crate::domain::client::{AuthMethod, SCOPES, SigningAlgorithm};

impl Provider {
    /// The metadata.
    #[must_use]
    pub fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let algorithms: Vec<_> = [SigningAlgorithm::Es256, SigningAlgorithm::Rs256, SigningAlgorithm::Hs256]
            .into_iter()
            .filter(|one| self.keys.has(*one))
            .map(SigningAlgorithm::code)
            .collect();
        let methods = [AuthMethod::Basic, AuthMethod::Post, AuthMethod::PrivateKey].map(AuthMethod::code);
        let signed = ["ES256", "PS256", "RS256"];
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/jwks"),
            "end_session_endpoint": at("/session/end"),
            "revocation_endpoint": at("/revocation"),
            "introspection_endpoint": at("/introspection"),
            "pushed_authorization_request_endpoint": at("/par"),
            "require_pushed_authorization_requests": false,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["pairwise"],
            "acr_values_supported": [Assurance::Low.code()],
            "scopes_supported": SCOPES,
            "claims_supported": [
                "sub", "given_name", "family_name", "preferred_username", "birthdate", "gender", "birthplace",
                "birthcountry", "email", "acr", "amr", "auth_time", "act", "mandate", "rep_scope"
            ],
            "id_token_signing_alg_values_supported": algorithms,
            "userinfo_signing_alg_values_supported": algorithms,
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": signed,
            "revocation_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_signing_alg_values_supported": signed,
            "introspection_endpoint_auth_methods_supported": methods,
            "introspection_endpoint_auth_signing_alg_values_supported": signed,
            "dpop_signing_alg_values_supported": proof::ALGORITHMS,
            "code_challenge_methods_supported": ["S256"],
            "claims_parameter_supported": true,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
            "authorization_response_iss_parameter_supported": true,
            "ui_locales_supported": ["fr", "en"],
        })
    }
}
