//! Coming back from FranceConnect: only with the `state` of this very session, and once.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Day;

use super::{draft_of, kept};
use crate::on_each_backend;
use crate::world::refused::hold_none_of;
use crate::world::stub::parameter;

on_each_backend! {
    /// E01: no draft of this session waits for it.
    async fn e01_a_callback_needs_the_state_of_this_session(world) {
        let (world, fc) = world.with_franceconnect().await;
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        let (state, before) = (parameter(&gone, "state"), fc.requests());
        let elsewhere = ana.on_another_machine();
        elsewhere.signs_in().await;
        let good = [("code", "a-code"), ("iss", fc.issuer.as_str()), ("state", state.as_str())];
        let cut = &state[..42];
        let without = [("code", "a-code"), ("iss", fc.issuer.as_str())];
        let short = [("code", "a-code"), ("iss", fc.issuer.as_str()), ("state", cut)];
        let empty = [("code", "a-code"), ("iss", fc.issuer.as_str()), ("state", "")];
        let refused = [("error", "access_denied"), ("error_description", "<b>\r\nX</b>"), ("state", "x")];
        for (who, parameters) in [
            (&ana, without.as_slice()), (&ana, &short), (&ana, &empty), (&ana, &refused), (&bea, &good), (&elsewhere, &good),
        ] {
            let page = who.returns(&fc, parameters).await;
            assert_eq!(page.status, 400, "{parameters:?}");
            assert!(!page.body.contains("<b>") && !page.body.contains("a-code"));
        }
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["malformed_state"; 6]);
        let clear = format!("{:?}", world.entries(Kind::SecurityRefused).await);
        assert!(!clear.contains(cut) && !clear.contains("a-code"), "{clear}");
        assert_eq!(fc.requests(), before, "nothing is asked of FranceConnect for a stranger's code");
        // The draft of the victim is as it was.
        let page = ana.comes_back(&fc, &gone).await;
        assert!(page.url.path().starts_with("/agreements/"), "{}", page.text());
    }

    /// E01: without a session there is nothing to come back to.
    async fn e01_a_callback_needs_a_session(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        let stranger = ana.on_another_machine();
        let page = stranger.comes_back(&fc, &gone).await;
        assert_eq!(page.url.path(), "/sign-in");
        assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
        assert!(ana.comes_back(&fc, &gone).await.url.path().starts_with("/agreements/"));
    }

    /// E02: the draft of one opening does not take the citizen of another.
    async fn e02_each_state_belongs_to_its_own_opening(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let first = ana.starts_an_opening(&[Logement], Day).await;
        let second = ana.starts_an_opening(&[Justice], Day).await;
        assert_ne!(parameter(&first, "state"), parameter(&second, "state"));
        // The code of the second opening, whose nonce is another, with the state of the first.
        fc.nonce(&parameter(&second, "nonce"));
        let page = ana.returns(&fc, &[
            ("code", "a-code"), ("state", &parameter(&first, "state")), ("iss", &fc.issuer),
        ]).await;
        assert_eq!((page.status, kept(&page).0), (502, vec!["logement".to_owned()]));
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["refused_nonce"]);
        assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
        assert!(ana.comes_back(&fc, &second).await.url.path().starts_with("/agreements/"));
    }

    /// E15: the page is loaded a hundred times at once, and again.
    async fn e15_a_callback_works_once(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        fc.nonce(&parameter(&gone, "nonce"));
        let address = ana.at(&format!(
            "/franceconnect/callback?code=a-code&state={}&iss={}", parameter(&gone, "state"), fc.issuer
        ));
        let many: Vec<_> = (0..100).map(|_| {
            let (browser, address) = (ana.browser.clone(), address.clone());
            actix_web::rt::spawn(async move { browser.get(address).await.unwrap().status })
        }).collect();
        let mut statuses = Vec::new();
        for one in many {
            statuses.push(one.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (303, &[400; 99][..]));
        assert_eq!(fc.seen("/token").len(), 1);
        assert_eq!(ana.gets(address.trim_start_matches(&world.base)).await.status, 400);
        assert_eq!(world.count(Kind::CitizenIdentified).await, 1);
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["malformed_state"; 100]);
        let secrets = [parameter(&gone, "state"), parameter(&gone, "nonce"), "a-code".to_owned()];
        hold_none_of(&world.entries(Kind::SecurityRefused).await, &secrets.each_ref().map(String::as_str));
    }

    /// E14: the citizen turns back at FranceConnect: the form, as it was.
    async fn e14_a_citizen_who_turns_back_leaves_the_form_filled_in(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement, Justice], Day).await;
        let error = [
            ("error", "access_denied"), ("error_description", "<script>alert(1)</script>\r\nX: y"),
            ("state", &parameter(&gone, "state")), ("iss", &fc.issuer),
        ];
        let page = ana.returns(&fc, &error).await;
        let chosen = vec!["logement".to_owned(), "justice".to_owned()];
        assert_eq!((page.status, kept(&page)), (200, (chosen, Some("day".to_owned()))));
        assert!(page.text().contains("Vous pouvez recommencer"));
        assert!(!page.body.contains("alert(1)"));
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["provider_error"]);
        assert_eq!(ana.returns(&fc, &error).await.status, 400, "the state was used");
        assert_eq!(fc.seen("/token").len(), 0);
        let page = ana.sends(&page.form("/mandates/drafts").unwrap()).await;
        assert!(ana.comes_back(&fc, &page).await.url.path().starts_with("/agreements/"));
    }

    /// E16: FranceConnect's session would hand this citizen to the next one at the desk: it is closed, at once.
    async fn e16_franceconnects_session_is_closed_after_every_identification(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let page = ana.identifies(&fc, &[Logement], Day).await;
        assert!(page.url.path().starts_with("/agreements/"));
        assert_eq!(fc.seen("/session/end").len(), 1);
        fc.citizen(crate::world::stub::claims(&serde_json::json!({"idp_birthdate": "2020-01-01"})));
        let page = ana.identifies(&fc, &[Logement], Day).await;
        assert_eq!(page.status, 422);
        assert_eq!(fc.seen("/session/end").len(), 2, "whoever is refused is signed out there too");
        // The sentence is not another draft's, nor another mediator's.
        let bea = world.mediator("Bea Roche").await;
        let path = format!("/franceconnect/logged-out?state={}.minor", draft_of(&page));
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["minor"]);
        assert_eq!(world.refuses_once(bea.gets(&path), (Kind::SecurityRefused, "not_found"), &[]).await.status, 404);
        assert_eq!(ana.gets(&format!("{path}x")).await.status, 422);
    }

    /// What cannot be FranceConnect's takes nothing from the draft that waits.
    async fn e05_a_callback_that_cannot_be_franceconnects_leaves_the_draft_waiting(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        let (state, long) = (parameter(&gone, "state"), "c".repeat(1_025));
        let elsewhere = format!("{}/", fc.issuer);
        for wrong in [
            [("code", long.as_str()), ("state", &state), ("iss", &fc.issuer)],
            [("code", ""), ("state", &state), ("iss", &fc.issuer)],
            [("code", "a-code"), ("state", &state), ("iss", &elsewhere)],
            [("code", "a-code"), ("state", &state), ("other", "x")],
        ] {
            assert_eq!(ana.returns(&fc, &wrong).await.status, 400, "{wrong:?}");
        }
        assert!(fc.seen("/token").is_empty(), "the code went nowhere");
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["malformed_callback"; 4]);
        assert!(ana.comes_back(&fc, &gone).await.url.path().starts_with("/agreements/"));
    }

    /// E16: where FranceConnect's session could not be closed, whoever opens the next mandate is warned.
    async fn e16_a_session_that_may_still_be_open_at_franceconnect_is_said(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let warning = "est peut-être encore ouverte dans ce navigateur";
        assert!(!ana.sees("/mandates/new").await.text().contains(warning));
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        fc.reply(|path, reply| if path == "/token" { reply.status = 503 });
        let page = ana.comes_back(&fc, &gone).await;
        assert_eq!((page.status, page.text().contains(warning)), (502, true));
        assert!(ana.sees("/mandates/new").await.text().contains(warning));
        fc.reply(|_, _| ());
        assert!(ana.identifies(&fc, &[Logement], Day).await.url.path().starts_with("/agreements/"));
        assert!(!ana.sees("/mandates/new").await.text().contains(warning), "it was closed");
    }
}
