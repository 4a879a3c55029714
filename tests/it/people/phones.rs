//! Where somebody can be called: sealed, known to the journal by a pseudonym, and a question if one number serves many.

use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::id::CitizenId;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::{Day, Month};
use serde_json::Value;

use crate::auditing::at_work;
use crate::on_each_backend;
use crate::retention::proof::erased;
use crate::world::World;
use crate::world::actor::Actor;

impl Actor {
    /// Types a number on somebody's page, and saves it.
    pub(crate) async fn notes_the_phone(&self, citizen: &CitizenId, number: &str) -> Page {
        let form = self.sees(&format!("/citizens/{citizen}")).await.form("/citizens/").expect("a field for the number");
        self.sends(&form.with("phone", number)).await
    }
}

fn pseudonym(entry: &Value) -> &str {
    entry["phone"].as_str().expect("a pseudonym")
}

async fn recorded(world: &World) -> Vec<String> {
    world.entries(Kind::PhoneRecorded).await.iter().map(|entry| pseudonym(entry).to_owned()).collect()
}

on_each_backend! {
    async fn a_number_is_kept_sealed_and_the_journal_knows_its_pseudonym(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let page = ana.notes_the_phone(&opened.citizen, "06.12.34.56.78").await;
        assert!(page.status == 200 && page.body.contains("value=\"06 12 34 56 78\""), "{}", page.body);
        ana.notes_the_phone(&opened.citizen, "+33 6 12 34 56 78").await;
        let entries = world.entries(Kind::PhoneRecorded).await;
        assert_eq!(entries.len(), 1, "the same number again is nothing new");
        assert!(pseudonym(&entries[0]).starts_with("tel_"));
        for text in world.database.texts("select cast(clear as text) as value from journal_entries") {
            assert!(!text.contains("12345678"), "{text}");
        }
        for (wrong, says) in [("0812345678", "numéro français"), ("appelez sa fille", "numéro français")] {
            let page = ana.notes_the_phone(&opened.citizen, wrong).await;
            assert!(page.status == 422 && page.text().contains(says) && page.body.contains(wrong), "{wrong}: {}", page.body);
        }
        let long = ana.notes_the_phone(&opened.citizen, &"6".repeat(10_000)).await;
        assert_eq!(long.status, 422);
        let page = ana.notes_the_phone(&opened.citizen, "  ").await;
        assert!(page.status == 200 && page.body.contains("value=\"\" aria"), "{}", page.body);
        ana.notes_the_phone(&opened.citizen, "").await;
        let gone = world.entries(Kind::PhoneForgotten).await;
        assert_eq!((gone.len(), pseudonym(&gone[0])), (1, pseudonym(&entries[0])));
        assert_eq!(world.rows("contacts", "number is not null"), 0);
        ana.notes_the_phone(&opened.citizen, "0612345678").await;
        let known = recorded(&world).await;
        assert_eq!((known.len(), &known[0]), (2, &known[1]), "known again");
    }

    /// Neither the number nor its pseudonym crosses to another organisation.
    async fn a_number_belongs_to_one_organisation(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        ana.notes_the_phone(&opened.citizen, "0612345678").await;
        let form = ana.sees(&format!("/citizens/{}", opened.citizen)).await.form("/citizens/").unwrap();
        let elsewhere = world.another_organisation().await;
        let bo = world.mediator_of(&elsewhere, "Bo Martin").await;
        bo.signs_in().await;
        assert_eq!(bo.forges(&form.with("phone", "0698765432")).await.status, 404, "not yet a citizen of theirs");
        let there = bo.opens_a_mandate_for("josephine", &[Logement], Month).await;
        assert_eq!(there.citizen, opened.citizen);
        assert!(!bo.sees(&format!("/citizens/{}", there.citizen)).await.body.contains("value=\"06 12"));
        bo.notes_the_phone(&there.citizen, "0612345678").await;
        let known = recorded(&world).await;
        assert_eq!(known.len(), 2);
        assert_ne!(known[0], known[1]);
        let mia = world.manager("Mia Roux").await;
        let page = mia.sees(&format!("/citizens/{}", opened.citizen)).await;
        assert!(page.text().contains("06 12 34 56 78") && page.form("/citizens/").is_none(), "managers read it");
    }

    async fn a_number_moved_to_somebody_else_does_not_open(world) {
        let ana = world.mediator("Ana Silva").await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await.citizen;
        let other = ana.opens_a_mandate_for("bernard", &[Logement], Month).await.citizen;
        for (citizen, number) in [(&one, "0612345678"), (&other, "0698765432")] {
            ana.notes_the_phone(citizen, number).await;
        }
        let moved = format!("update contacts set number = (select number from contacts where citizen = '{one}') where citizen = '{other}'");
        world.database.execute(&moved).unwrap();
        let page = ana.gets(&format!("/citizens/{other}")).await;
        assert!(page.status == 500 && !page.body.contains("06 12"), "{}", page.body);
    }

    async fn h06_one_number_for_three_people_is_a_signal(world) {
        let ana = world.mediator("Ana Silva").await;
        let people = ["josephine", "bernard", "camille"];
        let mut opened = Vec::new();
        for person in people {
            opened.push(ana.opens_a_mandate_for(person, &[Logement], Month).await.citizen);
        }
        for citizen in &opened[..2] {
            ana.notes_the_phone(citizen, "0612345678").await;
        }
        // Taken out and moved on, it is still the same number.
        ana.notes_the_phone(&opened[0], "").await;
        let others = world.signals_of_the_day(0).await;
        ana.notes_the_phone(&opened[2], "06 12 34 56 78").await;
        assert_eq!(world.signals_of_the_day(0).await, 1, "besides {others} others");
        assert_eq!(world.signals_of_the_day(0).await, 0, "said once");
        let raised = world.entries(Kind::SignalRaised).await;
        let shared = raised.iter().find(|entry| entry["rule"] == "shared_phone").expect("a question");
        assert_eq!((shared["times"].as_str(), shared["about"].as_str()), (Some("3"), Some(recorded(&world).await[0].as_str())));
        let path = format!("/signals/{}", shared["signal"].as_str().unwrap());
        let own = ana.sees(&path).await;
        assert!(own.text().contains("noté pour 3 personnes"), "{}", own.text());
        let named = |citizen: &CitizenId| own.link(&format!("/citizens/{citizen}")).is_some();
        assert_eq!([0, 1, 2].map(|at| named(&opened[at])), [false, true, true], "who has it now");
        let form = own.form(&path).unwrap();
        assert_eq!(ana.sends(&form.with("answer", "Un couple et leur fille, même foyer.")).await.status, 200);
        let auditor = at_work(&world, "Denis Roux").await;
        let page = auditor.sees(&format!("/journal{path}")).await;
        let listed = |url: &url::Url| url.query().is_some_and(|query| query.contains("kind=phone_recorded"));
        let link = page.links().into_iter().find(|link| listed(&link.url)).expect("where it is in the journal");
        let list = auditor.browser.follow(link.url.as_str()).await.unwrap();
        assert_eq!(list.body.matches("<th scope=\"row\"").count(), 3, "{}", list.body);
        assert!(!page.body.contains("612345678") && !page.body.contains("06 12 34"));
    }

    async fn a_number_goes_with_the_person_who_is_erased(world) {
        let ana = world.mediator("Ana Silva").await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await.citizen;
        let other = ana.opens_a_mandate_for("bernard", &[Logement], Month).await.citizen;
        ana.notes_the_phone(&one, "0612345678").await;
        ana.notes_the_phone(&other, "0612345678").await;
        erased(&world, one.as_str()).await;
        assert_eq!((world.rows("contacts", "true"), world.rows("phones", "true")), (1, 1), "Bernard can still be called");
        ana.notes_the_phone(&other, "0698765432").await;
        assert_eq!((world.rows("contacts", "number is not null"), world.rows("phones", "true")), (1, 2));
    }

    async fn a_pseudonym_goes_with_the_last_who_had_it(world) {
        let ana = world.mediator("Ana Silva").await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await.citizen;
        for number in ["0612345678", "0698765432", ""] {
            ana.notes_the_phone(&one, number).await;
        }
        assert_eq!((world.rows("contacts", "true"), world.rows("phones", "true")), (2, 2), "those of before are known");
        erased(&world, one.as_str()).await;
        assert_eq!((world.rows("contacts", "true"), world.rows("phones", "true")), (0, 0));
    }

    async fn an_organisation_whose_mandates_are_archived_calls_nobody(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        ana.notes_the_phone(&opened.citizen, "0612345678").await;
        world.after(1_000 * 86_400);
        let elsewhere = world.another_organisation().await;
        let bo = world.mediator_of(&elsewhere, "Bo Martin").await;
        bo.signs_in().await;
        let there = bo.opens_a_mandate_for("josephine", &[Logement], Month).await;
        bo.notes_the_phone(&there.citizen, "0612345678").await;
        assert_eq!((world.rows("contacts", "true"), world.rows("phones", "true")), (2, 2));
        world.after(120 * 86_400);
        world.retention(false).await;
        assert_eq!((world.rows("contacts", "true"), world.rows("phones", "true")), (1, 1));
        assert_eq!(world.rows("contacts", &format!("organisation = '{elsewhere}'")), 1, "who still has one that is not archived");
    }

    async fn a_pseudonym_that_nobody_has_is_purged_in_time(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        ana.notes_the_phone(&opened.citizen, "0612345678").await;
        ana.notes_the_phone(&opened.citizen, "0698765432").await;
        assert_eq!(world.rows("phones", "true"), 2);
        world.after(90 * 86_400);
        world.retention(false).await;
        assert_eq!(world.rows("phones", "true"), 2, "until the period is over");
        world.after(1);
        world.retention(false).await;
        assert_eq!(world.rows("phones", "true"), 1, "the other one is in use");
        ana.signs_in().await;
        ana.notes_the_phone(&opened.citizen, "0612345678").await;
        let known = recorded(&world).await;
        assert_ne!(known[0], known[2], "nobody knows it any more");
    }
}
