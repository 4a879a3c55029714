//! What a client registered for is what it gets.

use chrono::TimeDelta;
use mandataire::domain::client::{Client, Pkce, SigningAlgorithm, UserinfoFormat};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::store::clients;

use super::{access_token, beginning, codes, refused_by_redirect};
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::{Service, answered};

/// A service with other settings than usual.
async fn service(world: &World, change: impl FnOnce(&mut Client)) -> Service {
    let mut client = world.plain_service().await.client;
    client.id = format!("{}_set", client.id);
    change(&mut client);
    world.registered(client).await
}

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

on_each_backend! {
    async fn a11_a_scope_that_is_not_registered_is_not_granted(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = service(&world, |client| {
            client.scopes = ["openid", "email"].map(str::to_owned).into();
            client.userinfo = mandataire::domain::client::UserinfoFormat::Json;
        }).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.exchanges(&code).await.json();
        assert_eq!(token["scope"], "openid email", "the answer lists what was granted");
        let identity = service.asks_identity(token["access_token"].as_str().unwrap()).await.json();
        let names: Vec<_> = identity.as_object().unwrap().keys().collect();
        assert_eq!(names, ["email", "sub"]);
    }

    async fn a20_pkce_is_what_the_client_registered_for(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (required, off) = (
            service(&world, |client| client.pkce = Pkce::Required).await,
            service(&world, |client| client.pkce = Pkce::Off).await,
        );
        refused_by_redirect(&world, &ana.browser, &required, &required.request(), "invalid_request").await;
        let protected = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        refused_by_redirect(&world, &ana.browser, &off, &off.request_with(&protected), "invalid_request").await;
        let page = ana.comes_from(&required.request_with(&protected)).await;
        let code = answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").unwrap();
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", required.redirect_uri())];
        let token = required.token_with(&[&fields[..], &[("code_verifier", VERIFIER)]].concat()).await;
        assert_eq!(token.status, 200, "{}", token.body);
        ana.gets_a_code(&off, &opened.citizen, Logement).await;
    }

    async fn a_mandate_is_used_only_for_the_procedures_of_the_service(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = service(&world, |client| client.procedures = Some([Justice].into())).await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap();
        let refused = ana.sends(&form.with("procedure", "logement")).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert_eq!(world.reasons(Kind::UseRefused).await, ["procedure_not_asked"]);
        assert_eq!(codes(&world), 0);
        let back = ana.chooses(&page, &opened.citizen, Justice).await;
        let token = service.exchanges(&answered(&back, "code").unwrap()).await;
        assert_eq!(token.status, 200, "{}", token.body);
        // The registration changes while a code is on its way.
        let code = ana.gets_a_code(&service, &opened.citizen, Justice).await;
        world.database.execute("update clients set procedures = 'logement' where procedures is not null").unwrap();
        assert_eq!(service.exchanges(&code).await.error(), "invalid_grant");
        // A request that names only others is refused before anybody chooses.
        let label = format!(r#"{{"id_token":{{"rep_scope":{{"values":["{}"]}}}}}}"#, Justice.rep_scope());
        refused_by_redirect(&world, &ana.browser, &service, &service.request_with(&[("claims", &label)]), "access_denied").await;
    }

    async fn two_secrets_work_while_a_service_changes_over(world) {
        let (ana, _, opened) = beginning(&world).await;
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Hs256] {
            let old = service(&world, |client| {
                client.id = format!("{}_{algorithm}", client.id);
                client.algorithm = algorithm;
                client.userinfo = UserinfoFormat::Jwt;
            }).await;
            let (client, now, new) = (old.client.clone(), world.now(), world.random.token());
            let given = new.clone();
            world.app.store.write(move |tx| {
                clients::rotate(tx, client.secret_rotated(now), &given, Some(now + TimeDelta::hours(1)))
            }).await.unwrap();
            let mut changed = old.clone();
            changed.secret = new;
            let id_token = async |service: &Service| {
                let code = ana.gets_a_code(service, &opened.citizen, Logement).await;
                let token = service.exchanges(&code).await;
                assert_eq!(token.status, 200, "{algorithm}: {}", token.body);
                let identity = service.asks_identity(&access_token(&token)).await;
                assert_eq!(identity.status, 200, "{algorithm}: {}", identity.body);
                if algorithm == SigningAlgorithm::Hs256 {
                    assert!(is_signed_with(&identity.body, &service.secret), "with the one that its token came for");
                }
                token.json()["id_token"].as_str().unwrap().to_owned()
            };
            for service in [&old, &changed] {
                let hint = id_token(service).await;
                if algorithm == SigningAlgorithm::Hs256 {
                    assert!(is_signed_with(&hint, &service.secret), "with the secret that it still uses");
                }
                let out = format!("/session/end?id_token_hint={hint}&post_logout_redirect_uri={}", service.client.logout_uris[0]);
                assert_eq!(ana.browser.get(ana.at(&out)).await.unwrap().status, 303);
            }
            // It is replaced once more between the token and the identity: what the token came for still signs.
            let code = ana.gets_a_code(&changed, &opened.citizen, Logement).await;
            let token = changed.takes_a_token(&code).await;
            let (client, now, newest) = (changed.client.clone(), world.now(), world.random.token());
            let given = newest.clone();
            world.app.store.write(move |tx| {
                clients::rotate(tx, client.secret_rotated(now), &given, Some(now + TimeDelta::hours(1)))
            }).await.unwrap();
            let identity = changed.asks_identity(&token).await;
            if algorithm == SigningAlgorithm::Hs256 {
                assert!(is_signed_with(&identity.body, &changed.secret));
            }
            let old = changed.clone();
            changed.secret = newest;
            world.after(3_600);
            let code = ana.gets_a_code(&changed, &opened.citizen, Logement).await;
            assert_eq!(old.exchanges(&code).await.error(), "invalid_client");
            assert_eq!(changed.exchanges(&code).await.status, 200);
        }
    }
}

pub(super) fn is_signed_with(token: &str, secret: &str) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap()
}
