//! `private_key_jwt`: a client that signs instead of sharing a secret.

use std::collections::BTreeMap;

use actix_web::rt::spawn;
use mandataire::app::upkeep;
use mandataire::domain::client::{AuthMethod, Client};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use serde_json::{Value, json};

use super::{access_token, beginning, codes};
use crate::on_each_backend;
use crate::world::World;
use crate::world::key::{ASSERTION, Key, encoded};
use crate::world::refused::{hold_none_of, reasons_of};
use crate::world::service::{Answer, Service};

const GRANT: (&str, &str) = ("grant_type", "authorization_code");

/// A client did not prove who it is.
const UNPROVEN: (Kind, &str) = (Kind::SecurityRefused, "client_authentication");

/// A service that signs with this key.
async fn signing(world: &World, key: &Key) -> Service {
    let id = format!("signer_{:08x}", world.random.u128() & 0xffff_ffff);
    let address = format!("https://{id}.example/callback");
    let usual = Client::usual(id.clone(), id, vec![address]);
    world.registered(Client { auth_method: AuthMethod::PrivateKey, keys: Some(key.set()), ..usual }).await
}

async fn presents(service: &Service, assertion: &str, code: &str) -> Answer {
    let fields =
        [GRANT, ("code", code), ("redirect_uri", service.redirect_uri()), ASSERTION, ("client_assertion", assertion)];
    service.posts("/token", &fields, &[]).await
}

/// Refused as any client that is not who it says, with one entry that repeats none of what was presented, and nothing given.
async fn refused(world: &World, attack: impl Future<Output = Answer>, secrets: &[&str], what: &str) {
    let answer = world.refuses_once(attack, UNPROVEN, secrets).await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"), "{what}: {}", answer.body);
}

/// Assertions that are wrong in their claims.
fn wrong_claims(world: &World) -> Vec<Value> {
    let now = world.now().timestamp();
    vec![
        json!({ "aud": "https://elsewhere.example" }),
        json!({ "aud": format!("{}/", world.base) }),
        json!({ "aud": [world.base, "https://elsewhere.example"] }),
        json!({ "aud": format!("{}/userinfo", world.base) }),
        json!({ "aud": null }),
        json!({ "iss": "another" }),
        json!({ "sub": "another" }),
        json!({ "sub": null }),
        json!({ "exp": now - 31 }),
        json!({ "exp": now + 3_600 }),
        json!({ "exp": null }),
        json!({ "exp": "soon" }),
        json!({ "iat": now + 600 }),
        json!({ "nbf": now + 600 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(257) }),
    ]
}

