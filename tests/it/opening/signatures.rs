//! Tokens whose signature must not be believed, at the counter: the opening stops, nobody is identified, one entry says why. What each
//! one changes in detail is in `tests/it/relying_party/jose.rs` and `keys.rs`.

use mandataire::domain::event::Kind;
use mandataire::oidc::relying_party::{Patience, Settings};
use serde_json::{Value, json};

use super::refusing::{Case, are_refused, each_is_refused};
use crate::hostile::{Hostile, Jwe, Jwt, Recipient, Reply, Signer, base64url};
use crate::on_each_backend;

/// An ID token without a signature.
fn unsigned(fc: &Hostile, algorithm: &'static str) {
    fc.id_token(move |token| {
        token.header["alg"] = json!(algorithm);
        token.signer = Signer::Fixed(Vec::new());
    });
}

/// An ID token with this signature, and the algorithm it claims.
fn signed(fc: &Hostile, signer: Signer, algorithm: &'static str) {
    fc.id_token(move |token| {
        token.header["alg"] = json!(algorithm);
        token.signer = signer.clone();
    });
}

/// A header of the ID token.
fn header(fc: &Hostile, name: &'static str, value: Value) {
    fc.id_token(move |token| token.header[name] = value.clone());
}

/// The compact text in another spelling.
fn spelt(fc: &Hostile, spelled: fn(String) -> String) {
    fc.id_token(move |token| token.spelled = spelled);
}

/// Another key signs from now on, and is published like this.
fn publishes(fc: &Hostile, change: fn(&mut Value)) {
    fc.rotate(Signer::es256());
    fc.jwks(move |set| change(&mut set["keys"][0]));
}

/// Another key signs from now on, and the set of keys is answered like this.
fn unpublished(fc: &Hostile, change: fn(&mut Reply)) {
    fc.rotate(Signer::es256());
    fc.reply(move |path, reply| {
        if path == "/jwks" {
            change(reply);
        }
    });
}

fn public_key(fc: &Hostile) -> Vec<u8> {
    fc.signer().jwk("key-1").to_string().into_bytes()
}

fn repeated(token: &mut Jwt) {
    token.payload_text = Some(token.payload.to_string().replacen('{', "{\"nonce\":\"x\",", 1));
}

const D01: &[Case] = &[
    (|fc| unsigned(fc, "none"), "refused_algorithm"),
    (|fc| unsigned(fc, "None"), "refused_algorithm"),
    (|fc| unsigned(fc, "nOnE"), "refused_algorithm"),
    (|fc| unsigned(fc, "ES256"), "refused_signature"),
    (|fc| fc.userinfo(|token| token.header["alg"] = json!("none")), "refused_algorithm"),
];

const D02: &[Case] = &[
    (|fc| signed(fc, Signer::Hs256(public_key(fc)), "HS256"), "refused_algorithm"),
    (|fc| signed(fc, Signer::Hs256(public_key(fc)), "ES256"), "refused_signature"),
    (|fc| signed(fc, Signer::Hs256(crate::hostile::SECRET.as_bytes().to_vec()), "HS256"), "refused_algorithm"),
];

const D03: &[Case] = &[
    (|fc| signed(fc, Signer::Fixed(vec![0; 64]), "ES256"), "refused_signature"),
    (|fc| signed(fc, fc.signer().der(), "ES256"), "refused_signature"),
    (|fc| signed(fc, Signer::Fixed(vec![0xff; 64]), "ES256"), "refused_signature"),
];

const D04: &[Case] = &[
    (|fc| header(fc, "kid", json!("../../etc/passwd")), "refused_key"),
    (|fc| header(fc, "kid", json!("' or 1=1 --")), "refused_key"),
    (|fc| header(fc, "kid", json!("x".repeat(10_000))), "refused_key"),
    (|fc| header(fc, "kid", json!(["key-1"])), "refused_form"),
];

