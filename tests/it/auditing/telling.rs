//! Stories of mandates.

use std::collections::BTreeSet;

use mandataire::domain::event::{Event, Kind};
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;
use mandataire::store::{Error, journal};

use super::{at_work, link, on};
use crate::on_each_backend;
use crate::world::everything::{PEOPLE, PURPOSE};

on_each_backend! {
    async fn a_mandate_is_told_from_the_agreement_to_the_outcome(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
        ana.uses(&service, &one.citizen, Logement).await;
        let outcome = ana.sees("/home").await.form("/uses/").unwrap();
        ana.sends(&outcome.with("outcome", "done")).await;
        ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        ana.revokes(&one.mandate, Some(Justice)).await;
        let auditor = at_work(&world, "Denis Roux").await;
        let page = auditor.sees(&format!("/journal/mandates/{}", one.mandate)).await;
        let told = page.text();
        let places: Vec<_> = ["s’est identifiée", "a donné son accord", "a été ouvert pour", "l’identité lui a été remise", "Suite notée", "a été arrêtée"]
            .map(|part| told.find(part).unwrap_or_else(|| panic!("{part}: {told}"))).to_vec();
        assert!(places.is_sorted(), "in the order of events");
        assert_eq!(told.matches("a donné son accord").count(), 1, "of this draft only");
        for person in PEOPLE.iter().filter(|one| !PURPOSE.contains(**one) && **one != "Denis Roux") {
            assert!(!told.contains(person), "{person}");
        }
        let read = world.entries(Kind::JournalRead).await;
        assert!(read.iter().any(|entry| entry["filter_mandate"] == one.mandate.as_str()));
        assert_eq!(auditor.gets("/journal/mandates/mdt_00000000000000000000000000").await.status, 404);
    }

    /// Whatever was written about the person in the minutes before.
    async fn the_agreement_is_told_after_hundreds_of_other_entries(world) {
        let ana = world.mediator("Ana Silva").await;
        let earlier = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let (citizen, account, now) = (earlier.citizen.clone(), ana.account.clone(), world.now());
        let written = world.app.store.write(move |tx| {
            let read = || Event::new(Kind::CitizenRead, now).by(&account).about(&citizen).fact("part", "page");
            (0..450).try_for_each(|_| journal::record(tx, &read()).map(drop))?;
            Ok::<_, Error>(())
        });
        written.await.unwrap();
        world.after(60);
        let one = ana.opens_a_mandate_for("josephine", &[Justice], Month).await;
        assert_eq!(one.citizen, earlier.citizen);
        let auditor = at_work(&world, "Denis Roux").await;
        let told = auditor.sees(&format!("/journal/mandates/{}", one.mandate)).await.text();
        assert_eq!(told.matches("a donné son accord").count(), 1, "{told}");
    }

    /// However long it is: from part to part, each event once, the last one too.
    async fn a_long_story_is_told_to_its_last_event(world) {
        let ana = world.mediator("Ana Silva").await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        world.after(60);
        let (citizen, mandate, account, now) = (one.citizen.clone(), one.mandate.clone(), ana.account.clone(), world.now());
        let organisation = world.organisation.clone();
        let written = world.app.store.write(move |tx| {
            let read = || Event::new(Kind::MandateRead, now).by(&account).within(&organisation).about(&citizen).under(&mandate).fact("part", "page");
            (0..450).try_for_each(|_| journal::record(tx, &read()).map(drop))?;
            Ok::<_, Error>(())
        });
        written.await.unwrap();
        world.after(60);
        ana.revokes(&one.mandate, None).await;
        let auditor = at_work(&world, "Denis Roux").await;
        let begins = format!("/journal/mandates/{}", one.mandate);
        let (mut address, mut parts, mut told) = (begins.clone(), Vec::new(), BTreeSet::new());
        loop {
            let page = auditor.sees(&address).await;
            let events = on(&page);
            let many = told.len() + events.len();
            told.extend(events);
            assert_eq!(told.len(), many, "nothing twice");
            let text = page.text();
            assert!(
                text.contains(one.citizen.as_str()) && text.contains(world.organisation.as_str()),
                "whose it is: {text}"
            );
            parts.push((text.contains("a donné son accord"), text.contains("a été arrêtée")));
            assert_eq!(page.body.contains(&format!("href=\"{begins}\"")), parts.len() > 1, "back to the beginning");
            match link(&page, "next") {
                Some(next) => address = next,
                None => break,
            }
        }
        assert_eq!(parts, [(true, false), (false, false), (false, true)]);
        let about = world.database.number(&format!("select count(*) from journal_entries where mandate = '{}'", one.mandate));
        let of_draft = told.len() - usize::try_from(about).unwrap();
        assert!((1..10).contains(&of_draft), "{of_draft} before it had an identifier");
    }
}
