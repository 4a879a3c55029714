//! The application: from a configuration to a running server.

mod auditing;
pub mod cosigning;
pub mod demo;
mod durable;
pub mod evidence;
pub mod monitoring;
mod providers;
pub mod retention;
pub mod rights;
pub mod sequencer;
mod serve;
mod signals;
pub mod timestamping;
pub mod tls;
pub mod upkeep;
pub mod verifying;
pub mod witness;

pub use auditing::{letter, thresholds};
pub use providers::Credentials;
pub use serve::serve;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App as ActixApp, HttpServer};
use rustls::ServerConfig;
use tokio::sync::Notify;
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};
use zeroize::Zeroizing;

use crate::clock::{Clock, Random};
use crate::config::{Config, MailMode, Problem};
use crate::domain::client::SigningAlgorithm;
use crate::domain::signing_key::Ages;
use crate::messaging::mail::{self, Sender};
use crate::messaging::outbox;
use crate::oidc::keys::{self, KeyRing};
use crate::oidc::provider::Provider;
use crate::oidc::relying_party;
use crate::store::{self, Location, Schema, Store};
use crate::web::frame;
use crate::web::public::handler::nowhere;
use crate::web::refusals::Budget;
use crate::web::routes::Routes;
use crate::web::state::{App, Settings, slow_limiter, source_limiter};

/// How long requests under way have when the server stops, in seconds. A database that says nothing is given up after fifteen
/// (`store::SILENCE`): whoever waits for it is answered all the same.
const LAST_ANSWERS: u64 = 20;

