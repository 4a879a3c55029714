//! A provider that encrypts its tokens for us, as FranceConnect+ does: what opens, and what is refused before it costs anything.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mandataire::oidc::relying_party::DecryptionKeys;
use serde_json::{Value, json};

use super::World;
use crate::hostile::{Jwe, Recipient, Token, base64url};

/// A world whose platform encrypts for `recipient`.
fn encrypting(recipient: &Recipient) -> World {
    let world = World::with(|settings| settings.decryption = Some(recipient.keys.clone()));
    let sealing = recipient.clone();
    world.fc.seal(move |_, token| sealing.seal(&token));
    world
}

/// Each alteration, of the ID token and then of the userinfo, ends with `expected`, at once.
async fn both_refuse(recipient: &Recipient, alterations: &[fn(&mut Jwe)], expected: &str) {
    let world = encrypting(recipient);
    for (at, alter) in alterations.iter().copied().enumerate() {
        for altered in [Token::Id, Token::Userinfo] {
            let sealing = recipient.clone();
            world.fc.seal(move |which, token| {
                sealing.seal_with(&token, |jwe| {
                    if which == altered {
                        alter(jwe);
                    }
                })
            });
            assert_eq!(world.refused().await, expected, "{altered:?}, alteration {at}");
        }
    }
    let sealing = recipient.clone();
    world.fc.seal(move |_, token| sealing.seal(&token));
    world.identify().await.unwrap();
}

fn set(jwe: &mut Jwe, name: &str, value: Value) {
    jwe.header[name] = value;
}

#[actix_web::test]
async fn encrypted_tokens_open_with_either_kind_of_key() {
    for recipient in [Recipient::ec(), Recipient::rsa()] {
        let world = encrypting(&recipient);
        let identified = world.identify().await.unwrap();
        assert_eq!(identified.identity.family_name, "DUBOIS");
        assert_eq!(identified.id_token.split('.').count(), 3, "the hint of a sign-out is the token inside");
        world.rp.logout_url(&identified.id_token, "a state").await.unwrap();
    }
}

#[actix_web::test]
async fn a_token_without_a_key_name_is_for_the_only_key() {
    let recipient = Recipient::ec();
    let world = encrypting(&recipient);
    let nameless = recipient.clone();
    world.fc.seal(move |_, token| {
        nameless.seal_with(&token, |jwe| drop(jwe.header.as_object_mut().unwrap().remove("kid")))
    });
    world.identify().await.unwrap();
    let both = DecryptionKeys::from_pem(&[&Recipient::ec().pem, &recipient.pem]).unwrap();
    let two = World::with(|settings| settings.decryption = both);
    two.fc.seal(move |_, token| {
        recipient.seal_with(&token, |jwe| drop(jwe.header.as_object_mut().unwrap().remove("kid")))
    });
    assert_eq!(two.refused().await, "refused_key");
}

#[actix_web::test]
async fn a_key_put_second_still_opens_and_is_no_longer_published() {
    let (old, new) = (Recipient::ec(), Recipient::ec());
    let both = DecryptionKeys::from_pem(&[&new.pem, &old.pem]).unwrap().unwrap();
    assert_eq!(both.key_set(), json!({"keys": [new.jwk]}));
    let world = World::with(|settings| settings.decryption = Some(both));
    for recipient in [old, new] {
        world.fc.seal(move |_, token| recipient.seal(&token));
        world.identify().await.unwrap();
    }
}

#[test]
fn what_is_published_is_the_public_part_only() {
    for (recipient, alg) in [(Recipient::ec(), "ECDH-ES"), (Recipient::rsa(), "RSA-OAEP-256")] {
        let jwk = recipient.jwk.as_object().unwrap();
        assert_eq!((jwk["use"].as_str(), jwk["alg"].as_str()), (Some("enc"), Some(alg)));
        let mut names: Vec<_> = jwk.keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected: &[&str] = match alg {
            "ECDH-ES" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            _ => &["alg", "e", "kid", "kty", "n", "use"],
        };
        assert_eq!(names, expected);
        assert_eq!(format!("{:?}", recipient.keys), format!("[{}]", jwk["kid"]));
    }
}

