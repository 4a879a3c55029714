//! Attacks on the way back from FranceConnect: what the callback and the two tokens say.

use mandataire::clock::Random;
use mandataire::oidc::relying_party::{Callback, Fault, Refused};
use serde_json::{Value, json};

use super::World;
use crate::hostile::{ACCESS_TOKEN, CLIENT, Jwt, Signer, at_hash};

/// The code of the fault for each set of claims in the ID token.
async fn with_id_token_claims(wrong: impl IntoIterator<Item = Value>, expected: &str) {
    let world = World::new();
    for claims in wrong {
        let altered = claims.clone();
        world.fc.id_token(move |token| alter(token, &altered));
        assert_eq!(world.refused().await, expected, "{claims}");
    }
}

async fn with_userinfo_claims(wrong: impl IntoIterator<Item = Value>, expected: &str) {
    let world = World::new();
    for claims in wrong {
        let altered = claims.clone();
        world.fc.userinfo(move |token| alter(token, &altered));
        assert_eq!(world.refused().await, expected, "{claims}");
    }
}

/// Sets the claims; `null` removes one.
fn alter(token: &mut Jwt, claims: &Value) {
    let Value::Object(claims) = claims else { return };
    let Value::Object(payload) = &mut token.payload else { return };
    payload.extend(claims.clone());
    payload.retain(|_, value| !value.is_null());
}

/// Seconds since 1970, so many seconds from now.
fn second(from_now: i64) -> i64 {
    super::clock().now().timestamp() + from_now
}

#[actix_web::test]
async fn e03_the_code_of_another_flow() {
    let world = World::new();
    let attacker = world.rp.start(&Random::system()).await.unwrap();
    let victim = world.rp.start(&Random::system()).await.unwrap();
    world.fc.nonce(&victim.nonce); // the code belongs to the victim's flow
    let fault = world.rp.identify(&world.callback(), &attacker.nonce, None).await.unwrap_err().fault;
    assert_eq!((fault.code(), fault.retry()), ("refused_nonce", false));
    assert_eq!(world.fc.seen("/token").len(), 1, "the code is not tried again");
    assert!(world.fc.seen("/userinfo").is_empty());
}

#[actix_web::test]
async fn e04_nonce_missing_other_empty() {
    let wrong = [json!({"nonce": null}), json!({"nonce": "another"}), json!({"nonce": ""})];
    with_id_token_claims(wrong, "refused_nonce").await;
    let world = World::new();
    let fault = world.rp.identify(&world.callback(), "", None).await.unwrap_err().fault;
    assert_eq!(fault.code(), "refused_nonce", "an empty nonce in the session is no nonce");
}

#[actix_web::test]
async fn e04_nonce_of_a_replayed_id_token() {
    let world = World::new();
    let first = world.identify().await.unwrap();
    world.fc.token(move |answer| answer["id_token"] = json!(first.id_token));
    assert_eq!(world.refused().await, "refused_nonce");
}

#[actix_web::test]
async fn e05_iss_parameter_absent_or_other() {
    let world = World::new();
    let issuer = world.fc.issuer.clone();
    let others = [
        String::new(),
        format!("{issuer}/"),
        issuer.to_uppercase(),
        "https://auth.franceconnect.gouv.fr/api/v2".into(),
    ];
    for iss in others.into_iter().map(Some).chain([None]) {
        let callback = Callback { code: "a-code".into(), iss };
        let fault = world.rp.identify(&callback, "a nonce", None).await.unwrap_err().fault;
        assert!(matches!(fault, Fault::Refused(Refused::CallbackIssuer)), "{callback:?}");
    }
    assert_eq!(world.fc.requests(), 0, "the code went nowhere");
}

#[actix_web::test]
async fn e06_iss_claim_other() {
    let world = World::new();
    let issuer = world.fc.issuer.clone();
    let upper = issuer.replace("api", "API");
    for iss in [
        json!(format!("{issuer}/")),
        json!(issuer.replace("http:", "https:")),
        json!(upper),
        json!(format!("{issuer} ")),
    ] {
        let (claim, again) = (iss.clone(), iss.clone());
        world.fc.id_token(move |token| token.payload["iss"] = claim.clone());
        assert_eq!(world.refused().await, "refused_issuer", "{iss}");
        world.fc.id_token(|_| ());
        world.fc.userinfo(move |token| token.payload["iss"] = again.clone());
        assert_eq!(world.refused().await, "refused_issuer", "{iss}");
        world.fc.userinfo(|_| ());
    }
    with_id_token_claims([json!({"iss": null}), json!({"iss": 5}), json!({"iss": []})], "refused_form").await;
}

