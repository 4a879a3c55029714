//! What signs the journal, and who vouches for it: witnesses, and an authority that timestamps.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;
use url::{Host, Url};

use super::keys::refusal;
use super::{Problem, read};

/// What signs the journal, and who vouches for it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// The file of the key; without it, nothing is signed.
    pub key_file: Option<PathBuf>,
    /// The file of what was signed last.
    pub signed_file: Option<PathBuf>,
    /// Whether everybody may read the clear parts of entries, besides the tree over them.
    pub public_entries: bool,
    /// The witnesses that are asked to cosign.
    #[serde(deserialize_with = "read::words")]
    pub witnesses: Vec<Witness>,
    /// How many of them must have cosigned for the journal to count as witnessed.
    pub witnesses_needed: usize,
    /// Seconds between two checkpoints that one is asked to cosign.
    pub witness_every: u64,
    /// Minutes without a cosignature after which one is reported silent.
    pub witness_silence: i64,
    /// The address of the authority that timestamps a checkpoint, if there is one.
    pub timestamp_url: Option<Url>,
    /// Hours between two timestamps.
    pub timestamp_hours: i64,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            key_file: None,
            signed_file: None,
            public_entries: false,
            witnesses: Vec::new(),
            witnesses_needed: 1,
            witness_every: 5,
            witness_silence: 15,
            timestamp_url: None,
            timestamp_hours: 24,
        }
    }
}

/// A witness that is asked to cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Its public key, as it published it.
    pub key: String,
    /// Its address.
    pub url: Url,
}

impl FromStr for Witness {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a public key, an @, and an address";
        let (key, url) = text.rsplit_once('@').ok_or(WRONG)?;
        let url = url.parse::<Url>().map_err(|_| WRONG)?;
        if key.split('+').count() < 3 || key.starts_with("PRIVATE") || !url.has_host() {
            return Err(WRONG);
        }
        Ok(Self { key: key.to_owned(), url })
    }
}

impl Journal {
    /// What cannot work of those who vouch for it.
    pub(super) fn vouching(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut refuse = |wrong: bool, key: &str, what: String| {
            if wrong {
                found.push(refusal(key, what));
            }
        };
        let mut keys = BTreeSet::new();
        for Witness { key, url } in &self.witnesses {
            refuse(!keys.insert(key), "journal.witnesses", format!("has {key} twice"));
            let plain = url.scheme() != "https" && !(url.scheme() == "http" && is_here(url));
            refuse(plain, "journal.witnesses", format!("has {url}, which is not https"));
        }
        let needed = self.witnesses_needed;
        let fits = (1..=self.witnesses.len().max(1)).contains(&needed);
        refuse(!fits, "journal.witnesses_needed", format!("is {needed}, and there are {}", self.witnesses.len()));
        refuse(
            !(1..=3_600).contains(&self.witness_every),
            "journal.witness_every",
            format!("is {}", self.witness_every),
        );
        let silence = self.witness_silence;
        refuse(!(1..=10_080).contains(&silence), "journal.witness_silence", format!("is {silence}"));
        // What comes back is signed by the authority: plain http is how most of them are reached.
        let odd = self.timestamp_url.as_ref().filter(|url| !["http", "https"].contains(&url.scheme()));
        refuse(odd.is_some(), "journal.timestamp_url", odd.map_or(String::new(), |url| format!("is {url}")));
        let hours = self.timestamp_hours;
        refuse(!(1..=720).contains(&hours), "journal.timestamp_hours", format!("is {hours}"));
        found
    }
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_a_key_and_an_address_and_what_cannot_work_is_said() {
        let one: Witness = "w.example.org/w1+0a0b0c0d+BAAA+/A=@https://w.example.org/x".parse().unwrap();
        assert_eq!(
            (one.key.as_str(), one.url.as_str()),
            ("w.example.org/w1+0a0b0c0d+BAAA+/A=", "https://w.example.org/x")
        );
        for odd in ["", "w+1+k", "w+1+k@", "w+1+k@nowhere", "w@https://x", "PRIVATE+KEY+w+1+k@https://x"] {
            assert!(odd.parse::<Witness>().is_err(), "{odd}");
        }
        let said = |journal: &Journal| journal.vouching().iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut journal = Journal { witnesses: vec![one.clone()], ..Journal::default() };
        assert!(said(&journal).is_empty());
        journal.witnesses.push(one);
        assert!(matches!(said(&journal).as_slice(), [twice] if twice.contains("twice")));
        journal.witnesses = vec!["w+1+k@http://w.example.org".parse().unwrap()];
        assert!(matches!(said(&journal).as_slice(), [plain] if plain.contains("which is not https")));
        journal.witnesses = vec!["w+1+k@http://127.0.0.1:8081".parse().unwrap()];
        assert!(said(&journal).is_empty());
        (journal.witnesses_needed, journal.witness_every, journal.witness_silence, journal.timestamp_hours) =
            (2, 0, 0, 0);
        journal.timestamp_url = Some("ftp://x".parse().unwrap());
        let keys: Vec<_> = journal.vouching().into_iter().map(|problem| problem.key).collect();
        let last = ["witnesses_needed", "witness_every", "witness_silence", "timestamp_url", "timestamp_hours"];
        assert_eq!(keys, last.map(|key| format!("journal.{key}")));
    }
}
