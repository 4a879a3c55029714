//! Accrediting under a name that is easily taken for another: the command says so, on the database of the story.

use mandataire::domain::event::Kind;
use serde_json::Value;

use crate::on_each_backend;
use crate::world::World;
use crate::world::desk::Desk;

/// What a command answered.
struct Told {
    answer: Value,
    warnings: String,
}

impl Told {
    /// The names that it warns of.
    fn resembles(&self) -> Vec<&str> {
        let named = self.answer["resembles"].as_array().map(Vec::as_slice).unwrap_or_default();
        named.iter().map(|one| one["name"].as_str().unwrap()).collect()
    }
}

/// Whoever accredits.
struct Clerk(Desk);

impl Clerk {
    fn asks(&self, words: &[&str]) -> Told {
        let said = self.0.runs(&[&["admin"], words, &["--json"]].concat());
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.complaints);
        Told { answer: serde_json::from_str(&said.answer).unwrap(), warnings: said.complaints }
    }

    fn accredits(&self, name: &str, siret: &str) -> Told {
        self.asks(&["organisation", "create", name, "--siret", siret])
    }

    fn admits(&self, world: &World, name: &str, email: &str) -> Told {
        self.asks(&[
            "mediator",
            "create",
            "--organisation",
            world.organisation.as_str(),
            "--name",
            name,
            "--email",
            email,
        ])
    }
}

on_each_backend! {
    async fn j09_a_name_that_looks_like_another_is_said_when_it_is_accredited(world) {
        let desk = Clerk(Desk::of(&world, ""));
        let before = world.count(Kind::OrganisationCreated).await;
        let ours = "Maison France services de Houdan";
        // A Cyrillic letter, which is not seen.
        let twin = desk.accredits("Maison France services de Houd\u{430}n", "40483304800022");
        assert_eq!(twin.resembles(), [ours]);
        assert!(twin.warnings.contains(world.organisation.as_str()) && twin.warnings.contains("several scripts"), "{}", twin.warnings);
        // Another one still: both are said. It is a warning: who accredits decides.
        let capitals = desk.accredits("MAISON FRANCE SERVICES DE HOUDAN", "21930066500011");
        assert_eq!((capitals.resembles().len(), capitals.answer["id"].as_str().is_some()), (2, true));
        let other = desk.accredits("Mairie de Saint-Benoît", "73282932000082");
        assert_eq!((other.resembles(), other.warnings.as_str()), (Vec::new(), ""));
        assert_eq!(world.count(Kind::OrganisationCreated).await, before + 3);
    }

    async fn j09_a_mediator_who_looks_like_another_of_the_organisation_is_said(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let elsewhere = world.another_organisation().await;
        world.mediator_of(&elsewhere, "Bruno Hoarau").await;
        let desk = Clerk(Desk::of(&world, ""));
        let twin = desk.admits(&world, "An\u{430} Silva", "ana.silva@example.fr");
        assert_eq!(twin.resembles(), ["Ana Silva"]);
        assert!(twin.warnings.contains(ana.account.as_str()), "{}", twin.warnings);
        let namesake = desk.admits(&world, "Bruno Hoarau", "bruno@example.fr");
        assert_eq!((namesake.resembles(), namesake.warnings.as_str()), (Vec::new(), ""), "of another organisation");
        // A further role of the same address is not another person.
        let again = desk.admits(&world, "Ana Silva", &ana.email);
        assert_eq!(again.resembles(), ["An\u{430} Silva"]);
    }
}
