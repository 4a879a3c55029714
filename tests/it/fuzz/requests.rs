//! Authorisation requests, and the claims they ask for. Nothing here asks a database.

use std::collections::BTreeSet;

use mandataire::domain::Instant;
use mandataire::domain::client::{Client, Pkce};
use mandataire::domain::flow::Flow;
use mandataire::domain::id::{CitizenId, FlowId};
use mandataire::domain::procedure::Procedure;
use mandataire::oidc::provider::authorize::{self, Around, Rejection};
use mandataire::oidc::provider::hint::Hint;
use mandataire::oidc::provider::params::Params;
use serde_json::Value;
use url::form_urlencoded;

use super::WORDS;
use super::input::{Choices, corpus, target};

const ISSUER: &str = "https://mandataire.example";
const HINT: &str = "good";

/// Every code that a refused request may be answered with (OpenID Connect Core 3.1.2.6).
const ERRORS: [&str; 10] = [
    "invalid_request",
    "unsupported_response_type",
    "request_not_supported",
    "request_uri_not_supported",
    "registration_not_supported",
    "invalid_scope",
    "access_denied",
    "unmet_authentication_requirements",
    "login_required",
    "interaction_required",
];

fn now() -> Instant {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

/// One that leaves most things open, and one that insists.
fn clients() -> [Client; 2] {
    let addresses =
        || ["https://service.example/callback", "https://service.example/other?kept=1"].map(str::to_owned).to_vec();
    let plain = Client::usual("plain".to_owned(), "Plain".to_owned(), addresses());
    let strict = Client {
        id: "strict".to_owned(),
        franceconnect: true,
        pkce: Pkce::Required,
        procedures: Some([Procedure::Logement, Procedure::Argent].into()),
        scopes: ["openid", "email"].map(str::to_owned).into(),
        ..plain.clone()
    };
    [plain, strict]
}

/// What the token of a request says: a single one is ours.
fn hint(params: &Params) -> Hint {
    match params.one("id_token_hint") {
        Ok(Some(HINT)) => Hint::About { citizen: CitizenId::new(now(), 7), choice: FlowId::new(now(), 8) },
        Ok(None) | Err(_) => Hint::Absent,
        Ok(Some(_)) => Hint::NotOurs,
    }
}

fn around(signed_in: bool, hint: &Hint) -> Around<'_> {
    let id = FlowId::new(now(), 7);
    Around { browser: [7; 32], signed_in, id, now: now(), hint, pushed: false }
}

/// What the request says, read by the standard and not by us.
struct Said(Vec<(String, String)>);

impl Said {
    fn new(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The one value of a parameter, unless it is empty.
    fn one(&self, name: &str) -> Option<&str> {
        let mut all = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        all.next().filter(|value| !value.is_empty() && all.next().is_none())
    }

    fn words(&self, name: &str) -> BTreeSet<&str> {
        self.one(name).unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect()
    }
}

/// A refused request leads to a registered address, and brings back nothing but its state.
fn refused(client: &Client, said: &Said, redirect_uri: &str, error: &'static str, state: Option<&str>) {
    assert!(client.redirect_uris.iter().any(|known| known == redirect_uri), "{redirect_uri} is not registered");
    assert_eq!(said.one("redirect_uri"), Some(redirect_uri));
    assert!(ERRORS.contains(&error), "{error}");
    assert!(state.is_none_or(|state| said.one("state") == Some(state) && state.len() <= 1_024));
    let answer = authorize::answer(redirect_uri, ISSUER, state, &[("error", error)]).unwrap();
    assert!(
        answer.as_str().starts_with(redirect_uri) && answer.fragment().is_none() && answer.as_str().len() < 4_096,
        "{answer}"
    );
    let echoed = Said::new(answer.query().unwrap().as_bytes());
    assert_eq!((echoed.one("iss"), echoed.one("error"), echoed.one("state")), (Some(ISSUER), Some(error), state));
}

/// A flow is what was asked for, within what is registered.
fn accepted(client: &Client, said: &Said, flow: &Flow) {
    let names: BTreeSet<_> = said.0.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), said.0.len(), "no parameter came twice");
    assert!(client.redirect_uris.contains(&flow.redirect_uri));
    assert_eq!(said.one("redirect_uri"), Some(flow.redirect_uri.as_str()));
    assert_eq!(said.one("response_type"), Some("code"));
    assert!(["request", "request_uri", "registration"].iter().all(|name| said.one(name).is_none()));
    for (name, value) in [("state", &flow.state), ("nonce", &flow.nonce)] {
        assert_eq!(said.one(name), value.as_deref());
        assert!(
            !client.franceconnect || value.as_ref().is_some_and(|value| (22..=1_024).contains(&value.len())),
            "{name}"
        );
    }
    let asked = said.words("scope");
    assert!(
        flow.scope.split(' ').all(|scope| asked.contains(scope) && client.scopes.contains(scope)),
        "{}",
        flow.scope
    );
    assert!(flow.scope.split(' ').any(|scope| scope == "openid"));
    assert_eq!(said.one("code_challenge"), flow.challenge.as_deref());
    assert!(client.pkce != Pkce::Required || flow.challenge.is_some());
    assert!(flow.challenge.is_none() || said.one("code_challenge_method") == Some("S256"));
    assert!([&flow.challenge, &flow.dpop_key].iter().all(|digest| digest.as_ref().is_none_or(|text| text.len() == 43)));
    assert!(said.one("id_token_hint").is_none_or(|hint| hint == HINT));
    let prompt = said.words("prompt");
    assert!(!prompt.contains("none"));
    assert!(!prompt.contains("login") || flow.code_since.unwrap() >= now() - chrono::TimeDelta::minutes(15));
    assert!(said.one("max_age").is_none() || flow.code_since.is_some());
    assert!(flow.code_since.is_none_or(|since| since <= now()));
    let within = |ours: &BTreeSet<_>| flow.procedures.as_ref().is_some_and(|asked| asked.is_subset(ours));
    assert!(client.procedures.as_ref().is_none_or(within), "{:?}", flow.procedures);
    assert!(flow.procedures.as_ref().is_none_or(|accepted| !accepted.is_empty()));
}

