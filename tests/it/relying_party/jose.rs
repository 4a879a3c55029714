//! Attacks on the signatures of the two tokens.

use std::time::{Duration, Instant};

use mandataire::oidc::relying_party::Algorithm;
use serde_json::{Value, json};

use super::World;
use crate::hostile::{Hostile, Jwt, Signer, base64url};

/// Each alteration, in the ID token and then in the userinfo, must end with `expected`.
async fn both_refuse(world: &World, alterations: &[fn(&mut Jwt)], expected: &str) {
    for (at, alter) in alterations.iter().copied().enumerate() {
        world.fc.id_token(alter);
        assert_eq!(world.refused().await, expected, "ID token, alteration {at}");
        world.fc.id_token(|_| ());
        world.fc.userinfo(alter);
        assert_eq!(world.refused().await, expected, "userinfo, alteration {at}");
        world.fc.userinfo(|_| ());
    }
    world.identify().await.unwrap();
}

/// The same for an alteration that holds something.
async fn both_refuse_signer(world: &World, signer: Signer, alg: &'static str, expected: &str) {
    let (first, second) = (signer.clone(), signer);
    let sign = move |token: &mut Jwt, signer: &Signer| {
        token.signer = signer.clone();
        token.header["alg"] = json!(alg);
    };
    world.fc.id_token(move |token| sign(token, &first));
    assert_eq!(world.refused().await, expected);
    world.fc.id_token(|_| ());
    world.fc.userinfo(move |token| sign(token, &second));
    assert_eq!(world.refused().await, expected);
    world.fc.userinfo(|_| ());
}

#[actix_web::test]
async fn d01_alg_none_in_any_spelling() {
    let world = World::new();
    let unsigned = |alg: &'static str| {
        move |token: &mut Jwt| {
            token.header["alg"] = json!(alg);
            token.signer = Signer::Fixed(Vec::new());
        }
    };
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        world.fc.id_token(unsigned(alg));
        assert_eq!(world.refused().await, "refused_algorithm", "{alg}");
    }
    world.fc.id_token(|_| ());
    world.fc.userinfo(unsigned("none"));
    assert_eq!(world.refused().await, "refused_algorithm");
    world.fc.userinfo(|_| ());
    both_refuse(&world, &[|token| token.signer = Signer::Fixed(Vec::new())], "refused_signature").await;
}

#[actix_web::test]
async fn d02_hs256_with_the_public_key_or_the_secret() {
    let world = World::new();
    let jwk = world.fc.signer().jwk("key-1");
    let mut point = vec![4];
    point.extend_from_slice(jwk["x"].as_str().unwrap().as_bytes());
    for secret in [jwk.to_string().into_bytes(), point, crate::hostile::SECRET.as_bytes().to_vec()] {
        both_refuse_signer(&world, Signer::Hs256(secret.clone()), "HS256", "refused_algorithm").await;
        both_refuse_signer(&world, Signer::Hs256(secret), "ES256", "refused_signature").await;
    }
}

#[actix_web::test]
async fn d02_another_algorithm_of_the_same_platform() {
    let world = World::new();
    both_refuse_signer(&world, Signer::rs256(), "RS256", "refused_algorithm").await;
    let rs256 = World::with(|settings| settings.algorithm = Algorithm::Rs256);
    both_refuse_signer(&rs256, Signer::es256(), "ES256", "refused_algorithm").await;
    both_refuse_signer(&rs256, Signer::rs256(), "RS256", "refused_signature").await;
    both_refuse_signer(&rs256, rs256.fc.signer(), "PS256", "refused_algorithm").await;
}

#[actix_web::test]
async fn d03_signatures_of_zeros_in_der_or_cut() {
    let world = World::new();
    let der = world.fc.signer().der();
    for wrong in [Signer::Fixed(vec![0; 64]), Signer::Fixed(vec![0xff; 64]), Signer::Fixed(vec![0; 63]), der] {
        both_refuse_signer(&world, wrong, "ES256", "refused_signature").await;
    }
}

#[actix_web::test]
async fn d03_key_of_another_curve() {
    let world = World::new();
    world.fc.jwks(|set| set["keys"][0]["crv"] = json!("P-384"));
    assert_eq!(world.refused().await, "unavailable_no_key");
}

