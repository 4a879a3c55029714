//! A draft belongs to one mediator, one session, one organisation and one purpose, and lives fifteen minutes.

use chrono::TimeDelta;
use mandataire::domain::event::Kind;
use mandataire::domain::mandate::draft::LIFE;
use mandataire::domain::mediator::Membership;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::Day;

use super::{confirmation, draft_of, says};
use crate::on_each_backend;
use crate::refusals::words;

on_each_backend! {
    /// Another mediator of the same organisation learns nothing of it, and cannot confirm or abandon it.
    async fn a_draft_belongs_to_its_mediator(world) {
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let draft = draft_of(&recap);
        let nowhere = bea.gets("/mandates/drafts/drf_01ARZ3NDEKTSV4RRFFQ69G5FAV").await;
        let page = bea.gets(recap.url.path()).await;
        assert_eq!((page.status, words(&page)), (404, words(&nowhere)));
        let (theirs, code) = (bea.sees("/home").await, bea.fresh_code().await);
        assert_eq!(bea.browser.submit(&confirmation(&theirs, &draft, &code)).await.unwrap().status, 404);
        let given_up = recap.form(&format!("/mandates/drafts/{draft}/cancellation")).unwrap();
        assert_eq!(bea.forges(&given_up).await.status, 404);
        assert_eq!(world.count(Kind::DraftCancelled).await, 0);
        world.has_no_mandate().await;
        assert_eq!(ana.sends(&ana.fills_in(&recap).await).await.status, 200);
    }

    /// The same person at another machine has another session.
    async fn a_draft_belongs_to_its_session(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let elsewhere = ana.on_another_machine();
        elsewhere.signs_in().await;
        assert_eq!(elsewhere.gets(recap.url.path()).await.status, 404);
        assert_eq!(elsewhere.forges(&ana.fills_in(&recap).await).await.status, 404);
        world.has_no_mandate().await;
        assert_eq!(ana.sends(&ana.fills_in(&recap).await).await.status, 200);
    }

    /// M02: with another organisation chosen, the draft waits; it never becomes the other one's mandate.
    async fn m02_a_draft_belongs_to_its_organisation(world) {
        let other = world.another_organisation().await;
        let role = |organisation: &_| Membership {
            organisation: Clone::clone(organisation), mediator: true, manager: false, certified_until: None,
        };
        let ana = world.enrolled("Ana Silva", &[role(&world.organisation), role(&other)], false).await;
        ana.signs_in().await;
        ana.chooses_organisation(&world.organisation).await;
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let form = ana.fills_in(&recap).await;
        ana.chooses_organisation(&other).await;
        let page = ana.gets(recap.url.path()).await;
        assert_eq!(page.status, 403);
        assert!(says(&page, Refusal::DraftNotYours) && !page.text().contains("LEMOINE"));
        assert_eq!(ana.sends(&form).await.status, 403);
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["draft_not_yours"]);
        world.has_no_mandate().await;
        ana.chooses_organisation(&world.organisation).await;
        assert_eq!(ana.sends(&form).await.status, 200);
        assert_eq!(world.entries(Kind::MandateOpened).await[0]["organisation"], world.organisation.as_str());
    }

    /// 14 minutes and 59 seconds.
    async fn a_draft_still_works_a_second_before_fifteen_minutes(world) {
        let ana = world.mediator("Ana Silva").await;
        let started = world.now();
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        world.after(600);
        ana.sees("/home").await;
        world.until(started + LIFE - TimeDelta::seconds(31));
        assert_eq!(ana.sends(&ana.fills_in(&recap).await).await.status, 200);
        assert_eq!(world.now(), started + LIFE - TimeDelta::seconds(1));
    }

    /// 15 minutes, then 15 minutes and a second.
    async fn a_draft_no_longer_works_after_fifteen_minutes(world) {
        let ana = world.mediator("Ana Silva").await;
        let started = world.now();
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        world.after(600);
        ana.sees("/home").await;
        world.until(started + LIFE - TimeDelta::seconds(30));
        let form = ana.fills_in(&recap).await;
        assert_eq!(world.now(), started + LIFE);
        for late in [0, 1] {
            world.until(started + LIFE + TimeDelta::seconds(late));
            let page = ana.sends(&form).await;
            assert_eq!(page.status, 409);
            assert!(says(&page, Refusal::DraftExpired));
            assert_eq!(ana.gets(recap.url.path()).await.status, 409);
        }
        assert_eq!(world.reasons(Kind::OpeningRefused).await, ["draft_expired"; 4]);
        world.has_no_mandate().await;
    }

    /// What was abandoned stays so.
    async fn an_abandoned_draft_opens_nothing(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement], Day).await;
        let form = ana.fills_in(&recap).await;
        let given_up = recap.form(&format!("{}/cancellation", recap.url.path())).unwrap();
        assert_eq!(ana.sends(&given_up).await.url.path(), "/home");
        assert_eq!(ana.sends(&form).await.status, 409);
        let again = ana.browser.submit(&given_up).await.unwrap();
        let home = again.headers.get("location").and_then(|value| value.to_str().ok());
        assert_eq!((again.status, home), (303, Some("/home")), "the first answer may be lost");
        assert_eq!(ana.sees(recap.url.path()).await.url.path(), "/home");
        assert_eq!(world.count(Kind::DraftCancelled).await, 1);
        world.has_no_mandate().await;
    }

    /// A25: the draft of an opening is no sign-in at a public service, and the other way round.
    async fn a25_a_draft_is_no_flow_and_a_flow_no_draft(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        let recap = ana.reaches_the_recap("bernard", &[Logement], Day).await;
        let draft = draft_of(&recap);
        let choice = ana.comes_from(&service.request()).await;
        let flow = choice.url.path().trim_start_matches("/provider/").to_owned();
        assert!(flow.starts_with("flw_"), "{}", choice.url);
        let (as_flow, as_draft) = (draft.as_str().replace("drf_", "flw_"), flow.replace("flw_", "drf_"));
        let mut paths = Vec::new();
        for path in [format!("/provider/{draft}"), format!("/provider/{as_flow}")] {
            paths.extend([path.clone(), format!("{path}/citizens/{}", opened.citizen)]);
        }
        for id in [&flow, &as_draft] {
            paths.extend([format!("/mandates/drafts/{id}"), format!("/franceconnect/logged-out?state={id}")]);
        }
        let nothing = (Kind::SecurityRefused, "not_found");
        for path in &paths {
            let page = world.refuses_once(ana.gets(path), nothing, &[]).await;
            assert_eq!((page.status, page.location()), (404, None), "{path}");
        }
        let form = choice.form("/sign-out").unwrap().with("procedure", "logement");
        let chosen = form.aimed_at(&format!("/provider/{as_flow}/citizens/{}", opened.citizen));
        let confirmed = ana.fills_in(&recap).await.aimed_at(&format!("/mandates/drafts/{as_draft}"));
        for forged in [chosen, confirmed] {
            let page = world.refuses_once(ana.browser.submit(&forged), nothing, &[forged.value("csrf").unwrap()]).await;
            assert_eq!(page.unwrap().status, 404, "{}", forged.action());
        }
        assert_eq!(world.count(Kind::MandateOpened).await, 1);
        assert_eq!(world.count(Kind::Use).await, 0);
    }
}
