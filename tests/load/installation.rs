//! The service as an operator installs it: a folder with a configuration and secret files, `serve` on 127.0.0.1.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mandataire::journal::note::Signer;

use crate::http::Outcome;

/// What it is made of.
pub(crate) struct Installation<'a> {
    /// Where its files are.
    pub(crate) folder: &'a Path,
    /// The address of its database.
    pub(crate) database: &'a str,
    pub(crate) master_key: &'a [u8],
    /// FranceConnect's address, what we are called there, and our secret.
    pub(crate) franceconnect: [&'a str; 3],
    /// The key of the journal.
    pub(crate) signer: &'a Signer,
    /// The checkpoint that the machine remembers: the last one of the database.
    pub(crate) signed: Option<&'a str>,
    /// Where it tells its figures, if it does.
    pub(crate) figures: Option<SocketAddr>,
}

impl Installation<'_> {
    /// Writes its files; answers what starts it at an address.
    pub(crate) fn command(&self, address: SocketAddr) -> Outcome<Command> {
        let Self { folder, database, franceconnect: [issuer, client, theirs], .. } = self;
        secret(&folder.join("master.key"), &STANDARD.encode(self.master_key))?;
        secret(&folder.join("franceconnect.secret"), theirs)?;
        secret(&folder.join("journal.key"), self.signer.secret().as_str())?;
        remembers(&folder.join("journal.signed"), self.signed)?;
        let figures = self.figures.map(|at| format!("[monitoring]\nlisten = \"{at}\"\n")).unwrap_or_default();
        let at = folder.display();
        let written = format!(
            "public_url = \"http://{address}\"\nlisten = \"{address}\"\ndevelopment = true\ncontact = \"contact@example.fr\"\n\
             [database]\nurl = {database:?}\n[secrets]\nmaster_key_file = '{at}/master.key'\n\
             [journal]\nkey_file = '{at}/journal.key'\nsigned_file = '{at}/journal.signed'\n\
             [mail]\nmode = \"smtp\"\nfrom = \"mandataire@example.fr\"\nhost = \"127.0.0.1\"\nport = 9\nencryption = \"none\"\n\
             [franceconnect]\nissuer = {issuer:?}\nclient_id = '{client}'\nclient_secret_file = '{at}/franceconnect.secret'\n{figures}"
        );
        let config = folder.join("mandataire.toml");
        secret(&config, &written)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
        // A variable of the developer's would be read as a setting.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MANDATAIRE_")) {
            command.env_remove(name);
        }
        command.arg("--config").arg(config).arg("serve");
        Ok(command)
    }
}

/// Makes a machine remember this checkpoint, or none, whatever was signed of another copy of the database.
pub(crate) fn remembers(file: &Path, note: Option<&str>) -> Outcome<()> {
    let _ = fs::remove_file(file);
    note.map_or(Ok(()), |note| fs::write(file, note)).map_err(|error| text(&error, "writing a checkpoint"))
}

/// What went wrong, and at what.
pub(crate) fn text(error: &io::Error, what: &str) -> String {
    format!("{what}: {error}")
}

fn secret(path: &Path, content: &str) -> Outcome<()> {
    // The mode is for a new file only.
    let _ = fs::remove_file(path);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{content}")).map_err(|error| text(&error, "writing a secret"))
}

/// An address where nobody listens.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| text(&error, "finding a port"))?;
    listener.local_addr().map_err(|error| text(&error, "finding a port"))
}

/// Starts a process that writes into a log.
pub(crate) fn spawn(mut command: Command, log: &Path) -> Outcome<Child> {
    let log = File::create(log).map_err(|error| text(&error, "making a log"))?;
    let errors = log.try_clone().map_err(|error| text(&error, "making a log"))?;
    let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
    child.map_err(|error| text(&error, "starting the service"))
}
