//! The witness on the network: one thing to ask for, a sign of life, and figures.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Payload};
use actix_web::{App as ActixApp, HttpResponse, HttpServer};
use rustls::ServerConfig;

use super::{Trouble, Witness};
use crate::app::StartError;
use crate::app::tls::Certificate;
use crate::clock::Clock;
use crate::config::WitnessConfig;
use crate::journal::note::{Signer, Verifier};
use crate::journal::witness::Refusal;

/// The longest body read, in bytes: 63 hashes and a checkpoint with many signatures are far from it.
const LONGEST: usize = 64 * 1024;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of one worker.
const CONNECTIONS: usize = 512;

/// `witness serve`: until the process is told to stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn serve(config: &WitnessConfig) -> Result<(), StartError> {
    let signer = Signer::parse(&config.key()?).map_err(|fault| StartError::Witness(format!("key_file: {fault}")))?;
    let logs = config.logs.iter().map(|log| {
        let key = |key: &String| {
            key.parse::<Verifier>().map_err(|fault| StartError::Witness(format!("the key of {}: {fault}", log.origin)))
        };
        Ok::<_, StartError>((log.origin.clone(), log.keys.iter().map(key).collect::<Result<Vec<_>, _>>()?))
    });
    let logs = logs.collect::<Result<Vec<_>, StartError>>()?;
    fs::create_dir_all(&config.folder)
        .map_err(|error| StartError::Witness(format!("{} cannot be made: {error}", config.folder.display())))?;
    let witness = Witness::open(signer, Clock::system(), &config.folder, logs).map_err(StartError::Witness)?;
    let tls = Certificate::of(&config.tls)?.map(Certificate::server_config).transpose()?;
    let listening = |error| StartError::Listen(config.listen.to_string(), error);
    let listener = TcpListener::bind(config.listen).map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    tracing::info!(%address, key = %witness.verifier(), "ready");
    server(Data::new(witness), listener, tls).map_err(listening)?.await.map_err(listening)
}

/// The server over a listening socket.
///
/// # Errors
/// The socket cannot be used.
pub fn server(witness: Data<Witness>, listener: TcpListener, tls: Option<ServerConfig>) -> std::io::Result<Server> {
    let make = move || {
        ActixApp::new()
            .app_data(witness.clone())
            .route("/add-checkpoint", web::post().to(add))
            .route("/livez", web::get().to(alive))
            .route("/metrics", web::get().to(figures))
    };
    let server = HttpServer::new(make)
        .workers(2)
        .max_connections(CONNECTIONS)
        .client_request_timeout(PATIENCE)
        .client_disconnect_timeout(Duration::from_secs(2))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(5);
    let server = match tls {
        Some(tls) => server.tls_handshake_timeout(PATIENCE).listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

async fn alive() -> &'static str {
    "alive\n"
}

async fn figures(witness: Data<Witness>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(witness.figures())
}

async fn add(witness: Data<Witness>, payload: Payload) -> HttpResponse {
    let body = match tokio::time::timeout(PATIENCE, payload.to_bytes_limited(LONGEST)).await {
        Ok(Ok(Ok(body))) => body,
        Ok(Ok(Err(_))) => return plain(StatusCode::BAD_REQUEST, "the body cannot be read\n".to_owned()),
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE, format!("at most {LONGEST} bytes\n")),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body did not come in time\n".to_owned()),
    };
    let Ok(body) = String::from_utf8(body.to_vec()) else {
        return plain(StatusCode::BAD_REQUEST, "the body is not UTF-8\n".to_owned());
    };
    // It waits for the disk: not where requests are read.
    match web::block(move || witness.add(&body)).await {
        Ok(Ok(line)) => plain(StatusCode::OK, line),
        Ok(Err(Trouble::Refused(refusal))) => refused(refusal),
        Ok(Err(Trouble::Disk(error))) => {
            tracing::error!(%error, "a checkpoint was not cosigned: it cannot be remembered");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "it cannot be remembered\n".to_owned())
        }
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "stopped\n".to_owned()),
    }
}

fn refused(refusal: Refusal) -> HttpResponse {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal {
        Refusal::Elsewhere(size) | Refusal::Forked(size) => {
            HttpResponse::build(status).content_type("text/x.tlog.size").body(format!("{size}\n"))
        }
        _ => plain(status, format!("{refusal}\n")),
    }
}

fn plain(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(body)
}
