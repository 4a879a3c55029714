//! `demo`: everything on this machine, nothing to install. A pretend FranceConnect, a pretend public service, invented people.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use secrecy::SecretString;
use url::Url;

use super::{StartError, assemble, sequencer, server, start_background};
use crate::clock::{Clock, Random};
use crate::config::{Config, Database, FranceConnect, Journal, Mail, MailMode};
use crate::demo::walk::{self, People};
use crate::demo::{franceconnect, handler, public_service, seed};
use crate::journal::note::Purpose;
use crate::store::{Location, Store};

/// Where the database of the demonstration is; each start makes a new one.
const FOLDER: &str = "data/demo";
/// The port that the demonstration prefers.
const PORT: u16 = 8_080;
/// Who we are at the pretend FranceConnect.
const OUR_CLIENT: &str = "mandataire-demo";

/// What the demonstration is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Walk through it and stop.
    pub walk: bool,
    /// Say the steps in JSON.
    pub json: bool,
    /// The port to listen on.
    pub port: Option<u16>,
}

/// The three sites and the secrets between them.
struct Sites {
    ours: TcpListener,
    franceconnect: TcpListener,
    service: TcpListener,
    our_secret: String,
    provider_secret: String,
    service_secret: String,
}

fn origin(listener: &TcpListener) -> io::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}

fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// The port asked for, else the usual one, else any: a port already taken is said, and another is offered.
fn listen_near(asked: Option<u16>, quiet: bool) -> io::Result<TcpListener> {
    let wanted = asked.unwrap_or(PORT);
    match listen(wanted) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let other = listen(0)?;
            if !quiet {
                println!("Port {wanted} is already taken; using {} instead.", other.local_addr()?.port());
            }
            Ok(other)
        }
        outcome => outcome,
    }
}

/// Runs the demonstration until it is stopped, or walks through it. False if a step of the walk did not hold.
///
/// # Errors
/// Whatever keeps it from starting.
pub async fn run(options: &Options) -> Result<bool, StartError> {
    let listening = |error| StartError::Listen("this machine".to_owned(), error);
    let (clock, random) = (Clock::system(), Random::system());
    let sites = Sites {
        ours: if options.walk && options.port.is_none() {
            listen(0).map_err(listening)?
        } else {
            listen_near(options.port, options.json).map_err(listening)?
        },
        franceconnect: listen(0).map_err(listening)?,
        service: listen(0).map_err(listening)?,
        our_secret: random.token(),
        provider_secret: random.token(),
        service_secret: random.token(),
    };
    let folder = if options.walk { format!("{FOLDER}-walk-{}", std::process::id()) } else { FOLDER.to_owned() };
    let outcome = start(&sites, &folder, clock, random, options).await;
    if options.walk {
        // A walk leaves nothing behind; what cannot be removed is only a file of invented people.
        drop(fs::remove_dir_all(&folder));
    }
    outcome
}

async fn start(
    sites: &Sites,
    folder: &str,
    clock: Clock,
    random: Random,
    options: &Options,
) -> Result<bool, StartError> {
    let listening = |error| StartError::Listen("this machine".to_owned(), error);
    let addresses = Addresses::of(sites).map_err(listening)?;
    let config = config(&addresses, sites, folder).map_err(listening)?;
    let mut journal = String::new();
    if let Some(file) = &config.journal.key_file {
        let (_, origin) = config.public_url.split_once("://").unwrap_or_default();
        journal = sequencer::new_key(&format!("{origin}/log"), Purpose::Note, file, &random)?;
    }
    let location = Location::parse(config.database.url())?;
    Store::migrate(&location)?;
    let store = Store::open(&location, config.database.pool, &random.bytes(), random.clone())?;
    let client = seed::FranceConnect {
        id: "franceconnect-demo".to_owned(),
        secret: sites.provider_secret.clone(),
        redirect_uri: franceconnect::callback_uri(&addresses.franceconnect),
        logout_uri: franceconnect::logout_callback_uri(&addresses.franceconnect),
    };
    seed::seed(&store, client, random.clone(), clock.now()).await?;
    spawn_pretenders(sites, &addresses, &clock, &random).map_err(listening)?;
    // Only set once per process: a second demonstration in one process does not happen.
    handler::PUBLIC_SERVICE.get_or_init(|| addresses.service.clone());
    let secret = SecretString::from(sites.our_secret.clone());
    let app = assemble(&config, secret.into(), store, clock, random).await?;
    start_background(&app, &config)?;
    let ours = sites.ours.try_clone().map_err(listening)?;
    let server = server(app, ours, 2, handler::routes).map_err(listening)?;
    if options.walk {
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let held = addresses.walk(journal, options.json).await;
        handle.stop(true).await;
        return Ok(held);
    }
    addresses.explain();
    server.await.map_err(listening)?;
    println!("Stopped.");
    Ok(true)
}

