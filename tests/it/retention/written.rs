//! What auditors and organisations wrote about somebody goes with them, and nothing else does.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::store::journal;

use super::proof::erased;
use crate::auditing::at_work;
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;

/// The text that an entry keeps sealed; nothing once it is gone.
async fn sealed(world: &World, entry: &str) -> Option<String> {
    let id = entry.parse().unwrap();
    let part = world.app.store.read(move |db| journal::sealed_part(db, &id)).await.unwrap();
    part.map(|bytes| String::from_utf8(bytes).unwrap())
}

async fn finds(auditor: &Actor, about: &str) -> (u16, String) {
    let code = auditor.fresh_code().await;
    let form = auditor.sees(&format!("/journal/findings?about={about}")).await.form("/journal/findings").unwrap();
    let page = auditor.sends(&form.with("text", &format!("Joséphine LEMOINE, {about}")).with("code", &code)).await;
    (page.status, page.text())
}

/// Entries of a kind, the first first, with whose key seals them.
fn sealed_by(world: &World, kind: Kind) -> Vec<(String, String)> {
    let of = |column: &str| {
        let code = kind.code();
        world.database.texts(&format!(
            "select {column} as value from journal_entries e join journal_sealed s on s.entry = e.id where e.kind = '{code}' order by e.id"
        ))
    };
    of("e.id").into_iter().zip(of("s.owner")).collect()
}

on_each_backend! {
    async fn findings_and_answers_about_somebody_go_with_them(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let bruno = world.mediator("Bruno Hoarau").await;
        bruno.uses(&service, &opened.citizen, Logement).await;
        assert_eq!(world.signals_of_the_day(0).await, 2);
        let signal = |rule: &str| world.database.texts(&format!("select id as value from signals where rule = '{rule}'")).remove(0);
        let (soon, outside) = (signal("soon_after_opening"), signal("outside_hours"));

        // The one about Bruno is not his to answer; the one about the mandate is anybody's.
        let own = bruno.sees(&format!("/signals/{outside}")).await;
        assert!(own.text().contains("Cette question porte sur vous") && own.form("/signals/").is_none());
        let form = ana.sees(&format!("/signals/{outside}")).await.form("/signals/").unwrap();
        let answer = |form: &mandataire::demo::browser::Form| form.clone().with("answer", "Joséphine LEMOINE était là.");
        assert_eq!(bruno.forges(&answer(&form)).await.status, 403);
        assert_eq!(ana.sends(&answer(&form)).await.status, 200);
        let form = bruno.sees(&format!("/signals/{soon}")).await.form("/signals/").unwrap();
        assert_eq!(bruno.sends(&answer(&form)).await.status, 200);

        let auditor = at_work(&world, "Denis Roux").await;
        let entry = world.database.texts("select id as value from journal_entries where kind = 'use'").remove(0);
        let raised = "select id as value from journal_entries where kind = 'signal_raised' order by id";
        let raised: Vec<_> = world.database.texts(raised);
        let about = [opened.citizen.to_string(), opened.mandate.to_string(), entry, soon];
        for one in about.iter().chain(&raised) {
            let (status, text) = finds(&auditor, one).await;
            assert_eq!(status, 200, "{one}: {text}");
        }
        let organisation = world.organisation.to_string();
        for one in [&organisation, &outside] {
            assert_eq!(finds(&auditor, one).await.0, 200);
        }
        let (status, text) = finds(&auditor, "fnd_01M818EX8Z5A8G1B3X7P9Q2W4F").await;
        assert_eq!(status, 422, "whose key would seal it is not known: {text}");
        let (findings, answers) = (sealed_by(&world, Kind::FindingRecorded), sealed_by(&world, Kind::SignalAnswered));
        let hers = |all: &[(String, String)]| all.iter().filter(|(_, owner)| *owner == opened.citizen.as_str()).count();
        assert_eq!((findings.len(), hers(&findings)), (8, 5), "four, and the entry of the signal about her mandate");
        assert_eq!((answers.len(), hers(&answers)), (2, 1));

        erased(&world, opened.citizen.as_str()).await;
        for (entry, owner) in findings.iter().chain(&answers) {
            let text = sealed(&world, entry).await;
            assert_eq!(text.is_some(), *owner != opened.citizen.as_str(), "{entry} {owner}");
        }
        let page = auditor.sees("/journal/findings").await.text();
        assert_eq!(page.matches("Texte détruit").count(), 5, "{page}");
        let (status, text) = finds(&auditor, opened.mandate.as_str()).await;
        assert_eq!(status, 422, "{text}");
        assert_eq!(sealed_by(&world, Kind::FindingRecorded).len(), 3, "nothing is written about who is gone");
        world.database.execute("update signals set answered_at = null, answered_by = null, answer_entry = null").unwrap();
        assert_eq!(bruno.forges(&answer(&form)).await.status, 409, "nor by the organisation");
    }

    async fn who_is_alone_in_an_organisation_answers_about_themselves(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        ana.uses(&service, &opened.citizen, Logement).await;
        assert_eq!(world.signals_of_the_day(0).await, 1, "on a Sunday");
        let own = ana.sees("/signals").await.link("/signals/sig_").unwrap();
        let form = ana.sees(own.path()).await.form("/signals/").unwrap();
        assert_eq!(ana.sends(&form.with("answer", "Une permanence annoncée.")).await.status, 200);
    }
}
