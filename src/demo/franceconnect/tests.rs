//! Whole journeys over HTTP, with a hand-written service and a hand-written stand-in for Mandataire.

mod broker;
mod provider;
mod stand_in;

use std::collections::BTreeMap;
use std::net::TcpListener;

use chrono::TimeDelta;
use serde_json::Value;
use url::Url;

use super::*;
use crate::demo::browser::{Browser, Page};
use crate::demo::public_service;
use stand_in::StandIn;

const COUNTER_RETURN: &str = "http://127.0.0.1:1/franceconnect/callback";
const COUNTER_LOGGED_OUT: &str = "http://127.0.0.1:1/franceconnect/logged-out";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn service(name: &str, id: &str, redirect_uri: String, logout_uri: String, rep_scope: &[&str]) -> Service {
    let rep_scope = rep_scope.iter().map(|label| (*label).to_owned()).collect();
    Service { name: name.to_owned(), id: id.to_owned(), secret: SECRET.to_owned(), redirect_uri, logout_uri, rep_scope }
}

/// Settings for addresses at which nothing listens.
pub(super) fn settings() -> Settings {
    settings_at("http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4")
}

fn settings_at(origin: &str, mandataire: &str, public: &str) -> Settings {
    let (redirect, logout) = (public_service::redirect_uri(public), public_service::logout_uri(public));
    Settings {
        origin: origin.to_owned(),
        mandataire: mandataire.to_owned(),
        our_client: service("Mandataire", "counter", COUNTER_RETURN.into(), COUNTER_LOGGED_OUT.into(), &[]),
        identity_provider_client: Credentials { id: "fc".to_owned(), secret: SECRET.to_owned() },
        service_client: service("Logement", "housing", redirect, logout, &["Logement", "Social-Santé"]),
        clock: Clock::manual("2026-03-02T09:00:00Z".parse().unwrap()),
        random: Random::system(),
    }
}

/// A pretend FranceConnect, a public service and a stand-in for Mandataire, on ports of their own.
struct World {
    settings: Settings,
    service: String,
    mandataire: StandIn,
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    (listener, origin)
}

impl World {
    fn new() -> Self {
        let ((fc, origin), (public, service), (own, mandataire)) = (listener(), listener(), listener());
        let settings = settings_at(&origin, &mandataire, &service);
        let stand_in = StandIn::new(&mandataire, settings.clock.clone());
        tokio::spawn(serve(fc, settings.clone()).unwrap());
        tokio::spawn(stand_in.serve(own));
        let public_settings = public_service::Settings {
            origin: service.clone(),
            franceconnect: issuer(&origin),
            client_id: "housing".to_owned(),
            client_secret: SECRET.to_owned(),
            clock: settings.clock.clone(),
            random: Random::system(),
        };
        tokio::spawn(public_service::serve(public, public_settings).unwrap());
        Self { settings, service, mandataire: stand_in }
    }

    fn issuer(&self) -> String {
        issuer(&self.settings.origin)
    }

    fn wait(&self, time: TimeDelta) {
        self.settings.clock.advance(time);
    }

    /// The counter's request, with more parameters.
    fn authorize(&self, more: &str) -> String {
        let return_to = url::form_urlencoded::byte_serialize(COUNTER_RETURN.as_bytes()).collect::<String>();
        format!(
            "{}/authorize?client_id=counter&response_type=code&redirect_uri={return_to}&scope=openid+identite_pivot\
             +email+idp_birthdate&state=some-state&nonce=0123456789012345678901&acr_values=eidas1&prompt=login{more}",
            self.issuer()
        )
    }

    async fn call(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let http = site::http_client().unwrap();
        let response = http.post(format!("{}{path}", self.issuer())).form(form).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    async fn redeem(&self, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", COUNTER_RETURN),
            ("client_id", "counter"),
            ("client_secret", SECRET),
        ];
        self.call("/token", &form).await
    }
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Chooses a person on the list, and stops before leaving the confirmation.
async fn choose(browser: &Browser, list: &Page, citizen: &str) -> Page {
    let form = list.form("/api/v2/interaction/").unwrap().with("citizen", citizen);
    browser.submit_and_follow(&form).await.unwrap()
}

/// Confirms; gives the address of the service's return.
async fn confirm(browser: &Browser, page: &Page) -> Url {
    browser.submit(&page.form("/api/v2/interaction/").unwrap()).await.unwrap().location().unwrap()
}
