//! A real `serve`: started from a configuration file, killed without a word, started again.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mandataire::clock::Random;

use crate::clerk;
use crate::office::MASTER_KEY;

/// After this, a start has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Lines of the log that a failure shows.
const SHOWN: usize = 40;
/// Where a node that signs the journal remembers what it signed, in its folder.
const SIGNED: &str = "journal.signed";

/// A running service.
pub(crate) struct Serve {
    /// Its address.
    pub(crate) base: String,
    /// Where the operator asks.
    monitoring: String,
    folder: PathBuf,
    child: Child,
}

impl Serve {
    /// Starts it on a database that is migrated, and waits until it answers.
    pub(crate) async fn start(database: &str) -> Self {
        Self::configured(database, "", None).await
    }

    /// The same, and it signs the journal: each node has the same key, and a memory of its own.
    pub(crate) async fn signing(database: &str, key: &str) -> Self {
        Self::configured(database, "", Some(key)).await
    }

    /// The same, with another login for what is signed.
    pub(crate) async fn signing_as(database: &str, sequencer: &str, key: &str) -> Self {
        Self::configured(database, sequencer, Some(key)).await
    }

    /// What it says when it does not start.
    pub(crate) fn refuses(database: &str, sequencer: &str, key: &str) -> String {
        let (mut serve, began) = (Self::launched(database, sequencer, Some(key)), Instant::now());
        loop {
            if let Some(status) = serve.child.try_wait().unwrap() {
                assert!(!status.success());
                return serve.told();
            }
            assert!(began.elapsed() < PATIENCE, "it starts");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    async fn configured(database: &str, sequencer: &str, key: Option<&str>) -> Self {
        let mut serve = Self::launched(database, sequencer, key);
        serve.is_ready().await;
        serve
    }

    fn launched(database: &str, sequencer: &str, key: Option<&str>) -> Self {
        let name = format!("serve_{:032x}", Random::system().u128());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let port = free_port();
        let private = std::iter::repeat_with(free_port).find(|other| *other != port).expect("another port");
        configure(&folder, port, private, [database, sequencer]);
        if let Some(key) = key {
            signs(&folder, key);
        }
        let [base, monitoring] = [port, private].map(|port| format!("http://127.0.0.1:{port}"));
        Self { base, monitoring, child: launch(&folder), folder }
    }

    /// Its log so far.
    pub(crate) fn told(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// SIGKILL: the process has no say in it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process is gone");
    }

    /// Starts it again; how long until it answered.
    pub(crate) async fn again(&mut self) -> Duration {
        let began = Instant::now();
        self.child = launch(&self.folder);
        self.is_ready().await;
        began.elapsed()
    }

    /// Waits until it answers.
    async fn is_ready(&mut self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let page = clerk::browser().get(format!("{}/sign-in", self.base)).send().await;
            if page.is_ok_and(|page| page.status().as_u16() == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("serve stopped by itself: {status}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("serve does not answer after {PATIENCE:?}");
    }

    /// What the operator is told: the status, and why.
    pub(crate) async fn readiness(&self) -> (u16, String) {
        let answer = clerk::browser().get(format!("{}/readyz", self.monitoring)).send().await.expect("it is answered");
        (answer.status().as_u16(), answer.text().await.expect("a reason"))
    }

    /// Waits until the operator is told that it is ready.
    pub(crate) async fn is_ready_again(&self, patience: Duration) {
        let began = Instant::now();
        loop {
            let told = self.readiness().await;
            if told.0 == 200 {
                return;
            }
            assert!(began.elapsed() < patience, "{told:?} after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What this node remembers of what it signed.
    pub(crate) fn signed(&self) -> PathBuf {
        self.folder.join(SIGNED)
    }

    /// Whether the process still runs: nothing restarted it.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = self.told();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the end of the log of serve:\n{}", lines[lines.len().saturating_sub(SHOWN)..].join("\n"));
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A port below those that outgoing connections take: while the service is down, nobody takes it by chance.
fn free_port() -> u16 {
    let candidates = std::iter::repeat_with(|| 10_000 + u16::from_le_bytes(Random::system().bytes()) % 10_000);
    let mut free = candidates.take(100).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a free port among a hundred")
}

fn configure(folder: &Path, port: u16, private: u16, [database, sequencer]: [&str; 2]) {
    secret(&folder.join("master.key"), &STANDARD.encode(MASTER_KEY));
    secret(&folder.join("franceconnect.secret"), "a-secret-of-forty-three-characters-0123456789");
    let key = |name: &str| folder.join(name).display().to_string();
    // Port 9 of this machine discards: no mail is written here.
    let text = format!(
        "public_url = \"http://127.0.0.1:{port}\"\nlisten = \"127.0.0.1:{port}\"\ndevelopment = true\n\
         contact = \"aide@example.fr\"\n\
         [database]\nurl = \"{database}\"\nsequencer_url = \"{sequencer}\"\n\
         [secrets]\nmaster_key_file = \"{}\"\n\
         [mail]\nfrom = \"Mandataire <ne-pas-repondre@example.fr>\"\nhost = \"127.0.0.1\"\nport = 9\nencryption = \"none\"\n\
         [franceconnect]\nissuer = \"http://127.0.0.1:9\"\nclient_id = \"mandataire\"\nclient_secret_file = \"{}\"\n\
         [monitoring]\nlisten = \"127.0.0.1:{private}\"\n\
         [log]\nlevel = \"warn\"\n",
        key("master.key"),
        key("franceconnect.secret")
    );
    secret(&folder.join("mandataire.toml"), &text);
}

/// Adds the key of the journal to the configuration.
fn signs(folder: &Path, key: &str) {
    secret(&folder.join("journal.key"), key);
    let [key, signed] = ["journal.key", SIGNED].map(|name| folder.join(name).display().to_string());
    let mut file = OpenOptions::new().append(true).open(folder.join("mandataire.toml")).unwrap();
    writeln!(file, "[journal]\nkey_file = \"{key}\"\nsigned_file = \"{signed}\"").unwrap();
}

fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn launch(folder: &Path) -> Child {
    let log: File = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_mandataire"))
        .arg("--config")
        .arg(folder.join("mandataire.toml"))
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .expect("serve starts")
}
