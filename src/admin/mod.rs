//! What the command line does: each command, from its arguments to a line of text or JSON.

mod backup;
mod checking;
mod clients;
mod evidence;
mod journal;
mod keys;
mod likeness;
mod output;
mod people;
mod retention;
mod workspace;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::app::{self, StartError};
use crate::cli::admin::{Admin, JournalKey};
use crate::cli::{Cli, Command, Demo, Journal, Migrate, Retention, Witness};
use crate::clock::{Clock, Random};
use crate::config::{Config, WitnessConfig};
use crate::credential;
use crate::domain::signing_key::Ages;
use crate::journal::line::hex;
use crate::journal::note::Purpose;
use crate::store::vouched::Trust;
use crate::store::{self, Location, Store, upkeep};
use crate::{config, logging};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration, each problem on a line.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Configuration(Vec<config::Problem>),
    /// It could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// A sentence.
    #[error("{0}")]
    Said(String),
    /// A step of the walk did not hold: the walk said which.
    #[error("the walk did not hold")]
    Walk,
    /// The evidence is damaged: what was said says how.
    #[error("")]
    Damaged,
}

/// The exit code that says that evidence was read and does not hold: neither 1, a failure, nor 2, a command that cannot be.
const DAMAGED: u8 = 3;

/// What a command works with.
struct Desk {
    store: Store,
    trust: Trust,
    clock: Clock,
    random: Random,
}

/// Runs the command of the process.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match app::block_on(command(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Damaged) => ExitCode::from(DAMAGED),
        Err(failure) => {
            // Where nobody reads standard error, the exit code says it alone: `eprintln!` would panic.
            drop(writeln!(io::stderr(), "{failure}"));
            ExitCode::FAILURE
        }
    }
}

async fn command(cli: Cli) -> Result<(), Failure> {
    let load = || Config::load(cli.config.as_deref()).map_err(Failure::Configuration);
    match cli.command {
        Command::Demo(options) => {
            let Demo { walk, json, port } = options;
            if app::demo::run(&app::demo::Options { walk, json, port }).await? { Ok(()) } else { Err(Failure::Walk) }
        }
        Command::Serve => {
            let config = load()?;
            logging::start(config.log).map_err(|error| Failure::Said(error.to_string()))?;
            Ok(app::serve(&config).await?)
        }
        Command::Migrate(Migrate { print_roles: true, .. }) => {
            // All of it, or nothing: between the two, whoever serves would have no right to anything.
            print!("begin;\n{}commit;\n", upkeep::statements(upkeep::PREFIX));
            Ok(())
        }
        Command::Migrate(options) => migrate(&load()?, &options),
        Command::CheckConfig => check(&load()?),
        Command::Admin(admin) => administer(load, admin).await,
        Command::Journal(Journal::Evidence(asked)) => evidence::run(load, asked).await,
        Command::Journal(Journal::List(entries)) => journal::list(&desk(&load()?)?, entries).await,
        Command::Journal(Journal::Mandate(story)) => journal::mandate(&desk(&load()?)?, story).await,
        Command::Journal(Journal::Activity(activity)) => journal::activity(&desk(&load()?)?, activity).await,
        Command::Journal(Journal::Signals(signals)) => {
            let config = load()?;
            let desk = desk(&config)?;
            match signals.day {
                Some(day) => workspace::look(&desk, &config, day, signals.listing.purpose).await,
                None => workspace::signals(&desk, signals.listing).await,
            }
        }
        Command::Journal(Journal::Findings(asked)) => workspace::findings(&desk(&load()?)?, asked).await,
        Command::Journal(Journal::Inquiries(asked)) => workspace::inquiries(&desk(&load()?)?, asked).await,
        Command::Retention(Retention::Run { dry_run, output }) => {
            let config = load()?;
            retention::run(&desk(&config)?, &config, dry_run, output.json).await
        }
        Command::Witness(witness) => vouch(cli.config.as_deref(), witness).await,
    }
}

async fn vouch(config: Option<&Path>, asked: Witness) -> Result<(), Failure> {
    match asked {
        Witness::Key { name, file } => {
            println!("{}", app::sequencer::new_key(&name, Purpose::Cosignature, &file, &Random::system())?);
            Ok(())
        }
        Witness::Serve => {
            let config = WitnessConfig::load(config).map_err(Failure::Configuration)?;
            logging::start(config.log).map_err(|error| Failure::Said(error.to_string()))?;
            Ok(app::witness::serve(&config).await?)
        }
    }
}