#[test]
fn authorisation_requests() {
    let (clients, seeds) = (clients(), corpus("authorize"));
    for (seed, client) in seeds.iter().zip(&clients) {
        assert!(
            authorize::check(&Params::parse(seed).unwrap(), client, around(true, &Hint::Absent)).is_ok(),
            "{}",
            client.id
        );
    }
    bolero::check!().for_each(target(|bytes| {
        let mut choices = Choices::new(bytes);
        let signed_in = choices.below(2) == 0;
        let text = choices.input(&seeds, &WORDS);
        let Some(params) = Params::parse(&text) else { return };
        let Ok(id) = authorize::client_id(&params) else { return };
        let Some(client) = clients.iter().find(|client| client.id == id) else { return };
        let said = Said::new(&text);
        match authorize::check(&params, client, around(signed_in, &hint(&params))) {
            Ok(flow) => accepted(client, &said, &flow),
            Err(Rejection::Redirect { redirect_uri, error, state }) => {
                refused(client, &said, &redirect_uri, error, state.as_deref());
            }
            Err(Rejection::Page(_)) => {}
        }
    }));
}

#[test]
fn claims_requests() {
    let (clients, seeds) = (clients(), corpus("claims"));
    for client in &clients {
        let params = Params::parse(corpus_of(client).as_bytes()).unwrap();
        assert!(authorize::check(&params, client, around(true, &hint(&params))).is_ok(), "{}", client.id);
    }
    bolero::check!().for_each(target(|bytes| {
        let mut choices = Choices::new(bytes);
        let at = choices.below(clients.len());
        let (client, text) = (&clients[at], choices.input(&seeds, &WORDS));
        let text = String::from_utf8_lossy(&text);
        let usual = corpus_of(client);
        let form = form_urlencoded::Serializer::new(usual).append_pair("claims", &text).finish();
        let Some(params) = Params::parse(form.as_bytes()) else { return };
        let Ok(flow) = authorize::check(&params, client, around(true, &hint(&params))) else { return };
        accepted(client, &Said::new(form.as_bytes()), &flow);
        if text.is_empty() {
            return;
        }
        assert!(text.len() <= 8_192);
        let said: Value = serde_json::from_str(&text).unwrap();
        let labels = said["id_token"]["rep_scope"]["values"].as_array().cloned().unwrap_or_default();
        let named = |procedure: &Procedure| labels.iter().any(|label| label == procedure.rep_scope());
        // An empty list accepts whatever the client may.
        let right = flow.procedures.as_ref().is_none_or(|accepted| labels.is_empty() || accepted.iter().all(named));
        assert!(right && (labels.is_empty() || flow.procedures.is_some()), "{:?} of {labels:?}", flow.procedures);
        let acr = &said["id_token"]["acr"];
        if acr["essential"] == true && acr["value"].is_string() && acr["values"].is_null() {
            assert_eq!(acr["value"], "eidas1");
        }
    }));
}

/// The request of the corpus that this client sends.
fn corpus_of(client: &Client) -> String {
    let which = usize::from(client.id == "strict");
    String::from_utf8(corpus("authorize").swap_remove(which)).unwrap()
}
