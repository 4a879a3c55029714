//! The authorization code flow (Basic OP). The mediator's choice of a citizen stands for the consent of the suite's user.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::decode_header;
use mandataire::domain::client::{AuthMethod, SigningAlgorithm};
use mandataire::domain::digest::Digest;
use mandataire::domain::event::Kind;
use serde_json::Value;

use super::{Party, SignedIn, metadata, same_person};
use crate::on_each_backend;
use crate::using::{codes, flows, refused_by_redirect, refused_on_a_page};
use crate::world::World;
use crate::world::service::{answered, browser};

/// One parameter more, which is not needed: the sign-in succeeds all the same.
async fn succeeds_with(world: &World, name: &str, value: &str) -> SignedIn {
    Party::new(world).await.signs_in(world, &[(name, value)]).await
}

/// A code comes back a second time: it is refused, and what it gave is dead.
async fn replayed_after(world: &World, seconds: i64) {
    let party = Party::new(world).await;
    let back = party.authorizes(&party.request(&[])).await;
    let done = party.redeems(world, &back).await;
    world.after(seconds);
    let again = party.service.exchanges(&answered(&back, "code").unwrap()).await;
    assert_eq!((again.status, again.error().as_str()), (400, "invalid_grant"));
    assert_eq!(party.service.asks_identity(&done.token).await.status, 401);
    assert_eq!((world.count(Kind::CodeReplayed).await, world.count(Kind::Use).await), (1, 0));
}

