//! The confirmation: complete, with a fresh code, once.

use std::collections::BTreeSet;

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::Day;

use super::{confirmation, draft_of, says};
use crate::on_each_backend;

on_each_backend! {
    /// M07: the answer was lost, or the button pressed twice: the first mandate answers, even on another day.
    async fn m07_a_second_confirmation_answers_with_the_first_mandate(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement, Justice], Day).await;
        let form = ana.fills_in(&recap).await;
        // A copy of the cookies: this browser never saw the first answer.
        let forgetful = ana.browser.copy();
        let first = ana.browser.submit(&form).await.unwrap();
        let second = forgetful.submit(&form).await.unwrap();
        assert_eq!((first.status, second.status), (303, 303));
        assert_eq!(first.location(), second.location());
        assert!(first.location().unwrap().path().starts_with("/mandates/mdt_"));
        world.after(3_600);
        let later = ana.sees("/home").await;
        ana.wakes_up(later).await;
        assert_eq!(ana.browser.submit(&form).await.unwrap().location(), first.location());
        assert_eq!(ana.sees(recap.url.path()).await.url, first.location().unwrap());
        assert_eq!(world.count(Kind::MandateOpened).await, 1);
        assert_eq!(world.count(Kind::CodeAccepted).await, 2, "the second confirmation costs no code");
    }

    /// M07: a hundred at the same instant.
    async fn m07_a_hundred_confirmations_open_one_mandate(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement, Justice], Day).await;
        let form = ana.fills_in(&recap).await;
        let all: Vec<_> = (0..100).map(|_| {
            let (browser, form) = (ana.browser.copy(), form.clone());
            actix_web::rt::spawn(async move { browser.submit(&form).await.unwrap() })
        }).collect();
        let mut opened = BTreeSet::new();
        for answer in all {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 303, "{}", answer.text());
            opened.insert(answer.location().unwrap().to_string());
        }
        assert_eq!(opened.len(), 1, "{opened:?}");
        assert!(opened.first().unwrap().contains("/mandates/mdt_"), "{opened:?}");
        assert_eq!(world.count(Kind::MandateOpened).await, 1);
        assert_eq!(world.count(Kind::CodeAccepted).await, 1);
        assert_eq!(world.count(Kind::OpeningRefused).await, 0);
    }

    /// F18: the recap does not exist before the citizen agreed, and its confirmation is refused.
    async fn f18_a_confirmation_needs_the_citizens_agreement(world) {
        let ana = world.mediator("Ana Silva").await;
        let list = ana.starts_an_opening(&[Logement], Day).await;
        let agreement = ana.citizen_identifies(&list, "josephine").await;
        let draft = draft_of(&agreement);
        let path = format!("/mandates/drafts/{draft}");
        let shown = ana.sees(&path).await;
        assert!(shown.url.path().starts_with("/agreements/"), "{}", shown.url);
        let (home, code) = (ana.sees("/home").await, ana.fresh_code().await);
        let page = ana.sends(&confirmation(&home, &draft, &code)).await;
        assert_eq!(page.status, 409);
        assert!(says(&page, Refusal::NotAgreed));
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["not_agreed"]);
        world.has_no_mandate().await;
        let recap = ana.citizen_answers(&shown, "agree", true).await;
        let form = ana.fills_in(&recap).await.with("code", &code);
        assert_eq!(ana.sends(&form).await.status, 200, "a refusal for another reason costs no code");
    }

    /// F18: nor before the citizen identified.
    async fn f18_a_confirmation_needs_an_identified_citizen(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let gone = ana.starts_an_opening(&[Logement], Day).await;
        let page = ana.sees("/franceconnect/callback?error=access_denied&state=another").await;
        assert_eq!(page.status, 400);
        fc.citizen(crate::world::stub::claims(&serde_json::json!({"idp_birthdate": "2020-01-01"})));
        let refused = ana.comes_back(&fc, &gone).await;
        let draft = draft_of(&refused);
        assert_eq!(ana.gets(&format!("/franceconnect/logged-out?state={draft}")).await.status, 409);
        assert_eq!(ana.sees(&format!("/mandates/drafts/{draft}")).await.url.path(), "/mandates/new");
        let (home, code) = (ana.sees("/home").await, ana.fresh_code().await);
        let page = ana.sends(&confirmation(&home, &draft, &code)).await;
        assert_eq!(page.status, 409);
        assert!(says(&page, Refusal::NotIdentified));
        world.has_no_mandate().await;
    }

    /// The two boxes are the mediator's declaration. The one that is ticked stays ticked, and the code is not spent.
    async fn a_confirmation_needs_both_boxes(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let form = ana.fills_in(&recap).await;
        for (missing, other, refusal) in
            [("in_front", "informed", Refusal::NotInFront), ("informed", "in_front", Refusal::NotInformed)]
        {
            for form in [form.clone().without(missing), form.clone().with(missing, "no")] {
                world.after(1);
                let page = ana.sends(&form).await;
                assert_eq!(page.status, 422);
                assert!(says(&page, refusal));
                let shown = page.form(recap.url.path()).unwrap();
                assert_eq!((shown.value(missing), shown.value(other)), (None, Some("yes")));
                assert_eq!(shown.value("code").unwrap_or_default(), "", "a code is never written on a page");
            }
        }
        world.after(1);
        let page = ana.sends(&form.clone().without("in_front").without("informed").with("code", "")).await;
        for refusal in [Refusal::NotInFront, Refusal::NotInformed] {
            assert!(says(&page, refusal), "all that is missing is said at once: {}", page.text());
        }
        assert!(page.text().contains("Saisissez les 6 chiffres affichés"), "{}", page.text());
        let reasons = ["not_in_front", "not_in_front", "not_informed", "not_informed", "not_in_front"];
        assert_eq!(world.reasons(Kind::OpeningRefused).await, reasons);
        world.has_no_mandate().await;
        assert_eq!(ana.sends(&form).await.status, 200);
    }

    /// A wrong code is counted, and leaves the boxes ticked.
    async fn a_confirmation_needs_the_right_code(world) {
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let form = ana.fills_in(&recap).await;
        for wrong in ["12345", "abcdef", &bea.code().await] {
            let page = ana.sends(&form.clone().with("code", wrong)).await;
            assert_eq!(page.status, 422, "{wrong}");
            assert!(says(&page, Refusal::CodeRefused));
            let shown = page.form(recap.url.path()).unwrap();
            assert_eq!((shown.value("in_front"), shown.value("informed")), (Some("yes"), Some("yes")));
        }
        let empty = ana.sends(&form.clone().with("code", " ")).await;
        assert_eq!(empty.status, 422);
        assert!(empty.text().contains("Saisissez les 6 chiffres affichés"), "{}", empty.text());
        assert_eq!(world.count(Kind::CodeRefused).await, 3, "an empty field is not counted");
        assert_eq!(world.count(Kind::OpeningRefused).await, 0, "one refusal, one entry: the code's own");
        world.has_no_mandate().await;
        assert_eq!(ana.sends(&form).await.status, 200);
    }

    /// F08: a code opens one mandate, not two.
    async fn f08_a_code_confirms_once(world) {
        let ana = world.mediator("Ana Silva").await;
        let first = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let second = ana.reaches_the_recap("bernard", &[Logement], Day).await;
        let form = ana.fills_in(&first).await;
        let code = form.value("code").unwrap().to_owned();
        assert_eq!(ana.sends(&form).await.status, 200);
        let next = second.form(second.url.path()).unwrap().with("in_front", "yes").with("informed", "yes");
        assert_eq!(ana.sends(&next.clone().with("code", &code)).await.status, 422);
        assert_eq!(world.count(Kind::MandateOpened).await, 1);
        let code = ana.fresh_code().await;
        assert_eq!(ana.sends(&next.with("code", &code)).await.status, 200);
    }
}
