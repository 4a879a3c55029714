//! The command line beside a story: the program itself, on the database of the story.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mandataire::clock::Random;

use super::{MASTER_KEY, World};

/// A folder with a configuration, removed afterwards.
pub(crate) struct Desk(PathBuf);

impl Drop for Desk {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) answer: String,
    pub(crate) complaints: String,
}

impl Desk {
    /// With these lines too in its configuration.
    pub(crate) fn of(world: &World, more: &str) -> Self {
        Self::at(&world.database.url, more)
    }

    /// On this database.
    pub(crate) fn at(url: &str, more: &str) -> Self {
        let desk = Self(std::env::temp_dir().join(format!("mandataire-desk-{:032x}", Random::system().u128())));
        fs::create_dir(&desk.0).unwrap();
        desk.write("master.key", &STANDARD.encode(MASTER_KEY));
        desk.write("secret", &Random::system().token());
        let at = desk.0.display();
        let text = format!(
            "public_url = 'https://mandataire.example.fr'\ncontact = 'aide@example.fr'\n[database]\nurl = '{url}'\n\
             [secrets]\nmaster_key_file = '{at}/master.key'\n[mail]\nfrom = 'm@example.fr'\nhost = '127.0.0.1'\nport = 1\n\
             encryption = 'none'\n[franceconnect]\nissuer = 'https://fc.example.fr/api/v2'\nclient_id = 'us'\n\
             client_secret_file = '{at}/secret'\n{}",
            more.replace("{at}", &at.to_string())
        );
        desk.write("mandataire.toml", &text);
        desk
    }

    /// Writes a file that nobody else may read; answers its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.path(name)
    }

    /// Where a file of this name is.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Runs the program.
    pub(crate) fn runs(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
        command.arg("--config").arg(self.0.join("mandataire.toml")).args(words).stdin(Stdio::null());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), answer: text(output.stdout), complaints: text(output.stderr) }
    }
}
