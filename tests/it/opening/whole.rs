//! The whole way, and everything it writes.

use chrono::TimeDelta;
use mandataire::domain::digest::Digest;
use mandataire::domain::event::Kind;
use mandataire::domain::mandate::Standing;
use mandataire::domain::procedure::Procedure::{Argent, Logement};
use mandataire::domain::term::Term::Month;
use mandataire::store::mandates;

use super::draft_of;
use crate::on_each_backend;

on_each_backend! {
    /// Mandate, authorisations, agreement, document and entries, which name one another.
    async fn an_opening_writes_everything_it_rests_on(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("josephine", &[Logement, Argent], Month).await;
        let draft = draft_of(&recap);
        let page = ana.sends(&ana.fills_in(&recap).await).await;
        assert_eq!(page.status, 200);
        let id = page.url.path().trim_start_matches("/mandates/").parse().unwrap();
        let mandate = world.mandate(&world.organisation, &id).await;
        assert_eq!((mandate.opened_at, mandate.expires_at), (world.now(), world.now() + TimeDelta::days(31)));
        assert_eq!((&mandate.opened_by, &mandate.draft, &mandate.session), (&ana.account, &draft, &None));
        assert_eq!(mandate.authorisations.iter().map(|one| one.procedure).collect::<Vec<_>>(), [Logement, Argent]);
        assert_eq!(mandate.standing(world.now()), Standing::Active);
        let (copy, store) = (mandate.clone(), &world.app.store);
        let document = store.read(move |db| mandates::document(db, &copy)).await.unwrap();
        assert_eq!(Digest::of(document.text.as_bytes()), mandate.document);
        let (copy, opened) = (mandate.clone(), world.entries(Kind::MandateOpened).await);
        let agreed_at = store.read(move |db| mandates::agreed_at(db, &copy)).await.unwrap();
        assert!(agreed_at <= mandate.opened_at);
        let [opened] = opened.as_slice() else { panic!("one entry: {opened:?}") };
        assert_eq!(opened["draft"], draft.as_str());
        assert_eq!(opened["actor"], ana.account.as_str());
        assert_eq!(opened["mandate"], mandate.id.as_str());
        assert_eq!(opened["citizen"], mandate.citizen.as_str());
        assert_eq!(opened["organisation"], world.organisation.as_str());
        assert_eq!((&opened["procedures"], &opened["term"]), (&"logement argent".into(), &"month".into()));
        let texts = world.sealed(opened).await;
        assert_eq!(texts["document_sha256"], mandate.document.to_string());
        let agreed = world.entries(Kind::AgreementGiven).await;
        let [agreed] = agreed.as_slice() else { panic!("one entry: {agreed:?}") };
        assert_eq!(agreed["agreement"], opened["agreement"]);
        assert_eq!(world.sealed(agreed).await["text_sha256"], texts["agreement_sha256"]);
        assert_eq!((&agreed["citizen"], &agreed["draft"]), (&opened["citizen"], &opened["draft"]));
        assert_eq!(world.entries(Kind::CitizenIdentified).await[0]["draft"], draft.as_str());
        let clear = format!("{opened}{agreed}");
        // Nor a hash of a text that names them, which whoever guesses the name could compute.
        let texts = [texts["document_sha256"].as_str().unwrap(), texts["agreement_sha256"].as_str().unwrap()];
        let told = ["LEMOINE", "DUBOIS", "Joséphine", "Ana", "1956"].iter().chain(&texts).any(|told| clear.contains(told));
        assert!(!told, "{clear}");
    }

    /// H10: one part cannot be written, so nothing is: the earlier mandate still works, the draft can be confirmed later.
    async fn h10_an_opening_that_cannot_be_written_whole_is_not_written_at_all(world) {
        let ana = world.mediator("Ana Silva").await;
        let earlier = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let recap = ana.reaches_the_recap("josephine", &[Logement], Month).await;
        for table in ["documents", "agreements", "journal_sealed"] {
            world.database.execute(&format!("alter table {table} rename to gone")).unwrap();
            let page = ana.sends(&ana.fills_in(&recap).await).await;
            world.database.execute(&format!("alter table gone rename to {table}")).unwrap();
            assert!(page.status >= 500, "{table}: {}", page.status);
            assert_eq!(world.count(Kind::MandateOpened).await, 1, "{table}");
            assert_eq!(world.count(Kind::AuthorisationReplaced).await, 0, "{table}");
            let earlier = world.mandate(&world.organisation, &earlier.mandate).await;
            assert_eq!(earlier.standing(world.now()), Standing::Active, "{table}");
        }
        let page = ana.sends(&ana.fills_in(&recap).await).await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(world.count(Kind::MandateOpened).await, 2);
        assert_eq!(world.count(Kind::AuthorisationReplaced).await, 1);
    }
}
