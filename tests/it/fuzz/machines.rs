//! What machines send: forms with their headers, tokens that clients sign, and hints of our own tokens. Each target has one world, whose
//! clock stands still.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};

use actix_web::rt::{System, SystemRunner};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mandataire::domain::client::{AuthMethod, Client, SigningAlgorithm};
use mandataire::oidc::provider::Provider;
use mandataire::oidc::provider::assertion::ASSERTION_TYPE;
use mandataire::oidc::provider::logout::Decision;
use mandataire::oidc::provider::params::Params;
use mandataire::oidc::provider::proof::Request;
use serde_json::{Value, json};
use url::form_urlencoded::{Serializer, byte_serialize};

use super::WORDS;
use super::input::{Choices, corpus, target};
use crate::world::World;
use crate::world::key::Key;
use crate::world::service::Service;

/// A world, three services, and what the corpus has names for.
struct Machines {
    system: SystemRunner,
    world: World,
    services: Vec<Service>,
    key: Key,
    other: Key,
}

impl Machines {
    fn new() -> Self {
        let system = System::new();
        let world = system.block_on(World::on_sqlite());
        let (key, other) = (Key::new(), Key::new());
        let of = |id: &str, auth_method, algorithm, keys| Client {
            auth_method,
            algorithm,
            keys,
            introspects: true,
            logout_uris: vec![format!("https://{id}.example/out")],
            ..Client::usual(id.to_owned(), id.to_owned(), vec![format!("https://{id}.example/callback")])
        };
        let clients = [
            of("basic", AuthMethod::Basic, SigningAlgorithm::Es256, None),
            of("post", AuthMethod::Post, SigningAlgorithm::Hs256, None),
            of("signer", AuthMethod::PrivateKey, SigningAlgorithm::Es256, Some(key.set())),
        ];
        let services = clients.map(|client| system.block_on(world.registered(client))).into();
        Self { system, world, services, key, other }
    }

    fn provider(&self) -> &Provider {
        &self.world.app.provider
    }

    fn hint(&self, at: usize) -> String {
        let Service { client, secret, .. } = &self.services[at];
        let claims = json!({
            "iss": self.world.base, "aud": client.id, "sub": "x", "exp": 1, "sid": "FLW01JDQ0000000000000000000000",
        });
        self.provider().keys.sign(client.algorithm, secret.as_bytes(), &claims).unwrap()
    }

    /// A corpus with its names replaced.
    fn corpus(&self, name: &str) -> Vec<Vec<u8>> {
        let mut key = self.key.public.clone();
        key.as_object_mut().unwrap().retain(|name, _| ["crv", "kty", "x", "y"].contains(&name.as_str()));
        let basic = STANDARD.encode(format!("basic:{}", self.services[0].secret));
        let names = [
            ("{BASE}", self.world.base.clone()),
            ("{BASIC}", basic),
            ("{SECRET}", self.services[1].secret.clone()),
            ("{ASSERTION}", self.key.assertion(&self.world, "signer", &json!({}))),
            ("{PROOF}", self.key.proves(&self.world, ("POST", "/token"), None)),
            ("{HINT_ES256}", self.hint(0)),
            ("{HINT_HS256}", self.hint(1)),
            ("{JWK}", key.to_string()),
            ("{NOW}", self.world.now().timestamp().to_string()),
            ("{SOON}", (self.world.now().timestamp() + 60).to_string()),
            ("{TYPE}", byte_serialize(ASSERTION_TYPE.as_bytes()).collect()),
        ];
        let replaced = |text: Vec<u8>| {
            let text = String::from_utf8(text).unwrap();
            names.iter().fold(text, |text, (name, value)| text.replace(name, value)).into_bytes()
        };
        corpus(name).into_iter().map(replaced).collect()
    }
}

/// The signed part of a token.
fn message(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(message, _)| message)
}

/// The header and the claims of a token.
fn inside(token: &str) -> [Value; 2] {
    let mut parts =
        token.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
    [parts.next().unwrap(), parts.next().unwrap()]
}

#[test]
fn machine_forms() {
    let machines = Machines::new();
    let (seeds, provider) = (machines.corpus("machines"), machines.provider());
    let genuine: HashSet<String> = seeds
        .iter()
        .flat_map(|seed| String::from_utf8_lossy(seed).split(['\n', '&', '=']).map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| word.split('.').count() == 3)
        .map(|token| message(&token).to_owned())
        .collect();
    let seen = RefCell::new(BTreeSet::new());
    let first = |token: &str| {
        assert!(genuine.contains(message(token)), "nothing verifies without the key: {token}");
        assert!(seen.borrow_mut().insert(message(token).to_owned()), "and nothing twice: {token}");
    };
    bolero::check!().for_each(target(|bytes| {
        let text = String::from_utf8_lossy(&Choices::new(bytes).input(&seeds, &WORDS)).into_owned();
        let mut lines = text.splitn(3, '\n');
        let mut header = || lines.next().filter(|line| !line.is_empty());
        let (authorization, proof) = (header(), header());
        let Some(params) = Params::parse(lines.next().unwrap_or_default().as_bytes()) else { return };
        let given = |name: &str| params.one(name).ok().flatten();
        machines.system.block_on(async {
            let about = Request { method: "POST", path: "/token", token: None };
            let mut key = None;
            if let Some(proof) = proof
                && let Ok(thumbprint) = provider.prove(proof, about).await
            {
                first(proof);
                key = Some(thumbprint);
            }
            let Ok(by) = provider.authenticate(&params, authorization, "/token").await else { return };
            match by.client.id.as_str() {
                "basic" => assert!(authorization.is_some() && given("client_secret").is_none()),
                "post" => assert_eq!(given("client_secret"), Some(machines.services[1].secret.as_str())),
                _ => first(given("client_assertion").unwrap()),
            }
            if let Ok(name) = provider.push(&by, &params, key.as_deref()).await {
                assert!(
                    name.len() < 200 && by.client.redirect_uris.iter().any(|uri| given("redirect_uri") == Some(uri))
                );
            }
            if let Ok(answer) = provider.introspect(by, &params).await {
                assert_eq!(answer, json!({ "active": false }), "there is no token here");
            }
            let Ok(by) = provider.authenticate(&params, authorization, "/token").await else { return };
            assert!(provider.exchange(by, &params, key).await.is_err(), "there is no code here");
        });
    }));
    assert!(seen.borrow().len() <= genuine.len());
}

