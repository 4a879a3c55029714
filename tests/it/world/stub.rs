//! A world whose FranceConnect answers what the story tells it to answer.

use std::time::Duration;

use actix_web::web::Data;
use mandataire::app;
use mandataire::config::FranceConnect;
use mandataire::demo::browser::Page;
use mandataire::domain::procedure::Procedure;
use mandataire::domain::term::Term;
use mandataire::oidc::http;
use mandataire::oidc::relying_party::{Algorithm, Patience, RelyingParty, Settings};
use mandataire::web::routes;
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

use super::actor::Actor;
use super::{World, config, listener};
use crate::hostile::{CLIENT, Hostile, SECRET, Signer};

/// How long this world waits for FranceConnect: a story about a timeout takes no longer.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_500);

impl World {
    /// The same world seen from another node of the service, whose FranceConnect is the stub. Make the actors afterwards.
    pub(crate) async fn with_franceconnect(self) -> (Self, Hostile) {
        self.with_franceconnect_signing(Algorithm::Es256).await
    }

    /// The same, registered there with this algorithm.
    pub(crate) async fn with_franceconnect_signing(self, algorithm: Algorithm) -> (Self, Hostile) {
        let signer = if algorithm == Algorithm::Es256 { Signer::es256() } else { Signer::rs256() };
        let fc = Hostile::start(&self.clock, signer);
        // Stories make one outage after the other.
        let patience = Patience { outages: u32::MAX, ..Patience::default() };
        let with = |_: &str, settings: &mut Settings| settings.algorithm = algorithm;
        let world = self.with_providers(&[("franceconnect", &fc)], patience, with).await;
        (world, fc)
    }

    /// The same world seen from another node, whose providers are these stubs, by name. `change` has the last word on the settings.
    pub(crate) async fn with_providers(
        mut self,
        stubs: &[(&str, &Hostile)],
        patience: Patience,
        change: impl Fn(&str, &mut Settings),
    ) -> Self {
        let (socket, base) = listener();
        let mut settings = config(&base, &self.franceconnect, &self.database);
        settings.franceconnect =
            FranceConnect { issuer: stubs[0].1.issuer.clone(), client_id: CLIENT.to_owned(), ..settings.franceconnect };
        let (store, clock, random) = (self.app.store.clone(), self.clock.clone(), self.random.clone());
        let made = app::assemble(&settings, SecretString::from(SECRET).into(), store, clock, random).await.unwrap();
        let mut made = std::sync::Arc::into_inner(made.into_inner()).expect("nobody else holds it yet");
        let client = |(name, fc): &(&str, &Hostile)| {
            let mut settings = settings_of(fc, &base, name, patience);
            change(name, &mut settings);
            impatient(settings, self.clock.clone())
        };
        made.relying_parties = stubs.iter().map(client).collect();
        self.app = Data::new(made);
        actix_web::rt::spawn(app::server(self.app.clone(), socket, 1, routes::all).unwrap());
        self.base = base;
        self
    }
}

/// The settings of a client of a stub; FranceConnect's own addresses are not below `/providers`.
fn settings_of(fc: &Hostile, base: &str, name: &str, patience: Patience) -> Settings {
    let home = if name == "franceconnect" { format!("{base}/{name}") } else { format!("{base}/providers/{name}") };
    Settings {
        name: name.to_owned(),
        label: if name == "franceconnect" { "FranceConnect".to_owned() } else { format!("Fournisseur {name}") },
        issuer: fc.issuer.clone(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.into(),
        redirect_uri: format!("{home}/callback"),
        post_logout_redirect_uri: format!("{home}/logged-out"),
        scopes: ["openid", "identite_pivot", "preferred_username", "email", "idp_birthdate"]
            .map(str::to_owned)
            .to_vec(),
        acr: "eidas1".to_owned(),
        algorithm: Algorithm::Es256,
        pkce: false,
        secret_in_header: false,
        decryption: None,
        logout: true,
        patience,
        development: true,
    }
}

fn impatient(settings: Settings, clock: mandataire::clock::Clock) -> RelyingParty {
    let http = http::Client::with_timeout(&Url::parse(&settings.issuer).unwrap(), PATIENCE).unwrap();
    RelyingParty::with_client(settings, clock, http).unwrap()
}

/// The citizen of the stub with other claims; `null` removes one.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = crate::relying_party::angela();
    for (name, value) in changes.as_object().expect("changes are an object") {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// A parameter of the address of a page.
pub(crate) fn parameter(page: &Page, name: &str) -> String {
    let found = page.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    found.unwrap_or_else(|| panic!("{name} in {}", page.url))
}

impl Actor {
    /// Comes back from the stub with parameters; through its sign-out, if we ask for that: whatever page of ours comes then.
    pub(crate) async fn returns(&self, fc: &Hostile, parameters: &[(&str, &str)]) -> Page {
        self.returns_to("/franceconnect", fc, parameters).await
    }

    /// The same, to the addresses of another provider.
    pub(crate) async fn returns_to(&self, home: &str, fc: &Hostile, parameters: &[(&str, &str)]) -> Page {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let page = self.sees(&format!("{home}/callback?{query}")).await;
        if !page.url.as_str().starts_with(&format!("{}/session/end", fc.issuer)) {
            return page;
        }
        let state = parameter(&page, "state");
        self.sees(&format!("{home}/logged-out?state={state}")).await
    }

    /// The citizen of the stub signs in there and comes back with a code.
    pub(crate) async fn comes_back(&self, fc: &Hostile, gone: &Page) -> Page {
        fc.nonce(&parameter(gone, "nonce"));
        let state = parameter(gone, "state");
        self.returns(fc, &[("code", "a-code"), ("state", &state), ("iss", &fc.issuer)]).await
    }

    /// The form of an opening, and the citizen of the stub: whatever page of ours comes then.
    pub(crate) async fn identifies(&self, fc: &Hostile, procedures: &[Procedure], term: Term) -> Page {
        let gone = self.starts_an_opening(procedures, term).await;
        self.comes_back(fc, &gone).await
    }
}
