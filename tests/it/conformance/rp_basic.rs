//! We are a client of FranceConnect (Basic RP): what its answers must hold to be believed.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;
use mandataire::oidc::relying_party::{Algorithm, Patience, Settings};
use serde_json::{Value, json};

use super::{accepted, refused};
use crate::hostile::{ACCESS_TOKEN, CLIENT, Hostile, Jwt, SECRET, Signer};
use crate::on_each_backend;
use crate::world::World;
use crate::world::stub::parameter;

/// An ID token that is altered is refused, and nobody's identity is asked for with what came beside it.
async fn without(world: World, alter: impl Fn(&mut Jwt) + Send + 'static, reason: &str) {
    let (world, fc) = world.with_franceconnect().await;
    let ana = world.mediator("Ana Silva").await;
    fc.id_token(alter);
    refused(&world, &ana, &fc, reason).await;
    assert!(fc.seen("/userinfo").is_empty());
}

/// Sets a claim; `null` removes it.
fn claim(token: &mut Jwt, name: &str, value: Value) {
    let claims = token.payload.as_object_mut().unwrap();
    if value.is_null() {
        claims.remove(name);
    } else {
        claims.insert(name.to_owned(), value);
    }
}

/// The keys, and the tokens that they sign, without their names.
fn nameless(fc: &Hostile) {
    fc.id_token(|token| drop(token.header.as_object_mut().unwrap().remove("kid")));
    fc.userinfo(|token| drop(token.header.as_object_mut().unwrap().remove("kid")));
}

on_each_backend! {
    async fn oidcc_client_test(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        accepted(&ana, &fc).await;
        assert_eq!((fc.seen("/token").len(), fc.seen("/userinfo").len(), world.count(Kind::CitizenIdentified).await), (1, 1, 1));
    }

    async fn oidcc_client_test_invalid_iss(world) {
        without(world, |token| claim(token, "iss", json!("https://another.example/")), "refused_issuer").await;
    }

    async fn oidcc_client_test_missing_sub(world) {
        without(world, |token| claim(token, "sub", Value::Null), "refused_form").await;
    }

    async fn oidcc_client_test_invalid_aud(world) {
        without(world, |token| claim(token, "aud", json!("another")), "refused_audience").await;
    }

    async fn oidcc_client_test_missing_iat(world) {
        without(world, |token| claim(token, "iat", Value::Null), "refused_form").await;
    }

    /// One key, and nobody names it: it is the one.
    async fn oidcc_client_test_kid_absent_single_jwks(world) {
        let (world, fc) = world.with_franceconnect_signing(Algorithm::Rs256).await;
        let ana = world.mediator("Ana Silva").await;
        nameless(&fc);
        fc.jwks(|set| drop(set["keys"][0].as_object_mut().unwrap().remove("kid")));
        accepted(&ana, &fc).await;
    }

    /// Two keys without names: which of them is not guessed. The module allows it.
    async fn oidcc_client_test_kid_absent_multiple_jwks(world) {
        let (world, fc) = world.with_franceconnect_signing(Algorithm::Rs256).await;
        let ana = world.mediator("Ana Silva").await;
        nameless(&fc);
        let other = Signer::rs256().jwk("x");
        fc.jwks(move |set| {
            let keys = set["keys"].as_array_mut().unwrap();
            keys.push(other.clone());
            for key in keys {
                key.as_object_mut().unwrap().remove("kid");
            }
        });
        refused(&world, &ana, &fc, "refused_key").await;
        assert!(fc.seen("/userinfo").is_empty());
    }

    async fn oidcc_client_test_idtoken_sig_rs256(world) {
        let (world, fc) = world.with_franceconnect_signing(Algorithm::Rs256).await;
        accepted(&world.mediator("Ana Silva").await, &fc).await;
    }

    /// We are registered with an algorithm: the module may be skipped, and an unsigned token is refused.
    async fn oidcc_client_test_idtoken_sig_none(world) {
        without(world, |token| {
            token.header = json!({ "alg": "none" });
            token.signer = Signer::Fixed(Vec::new());
        }, "refused_algorithm").await;
    }

    async fn oidcc_client_test_invalid_sig_rs256(world) {
        let (world, fc) = world.with_franceconnect_signing(Algorithm::Rs256).await;
        let ana = world.mediator("Ana Silva").await;
        let other = Signer::rs256();
        fc.id_token(move |token| token.signer = other.clone());
        refused(&world, &ana, &fc, "refused_signature").await;
        assert!(fc.seen("/userinfo").is_empty());
    }

    async fn oidcc_client_test_userinfo_invalid_sub(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        fc.userinfo(|token| claim(token, "sub", json!("somebody else")));
        refused(&world, &ana, &fc, "refused_other_subject").await;
    }

    async fn oidcc_client_test_nonce_invalid(world) {
        without(world, |token| claim(token, "nonce", json!("another nonce")), "refused_nonce").await;
    }

    /// The scopes that give a claim are asked for, and the claims are used.
    async fn oidcc_client_test_scope_userinfo_claims(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        assert_eq!(parameter(&gone, "scope"), "openid identite_pivot preferred_username email idp_birthdate");
        let page = ana.comes_back(&fc, &gone).await;
        assert!(page.text().contains("Angela Claire Louise DUBOIS (MARTIN)"), "{}", page.text());
        let [asked] = fc.seen("/userinfo").try_into().ok().unwrap();
        assert_eq!(asked.authorization.unwrap(), format!("Bearer {ACCESS_TOKEN}"));
    }

    /// FranceConnect takes the secret in the form and nowhere else. Where a provider wants it in the header, it is there and nowhere else,
    /// in the form-encoding of RFC 6749 2.3.1.
    async fn oidcc_client_test_client_secret_basic(world) {
        let (world, fc) = world.with_franceconnect().await;
        accepted(&world.mediator("Ana Silva").await, &fc).await;
        let [token] = fc.seen("/token").try_into().ok().unwrap();
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(token.body.as_bytes()).into_owned().collect();
        assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str(), token.authorization), (CLIENT, SECRET, None));
        let fc = Hostile::start(&world.clock, Signer::es256());
        let providers = [("franceconnect", &fc)];
        let in_header = |_: &str, settings: &mut Settings| {
            settings.secret_in_header = true;
            settings.client_secret = "a b:c%d+é&=".into();
        };
        let world = world.with_providers(&providers, Patience::default(), in_header).await;
        accepted(&world.mediator("Bea Roche").await, &fc).await;
        let [token] = fc.seen("/token").try_into().ok().unwrap();
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(token.body.as_bytes()).into_owned().collect();
        assert_eq!(form.keys().collect::<Vec<_>>(), ["code", "grant_type", "redirect_uri"]);
        let header = token.authorization.unwrap();
        let joined = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(joined).unwrap(), format!("{CLIENT}:a+b%3Ac%25d%2B%C3%A9%26%3D"));
    }
}