/// Why the service does not start: each one is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error("{0}")]
    Configuration(Problem),
    /// The schema is not this program's.
    #[error("the database was not migrated to this version of the program: run `mandataire migrate`")]
    Behind,
    /// A newer program migrated the database.
    #[error("the database was migrated by a newer version of the program: run that one")]
    Ahead,
    /// The database.
    #[error("{0}; check database.url and that the database is running")]
    Store(#[from] store::Error),
    /// The signing keys.
    #[error("the signing keys cannot be used: {0}")]
    Keys(#[from] keys::Fault),
    /// The settings of a provider.
    #[error("{0}")]
    RelyingParty(#[from] relying_party::Fault),
    /// Mail.
    #[error("{0}")]
    Mail(#[from] mail::Fault),
    /// TLS.
    #[error("{0}")]
    Tls(#[from] tls::Fault),
    /// The figures.
    #[error("the figures cannot be counted: {0}")]
    Figures(String),
    /// Signals.
    #[error("signals of the system cannot be received: {0}")]
    Signals(std::io::Error),
    /// The key of the journal, or what is remembered beside it.
    #[error("the journal cannot be signed: {0}")]
    Journal(String),
    /// What a witness needs, or those who are asked to vouch for the journal.
    #[error("{0}")]
    Witness(String),
    /// The network.
    #[error("cannot listen on {0}: {1}")]
    Listen(String, std::io::Error),
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::Configuration(problem)
    }
}

/// The secrets of a configuration, read from their files.
pub struct Secrets {
    /// The master key of the vault.
    pub master_key: Zeroizing<[u8; 32]>,
    /// Those that the providers who identify citizens know.
    pub providers: Credentials,
}

impl Secrets {
    /// Reads them.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn read(config: &Config) -> Result<Self, StartError> {
        Ok(Self { master_key: config.master_key()?, providers: Credentials::read(config)? })
    }
}

/// The store of a configuration, if its schema is this program's.
///
/// # Errors
/// The database does not answer, or its schema is older or newer.
pub fn open_store(config: &Config, pool: u32, master_key: &[u8; 32], random: Random) -> Result<Store, StartError> {
    let location = Location::parse(config.database.url())?;
    if !location.exists() {
        return Err(StartError::Behind);
    }
    match Store::schema(&location)? {
        Schema::Current => Ok(Store::open(&location, pool, master_key, random)?),
        Schema::Behind => Err(StartError::Behind),
        Schema::Ahead => Err(StartError::Ahead),
    }
}

/// Puts the service together over an open store.
///
/// # Errors
/// A setting that cannot work, or the database.
pub async fn assemble(
    config: &Config,
    credentials: Credentials,
    store: Store,
    clock: Clock,
    random: Random,
) -> Result<Data<App>, StartError> {
    let ring = KeyRing::default();
    keys::ensure(&store, SigningAlgorithm::Es256, clock.now()).await?;
    ring.refresh(&store).await?;
    let relying_parties = credentials.clients(config, &clock)?;
    let settings = Settings {
        public_url: config.public_url.clone(),
        name: config.name.clone(),
        contact: config.contact.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        proxied: !config.development && config.tls.certificate_file.is_none(),
        demo: config.mail.mode == MailMode::Page,
        public_entries: config.journal.public_entries,
        audit: config.audit,
    };
    let provider = Provider {
        issuer: config.public_url.clone(),
        keys: ring,
        store: store.clone(),
        clock: clock.clone(),
        random: random.clone(),
    };
    let signs = rights::signing(config, &store, &random)?;
    Ok(Data::new(App {
        store,
        signs,
        clock,
        random,
        settings,
        relying_parties,
        provider,
        bell: Arc::new(Notify::new()),
        sources: source_limiter(),
        slow: slow_limiter(),
        budget: Budget::default(),
        draining: AtomicBool::new(false),
        signing: Arc::default(),
        trust: Arc::new(cosigning::trust(&config.journal)?),
    }))
}

/// The span of a request: identifiers and the route's pattern only. An address may hold a token, so it is never logged.
pub struct Spans;

impl RootSpanBuilder for Spans {
    fn on_request_start(request: &ServiceRequest) -> Span {
        use actix_web::HttpMessage;
        let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
        let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
        tracing::info_span!("request", %id, method = %request.method(), route, status = tracing::field::Empty)
    }

    fn on_request_end<B: actix_web::body::MessageBody>(
        span: Span,
        outcome: &Result<ServiceResponse<B>, actix_web::Error>,
    ) {
        let status = outcome.as_ref().map_or(500, |response| response.status().as_u16());
        span.record("status", status);
        tracing::info!(parent: &span, "answered");
    }
}

/// The server over a listening socket. `routes` makes the routes, once per worker.
///
/// # Errors
/// The socket cannot be used.
pub fn server(
    app: Data<App>,
    listener: TcpListener,
    workers: usize,
    routes: fn() -> Routes,
) -> std::io::Result<Server> {
    serving(app, listener, workers, routes, None, true)
}

fn serving(
    app: Data<App>,
    listener: TcpListener,
    workers: usize,
    routes: fn() -> Routes,
    tls: Option<ServerConfig>,
    own_signals: bool,
) -> std::io::Result<Server> {
    let make = move || {
        ActixApp::new()
            .app_data(app.clone())
            .configure(|config| routes().register(config))
            .default_service(web::to(nowhere))
            .wrap(from_fn(frame::around))
            .wrap(TracingLogger::<Spans>::new())
    };
    let server = HttpServer::new(make)
        .workers(workers)
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        .keep_alive(Duration::from_secs(75))
        .shutdown_timeout(LAST_ANSWERS);
    let server = match tls {
        Some(tls) => server.tls_handshake_timeout(Duration::from_secs(5)).listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(if own_signals { server.run() } else { server.disable_signals().run() })
}

/// Starts what runs beside the requests: the sequencer, the outbox and the upkeep.
///
/// # Errors
/// The key of the journal or the mail settings cannot work.
pub fn start_background(app: &Data<App>, config: &Config) -> Result<(), StartError> {
    sequencer::start(app, &config.journal)?;
    cosigning::start(app, &config.journal)?;
    timestamping::start(app, &config.journal)?;
    if config.mail.mode == MailMode::Smtp {
        let sender = Sender::new(&config.mail)?;
        let (store, clock, bell) = (app.store.clone(), app.clock.clone(), app.bell.clone());
        actix_web::rt::spawn(outbox::run(store, sender, clock, bell));
    }
    actix_web::rt::spawn(upkeep::run(app.clone(), Ages::usual(config.signing.key_days)));
    actix_web::rt::spawn(auditing::run(app.clone()));
    Ok(())
}

/// Runs asynchronous work to its end on this thread.
pub fn block_on<F: Future>(work: F) -> F::Output {
    actix_web::rt::System::new().block_on(work)
}
