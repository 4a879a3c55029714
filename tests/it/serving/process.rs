//! A folder with a configuration, and the program started in it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where its scene cannot be set"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mandataire::clock::Random;
use mandataire::store::{Location, Store};

use crate::world::database::Database;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A free port of the loopback.
fn free() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap()
}

/// The lines of a listener for the operator.
pub(super) fn monitoring(drain: u64) -> String {
    format!("[monitoring]\nlisten = '{}'\ndrain = {drain}\n", free())
}

/// A certificate for 127.0.0.1, and its key, in PEM.
pub(super) fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A folder of one test, removed afterwards.
pub(super) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

impl Folder {
    /// With its secrets, and no database yet.
    pub(super) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mandataire-serving-{test}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        let random = Random::system();
        folder.write("master.key", &STANDARD.encode(random.bytes::<32>()));
        folder.write("secret", &random.token());
        folder
    }

    /// With its database.
    pub(super) fn migrated(test: &str) -> Self {
        let folder = Self::new(test);
        Store::migrate(&Location::parse(&folder.database()).unwrap()).unwrap();
        folder
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        self.secret(name, text, 0o600)
    }

    /// Writes a file that these may open.
    pub(super) fn secret(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The files of the database, and who may open each.
    pub(super) fn modes(&self) -> Vec<(String, u32)> {
        let files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
        let named = files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap()));
        let ours = named.filter(|(name, _)| name.starts_with("mandataire.db"));
        let mut modes: Vec<_> = ours.map(|(name, found)| (name, found.permissions().mode() & 0o777)).collect();
        modes.sort();
        modes
    }

    /// The address of its database.
    pub(super) fn database(&self) -> String {
        format!("sqlite:{}/mandataire.db", self.0.display())
    }

    /// Runs a statement in its database.
    pub(super) fn execute(&self, sql: &str) {
        Database::at(&self.0.join("mandataire.db")).execute(sql).unwrap();
    }

    /// Writes a certificate and its key; answers the lines of the configuration that name them.
    pub(super) fn tls(&self, certificate: &str, key: &str) -> String {
        let (certificate, key) = (self.write("tls.pem", certificate), self.write("tls.key", key));
        format!("[tls]\ncertificate_file = '{}'\nkey_file = '{}'\n", certificate.display(), key.display())
    }

    /// The program, with a configuration that holds these lines too; those of the top table first.
    pub(super) fn command(&self, extra: &str, arguments: &[&str]) -> Command {
        let (at, listen) = (self.0.display(), free());
        let listen = if extra.starts_with("listen") { String::new() } else { format!("listen = '{listen}'\n") };
        let (top, tables) = if extra.starts_with('[') { ("", extra) } else { (extra, "") };
        let text = format!(
            "public_url = 'https://mandataire.example.fr'\ncontact = 'aide@example.fr'\n{listen}{top}\
             [database]\nurl = '{}'\n[secrets]\nmaster_key_file = '{at}/master.key'\n\
             [mail]\nfrom = 'm@example.fr'\nhost = '127.0.0.1'\nport = 1\nencryption = 'none'\n\
             [franceconnect]\nissuer = 'https://fc.example.fr/api/v2'\nclient_id = 'us'\n\
             client_secret_file = '{at}/secret'\n{tables}",
            self.database()
        );
        let path = self.write("mandataire.toml", &text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
        command.arg("--config").arg(path).args(arguments).stdin(Stdio::null());
        command
    }

    /// Asks the program something, with the configuration that is there.
    pub(super) fn ask(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
        command
            .arg("--config")
            .arg(self.0.join("mandataire.toml"))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Starts the service and waits until it is ready.
    pub(super) fn serve(&self, extra: &str) -> Running {
        let running = self.launch(extra, true);
        running.says("ready");
        running
    }

    /// Starts the service where nobody reads what it writes any more, and waits until it takes connections.
    pub(super) fn serve_unheard(&self, extra: &str) -> Running {
        let (running, until) = (self.launch(extra, false), Instant::now() + PATIENCE);
        while TcpStream::connect(&running.address).is_err() {
            assert!(Instant::now() < until, "it takes no connections");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    fn launch(&self, extra: &str, heard: bool) -> Running {
        let log = self.0.join("log");
        let (mut command, file) = (self.command(extra, &["serve"]), fs::File::create(&log).unwrap());
        let mut child = command.stderr(if heard { file.into() } else { Stdio::piped() }).spawn().unwrap();
        // The read end of the pipe, if there is one, is closed.
        drop(child.stderr.take());
        let text = fs::read_to_string(self.0.join("mandataire.toml")).unwrap();
        let addresses: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("listen = '"))
            .map(|rest| rest.trim_end_matches('\'').to_owned())
            .collect();
        Running { child, log, address: addresses[0].clone(), monitoring: addresses.get(1).cloned() }
    }
}

/// A service that runs. It is killed if the test forgets to stop it.
pub(super) struct Running {
    child: Child,
    log: PathBuf,
    pub(super) address: String,
    pub(super) monitoring: Option<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Running {
    /// Sends a signal, by its name.
    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Everything it wrote.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until it writes a sentence.
    pub(super) fn says(&self, sentence: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.said().contains(sentence) {
            assert!(Instant::now() < until, "{sentence} in {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Waits until it has gone; how long that took.
pub(super) fn spent(mut running: Running) -> (ExitStatus, Duration) {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(status) = running.child.try_wait().unwrap() {
            return (status, since.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it does not stop: {}", running.said());
}

/// The status and the body of a page over plain http.
pub(super) fn fetch(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A form of which a part was sent.
pub(super) struct HalfSent(TcpStream);

impl HalfSent {
    /// The head, and the beginning of the body.
    pub(super) fn to(address: &str, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = "content-type: application/x-www-form-urlencoded\r\ncontent-length: 10\r\nconnection: close";
        write!(stream, "POST {path} HTTP/1.1\r\nhost: {address}\r\n{head}\r\n\r\nemail").unwrap();
        Self(stream)
    }

    /// The rest: the status of the answer, if there is one.
    pub(super) fn goes_on(mut self) -> Option<u16> {
        self.0.write_all(b"=a@b.").ok()?;
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).ok()?;
        answer.split(' ').nth(1)?.parse().ok()
    }
}

/// The status of a page over TLS, if the server shows this certificate.
pub(super) fn fetch_over_tls(running: &Running, path: &str, trusted: &str) -> Option<u16> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let trusted = reqwest::Certificate::from_pem(trusted.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([trusted]).timeout(PATIENCE).build().unwrap();
    let url = format!("https://{}{path}", running.address);
    runtime.block_on(async { client.get(url).send().await.ok().map(|answer| answer.status().as_u16()) })
}
