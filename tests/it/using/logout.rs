//! Signing out, asked by a service: it ends the connection to that service, and nothing else without being asked.

use jsonwebtoken::{EncodingKey, Header};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use serde_json::json;

use super::{access_token, beginning};
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;
use crate::world::service::{Answer, Service, answered, browser, claims};

/// The address where a client asks to sign out.
pub(crate) fn end(base: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{base}/session/end?{query}")
}

fn id_token(answer: &Answer) -> String {
    answer.json()["id_token"].as_str().unwrap().to_owned()
}

/// A token signed with a secret, whatever its header says of it.
pub(crate) fn signed(secret: &str, audience: &str, issuer: &str) -> String {
    let claims = json!({ "iss": issuer, "aud": audience, "sub": "x", "exp": 1 });
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// Each of these requests is a page: nobody goes anywhere, neither the session nor the connection ends, one entry for each says so.
async fn are_refused(
    world: &World,
    ana: &Actor,
    service: &Service,
    connection: &Answer,
    requests: Vec<Vec<(&str, &str)>>,
) {
    let many = requests.len();
    for parameters in requests {
        let page = ana.browser.get(end(&world.base, &parameters)).await.unwrap();
        assert_eq!((page.status, page.location()), (400, None), "{parameters:?}");
    }
    let entries = world.entries(Kind::SecurityRefused).await;
    assert_eq!(entries.len(), many);
    let token = id_token(connection);
    assert!(entries.iter().all(|entry| !entry.to_string().contains("evil") && !entry.to_string().contains(&token)));
    assert_eq!(ana.gets("/home").await.status, 200);
    assert_eq!(service.asks_identity(&access_token(connection)).await.status, 200, "the connection goes on");
}

on_each_backend! {
    /// FranceConnect ends its own session only when the browser comes back: at once, with an old hint too.
    async fn c14_a_hint_days_old_leads_back_at_once_and_ends_the_connection_alone(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let answer = service.exchanges(&code).await;
        let (hint, target) = (id_token(&answer), service.client.logout_uris[0].clone());
        let state = "0123456789abcdef".repeat(4);
        let request = end(&world.base, &[("id_token_hint", &hint), ("post_logout_redirect_uri", &target), ("state", &state), ("client_id", &service.client.id)]);
        let page = ana.browser.get(&request).await.unwrap();
        assert_eq!(page.status, 303);
        assert_eq!(page.header("location"), Some(format!("{target}?state={state}").as_str()));
        assert_eq!(service.asks_identity(&access_token(&answer)).await.status, 401, "the connection is over");
        assert_eq!(ana.gets("/home").await.status, 200, "the mediator is still at work");
        assert_eq!((world.count(Kind::SignedOut).await, world.count(Kind::Use).await), (0, 0));
        world.after(5 * 86_400);
        let late = browser().get(&request).await.unwrap();
        assert_eq!((late.status, answered(&late, "state")), (303, Some(state)));
        let without = browser().get(end(&world.base, &[("id_token_hint", &hint)])).await.unwrap();
        assert_eq!(without.status, 200, "nowhere to go back to: a page");
    }

    async fn c12_a_target_that_is_not_the_clients_is_a_page(world) {
        let (ana, service, opened) = beginning(&world).await;
        let other = world.plain_service().await;
        let answer = service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Logement).await).await;
        let (hint, target) = (id_token(&answer), service.client.logout_uris[0].clone());
        let ours = |end: &str| format!("{target}{end}");
        let targets = [
            "https://evil.example/".to_owned(), "javascript:alert(1)".to_owned(), "//evil.example".to_owned(), other.client.logout_uris[0].clone(),
            service.redirect_uri().to_owned(), ours("/more"), ours("/"), ours("?a=b"), ours("#a"), ours(".evil.example"), ours("\t"),
            target.to_uppercase(), target.replace("https:", "http:"), target.replace("https://", "https://user@"),
        ];
        let refused = targets.iter().map(|one| vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", one)]);
        are_refused(&world, &ana, &service, &answer, refused.collect()).await;
    }

    async fn c13_a_hint_that_is_not_the_clients_is_a_page(world) {
        let (ana, service, opened) = beginning(&world).await;
        let other = world.plain_service().await;
        let answer = service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Logement).await).await;
        let (hint, target) = (id_token(&answer), service.client.logout_uris[0].clone());
        let id = service.client.id.as_str();
        let mut tampered = hint.clone();
        tampered.replace_range(hint.len() - 2.., "AA");
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", hint.split('.').nth(1).unwrap());
        let foreign = signed("another secret", id, &world.base);
        let elsewhere = signed(&service.secret, id, "https://evil.example");
        let theirs = signed(&service.secret, &other.client.id, &world.base);
        let mut refused = vec![
            vec![("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", &target), ("client_id", &other.client.id)],
            vec![("id_token_hint", &hint), ("id_token_hint", &hint), ("post_logout_redirect_uri", &target)],
            vec![("post_logout_redirect_uri", &target), ("client_id", id)],
        ];
        for wrong in [&tampered, &unsigned, &foreign, &elsewhere, &theirs, "junk"] {
            refused.push(vec![("id_token_hint", wrong), ("post_logout_redirect_uri", &target)]);
        }
        are_refused(&world, &ana, &service, &answer, refused).await;
    }

    async fn c14_without_a_hint_the_person_is_asked(world) {
        let (ana, service, _) = beginning(&world).await;
        let page = ana.browser.get(end(&world.base, &[])).await.unwrap();
        assert_eq!((page.status, page.header("location")), (303, Some("/sign-out")));
        assert_eq!(ana.gets("/home").await.status, 200, "an image tag signs nobody out");
        let posted = service.sends(|http, base| http.post(format!("{base}/session/end")).form(&[("state", "x")])).await;
        assert_eq!((posted.status, posted.headers.get("location")), (200, None), "nobody is signed in there");
        let page = ana.sees("/session/end").await;
        assert_eq!((page.status, page.url.path()), (200, "/sign-out"));
        let button = page.forms().into_iter().rfind(|form| form.action().path() == "/sign-out").unwrap();
        let gone = ana.sends(&button).await;
        assert_eq!(gone.status, 200, "the button of the question works: {}", gone.text());
        assert_eq!(world.count(Kind::SignedOut).await, 1);
        assert_eq!(ana.gets("/home").await.header("location"), Some("/sign-in"));
    }

    async fn c15_a_hostile_state_comes_back_percent_encoded(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let hint = id_token(&service.exchanges(&code).await);
        let hostile = "a\r\nX: y\"<script>&b=c";
        let target = service.client.logout_uris[0].as_str();
        let page = ana.browser.get(end(&world.base, &[("id_token_hint", &hint), ("post_logout_redirect_uri", target), ("state", hostile)])).await.unwrap();
        assert_eq!(answered(&page, "state").as_deref(), Some(hostile));
        assert!(!page.header("location").unwrap().contains(['<', '"', '\r', '\n']));
        assert_eq!(claims(&hint)["aud"], service.client.id.as_str());
    }
}
