//! Fuzz targets of the relying party; CONTRIBUTING.md says how to run them for longer. The others are in `tests/it/fuzz.rs`.

#[path = "../../../tests/fuzz/input.rs"]
mod input;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::Value;

use super::jws::{Jws, Key, Vouched};
use super::userinfo::Userinfo;
use super::*;
use crate::domain::citizen::{Identity, PlaceCode};
use crate::oidc::keys::ec_jwk;
use input::{Choices, corpus, target};

const ISSUER: &str = "https://fc.example/api/v2";
const CLIENT: &str = "mandataire";
const NONCE: &str = "fedcba9876543210fedcba9876543210";
const SUBJECT: &str = "4c4c4c4cv1";
const NOW: i64 = 1_795_000_000;

/// What parsers look for.
const WORDS: [&str; 27] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "true",
    "1e400",
    "-0",
    "1795000031",
    "\\u0061",
    "\\ud800",
    "\\",
    ".",
    "=",
    "-",
    "\"alg\":\"none\",",
    "\"crit\":[],",
    "\"kid\":1,",
    "\"aud\":[\"mandataire\",\"x\"],",
    "\"sub\":\"x\",",
    "\"nonce\":\"\",",
    "\"exp\":0,",
    "\u{e9}",
    "\u{202e}",
];

fn relying_party() -> RelyingParty {
    let settings = Settings {
        name: "franceconnect".to_owned(),
        label: "FranceConnect".to_owned(),
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: "x".repeat(40).into(),
        secret_in_header: false,
        redirect_uri: "https://here.example/franceconnect/callback".to_owned(),
        post_logout_redirect_uri: "https://here.example/franceconnect/logged-out".to_owned(),
        scopes: vec!["openid".to_owned()],
        acr: "eidas1".to_owned(),
        algorithm: Algorithm::Es256,
        pkce: false,
        decryption: None,
        logout: true,
        patience: Patience::default(),
        development: false,
    };
    RelyingParty::new(settings, Clock::manual(now())).unwrap()
}

fn now() -> crate::domain::Instant {
    chrono::DateTime::from_timestamp(NOW, 0).unwrap()
}

fn pair() -> EcdsaKeyPair {
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, made.as_ref()).unwrap()
}

