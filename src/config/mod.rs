//! What the operator decides: one TOML file, overridden by environment variables, read once at the start.
//!
//! `MANDATAIRE_DATABASE__URL` overrides `database.url`: two underscores go one table down. Lists are words separated
//! by spaces there. Secrets are never in the file: it names the files that hold them.

mod ages;
mod check;
mod defaults;
mod journal;
mod keys;
mod read;
mod secret;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod witness;

pub use ages::{Audit, Retention, Signing};
pub use journal::{Journal, Witness};
pub use secret::{Pem, client_secret};
pub use witness::{LookedAt, WitnessConfig};

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// What FranceConnect is called in addresses and figures.
pub const FRANCECONNECT: &str = "franceconnect";

/// Everything the operator decides. A value not given has the default that `config/example.toml` shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Our own address as browsers and other services see it, and our name as issuer; without a final slash.
    pub public_url: String,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The name of the service on the screens.
    pub name: String,
    /// Allows plain http, on this machine only.
    pub development: bool,
    /// The proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "read::words")]
    pub trusted_proxies: Vec<IpAddr>,
    /// The mail address shown on the screens to people who need help.
    pub contact: String,
    /// Where everything is kept.
    pub database: Database,
    /// Our own secrets.
    pub secrets: Secrets,
    /// What signs the journal.
    pub journal: Journal,
    /// How mails leave.
    pub mail: Mail,
    /// The provider that identifies citizens.
    pub franceconnect: FranceConnect,
    /// Further ones, by the name in their addresses.
    pub providers: BTreeMap<String, FranceConnect>,
    /// TLS in this process, if no proxy ends it.
    pub tls: Tls,
    /// The keys that sign our tokens.
    pub signing: Signing,
    /// What the operator's machines ask.
    pub monitoring: Monitoring,
    /// How long everything is kept.
    pub retention: Retention,
    /// What auditors take away, and what asks for an explanation.
    pub audit: Audit,
    /// What is logged, and how.
    pub log: Log,
}

/// Where everything is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite:` and a path, or a `postgres:` address; secret because the latter may hold a password.
    pub url: SecretString,
    /// The address with which the journal is signed, if its role is another one; else empty.
    pub sequencer_url: SecretString,
    /// How many connections are kept open.
    pub pool: u32,
}

/// Our own secrets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// The file of the master key, which wraps every other key.
    pub master_key_file: PathBuf,
}

/// How mails leave.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// Whether mails are sent or only shown.
    pub mode: MailMode,
    /// The sender, `Name <address>` or an address.
    pub from: String,
    /// The SMTP server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account on the SMTP server, if it wants one.
    pub username: Option<String>,
    /// The file of that account's password.
    pub password_file: Option<PathBuf>,
    /// How the connection to the SMTP server is protected.
    pub encryption: Encryption,
}

/// Whether mails are sent or only shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailMode {
    /// Sent to an SMTP server.
    Smtp,
    /// Shown on a page to whoever opens it: demonstration and development only.
    Page,
}

/// How the connection to the SMTP server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// TLS from the first byte.
    Tls,
    /// TLS asked for, and insisted on, after a clear greeting.
    StartTls,
    /// Nothing: only for a relay on this machine.
    None,
}

/// A provider that identifies citizens: FranceConnect, or one that speaks as it does.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FranceConnect {
    /// Its address, compared byte for byte with what it says of itself.
    pub issuer: String,
    /// Its name on the screens.
    pub label: String,
    /// Who we are to it.
    pub client_id: String,
    /// The file of the secret shared with it.
    pub client_secret_file: PathBuf,
    /// The files of our keys, if it encrypts its tokens for us; the current one first.
    #[serde(deserialize_with = "read::words")]
    pub encryption_key_files: Vec<PathBuf>,
    /// What we ask to know of a citizen.
    #[serde(deserialize_with = "read::words")]
    pub scopes: Vec<String>,
    /// The least assurance that we accept.
    pub acr: String,
    /// The one algorithm it signs with.
    pub algorithm: Algorithm,
    /// Whether PKCE is used. FranceConnect refuses it.
    pub pkce: bool,
    /// How our secret reaches it.
    pub auth: ClientAuth,
    /// Whether it can end the session that it opened for a citizen.
    pub logout: bool,
}

/// How our secret reaches a provider (RFC 6749 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ClientAuth {
    /// In the form: FranceConnect knows no other way.
    #[serde(rename = "client_secret_post")]
    Post,
    /// In the `Authorization` header.
    #[serde(rename = "client_secret_basic")]
    Basic,
}

/// An algorithm of signed tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// ECDSA over P-256.
    ES256,
    /// RSA PKCS#1.
    RS256,
}

/// TLS in this process.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those between it and its authority, in PEM.
    pub certificate_file: Option<PathBuf>,
    /// Its key, in PEM.
    pub key_file: Option<PathBuf>,
}

/// What the operator's machines ask.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Monitoring {
    /// Where `/livez`, `/readyz` and `/metrics` are answered; nowhere if none.
    pub listen: Option<SocketAddr>,
    /// Seconds between being told to stop and taking no more connections: the time a balancer needs to notice.
    pub drain: u64,
}

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// For eyes or for machines.
    pub format: LogFormat,
    /// The least important line that is still written.
    pub level: LogLevel,
}

/// For eyes or for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One readable line per event.
    Text,
    /// One JSON object per event.
    Json,
}

/// The least important line that is still written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Faults.
    Error,
    /// And what may become one.
    Warn,
    /// And what happens.
    Info,
    /// And how it happens.
    Debug,
    /// And every step.
    Trace,
}

/// One refusal, for the person who writes the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, with its tables: `mail.host`; or the environment variable, or the file.
    pub key: String,
    /// What is the matter with it, continuing a sentence that starts with the key. Never a secret.
    pub found: String,
    /// What to write instead, continuing "write".
    pub write: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: write {}.", self.key, self.found, self.write)
    }
}

impl Config {
    /// Reads the file, if there is one, then the environment, and checks the whole.
    ///
    /// # Errors
    /// Every problem found, in the order of the keys.
    pub fn load(file: Option<&Path>) -> Result<Self, Vec<Problem>> {
        Self::from_sources(file, read::environment())
    }

    fn from_sources(file: Option<&Path>, environment: HashMap<String, String>) -> Result<Self, Vec<Problem>> {
        let tree = read::tree(file, environment).map_err(|problem| vec![problem])?;
        let (config, mut problems) = read::typed(tree);
        // A key already refused was put aside: that it is now missing is no second problem.
        let refused: Vec<String> = problems.iter().map(|problem| problem.key.clone()).collect();
        problems.extend(config.check().into_iter().filter(|problem| !refused.contains(&problem.key)));
        problems.sort_by(|one, other| one.key.cmp(&other.key));
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// Every provider that identifies citizens, with the name in its addresses; FranceConnect first.
    pub fn identifying(&self) -> impl Iterator<Item = (&str, &FranceConnect)> {
        let others = self.providers.iter().map(|(name, provider)| (name.as_str(), provider));
        std::iter::once((FRANCECONNECT, &self.franceconnect)).chain(others)
    }
}

impl Database {
    /// The address, which may hold a password: not for logs.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// The address of whoever signs, if it is another one: not for logs either.
    #[must_use]
    pub fn sequencer_url(&self) -> Option<&str> {
        Some(self.sequencer_url.expose_secret()).filter(|url| !url.is_empty())
    }
}