#[test]
fn keys_that_cannot_work_are_refused_at_the_start() {
    let (ec, rsa) = (Recipient::ec().pem, Recipient::rsa().pem);
    for texts in [
        vec![ec.as_str(), &rsa],
        vec![""],
        vec!["-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
        vec![&ec, "x"],
    ] {
        assert_eq!(DecryptionKeys::from_pem(&texts).unwrap_err().code(), "settings", "{}", texts.len());
    }
    assert!(DecryptionKeys::from_pem::<&str>(&[]).unwrap().is_none());
}

#[actix_web::test]
async fn a_token_is_encrypted_where_that_was_agreed_and_nowhere_else() {
    let recipient = Recipient::ec();
    for plain in [Token::Id, Token::Userinfo] {
        let (world, sealing) = (encrypting(&recipient), recipient.clone());
        world.fc.seal(move |which, token| if which == plain { token } else { sealing.seal(&token) });
        assert_eq!(world.refused().await, "refused_not_encrypted", "{plain:?}");
    }
    for encrypted in [Token::Id, Token::Userinfo] {
        let (world, sealing) = (World::new(), recipient.clone());
        world.fc.seal(move |which, token| if which == encrypted { sealing.seal(&token) } else { token });
        assert_eq!(world.refused().await, "refused_form", "{encrypted:?}");
    }
}

#[actix_web::test]
async fn d07_other_key_managements() {
    let others: [fn(&mut Jwe); 10] = [
        |jwe| set(jwe, "alg", json!("RSA1_5")),
        |jwe| set(jwe, "alg", json!("RSA-OAEP")),
        |jwe| set(jwe, "alg", json!("dir")),
        |jwe| set(jwe, "alg", json!("A256KW")),
        |jwe| set(jwe, "alg", json!("A256GCMKW")),
        |jwe| set(jwe, "alg", json!("ECDH-ES+A256KW")),
        |jwe| set(jwe, "alg", json!("PBES2-HS512+A256KW")),
        |jwe| set(jwe, "alg", json!("none")),
        |jwe| set(jwe, "enc", json!("A128CBC-HS256")),
        |jwe| set(jwe, "enc", json!("A128GCM")),
    ];
    both_refuse(&Recipient::ec(), &others, "refused_algorithm").await;
    both_refuse(&Recipient::rsa(), &others, "refused_algorithm").await;
    both_refuse(&Recipient::ec(), &[|jwe| set(jwe, "alg", json!("RSA-OAEP-256"))], "refused_algorithm").await;
    both_refuse(&Recipient::rsa(), &[|jwe| set(jwe, "alg", json!("ECDH-ES"))], "refused_algorithm").await;
}

#[actix_web::test]
async fn d07_headers_that_cost_or_change_the_meaning() {
    let dangerous: [fn(&mut Jwe); 15] = [
        |jwe| {
            set(jwe, "alg", json!("PBES2-HS512+A256KW"));
            set(jwe, "p2c", json!(2_147_483_648_u64));
            set(jwe, "p2s", json!("c2FsdA"));
        },
        |jwe| set(jwe, "p2c", json!(1)),
        |jwe| set(jwe, "zip", json!("DEF")),
        |jwe| set(jwe, "crit", json!(["exp"])),
        |jwe| set(jwe, "crit", json!([])),
        |jwe| set(jwe, "b64", json!(false)),
        |jwe| set(jwe, "jku", json!("http://127.0.0.1/jwks")),
        |jwe| set(jwe, "jwk", json!({})),
        |jwe| set(jwe, "x5c", json!([])),
        |jwe| set(jwe, "cty", json!("text/plain")),
        |jwe| drop(jwe.header.as_object_mut().unwrap().remove("cty")),
        |jwe| set(jwe, "typ", json!("at+jwt")),
        |jwe| set(jwe, "kid", json!(5)),
        |jwe| set(jwe, "apu", json!(5)),
        |jwe| set(jwe, "apv", json!("not base64url!")),
    ];
    both_refuse(&Recipient::ec(), &dangerous, "refused_form").await;
}

#[actix_web::test]
async fn d07_keys_of_the_other_side_that_are_none() {
    let wrong: [fn(&mut Jwe); 9] = [
        |jwe| drop(jwe.header.as_object_mut().unwrap().remove("epk")),
        |jwe| set(jwe, "epk", json!("x")),
        |jwe| jwe.header["epk"]["crv"] = json!("P-384"),
        |jwe| jwe.header["epk"]["kty"] = json!("OKP"),
        |jwe| jwe.header["epk"]["d"] = json!("AAAA"),
        |jwe| jwe.header["epk"]["x"] = json!("AAAA"),
        |jwe| jwe.header["epk"]["y"] = Value::Null,
        |jwe| jwe.header["epk"]["x"] = json!(format!("{}=", jwe.header["epk"]["x"].as_str().unwrap())),
        |jwe| jwe.wrapped = vec![1; 40],
    ];
    both_refuse(&Recipient::ec(), &wrong, "refused_form").await;
    let off_the_curve: [fn(&mut Jwe); 3] = [
        |jwe| jwe.header["epk"]["x"] = jwe.header["epk"]["y"].clone(),
        |jwe| {
            let zero = "A".repeat(43);
            jwe.header["epk"] = json!({"kty": "EC", "crv": "P-256", "x": zero, "y": zero});
        },
        |jwe| {
            // Not a residue modulo the prime of the field.
            let large = format!("{}8", "_".repeat(42));
            jwe.header["epk"] = json!({"kty": "EC", "crv": "P-256", "x": large, "y": large});
        },
    ];
    both_refuse(&Recipient::ec(), &off_the_curve, "refused_decryption").await;
}

#[actix_web::test]
async fn d07_what_was_altered_does_not_open() {
    let altered: [fn(&mut Jwe); 5] = [
        |jwe| jwe.content_key = vec![1; 32],
        |jwe| set(jwe, "apu", json!("QW5vdGhlcg")),
        |jwe| jwe.spelled = |text| replaced(&text, 2),
        |jwe| jwe.spelled = |text| replaced(&text, 3),
        |jwe| jwe.spelled = |text| replaced(&text, 4),
    ];
    both_refuse(&Recipient::ec(), &altered, "refused_decryption").await;
    let wrapped: [fn(&mut Jwe); 2] = [|jwe| jwe.wrapped[100] ^= 1, |jwe| jwe.content_key[0] ^= 1];
    both_refuse(&Recipient::rsa(), &wrapped, "refused_decryption").await;
    both_refuse(&Recipient::rsa(), &[|jwe| jwe.wrapped.truncate(255), |jwe| jwe.wrapped.clear()], "refused_form").await;
    both_refuse(&Recipient::ec(), &[|jwe| set(jwe, "kid", json!("another"))], "refused_key").await;
}

#[actix_web::test]
async fn d07_the_header_is_authenticated_as_it_was_spelled() {
    let recipient = Recipient::ec();
    let world = encrypting(&recipient);
    // A member that means nothing is ignored, if it was there when the token was made.
    let sealing = recipient.clone();
    world.fc.seal(move |_, token| sealing.seal_with(&token, |jwe| set(jwe, "x", json!("y"))));
    world.identify().await.unwrap();
    world.fc.seal(move |_, token| {
        let text = recipient.seal(&token);
        let (header, rest) = text.split_once('.').unwrap();
        let mut header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        header["x"] = json!("y");
        format!("{}.{rest}", base64url(header.to_string().as_bytes()))
    });
    assert_eq!(world.refused().await, "refused_decryption");
}

/// The same text with the first character of one of its parts replaced.
fn replaced(text: &str, part: usize) -> String {
    let mut parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let other = if parts[part].starts_with('A') { "B" } else { "A" };
    parts[part].replace_range(..1, other);
    parts.join(".")
}

#[actix_web::test]
async fn d07_spellings_that_are_not_the_one() {
    let spellings: [fn(&mut Jwe); 8] = [
        |jwe| jwe.spelled = |text| format!("{text}="),
        |jwe| jwe.spelled = |text| format!(" {text}"),
        |jwe| jwe.spelled = |text| format!("{text}."),
        |jwe| jwe.spelled = |text| text.replacen('.', "", 1),
        |jwe| jwe.spelled = |text| text.rsplit_once('.').unwrap().0.to_owned() + ".AAAA",
        |jwe| jwe.iv = vec![7; 16],
        |jwe| jwe.iv = Vec::new(),
        |jwe| jwe.spelled = |_| "....".to_owned(),
    ];
    both_refuse(&Recipient::ec(), &spellings, "refused_form").await;
}

#[actix_web::test]
async fn d07_a_token_within_a_token_within_a_token() {
    let recipient = Recipient::ec();
    let world = encrypting(&recipient);
    let sealing = recipient.clone();
    world.fc.seal(move |_, token| sealing.seal(&sealing.seal(&token)));
    assert_eq!(world.refused().await, "refused_form");
    for inside in ["", "no token", "\u{fffd}", "a.b.c.d.e"] {
        let sealing = recipient.clone();
        world.fc.seal(move |_, _| sealing.seal(inside));
        assert_eq!(world.refused().await, "refused_form", "{inside}");
    }
    // Encrypting proves nothing about who did it: anybody may use a public key.
    let sealing = recipient.clone();
    world.fc.seal(move |_, token| sealing.seal(&replaced(&token, 2)));
    assert_eq!(world.refused().await, "refused_signature");
}

/// Whatever is sent, however large, is refused quickly.
#[actix_web::test]
async fn d07_large_tokens_cost_nothing() {
    let recipient = Recipient::rsa();
    let world = encrypting(&recipient);
    let large: [fn(&Recipient, &str) -> String; 4] = [
        |recipient, _| recipient.seal(&"x".repeat(100_000)),
        |_, _| ".".repeat(200_000),
        |_, _| format!("{}....", "A".repeat(200_000)),
        |recipient, token| recipient.seal_with(token, |jwe| jwe.wrapped = vec![1; 100_000]),
    ];
    for (at, make) in large.into_iter().enumerate() {
        let sealing = recipient.clone();
        world.fc.seal(move |_, token| make(&sealing, &token));
        let begun = Instant::now();
        assert_eq!(world.refused().await, "refused_form", "{at}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{at}: {:?}", begun.elapsed());
    }
    world.fc.seal(|_, _| "x".repeat(10_000_000));
    assert_eq!(world.refused().await, "unavailable_too_large");
}
