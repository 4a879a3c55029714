//! We sign the citizen out at FranceConnect (RP-Initiated Logout RP), and go on only with the `state` that we sent.

use mandataire::demo::browser::Page;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Day;

use crate::hostile::Hostile;
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;
use crate::world::service::answered;
use crate::world::stub::parameter;

/// The redirect to FranceConnect's sign-out after an identification.
async fn signed_out(ana: &Actor, fc: &Hostile) -> Page {
    let gone = ana.starts_an_opening(&[Logement], Day).await;
    fc.nonce(&parameter(&gone, "nonce"));
    let (state, iss) = (parameter(&gone, "state"), fc.issuer.as_str());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", "a-code"), ("state", &state), ("iss", iss)])
        .finish();
    let page = ana.gets(&format!("/franceconnect/callback?{query}")).await;
    assert!(page.location().unwrap().as_str().starts_with(&format!("{iss}/session/end?")), "{:?}", page.location());
    page
}

/// FranceConnect comes back with another answer than ours: the citizen's screen is not shown, until the right one comes.
async fn goes_on_with_our_state_only(world: World, wrong: &str) {
    let (world, fc) = world.with_franceconnect().await;
    let ana = world.mediator("Ana Silva").await;
    let state = answered(&signed_out(&ana, &fc).await, "state").unwrap();
    let page = ana.sees(&format!("/franceconnect/logged-out{wrong}")).await;
    assert_eq!((page.status, page.form("/agreements/").is_none()), (404, true), "{}", page.text());
    let page = ana.sees(&format!("/franceconnect/logged-out?state={state}")).await;
    assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
}

on_each_backend! {
    async fn oidcc_client_test_rp_init_logout(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let page = signed_out(&ana, &fc).await;
        assert_eq!(answered(&page, "post_logout_redirect_uri").unwrap(), world.at("/franceconnect/logged-out"));
        assert_eq!(answered(&page, "id_token_hint").unwrap().split('.').count(), 3);
        let state = answered(&page, "state").unwrap();
        let back = ana.sees(&format!("/franceconnect/logged-out?state={state}")).await;
        assert!(back.url.path().starts_with("/agreements/"), "{}", back.text());
    }

    async fn oidcc_client_test_rp_init_logout_other_state(world) {
        goes_on_with_our_state_only(world, "?state=another").await;
    }

    async fn oidcc_client_test_rp_init_logout_no_state(world) {
        goes_on_with_our_state_only(world, "").await;
    }
}
