//! The modules of OpenID Connect's certification, one story each, named after the module. What each asserts is in
//! `docs/oidc.md`; where FranceConnect wants something else, the client says so by how it is registered, and both are asserted.

mod fapi;
mod op_basic;
mod op_config;
mod op_logout;
mod rp_basic;
mod rp_config;
mod rp_logout;

use jsonwebtoken::{Algorithm, DecodingKey};
use mandataire::demo::browser::Page;
use mandataire::domain::client::{AuthMethod, Client, SigningAlgorithm, UserinfoFormat};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;
use serde_json::Value;

use crate::hostile::Hostile;
use crate::using::access_token;
use crate::using::id_token::{key_of, verified};
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::service::{Answer, Service, answered};

const STATE: &str = "0123456789abcdef0123456789abcdef";
const NONCE: &str = "fedcba9876543210fedcba9876543210";

/// A mediator with a mandate, and a service registered as the suite registers.
struct Party {
    ana: Actor,
    service: Service,
    opened: Opened,
}

/// What came of a sign-in.
struct SignedIn {
    /// The ID token, as it was sent.
    compact: String,
    /// Its claims, verified.
    claims: Value,
    /// The access token, not used yet.
    token: String,
}

impl Party {
    /// ES256, with the secret in the header and the identity as JSON.
    async fn new(world: &World) -> Self {
        Self::of(world, SigningAlgorithm::Es256, AuthMethod::Basic).await
    }

    async fn of(world: &World, algorithm: SigningAlgorithm, method: AuthMethod) -> Self {
        let ana = world.mediator("Ana Silva").await;
        let service = world.service(algorithm, method, UserinfoFormat::Json, false).await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        Self { ana, service, opened }
    }

    /// The same people at a service that registered for answers without a page.
    async fn silently(self, world: &World) -> Self {
        let client = self.service.client.clone();
        let id = format!("{}_silent", client.id);
        let service = world.registered(Client { id, silent: true, ..client }).await;
        Self { service, ..self }
    }

    /// The same people at a service registered as FranceConnect is.
    async fn at_franceconnect(&self, world: &World) -> Self {
        let ana = self.ana.on_another_machine();
        ana.signs_in().await;
        Self { ana, service: world.franceconnect_client().await, opened: self.opened.clone() }
    }

    /// The suite's request: `openid`, `state` and `nonce`, with these parameters changed; an empty value removes one.
    fn request(&self, changed: &[(&str, &str)]) -> String {
        let mut all = vec![("scope", "openid"), ("prompt", ""), ("acr_values", "")];
        all.extend(changed);
        self.service.request_with(&all)
    }

    /// Whether a request asks the mediator for another code, before anything is chosen.
    async fn asks_for_a_code(&self, request: &str) -> bool {
        self.ana.browser.follow(request).await.unwrap().form("/code").is_some()
    }

    /// The request, the code if one is asked for, the choice: the answer that the service receives.
    async fn authorizes(&self, request: &str) -> Page {
        let page = self.ana.comes_from(request).await;
        let back = self.ana.chooses(&page, &self.opened.citizen, Logement).await;
        assert!(back.location().unwrap().as_str().starts_with(self.service.redirect_uri()), "{:?}", back.location());
        back
    }

