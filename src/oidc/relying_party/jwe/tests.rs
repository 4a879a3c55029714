use std::time::{Duration, Instant};

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;

/// What an independent implementation made: a private key, its name, and a token encrypted for it. Nobody uses these keys.
const VECTORS: &str = include_str!("vectors.json");

/// What its tokens hold.
const INSIDE: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleS0xIn0.eyJzdWIiOiJhIn0.AAAA";

fn vectors() -> Vec<(DecryptionKeys, Value)> {
    let read = |vector: Value| (DecryptionKeys::from_pem(&[vector["pem"].as_str().unwrap()]).unwrap().unwrap(), vector);
    serde_json::from_str::<Vec<Value>>(VECTORS).unwrap().into_iter().map(read).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// RFC 7518, Appendix C: Alice agrees on a key with Bob.
#[test]
fn rfc_7518_appendix_c() {
    let bob = PrivateKey::from_private_key(&ECDH_P256, &bytes("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw")).unwrap();
    let alice = point(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
    }));
    let key = agree(&bob, UnparsedPublicKey::new(&ECDH_P256, alice.unwrap()), (), |secret| {
        assert_eq!(secret[..4], [158, 86, 217, 29]);
        Ok(concat_kdf(secret, "A128GCM", 128, (b"Alice", b"Bob")))
    });
    assert_eq!(URL_SAFE_NO_PAD.encode(&key.unwrap()[..16]), "VqqN6vgjbSBcIijNcacQGg");
}

#[test]
fn what_another_implementation_encrypted_opens() {
    for (keys, vector) in vectors() {
        assert_eq!(open(vector["jwe"].as_str().unwrap(), &keys).unwrap(), INSIDE, "{}", vector["alg"]);
        let jwk = &keys.key_set()["keys"][0];
        assert_eq!((&jwk["kid"], &jwk["alg"]), (&vector["kid"], &vector["alg"]), "the thumbprint is the same");
    }
}

#[test]
fn every_character_counts() {
    for (keys, vector) in vectors() {
        let token = vector["jwe"].as_str().unwrap();
        for at in 0..token.len() {
            let mut altered = token.to_owned().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            assert!(open(&String::from_utf8(altered).unwrap(), &keys).is_err(), "{} at {at}", vector["alg"]);
        }
    }
}

/// D07: how long each refusal takes, at best of five: other work on the machine is not what is measured.
#[test]
fn d07_a_refusal_costs_less_than_50_milliseconds() {
    let header = |members: Value| URL_SAFE_NO_PAD.encode(members.to_string());
    for (keys, vector) in vectors() {
        let (kid, token) = (&vector["kid"], vector["jwe"].as_str().unwrap());
        let whole = |header: String| format!("{header}.{}", token.split_once('.').unwrap().1);
        let cases = [
            ("10 MB", "A".repeat(10_000_000)),
            ("10 MB of dots", ".".repeat(10_000_000)),
            ("a large content", format!("{}.A.A.{}.A", header(json!({})), "A".repeat(32_000))),
            ("RSA1_5", whole(header(json!({"alg": "RSA1_5", "enc": "A256GCM", "cty": "JWT", "kid": kid})))),
            ("dir", whole(header(json!({"alg": "dir", "enc": "A256GCM", "cty": "JWT", "kid": kid})))),
            (
                "PBES2",
                whole(header(json!({
                    "alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "cty": "JWT", "kid": kid, "p2c": 2_147_483_648_u64,
                    "p2s": "c2FsdA",
                }))),
            ),
            ("deep JSON", whole(URL_SAFE_NO_PAD.encode("[".repeat(20_000)))),
            ("wrong tag", token.replace(&token[token.len() - 22..], "AAAAAAAAAAAAAAAAAAAAAA")),
        ];
        for (name, token) in cases {
            let timed = |_| {
                let begun = Instant::now();
                assert!(open(&token, &keys).is_err(), "{name}");
                begun.elapsed()
            };
            let best = (0..5).map(timed).min().unwrap();
            assert!(best < Duration::from_millis(50), "{name}: {best:?}");
        }
    }
}

/// Whoever reads on after the length finds a key that nobody has.
#[test]
fn a_token_is_not_endless() {
    let header =
        URL_SAFE_NO_PAD.encode(json!({"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT", "kid": "x"}).to_string());
    let token = |length: usize| format!("{header}...{}.", "A".repeat(length - header.len() - 4));
    let (keys, _) = vectors().remove(0);
    assert_eq!(token(32_768).len(), 32_768);
    assert_eq!(open(&token(32_768), &keys), Err(Refused::Key));
    assert_eq!(open(&token(32_769), &keys), Err(Refused::Form));
}