on_each_backend! {
    async fn a_client_that_signs_needs_no_secret(world) {
        let (ana, _, opened) = beginning(&world).await;
        let key = Key::new();
        let service = signing(&world, &key).await;
        for audience in [json!({}), json!({ "aud": format!("{}/token", world.base) }), json!({ "aud": [world.base] })] {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let given = presents(&service, &key.assertion(&world, &service.client.id, &audience), &code).await;
            assert_eq!(given.status, 200, "{audience}: {}", given.body);
            assert_eq!(service.asks_identity(&access_token(&given)).await.status, 200);
        }
    }

    async fn b11_an_assertion_says_who_to_whom_and_when(world) {
        let (ana, _, opened) = beginning(&world).await;
        let key = Key::new();
        let service = signing(&world, &key).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        for changes in wrong_claims(&world) {
            let assertion = key.assertion(&world, &service.client.id, &changes);
            let secrets = [assertion.as_str(), &code];
            refused(&world, presents(&service, &assertion, &code), &secrets, &changes.to_string()).await;
        }
        let right = key.assertion(&world, &service.client.id, &json!({}));
        assert_eq!(presents(&service, &right, &code).await.status, 200, "the code was not burnt by a stranger");
    }

    async fn b11_an_assertion_is_signed_with_the_registered_key(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (key, other) = (Key::new(), Key::new());
        let service = signing(&world, &key).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let right = key.assertion(&world, &service.client.id, &json!({}));
        let (header, rest) = right.split_once('.').unwrap();
        let (payload, signature) = rest.split_once('.').unwrap();
        let kid = &key.public["kid"];
        let with = |header: Value| format!("{}.{payload}.{signature}", encoded(&header));
        let forged = [
            other.assertion(&world, &service.client.id, &json!({})),
            other.signs(&json!({ "alg": "ES256", "kid": kid }), &json!({ "sub": service.client.id })),
            other.signs(&json!({ "alg": "ES256", "jwk": other.public }), &json!({ "sub": service.client.id })),
            with(json!({ "alg": "none" })),
            with(json!({ "alg": "HS256", "kid": kid })),
            with(json!({ "alg": "ES256", "kid": kid, "crit": ["exp"] })),
            with(json!({ "alg": "ES256", "kid": kid, "jku": "https://evil.example" })),
            with(json!({ "alg": "ES256", "kid": "../../etc/passwd" })),
            format!("{header}.{payload}."),
            format!("{header}.{payload}.{}", "A".repeat(86)),
            format!("{right}="),
            format!("{right}.x"),
            "x".to_owned(),
            "x".repeat(9_000),
        ];
        for assertion in &forged {
            let (secrets, what) = ([assertion.as_str(), &code], &assertion[..assertion.len().min(80)]);
            refused(&world, presents(&service, assertion, &code), &secrets, what).await;
        }
        assert_eq!(presents(&service, &right, &code).await.status, 200);
    }

    async fn b11_an_assertion_is_presented_once(world) {
        let (ana, _, opened) = beginning(&world).await;
        let key = Key::new();
        let service = signing(&world, &key).await;
        let (first, second) = (
            ana.gets_a_code(&service, &opened.citizen, Logement).await,
            ana.gets_a_code(&service, &opened.citizen, Logement).await,
        );
        let once = key.assertion(&world, &service.client.id, &json!({}));
        assert_eq!(presents(&service, &once, &first).await.status, 200);
        refused(&world, presents(&service, &once, &second), &[&once, &second], "a second time").await;
        // Another client may use the same identifier.
        let stranger = signing(&world, &key).await;
        let same = json!({ "jti": "the-same" });
        for service in [&service, &stranger] {
            let code = ana.gets_a_code(service, &opened.citizen, Logement).await;
            let assertion = key.assertion(&world, &service.client.id, &same);
            assert_eq!(presents(service, &assertion, &code).await.status, 200);
        }
        assert_eq!(world.rows("seen_tokens", "true"), 3);
        world.after(26 * 3_600);
        let fresh = key.assertion(&world, &service.client.id, &json!({}));
        presents(&service, &fresh, "unknown").await;
        upkeep::forget(&world.app.store, world.now()).await.unwrap();
        assert_eq!(world.rows("seen_tokens", "true"), 1, "what has expired is forgotten");
    }

    async fn b11_a_hundred_presentations_at_once_are_one(world) {
        let key = Key::new();
        let service = signing(&world, &key).await;
        let once = key.assertion(&world, &service.client.id, &json!({}));
        let before = world.journal().await;
        let present = |_| {
            let (service, once) = (service.clone(), once.clone());
            spawn(async move { presents(&service, &once, "no code of ours").await })
        };
        let mut answers = BTreeMap::new();
        for answer in (0..100).map(present).collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            *answers.entry((answer.status, answer.error())).or_default() += 1;
        }
        // Who it is was believed once; the code was not.
        let [believed, refused] = [(400, "invalid_grant".to_owned()), (401, "invalid_client".to_owned())];
        assert_eq!(answers, BTreeMap::from([(believed, 1), (refused, 99)]));
        assert_eq!(world.rows("seen_tokens", "true"), 1);
        let written = world.written_since(&before).await;
        let kind = Kind::SecurityRefused.code();
        assert_eq!(reasons_of(&written), BTreeMap::from([((kind, UNPROVEN.1), 99), ((kind, "unknown_code"), 1)]));
        hold_none_of(&written, &[&once, "no code of ours"]);
    }

    async fn b10_one_way_to_say_who_one_is_and_the_registered_one(world) {
        let (ana, _, opened) = beginning(&world).await;
        let key = Key::new();
        let (service, shared) = (signing(&world, &key).await, world.plain_service().await);
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let assertion = key.assertion(&world, &service.client.id, &json!({}));
        let redirect = ("redirect_uri", service.redirect_uri());
        let code = ("code", code.as_str());
        let mixed = [GRANT, code, redirect, ASSERTION, ("client_assertion", &assertion), ("client_secret", "x")];
        let secrets = [code.1, &assertion, &service.secret];
        let two_ways = (Kind::SecurityRefused, "malformed_request");
        let answer = world.refuses_once(service.posts("/token", &mixed, &[]), two_ways, &secrets).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
        let fields = [GRANT, code, redirect];
        refused(&world, service.posts_as_itself("/token", &fields), &secrets, "a secret of a client that signs").await;
        let named = [GRANT, code, redirect, ASSERTION, ("client_assertion", &assertion), ("client_id", "another")];
        refused(&world, service.posts("/token", &named, &[]), &secrets, "another name beside").await;
        let typed = [GRANT, code, redirect, ("client_assertion", assertion.as_str())];
        refused(&world, service.posts("/token", &typed, &[]), &secrets, "without its type").await;
        let theirs = key.assertion(&world, &shared.client.id, &json!({}));
        refused(&world, presents(&shared, &theirs, "x"), &[&theirs], "a client that shares a secret").await;
        assert_eq!(codes(&world), 1);
    }
}

#[test]
fn a_service_registers_public_keys_and_no_others() {
    use mandataire::oidc::provider::assertion::registered_keys;
    let key = Key::new();
    assert_eq!(registered_keys(&key.set()), Ok(()));
    let with = |part: &str| {
        let mut public = key.public.clone();
        public[part] = json!("AAAA");
        json!({ "keys": [key.public, public] }).to_string()
    };
    for part in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(registered_keys(&with(part)).is_err_and(|why| why.contains("private part")), "{part}");
    }
    for wrong in ["", "x", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[{"kty":"none"}]}"#] {
        assert!(registered_keys(wrong).is_err(), "{wrong}");
    }
}
