//! The day's work: what awaits an outcome, and what ends soon.

use chrono::TimeDelta;
use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::{Day, Month};

use crate::on_each_backend;
use crate::opening::says;
use crate::world::actor::{Actor, Opened};
use crate::world::service::Service;

async fn uses(ana: &Actor, service: &Service, opened: &Opened) {
    let code = ana.gets_a_code(service, &opened.citizen, Logement).await;
    let token = service.exchanges(&code).await.json();
    let issued = service.asks_identity(token["access_token"].as_str().unwrap_or_default()).await;
    assert_eq!(issued.status, 200, "{}", issued.body);
}

fn awaited(page: &Page) -> usize {
    page.forms().iter().filter(|form| form.action().path().ends_with("/outcome")).count()
}

on_each_backend! {
    /// One tap, once; the use is the mediator's own, of today.
    async fn an_outcome_is_recorded_once(world) {
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        assert_eq!(awaited(&ana.sees("/home").await), 0);
        uses(&ana, &service, &opened).await;
        let home = ana.sees("/home").await;
        assert_eq!(awaited(&home), 1);
        assert!(home.text().contains("Joséphine Marie DUBOIS") && home.text().contains(&service.client.name));
        assert_eq!(awaited(&bea.sees("/home").await), 0, "a colleague does not know what came of it");
        let form = home.form("/uses/").unwrap();
        assert_eq!(form.choices("outcome"), ["done", "not_done", "handed_back"]);
        for wrong in ["", "Done", "perhaps"] {
            assert_eq!(ana.sends(&form.clone().with("outcome", wrong)).await.status, 400, "{wrong}");
        }
        assert_eq!(awaited(&ana.sends(&form.clone().with("outcome", "not_done")).await), 0);
        let repeated = ana.browser.submit(&form.clone().with("outcome", "not_done")).await.unwrap();
        assert_eq!(repeated.status, 303, "the first answer may be lost");
        let colleague = bea.forges(&form.clone().with("outcome", "not_done")).await;
        assert_eq!(colleague.status, 409, "somebody else did not say so before");
        let again = ana.sends(&form.clone().with("outcome", "done")).await;
        assert_eq!(again.status, 409);
        assert!(says(&again, Refusal::OutcomeKnown));
        let recorded = world.entries(Kind::OutcomeRecorded).await;
        assert_eq!(recorded.len(), 1);
        assert_eq!((&recorded[0]["outcome"], &recorded[0]["use"]), (&"not_done".into(), &world.entries(Kind::Use).await[0]["use"]));
        let other = world.another_organisation().await;
        let zoe = world.mediator_of(&other, "Zoe Petit").await;
        zoe.signs_in().await;
        assert_eq!(zoe.forges(&form.with("outcome", "done")).await.status, 404);
    }

    /// Two taps at the same instant.
    async fn two_outcomes_at_once_are_one_outcome(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        uses(&ana, &service, &opened).await;
        let form = ana.sees("/home").await.form("/uses/").unwrap();
        let both: Vec<_> = ["done", "not_done"].into_iter().map(|outcome| {
            let (browser, form) = (ana.browser.clone(), form.clone().with("outcome", outcome));
            actix_web::rt::spawn(async move { browser.submit(&form).await.unwrap().status })
        }).collect();
        let mut statuses = Vec::new();
        for one in both {
            statuses.push(one.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409]);
        assert_eq!(world.count(Kind::OutcomeRecorded).await, 1);
    }

    /// A mandate is on the day's page from seven days before its end until its end.
    async fn mandates_that_end_within_seven_days_are_on_the_days_page(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let (end, link) = (Month.end(world.now()), format!("/mandates/{}", opened.mandate));
        let stopped = ana.opens_a_mandate_for("bernard", &[Logement], Day).await;
        ana.revokes(&stopped.mandate, None).await;
        assert!(ana.sees("/home").await.link("/mandates/mdt_").is_none());
        world.until(end - TimeDelta::days(7) - TimeDelta::minutes(5));
        ana.signs_in().await;
        world.until(end - TimeDelta::days(7));
        assert!(ana.sees("/home").await.link(&link).is_none());
        world.after(1);
        assert!(ana.sees("/home").await.link(&link).is_some());
        world.until(end - TimeDelta::minutes(5));
        ana.signs_in().await;
        world.until(end - TimeDelta::seconds(1));
        assert!(ana.sees("/home").await.link(&link).is_some());
        world.after(1);
        assert!(ana.sees("/home").await.link(&link).is_none());
    }
}
