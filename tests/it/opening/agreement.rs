//! The citizen's own act, on their own screen.

use chrono::TimeDelta;
use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::mandate::draft::LIFE;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::Day;

use super::{confirmation, draft_of, says};
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;
use crate::world::service::browser;

/// A mediator, and the screen of the citizen they are with.
async fn screen(world: &World) -> (Actor, Page) {
    let ana = world.mediator("Ana Silva").await;
    let list = ana.starts_an_opening(&[Logement, Justice], Day).await;
    let page = ana.citizen_identifies(&list, "josephine").await;
    assert!(page.url.path().starts_with("/agreements/"), "{} {}", page.url, page.text());
    (ana, page)
}

on_each_backend! {
    /// The address is the key. Whoever is signed in is not on the page.
    async fn the_citizens_screen_needs_no_session_and_shows_nothing_of_the_mediators(world) {
        let (ana, page) = screen(&world).await;
        let tablet = browser();
        let theirs = tablet.follow(page.url.as_str()).await.unwrap();
        for shown in [&page, &theirs] {
            assert_eq!(shown.status, 200);
            assert!(shown.text().contains("Joséphine Marie LEMOINE (DUBOIS)"), "{}", shown.text());
            assert!(shown.text().contains("Maison France services de Houdan"));
            assert!(!shown.body.contains("Silva") && !shown.body.contains(&ana.email));
            assert!(shown.form("/sign-out").is_none() && shown.link("/home").is_none());
            assert!(!shown.body.contains("cit_") && !shown.body.contains("drf_"));
        }
        let form = theirs.form("/agreements/").unwrap().with("decision", "agree").with("unprotected", "yes");
        let answered = tablet.submit(&form).await.unwrap();
        assert_eq!(answered.status, 200);
        assert!(answered.text().contains("Vous pouvez rendre l’écran"), "{}", answered.text());
        let recap = ana.sees(&format!("/mandates/drafts/{}", draft_of(&page))).await;
        assert!(recap.form(recap.url.path()).is_some(), "{}", recap.text());
        assert_eq!(world.count(Kind::AgreementGiven).await, 1);
    }

    /// H09: looking at the page agrees to nothing; an address that was not given out is nothing.
    async fn h09_reading_the_citizens_screen_changes_nothing(world) {
        let (ana, page) = screen(&world).await;
        for _ in 0..3 {
            assert_eq!(browser().follow(page.url.as_str()).await.unwrap().status, 200);
        }
        assert_eq!(world.count(Kind::AgreementGiven).await, 0);
        for guess in ["x", &"A".repeat(43), &draft_of(&page).to_string(), "..%2f", &"A".repeat(5_000)] {
            assert_eq!(browser().follow(ana.at(&format!("/agreements/{guess}"))).await.unwrap().status, 404, "{guess}");
        }
        // The screen is handed out again: the address before it no longer works.
        let again = ana.sees(&format!("/franceconnect/logged-out?state={}", draft_of(&page))).await;
        assert_ne!(again.url, page.url);
        assert_eq!(ana.citizen_answers(&page, "agree", true).await.status, 404);
        assert_eq!(world.count(Kind::AgreementGiven).await, 0);
        assert!(ana.citizen_answers(&again, "agree", true).await.url.path().starts_with("/mandates/drafts/"));
    }

    /// The citizen says no: that is the end of it.
    async fn a_refused_agreement_opens_nothing(world) {
        let (ana, page) = screen(&world).await;
        let refused = ana.citizen_answers(&page, "refuse", true).await;
        assert_eq!(refused.status, 200);
        assert!(refused.form("/mandates/drafts/").is_none());
        assert_eq!(world.count(Kind::AgreementRefused).await, 1);
        assert_eq!(ana.citizen_answers(&page, "agree", true).await.status, 409);
        let (home, code) = (ana.sees("/home").await, ana.fresh_code().await);
        let page = ana.sends(&confirmation(&home, &draft_of(&page), &code)).await;
        assert_eq!(page.status, 409);
        assert!(says(&page, Refusal::AgreementRefused));
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["agreement_refused"; 2]);
        assert_eq!(world.count(Kind::AgreementGiven).await, 0);
        world.has_no_mandate().await;
    }

    /// M10: no declaration about protection, no agreement. The page comes back.
    async fn m10_an_agreement_needs_the_declaration_about_protection(world) {
        let (ana, page) = screen(&world).await;
        let form = page.form("/agreements/").unwrap().with("decision", "agree");
        for form in [form.clone().without("unprotected"), form.clone().with("unprotected", "no")] {
            let again = ana.sends(&form).await;
            assert_eq!(again.status, 422);
            assert!(says(&again, Refusal::ProtectionNotDeclared));
            assert!(again.text().contains("Joséphine Marie LEMOINE (DUBOIS)"));
        }
        assert_eq!(world.count(Kind::AgreementGiven).await, 0);
        assert_eq!(ana.citizen_answers(&page, "agree", true).await.status, 200);
        assert_eq!(world.count(Kind::AgreementGiven).await, 1);
    }

    /// Neither yes nor no is nothing.
    async fn an_answer_is_yes_or_no(world) {
        let (ana, page) = screen(&world).await;
        let form = page.form("/agreements/").unwrap().with("unprotected", "yes");
        for answer in ["", "yes", "AGREE", "oui mais non"] {
            assert_eq!(ana.sends(&form.clone().with("decision", answer)).await.status, 400, "{answer}");
        }
        assert_eq!(ana.sends(&form.with("decision", "agree").with("language", "xx")).await.status, 400);
        assert_eq!(world.count(Kind::AgreementGiven).await + world.count(Kind::AgreementRefused).await, 0);
    }

    /// The first answer is the answer. Sent again, because its reply was lost, it leads on; another one is refused.
    async fn an_agreement_is_given_once(world) {
        let (ana, page) = screen(&world).await;
        let first = ana.citizen_answers(&page, "agree", true).await;
        assert_eq!(first.status, 200);
        let again = ana.citizen_answers(&page, "agree", true).await;
        assert_eq!((again.status, again.url), (200, first.url));
        assert_eq!(ana.citizen_answers(&page, "refuse", true).await.status, 409);
        let english = page.form("/agreements/").unwrap().with("decision", "agree").with("language", "en");
        assert_eq!(ana.sends(&english).await.status, 409);
        assert_eq!(ana.sees(page.url.path()).await.status, 409);
        assert_eq!((world.count(Kind::AgreementGiven).await, world.count(Kind::AgreementRefused).await), (1, 0));
    }

    /// Sent many times at once, one answer counts.
    async fn answers_sent_at_once_are_one_answer(world) {
        let (ana, page) = screen(&world).await;
        let form = page.form("/agreements/").unwrap().with("decision", "agree").with("unprotected", "yes");
        let answers: Vec<_> = (0..20).map(|_| {
            let (browser, form) = (ana.browser.clone(), form.clone());
            actix_web::rt::spawn(async move { browser.submit(&form).await.unwrap().status })
        }).collect();
        let mut statuses = Vec::new();
        for answer in answers {
            statuses.push(answer.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [303; 20]);
        assert_eq!(world.count(Kind::AgreementGiven).await, 1);
    }

    /// The citizen's screen lives as long as the draft.
    async fn an_agreement_comes_within_fifteen_minutes(world) {
        let (ana, page) = screen(&world).await;
        let started = world.now();
        let tablet = browser();
        let theirs = tablet.follow(page.url.as_str()).await.unwrap();
        let form = theirs.form("/agreements/").unwrap().with("decision", "agree").with("unprotected", "yes");
        world.until(started + LIFE);
        assert_eq!(tablet.submit(&form).await.unwrap().status, 409);
        let page = tablet.follow(page.url.as_str()).await.unwrap();
        assert_eq!(page.status, 409);
        assert!(says(&page, Refusal::DraftExpired) && !page.text().contains("LEMOINE"));
        assert_eq!(world.count(Kind::AgreementGiven).await, 0);
        drop(ana);
    }

    /// The text is agreed to in the language it was read in, and that is recorded.
    async fn an_agreement_says_in_which_language_the_text_was_read(world) {
        let (ana, page) = screen(&world).await;
        let back = page.url.path().to_owned();
        let english = page.form("/language").unwrap().with("language", "en").with("next", &back);
        let page = ana.sends(&english).await;
        assert!(page.text().contains("I am Joséphine Marie LEMOINE (DUBOIS)"), "{}", page.text());
        let recap = ana.citizen_answers(&page, "agree", true).await;
        assert_eq!(world.entries(Kind::AgreementGiven).await[0]["language"], "en");
        let page = ana.sends(&ana.fills_in(&recap).await).await;
        let document = ana.sees(&format!("{}/document", page.url.path())).await;
        assert!(document.text().contains("Je suis Joséphine Marie") && document.text().contains("I am Joséphine Marie"));
    }

    /// H05: the agreement is to one text. Another name of the organisation makes another text.
    async fn h05_an_agreement_binds_the_text_the_citizen_read(world) {
        let (ana, page) = screen(&world).await;
        let recap = ana.citizen_answers(&page, "agree", true).await;
        let form = ana.fills_in(&recap).await;
        world.renames(&world.organisation, "Maison de tout le monde");
        let page = ana.sends(&form).await;
        assert_eq!(page.status, 409);
        assert!(says(&page, Refusal::AgreementOfAnotherText));
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["agreement_of_another_text"]);
        world.has_no_mandate().await;
        world.renames(&world.organisation, "Maison France services de Houdan");
        assert_eq!(ana.sends(&form).await.status, 200, "the text is again the one agreed to");
    }

    /// H05: renamed while the citizen reads: nobody agrees to a text that they did not see.
    async fn h05_a_text_that_changed_while_it_was_read_is_not_agreed_to(world) {
        let (ana, page) = screen(&world).await;
        world.renames(&world.organisation, "Maison de tout le monde");
        let refused = ana.citizen_answers(&page, "agree", true).await;
        assert_eq!(refused.status, 409);
        assert!(says(&refused, Refusal::AgreementOfAnotherText));
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["agreement_of_another_text"]);
        assert_eq!(world.count(Kind::AgreementGiven).await, 0);
        let again = ana.sees(page.url.path()).await;
        assert!(again.text().contains("Maison de tout le monde"));
        assert_eq!(ana.citizen_answers(&again, "agree", true).await.status, 200);
    }

    /// H05: nor is anything opened that the organisation has ceased to offer.
    async fn h05_a_procedure_withdrawn_since_is_not_opened(world) {
        let (ana, page) = screen(&world).await;
        let recap = ana.citizen_answers(&page, "agree", true).await;
        let form = ana.fills_in(&recap).await;
        world.offers(&world.organisation, "justice");
        let page = ana.sends(&form).await;
        assert_eq!(page.status, 403);
        assert!(says(&page, Refusal::ProcedureNotAllowed));
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["procedure_not_allowed"]);
        world.has_no_mandate().await;
    }

    /// The agreement of the citizen is not dated later than the text: the clock of the draft does not stop.
    async fn an_agreement_does_not_renew_the_draft(world) {
        let (ana, page) = screen(&world).await;
        let started = world.now();
        world.until(started + LIFE - TimeDelta::seconds(31));
        let recap = ana.citizen_answers(&page, "agree", true).await;
        assert_eq!(recap.status, 200);
        let form = ana.fills_in(&recap).await;
        world.until(started + LIFE);
        assert_eq!(ana.wakes_up(ana.sends(&form).await).await.status, 409);
        world.has_no_mandate().await;
    }
}
