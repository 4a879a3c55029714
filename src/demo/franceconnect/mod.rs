//! A pretend FranceConnect on a loopback port, with the habits of the real one that break services: unknown parameters
//! refused, a session of 30 minutes that `prompt=login` does not end, codes of 30 seconds, tokens of 60.
//!
//! It has two faces. To its services it is an OpenID Connect provider (`authorize`, `token`, `logout`). When a person
//! chooses Mandataire on its list, it is itself a client of Mandataire (`client`, with the checks of `checks`), and
//! hands the identity on. `interaction` is what happens between the two, on its own pages.

mod authorize;
mod checks;
pub mod citizens;
mod client;
mod discovery;
pub mod identity;
mod interaction;
mod logout;
mod memory;
mod pages;
mod token;

use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::dev::Server;
use actix_web::web::{self, Data};
use actix_web::{App, HttpServer};

use crate::clock::{Clock, Random};
use crate::demo::jws::{SigningKey, hex};
use crate::demo::site;
use crate::domain::Instant;
use memory::Memory;

/// Where everything lives below the origin.
const BASE: &str = "/api/v2";

/// A service that identifies people with FranceConnect.
#[derive(Clone)]
pub struct Service {
    /// What people read.
    pub name: String,
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// The one address of return after sign-in.
    pub redirect_uri: String,
    /// The one address of return after logout.
    pub logout_uri: String,
    /// The procedures it accepts from mandates, in FranceConnect's words; none stands for any.
    pub rep_scope: Vec<String>,
}

/// What FranceConnect is as a client of Mandataire.
#[derive(Clone)]
pub struct Credentials {
    /// `client_id`.
    pub id: String,
    /// `client_secret`: also the key of the ID tokens, by HS256.
    pub secret: String,
}

/// Everything the pretend FranceConnect is told at its start.
#[derive(Clone)]
pub struct Settings {
    /// Its own origin, without a slash at the end.
    pub origin: String,
    /// The issuer of Mandataire: its public address.
    pub mandataire: String,
    /// Mandataire, as a service that identifies citizens at the counter.
    pub our_client: Service,
    /// FranceConnect, as a client of Mandataire.
    pub identity_provider_client: Credentials,
    /// The pretend public service: the only one to which Mandataire is offered.
    pub service_client: Service,
    /// Where its present comes from.
    pub clock: Clock,
    /// Where its secrets come from.
    pub random: Random,
}

/// The issuer for an origin.
#[must_use]
pub fn issuer(origin: &str) -> String {
    format!("{origin}{BASE}")
}

/// Where Mandataire sends people back after a sign-in: to be registered there as `redirect_uri`.
#[must_use]
pub fn callback_uri(origin: &str) -> String {
    format!("{origin}{BASE}/oidc-callback")
}

/// Where Mandataire sends people back after a logout: to be registered there as `post_logout_redirect_uri`.
#[must_use]
pub fn logout_callback_uri(origin: &str) -> String {
    format!("{origin}{BASE}/client/logout-callback")
}

/// Serves on a listener that is already bound.
///
/// # Errors
/// If no key or no HTTP client can be made, or the listener cannot be used.
pub fn serve(listener: TcpListener, settings: Settings) -> std::io::Result<Server> {
    listener.set_nonblocking(true)?;
    let bridge = Data::new(Bridge {
        key: SigningKey::generate().map_err(std::io::Error::other)?,
        http: site::http_client()?,
        memory: Mutex::default(),
        settings,
    });
    let server = HttpServer::new(move || App::new().app_data(bridge.clone()).configure(routes))
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(interaction::home))
        .route("/site.css", web::get().to(site::style))
        .route("/demonstration/replay", web::post().to(client::replay))
        .service(
            web::scope(BASE)
                .route("/.well-known/openid-configuration", web::get().to(discovery::configuration))
                .route("/jwks", web::get().to(discovery::jwks))
                .route("/authorize", web::get().to(authorize::by_get))
                .route("/authorize", web::post().to(authorize::by_post))
                .route("/interaction/{uid}", web::get().to(interaction::show))
                .route("/interaction/{uid}/citizens", web::post().to(interaction::choose))
                .route("/interaction/{uid}/mandataire", web::post().to(client::start))
                .route("/interaction/{uid}/consent", web::post().to(interaction::consent))
                .route("/interaction/{uid}/cancellation", web::post().to(interaction::cancel))
                .route("/oidc-callback", web::get().to(client::callback))
                .route("/client/logout-callback", web::get().to(logout::callback))
                .route("/token", web::post().to(token::exchange))
                .route("/token/revocation", web::post().to(token::revoke))
                .route("/userinfo", web::get().to(token::userinfo))
                .route("/userinfo", web::post().to(token::userinfo))
                .route("/session/end", web::get().to(logout::end)),
        );
}

/// The whole of the pretend FranceConnect.
struct Bridge {
    settings: Settings,
    key: SigningKey,
    http: reqwest::Client,
    memory: Mutex<Memory>,
}

impl Bridge {
    fn now(&self) -> Instant {
        self.settings.clock.now()
    }

    fn issuer(&self) -> String {
        issuer(&self.settings.origin)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 64 hexadecimal digits, the form of FranceConnect's `state` and `nonce`.
    fn hexadecimal_secret(&self) -> String {
        hex(&self.settings.random.bytes::<32>())
    }
}

impl Settings {
    fn service(&self, id: &str) -> Option<&Service> {
        [&self.our_client, &self.service_client].into_iter().find(|service| service.id == id)
    }
}

#[cfg(test)]
mod tests;
