//! `serve`: the server an operator runs.

use std::net::TcpListener;
use std::time::Duration;

use super::tls::Certificate;
use super::{
    Secrets, StartError, assemble, monitoring, open_store, retention, rights, serving, signals, start_background,
};
use crate::clock::{Clock, Random};
use crate::config::{Config, MailMode, Problem};
use crate::store::Location;

/// `serve`: until the process is told to stop.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn serve(config: &Config) -> Result<(), StartError> {
    if config.mail.mode == MailMode::Page {
        let (key, found) = ("mail.mode".to_owned(), "is page, which only the demonstration has".to_owned());
        return Err(Problem { key, found, write: "smtp, and the server in mail.host".to_owned() }.into());
    }
    for sentence in consequences(config) {
        tracing::warn!("{sentence}");
    }
    let secrets = Secrets::read(config)?;
    let certificate = Certificate::of(&config.tls)?;
    let figures = monitoring::count().map_err(StartError::Figures)?;
    let random = Random::system();
    let store = open_store(config, config.database.pool, &secrets.master_key, random.clone())?;
    let app = assemble(config, secrets.providers, store, Clock::system(), random).await?;
    rights::check(config, &app.store, &app.signs).await?;
    start_background(&app, config)?;
    let location = Location::parse(config.database.url())?;
    let (store, clock, random) = (app.store.clone(), app.clock.clone(), app.random.clone());
    let (periods, looks) = (config.retention.clone(), retention::LOOK_EVERY);
    actix_web::rt::spawn(retention::nightly(store, clock, random, periods, location, looks));
    let listening = |error| StartError::Listen(config.listen.to_string(), error);
    let listener = TcpListener::bind(config.listen).map_err(listening)?;
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let tls = certificate.clone().map(Certificate::server_config).transpose()?;
    let server = serving(app.clone(), listener, workers, crate::web::routes::all, tls, false).map_err(listening)?;
    let drain = Duration::from_secs(config.monitoring.drain);
    signals::stop_on_request(app.clone(), server.handle(), drain).map_err(StartError::Signals)?;
    signals::reload_on_request(certificate, config.tls.clone()).map_err(StartError::Signals)?;
    if let Some(address) = config.monitoring.listen {
        let listening = |error| StartError::Listen(address.to_string(), error);
        let listener = TcpListener::bind(address).map_err(listening)?;
        actix_web::rt::spawn(monitoring::server(app, listener, figures).map_err(listening)?);
    }
    tracing::info!(address = %config.listen, public_url = %config.public_url, "ready");
    server.await.map_err(listening)?;
    tracing::info!("stopped");
    Ok(())
}

/// What follows from settings that are allowed, and that an operator may have left by mistake.
fn consequences(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    if config.development && config.public_url.starts_with("https:") {
        found.push(
            "development is true with an https public_url: whoever reaches listen on this machine is answered in plain http, past the \
             proxy; write false where people work"
                .to_owned(),
        );
    }
    if config.journal.key_file.is_none() {
        found.push(
            "journal.key_file is not set: the journal is written and not signed, and whoever owns the database can change it unseen; \
             run `mandataire admin journal key`"
                .to_owned(),
        );
    }
    if let Some(address) = config.monitoring.listen.filter(|address| address.ip().is_unspecified()) {
        found.push(format!(
            "monitoring.listen is {address}: every machine on any network of this one reads the figures without a password; write one \
             address, or keep the port behind a firewall"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_left_by_mistake_are_said_with_what_follows() {
        let mut config =
            Config { public_url: "http://127.0.0.1:8080".to_owned(), development: true, ..Config::default() };
        assert!(matches!(consequences(&config).as_slice(), [one] if one.contains("journal.key_file")));
        config.journal.key_file = Some("journal.key".into());
        config.monitoring.listen = Some("127.0.0.1:9090".parse().unwrap());
        assert!(consequences(&config).is_empty());
        config.public_url = "https://mandataire.example.fr".to_owned();
        assert!(matches!(consequences(&config).as_slice(), [one] if one.contains("in plain http")));
        config.development = false;
        assert!(consequences(&config).is_empty());
        for every in ["0.0.0.0:9090", "[::]:9090"] {
            config.monitoring.listen = Some(every.parse().unwrap());
            assert!(matches!(consequences(&config).as_slice(), [one] if one.contains(every)), "{every}");
        }
    }
}
