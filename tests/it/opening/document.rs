//! The document is frozen at opening: nothing renders it again later.

use mandataire::domain::digest::Digest;
use mandataire::domain::event::Kind;
use mandataire::domain::mandate::document::{Document, VERSION};
use mandataire::domain::procedure::Procedure::{Argent, Logement};
use mandataire::domain::term::Term::{Month, Year};
use mandataire::store::mandates;

use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Opened;

async fn document(world: &World, opened: &Opened) -> Document {
    let mandate = world.mandate(&world.organisation, &opened.mandate).await;
    world.app.store.read(move |db| mandates::document(db, &mandate)).await.unwrap()
}

on_each_backend! {
    /// Its digest is in the journal, and it is the digest of the bytes.
    async fn the_document_says_who_what_and_until_when_and_its_digest_is_in_the_journal(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement, Argent], Month).await;
        let (frozen, mandate) = (document(&world, &opened).await, world.mandate(&world.organisation, &opened.mandate).await);
        // Paris, in winter: one hour more than UTC.
        let end = (mandate.expires_at + chrono::TimeDelta::hours(1)).format("Fin le : 23 décembre 2026 à %H:%M:%S (UTC+01:00), sauf").to_string();
        for part in [
            "Je suis Joséphine Marie LEMOINE (DUBOIS).", "Maison France services de Houdan, SIRET 73282932000074",
            "- Logement\n", "- Argent, impôts, consommation", "31 jours", "Ana Silva", opened.mandate.as_str(), VERSION,
            "Date de naissance : 14 mars 1956.", &end,
        ] {
            assert!(frozen.text.contains(part), "{part:?} in {}", frozen.text);
        }
        let digest = Digest::of(frozen.text.as_bytes());
        assert_eq!((digest, digest), (frozen.digest, mandate.document));
        let entry = world.entries(Kind::MandateOpened).await.remove(0);
        assert_eq!(world.sealed(&entry).await["document_sha256"], digest.to_string());
        assert_eq!(entry["document_version"], VERSION);
        let page = ana.sees(&format!("/mandates/{}/document", opened.mandate)).await;
        assert!(page.text().contains(&digest.to_string()));
        let read = world.entries(Kind::MandateRead).await;
        assert!(read.iter().any(|entry| entry["part"] == "document" && entry["mandate"] == opened.mandate.as_str()));
    }

    /// Another name of the organisation, of the mediator, of the citizen: the document of that day stays.
    async fn the_document_does_not_follow_later_changes(world) {
        let (world, fc) = world.with_franceconnect().await;
        let ana = world.mediator("Ana Silva").await;
        let page = ana.identifies(&fc, &[Logement], Year).await;
        let recap = ana.citizen_answers(&page, "agree", true).await;
        let page = ana.sends(&ana.fills_in(&recap).await).await;
        let link = page.link("/citizens/cit_").unwrap();
        let opened = Opened {
            mandate: page.url.path().trim_start_matches("/mandates/").parse().unwrap(),
            citizen: link.path().trim_start_matches("/citizens/").parse().unwrap(),
        };
        let frozen = document(&world, &opened).await;
        world.renames(&world.organisation, "Maison renommée");
        fc.citizen(crate::world::stub::claims(&serde_json::json!({"family_name": "AUTRE", "preferred_username": null})));
        let page = ana.identifies(&fc, &[Argent], Month).await;
        let recap = ana.citizen_answers(&page, "agree", true).await;
        ana.sends(&ana.fills_in(&recap).await).await;
        assert_eq!(document(&world, &opened).await, frozen);
        let page = ana.sees(&format!("/mandates/{}/document", opened.mandate)).await;
        assert!(page.text().contains("Angela Claire Louise DUBOIS (MARTIN)"), "{}", page.text());
        assert!(page.text().contains("Maison France services de Houdan"));
        assert!(!page.text().contains("AUTRE") && !page.text().contains("Maison renommée"));
    }

    /// A document changed in the database is not shown as if nothing had happened.
    async fn a_document_changed_in_the_database_is_not_shown(world) {
        let ana = world.mediator("Ana Silva").await;
        let first = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let second = ana.opens_a_mandate_for("josephine", &[Argent], Month).await;
        // The sealed text of one mandate in the place of another's, of the same person.
        let sql = format!(
            "update documents set text = (select text from documents where mandate = '{}') where mandate = '{}'",
            first.mandate, second.mandate,
        );
        world.database.execute(&sql).unwrap();
        // The digest of one in the place of another's: the text is the mandate's own, and not the one it was opened with.
        let sql = format!(
            "update mandates set document = (select document from mandates where id = '{}') where id = '{}'",
            second.mandate, first.mandate,
        );
        world.database.execute(&sql).unwrap();
        for mandate in [first.mandate, second.mandate] {
            let page = ana.gets(&format!("/mandates/{mandate}/document")).await;
            assert_eq!(page.status, 500);
            assert!(!page.text().contains("LEMOINE"));
        }
    }
}
