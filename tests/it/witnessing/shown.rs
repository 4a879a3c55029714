//! What everybody, and an auditor, is shown of who vouches for the journal.

use chrono::TimeDelta;
use mandataire::config::{Config, Witness as Asked};
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::store::journal;

use super::ours::{asks, happens};
use super::{Folder, runs, witness, witness_key};
use crate::on_each_backend;
use crate::retention::erased;
use crate::world::World;
use crate::world::everything::declares_a_purpose;

on_each_backend! {
    /// The newest checkpoint has no signature of a witness yet: who wants one reads the last that has.
    async fn the_last_witnessed_checkpoint_is_published(world) {
        let (disk, folder) = (Folder::new(), Folder::new());
        let (address, _handle) = runs(witness(&folder.0, 1));
        let get = async |world: &World, path: &str| {
            let answer = reqwest::get(world.at(path)).await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        happens(&world, &disk, 3).await;
        assert_eq!(get(&world, "/log/witnessed").await.0, 404, "there are no witnesses");
        let (key, url) = (witness_key(1).verifier().to_string(), address.clone());
        let world = world.served_as(move |config: &mut Config| config.journal.witnesses = vec![Asked { key, url }]).await;
        assert_eq!(get(&world, "/log/witnessed").await.0, 404, "not yet");
        asks(&world, 1, &address).step().await.unwrap();
        let both = get(&world, "/log/checkpoint").await;
        assert_eq!(get(&world, "/log/witnessed").await, both);
        happens(&world, &disk, 3).await;
        assert_ne!(get(&world, "/log/checkpoint").await, both);
        assert_eq!(get(&world, "/log/witnessed").await, both);
    }

    /// Auditors read on every page how far it is witnessed, and who has said nothing for too long; in both languages.
    async fn every_page_of_an_auditor_says_how_far_witnesses_vouch(world) {
        let (disk, folder) = (Folder::new(), Folder::new());
        let (address, _handle) = runs(witness(&folder.0, 1));
        let (key, url) = (witness_key(1).verifier().to_string(), address.clone());
        let world = world
            .served_as(move |config: &mut Config| {
                config.journal.witnesses = vec![Asked { key, url }];
                // Shorter than an auditor may rest.
                config.journal.witness_silence = 5;
            })
            .await;
        let auditor = world.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        happens(&world, &disk, 3).await;
        assert!(auditor.sees("/journal").await.text().contains("Pas encore confirmé\u{a0}: trop peu de témoins l’ont fait."));
        let paris = || (world.now() + TimeDelta::hours(1)).format("%Y-%m-%d %H:%M:%S +01:00").to_string();
        let witnessed = paris();
        asks(&world, 1, &address).step().await.unwrap();
        let text = auditor.sees("/journal/activity").await.text();
        assert!(text.contains(&format!("Confirmé par témoin jusqu’à {witnessed}.")) && !text.contains("rien confirmé"), "{text}");
        world.after(60);
        happens(&world, &disk, 3).await;
        let since = paris();
        world.after(4 * 60);
        let text = auditor.sees("/journal").await.text();
        assert!(text.contains("Confirmé par témoin") && !text.contains("rien confirmé"), "not yet: {text}");
        world.after(2 * 60);
        let page = auditor.sees("/journal").await;
        let text = page.text();
        assert!(text.contains(&format!("Confirmé par témoin jusqu’à {witnessed}.")), "{text}");
        assert!(text.contains(&format!("Le témoin w1.example.org n’a rien confirmé depuis {since}.")), "{text}");
        auditor.browser.submit(&page.form("/language").unwrap().with("language", "en")).await.unwrap();
        let text = auditor.sees("/journal").await.text();
        assert!(text.contains(&format!("Witnessed to {witnessed}.")), "{text}");
        assert!(text.contains(&format!("The witness w1.example.org has confirmed nothing since {since}.")), "{text}");
    }

    /// How far the tree goes, how many wait for it, and how many persons were erased, as the database has it.
    async fn every_page_of_an_auditor_says_how_far_the_tree_goes_and_who_was_erased(world) {
        let disk = Folder::new();
        let auditor = world.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        happens(&world, &disk, 3).await;
        for gone in [0, 1] {
            for path in ["/journal", "/journal?kind=mandate_opened", "/journal/activity"] {
                let number = |sql| world.database.number(sql);
                let last = number("select max(position) from journal_positions");
                let waiting = number("select count(*) from journal_pending");
                assert!(gone == 0 || waiting > 0, "an erasure is written");
                let text = auditor.sees(path).await.text();
                for sentence in [
                    format!("Arbre complet jusqu’à la position {last}."),
                    format!("En attente de position\u{a0}: {waiting}."),
                    format!("Personnes effacées\u{a0}: {gone}."),
                ] {
                    assert!(text.contains(&sentence), "{path}: {sentence}: {text}");
                }
            }
            if gone == 0 {
                erased(&world, opened.citizen.as_str()).await;
            }
        }
        for _ in 0..20 {
            let now = world.now();
            let written = world.app.store.write(move |tx| {
                let one = || Event::new(Kind::TermsAccepted, now).fact("version", "1");
                (0..500).try_for_each(|_| journal::record(tx, &one()).map(drop))
            });
            written.await.unwrap();
        }
        let text = auditor.sees("/journal/activity").await.text();
        assert!(text.contains("En attente de position\u{a0}: 10000 ou plus."), "{text}");
    }
}
