//! The real service and the bare page, started and ended.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use mandataire::store::Location;

use crate::generate::MASTER_KEY;
use crate::http::{Connection, Outcome};
use crate::installation::{Installation, free_address, spawn, text};
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

/// Where files of the load are kept between runs.
pub(crate) fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    target.join("load")
}

/// Starts the service on a database, with FranceConnect at `issuer`.
pub(crate) fn service(database: &str, issuer: &str) -> Outcome<Server> {
    let (folder, address, figures) = (folder(), free_address()?, free_address()?);
    let signed = settle::last(&Location::parse(database).map_err(|error| error.to_string())?)?;
    let installation = Installation {
        folder: &folder,
        database,
        master_key: MASTER_KEY.as_slice(),
        franceconnect: [issuer, stub::CLIENT, stub::SECRET],
        signer: &settle::signer()?,
        signed: signed.as_deref(),
        figures: Some(figures),
    };
    let mut server = started(installation.command(address)?, address, &folder.join("serve.log"))?;
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

fn started(command: Command, address: SocketAddr, log: &Path) -> Outcome<Server> {
    let began = Instant::now();
    let child = spawn(command, log)?;
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