/// The token of a header and a payload, or of what stands for them, signed.
fn signed(by: &EcdsaKeyPair, message: &str) -> String {
    let signature = by.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn encoded(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// What is believed of an ID token is what it says, and it says that it is for us, now.
fn right_claims(rp: &RelyingParty, token: &str, vouched: &Vouched) {
    let Ok(claims) = rp.id_token_claims(token, vouched, NONCE) else { return };
    let said: Value = serde_json::from_slice(&vouched.payload).unwrap();
    assert_eq!((&said["iss"], &said["nonce"]), (&ISSUER.into(), &NONCE.into()));
    assert!(said["aud"] == CLIENT || said["aud"] == serde_json::json!([CLIENT]) || said["azp"] == CLIENT, "{said}");
    assert_eq!(said["sub"], claims.subject().as_str());
    let [exp, iat] = ["exp", "iat"].map(|name| said[name].as_f64().unwrap());
    let now = f64::from(u32::try_from(NOW).unwrap());
    assert!(exp > now - 31.0 && iat < now + 31.0 && iat > now - 301.0 && exp - iat < 601.0, "{said}");
    assert!(said["nbf"].as_f64().is_none_or(|nbf| nbf < now + 31.0), "{said}");
}

#[test]
fn signed_tokens() {
    let (rp, ours, other) = (relying_party(), pair(), pair());
    let mut jwk = ec_jwk(ours.public_key().as_ref()).unwrap();
    jwk["kid"] = "one".into();
    let verifying = DecodingKey::from_jwk(&serde_json::from_value(jwk.clone()).unwrap()).unwrap();
    let keys = [Key { published: serde_json::from_value(jwk).unwrap(), verifying }];
    let (headers, payloads) = (corpus("token_header"), corpus("id_token"));
    let genuine = signed(&ours, &encoded(&headers[0], &payloads[0]));
    let seeds = [genuine.clone().into_bytes(), signed(&other, &encoded(&headers[0], &payloads[0])).into_bytes()];
    let sound = Jws::parse(&genuine, Algorithm::Es256).unwrap();
    let vouched = Vouched { key: sound.vouched_by(&keys, Algorithm::Es256).unwrap(), payload: sound.payload };
    assert!(rp.id_token_claims(&genuine, &vouched, NONCE).is_ok(), "the first seeds are a good token");
    bolero::check!().for_each(target(|bytes| {
        let mut choices = Choices::new(bytes);
        let (token, by_us) = match choices.below(4) {
            0 => (String::from_utf8_lossy(&choices.input(&seeds, &WORDS)).into_owned(), false),
            1 => (choices.altered_inside(&genuine, &WORDS), false),
            by => {
                let message = encoded(&choices.input(&headers, &WORDS), &choices.input(&payloads, &WORDS));
                (signed(if by == 2 { &ours } else { &other }, &message), by == 2)
            }
        };
        let Ok(jws) = Jws::parse(&token, Algorithm::Es256) else { return };
        let Ok(key) = jws.vouched_by(&keys, Algorithm::Es256) else { return };
        assert!(by_us || genuine.starts_with(&format!("{}.", jws.signed)), "nothing verifies without the key: {token}");
        right_claims(&rp, &token, &Vouched { payload: jws.payload, key });
    }));
}

#[test]
fn encrypted_tokens() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("jwe/vectors.json")).unwrap();
    let text = |vector: &Value, name: &str| vector[name].as_str().unwrap().to_owned();
    let keys: Vec<_> =
        vectors.iter().map(|vector| DecryptionKeys::from_pem(&[text(vector, "pem")]).unwrap().unwrap()).collect();
    let tokens: Vec<String> = vectors.iter().map(|vector| text(vector, "jwe")).collect();
    let seeds: Vec<_> = tokens.iter().map(|token| token.clone().into_bytes()).collect();
    for (token, keys) in tokens.iter().zip(&keys) {
        assert!(jwe::open(token, keys).is_ok());
    }
    bolero::check!().for_each(target(|bytes| {
        let mut choices = Choices::new(bytes);
        let at = choices.below(tokens.len());
        let token = if choices.below(2) == 0 {
            String::from_utf8_lossy(&choices.input(&seeds, &WORDS)).into_owned()
        } else {
            choices.altered_inside(&tokens[at], &WORDS)
        };
        if jwe::open(&token, &keys[at]).is_ok() {
            assert_eq!(token, tokens[at], "every character of a token is authenticated");
        }
    }));
}

#[test]
fn identities() {
    let (rp, seeds) = (relying_party(), corpus("userinfo"));
    let sound: Userinfo = json::read(&seeds[0]).unwrap();
    assert!(rp.check(&sound, SUBJECT, now()).is_ok() && Identity::try_from(sound.into_claims()).is_ok());
    bolero::check!().for_each(target(|bytes| {
        let text = Choices::new(bytes).input(&seeds, &WORDS);
        let Ok(userinfo) = json::read::<Userinfo>(&text) else { return };
        let said: Value = serde_json::from_slice(&text).unwrap();
        if rp.check(&userinfo, SUBJECT, now()).is_ok() {
            assert_eq!((&said["iss"], &said["sub"]), (&ISSUER.into(), &SUBJECT.into()));
            assert!(said["aud"] == CLIENT || said["aud"] == serde_json::json!([CLIENT]), "{said}");
            assert!(said["nonce"].is_null() && said["events"].is_null(), "{said}");
        }
        let identity = match Identity::try_from(userinfo.into_claims()) {
            Ok(identity) => identity,
            Err(incomplete) => return assert!(incomplete.to_string().len() < 200, "{incomplete}"),
        };
        let whole = |name: &str, value: &str| assert_eq!(said[name], value, "{name} is what was sent, to the byte");
        whole("given_name", &identity.given_name);
        whole("family_name", &identity.family_name);
        whole("gender", identity.gender.as_str());
        whole("birthcountry", identity.birthcountry.as_str());
        whole("email", &identity.email);
        let partial = said["idp_birthdate"].as_str().is_some_and(|date| !date.is_empty());
        whole(if partial { "idp_birthdate" } else { "birthdate" }, identity.birthdate.as_str());
        identity.preferred_username.iter().for_each(|name| whole("preferred_username", name));
        identity.birthplace.iter().map(PlaceCode::as_str).for_each(|place| whole("birthplace", place));
        let names = [&identity.given_name, &identity.family_name, &identity.email];
        assert!(names.iter().all(|name| (1..=1_024).contains(&name.len()) && !name.contains(char::is_control)));
    }));
}
