//! What FranceConnect says of itself: believed for a while, never beyond its own address, and kept when it falls silent.

use std::time::Duration;

use chrono::TimeDelta;
use mandataire::clock::Random;
use mandataire::oidc::http;
use mandataire::oidc::relying_party::{Fault, RelyingParty, Settings};
use serde_json::{Value, json};
use url::Url;

use super::{World, clock, settings};
use crate::hostile::{Hostile, Reply, Signer};

const DISCOVERY: &str = "/.well-known/openid-configuration";

impl World {
    /// How often the metadata and the keys were asked for.
    fn asked(&self) -> (usize, usize) {
        (self.fc.seen(DISCOVERY).len(), self.fc.seen("/jwks").len())
    }

    fn breaks(&self, broken: &'static str, alter: impl Fn(&mut Reply) + Send + 'static) {
        self.fc.reply(move |path, reply| {
            if path == broken {
                alter(reply);
            }
        });
    }
}

#[actix_web::test]
async fn what_is_known_serves_for_ten_minutes() {
    let world = World::new();
    world.identify().await.unwrap();
    world.clock.advance(TimeDelta::seconds(599));
    world.identify().await.unwrap();
    assert_eq!(world.asked(), (1, 1));
    world.clock.advance(TimeDelta::seconds(1));
    world.rp.clone().start(&Random::system()).await.unwrap();
    world.identify().await.unwrap();
    assert_eq!(world.asked(), (2, 2));
}

#[actix_web::test]
async fn a_new_key_is_found_at_once_and_the_old_one_forgotten() {
    let world = World::new();
    world.identify().await.unwrap();
    let old = world.fc.signer();
    world.fc.rotate(Signer::es256()); // under the same name: a failed signature
    world.identify().await.unwrap();
    assert_eq!(world.asked(), (1, 2));
    world.clock.advance(TimeDelta::seconds(61));
    world.fc.jwks(|set| set["keys"][0]["kid"] = json!("key-2"));
    world.fc.id_token(|token| token.header["kid"] = json!("key-2")); // under a new name
    world.fc.userinfo(|token| token.header["kid"] = json!("key-2"));
    world.identify().await.unwrap();
    assert_eq!(world.asked(), (1, 3));
    world.fc.id_token(move |token| token.signer = old.clone());
    assert_eq!(world.refused().await, "refused_key");
}

#[actix_web::test]
async fn a_new_key_is_asked_for_once_by_all_who_meet_it() {
    let world = World::new();
    let started = world.rp.start(&Random::system()).await.unwrap();
    world.fc.nonce(&started.nonce);
    world.fc.rotate(Signer::es256());
    let callback = world.callback();
    let sign_in = || world.rp.identify(&callback, &started.nonce, None);
    let (a, b, c) = tokio::join!(sign_in(), sign_in(), sign_in());
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(world.asked(), (1, 2));
}

