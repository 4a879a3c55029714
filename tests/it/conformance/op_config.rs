//! What we say of ourselves (Config OP).

use mandataire::domain::client::{AuthMethod, SigningAlgorithm, UserinfoFormat};
use serde_json::{Value, json};

use super::metadata;
use crate::on_each_backend;

on_each_backend! {
    /// The issuer is where the metadata are, every endpoint is ours, and what must be offered is. RS256, which certification wants
    /// and FranceConnect does not, is offered from the first client that is registered with it.
    async fn oidcc_discovery_endpoint_verification(world) {
        let service = world.service(SigningAlgorithm::Rs256, AuthMethod::Basic, UserinfoFormat::Json, false).await;
        let told = metadata(&world).await;
        assert_eq!(told["issuer"], world.base.as_str());
        for endpoint in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
            assert!(told[endpoint].as_str().unwrap().starts_with(&format!("{}/", world.base)), "{endpoint}");
        }
        let holds = |name: &str, value: &str| told[name].as_array().unwrap().contains(&Value::from(value));
        assert!(holds("scopes_supported", "openid"));
        assert!(holds("response_types_supported", "code"));
        assert!(holds("grant_types_supported", "authorization_code"));
        assert!(holds("subject_types_supported", "pairwise"));
        assert!(holds("id_token_signing_alg_values_supported", "RS256"));
        assert!(!holds("id_token_signing_alg_values_supported", "none"));
        assert!(holds("token_endpoint_auth_methods_supported", "client_secret_basic"));
        assert!(holds("token_endpoint_auth_methods_supported", "client_secret_post"));
        assert_eq!(told["claims_parameter_supported"], true);
        // Absent, the second would mean true.
        assert_eq!((&told["request_parameter_supported"], &told["request_uri_parameter_supported"]), (&json!(false), &json!(false)));
        let keys = service.sends(|http, _| http.get(told["jwks_uri"].as_str().unwrap())).await.json();
        let keys = keys["keys"].as_array().unwrap();
        assert!(keys.iter().any(|key| key["kty"] == "RSA" && key["kid"].is_string()));
        assert!(keys.iter().all(|key| ["d", "p", "q", "k"].iter().all(|private| key.get(private).is_none())));
    }
}
