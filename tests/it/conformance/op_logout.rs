//! Signing out, asked by a client (RP-Initiated Logout OP). With a good hint the browser goes back at once, which FranceConnect needs;
//! without one the person is asked, which certification wants. It ends the connection; the mediator goes on working.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use serde_json::json;

use super::{Party, SignedIn, metadata};
use crate::on_each_backend;
use crate::using::logout::{end, signed};
use crate::world::World;

const STATE: &str = "a state of the service";

impl Party {
    fn logout_uri(&self) -> &str {
        &self.service.client.logout_uris[0]
    }

    /// Asks to sign out in the browser of the sign-in.
    async fn leaves(&self, world: &World, parameters: &[(&str, &str)]) -> Page {
        self.ana.browser.get(end(&world.base, parameters)).await.unwrap()
    }

    /// The connection is over: its token is dead, and nothing goes on silently.
    async fn is_over(&self, done: &SignedIn) {
        assert_eq!(self.service.asks_identity(&done.token).await.status, 401);
        assert_eq!(self.error_without_a_page(&self.request(&[("prompt", "none")])).await, "interaction_required");
    }

    /// A hint or a target that is wrong: no way back to the service, and nothing has ended.
    async fn is_refused(&self, world: &World, done: &SignedIn, parameters: &[(&str, &str)]) {
        let before = world.count(Kind::SecurityRefused).await;
        let page = self.leaves(world, parameters).await;
        assert_eq!((page.status, page.location()), (400, None));
        assert_eq!(world.count(Kind::SecurityRefused).await, before + 1);
        assert_eq!(self.service.asks_identity(&done.token).await.status, 200, "the connection goes on");
    }

    /// The person is asked, and the button of the question signs them out.
    async fn is_asked(&self, world: &World, parameters: &[(&str, &str)]) {
        let page = self.ana.browser.follow(end(&world.base, parameters)).await.unwrap();
        assert_eq!((page.status, page.url.path()), (200, "/sign-out"));
        assert!(self.ana.is_signed_in().await, "not before they said so");
        let button = page.forms().into_iter().rfind(|form| form.action().path() == "/sign-out").unwrap();
        let gone = self.ana.sends(&button).await;
        assert!(gone.url.as_str().starts_with(&world.base), "{}", gone.url);
        assert!(!self.ana.is_signed_in().await);
        assert_eq!(self.error_without_a_page(&self.request(&[("prompt", "none")])).await, "login_required");
    }
}

on_each_backend! {
    async fn oidcc_rp_initiated_logout_discovery_endpoint_verification(world) {
        assert_eq!(metadata(&world).await["end_session_endpoint"], world.at("/session/end"));
    }

    /// And the mediator's own session, which is nobody's connection, goes on: so FranceConnect wants it.
    async fn oidcc_rp_initiated_logout(world) {
        let party = Party::new(&world).await;
        for party in [party.at_franceconnect(&world).await, party] {
            let done = party.signs_in(&world, &[]).await;
            let target = party.logout_uri();
            let page = party.leaves(&world, &[("id_token_hint", &done.compact), ("post_logout_redirect_uri", target), ("state", STATE)]).await;
            let expected = url::Url::parse_with_params(target, [("state", STATE)]).unwrap();
            assert_eq!((page.status, page.location()), (303, Some(expected)));
            party.is_over(&done).await;
            assert!(party.ana.is_signed_in().await);
        }
    }

    async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let other = format!("{}/another", party.logout_uri());
        party.is_refused(&world, &done, &[("id_token_hint", &done.compact), ("post_logout_redirect_uri", &other), ("state", STATE)]).await;
    }

    /// The hint with its signature and algorithm taken off.
    async fn oidcc_rp_initiated_logout_modified_id_token_hint(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", done.compact.split('.').nth(1).unwrap());
        party.is_refused(&world, &done, &[("id_token_hint", &unsigned), ("post_logout_redirect_uri", party.logout_uri()), ("state", STATE)]).await;
    }

    async fn oidcc_rp_initiated_logout_no_id_token_hint(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        party.is_refused(&world, &done, &[("post_logout_redirect_uri", party.logout_uri()), ("state", STATE)]).await;
    }

    async fn oidcc_rp_initiated_logout_no_params(world) {
        let party = Party::new(&world).await;
        party.signs_in(&world, &[]).await;
        party.is_asked(&world, &[]).await;
    }

    async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let page = party.leaves(&world, &[("id_token_hint", &done.compact), ("state", STATE)]).await;
        assert_eq!((page.status, page.location()), (200, None), "a page says so");
        party.is_over(&done).await;
    }

    async fn oidcc_rp_initiated_logout_no_state(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let target = party.logout_uri();
        let page = party.leaves(&world, &[("id_token_hint", &done.compact), ("post_logout_redirect_uri", target)]).await;
        assert_eq!((page.status, page.header("location")), (303, Some(target)), "no state, and nothing else");
        party.is_over(&done).await;
    }

    async fn oidcc_rp_initiated_logout_only_state(world) {
        let party = Party::new(&world).await;
        party.signs_in(&world, &[]).await;
        party.is_asked(&world, &[("state", STATE)]).await;
    }

    async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(world) {
        let party = Party::new(&world).await;
        let done = party.signs_in(&world, &[]).await;
        let added = format!("{}?foo=bar", party.logout_uri());
        party.is_refused(&world, &done, &[("id_token_hint", &done.compact), ("post_logout_redirect_uri", &added), ("state", STATE)]).await;
    }

    /// A hint that the service signed itself: with its secret, or with a key of its own under the name of ours.
    async fn oidcc_rp_initiated_logout_bad_id_token_hint(world) {
        let party = Party::new(&world).await;
        let id = &party.service.client.id;
        let by_secret = signed(&party.service.secret, id, &world.base);
        let document = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &aws_lc_rs::rand::SystemRandom::new(),
        ).unwrap();
        let first = party.signs_in(&world, &[]).await;
        let header = Header { kid: jsonwebtoken::decode_header(&first.compact).unwrap().kid, ..Header::new(Algorithm::ES256) };
        let claims = json!({ "iss": world.base, "aud": id, "sub": first.claims["sub"], "exp": first.claims["exp"] });
        let by_another = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(document.as_ref())).unwrap();
        for hint in [by_secret, by_another] {
            let done = party.signs_in(&world, &[]).await;
            party.is_refused(&world, &done, &[("id_token_hint", &hint), ("post_logout_redirect_uri", party.logout_uri()), ("state", STATE)]).await;
        }
    }
}