#[actix_web::test]
async fn whoever_waits_for_the_first_answer_shares_its_fate() {
    let world = World::impatient();
    world.breaks(DISCOVERY, |reply| reply.delay = Duration::from_secs(30));
    let random = Random::system();
    let begun = std::time::Instant::now();
    let (a, b, c) = tokio::join!(world.rp.start(&random), world.rp.start(&random), world.rp.start(&random));
    assert!(begun.elapsed() < Duration::from_secs(4), "one time limit, not three in a row");
    let mut codes = [a, b, c].map(|result| result.unwrap_err().code());
    codes.sort_unstable();
    assert_eq!(codes, ["unavailable_just_failed", "unavailable_just_failed", "unavailable_timeout"]);
    world.breaks(DISCOVERY, |_| ());
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn d10_old_keys_serve_while_the_platform_says_nonsense() {
    for (path, alter) in nonsense() {
        let world = World::impatient();
        world.identify().await.unwrap();
        world.clock.advance(TimeDelta::seconds(601));
        world.breaks(path, alter);
        world.identify().await.unwrap();
        let asked = world.asked();
        world.identify().await.unwrap();
        assert_eq!(world.asked(), asked, "{path}: not asked again within the minute");
        world.clock.advance(TimeDelta::seconds(60));
        world.identify().await.unwrap();
        assert_eq!(world.asked().0, asked.0 + 1, "{path}");
    }
}

#[actix_web::test]
async fn d10_a_forged_token_during_an_outage_leaves_the_old_keys() {
    let world = World::new();
    world.identify().await.unwrap();
    world.breaks("/jwks", |reply| reply.body = br#"{"keys":[]}"#.to_vec());
    world.fc.id_token(|token| token.signer = Signer::Fixed(vec![1; 64]));
    assert_eq!(world.refused().await, "refused_signature");
    world.fc.id_token(|_| ());
    world.identify().await.unwrap();
}

type Alter = fn(&mut Reply);
type Broken = (&'static str, Alter);

fn nonsense() -> [Broken; 7] {
    let slow: Alter = |reply| reply.delay = Duration::from_secs(30);
    let large: Alter = |reply| reply.body = vec![b' '; 10_000_000];
    let page: Alter = |reply| reply.body = b"<html>".to_vec();
    let failing: Alter = |reply| reply.status = 500;
    [
        (DISCOVERY, slow),
        (DISCOVERY, large),
        (DISCOVERY, page),
        (DISCOVERY, failing),
        ("/jwks", page),
        ("/jwks", large),
        ("/jwks", failing),
    ]
}

#[actix_web::test]
async fn d10_first_answers_that_are_nonsense() {
    let expected = [
        "unavailable_timeout",
        "unavailable_too_large",
        "unavailable_malformed",
        "unavailable_failing",
        "unavailable_malformed",
        "unavailable_too_large",
        "unavailable_failing",
    ];
    for ((path, alter), code) in nonsense().into_iter().zip(expected) {
        let world = World::impatient();
        world.breaks(path, alter);
        let fault = world.identify().await.unwrap_err();
        assert_eq!((fault.code(), fault.retry()), (code, true), "{path}");
        world.breaks(path, |_| ());
        world.identify().await.unwrap();
    }
}

#[actix_web::test]
async fn d10_other_answers_that_are_refused() {
    let world = World::new();
    let gzip = |reply: &mut Reply| reply.headers.push(("content-encoding", "gzip".into()));
    let cases: [(Alter, &str); 4] = [
        (gzip, "unavailable_encoded"),
        (|reply| reply.content_type("text/html"), "unavailable_content_type"),
        (|reply| reply.status = 404, "unavailable_status"),
        (|reply| reply.body = br#"{"issuer":"a","issuer":"b"}"#.to_vec(), "unavailable_malformed"),
    ];
    for (alter, code) in cases {
        world.breaks(DISCOVERY, alter);
        assert_eq!(world.refused().await, code);
    }
}

#[actix_web::test]
async fn d10_redirects_are_not_followed() {
    let world = World::new();
    let elsewhere = Hostile::start(&world.clock, Signer::es256());
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}{DISCOVERY}", elsewhere.issuer);
        world.breaks(DISCOVERY, move |reply| {
            reply.status = status;
            reply.headers = vec![("location", location.clone())];
        });
        assert_eq!(world.refused().await, "unavailable_redirected", "{status}");
    }
    assert_eq!(elsewhere.requests(), 0);
}

#[actix_web::test]
async fn d10_endpoints_elsewhere_are_never_called() {
    let world = World::new();
    let elsewhere = Hostile::start(&world.clock, Signer::es256());
    let metadata =
        ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "end_session_endpoint", "jwks_uri"];
    for name in metadata {
        for address in
            [elsewhere.issuer.as_str(), "http://169.254.169.254/latest", "https://example.fr/x", "file:///etc/passwd"]
        {
            let address = address.to_owned();
            world.fc.discovery(move |document| document[name] = json!(address));
            assert_eq!(world.refused().await, "unavailable_foreign", "{name}");
        }
    }
    assert_eq!(elsewhere.requests(), 0);
    world.fc.discovery(|document| document["token_endpoint"] = json!(null));
    assert_eq!(world.refused().await, "unavailable_missing");
}

/// A platform without a sign-out may leave out its address, and no other.
#[actix_web::test]
async fn without_a_sign_out_every_other_endpoint_is_needed_and_at_home() {
    for (name, address, fault) in [
        ("end_session_endpoint", Value::Null, None),
        ("end_session_endpoint", json!("https://example.fr/x"), Some("unavailable_foreign")),
        ("token_endpoint", json!("https://example.fr/x"), Some("unavailable_foreign")),
        ("token_endpoint", Value::Null, Some("unavailable_missing")),
        ("userinfo_endpoint", Value::Null, Some("unavailable_missing")),
    ] {
        let world = World::with(|settings| settings.logout = false);
        world.fc.discovery(move |document| document[name] = address.clone());
        let started = world.rp.start(&Random::system()).await;
        assert_eq!(started.err().map(|fault| fault.code()), fault, "{name}");
    }
}

#[actix_web::test]
async fn discovery_of_another_issuer_is_refused() {
    let world = World::new();
    for issuer in ["https://example.fr/api/v2".to_owned(), format!("{}/", world.fc.issuer)] {
        world.fc.discovery(move |document| document["issuer"] = json!(issuer));
        let fault = world.identify().await.unwrap_err();
        assert_eq!((fault.code(), fault.retry()), ("refused_issuer", false));
    }
}

fn production(change: impl FnOnce(&mut Settings)) -> Result<RelyingParty, Fault> {
    let mut settings = Settings {
        redirect_uri: "https://mandataire.example.fr/franceconnect/callback".to_owned(),
        post_logout_redirect_uri: "https://mandataire.example.fr/franceconnect/logged-out".to_owned(),
        development: false,
        ..settings("https://oidc.franceconnect.gouv.fr/api/v2")
    };
    change(&mut settings);
    RelyingParty::new(settings, clock())
}

#[test]
fn e18_an_issuer_that_is_not_public_is_refused_at_the_start() {
    production(|_| ()).unwrap();
    for issuer in [
        "http://oidc.franceconnect.gouv.fr/api/v2",
        "https://localhost/api/v2",
        "https://franceconnect.localhost",
        "https://127.0.0.1",
        "https://[::1]",
        "https://10.0.0.1",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433",
        "https://0x7f.1",
        "https://franceconnect.internal",
        "https://franceconnect",
        "https://localhost.",
        "https://user@oidc.franceconnect.gouv.fr",
        "https://oidc.franceconnect.gouv.fr/?a=b",
        "https://oidc.franceconnect.gouv.fr/#a",
        "file:///etc/passwd",
        "franceconnect",
        "",
    ] {
        let fault = production(|settings| issuer.clone_into(&mut settings.issuer)).unwrap_err();
        assert_eq!((fault.code(), fault.retry()), ("settings", false), "{issuer}");
    }
}

#[test]
fn e18_settings_that_cannot_work_are_refused_at_the_start() {
    let wrong: [fn(&mut Settings); 7] = [
        |settings| settings.redirect_uri = "http://mandataire.example.fr/franceconnect/callback".into(),
        |settings| settings.post_logout_redirect_uri = "/franceconnect/logged-out".into(),
        |settings| settings.client_id.clear(),
        |settings| settings.client_secret = "".into(),
        |settings| settings.scopes = vec!["profile".into()],
        |settings| settings.acr = "eidas0".into(),
        |settings| settings.acr.clear(),
    ];
    for (at, change) in wrong.into_iter().enumerate() {
        assert_eq!(production(change).unwrap_err().code(), "settings", "{at}");
    }
}

#[test]
fn e18_an_http_client_for_another_issuer_is_refused() {
    let client = http::Client::new(&Url::parse("http://127.0.0.1:1").unwrap()).unwrap();
    let fault = RelyingParty::with_client(settings("http://127.0.0.1:2"), clock(), client).unwrap_err();
    assert_eq!(fault.code(), "settings");
}

#[actix_web::test]
async fn a_platform_that_is_down_is_worth_another_try() {
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let rp = RelyingParty::new(settings(&format!("http://{nobody}")), clock()).unwrap();
    let fault = rp.start(&Random::system()).await.unwrap_err();
    assert_eq!((fault.code(), fault.retry()), ("unavailable_unreachable", true));
    assert!(std::error::Error::source(&fault).is_some());
}
