//! The last value that is accepted. The first that is not is among the attacks.

use mandataire::oidc::relying_party::{Callback, LONGEST_CODE, Step};
use serde_json::{Value, json};

use super::World;
use crate::hostile::Jwt;

/// Sets claims.
fn alter(token: &mut Jwt, claims: &Value) {
    for (name, value) in claims.as_object().unwrap() {
        token.payload[name] = value.clone();
    }
}

fn second(from_now: i64) -> i64 {
    super::clock().now().timestamp() + from_now
}

#[actix_web::test]
async fn an_id_token_stands_to_the_second() {
    let world = World::new();
    for claims in [
        json!({ "iat": second(-300), "exp": second(1) }),
        json!({ "iat": second(0), "exp": second(600) }),
        json!({ "iat": second(-100), "exp": second(-29) }),
        json!({ "iat": second(30), "exp": second(630) }),
    ] {
        let altered = claims.clone();
        world.fc.id_token(move |token| alter(token, &altered));
        assert!(world.identify().await.is_ok(), "{claims}");
    }
}

#[actix_web::test]
async fn an_identity_stands_to_the_second() {
    let world = World::new();
    for claims in [json!({ "exp": second(-29) }), json!({ "nbf": second(30) })] {
        let altered = claims.clone();
        world.fc.userinfo(move |token| alter(token, &altered));
        assert!(world.identify().await.is_ok(), "{claims}");
    }
}

#[actix_web::test]
async fn a_subject_has_at_most_255_characters_all_of_them_printed() {
    let world = World::new();
    for subject in ["x".repeat(255), " ~".to_owned(), "x".to_owned()] {
        let (first, second) = (json!({ "sub": subject }), json!({ "sub": subject }));
        world.fc.id_token(move |token| alter(token, &first));
        world.fc.userinfo(move |token| alter(token, &second));
        assert_eq!(world.identify().await.unwrap().subject, subject);
    }
}

#[actix_web::test]
async fn a_code_is_not_endless() {
    let world = World::new();
    let started = world.rp.start(&mandataire::clock::Random::system()).await.unwrap();
    world.fc.nonce(&started.nonce);
    for (length, accepted) in [(LONGEST_CODE, true), (LONGEST_CODE + 1, false), (0, false)] {
        let callback = Callback { code: "c".repeat(length), ..world.callback() };
        let outcome = world.rp.identify(&callback, &started.nonce, None).await;
        assert_eq!(outcome.is_ok(), accepted, "{length}");
    }
}

#[actix_web::test]
async fn an_answer_has_at_most_256_kib() {
    let world = World::new();
    for (length, accepted) in [(262_144, true), (262_145, false)] {
        world.fc.reply(move |path, reply| {
            if path.ends_with("/token") {
                reply.body.resize(length, b' ');
            }
        });
        assert_eq!(world.identify().await.is_ok(), accepted, "{length}");
    }
}

#[actix_web::test]
async fn what_is_printed_names_the_issuer() {
    let world = World::new();
    assert!(format!("{:?}", world.rp).contains(&world.fc.issuer));
    assert_eq!((world.rp.label(), world.rp.issuer()), ("FranceConnect", world.fc.issuer.as_str()));
}

#[test]
fn what_is_printed_names_the_request_that_failed() {
    let named = [Step::Discovery, Step::Keys, Step::Token, Step::Userinfo].map(|step| step.to_string());
    assert_eq!(named, ["discovery", "jwks", "token endpoint", "userinfo endpoint"]);
}
