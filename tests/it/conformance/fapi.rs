//! What the FAPI 2.0 security profile asks of a provider, for a client that registered for all of it: it signs (`private_key_jwt`), sends
//! its requests ahead (PAR), protects its codes (PKCE) and proves to hold a key (`DPoP`). What single guards refuse is told beside them;
//! the table in `docs/oidc.md` says where.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mandataire::domain::client::{AuthMethod, Client, Pkce, UserinfoFormat};
use mandataire::domain::digest::Digest;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;
use serde_json::{Value, json};

use super::metadata;
use crate::on_each_backend;
use crate::using::id_token::{key_of, verified};
use crate::using::{access_token, codes, refused_on_a_page};
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::key::{ASSERTION, Key};
use crate::world::service::{Answer, Service, answered};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A mediator with a mandate, and such a client.
struct Secured {
    ana: Actor,
    opened: Opened,
    service: Service,
    key: Key,
}

impl Secured {
    async fn new(world: &World) -> Self {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        let key = Key::new();
        let id = format!("secured_{:08x}", world.random.u128() & 0xffff_ffff);
        let address = format!("https://{id}.example/callback");
        let client = Client {
            auth_method: AuthMethod::PrivateKey,
            keys: Some(key.set()),
            userinfo: UserinfoFormat::Json,
            pkce: Pkce::Required,
            pushed: true,
            dpop: true,
            ..Client::usual(id.clone(), id, vec![address])
        };
        Self { ana, opened, service: world.registered(client).await, key }
    }

    /// Posts a form with an assertion, whose claims are changed so, and a proof about the endpoint.
    async fn posts(&self, world: &World, path: &str, fields: &[(&str, &str)], changes: &Value) -> Answer {
        let assertion = self.key.assertion(world, &self.service.client.id, changes);
        let fields = [fields, &[ASSERTION, ("client_assertion", &assertion)]].concat();
        let proof = self.key.proves(world, ("POST", path), None);
        self.service.posts(path, &fields, &[("dpop", &proof)]).await
    }

