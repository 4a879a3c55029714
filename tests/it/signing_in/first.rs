//! The first time: the application, the recovery codes, the terms of use.

use mandataire::credential;
use mandataire::domain::event::Kind;
use mandataire::domain::mediator::Membership;
use mandataire::store::authenticators;

use super::refused;
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;

async fn newcomer(world: &World) -> Actor {
    let organisation = world.organisation.clone();
    let role = Membership { organisation, mediator: true, manager: false, certified_until: None };
    world.invited("Ana Silva", &[role], false).await
}

/// The key shown on the page of the enrolment, and the code it gives now.
async fn scans(world: &World, ana: &Actor) -> String {
    let page = ana.sees("/enrolment").await;
    assert!(page.body.contains("<svg"), "a QR code");
    let shown = page.attributes("data-secret").pop().expect("a key in text");
    let account = ana.account.clone();
    let pending = world.app.store.read(move |db| authenticators::pending(db, &account)).await.unwrap();
    let (_, seed) = pending.expect("an enrolment in progress");
    assert_eq!(shown, credential::seed_text(&seed));
    credential::code_at(&seed, world.now())
}

/// Everything up to the recovery codes, which it answers.
async fn enrols(world: &World, ana: &Actor) -> Vec<String> {
    let page = ana.opens_a_new_link().await;
    let form = page.form("/sign-in/link").unwrap();
    assert!(form.value("code").is_none(), "no code can be asked for yet");
    assert_eq!(ana.sends(&form).await.url.path(), "/enrolment");
    let code = scans(world, ana).await;
    let form = ana.sees("/enrolment").await.form("/enrolment").unwrap();
    let page = ana.sends(&form.with("code", &code)).await;
    assert_eq!(page.status, 200, "{}", page.text());
    let words = page.text();
    words
        .split(' ')
        .filter(|word| credential::as_recovery_code(word).as_deref() == Some(*word))
        .map(str::to_owned)
        .collect()
}

async fn accepts(ana: &Actor) {
    let form = ana.sees("/terms").await.form("/terms").unwrap();
    assert_eq!(ana.sends(&form.with("accept", "yes")).await.url.path(), "/home");
}

on_each_backend! {
    async fn the_first_sign_in_enrols_shows_ten_codes_and_asks_for_the_terms(world) {
        let ana = newcomer(&world).await;
        let codes = enrols(&world, &ana).await;
        assert_eq!(codes.len(), credential::RECOVERY_CODES);
        assert_eq!(world.rows("recovery_codes", "hash like '$argon2id$%'"), 10);
        assert_eq!(ana.sees("/home").await.url.path(), "/terms");
        accepts(&ana).await;
        assert_eq!(ana.sees("/home").await.url.path(), "/home");
        for kind in [Kind::FactorEnrolled, Kind::SignedIn, Kind::TermsAccepted] {
            assert_eq!(world.count(kind).await, 1, "{kind:?}");
        }
        ana.signs_out().await;
        ana.signs_in().await;
    }

    async fn nothing_works_before_the_application_is_enrolled(world) {
        let ana = newcomer(&world).await;
        let page = ana.opens_a_new_link().await;
        ana.sends(&page.form("/sign-in/link").unwrap()).await;
        for path in ["/home", "/citizens", "/mandates/new", "/terms", "/code", "/journal"] {
            let page = ana.sees(path).await;
            assert!(matches!(page.url.path(), "/enrolment" | "/terms"), "{path} leads to {}", page.url.path());
        }
        let form = ana.sees("/terms").await.form("/terms").unwrap();
        assert_eq!(ana.sends(&form.with("accept", "yes")).await.url.path(), "/enrolment");
        assert_eq!(world.count(Kind::TermsAccepted).await, 0);
    }

    async fn a_wrong_first_code_confirms_nothing(world) {
        let ana = newcomer(&world).await;
        let page = ana.opens_a_new_link().await;
        ana.sends(&page.form("/sign-in/link").unwrap()).await;
        let right = scans(&world, &ana).await;
        let wrong = if right == "000000" { "111111" } else { "000000" };
        let form = ana.sees("/enrolment").await.form("/enrolment").unwrap();
        let page = ana.sends(&form.with("code", wrong)).await;
        assert_eq!(page.status, 422);
        assert_eq!(world.rows("authenticators", "confirmed_at is not null"), 0);
        assert_eq!(world.rows("recovery_codes", "1 = 1"), 0);
    }

    async fn nothing_works_before_the_terms_are_accepted(world) {
        let ana = newcomer(&world).await;
        enrols(&world, &ana).await;
        let csrf = world.csrf(&ana.browser).await;
        let before = world.database.contents();
        for (path, field) in [
            ("/mandates/drafts", ("term", "month")),
            ("/mandates/drafts", ("procedures", "logement")),
            ("/organisation", ("organisation", world.organisation.as_str())),
        ] {
            let answer = world.posts(&ana.browser, path, &[("csrf", &csrf), field], &[]).await;
            assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, "/terms"), "{path}");
        }
        for path in ["/home", "/citizens", "/mandates/new"] {
            assert_eq!(ana.gets(path).await.location().unwrap().path(), "/terms", "{path}");
        }
        let form = ana.sees("/terms").await.form("/terms").unwrap();
        let page = ana.sends(&form.without("accept")).await;
        assert_eq!(page.status, 422);
        assert!(page.text().contains("Cochez la case"), "{}", page.text());
        assert_eq!(world.database.contents(), before);
        assert_eq!(world.count(Kind::OrganisationChosen).await, 0);
    }

    async fn a_recovery_code_opens_once_without_the_application(world) {
        let ana = newcomer(&world).await;
        let codes = enrols(&world, &ana).await;
        accepts(&ana).await;
        ana.signs_out().await;
        let page = ana.opens_a_new_link().await;
        refused(&ana.presents(&page, "AAAAA-AAAAA").await);
        // Typed as people do: small letters, spaces.
        let typed = codes[3].to_lowercase().replace('-', " ");
        assert_eq!(ana.presents(&page, &typed).await.status, 303);
        assert!(ana.is_signed_in().await);
        assert_eq!(world.rows("sessions", "authentication = 'recovery' and ended_at is null"), 1);
        ana.signs_out().await;
        let page = ana.opens_a_new_link().await;
        refused(&ana.presents(&page, &codes[3]).await);
        assert_eq!(ana.presents(&page, &codes[4]).await.status, 303);
        assert_eq!(world.count(Kind::RecoveryCodeUsed).await, 2);
    }

    async fn a_recovery_code_does_not_open_a_locked_application(world) {
        let ana = newcomer(&world).await;
        let codes = enrols(&world, &ana).await;
        accepts(&ana).await;
        ana.signs_out().await;
        let page = ana.opens_a_new_link().await;
        for _ in 0..10 {
            refused(&ana.presents(&page, &ana.wrong_code().await).await);
        }
        refused(&ana.presents(&page, &codes[0]).await);
        // The lock used that link up: nor does it open with another one.
        let page = ana.opens_a_new_link().await;
        refused(&ana.presents(&page, &codes[0]).await);
        assert_eq!(world.count(Kind::RecoveryCodeUsed).await, 0);
    }
}
