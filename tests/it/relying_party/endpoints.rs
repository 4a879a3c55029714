//! FranceConnect's token and userinfo endpoints when they are broken, slow, or somebody else.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use actix_web::{App, HttpServer, web};
use mandataire::oidc::http;
use mandataire::oidc::relying_party::{Callback, RelyingParty};
use openidconnect::http::Request;
use rustls::ServerConfig;
use serde_json::{Value, json};
use url::Url;

use super::World;
use crate::hostile::Reply;

#[actix_web::test]
async fn e12_userinfo_unsigned() {
    let world = World::new();
    let plain = super::angela().to_string();
    world.fc.reply(move |path, reply| {
        if path == "/userinfo" {
            reply.content_type("application/json");
            reply.body.clone_from(&plain.clone().into_bytes());
        }
    });
    assert_eq!(world.refused().await, "refused_not_userinfo");
}

/// What the token endpoint may answer instead of tokens, and the fault each time: all leave room for another try.
async fn with_token_reply(alter: impl Fn(&mut Reply) + Send + 'static, expected: &str) {
    let world = World::impatient();
    world.fc.reply(move |path, reply| {
        if path == "/token" {
            alter(reply);
        }
    });
    let begun = Instant::now();
    let fault = world.identify().await.unwrap_err();
    assert_eq!((fault.code(), fault.retry()), (expected, true));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(world.fc.seen("/userinfo").is_empty());
}

#[actix_web::test]
async fn e13_token_endpoint_redirects() {
    let elsewhere = World::new();
    let location = format!("{}/token", elsewhere.fc.issuer);
    with_token_reply(
        move |reply| {
            reply.status = 302;
            reply.headers = vec![("location", location.clone())];
        },
        "unavailable_redirected",
    )
    .await;
    assert_eq!(elsewhere.fc.requests(), 0, "the secret was not sent elsewhere");
}

#[actix_web::test]
async fn e13_token_endpoint_answers_a_page() {
    with_token_reply(|reply| reply.content_type("text/html"), "unavailable_content_type").await;
    with_token_reply(|reply| reply.headers.clear(), "unavailable_content_type").await;
    with_token_reply(|reply| reply.body = b"<html>".to_vec(), "unavailable_malformed").await;
}

#[actix_web::test]
async fn e13_token_endpoint_fails() {
    with_token_reply(|reply| reply.status = 503, "unavailable_failing").await;
    with_token_reply(|reply| reply.status = 404, "unavailable_status").await;
}

