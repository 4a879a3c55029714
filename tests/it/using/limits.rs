//! Where each limit lies, to the second and to the byte: the last value that is accepted, and the first that is not.

use chrono::TimeDelta;
use mandataire::domain::Instant;
use mandataire::domain::client::{AuthMethod, Client};
use mandataire::domain::flow::Flow;
use mandataire::domain::id::FlowId;
use mandataire::domain::repeat::SILENCE;
use mandataire::oidc::provider::assertion::ASSERTION_TYPE;
use mandataire::oidc::provider::authorize::{self, Around, Rejection};
use mandataire::oidc::provider::hint::Hint;
use mandataire::oidc::provider::params::Params;
use mandataire::oidc::provider::proof::Request;
use mandataire::store::seen;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::on_each_backend;
use crate::world::World;
use crate::world::key::Key;

fn franceconnect() -> Client {
    let address = "https://service.example/callback".to_owned();
    Client { franceconnect: true, ..Client::usual("service".to_owned(), "Service".to_owned(), vec![address]) }
}

/// The usual request of a client, these parameters changed, at this hour.
fn checked(client: &Client, changes: &[(&str, &str)], now: Instant) -> Result<Flow, Rejection> {
    let usual = [
        ("client_id", "service"),
        ("response_type", "code"),
        ("redirect_uri", "https://service.example/callback"),
        ("scope", "openid"),
        ("state", "0123456789abcdef0123456789abcdef"),
        ("nonce", "fedcba9876543210fedcba9876543210"),
    ];
    let kept = usual.iter().filter(|(known, _)| changes.iter().all(|(name, _)| name != known));
    let text = Serializer::new(String::new()).extend_pairs(kept.chain(changes)).finish();
    let around =
        Around { browser: [0; 32], signed_in: true, id: FlowId::new(now, 1), now, hint: &Hint::Absent, pushed: false };
    authorize::check(&Params::parse(text.as_bytes()).unwrap(), client, around)
}

