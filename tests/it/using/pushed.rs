//! Requests sent ahead (RFC 9126): checked before the browser comes, taken once.

use mandataire::app::upkeep;
use mandataire::domain::client::Client;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;

use super::{beginning, flows, refused_by_redirect, refused_on_a_page};
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::{Answer, Service, answered};

/// A service with its secret in the header, whose requests must be sent ahead if `pushed`.
async fn service(world: &World, pushed: bool) -> Service {
    let service = world.plain_service().await;
    if !pushed {
        return service;
    }
    let id = format!("{}_ahead", service.client.id);
    world.registered(Client { id, pushed, ..service.client }).await
}

/// Sends the usual request ahead, with these parameters changed.
async fn pushes(service: &Service, changes: &[(&str, &str)]) -> Answer {
    let mut fields = service.parameters();
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        if !value.is_empty() {
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    service.posts_as_itself("/par", &fields).await
}

async fn pushed(service: &Service) -> String {
    let answer = pushes(service, &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.json()["expires_in"], 60);
    answer.json()["request_uri"].as_str().unwrap().to_owned()
}

/// What the browser brings: the client and the name of its request, and what an attacker added.
fn brings(service: &Service, name: &str, more: &[(&str, &str)]) -> String {
    let mut fields = vec![("client_id", service.client.id.as_str()), ("request_uri", name)];
    fields.extend_from_slice(more);
    let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    service.request_of(&fields)
}

on_each_backend! {
    async fn a_request_sent_ahead_is_used_like_any_other(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = service(&world, true).await;
        // What stands beside the name is not looked at.
        let beside = [("state", "another-state-of-thirty-two-bytes"), ("redirect_uri", "https://evil.example/")];
        let page = ana.comes_from(&brings(&service, &pushed(&service).await, &beside)).await;
        let back = ana.chooses(&page, &opened.citizen, Logement).await;
        assert!(back.location().unwrap().as_str().starts_with(service.redirect_uri()));
        assert_eq!(answered(&back, "state").as_deref(), Some("0123456789abcdef0123456789abcdef"));
        let token = service.exchanges(&answered(&back, "code").unwrap()).await;
        assert_eq!(token.status, 200, "{}", token.body);
        assert_eq!(world.rows("pushed_requests", "true"), 0);
    }

    async fn a_name_works_once_for_its_client_within_a_minute(world) {
        let (ana, _, _) = beginning(&world).await;
        let (service, other) = (service(&world, true).await, service(&world, false).await);
        let name = pushed(&service).await;
        refused_on_a_page(&world, &ana.browser, &brings(&other, &name, &[])).await;
        ana.comes_from(&brings(&service, &name, &[])).await;
        assert_eq!(flows(&world), 1);
        refused_on_a_page(&world, &ana.browser, &brings(&service, &name, &[])).await;
        let name = pushed(&service).await;
        world.after(59);
        ana.comes_from(&brings(&service, &name, &[])).await;
        let name = pushed(&service).await;
        world.after(60);
        refused_on_a_page(&world, &ana.browser, &brings(&service, &name, &[])).await;
        let guess = "urn:ietf:params:oauth:request_uri:guess";
        refused_on_a_page(&world, &ana.browser, &brings(&service, guess, &[])).await;
        pushed(&service).await;
        upkeep::forget(&world.app.store, world.now()).await.unwrap();
        assert_eq!(world.rows("pushed_requests", "true"), 1, "those that are too old are forgotten");
    }

    async fn whoever_must_send_ahead_is_not_answered_otherwise(world) {
        let (ana, _, _) = beginning(&world).await;
        let service = service(&world, true).await;
        refused_by_redirect(&world, &ana.browser, &service, &service.request(), "invalid_request").await;
        let foreign = service.request_with(&[("request_uri", "https://evil.example/request")]);
        refused_by_redirect(&world, &ana.browser, &service, &foreign, "invalid_request").await;
    }

    async fn what_is_wrong_is_told_to_the_client_at_once(world) {
        let (_, franceconnect, _) = beginning(&world).await;
        let service = service(&world, false).await;
        for (changes, error) in [
            (&[("redirect_uri", "https://evil.example/")][..], "invalid_request"),
            (&[("redirect_uri", "")], "invalid_request"),
            (&[("client_id", &franceconnect.client.id)], "invalid_request"),
            (&[("client_id", "")], "invalid_request"),
            (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "invalid_request"),
            (&[("response_type", "code id_token")], "unsupported_response_type"),
            (&[("scope", "profile")], "invalid_scope"),
            (&[("code_challenge", &"a".repeat(43)), ("code_challenge_method", "plain")], "invalid_request"),
            (&[("request", "x.y.z")], "request_not_supported"),
        ] {
            let before = world.count(Kind::SecurityRefused).await;
            let answer = pushes(&service, changes).await;
            assert_eq!((answer.status, answer.error().as_str()), (400, error), "{changes:?}");
            assert_eq!(world.count(Kind::SecurityRefused).await, before + 1, "{changes:?}");
        }
        let stranger = service.posts("/par", &[("client_id", &service.client.id)], &[]).await;
        assert_eq!((stranger.status, stranger.error().as_str()), (401, "invalid_client"));
        assert_eq!(service.sends(|http, base| http.get(format!("{base}/par"))).await.status, 405);
        assert_eq!(world.rows("pushed_requests", "true"), 0);
    }

    /// A request may name a person: it is not to be read in the database.
    async fn a_request_sent_ahead_is_sealed(world) {
        let service = service(&world, false).await;
        let answer = pushes(&service, &[("login_hint", "josephine.lemoine@example.fr")]).await;
        assert_eq!(answer.status, 201);
        let column = world.hex("parameters");
        let stored = world.database.texts(&format!("select {column} as value from pushed_requests"));
        // "josephine"
        assert!(!stored[0].contains("6a6f73657068696e65"), "{}", stored[0]);
    }
}