/// A token of a client, out of the corpora of this name; and whether its own key signed it.
fn made(machines: &Machines, choices: &mut Choices<'_>, seeds: &[Vec<Vec<u8>>; 2]) -> (String, bool) {
    let message = seeds.each_ref().map(|seeds| URL_SAFE_NO_PAD.encode(choices.input(seeds, &WORDS))).join(".");
    let ours = choices.below(4) != 0;
    (if ours { &machines.key } else { &machines.other }.signs_text(&message), ours)
}

fn corpora(machines: &Machines, name: &str) -> [Vec<Vec<u8>>; 2] {
    ["header", "claims"].map(|part| machines.corpus(&format!("{name}_{part}")))
}

#[test]
fn client_assertions() {
    let machines = Machines::new();
    let (seeds, provider) = (corpora(&machines, "assertion"), machines.provider());
    let (seen, now) = (RefCell::new(BTreeSet::new()), machines.world.now().timestamp());
    bolero::check!().for_each(target(|bytes| {
        let (token, ours) = made(&machines, &mut Choices::new(bytes), &seeds);
        let form = Serializer::new(String::new())
            .extend_pairs([("client_assertion_type", ASSERTION_TYPE), ("client_assertion", &token)])
            .finish();
        let Some(params) = Params::parse(form.as_bytes()) else { return };
        if machines.system.block_on(provider.authenticate(&params, None, "/token")).is_err() {
            return;
        }
        let [_, said] = inside(&token);
        assert!(ours, "nothing verifies without the key: {said}");
        assert_eq!((&said["iss"], &said["sub"]), (&json!("signer"), &json!("signer")));
        let audience = said["aud"].as_str().or(said["aud"][0].as_str()).unwrap();
        assert!(audience == machines.world.base || audience == machines.world.at("/token"), "{said}");
        let exp = said["exp"].as_i64().unwrap();
        assert!(exp > now - 31 && exp < now + 631, "{said}");
        assert!(["iat", "nbf"].iter().all(|name| said[name].as_i64().is_none_or(|second| second < now + 31)), "{said}");
        assert!(seen.borrow_mut().insert(said["jti"].as_str().unwrap().to_owned()), "and nothing twice: {said}");
    }));
}

#[test]
fn proofs_of_possession() {
    let machines = Machines::new();
    let (seeds, provider) = (corpora(&machines, "proof"), machines.provider());
    let (seen, now) = (RefCell::new(BTreeSet::new()), machines.world.now().timestamp());
    bolero::check!().for_each(target(|bytes| {
        let (token, ours) = made(&machines, &mut Choices::new(bytes), &seeds);
        let about = Request { method: "POST", path: "/token", token: None };
        let Ok(key) = machines.system.block_on(provider.prove(&token, about)) else { return };
        let [header, said] = inside(&token);
        assert!(ours, "nothing verifies without the key: {header}");
        assert_eq!((key.len(), &header["typ"], &said["htm"]), (43, &json!("dpop+jwt"), &json!("POST")));
        assert!(header["jwk"].get("d").is_none() && header["jwk"]["x"] == machines.key.public["x"], "{header}");
        let iat = said["iat"].as_i64().unwrap();
        assert!((now - 60..=now + 30).contains(&iat), "{said}");
        assert!(seen.borrow_mut().insert(said["jti"].as_str().unwrap().to_owned()), "and nothing twice: {said}");
    }));
}

#[test]
fn logout_hints() {
    let machines = Machines::new();
    let seeds = machines.corpus("logout");
    let hints = [machines.hint(0), machines.hint(1)];
    // A signature on P-256 is another each time; what is signed is not.
    let genuine = |hint: &str| hints.iter().position(|known| message(known) == message(hint));
    bolero::check!().for_each(target(|bytes| {
        let mut choices = Choices::new(bytes);
        let text = if choices.below(2) == 0 {
            choices.input(&seeds, &WORDS)
        } else {
            let at = choices.below(hints.len());
            let (hint, id) = (choices.altered_inside(&hints[at], &WORDS), &machines.services[at].client.id);
            let target = format!("https://{id}.example/out");
            let pairs = [("id_token_hint", hint), ("post_logout_redirect_uri", target)];
            Serializer::new(String::new()).extend_pairs(pairs).finish().into_bytes()
        };
        let Some(params) = Params::parse(&text) else { return };
        let one = |name: &str| params.one(name).ok().flatten();
        match machines.system.block_on(machines.provider().end_session(&params)).unwrap() {
            Decision::Return(url) => {
                let at = genuine(one("id_token_hint").unwrap()).expect("nothing verifies without the key");
                let registered = &machines.services[at].client.logout_uris[0];
                assert_eq!(Some(registered.as_str()), one("post_logout_redirect_uri"));
                assert!(url.as_str().starts_with(registered.as_str()), "{url}");
            }
            Decision::Done => assert!(genuine(one("id_token_hint").unwrap()).is_some(), "and nothing ends"),
            Decision::Ask => assert_eq!(one("id_token_hint"), None),
            Decision::Refuse(word) => assert!(word.len() < 32),
        }
    }));
}