fn beginning() -> Instant {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// The error, and whether the state came back.
fn refusal(client: &Client, name: &str, value: &str) -> Option<(&'static str, bool)> {
    match checked(client, &[(name, value)], beginning()) {
        Ok(_) => None,
        Err(Rejection::Redirect { error, state, .. }) => Some((error, state.is_some())),
        Err(Rejection::Page(word)) => panic!("a page: {word}"),
    }
}

/// How old the code of a mediator may be, in seconds; any if nothing is said of it.
#[test]
fn the_youngest_code_that_is_asked_for_counts() {
    let (franceconnect, other) = (franceconnect(), Client { franceconnect: false, ..franceconnect() });
    let (silent, now) = (Client { silent: true, ..other.clone() }, beginning());
    let age = |client: &Client, prompt: &str, max_age: &str| {
        let flow = checked(client, &[("prompt", prompt), ("max_age", max_age)], now);
        flow.unwrap_or_else(|_| panic!("{prompt} {max_age}")).code_since.map(|since| (now - since).num_seconds())
    };
    for client in [&franceconnect, &other] {
        for prompt in ["", "consent", "select_account", "consent select_account"] {
            assert_eq!((age(client, prompt, ""), age(client, prompt, "60")), (None, Some(60)), "{prompt}");
        }
    }
    let both = "consent login";
    for (client, prompt, ages) in [
        (&franceconnect, "login", [900, 899, 900]),
        (&franceconnect, both, [900, 899, 900]),
        (&other, "login", [0, 0, 0]),
        (&other, both, [0, 0, 0]),
    ] {
        let asked = ["", "899", "901"].map(|max_age| age(client, prompt, max_age).unwrap());
        assert_eq!(asked, ages, "{prompt}");
    }
    assert_eq!(age(&silent, "none", "").unwrap(), SILENCE.num_seconds());
}

#[test]
fn what_is_echoed_is_neither_guessable_nor_endless() {
    let (franceconnect, other) = (franceconnect(), Client { franceconnect: false, ..franceconnect() });
    for name in ["state", "nonce"] {
        assert_eq!(refusal(&franceconnect, name, &"x".repeat(22)), None, "{name}");
        assert_eq!(refusal(&franceconnect, name, &"x".repeat(21)), Some(("invalid_request", true)), "{name}");
        assert_eq!(refusal(&other, name, "x"), None, "{name}");
        assert_eq!(refusal(&franceconnect, name, &"x".repeat(1_024)), None, "{name}");
        let long = refusal(&franceconnect, name, &"x".repeat(1_025));
        assert_eq!(long, Some(("invalid_request", name == "nonce")), "what is too long does not come back");
        assert_eq!(refusal(&other, name, &"x".repeat(1_025)), Some(("invalid_request", name == "nonce")), "{name}");
    }
}

#[test]
fn scopes_and_claims_are_not_endless() {
    let (client, words) = (franceconnect(), |length: usize| format!("openid {}", "x".repeat(length - 7)));
    assert_eq!(refusal(&client, "scope", &words(2_048)), None);
    assert_eq!(refusal(&client, "scope", &words(2_049)), Some(("invalid_scope", true)));
    let claims = |length: usize| format!("{{\"userinfo\":\"{}\"}}", "x".repeat(length - 15));
    assert_eq!(claims(8_192).len(), 8_192);
    assert_eq!(refusal(&client, "claims", &claims(8_192)), None);
    assert_eq!(refusal(&client, "claims", &claims(8_193)), Some(("invalid_request", true)));
}

#[test]
fn an_essential_level_is_among_those_named() {
    let client = franceconnect();
    let asked = |acr: Value| refusal(&client, "claims", &json!({ "id_token": { "acr": acr } }).to_string());
    let unmet = Some(("unmet_authentication_requirements", true));
    for met in [
        json!({ "essential": true, "value": "eidas1" }),
        json!({ "essential": true, "values": ["eidas2", "eidas1"] }),
        json!({ "essential": true, "values": ["eidas2"], "value": "eidas1" }),
        json!({ "essential": true }),
        json!({ "essential": true, "values": [] }),
        json!({ "essential": false, "value": "eidas3" }),
        json!({ "value": "eidas3" }),
        Value::Null,
    ] {
        assert_eq!(asked(met.clone()), None, "{met}");
    }
    assert_eq!(asked(json!({ "essential": true, "value": "eidas2" })), unmet);
    assert_eq!(asked(json!({ "essential": true, "values": ["eidas2", "eidas3"] })), unmet);
}

#[test]
fn a_digest_has_43_characters_of_base64url() {
    let client = franceconnect();
    let with = |key: &str| refusal(&client, "dpop_jkt", key);
    assert_eq!(with(&"-".repeat(43)), None);
    assert_eq!(with(&"_".repeat(43)), None);
    assert_eq!(with(&"a0Z".repeat(15)[..43]), None);
    for wrong in ["a".repeat(42), "a".repeat(44), "+".repeat(43), "=".repeat(43), " ".repeat(43)] {
        assert_eq!(with(&wrong), Some(("invalid_request", true)), "{wrong}");
    }
}

#[test]
fn forms_are_neither_long_nor_full() {
    let value = |length: usize| [b"a=".as_slice(), &vec![b'x'; length]].concat();
    assert!(Params::parse(&value(16_384)).is_some());
    assert!(Params::parse(&value(16_385)).is_none());
    let many = |times: usize| (0..times).map(|at| format!("a{at}=1")).collect::<Vec<_>>().join("&");
    assert!(Params::parse(many(64).as_bytes()).is_some());
    assert!(Params::parse(many(65).as_bytes()).is_none());
    let whole = |length: usize| [vec![b'x'; 3], vec![b'='], vec![b'&'; length - 4]].concat();
    assert!(Params::parse(&whole(65_536)).is_some());
    assert!(Params::parse(&whole(65_537)).is_none());
    assert!(Params::parse(b"a%00=1").is_none() && Params::parse(b"a=%00").is_none());
}

/// Whether an assertion with these claims proves who the client is.
async fn is_asserted(world: &World, key: &Key, client: &str, claims: &Value) -> bool {
    let assertion = key.assertion(world, client, claims);
    let form = Serializer::new(String::new())
        .extend_pairs([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &assertion)])
        .finish();
    let params = Params::parse(form.as_bytes()).unwrap();
    world.app.provider.authenticate(&params, None, "/token").await.is_ok()
}