const D05: &[Case] = &[
    (|fc| header(fc, "jku", json!("http://127.0.0.1:1/jwks")), "refused_form"),
    (|fc| header(fc, "x5u", json!("http://127.0.0.1:1/x5u")), "refused_form"),
    (|fc| header(fc, "x5c", json!(["MIIB"])), "refused_form"),
    (|fc| header(fc, "jwk", Signer::es256().jwk("key-1")), "refused_form"),
];

const D06: &[Case] = &[
    (|fc| header(fc, "crit", json!(["exp"])), "refused_form"),
    (|fc| header(fc, "b64", json!(false)), "refused_form"),
    (|fc| header(fc, "zip", json!("DEF")), "refused_form"),
    (|fc| fc.id_token(repeated), "refused_form"),
    (|fc| spelt(fc, |text| format!("{text}=")), "refused_form"),
    (|fc| spelt(fc, |text| format!(" {text}")), "refused_form"),
    (|fc| spelt(fc, |text| format!("{text}.")), "refused_form"),
    (|fc| spelt(fc, |text| format!("{text}..")), "refused_form"),
];

const D08: &[Case] = &[
    (
        |fc| {
            fc.userinfo(|token| {
                token.payload["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
            });
        },
        "refused_not_userinfo",
    ),
    (|fc| fc.userinfo(|token| token.payload["nonce"] = json!("a nonce")), "refused_not_userinfo"),
    (|fc| fc.id_token(|token| drop(token.payload.as_object_mut().unwrap().remove("nonce"))), "refused_nonce"),
];

const D09: &[Case] = &[
    (|fc| publishes(fc, |key| key["use"] = json!("enc")), "refused_signature"),
    (|fc| publishes(fc, |key| key["alg"] = json!("ES384")), "refused_signature"),
    (|fc| publishes(fc, |key| key["d"] = key["x"].clone()), "refused_signature"),
    (
        |fc| publishes(fc, |key| *key = json!({"kty": "oct", "kid": "key-1", "k": "AAAA", "alg": "HS256"})),
        "refused_signature",
    ),
    (
        |fc| {
            publishes(fc, |key| {
                *key = json!({"kty": "RSA", "kid": "key-1", "e": "AQAB", "n": base64url(&[0xff; 128])});
            });
        },
        "refused_signature",
    ),
];

/// A key that nobody published yet signs, and the answers that could publish it are none: what is known goes on being believed alone.
const D10: &[Case] = &[
    (|fc| unpublished(fc, |reply| reply.body = vec![b' '; 10_000_000]), "refused_signature"),
    (|fc| unpublished(fc, |reply| reply.body = b"<html>".to_vec()), "refused_signature"),
    (|fc| unpublished(fc, |reply| reply.headers.push(("content-encoding", "gzip".to_owned()))), "refused_signature"),
    (
        |fc| {
            unpublished(fc, |reply| {
                reply.status = 302;
                reply.headers = vec![("location", "http://169.254.169.254/".to_owned())];
            });
        },
        "refused_signature",
    ),
];

/// What is done to an encrypted token.
type Alteration = fn(&mut Jwe);

/// How an encrypted token is altered, and the word for it.
const D07: [(Alteration, &str); 9] = [
    (|jwe| jwe.header["alg"] = json!("RSA1_5"), "refused_algorithm"),
    (|jwe| jwe.header["alg"] = json!("dir"), "refused_algorithm"),
    (
        |jwe| {
            jwe.header["alg"] = json!("PBES2-HS512+A256KW");
            jwe.header["p2c"] = json!(2_147_483_648_u64);
        },
        "refused_form",
    ),
    (
        |jwe| {
            let zero = "A".repeat(43);
            jwe.header["epk"] = json!({"kty": "EC", "crv": "P-256", "x": zero, "y": zero});
        },
        "refused_decryption",
    ),
    (|jwe| jwe.header["zip"] = json!("DEF"), "refused_form"),
    (|jwe| jwe.spelled = |text| format!("{text}."), "refused_form"),
    (|jwe| jwe.spelled = |_| ".".repeat(200_000), "refused_form"),
    (|jwe| jwe.spelled = |_| "A".repeat(10_000_000), "unavailable_too_large"),
    (|jwe| jwe.spelled = |_| "a.b.c".to_owned(), "refused_not_encrypted"),
];

on_each_backend! {
    async fn d01_a_token_that_nobody_signed_stops_the_opening(world) {
        are_refused(world, D01).await;
    }

    async fn d02_a_public_key_as_a_secret_stops_the_opening(world) {
        are_refused(world, D02).await;
    }

    async fn d03_a_signature_that_is_none_stops_the_opening(world) {
        are_refused(world, D03).await;
    }

    async fn d04_a_key_that_nobody_published_stops_the_opening(world) {
        are_refused(world, D04).await;
    }

    async fn d05_a_key_that_the_token_names_itself_stops_the_opening(world) {
        are_refused(world, D05).await;
    }

    async fn d06_a_token_in_another_spelling_stops_the_opening(world) {
        are_refused(world, D06).await;
    }

    /// FranceConnect encrypts its tokens for us: those that would cost, or mean something else, are refused at the counter too, and soon.
    async fn d07_an_encrypted_token_that_costs_stops_the_opening(world) {
        let (fc, ours) = (Hostile::start(&world.clock, Signer::es256()), Recipient::ec());
        let encrypted = |_: &str, settings: &mut Settings| settings.decryption = Some(ours.keys.clone());
        let patience = Patience { outages: u32::MAX, ..Patience::default() };
        let world = world.with_providers(&[("franceconnect", &fc)], patience, encrypted).await;
        let cases = D07.map(|(alter, reason)| {
            let ours = ours.clone();
            let wrong = move |fc: &Hostile| {
                let ours = ours.clone();
                fc.seal(move |_, token| ours.seal_with(&token, alter));
            };
            (wrong, reason)
        });
        let honest = |fc: &Hostile| {
            let ours = ours.clone();
            fc.seal(move |_, token| ours.seal(&token));
        };
        let begun = std::time::Instant::now();
        each_is_refused(&world, &fc, &cases, honest).await;
        assert!(begun.elapsed() < std::time::Duration::from_mins(1), "{:?}", begun.elapsed());
    }

    async fn d08_a_token_in_the_place_of_another_stops_the_opening(world) {
        are_refused(world, D08).await;
    }

    async fn d09_a_key_that_must_not_vouch_stops_the_opening(world) {
        are_refused(world, D09).await;
    }

    async fn d10_a_new_key_whose_publication_is_nonsense_stops_the_opening(world) {
        are_refused(world, D10).await;
    }

    /// What FranceConnect says of itself is nonsense for a while: the keys that are known go on serving at the counter.
    async fn d10_old_keys_serve_at_the_counter_while_the_platform_says_nonsense(world) {
        use mandataire::domain::procedure::Procedure::Logement;
        use mandataire::domain::term::Term::Day;
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        assert!(ana.identifies(&fc, &[Logement], Day).await.url.path().starts_with("/agreements/"));
        let nonsense: [fn(&mut Reply); 4] = [
            |reply| reply.body = vec![b' '; 10_000_000],
            |reply| reply.body = b"<html>".to_vec(),
            |reply| reply.headers.push(("content-encoding", "gzip".to_owned())),
            |reply| {
                reply.status = 302;
                reply.headers = vec![("location", "http://169.254.169.254/".to_owned())];
            },
        ];
        for alter in nonsense {
            world.after(601);
            fc.reply(move |path, reply| if path == "/jwks" || path.starts_with("/.well-known") { alter(reply) });
            let page = ana.identifies(&fc, &[Logement], Day).await;
            assert!(page.url.path().starts_with("/agreements/"), "{} {}", page.status, page.text());
        }
        assert_eq!((world.count(Kind::IdentificationRefused).await, world.count(Kind::CitizenIdentified).await), (0, 5));
    }
}