#[actix_web::test]
async fn e07_aud_and_azp_other() {
    let wrong = [
        json!({"aud": "stranger"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"aud": [CLIENT, "stranger"]}),
        json!({"aud": [CLIENT, "stranger"], "azp": CLIENT}),
        json!({"aud": [CLIENT, CLIENT]}),
        json!({"aud": CLIENT, "azp": "stranger"}),
        json!({"aud": format!("{CLIENT} ")}),
    ];
    with_id_token_claims(wrong, "refused_audience").await;
    let world = World::new();
    world.fc.id_token(|token| alter(token, &json!({"aud": [CLIENT], "azp": CLIENT})));
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn e08_exp_past_absent_text_far() {
    with_id_token_claims(
        [-30, -31, -3600].map(|at| json!({"exp": second(at), "iat": second(-100)})),
        "refused_expired",
    )
    .await;
    with_id_token_claims([json!({"exp": null}), json!({"exp": "4000000000"}), json!({"exp": 1e300})], "refused_form")
        .await;
    let far = [json!({"exp": second(315_360_000)}), json!({"exp": second(601)})];
    with_id_token_claims(far, "refused_times").await;
}

#[actix_web::test]
async fn e08_iat_absent_future_old_and_nbf_future() {
    with_id_token_claims([json!({"iat": null}), json!({"iat": "now"}), json!({"nbf": "now"})], "refused_form").await;
    let wrong = [
        json!({"iat": second(31)}),
        json!({"iat": second(61)}),
        json!({"iat": second(-3600)}),
        json!({"iat": second(-301)}),
        json!({"nbf": second(31)}),
    ];
    with_id_token_claims(wrong, "refused_times").await;
    let world = World::new();
    for skewed in
        [json!({"iat": second(30)}), json!({"iat": second(-89), "exp": second(-29)}), json!({"nbf": second(30)})]
    {
        world.fc.id_token(move |token| alter(token, &skewed));
        world.identify().await.unwrap();
    }
}

#[actix_web::test]
async fn e09_sub_missing_empty_long_or_strange() {
    with_id_token_claims([json!({"sub": null}), json!({"sub": 5})], "refused_form").await;
    let wrong = [String::new(), "x".repeat(256), "é".to_owned(), "a\u{0}b".to_owned(), "a\nb".to_owned()];
    with_id_token_claims(wrong.clone().map(|sub| json!({"sub": sub})), "refused_subject").await;
    with_userinfo_claims(wrong.map(|sub| json!({"sub": sub})), "refused_subject").await;
    with_userinfo_claims([json!({"sub": null})], "refused_subject").await;
}

#[actix_web::test]
async fn e09_sub_different_in_userinfo() {
    with_userinfo_claims([json!({"sub": "somebody-else"})], "refused_other_subject").await;
}

#[actix_web::test]
async fn e10_acr_missing_lower_unknown() {
    let world = World::with(|settings| settings.acr = "eidas2".to_owned());
    for acr in [Value::Null, json!("eidas1"), json!("eidas4"), json!("EIDAS2"), json!("eidas2 eidas3"), json!("")] {
        let claims = json!({"acr": acr});
        world.fc.id_token(move |token| alter(token, &claims));
        assert_eq!(world.refused().await, "refused_level", "{acr}");
    }
    world.fc.id_token(|token| token.payload["acr"] = json!("eidas2"));
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn e11_at_hash_of_another_token() {
    with_id_token_claims([json!({"at_hash": at_hash("another")}), json!({"at_hash": ""})], "refused_at_hash").await;
    let world = World::new();
    world.fc.id_token(|token| token.payload["at_hash"] = json!(at_hash(ACCESS_TOKEN)));
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn e12_userinfo_of_another_key_issuer_audience_or_time() {
    let world = World::new();
    let other = Signer::es256();
    world.fc.userinfo(move |token| token.signer = other.clone());
    assert_eq!(world.refused().await, "refused_signature");
    with_userinfo_claims([json!({"iss": "https://example.fr"}), json!({"iss": null})], "refused_issuer").await;
    let audiences =
        [json!({"aud": "stranger"}), json!({"aud": null}), json!({"aud": [CLIENT, "stranger"]}), json!({"aud": []})];
    with_userinfo_claims(audiences, "refused_audience").await;
    with_userinfo_claims([json!({"exp": second(-30)}), json!({"exp": null})], "refused_expired").await;
    with_userinfo_claims([json!({"nbf": second(31)})], "refused_times").await;
    with_userinfo_claims([json!({"exp": "soon"}), json!({"email": 5})], "refused_form").await;
}
