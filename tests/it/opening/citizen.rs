//! For whom no mandate is opened: minors, and the mediator themselves.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::refusal::Refusal;
use mandataire::domain::term::Term::Day;
use serde_json::json;

use super::{kept, says};
use crate::on_each_backend;
use crate::world::stub::claims;

on_each_backend! {
    /// Who is not certainly of age on that day: 22 November 2026.
    async fn a_minor_is_refused_and_so_is_whoever_may_be_one(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let minors = ["2020-01-01", "2008-11-23", "2008-12-00", "2008-11-00", "2008-00-00", "2026-11-22"];
        for birthdate in minors {
            fc.citizen(claims(&json!({"birthdate": birthdate, "idp_birthdate": birthdate})));
            let page = ana.identifies(&fc, &[Logement], Day).await;
            assert_eq!((page.status, kept(&page)), (422, (vec!["logement".to_owned()], Some("day".to_owned()))));
            assert!(says(&page, Refusal::Minor), "{birthdate}: {}", page.text());
        }
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["minor"; 6]);
        assert_eq!(world.count(Kind::CitizenIdentified).await, 0);
        for birthdate in ["2008-11-22", "2008-10-00", "2007-00-00", "1980-00-00", "1992-11-00", "1908-01-01"] {
            fc.citizen(claims(&json!({"birthdate": birthdate, "idp_birthdate": birthdate})));
            let page = ana.identifies(&fc, &[Logement], Day).await;
            assert!(page.url.path().starts_with("/agreements/"), "{birthdate}: {}", page.text());
        }
    }

    /// J03: of age is said by the calendar at the counter: in Papeete it is still the day before.
    async fn j03_the_age_is_counted_by_the_organisations_calendar(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        fc.citizen(claims(&json!({"birthdate": "2008-11-22", "idp_birthdate": "2008-11-22"})));
        for (zone, adult) in [("Pacific/Tahiti", false), ("Europe/Paris", true), ("Pacific/Noumea", true)] {
            world.database.execute(&format!("update organisations set zone = '{zone}'")).unwrap();
            let page = ana.identifies(&fc, &[Logement], Day).await;
            assert_eq!(page.url.path().starts_with("/agreements/"), adult, "{zone}: {}", page.text());
        }
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["minor"], "in Papeete alone");
        assert_eq!(world.count(Kind::CitizenIdentified).await, 2);
    }

    /// M10: by address or by name, whatever the capitals; a colleague opens the mandate instead.
    async fn m10_a_mediator_cannot_be_the_citizen(world) {
        let (world, fc) = world.with_franceconnect().await;
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let same = [
            json!({"email": "ana.silva@houdan.example.fr"}),
            json!({"email": "Ana.Silva@HOUDAN.example.fr"}),
            json!({"given_name": "Ana", "family_name": "SILVA"}),
            json!({"given_name": "Ana Maria", "family_name": "SILVA", "preferred_username": null}),
            json!({"given_name": "ANA", "family_name": "PEREIRA", "preferred_username": "Silva"}),
        ];
        for changes in &same {
            fc.citizen(claims(changes));
            let page = ana.identifies(&fc, &[Logement], Day).await;
            assert_eq!((page.status, kept(&page).0), (422, vec!["logement".to_owned()]), "{changes}");
            assert!(says(&page, Refusal::MediatorIsCitizen), "{changes}: {}", page.text());
            let page = bea.identifies(&fc, &[Logement], Day).await;
            assert!(page.url.path().starts_with("/agreements/"), "{changes}: {}", page.text());
        }
        assert_eq!(world.reasons(Kind::IdentificationRefused).await, ["mediator_is_citizen"; 5]);
        assert_eq!(fc.seen("/session/end").len(), 10);
        world.has_no_mandate().await;
    }
}
