//! Proofs of possession (RFC 9449): a stolen token is worth nothing without its key.

use mandataire::domain::client::Client;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use serde_json::{Value, json};

use super::{access_token, beginning};
use crate::on_each_backend;
use crate::world::World;
use crate::world::key::{Key, encoded};
use crate::world::service::{Answer, Service, answered};

const TOKEN: (&str, &str) = ("POST", "/token");
const USERINFO: (&str, &str) = ("GET", "/userinfo");

/// A service whose tokens are bound to a key.
async fn bound(world: &World) -> Service {
    let service = world.plain_service().await;
    let id = format!("{}_bound", service.client.id);
    world.registered(Client { id, dpop: true, ..service.client }).await
}

fn thumbprint(key: &Key) -> String {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.public.clone()).unwrap();
    jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap()
}

async fn exchanges(service: &Service, code: &str, proofs: &[&str]) -> Answer {
    let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", service.redirect_uri())];
    service
        .sends(|http, base| {
            let request = http.post(format!("{base}/token")).basic_auth(&service.client.id, Some(&service.secret));
            proofs.iter().fold(request.form(&fields), |request, proof| request.header("dpop", *proof))
        })
        .await
}

async fn asks(service: &Service, scheme: &str, token: &str, proof: Option<&str>) -> Answer {
    service
        .sends(|http, base| {
            let request = http.get(format!("{base}/userinfo")).header("authorization", format!("{scheme} {token}"));
            proof.into_iter().fold(request, |request, proof| request.header("dpop", proof))
        })
        .await
}

fn refused(answer: &Answer, status: u16, error: &str, what: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (status, error), "{what}: {}", answer.body);
}

/// What a proof must not be: its header and its claims.
fn wrong(world: &World, key: &Key) -> Vec<(Value, Value)> {
    let now = world.now().timestamp();
    let mut private = key.public.clone();
    private["d"] = json!("AAAA");
    vec![
        (json!({ "typ": "JWT" }), json!({})),
        (json!({ "typ": null }), json!({})),
        (json!({ "alg": "none" }), json!({})),
        (json!({ "alg": "HS256" }), json!({})),
        (json!({ "alg": "RS256" }), json!({})),
        (json!({ "jwk": null }), json!({})),
        (json!({ "jwk": private }), json!({})),
        (json!({ "jwk": { "kty": "oct", "k": "AAAA" } }), json!({})),
        (json!({ "jwk": Key::new().public }), json!({})),
        (json!({ "crit": ["exp"] }), json!({})),
        (json!({}), json!({ "htm": "GET" })),
        (json!({}), json!({ "htm": null })),
        (json!({}), json!({ "htu": world.at("/userinfo") })),
        (json!({}), json!({ "htu": "https://evil.example/token" })),
        (json!({}), json!({ "htu": null })),
        (json!({}), json!({ "iat": now - 61 })),
        (json!({}), json!({ "iat": now + 31 })),
        (json!({}), json!({ "iat": null })),
        (json!({}), json!({ "exp": now - 61 })),
        (json!({}), json!({ "nbf": now + 31 })),
        (json!({}), json!({ "jti": null })),
        (json!({}), json!({ "jti": "" })),
        (json!({}), json!({ "jti": "x".repeat(257) })),
    ]
}