#[actix_web::test]
async fn d05_keys_named_by_the_token_itself() {
    let world = World::new();
    let elsewhere = Hostile::start(&world.clock, Signer::es256());
    let forger = elsewhere.signer();
    let headers = [
        json!({"jku": format!("{}/jwks", elsewhere.issuer)}),
        json!({"x5u": format!("{}/x5u", elsewhere.issuer)}),
        json!({"jwk": forger.jwk("key-1")}),
        json!({"x5c": ["MIIB"]}),
    ];
    for header in headers {
        let (forger, Value::Object(header)) = (forger.clone(), header) else { continue };
        world.fc.id_token(move |token| {
            token.signer = forger.clone();
            token.header.as_object_mut().unwrap().extend(header.clone());
        });
        assert_eq!(world.refused().await, "refused_form");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[actix_web::test]
async fn d06_extensions_that_change_the_meaning() {
    let world = World::new();
    let wrong: [fn(&mut Jwt); 8] = [
        |token| token.header["crit"] = json!(["exp"]),
        |token| token.header["crit"] = Value::Null,
        |token| token.header["b64"] = json!(false),
        |token| token.header["zip"] = json!("DEF"),
        |token| token.header["cty"] = json!("JWT"),
        |token| token.header["typ"] = json!("logout+jwt"),
        |token| token.header["typ"] = json!("at+jwt"),
        |token| token.header["typ"] = Value::Null,
    ];
    both_refuse(&world, &wrong, "refused_form").await;
    world.fc.id_token(|token| token.header["typ"] = json!("JWT"));
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn d06_repeated_members() {
    let world = World::new();
    let repeated = |value: &Value, name: &str| {
        let twice = format!("{{{}:{},", json!(name), value[name]);
        Some(value.to_string().replacen('{', &twice, 1))
    };
    for name in ["alg", "kid"] {
        world.fc.id_token(move |token| token.header_text = repeated(&token.header, name));
        assert_eq!(world.refused().await, "refused_form", "{name}");
    }
    for name in ["iss", "sub", "nonce", "auth_time", "exp"] {
        world.fc.id_token(move |token| token.payload_text = repeated(&token.payload, name));
        assert_eq!(world.refused().await, "refused_form", "{name}");
    }
    world.fc.id_token(|_| ());
    for name in ["sub", "family_name", "aud"] {
        world.fc.userinfo(move |token| token.payload_text = repeated(&token.payload, name));
        assert_eq!(world.refused().await, "refused_form", "{name}");
    }
    world.fc.userinfo(|token| token.payload_text = Some(r#"{"other":{"a":1,"a":2}}"#.into()));
    assert_eq!(world.refused().await, "refused_form");
}

#[actix_web::test]
async fn d06_other_spellings_of_the_same_token() {
    let world = World::new();
    let wrong: [fn(&mut Jwt); 8] = [
        |token| token.spelled = |text| format!("{text}="),
        |token| token.spelled = |text| format!("{text}."),
        |token| token.spelled = |text| format!("{text}\n"),
        |token| token.spelled = |text| format!(" {text}"),
        |token| token.spelled = |text| text.replacen('.', "..", 1),
        |token| token.spelled = |text| format!(".{text}"),
        |token| token.spelled = |text| format!("{text}.."),
        // 64 bytes leave four bits in the last character: they must be zero.
        |token| {
            token.spelled = |mut text| {
                const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
                let last = ALPHABET.find(text.pop().unwrap()).unwrap();
                text.push(ALPHABET.chars().nth(last + 1).unwrap());
                text
            }
        },
    ];
    both_refuse(&world, &wrong, "refused_form").await;
}

#[actix_web::test]
async fn d06_content_that_is_no_json_object() {
    let world = World::new();
    let wrong: [fn(&mut Jwt); 4] = [
        |token| token.payload_text = Some(String::new()),
        |token| token.payload_text = Some("[]".into()),
        |token| token.payload_text = Some("[".repeat(50_000)),
        |token| token.header_text = Some("\"ES256\"".into()),
    ];
    both_refuse(&world, &wrong, "refused_form").await;
}

#[actix_web::test]
async fn d07_encrypted_tokens() {
    let world = World::new();
    world.identify().await.unwrap();
    let headers = [
        json!({"alg": "RSA1_5", "enc": "A256GCM"}),
        json!({"alg": "dir", "enc": "A256GCM"}),
        json!({"alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 2_147_483_648_u64, "p2s": "AAAA"}),
        json!({"alg": "ECDH-ES", "enc": "A256GCM", "epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}}),
        json!({"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT"}),
        json!({"alg": "ES256", "enc": "A256GCM"}),
    ];
    for header in headers {
        let jwe = format!("{}.AA.AA.{}.AA", base64url(header.to_string().as_bytes()), base64url(&vec![b'A'; 100_000]));
        world.fc.token(move |answer| answer["id_token"] = json!(jwe));
        let begun = Instant::now();
        assert_eq!(world.refused().await, "refused_form", "{header}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    world.fc.token(|answer| answer["id_token"] = json!("A".repeat(10_000_000)));
    assert_eq!(world.refused().await, "unavailable_too_large");
}

#[actix_web::test]
async fn d08_an_id_token_as_userinfo_and_the_other_way() {
    let world = World::new();
    let id_token = world.identify().await.unwrap().id_token;
    world.fc.reply(move |path, reply| {
        if path == "/userinfo" {
            reply.body = id_token.clone().into_bytes();
        }
    });
    assert_eq!(world.refused().await, "refused_not_userinfo");
    let world = World::new();
    world.fc.id_token(|token| {
        let claims = token.payload.as_object_mut().unwrap();
        claims.remove("nonce");
        claims.remove("acr");
    });
    assert_eq!(world.refused().await, "refused_nonce");
}

#[actix_web::test]
async fn d08_a_logout_token_as_userinfo() {
    let world = World::new();
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    world.fc.userinfo(move |token| token.payload["events"] = event.clone());
    assert_eq!(world.refused().await, "refused_not_userinfo");
}