/// Where the three sites are.
struct Addresses {
    ours: String,
    franceconnect: String,
    service: String,
}

impl Addresses {
    fn of(sites: &Sites) -> io::Result<Self> {
        Ok(Self {
            ours: origin(&sites.ours)?,
            franceconnect: origin(&sites.franceconnect)?,
            service: origin(&sites.service)?,
        })
    }

    async fn walk(&self, journal: String, json: bool) -> bool {
        let people = People {
            journal,
            mediator: seed::PEOPLE.first().map(|one| one.email.to_owned()).unwrap_or_default(),
            auditor: seed::PEOPLE.last().map(|one| one.email.to_owned()).unwrap_or_default(),
        };
        let (Ok(ours), Ok(franceconnect), Ok(service)) =
            (Url::parse(&self.ours), Url::parse(&self.franceconnect), Url::parse(&self.service))
        else {
            return false;
        };
        walk::walk(&ours, &franceconnect, &service, &people, json).await
    }

    fn explain(&self) {
        println!(
            "\nMandataire, demonstration. Open this address and follow the steps:\n\n    {}/demo\n\n\
             Mails and codes are on pages of their own; nothing leaves this machine. Ctrl-C stops everything.\n",
            self.ours
        );
    }
}

fn config(addresses: &Addresses, sites: &Sites, folder: &str) -> io::Result<Config> {
    // Each demonstration begins with nobody: its keys die with it.
    if Path::new(folder).exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(Config {
        public_url: addresses.ours.clone(),
        listen: sites.ours.local_addr()?,
        development: true,
        contact: "contact@mandataire.example.fr".to_owned(),
        database: Database { url: format!("sqlite:{folder}/mandataire.db").into(), pool: 4, ..Database::default() },
        journal: Journal {
            key_file: Some(Path::new(folder).join("journal.key")),
            public_entries: true,
            ..Journal::default()
        },
        mail: Mail { mode: MailMode::Page, ..Mail::default() },
        franceconnect: FranceConnect {
            issuer: franceconnect::issuer(&addresses.franceconnect),
            client_id: OUR_CLIENT.to_owned(),
            ..FranceConnect::default()
        },
        ..Config::default()
    })
}

fn spawn_pretenders(sites: &Sites, addresses: &Addresses, clock: &Clock, random: &Random) -> io::Result<()> {
    let settings = franceconnect::Settings {
        origin: addresses.franceconnect.clone(),
        mandataire: addresses.ours.clone(),
        our_client: franceconnect::Service {
            name: "Mandataire".to_owned(),
            id: OUR_CLIENT.to_owned(),
            secret: sites.our_secret.clone(),
            redirect_uri: format!("{}/franceconnect/callback", addresses.ours),
            logout_uri: format!("{}/franceconnect/logged-out", addresses.ours),
            rep_scope: Vec::new(),
        },
        identity_provider_client: franceconnect::Credentials {
            id: "franceconnect-demo".to_owned(),
            secret: sites.provider_secret.clone(),
        },
        service_client: franceconnect::Service {
            name: public_service::NAME.to_owned(),
            id: "public-service-demo".to_owned(),
            secret: sites.service_secret.clone(),
            redirect_uri: public_service::redirect_uri(&addresses.service),
            logout_uri: public_service::logout_uri(&addresses.service),
            rep_scope: vec!["Logement".to_owned(), "Famille-Scolarité".to_owned(), "Social-Santé".to_owned()],
        },
        clock: clock.clone(),
        random: random.clone(),
    };
    actix_web::rt::spawn(franceconnect::serve(sites.franceconnect.try_clone()?, settings)?);
    let settings = public_service::Settings {
        origin: addresses.service.clone(),
        franceconnect: franceconnect::issuer(&addresses.franceconnect),
        client_id: "public-service-demo".to_owned(),
        client_secret: sites.service_secret.clone(),
        clock: clock.clone(),
        random: random.clone(),
    };
    actix_web::rt::spawn(public_service::serve(sites.service.try_clone()?, settings)?);
    Ok(())
}
