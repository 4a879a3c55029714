//! What the stories about FranceConnect's wrong answers have in common.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;

use super::kept;
use crate::hostile::{ACCESS_TOKEN, Hostile, SECRET, Signer};
use crate::world::World;
use crate::world::stub::{claims, parameter};

/// What goes wrong at FranceConnect, and the word for it in the journal.
pub(super) type Case = (fn(&Hostile), &'static str);

/// Each of them, one opening after the other: the form comes back, nobody is identified, one entry says why and holds no secret. Then
/// an honest FranceConnect is believed again.
pub(super) async fn are_refused(world: World, cases: &[Case]) {
    let (world, fc) = world.with_franceconnect().await;
    let honest = fc.signer();
    each_is_refused(&world, &fc, cases, |fc| behaves(fc, &honest)).await;
}

/// The same with a stub that is there already, and how it behaves when it is honest.
pub(super) async fn each_is_refused(
    world: &World,
    fc: &Hostile,
    cases: &[(impl Fn(&Hostile), &'static str)],
    behaves: impl Fn(&Hostile),
) {
    let ana = world.mediator("Ana Silva").await;
    let mut expected = Vec::new();
    for (at, (wrong, reason)) in cases.iter().enumerate() {
        // A minute, so that the keys may be asked for again.
        world.after(61);
        let gone = ana.starts_an_opening(&[Logement], Month).await;
        wrong(fc);
        let page = ana.comes_back(fc, &gone).await;
        behaves(fc);
        assert!(matches!(page.status, 422 | 502), "{at}: {} {}", page.status, page.text());
        assert_eq!(kept(&page).0, ["logement"], "{at}");
        expected.push((*reason).to_owned());
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, expected, "{at}");
        let entries = format!("{:?}", world.entries(Kind::IdentificationRefused).await);
        for secret in ["a-code", ACCESS_TOKEN, SECRET, &parameter(&gone, "state"), &parameter(&gone, "nonce"), "DUBOIS"]
        {
            assert!(!entries.contains(secret), "{at}: {secret}");
        }
    }
    assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
    world.has_no_mandate().await;
    world.after(61);
    let page = ana.identifies(fc, &[Logement], Month).await;
    assert!(page.url.path().starts_with("/agreements/"), "{} {}", page.status, page.text());
}

/// The stub answers as FranceConnect does.
fn behaves(fc: &Hostile, honest: &Signer) {
    fc.reply(|_, _| ());
    fc.token(|_| ());
    fc.id_token(|_| ());
    fc.userinfo(|_| ());
    fc.jwks(|_| ());
    fc.citizen(claims(&serde_json::json!({})));
    fc.rotate(honest.clone());
}
