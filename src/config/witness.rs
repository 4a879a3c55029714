//! What whoever runs a witness decides: one small TOML file of its own.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use config::{File, FileFormat};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Log, Problem, Tls, secret};

/// Everything that whoever runs a witness decides. `config/witness.toml` shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Where it listens: over TLS with `[tls]`, else in plain for a proxy in front of it.
    #[serde(default = "loopback")]
    pub listen: SocketAddr,
    /// The file that `mandataire witness key` made.
    pub key_file: PathBuf,
    /// The folder in which it remembers what it cosigned.
    pub folder: PathBuf,
    /// The logs that it looks at.
    #[serde(default)]
    pub logs: Vec<LookedAt>,
    /// TLS in this process, if no proxy ends it.
    #[serde(default)]
    pub tls: Tls,
    /// What is logged, and how.
    #[serde(default)]
    pub log: Log,
}

/// A log that a witness looks at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookedAt {
    /// Its name: the first line of its checkpoints.
    pub origin: String,
    /// Its public keys.
    pub keys: Vec<String>,
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8081))
}

fn problem(key: &str, found: impl Into<String>, write: &str) -> Problem {
    Problem { key: key.to_owned(), found: found.into(), write: write.to_owned() }
}

impl WitnessConfig {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Every problem found.
    pub fn load(file: Option<&Path>) -> Result<Self, Vec<Problem>> {
        let file = file.ok_or_else(|| vec![problem("--config", "is not given", "the file of the witness after it")])?;
        let shown = file.display().to_string();
        let like = "it like config/witness.toml";
        let text = fs::read_to_string(file).map_err(|error| {
            vec![problem(&shown, format!("cannot be read ({error})"), "the path of a file after --config")]
        })?;
        let read = config::Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
        let read = read.and_then(config::Config::try_deserialize::<Self>);
        let config = read.map_err(|error| vec![problem(&shown, format!("cannot be used ({error})"), like)])?;
        let problems = config.check();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    fn check(&self) -> Vec<Problem> {
        const TABLE: &str =
            "for each log a table [[logs]] with origin, and keys, the public keys that its operator gave you";
        let mut found: Vec<Problem> = self.key().err().into_iter().chain(self.tls.pem().err()).collect();
        let open = self.tls.certificate_file.is_none() && self.listen.ip().is_unspecified();
        if open {
            let write = "[tls], or the address behind a proxy that ends TLS, as 127.0.0.1:8081";
            found.push(problem("listen", format!("is {}, which everybody reaches in plain http", self.listen), write));
        }
        if self.logs.is_empty() {
            found.push(problem("logs", "is empty", TABLE));
        }
        let mut origins = BTreeSet::new();
        for log in &self.logs {
            if log.origin.is_empty() || log.origin.contains('\n') || log.keys.is_empty() {
                found.push(problem("logs", format!("has {:?}, which is not whole", log.origin), TABLE));
            }
            if !origins.insert(&log.origin) {
                found.push(problem(
                    "logs",
                    format!("has {:?} twice", log.origin),
                    "all the keys of a log into one table",
                ));
            }
        }
        found
    }

    /// The key, as text.
    ///
    /// # Errors
    /// What is the matter with the file.
    pub fn key(&self) -> Result<Zeroizing<String>, Problem> {
        const WRITE: &str = "the path of a file that `mandataire witness key` made, readable by this service alone";
        let text =
            secret::read("key_file", &self.key_file).map_err(|found| Problem { write: WRITE.to_owned(), ..found })?;
        let whole = text.starts_with("PRIVATE+KEY+");
        if whole {
            Ok(text)
        } else {
            Err(problem("key_file", "names a file that does not hold a key of a witness", WRITE))
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn every_refusal_is_a_sentence_and_the_example_is_accepted_but_for_its_files() {
        let folder = std::env::temp_dir().join(format!("mandataire-witness-config-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let key = folder.join("key");
        fs::write(&key, "PRIVATE+KEY+w+00000000+AAAA\n").unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let load = |text: &str| {
            let path = folder.join("witness.toml");
            fs::write(&path, text).unwrap();
            let said = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            WitnessConfig::load(Some(&path)).map_err(said)
        };
        let top = format!("key_file = '{}'\nfolder = '/tmp'\n", key.display());
        let log = "[[logs]]\norigin = 'a'\nkeys = ['k']\n";
        assert_eq!(load(&(top.clone() + log)).unwrap().logs.len(), 1);
        for (text, said) in [
            (String::new(), "cannot be used ("),
            (format!("{top}colour = 1\n{log}"), "unknown field `colour`"),
            (top.clone(), "logs is empty: write for each log a table"),
            (format!("{top}{log}{log}"), "logs has \"a\" twice"),
            (format!("{top}[[logs]]\norigin = ''\nkeys = ['k']\n"), "which is not whole"),
            (format!("listen = '0.0.0.0:80'\n{top}{log}"), "which everybody reaches in plain http"),
            (format!("key_file = '/absent'\nfolder = '/tmp'\n{log}"), "readable by this service alone"),
            (format!("{top}{log}[tls]\nkey_file = '/x'\n"), "tls.certificate_file is not set"),
        ] {
            let refusal = load(&text).unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
        let example = load(include_str!("../../config/witness.toml")).unwrap_err();
        assert!(example.starts_with("key_file ") && !example.contains('\n'), "{example}");
        assert!(WitnessConfig::load(None).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
