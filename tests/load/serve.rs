//! The real service, as an operator starts it: a configuration, secret files, `serve`.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::generate::MASTER_KEY;
use crate::http::{Connection, Outcome};
use crate::measure::Figures;
use crate::{process, settle, stub};

/// How long the service may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it rests before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

/// A process of ours that listens; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where it tells its figures.
    pub(crate) figures: Option<Figures>,
    /// From its start to its first answer.
    pub(crate) ready_ms: f64,
    /// At rest after its first answer.
    pub(crate) idle_mb: f64,
}

impl Server {
    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which the failures of the load have told already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(error: &std::io::Error, what: &str) -> String {
    format!("{what}: {error}")
}

/// Where files of the load are kept between runs.
pub(crate) fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    target.join("load")
}

fn secret(path: &Path, content: &str) -> Outcome<()> {
    // The mode is for a new file only.
    let _ = fs::remove_file(path);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{content}")).map_err(|error| text(&error, "writing a secret"))
}

fn free_address() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| text(&error, "finding a port"))?;
    listener.local_addr().map_err(|error| text(&error, "finding a port"))
}

/// Starts the service on a database, with FranceConnect at `issuer`.
pub(crate) fn service(database: &str, issuer: &str) -> Outcome<Server> {
    let (folder, address, figures) = (folder(), free_address()?, free_address()?);
    let (key, theirs) = (folder.join("master.key"), folder.join("franceconnect.secret"));
    secret(&key, &STANDARD.encode(MASTER_KEY))?;
    secret(&theirs, stub::SECRET)?;
    let (journal, signed) = (folder.join("journal.key"), folder.join("journal.signed"));
    secret(&journal, settle::signer()?.secret().as_str())?;
    // Of another copy of the database.
    let _ = fs::remove_file(&signed);
    let config = folder.join("mandataire.toml");
    let written = format!(
        "public_url = \"http://{address}\"\nlisten = \"{address}\"\ndevelopment = true\ncontact = \"contact@example.fr\"\n\
         [database]\nurl = {database:?}\n[secrets]\nmaster_key_file = '{}'\n\
         [mail]\nmode = \"smtp\"\nfrom = \"mandataire@example.fr\"\nhost = \"127.0.0.1\"\nport = 9\nencryption = \"none\"\n\
         [franceconnect]\nissuer = {issuer:?}\nclient_id = '{}'\nclient_secret_file = '{}'\n\
         [journal]\nkey_file = '{}'\nsigned_file = '{}'\n[monitoring]\nlisten = \"{figures}\"\n",
        key.display(),
        stub::CLIENT,
        theirs.display(),
        journal.display(),
        signed.display(),
    );
    secret(&config, &written)?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
    // A variable of the developer's would be read as a setting.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MANDATAIRE_")) {
        command.env_remove(name);
    }
    command.arg("--config").arg(config).arg("serve");
    let mut server = started(command, address, &folder.join("serve.log"))?;
    server.figures = Some(Figures(figures));
    Ok(server)
}

/// Starts the bare page: this program again.
pub(crate) fn bare() -> Outcome<Server> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe().map_err(|error| text(&error, "finding this program"))?);
    command.arg("--bare-page").arg(address.to_string());
    started(command, address, &folder().join("bare.log"))
}

fn started(mut command: Command, address: SocketAddr, log: &Path) -> Outcome<Server> {
    let log_file = File::create(log).map_err(|error| text(&error, "making a log"))?;
    let errors = log_file.try_clone().map_err(|error| text(&error, "making a log"))?;
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(log_file).stderr(errors).spawn();
    let child = child.map_err(|error| text(&error, "starting the service"))?;
    let mut server = Server { child, address, figures: None, ready_ms: 0.0, idle_mb: 0.0 };
    loop {
        let answered = Connection::open(address).and_then(|mut browser| browser.get("/", ""));
        if answered.is_ok_and(|answer| answer.status == 200) {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("it does not answer; see {}", log.display()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    server.ready_ms = began.elapsed().as_secs_f64() * 1_000.0;
    std::thread::sleep(REST);
    server.idle_mb = process::memory(server.pid());
    Ok(server)
}

/// Serves a page of nothing but bytes, of the size of ours, until it is ended.
pub(crate) fn bare_page(address: &str) -> Outcome<()> {
    use actix_web::{App, HttpResponse, HttpServer, web};
    let answer = || async { HttpResponse::Ok().content_type("text/html; charset=utf-8").body("x".repeat(8_000)) };
    let server = HttpServer::new(move || App::new().route("/", web::get().to(answer))).bind(address);
    let server = server.map_err(|error| text(&error, "listening"))?.run();
    mandataire::app::block_on(server).map_err(|error| text(&error, "serving"))
}
