//! A key of a service's own, and what it signs with it.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mandataire::domain::client::SigningAlgorithm;
use mandataire::domain::digest::Digest;
use mandataire::oidc::keys;
use serde_json::{Value, json};

use super::service::Service;
use super::{World, service::Answer};

/// How a client says that it signs.
pub(crate) const ASSERTION: (&str, &str) =
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");

/// A P-256 key pair.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    /// Its public part.
    pub(crate) public: Value,
}

/// JSON in base64url.
pub(crate) fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// These members changed or, where null, removed.
pub(crate) fn changed(mut value: Value, changes: &Value) -> Value {
    let members = value.as_object_mut().unwrap();
    for (name, new) in changes.as_object().unwrap() {
        if new.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), new.clone());
        }
    }
    value
}

impl Key {
    pub(crate) fn new() -> Self {
        let made = keys::generate(SigningAlgorithm::Es256).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &made.private).unwrap();
        Self { pair, public: serde_json::from_str(&made.public).unwrap() }
    }

    /// The set that a client registers.
    pub(crate) fn set(&self) -> String {
        json!({ "keys": [self.public] }).to_string()
    }

    pub(crate) fn signs(&self, header: &Value, claims: &Value) -> String {
        self.signs_text(&format!("{}.{}", encoded(header), encoded(claims)))
    }

    /// Whatever stands for a header and claims, signed.
    pub(crate) fn signs_text(&self, message: &str) -> String {
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// What `private_key_jwt` presents, with changes.
    pub(crate) fn assertion(&self, world: &World, client: &str, changes: &Value) -> String {
        let now = world.now().timestamp();
        let claims = json!({
            "iss": client, "sub": client, "aud": world.base, "iat": now, "exp": now + 60, "jti": world.random.token(),
        });
        self.signs(&json!({ "alg": "ES256", "kid": self.public["kid"] }), &changed(claims, changes))
    }

    /// A proof of possession for a request, with changes of its header and its claims.
    pub(crate) fn proof(&self, world: &World, request: (&str, &str), header: &Value, claims: &Value) -> String {
        let mut key = self.public.clone();
        for extra in ["kid", "alg", "use"] {
            key.as_object_mut().unwrap().remove(extra);
        }
        let usual = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key });
        let said = json!({
            "jti": world.random.token(), "htm": request.0, "htu": world.at(request.1), "iat": world.now().timestamp(),
        });
        self.signs(&changed(usual, header), &changed(said, claims))
    }

    /// A plain proof for a request, about a token if there is one.
    pub(crate) fn proves(&self, world: &World, request: (&str, &str), token: Option<&str>) -> String {
        let hash = token.map(|token| URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes()));
        self.proof(world, request, &json!({}), &json!({ "ath": hash }))
    }
}

impl Service {
    /// Posts a form as it is, with these headers.
    pub(crate) async fn posts(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        self.sends(|http, base| {
            let request = http.post(format!("{base}{path}")).form(&fields);
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
        })
        .await
    }

    /// Posts a form with the secret in the `Authorization` header.
    pub(crate) async fn posts_as_itself(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.sends(|http, base| {
            http.post(format!("{base}{path}")).basic_auth(&self.client.id, Some(&self.secret)).form(&fields)
        })
        .await
    }
}