#[actix_web::test]
async fn e13_token_answer_without_id_token_or_bearer() {
    let world = World::new();
    for (name, value) in [
        ("id_token", Value::Null),
        ("token_type", json!("mac")),
        ("token_type", Value::Null),
        ("access_token", Value::Null),
        ("access_token", json!("")),
        ("access_token", json!("a\r\nX-Injected: 1")),
        ("access_token", json!("a b")),
    ] {
        world.fc.token(move |answer| answer[name] = value.clone());
        assert_eq!(world.refused().await, "unavailable_missing", "{name}");
    }
    world.fc.token(|answer| answer["token_type"] = json!("bearer"));
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn e13_token_answer_with_a_repeated_member() {
    with_token_reply(
        |reply| {
            let body = String::from_utf8(reply.body.clone()).unwrap();
            reply.body = body.replacen('{', r#"{"scope":"x","#, 1).into_bytes();
        },
        "unavailable_malformed",
    )
    .await;
}

#[actix_web::test]
async fn e13_token_answer_of_twenty_megabytes() {
    with_token_reply(|reply| reply.body = vec![b' '; 20_000_000], "unavailable_too_large").await;
}

#[actix_web::test]
async fn e13_token_answer_that_never_comes() {
    with_token_reply(|reply| reply.delay = Duration::from_secs(30), "unavailable_timeout").await;
}

/// The client that `serve` makes waits five seconds, whatever the other side intends.
#[actix_web::test]
async fn e13_nobody_is_awaited_longer_than_five_seconds() {
    let world = World::new();
    world.fc.reply(|path, reply| {
        if path == "/token" {
            reply.delay = Duration::from_secs(20);
        }
    });
    let rp = RelyingParty::new(super::settings(&world.fc.issuer), world.clock.clone()).unwrap();
    let begun = Instant::now();
    let failed = rp.identify(&world.callback(), "a-nonce", None).await.expect_err("no answer came");
    assert_eq!(failed.fault.code(), "unavailable_timeout");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
}

#[actix_web::test]
async fn e13_a_refused_code_may_be_asked_for_again_and_a_refused_client_not() {
    let world = World::new();
    for (error, code, retry) in [
        ("invalid_grant", "refused_code", true),
        ("invalid_client", "refused_client", false),
        ("invalid_request", "refused_request", false),
    ] {
        world.fc.reply(move |path, reply| {
            if path == "/token" {
                reply.status = 400;
                reply.body =
                    json!({"error": error, "error_description": "x", "error_uri": "y"}).to_string().into_bytes();
            }
        });
        let fault = world.identify().await.unwrap_err();
        assert_eq!((fault.code(), fault.retry()), (code, retry));
    }
    for code in [String::new(), "x".repeat(1025)] {
        let callback = Callback { code, ..world.callback() };
        let before = world.fc.requests();
        assert_eq!(world.rp.identify(&callback, "a nonce", None).await.unwrap_err().fault.code(), "refused_code");
        assert_eq!(world.fc.requests(), before);
    }
}

#[actix_web::test]
async fn e13_userinfo_refuses_the_access_token() {
    let world = World::new();
    for (status, code) in [(401, "refused_access_token"), (403, "unavailable_status"), (500, "unavailable_failing")] {
        world.fc.reply(move |path, reply| {
            if path == "/userinfo" {
                reply.status = status;
            }
        });
        let fault = world.identify().await.unwrap_err();
        assert_eq!((fault.code(), fault.retry()), (code, true));
    }
}

#[actix_web::test]
async fn e14_words_of_an_error_go_nowhere() {
    let world = World::new();
    world.fc.reply(|path, reply| {
        if path == "/token" {
            reply.status = 400;
            let said = "<script>\r\nSet-Cookie: a=b";
            reply.body = json!({"error": said, "error_description": said, "error_uri": said}).to_string().into_bytes();
        }
    });
    let fault = world.identify().await.unwrap_err();
    assert_eq!(fault.code(), "refused_request");
    assert!(!format!("{fault} {fault:?}").contains("script"));
}

/// Where the provider of the next test is, in the process that asks it.
const PROVIDER: &str = "MANDATAIRE_TEST_PROVIDER";

/// Which authorities there are is said to a whole process, so that another one asks.
#[actix_web::test]
async fn the_authorities_of_the_system_vouch_for_a_provider() {
    if let Ok(address) = std::env::var(PROVIDER) {
        let client = http::Client::new(&Url::parse(&address).unwrap()).unwrap();
        let answer = client.send(Request::get(&address).body(Vec::new()).unwrap()).await.unwrap();
        assert_eq!(answer.body(), b"here");
        return;
    }
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.der().clone(), made.signing_key.serialize_der().try_into().unwrap());
    let tls = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let server = HttpServer::new(|| App::new().default_service(web::to(|| async { "here" })));
    let server = server.workers(1).disable_signals().bind_rustls_0_23(("127.0.0.1", 0), tls).unwrap();
    let address = format!("https://localhost:{}/", server.addrs()[0].port());
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let file = std::env::temp_dir().join(format!("mandataire-authority-{}.pem", std::process::id()));
    std::fs::write(&file, made.cert.pem()).unwrap();
    let mut asking = Command::new(std::env::current_exe().unwrap());
    asking.args(["--exact", "relying_party::endpoints::the_authorities_of_the_system_vouch_for_a_provider"]);
    asking.env(PROVIDER, address).env("SSL_CERT_FILE", &file).stdout(Stdio::null()).stderr(Stdio::null());
    let asked = web::block(move || asking.status().unwrap()).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    handle.stop(false).await;
    assert!(asked.success());
}