    /// Sends the usual request ahead, with these parameters changed; an empty value removes one.
    async fn pushes(&self, world: &World, changed: &[(&str, &str)]) -> Answer {
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(VERIFIER.as_bytes()).as_bytes());
        let mut fields = self.service.parameters();
        fields.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")].map(owned));
        for (name, value) in changed {
            fields.retain(|(known, _)| known != name);
            if !value.is_empty() {
                fields.push(owned((name, value)));
            }
        }
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.posts(world, "/par", &fields, &json!({})).await
    }

    /// What the browser brings: two parameters, and none of them twice.
    fn brings(&self, pushed: &Answer) -> String {
        assert_eq!(pushed.status, 201, "{}", pushed.body);
        let name = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        self.service.request_of(&[("client_id", self.service.client.id.as_str()), ("request_uri", &name)].map(owned))
    }

    /// A request, and the choice: the answer in the browser.
    async fn authorizes(&self, world: &World, changed: &[(&str, &str)]) -> mandataire::demo::browser::Page {
        let page = self.ana.comes_from(&self.brings(&self.pushes(world, changed).await)).await;
        self.ana.chooses(&page, &self.opened.citizen, Logement).await
    }

    async fn exchanges(&self, world: &World, code: &str, verifier: Option<&str>) -> Answer {
        let mut fields =
            vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", self.service.redirect_uri())];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        self.posts(world, "/token", &fields, &json!({})).await
    }

    async fn asks(&self, world: &World, scheme: &str, token: &str) -> Answer {
        let proof = self.key.proves(world, ("GET", "/userinfo"), Some(token));
        let asked = |http: &reqwest::Client, base: &str| {
            http.get(format!("{base}/userinfo"))
                .header("authorization", format!("{scheme} {token}"))
                .header("dpop", proof)
        };
        self.service.sends(asked).await
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

on_each_backend! {
    /// `happy-flow`, `par-without-duplicate-parameters`, `ensure-dpop-auth-code-binding-success`
    async fn fapi_a_whole_use_with_everything(world) {
        let secured = Secured::new(&world).await;
        let back = secured.authorizes(&world, &[]).await;
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        let given = secured.exchanges(&world, &answered(&back, "code").unwrap(), Some(VERIFIER)).await;
        assert_eq!((given.status, given.json()["token_type"].as_str()), (200, Some("DPoP")), "{}", given.body);
        assert_eq!(given.json().get("refresh_token"), None);
        let compact = given.json()["id_token"].as_str().unwrap().to_owned();
        let key = jsonwebtoken::DecodingKey::from_jwk(&key_of(&secured.service, &compact).await).unwrap();
        let claims = verified(&compact, jsonwebtoken::Algorithm::ES256, &key, &world, &secured.service.client.id);
        let identity = secured.asks(&world, "DPoP", &access_token(&given)).await;
        assert_eq!((identity.status, &identity.json()["sub"]), (200, &claims["sub"]), "{}", identity.body);
        assert_eq!(world.count(Kind::Use).await, 1);
    }

    /// `discovery-end-point-verification`
    async fn fapi_the_metadata_name_what_such_a_client_needs(world) {
        let said = metadata(&world).await;
        for (name, value) in [
            ("token_endpoint_auth_methods_supported", "private_key_jwt"),
            ("token_endpoint_auth_signing_alg_values_supported", "ES256"),
            ("dpop_signing_alg_values_supported", "ES256"),
            ("code_challenge_methods_supported", "S256"),
        ] {
            assert!(said[name].as_array().unwrap().contains(&json!(value)), "{name}: {}", said[name]);
        }
        assert_eq!(said["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(said["response_types_supported"], json!(["code"]));
        assert_eq!(said["pushed_authorization_request_endpoint"], world.at("/par"));
        assert_eq!(said["authorization_response_iss_parameter_supported"], true);
        let algorithms = said["dpop_signing_alg_values_supported"].as_array().unwrap();
        assert!(algorithms.iter().all(|one| one == "ES256" || one == "PS256"), "5.4.1 allows no other: {algorithms:?}");
    }

    /// `user-rejects-authentication`
    async fn fapi_the_way_back_says_access_denied_and_who_says_it(world) {
        let secured = Secured::new(&world).await;
        let page = secured.ana.comes_from(&secured.brings(&secured.pushes(&world, &[]).await)).await;
        let form = page.form(&format!("{}/cancellation", page.url.path())).unwrap();
        let back = secured.ana.browser.submit(&form).await.unwrap();
        assert_eq!(answered(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        assert_eq!((answered(&back, "code"), codes(&world)), (None, 0));
    }

    /// `ensure-authorization-request-without-state-success`, `-without-nonce-success`, `-with-64-char-nonce-success`,
    /// `-with-long-nonce`, `-with-long-state`
    async fn fapi_state_and_nonce_come_back_as_they_were_or_not_at_all(world) {
        let secured = Secured::new(&world).await;
        for (name, length) in [("state", 0), ("nonce", 0), ("nonce", 64), ("nonce", 384), ("state", 384)] {
            let value = "x".repeat(length);
            let back = secured.authorizes(&world, &[(name, &value)]).await;
            let given = secured.exchanges(&world, &answered(&back, "code").unwrap(), Some(VERIFIER)).await;
            let claims = crate::world::service::claims(given.json()["id_token"].as_str().unwrap());
            let came_back = if name == "state" { answered(&back, name) } else { claims[name].as_str().map(str::to_owned) };
            assert_eq!(came_back.unwrap_or_default(), value, "{name} {length}");
        }
    }

    /// `access-token-type-header-case-sensitivity`
    async fn fapi_the_scheme_of_a_token_has_no_case(world) {
        let secured = Secured::new(&world).await;
        for scheme in ["dpop", "DPOP", "DPoP"] {
            let code = answered(&secured.authorizes(&world, &[]).await, "code").unwrap();
            let token = access_token(&secured.exchanges(&world, &code, Some(VERIFIER)).await);
            assert_eq!(secured.asks(&world, scheme, &token).await.status, 200, "{scheme}");
        }
    }

    /// `par-client-assertion-with-bad-audience` and its kin: at this endpoint too the assertion says for whom it is.
    async fn fapi_an_assertion_for_somebody_else_sends_nothing_ahead(world) {
        let secured = Secured::new(&world).await;
        let fields = secured.service.parameters();
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        for audience in [json!("https://elsewhere.example"), json!(world.at("/token")), json!(world.at("/par")), json!([world.base]), json!([world.base, "https://elsewhere.example"])] {
            let before = world.count(Kind::SecurityRefused).await;
            let answer = secured.posts(&world, "/par", &fields, &json!({ "aud": audience })).await;
            assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"), "{audience}");
            assert_eq!(world.count(Kind::SecurityRefused).await, before + 1);
        }
        assert_eq!(world.rows("pushed_requests", "true"), 0);
    }

    /// `par-ensure-pkce-required`, `par-plain-pkce-rejected`, `ensure-pkce-code-verifier-required`,
    /// `incorrect-pkce-code-verifier-rejected`
    async fn fapi_a_code_is_worth_nothing_without_its_verifier(world) {
        let secured = Secured::new(&world).await;
        for changed in [
            &[("code_challenge", ""), ("code_challenge_method", "")][..],
            &[("code_challenge_method", "plain")],
            &[("code_challenge_method", "")],
            &[("code_challenge", "")],
        ] {
            let answer = secured.pushes(&world, changed).await;
            assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"), "{changed:?}");
        }
        let wrong = "w".repeat(43);
        for verifier in [None, Some(wrong.as_str())] {
            let code = answered(&secured.authorizes(&world, &[]).await, "code").unwrap();
            let answer = secured.exchanges(&world, &code, verifier).await;
            assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_grant"), "{verifier:?}");
        }
        assert_eq!(world.reasons(Kind::UseRefused).await, ["verifier_differs"; 2]);
    }

    /// `ensure-mismatched-dpop-jkt-fails`, `ensure-token-endpoint-fails-with-mismatched-dpop-jkt`
    async fn fapi_a_code_is_bound_to_the_key_shown_when_it_was_asked_for(world) {
        let secured = Secured::new(&world).await;
        let other = secured.pushes(&world, &[("dpop_jkt", &"a".repeat(43))]).await;
        assert_eq!((other.status, other.error().as_str()), (400, "invalid_dpop_proof"));
        let code = answered(&secured.authorizes(&world, &[]).await, "code").unwrap();
        // The assertion is the client's, the proof a thief's.
        let thief = Key::new();
        let assertion = secured.key.assertion(&world, &secured.service.client.id, &json!({}));
        let fields = [
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", secured.service.redirect_uri()),
            ("code_verifier", VERIFIER), ASSERTION, ("client_assertion", &assertion),
        ];
        let proof = thief.proves(&world, ("POST", "/token"), None);
        let stolen = secured.service.posts("/token", &fields, &[("dpop", &proof)]).await;
        assert_eq!((stolen.status, stolen.error().as_str()), (400, "invalid_grant"), "{}", stolen.body);
        assert_eq!(world.reasons(Kind::UseRefused).await, ["key_differs"]);
    }

    /// `par-attempt-reuse-request_uri`, `par-attempt-to-use-expired-request_uri`, `par-attempt-to-use-request_uri-for-different-client`,
    /// `ensure-unsigned-authorization-request-without-using-par-fails`
    async fn fapi_the_name_of_a_request_is_its_clients_and_works_once(world) {
        let secured = Secured::new(&world).await;
        let request = secured.brings(&secured.pushes(&world, &[]).await);
        secured.ana.comes_from(&request).await;
        refused_on_a_page(&world, &secured.ana.browser, &request).await;
        let late = secured.brings(&secured.pushes(&world, &[]).await);
        world.after(60);
        refused_on_a_page(&world, &secured.ana.browser, &late).await;
        let other = world.plain_service().await;
        let theirs = secured.brings(&secured.pushes(&world, &[]).await).replace(&secured.service.client.id, &other.client.id);
        refused_on_a_page(&world, &secured.ana.browser, &theirs).await;
        let plain = secured.ana.browser.get(secured.service.request()).await.unwrap();
        assert_eq!(answered(&plain, "error").as_deref(), Some("invalid_request"));
        assert_eq!(codes(&world), 0);
    }
}
