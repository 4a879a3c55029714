//! What the ID token says, and who can check it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use mandataire::domain::client::{AuthMethod, SigningAlgorithm, UserinfoFormat};
use mandataire::domain::digest::Digest;
use mandataire::domain::procedure::Procedure::Logement;
use serde_json::{Value, json};

use super::{access_token, beginning};
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::{Service, answered, claims};

/// The claims of a token whose signature, issuer and audience hold. Its times are the story's, not today's.
pub(crate) fn verified(token: &str, with: Algorithm, key: &DecodingKey, world: &World, audience: &str) -> Value {
    let mut validation = Validation::new(with);
    validation.validate_exp = false;
    validation.set_issuer(&[&world.base]);
    validation.set_audience(&[audience]);
    decode::<Value>(token, key, &validation).unwrap().claims
}

/// The key of a token, as a service finds it.
pub(crate) async fn key_of(service: &Service, token: &str) -> Jwk {
    let set = service.sends(|http, base| http.get(format!("{base}/jwks"))).await;
    let set: JwkSet = serde_json::from_str(&set.body).unwrap();
    set.find(&decode_header(token).unwrap().kid.unwrap()).unwrap().clone()
}

fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&Digest::of(access_token.as_bytes()).as_bytes()[..16])
}

on_each_backend! {
    /// The exact set of claims, for FranceConnect and for a service of its own: nothing more, nothing less.
    async fn b18_an_id_token_holds_exactly_this(world) {
        let (ana, franceconnect, opened) = beginning(&world).await;
        let plain = world.plain_service().await;
        let signed_in = world.now().timestamp();
        for (service, changed) in [(&franceconnect, ("", "")), (&plain, ("prompt", "")), (&plain, ("nonce", ""))] {
            world.after(5);
            let page = ana.comes_from(&service.request_with(&[changed, ("acr_values", "eidas3")])).await;
            let auth_time = if changed.0 == "nonce" { world.now().timestamp() } else { signed_in };
            let back = ana.chooses(&page, &opened.citizen, Logement).await;
            world.after(3);
            let answer = service.exchanges(&answered(&back, "code").unwrap()).await.json();
            let token = answer["id_token"].as_str().unwrap();
            let expires = &world.database.texts("select cast(expires_at as text) as value from mandates")[0];
            let expires = chrono::NaiveDateTime::parse_from_str(expires, "%F %T%.f").unwrap().and_utc().timestamp();
            let mut expected = json!({
                "iss": world.base,
                "sub": claims(token)["sub"],
                "aud": service.client.id,
                "iat": world.now().timestamp(),
                "exp": world.now().timestamp() + 60,
                "auth_time": auth_time,
                "acr": "eidas1",
                "amr": ["mail", "otp"],
                "at_hash": at_hash(answer["access_token"].as_str().unwrap()),
                "sid": page.url.path().trim_start_matches("/provider/"),
                "nonce": "fedcba9876543210fedcba9876543210",
                "act": {
                    "sub": ana.account.as_str(),
                    "organisation": {
                        "id": world.organisation.as_str(),
                        "name": "Maison France services de Houdan",
                        "siret": "73282932000074",
                    },
                },
                "mandate": {
                    "id": opened.mandate.as_str(), "procedure": "logement", "expires_at": expires,
                    "agreement": { "acr": "eidas1", "method": "in_person" },
                },
                "rep_scope": ["Logement"],
            });
            if changed.0 == "nonce" {
                expected.as_object_mut().unwrap().remove("nonce");
            }
            assert_eq!(claims(token), expected);
        }
    }

    async fn b18_each_service_knows_a_citizen_under_its_own_name_and_always_the_same(world) {
        let (ana, franceconnect, opened) = beginning(&world).await;
        let (one, two) = (world.plain_service().await, world.plain_service().await);
        let mut subjects = Vec::new();
        for service in [&franceconnect, &one, &two, &franceconnect, &one, &two] {
            let code = ana.gets_a_code(service, &opened.citizen, Logement).await;
            let answer = service.exchanges(&code).await;
            let subject = claims(answer.json()["id_token"].as_str().unwrap())["sub"].clone();
            let identity = service.asks_identity(&access_token(&answer)).await;
            let told = if service.client.franceconnect { identity.json() } else { claims(&identity.body) };
            assert_eq!(told["sub"], subject, "the ID token and the identity name the same person");
            assert!(!subject.as_str().unwrap().contains(opened.citizen.as_str()));
            subjects.push(subject);
        }
        assert_eq!(subjects[..3], subjects[3..]);
        assert!(subjects[0] != subjects[1] && subjects[1] != subjects[2] && subjects[0] != subjects[2]);
    }

    async fn tokens_are_signed_as_registered_and_can_be_verified_from_the_published_keys(world) {
        let (ana, _, opened) = beginning(&world).await;
        for (registered, algorithm) in [
            (SigningAlgorithm::Hs256, Algorithm::HS256),
            (SigningAlgorithm::Es256, Algorithm::ES256),
            (SigningAlgorithm::Rs256, Algorithm::RS256),
        ] {
            let service = world.service(registered, AuthMethod::Post, UserinfoFormat::Jwt, false).await;
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let answer = service.exchanges(&code).await;
            let token = answer.json()["id_token"].as_str().unwrap().to_owned();
            let identity = service.asks_identity(&access_token(&answer)).await;
            assert_eq!(identity.headers["content-type"], "application/jwt");
            for signed in [&token, &identity.body] {
                assert_eq!(decode_header(signed).unwrap().alg, algorithm);
                let key = match registered {
                    SigningAlgorithm::Hs256 => DecodingKey::from_secret(service.secret.as_bytes()),
                    _ => DecodingKey::from_jwk(&key_of(&service, signed).await).unwrap(),
                };
                verified(signed, algorithm, &key, &world, &service.client.id);
            }
        }
    }

    async fn b19_the_published_keys_are_public_strong_and_for_signing(world) {
        let rs = world.service(SigningAlgorithm::Rs256, AuthMethod::Post, UserinfoFormat::Json, false).await;
        world.plain_service().await;
        let set = rs.sends(|http, base| http.get(format!("{base}/jwks"))).await.json();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 2);
        for key in keys {
            let mut members: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
            members.sort_unstable();
            match key["kty"].as_str().unwrap() {
                "EC" => assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]),
                "RSA" => {
                    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
                    assert!(URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap().len() >= 384);
                }
                other => panic!("{other}"),
            }
            assert_eq!(key["use"], "sig");
        }
    }
}