/// A JWT that nobody signed.
fn unsigned(claims: &Value) -> String {
    format!("eyJhbGciOiJub25lIn0.{}.", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

on_each_backend! {
    async fn oidcc_server(world) {
        let party = Party::of(&world, SigningAlgorithm::Rs256, AuthMethod::Basic).await;
        let done = party.signs_in(&world, &[]).await;
        assert_eq!(party.identity(&done).await.as_object().unwrap().len(), 1, "`openid` alone gives `sub` alone");
        // What FranceConnect is registered with.
        let party = party.at_franceconnect(&world).await;
        let done = party.signs_in(&world, &[]).await;
        party.identity(&done).await;
    }

    async fn oidcc_response_type_missing(world) {
        let party = Party::new(&world).await;
        let request = party.request(&[("response_type", "")]);
        refused_by_redirect(&world, &party.ana.browser, &party.service, &request, "invalid_request").await;
    }

    /// With several keys published, `kid` says which.
    async fn oidcc_idtoken_signature(world) {
        let party = Party::of(&world, SigningAlgorithm::Rs256, AuthMethod::Basic).await;
        world.plain_service().await;
        let done = party.signs_in(&world, &[]).await;
        let header = decode_header(&done.compact).unwrap();
        assert_eq!((header.alg, header.kid.is_some()), (jsonwebtoken::Algorithm::RS256, true));
        let set = party.service.sends(|http, base| http.get(format!("{base}/jwks"))).await.json();
        assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    }

    /// `none` is not offered, and no client can be registered with it: the suite skips the module.
    async fn oidcc_idtoken_unsigned(world) {
        world.plain_service().await;
        let offered = metadata(&world).await["id_token_signing_alg_values_supported"].clone();
        assert_eq!(offered, serde_json::json!(["ES256", "HS256"]));
        assert!("none".parse::<SigningAlgorithm>().is_err());
    }

    async fn oidcc_userinfo_get(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let answer = party.service.sends(|http, base| http.get(format!("{base}/userinfo")).bearer_auth(&done.token)).await;
        same_person(&answer, &done);
    }

    async fn oidcc_userinfo_post_header(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let answer = party.service.sends(|http, base| http.post(format!("{base}/userinfo")).bearer_auth(&done.token)).await;
        same_person(&answer, &done);
    }

    async fn oidcc_userinfo_post_body(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let form = [("access_token", &done.token)];
        let answer = party.service.sends(|http, base| http.post(format!("{base}/userinfo")).form(&form)).await;
        same_person(&answer, &done);
    }

    /// FranceConnect always sends one, so that it must.
    async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[("nonce", "")]).await;
        assert_eq!(done.claims.get("nonce"), None);
        let party = party.at_franceconnect(&world).await;
        let request = party.request(&[("nonce", "")]);
        refused_by_redirect(&world, &party.ana.browser, &party.service, &request, "invalid_request").await;
    }

    async fn oidcc_scope_profile(world) {
        let given = Party::new(&world).await.claims_for(&world, "openid profile").await;
        assert_eq!(given, ["birthdate", "family_name", "gender", "given_name", "preferred_username"]);
    }

    async fn oidcc_scope_email(world) {
        assert_eq!(Party::new(&world).await.claims_for(&world, "openid email").await, ["email"]);
    }

    /// Not offered, because FranceConnect has no address to give; asking for it hurts nobody.
    async fn oidcc_scope_address(world) {
        assert_eq!(Party::new(&world).await.claims_for(&world, "openid address").await, [""; 0]);
        assert!(!metadata(&world).await["scopes_supported"].as_array().unwrap().contains(&Value::from("address")));
    }

    /// Neither has it a telephone number.
    async fn oidcc_scope_phone(world) {
        assert_eq!(Party::new(&world).await.claims_for(&world, "openid phone").await, [""; 0]);
        assert!(!metadata(&world).await["scopes_supported"].as_array().unwrap().contains(&Value::from("phone")));
    }

    async fn oidcc_scope_all(world) {
        let given = Party::new(&world).await.claims_for(&world, "openid profile email address phone").await;
        assert_eq!(given, ["birthdate", "email", "family_name", "gender", "given_name", "preferred_username"]);
    }

    /// The scopes the other way round, and the parameters too.
    async fn oidcc_alternate_happy_flow(world) {
        let party = Party::new(&world).await;
        let request = party.request(&[("scope", "email openid")]);
        let mut pairs: Vec<(String, String)> = url::Url::parse(&request).unwrap().query_pairs().into_owned().collect();
        pairs.reverse();
        let back = party.authorizes(&party.service.request_of(&pairs)).await;
        let done = party.redeems(&world, &back).await;
        assert_eq!(party.identity(&done).await["email"], "josephine@usagers.example.fr");
    }

    async fn oidcc_display_page(world) {
        succeeds_with(&world, "display", "page").await;
    }

    async fn oidcc_display_popup(world) {
        succeeds_with(&world, "display", "popup").await;
    }

    /// A code is asked for again, and `auth_time` says so. FranceConnect sends `prompt=login` every time: for it a code of the last
    /// quarter of an hour counts.
    async fn oidcc_prompt_login(world) {
        let party = Party::new(&world).await;
        let first = party.signs_in(&world, &[]).await;
        world.after(2);
        assert!(party.asks_for_a_code(&party.request(&[("prompt", "login")])).await);
        let second = party.signs_in(&world, &[("prompt", "login")]).await;
        assert!(second.claims["auth_time"].as_i64() > first.claims["auth_time"].as_i64());
        assert_eq!(second.claims["sub"], first.claims["sub"]);
        let party = party.at_franceconnect(&world).await;
        world.after(14 * 60);
        assert!(!party.asks_for_a_code(&party.request(&[("prompt", "login")])).await);
        world.after(61);
        assert!(party.asks_for_a_code(&party.request(&[("prompt", "login")])).await);
    }

    async fn oidcc_prompt_none_not_logged_in(world) {
        let party = Party::new(&world).await;
        let request = party.request(&[("prompt", "none")]);
        let back = refused_by_redirect(&world, &browser(), &party.service, &request, "login_required").await;
        assert_eq!(answered(&back, "state").as_deref(), Some(super::STATE));
    }

    /// A code without a page, for whoever was chosen before. FranceConnect never asks so, and without the setting the answer is that a page
    /// is needed: none is shown, and no code is given.
    async fn oidcc_prompt_none_logged_in(world) {
        let usual = Party::new(&world).await;
        let first = usual.signs_in(&world, &[]).await;
        usual.identity(&first).await;
        let before = (codes(&world), flows(&world));
        assert_eq!(usual.error_without_a_page(&usual.request(&[("prompt", "none")])).await, "interaction_required");
        assert_eq!((codes(&world), flows(&world), world.count(Kind::Use).await), (before.0, before.1, 1));
        let party = usual.silently(&world).await;
        let first = party.signs_in(&world, &[]).await;
        party.identity(&first).await;
        world.after(2);
        let second = party.signs_in_without_a_page(&world, &[]).await;
        assert_eq!((&second.claims["auth_time"], &second.claims["sub"]), (&first.claims["auth_time"], &first.claims["sub"]));
        party.identity(&second).await;
        assert_eq!((world.count(Kind::UseRepeated).await, world.count(Kind::Use).await), (1, 3));
    }

    async fn oidcc_max_age_1(world) {
        let party = Party::new(&world).await;
        let first = party.signs_in(&world, &[]).await;
        world.after(2);
        assert!(party.asks_for_a_code(&party.request(&[("max_age", "1")])).await);
        let second = party.signs_in(&world, &[("max_age", "1")]).await;
        assert!(second.claims["auth_time"].as_i64() > first.claims["auth_time"].as_i64());
        assert_eq!(second.claims["auth_time"], world.now().timestamp());
    }

    async fn oidcc_max_age_10000(world) {
        let party = Party::new(&world).await;
        let first = party.signs_in(&world, &[("max_age", "15000")]).await;
        world.after(2);
        assert!(!party.asks_for_a_code(&party.request(&[("max_age", "10000")])).await);
        let second = party.signs_in(&world, &[("max_age", "10000")]).await;
        assert_eq!((&second.claims["auth_time"], &second.claims["sub"]), (&first.claims["auth_time"], &first.claims["sub"]));
    }

    async fn oidcc_ensure_request_with_unknown_parameter_succeeds(world) {
        succeeds_with(&world, "extra", "foobar").await;
    }

    /// The token shown again says for whom: nobody else is offered. With `prompt=none`, as the module sends it, the code comes without a
    /// page where the service registered for that, and for nobody else.
    async fn oidcc_id_token_hint(world) {
        let usual = Party::new(&world).await;
        let first = usual.signs_in(&world, &[]).await;
        let second = usual.signs_in(&world, &[("id_token_hint", &first.compact)]).await;
        assert_eq!((&second.claims["auth_time"], &second.claims["sub"]), (&first.claims["auth_time"], &first.claims["sub"]));
        let silent = usual.request(&[("id_token_hint", &first.compact), ("prompt", "none")]);
        assert_eq!(usual.error_without_a_page(&silent).await, "interaction_required");
        let party = usual.silently(&world).await;
        let first = party.signs_in(&world, &[]).await;
        let second = party.signs_in_without_a_page(&world, &[("id_token_hint", &first.compact)]).await;
        assert_eq!((&second.claims["auth_time"], &second.claims["sub"]), (&first.claims["auth_time"], &first.claims["sub"]));
        assert_eq!(second.claims["mandate"], first.claims["mandate"]);
        party.identity(&second).await;
    }

    async fn oidcc_login_hint(world) {
        succeeds_with(&world, "login_hint", "bob@example.com").await;
    }

    async fn oidcc_ui_locales(world) {
        succeeds_with(&world, "ui_locales", "se").await;
    }

    async fn oidcc_claims_locales(world) {
        succeeds_with(&world, "claims_locales", "se").await;
    }

    /// Levels that we do not know: the one we have is said.
    async fn oidcc_ensure_request_with_acr_values_succeeds(world) {
        assert_eq!(succeeds_with(&world, "acr_values", "1 2").await.claims["acr"], "eidas1");
    }

    async fn oidcc_codereuse(world) {
        replayed_after(&world, 0).await;
    }

    async fn oidcc_codereuse_30seconds(world) {
        replayed_after(&world, 30).await;
    }

    async fn oidcc_ensure_registered_redirect_uri(world) {
        let party = Party::new(&world).await;
        let elsewhere = format!("{}/elsewhere", party.service.redirect_uri());
        refused_on_a_page(&world, &party.ana.browser, &party.request(&[("redirect_uri", &elsewhere)])).await;
    }

    async fn oidcc_ensure_post_request_succeeds(world) {
        let party = Party::new(&world).await;
        let request = url::Url::parse(&party.request(&[])).unwrap();
        let pairs: Vec<(String, String)> = request.query_pairs().into_owned().collect();
        let fields: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = world.posts(&party.ana.browser, "/authorize", &fields, &[]).await;
        assert_eq!(answer.status, 303);
        let page = party.ana.sees(answer.headers["location"].to_str().unwrap()).await;
        let back = party.ana.chooses(&page, &party.opened.citizen, mandataire::domain::procedure::Procedure::Logement).await;
        party.redeems(&world, &back).await;
    }

    /// Each client has one method, its own: the other one, with the right secret, is refused.
    async fn oidcc_server_client_secret_post(world) {
        let party = Party::of(&world, SigningAlgorithm::Es256, AuthMethod::Post).await;
        party.signs_in(&world, &[]).await;
        let (id, secret) = (&party.service.client.id, &party.service.secret);
        let form = [("grant_type", "authorization_code"), ("code", "x")];
        let basic = party.service.sends(|http, base| http.post(format!("{base}/token")).basic_auth(id, Some(secret)).form(&form)).await;
        assert_eq!((basic.status, basic.error().as_str()), (401, "invalid_client"));
    }

    async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(world) {
        let party = Party::new(&world).await;
        let request = party.request(&[("request_uri", "https://service.example/request.jwt")]);
        refused_by_redirect(&world, &party.ana.browser, &party.service, &request, "request_uri_not_supported").await;
        assert_eq!(metadata(&world).await["request_uri_parameter_supported"], false);
    }

    async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(world) {
        let party = Party::new(&world).await;
        let object = unsigned(&serde_json::json!({ "client_id": party.service.client.id, "scope": "openid" }));
        let request = party.request(&[("request", &object)]);
        refused_by_redirect(&world, &party.ana.browser, &party.service, &request, "request_not_supported").await;
        assert_eq!(metadata(&world).await["request_parameter_supported"], false);
    }

    /// The module allows a warning for a claim that we do not have; the request itself succeeds.
    async fn oidcc_claims_essential(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[("claims", r#"{"userinfo":{"name":{"essential":true}}}"#)]).await;
        assert_eq!(done.claims.get("name"), None);
        assert_eq!(party.identity(&done).await.get("name"), None);
    }

    /// The redirect URI of the request is wrong and that of its object right: nobody is answered.
    async fn oidcc_ensure_request_object_with_redirect_uri(world) {
        let party = Party::new(&world).await;
        let object = unsigned(&serde_json::json!({ "redirect_uri": party.service.redirect_uri() }));
        let elsewhere = format!("{}/elsewhere", party.service.redirect_uri());
        let request = party.request(&[("redirect_uri", &elsewhere), ("request", &object)]);
        refused_on_a_page(&world, &party.ana.browser, &request).await;
    }

    /// None is given, even if asked for, and none is taken: the suite skips the module.
    async fn oidcc_refresh_token(world) {
        let party = Party::new(&world).await;
        assert_eq!(metadata(&world).await["grant_types_supported"], serde_json::json!(["authorization_code"]));
        let back = party.authorizes(&party.request(&[("scope", "openid offline_access"), ("prompt", "consent")])).await;
        let answer = party.service.exchanges(&answered(&back, "code").unwrap()).await;
        assert_eq!((answer.status, answer.json().get("refresh_token"), &answer.json()["scope"]), (200, None, &Value::from("openid")));
        let refreshed = party.service.token_with(&[("grant_type", "refresh_token"), ("refresh_token", "x")]).await;
        assert_eq!((refreshed.status, refreshed.error().as_str()), (400, "unsupported_grant_type"));
    }

    async fn oidcc_ensure_request_with_valid_pkce_succeeds(world) {
        let party = Party::new(&world).await;
        let verifier = "v".repeat(64);
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(verifier.as_bytes()).as_bytes());
        let back = party.authorizes(&party.request(&[("code_challenge", &challenge), ("code_challenge_method", "S256")])).await;
        let (code, redirect_uri) = (answered(&back, "code").unwrap(), party.service.redirect_uri());
        let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", redirect_uri), ("code_verifier", &verifier)];
        let answer = party.service.token_with(&fields).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}