on_each_backend! {
    async fn a_token_bound_to_a_key_is_used_with_its_proof(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, key, thief) = (bound(&world).await, Key::new(), Key::new());
        let token = async |ana: &crate::world::actor::Actor| {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let given = exchanges(&service, &code, &[&key.proves(&world, TOKEN, None)]).await;
            assert_eq!((given.status, given.json()["token_type"].as_str()), (200, Some("DPoP")), "{}", given.body);
            access_token(&given)
        };
        let used = token(&ana).await;
        let identity = asks(&service, "DPoP", &used, Some(&key.proves(&world, USERINFO, Some(&used)))).await;
        assert_eq!(identity.status, 200, "{}", identity.body);
        for (scheme, proof, error) in [
            ("Bearer", None, "invalid_token"),
            ("DPoP", None, "invalid_dpop_proof"),
            ("DPoP", Some(None), "invalid_dpop_proof"),
            ("DPoP", Some(Some("another")), "invalid_dpop_proof"),
        ] {
            let stolen = token(&ana).await;
            let proof = proof.map(|about: Option<&str>| key.proves(&world, USERINFO, about));
            let answer = asks(&service, scheme, &stolen, proof.as_deref()).await;
            refused(&answer, 401, error, scheme);
            assert!(answer.headers.contains_key("www-authenticate"));
        }
        let stolen = token(&ana).await;
        let theirs = thief.proves(&world, USERINFO, Some(&stolen));
        refused(&asks(&service, "DPoP", &stolen, Some(&theirs)).await, 401, "invalid_token", "another key");
        assert_eq!(world.reasons(Kind::UseRefused).await, ["key_differs", "key_differs"]);
        assert_eq!(world.count(Kind::Use).await, 1);
    }

    async fn a_proof_is_about_this_request_now_and_presented_once(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, key) = (bound(&world).await, Key::new());
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        for (header, claims) in wrong(&world, &key) {
            let before = world.count(Kind::SecurityRefused).await;
            let proof = key.proof(&world, TOKEN, &header, &claims);
            refused(&exchanges(&service, &code, &[&proof]).await, 400, "invalid_dpop_proof", &format!("{header} {claims}"));
            assert_eq!(world.count(Kind::SecurityRefused).await, before + 1, "{header} {claims}");
        }
        let unsigned = format!("{}.{}.", encoded(&json!({ "typ": "dpop+jwt", "alg": "ES256" })), encoded(&json!({})));
        let right = key.proves(&world, TOKEN, None);
        for proofs in [&[][..], &[unsigned.as_str()], &["x"], &[&right, &key.proves(&world, TOKEN, None)]] {
            refused(&exchanges(&service, &code, proofs).await, 400, "invalid_dpop_proof", &format!("{proofs:?}"));
        }
        // A query and the case of the host mean nothing (RFC 9449 4.3).
        let spelled = json!({ "htu": format!("{}?a=b#c", world.at("/token").replace("http", "HTTP")) });
        let once = key.proof(&world, TOKEN, &json!({}), &spelled);
        assert_eq!(exchanges(&service, &code, &[&once]).await.status, 200);
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        refused(&exchanges(&service, &code, &[&once]).await, 400, "invalid_dpop_proof", "again");
        assert_eq!(exchanges(&service, &code, &[&right]).await.status, 200, "the code was not burnt");
    }

    async fn a_code_can_be_bound_before_it_exists(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, key, thief) = (bound(&world).await, Key::new(), Key::new());
        let thumbprint = thumbprint(&key);
        for (holder, status) in [(&thief, 400), (&key, 200)] {
            let page = ana.comes_from(&service.request_with(&[("dpop_jkt", &thumbprint)])).await;
            let back = ana.chooses(&page, &opened.citizen, Logement).await;
            let proof = holder.proves(&world, TOKEN, None);
            let answer = exchanges(&service, &answered(&back, "code").unwrap(), &[&proof]).await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
        assert_eq!(world.reasons(Kind::UseRefused).await, ["key_differs"]);
        let malformed = ana.browser.get(&service.request_with(&[("dpop_jkt", "short")])).await.unwrap();
        assert_eq!(answered(&malformed, "error").as_deref(), Some("invalid_request"));
    }

    /// RFC 9449 10.1: the key that is named is the one that is proved.
    async fn a_request_sent_ahead_may_name_the_key_that_it_proves(world) {
        let (service, key) = (bound(&world).await, Key::new());
        for (named, status) in [(thumbprint(&key), 201), (thumbprint(&Key::new()), 400)] {
            let fields = [service.parameters(), vec![("dpop_jkt".to_owned(), named)]].concat();
            let proof = key.proves(&world, ("POST", "/par"), None);
            let answer = service.sends(|http, base| {
                let request = http.post(format!("{base}/par")).basic_auth(&service.client.id, Some(&service.secret));
                request.form(&fields).header("dpop", proof)
            });
            let answer = answer.await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
    }

    /// Whoever did not register for it may bind a token all the same; a plain token is not taken for a bound one.
    async fn a_plain_client_may_prove_too(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, key) = (world.plain_service().await, Key::new());
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let given = exchanges(&service, &code, &[&key.proves(&world, TOKEN, None)]).await;
        assert_eq!(given.json()["token_type"], "DPoP");
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let plain = access_token(&exchanges(&service, &code, &[]).await);
        let proof = key.proves(&world, USERINFO, Some(&plain));
        refused(&asks(&service, "DPoP", &plain, Some(&proof)).await, 401, "invalid_token", "not bound");
    }
}
