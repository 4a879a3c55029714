//! The form of an opening.

use chrono::TimeDelta;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::Day;

use super::{kept, says};
use crate::on_each_backend;

on_each_backend! {
    /// Nobody fills in a form twice.
    async fn the_form_needs_a_procedure_and_a_term_and_keeps_what_was_filled_in(world) {
        let ana = world.mediator("Ana Silva").await;
        let form = ana.sees("/mandates/new").await.form("/mandates/drafts").unwrap();
        let page = ana.sends(&form).await;
        assert_eq!((page.status, kept(&page)), (422, (vec![], None)));
        assert!(says(&page, Refusal::NoProcedure) && says(&page, Refusal::NoTerm));
        let page = ana.sends(&form.clone().also("procedures", "logement").also("procedures", "argent")).await;
        assert_eq!((page.status, kept(&page)), (422, (vec!["logement".to_owned(), "argent".to_owned()], None)));
        assert!(says(&page, Refusal::NoTerm) && !says(&page, Refusal::NoProcedure));
        let page = ana.sends(&form.clone().with("term", "month")).await;
        assert_eq!((page.status, kept(&page)), (422, (vec![], Some("month".to_owned()))));
        assert!(says(&page, Refusal::NoProcedure) && !says(&page, Refusal::NoTerm));
    }

    /// M05: the server computes the end; there are five terms, and no other number or unit.
    async fn m05_a_term_is_one_of_five(world) {
        let ana = world.mediator("Ana Silva").await;
        let form = ana.sees("/mandates/new").await.form("/mandates/drafts").unwrap().also("procedures", "logement");
        for term in ["", "-1", "0", "365", "10 years", "P10Y", "Year", "year ", "decade"] {
            let page = ana.sends(&form.clone().with("term", term)).await;
            assert_eq!((page.status, kept(&page)), (422, (vec!["logement".to_owned()], None)), "{term:?}");
            assert!(says(&page, Refusal::NoTerm));
        }
    }

    /// An unknown procedure is not passed over in silence: the citizen would believe it was given.
    async fn an_unknown_procedure_is_refused(world) {
        let ana = world.mediator("Ana Silva").await;
        let form = ana.sees("/mandates/new").await.form("/mandates/drafts").unwrap().with("term", "day");
        for unknown in ["toutes", "Logement", "Logement,Justice", "*", ""] {
            let page = ana.sends(&form.clone().also("procedures", "logement").also("procedures", unknown)).await;
            assert_eq!((page.status, kept(&page)), (422, (vec!["logement".to_owned()], Some("day".to_owned()))));
            assert!(says(&page, Refusal::ProcedureNotAllowed), "{unknown:?}");
        }
    }

    /// M04: what the organisation does not offer is not on the form, and refused when it is sent all the same.
    async fn m04_a_procedure_the_organisation_does_not_offer_is_refused(world) {
        let ana = world.mediator("Ana Silva").await;
        world.offers(&world.organisation, "logement transports");
        let form = ana.sees("/mandates/new").await.form("/mandates/drafts").unwrap();
        assert_eq!(form.choices("procedures"), ["logement", "transports"]);
        let page = ana.sends(&form.clone().also("procedures", "justice").with("term", "day")).await;
        assert_eq!(page.status, 422);
        assert!(says(&page, Refusal::ProcedureNotAllowed));
        world.offers(&world.organisation, "");
        let page = ana.sends(&form.also("procedures", "logement").with("term", "day")).await;
        assert_eq!(page.status, 422);
        assert!(page.form("/mandates/drafts").is_none(), "there is nothing to choose");
    }

    /// M06: fields that no form of ours has change nothing.
    async fn m06_further_fields_change_nothing(world) {
        let ana = world.mediator("Ana Silva").await;
        let other = world.another_organisation().await;
        let form = ana.sees("/mandates/new").await.form("/mandates/drafts").unwrap();
        let form = form.also("procedures", "logement").with("term", "day").with("organisation", other.as_str());
        let form = form.with("expires_at", "2099-01-01T00:00:00Z").with("account", "acc_1").with("stage", "agreed");
        let list = ana.sends(&form).await;
        let page = ana.citizen_identifies(&list, "josephine").await;
        let recap = ana.citizen_answers(&page, "agree", true).await;
        let form = ana.fills_in(&recap).await.with("term", "year").with("expires_at", "2099-01-01T00:00:00Z");
        let page = ana.sends(&form).await;
        let mandate = page.url.path().trim_start_matches("/mandates/").parse().unwrap();
        let mandate = world.mandate(&world.organisation, &mandate).await;
        assert_eq!((mandate.term, mandate.expires_at), (Day, mandate.opened_at + TimeDelta::days(1)));
        assert_eq!(mandate.authorisations.iter().map(|one| one.procedure).collect::<Vec<_>>(), [Logement]);
    }

    /// FranceConnect out of reach when the form is sent: the form comes back as it was.
    async fn franceconnect_out_of_reach_gives_the_form_back(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        fc.reply(|_, reply| reply.status = 503);
        let page = ana.starts_an_opening(&[Logement], Day).await;
        assert_eq!((page.status, kept(&page)), (502, (vec!["logement".to_owned()], Some("day".to_owned()))));
        assert!(page.text().contains("vous pouvez réessayer"), "{}", page.text());
        assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
    }
}