/// How many tokens are forgotten so many seconds from now.
async fn forgotten(world: &World, seconds: i64) -> usize {
    let then = world.now() + TimeDelta::seconds(seconds);
    world.app.store.write(move |tx| seen::forget(tx, then, 10)).await.unwrap()
}

on_each_backend! {
    async fn an_assertion_stands_to_the_second(world) {
        let key = Key::new();
        let address = "https://signer.example/callback".to_owned();
        let usual = Client::usual("signer".to_owned(), "Signer".to_owned(), vec![address]);
        world.registered(Client { auth_method: AuthMethod::PrivateKey, keys: Some(key.set()), ..usual }).await;
        let now = world.now().timestamp();
        for (claims, stands) in [
            (json!({ "exp": now - 29 }), true),
            (json!({ "exp": now - 30 }), false),
            (json!({ "exp": now + 630 }), true),
            (json!({ "exp": now + 631 }), false),
            (json!({ "iat": now + 30 }), true),
            (json!({ "iat": now + 31 }), false),
            (json!({ "nbf": now + 30 }), true),
            (json!({ "nbf": now + 31 }), false),
            (json!({ "jti": "x".repeat(256) }), true),
            (json!({ "jti": "x".repeat(257) }), false),
        ] {
            assert_eq!(is_asserted(&world, &key, "signer", &claims).await, stands, "{claims}");
        }
    }

    /// For as long as an assertion could still be presented.
    async fn an_assertion_is_remembered_while_it_stands(world) {
        let key = Key::new();
        let address = "https://signer.example/callback".to_owned();
        let usual = Client::usual("signer".to_owned(), "Signer".to_owned(), vec![address]);
        world.registered(Client { auth_method: AuthMethod::PrivateKey, keys: Some(key.set()), ..usual }).await;
        let last = json!({ "jti": "once", "exp": world.now().timestamp() + 630, "iat": null });
        assert!(is_asserted(&world, &key, "signer", &last).await);
        assert_eq!((forgotten(&world, 659).await, forgotten(&world, 660).await), (0, 1), "its time is known");
        assert!(is_asserted(&world, &key, "signer", &last).await, "it is new again");
        world.after(659);
        assert!(!is_asserted(&world, &key, "signer", &last).await, "it has not ended, and was presented");
        let again = json!({ "jti": "once", "exp": world.now().timestamp() + 60 });
        assert!(!is_asserted(&world, &key, "signer", &again).await, "the identifier is taken");
    }

    async fn a_proof_stands_to_the_second(world) {
        let key = Key::new();
        let now = world.now().timestamp();
        let about = Request { method: "POST", path: "/token", token: None };
        for (claims, stands) in [
            (json!({ "iat": now - 60 }), true),
            (json!({ "iat": now - 61 }), false),
            (json!({ "iat": now + 30 }), true),
            (json!({ "iat": now + 31 }), false),
            (json!({ "exp": now - 59 }), true),
            (json!({ "exp": now - 60 }), false),
            (json!({ "nbf": now + 30 }), true),
            (json!({ "nbf": now + 31 }), false),
            (json!({ "jti": "x".repeat(256) }), true),
            (json!({ "jti": "x".repeat(257) }), false),
            (json!({ "jti": "" }), false),
        ] {
            let proof = key.proof(&world, ("POST", "/token"), &json!({}), &claims);
            assert_eq!(world.app.provider.prove(&proof, about).await.is_ok(), stands, "{claims}");
        }
    }

    /// For as long as a proof could still be presented.
    async fn a_proof_is_remembered_while_it_stands(world) {
        let key = Key::new();
        let about = Request { method: "POST", path: "/token", token: None };
        let proof = |iat: i64| key.proof(&world, ("POST", "/token"), &json!({}), &json!({ "jti": "once", "iat": iat }));
        let first = proof(world.now().timestamp() + 30);
        assert!(world.app.provider.prove(&first, about).await.is_ok());
        assert_eq!(forgotten(&world, 90).await, 0, "it could still be presented");
        world.after(90);
        assert!(world.app.provider.prove(&first, about).await.is_err(), "it is not too old, and was presented");
        world.after(29);
        assert!(world.app.provider.prove(&proof(world.now().timestamp()), about).await.is_err(), "the identifier is taken");
    }
}
