//! Tokens that are signed and still not to be believed, at the counter. What each one changes in detail is in
//! `tests/it/relying_party/callback.rs`.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use serde_json::{Value, json};

use super::refusing::{Case, are_refused};
use crate::hostile::{CLIENT, Hostile, Jwt, Signer, at_hash};
use crate::on_each_backend;
use crate::world::stub::parameter;

/// Sets a claim; `null` removes it.
fn set(token: &mut Jwt, name: &str, value: &Value) {
    token.payload[name] = value.clone();
    token.payload.as_object_mut().unwrap().retain(|_, value| !value.is_null());
}

/// The ID token with another claim.
fn id_token(fc: &Hostile, name: &'static str, value: Value) {
    fc.id_token(move |token| set(token, name, &value));
}

/// The identity with another claim.
fn userinfo(fc: &Hostile, name: &'static str, value: Value) {
    fc.userinfo(move |token| set(token, name, &value));
}

/// An instant of the ID token, so many seconds away from where it is.
fn moved(fc: &Hostile, name: &'static str, seconds: i64) {
    fc.id_token(move |token| {
        let base = if name == "nbf" { "iat" } else { name };
        token.payload[name] = json!(token.payload[base].as_i64().unwrap() + seconds);
    });
}

/// Where the issuer is spelt otherwise.
fn issuer(fc: &Hostile, other: fn(&str) -> String) {
    let issuer = other(&fc.issuer);
    fc.id_token(move |token| token.payload["iss"] = json!(issuer));
}

const E04: &[Case] = &[
    (|fc| id_token(fc, "nonce", Value::Null), "refused_nonce"),
    (|fc| id_token(fc, "nonce", json!("")), "refused_nonce"),
    (|fc| id_token(fc, "nonce", json!("another")), "refused_nonce"),
];

const E06: &[Case] = &[
    (|fc| issuer(fc, |issuer| format!("{issuer}/")), "refused_issuer"),
    (|fc| issuer(fc, |issuer| issuer.replace("http:", "https:")), "refused_issuer"),
    (|fc| issuer(fc, str::to_uppercase), "refused_issuer"),
    (|fc| issuer(fc, |_| "https://evil.example".to_owned()), "refused_issuer"),
];

const E07: &[Case] = &[
    (|fc| id_token(fc, "aud", json!("stranger")), "refused_audience"),
    (|fc| id_token(fc, "aud", json!([CLIENT, "stranger"])), "refused_audience"),
    (|fc| id_token(fc, "azp", json!("stranger")), "refused_audience"),
    (|fc| id_token(fc, "aud", json!([])), "refused_audience"),
];

const E08: &[Case] = &[
    (|fc| moved(fc, "exp", -91), "refused_expired"),
    (|fc| moved(fc, "exp", 315_360_000), "refused_times"),
    (|fc| id_token(fc, "exp", Value::Null), "refused_form"),
    (|fc| id_token(fc, "exp", json!("4000000000")), "refused_form"),
    (|fc| id_token(fc, "iat", Value::Null), "refused_form"),
    (|fc| moved(fc, "iat", 61), "refused_times"),
    (|fc| moved(fc, "iat", -3_600), "refused_times"),
    (|fc| moved(fc, "nbf", 61), "refused_times"),
];

const E09: &[Case] = &[
    (|fc| id_token(fc, "sub", Value::Null), "refused_form"),
    (|fc| id_token(fc, "sub", json!("")), "refused_subject"),
    (|fc| id_token(fc, "sub", json!("x".repeat(256))), "refused_subject"),
    (|fc| userinfo(fc, "sub", json!("somebody else")), "refused_other_subject"),
];

const E10: &[Case] = &[
    (|fc| id_token(fc, "acr", Value::Null), "refused_level"),
    (|fc| id_token(fc, "acr", json!("eidas0")), "refused_level"),
    (|fc| id_token(fc, "acr", json!("")), "refused_level"),
];

const E11: &[Case] = &[
    (|fc| id_token(fc, "at_hash", json!(at_hash("another token"))), "refused_at_hash"),
    (|fc| id_token(fc, "at_hash", json!("")), "refused_at_hash"),
];

fn unsigned_userinfo(fc: &Hostile) {
    fc.reply(|path, reply| {
        if path == "/userinfo" {
            reply.content_type("application/json");
            reply.body = crate::relying_party::angela().to_string().into_bytes();
        }
    });
}

const E12: &[Case] = &[
    (unsigned_userinfo, "refused_not_userinfo"),
    (|fc| fc.userinfo(|token| token.signer = Signer::es256()), "refused_signature"),
    (|fc| userinfo(fc, "aud", json!("stranger")), "refused_audience"),
    (|fc| userinfo(fc, "iss", json!("https://evil.example")), "refused_issuer"),
    (|fc| userinfo(fc, "exp", json!(1)), "refused_expired"),
];

on_each_backend! {
    /// The victim's code, in the opening of somebody else: it is asked for once, and not tried again.
    async fn e03_the_code_of_another_opening_stops_the_opening(world) {
        let (world, fc) = world.with_franceconnect().await;
        let (victim, attacker) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let theirs = victim.starts_an_opening(&[Logement], Month).await;
        let own = attacker.starts_an_opening(&[Logement], Month).await;
        fc.nonce(&parameter(&theirs, "nonce"));
        let state = parameter(&own, "state");
        let page = attacker.returns(&fc, &[("code", "a-code"), ("state", &state), ("iss", &fc.issuer)]).await;
        assert_eq!(page.status, 502);
        assert_eq!((fc.seen("/token").len(), fc.seen("/userinfo").len()), (1, 0));
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["refused_nonce"]);
        assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
        assert_eq!(attacker.returns(&fc, &[("code", "a-code"), ("state", &state), ("iss", &fc.issuer)]).await.status, 400);
        assert_eq!(fc.seen("/token").len(), 1);
    }

    async fn e04_another_nonce_stops_the_opening(world) {
        are_refused(world, E04).await;
    }

    async fn e06_another_issuer_stops_the_opening(world) {
        are_refused(world, E06).await;
    }

    async fn e07_another_audience_stops_the_opening(world) {
        are_refused(world, E07).await;
    }

    async fn e08_a_token_that_is_not_of_now_stops_the_opening(world) {
        are_refused(world, E08).await;
    }

    async fn e09_a_subject_that_is_none_or_another_stops_the_opening(world) {
        are_refused(world, E09).await;
    }

    async fn e10_a_level_that_is_too_low_stops_the_opening(world) {
        are_refused(world, E10).await;
    }

    async fn e11_a_hash_of_another_access_token_stops_the_opening(world) {
        are_refused(world, E11).await;
    }

    async fn e12_an_identity_that_is_not_signed_for_us_stops_the_opening(world) {
        are_refused(world, E12).await;
    }
}