fn desk(config: &Config) -> Result<Desk, Failure> {
    let key = config.master_key().map_err(|problem| Failure::Configuration(vec![problem]))?;
    let random = Random::system();
    let store = app::open_store(config, ONE, &key, random.clone())?;
    Ok(Desk { store, trust: app::cosigning::trust(&config.journal)?, clock: Clock::system(), random })
}

async fn administer(load: impl Fn() -> Result<Config, Failure>, admin: Admin) -> Result<(), Failure> {
    let desk = || desk(&load()?);
    match admin {
        Admin::Organisation(command) => people::organisation(&desk()?, command).await,
        Admin::Mediator(command) => people::mediator(&desk()?, command).await,
        Admin::Manager(command) => people::manager(&desk()?, command).await,
        Admin::Auditor(command) => people::auditor(&desk()?, command).await,
        Admin::Officer(command) => people::officer(&desk()?, command).await,
        Admin::Backup(asked) => {
            let config = load()?;
            backup::make(&self::desk(&config)?, &config, asked).await
        }
        Admin::Restore(asked) => backup::restore(&desk()?, asked).await,
        Admin::Client(command) => clients::client(&desk()?, command).await,
        Admin::Key(command) => {
            let config = load()?;
            keys::key(&self::desk(&config)?, command, &Ages::usual(config.signing.key_days)).await
        }
        // It needs neither the configuration, which will name the file, nor the database.
        Admin::Journal(JournalKey::Key { origin, file }) => {
            println!("{}", app::sequencer::new_key(&origin, Purpose::Note, &file, &Random::system())?);
            Ok(())
        }
    }
}

fn migrate(config: &Config, options: &Migrate) -> Result<(), Failure> {
    let location = Location::parse(config.database.url())?;
    if options.down {
        println!("undone: {}", Store::revert(&location)?);
        return Ok(());
    }
    let done = Store::migrate(&location)?;
    if done.is_empty() {
        println!("the database is up to date");
    }
    for name in done {
        println!("done: {name}");
    }
    // New tables are nobody's until the roles get their rights to them.
    let wanted = options.roles || Store::may_make_roles(&location)? || Store::has_roles(&location, upkeep::PREFIX)?;
    if !wanted {
        return Ok(());
    }
    match Store::make_roles(&location, upkeep::PREFIX) {
        Ok(()) => println!("the roles {0}_service, {0}_sequencer and {0}_auditor have their rights", upkeep::PREFIX),
        Err(error) if options.roles => return Err(error.into()),
        // The database is migrated: whoever may make them is asked to.
        Err(error) => println!("the roles were not made ({error}): migrate --print-roles prints what their maker runs"),
    }
    Ok(())
}

/// The file was read and checked already: what remains are the secrets and the database.
fn check(config: &Config) -> Result<(), Failure> {
    let secrets = app::Secrets::read(config)?;
    app::tls::Certificate::of(&config.tls).map_err(app::StartError::from)?;
    app::cosigning::trust(&config.journal)?;
    let random = Random::system();
    let store = app::open_store(config, ONE, &secrets.master_key, random.clone())?;
    let signs = app::rights::signing(config, &store, &random)?;
    app::block_on(app::rights::check(config, &store, &signs))?;
    println!("the configuration can be used");
    Ok(())
}

/// The connection of a command. A pool that opens another one in the background, while the process ends, is cut off in the middle of it.
const ONE: u32 = 1;

/// The option that names the file of a client's secret.
const CLIENT_SECRET: &str = "--client-secret-file";

/// A secret of 256 random bits, or the one in a file.
fn secret(desk: &Desk, file: Option<&Path>) -> Result<String, Failure> {
    let Some(file) = file else { return Ok(desk.random.token()) };
    let secret = config::client_secret(CLIENT_SECRET, file).map_err(|problem| Failure::Configuration(vec![problem]))?;
    Ok(secret.to_string())
}

/// A new client identifier: random, and nothing secret.
fn client_id(desk: &Desk) -> String {
    let mut id = hex(&credential::token_hash(&desk.random.token()));
    id.truncate(24);
    format!("client_{id}")
}
