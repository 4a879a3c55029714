//! What FranceConnect says of itself (Config RP): its metadata and keys are fetched, and fetched again when it signs with another key.

use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;
use serde_json::json;

use super::{accepted, refused};
use crate::hostile::{Hostile, Signer};
use crate::on_each_backend;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// FranceConnect signs with another key from now on, under another name.
fn rotates(fc: &Hostile) {
    fc.rotate(Signer::es256());
    fc.jwks(|set| set["keys"][0]["kid"] = json!("key-2"));
    fc.id_token(|token| token.header["kid"] = json!("key-2"));
    fc.userinfo(|token| token.header["kid"] = json!("key-2"));
}

on_each_backend! {
    /// The addresses are those of the document.
    async fn oidcc_client_test_discovery_openid_config(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let elsewhere = format!("{}/moved/authorize", fc.issuer);
        fc.discovery(move |document| document["authorization_endpoint"] = json!(elsewhere));
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        assert!(gone.url.as_str().starts_with(&format!("{}/moved/authorize?", fc.issuer)), "{}", gone.url);
        assert_eq!(fc.seen(DISCOVERY).len(), 1);
    }

    async fn oidcc_client_test_discovery_jwks_uri_keys(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        accepted(&ana, &fc).await;
        assert_eq!((fc.seen(DISCOVERY).len(), fc.seen("/jwks").len()), (1, 1));
    }

    /// The document of another issuer: nobody is sent anywhere.
    async fn oidcc_client_test_discovery_issuer_mismatch(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        fc.discovery(|document| document["issuer"] = json!("https://another.example"));
        let page: Page = ana.starts_an_opening(&[Logement], Day).await;
        assert_eq!((page.status, page.url.path()), (502, "/mandates/drafts"));
        assert!(page.text().contains("Réessayer donnerait le même résultat"), "{}", page.text());
        assert!(fc.seen("/authorize").is_empty() && fc.seen("/token").is_empty());
        assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
    }

    /// As in the Basic plan.
    async fn oidcc_client_test_idtoken_sig_none(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        fc.id_token(|token| {
            token.header["alg"] = json!("none");
            token.signer = Signer::Fixed(Vec::new());
        });
        refused(&world, &ana, &fc, "refused_algorithm").await;
    }

    /// The key changes while the citizen signs in.
    async fn oidcc_client_test_signing_key_rotation_just_before_signing(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        let known = fc.seen("/jwks").len();
        rotates(&fc);
        let page = ana.comes_back(&fc, &gone).await;
        assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
        assert_eq!(fc.seen("/jwks").len(), known + 1);
    }

    /// The key changes between two sign-ins.
    async fn oidcc_client_test_signing_key_rotation(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        accepted(&ana, &fc).await;
        let known = fc.seen("/jwks").len();
        rotates(&fc);
        accepted(&ana, &fc).await;
        assert_eq!(fc.seen("/jwks").len(), known + 1);
    }
}
