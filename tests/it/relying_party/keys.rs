//! Which key may vouch for a token, and which never.

use chrono::TimeDelta;
use mandataire::oidc::relying_party::Algorithm;
use serde_json::{Value, json};

use super::World;
use crate::hostile::{Signer, base64url};

#[actix_web::test]
async fn d04_kid_unknown_however_strange() {
    let world = World::new();
    for kid in [json!("../../etc/passwd"), json!("' OR 1=1 --"), json!("x".repeat(10_000)), json!("key-2"), json!("")] {
        world.fc.id_token(move |token| token.header["kid"] = kid.clone());
        assert_eq!(world.refused().await, "refused_key");
    }
    world.fc.id_token(|token| token.header["kid"] = json!(["key-1"]));
    assert_eq!(world.refused().await, "refused_form");
    // The first answer, and one more for all those tokens together.
    assert_eq!(world.fc.seen("/jwks").len(), 2);
    world.clock.advance(TimeDelta::seconds(60));
    world.fc.id_token(|token| token.header["kid"] = json!("key-3"));
    assert_eq!(world.refused().await, "refused_key");
    assert_eq!(world.fc.seen("/jwks").len(), 3);
}

#[actix_web::test]
async fn d04_kid_absent_with_one_key_and_with_two() {
    let world = World::new();
    world.fc.id_token(|token| token.header = json!({"alg": "ES256"}));
    world.identify().await.unwrap();
    let world = World::new();
    let other = Signer::es256().jwk("key-2");
    world.fc.jwks(move |set| set["keys"].as_array_mut().unwrap().push(other.clone()));
    world.identify().await.unwrap();
    world.fc.id_token(|token| token.header = json!({"alg": "ES256"}));
    assert_eq!(world.refused().await, "refused_key");
}

#[actix_web::test]
async fn d04_kid_of_two_keys() {
    let world = World::new();
    let other = Signer::es256().jwk("key-1");
    world.fc.jwks(move |set| set["keys"].as_array_mut().unwrap().push(other.clone()));
    assert_eq!(world.refused().await, "refused_key");
}

#[actix_web::test]
async fn d09_keys_that_must_not_vouch() {
    let changes: [fn(&mut Value); 7] = [
        |key| key["use"] = json!("enc"),
        |key| key["alg"] = json!("ES384"),
        |key| key["alg"] = json!("ECDH-ES"),
        |key| key["d"] = key["x"].clone(),
        |key| key["kty"] = json!("RSA"),
        |key| *key = json!({"kty": "oct", "kid": "key-1", "k": "AAAA", "alg": "HS256"}),
        |key| *key = json!("key-1"),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let world = World::new();
        world.fc.jwks(move |set| change(&mut set["keys"][0]));
        assert_eq!(world.refused().await, "unavailable_no_key", "change {at}");
    }
}

#[actix_web::test]
async fn d09_rsa_keys_too_short() {
    // 2047 bits, 1024 bits, and 1024 bits behind zeros.
    let moduli = [[&[0x7f][..], &[0xff; 255]].concat(), vec![0xff; 128], [&[0; 128][..], &[0xff; 128]].concat()];
    for modulus in moduli {
        let world = World::with(|settings| settings.algorithm = Algorithm::Rs256);
        world.fc.jwks(move |set| set["keys"][0]["n"] = json!(base64url(&modulus)));
        assert_eq!(world.refused().await, "unavailable_no_key");
    }
}

#[actix_web::test]
async fn d09_a_bad_key_does_not_hide_the_good_one() {
    let world = World::new();
    world.fc.jwks(|set| {
        let keys = set["keys"].as_array_mut().unwrap();
        keys.insert(0, json!({"kty": "oct", "kid": "key-1", "k": "AAAA"}));
        keys.insert(0, json!({"kty": "unheard-of", "kid": "key-1"}));
        keys.insert(0, json!({"kty": "EC", "crv": "P-256", "use": "enc", "kid": "key-1", "x": "AA", "y": "AA"}));
    });
    world.identify().await.unwrap();
}