    /// The code becomes tokens, and the ID token holds.
    async fn redeems(&self, world: &World, back: &Page) -> SignedIn {
        let answer = self.service.exchanges(&answered(back, "code").expect("a code")).await;
        assert_eq!((answer.status, &answer.json()["token_type"]), (200, &Value::from("Bearer")), "{}", answer.body);
        assert!(answer.json()["expires_in"].as_i64().unwrap() > 0);
        let compact = answer.json()["id_token"].as_str().unwrap().to_owned();
        let (algorithm, key) = match self.service.client.algorithm {
            SigningAlgorithm::Es256 => {
                (Algorithm::ES256, DecodingKey::from_jwk(&key_of(&self.service, &compact).await))
            }
            SigningAlgorithm::Rs256 => {
                (Algorithm::RS256, DecodingKey::from_jwk(&key_of(&self.service, &compact).await))
            }
            SigningAlgorithm::Hs256 => (Algorithm::HS256, Ok(DecodingKey::from_secret(self.service.secret.as_bytes()))),
        };
        let claims = verified(&compact, algorithm, &key.unwrap(), world, &self.service.client.id);
        let now = world.now().timestamp();
        assert!(claims["iat"].as_i64().unwrap() <= now && claims["exp"].as_i64().unwrap() > now, "{claims}");
        assert!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty() && sub.len() <= 255));
        SignedIn { compact, claims, token: access_token(&answer) }
    }

    /// A whole sign-in: `state`, `iss` and `nonce` come back as they were sent.
    async fn signs_in(&self, world: &World, changed: &[(&str, &str)]) -> SignedIn {
        let back = self.authorizes(&self.request(changed)).await;
        assert_eq!(answered(&back, "state").as_deref(), Some(STATE));
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        let done = self.redeems(world, &back).await;
        let nonce = changed.iter().find(|(name, _)| *name == "nonce").map_or(NONCE, |(_, value)| value);
        assert_eq!(done.claims["nonce"].as_str().unwrap_or_default(), nonce);
        done
    }

    /// A whole sign-in to which the service wants no page.
    async fn signs_in_without_a_page(&self, world: &World, changed: &[(&str, &str)]) -> SignedIn {
        let back = self.ana.browser.get(self.request(&[&[("prompt", "none")], changed].concat())).await.unwrap();
        assert_eq!((back.status, answered(&back, "error")), (303, None));
        assert_eq!(answered(&back, "state").as_deref(), Some(STATE));
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        self.redeems(world, &back).await
    }

    /// The identity, of the same person.
    async fn identity(&self, done: &SignedIn) -> Value {
        same_person(&self.service.asks_identity(&done.token).await, done)
    }

    /// A sign-in, and the names of the claims in the identity, `sub` apart.
    async fn claims_for(&self, world: &World, scope: &str) -> Vec<String> {
        let done = self.signs_in(world, &[("scope", scope)]).await;
        let identity = self.identity(&done).await;
        identity.as_object().unwrap().keys().filter(|name| *name != "sub").cloned().collect()
    }

    /// The answer to a request that must not be shown to anybody: the `error`, with `state` and without a code.
    async fn error_without_a_page(&self, request: &str) -> String {
        let back = self.ana.browser.get(request).await.unwrap();
        assert_eq!((back.status, answered(&back, "code")), (303, None));
        assert_eq!(answered(&back, "state").as_deref(), Some(STATE));
        answered(&back, "error").expect("an error")
    }
}

fn same_person(answer: &Answer, done: &SignedIn) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["sub"], done.claims["sub"], "the ID token and the identity name the same person");
    answer.json()
}

/// The metadata, as a service reads them.
async fn metadata(world: &World) -> Value {
    crate::world::service::browser().json(world.at("/.well-known/openid-configuration")).await.unwrap()
}

/// The mediator identifies a citizen at the stub, and FranceConnect's answer is accepted.
async fn accepted(ana: &Actor, fc: &Hostile) -> Page {
    let page = ana.identifies(fc, &[Logement], Day).await;
    assert!(page.url.path().starts_with("/agreements/"), "{} {}", page.status, page.text());
    page
}

/// FranceConnect's answer is refused for this reason: nobody is identified, and one entry says why.
async fn refused(world: &World, ana: &Actor, fc: &Hostile, reason: &str) {
    let known = world.count(Kind::CitizenIdentified).await;
    let page = ana.identifies(fc, &[Logement], Day).await;
    assert!(page.status >= 400 && page.form("/mandates/drafts").is_some(), "{} {}", page.status, page.text());
    assert_eq!(world.reasons(Kind::IdentificationRefused).await, [reason]);
    assert_eq!(world.count(Kind::CitizenIdentified).await, known);
}
