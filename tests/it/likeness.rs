//! Accrediting under a name that is easily taken for another: the command says so, on the database of the story.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mandataire::clock::Random;
use mandataire::domain::event::Kind;
use serde_json::Value;

use crate::on_each_backend;
use crate::world::{MASTER_KEY, World};

/// The command line beside a story, on its database.
struct Desk(PathBuf);

impl Drop for Desk {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

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

impl Desk {
    fn of(world: &World) -> io::Result<Self> {
        let desk = Self(std::env::temp_dir().join(format!("mandataire-desk-{:032x}", Random::system().u128())));
        fs::create_dir(&desk.0)?;
        desk.write("master.key", &STANDARD.encode(MASTER_KEY))?;
        desk.write("secret", &Random::system().token())?;
        let at = desk.0.display();
        let text = format!(
            "public_url = 'https://mandataire.example.fr'\ncontact = 'aide@example.fr'\n[database]\nurl = '{}'\n\
             [secrets]\nmaster_key_file = '{at}/master.key'\n[mail]\nfrom = 'm@example.fr'\nhost = '127.0.0.1'\nport = 1\n\
             encryption = 'none'\n[franceconnect]\nissuer = 'https://fc.example.fr/api/v2'\nclient_id = 'us'\n\
             client_secret_file = '{at}/secret'\n",
            world.database.url
        );
        desk.write("mandataire.toml", &text)?;
        Ok(desk)
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.0.join(name);
        fs::write(&path, text)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(())
    }

    fn asks(&self, words: &[&str]) -> Told {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
        let command =
            command.arg("--config").arg(self.0.join("mandataire.toml")).arg("admin").args(words).arg("--json");
        let output = command.stdin(Stdio::null()).output().unwrap();
        let warnings = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words:?}: {warnings}");
        Told { answer: serde_json::from_slice(&output.stdout).unwrap(), warnings }
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
        let desk = Desk::of(&world).unwrap();
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
        let desk = Desk::of(&world).unwrap();
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
