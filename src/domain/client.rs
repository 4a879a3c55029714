//! A client of our provider role: FranceConnect, or a public service of its own.

mod choices;

use std::collections::BTreeSet;

use super::Instant;
use super::assurance::Assurance;
use super::event::{Event, Journalled, Kind};
use super::procedure::Procedure;

pub use choices::{AuthMethod, Pkce, SigningAlgorithm, Unknown, UserinfoFormat, Vocabulary};

/// The scopes that have a meaning here.
pub const SCOPES: [&str; 13] = [
    "openid",
    "profile",
    "birth",
    "email",
    "identite_pivot",
    "given_name",
    "family_name",
    "preferred_username",
    "birthdate",
    "gender",
    "birthplace",
    "birthcountry",
    "idp_birthdate",
];

/// A registered client.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// Its name, for the mediator.
    pub name: String,
    /// Where it may be answered: compared byte for byte.
    pub redirect_uris: Vec<String>,
    /// Where the browser may go after signing out: compared byte for byte.
    pub logout_uris: Vec<String>,
    /// How it authenticates.
    pub auth_method: AuthMethod,
    /// How its tokens are signed.
    pub algorithm: SigningAlgorithm,
    /// How it receives the identity.
    pub userinfo: UserinfoFormat,
    /// It is FranceConnect: state and nonce are required, and `prompt=login`, which it always sends, is satisfied by a code not
    /// older than 15 minutes.
    pub franceconnect: bool,
    /// What is asked of it about PKCE.
    pub pkce: Pkce,
    /// The scopes it may be granted.
    pub scopes: BTreeSet<String>,
    /// The procedures that a mandate may be used for at it; all if none are named.
    pub procedures: Option<BTreeSet<Procedure>>,
    /// Procedures bound to it: they may be used only at clients to which they are bound.
    pub binds: BTreeSet<Procedure>,
    /// Procedures bound to others, and not to it.
    pub withheld: BTreeSet<Procedure>,
    /// The words by which it names procedures.
    pub vocabulary: Vocabulary,
    /// The words by which it asks, and learns, how sure we are; one is answered unless it asks for another of them. All mean the level
    /// of our mediators ([`Assurance::Low`]): what the agreement itself is worth is said beside it.
    pub acr: Vec<String>,
    /// Its public keys (a JWK Set, RFC 7517 5), for what it signs.
    pub keys: Option<String>,
    /// Whether its requests must be sent ahead (RFC 9126).
    pub pushed: bool,
    /// Whether its tokens are bound to a key that it proves to hold (RFC 9449).
    pub dpop: bool,
    /// Whether it may ask about tokens and mandates (RFC 7662).
    pub introspects: bool,
    /// Whether it may be answered again without a page (`prompt=none`), as the mediator chose a moment ago.
    pub silent: bool,
}

impl Client {
    /// A client with the usual settings: ES256, secret in the form, plain identity, every scope and procedure, PKCE as it likes.
    #[must_use]
    pub fn usual(id: String, name: String, redirect_uris: Vec<String>) -> Self {
        Self {
            id,
            name,
            redirect_uris,
            logout_uris: Vec::new(),
            auth_method: AuthMethod::Post,
            algorithm: SigningAlgorithm::Es256,
            userinfo: UserinfoFormat::Json,
            franceconnect: false,
            pkce: Pkce::Allowed,
            scopes: SCOPES.map(str::to_owned).into(),
            procedures: None,
            binds: BTreeSet::new(),
            withheld: BTreeSet::new(),
            vocabulary: Vocabulary::FranceConnect,
            acr: vec![Assurance::Low.code().to_owned()],
            keys: None,
            pushed: false,
            dpop: false,
            introspects: false,
            silent: false,
        }
    }

    /// The procedures that a mandate may be used for at it; all of them if none.
    #[must_use]
    pub fn serves(&self) -> Option<BTreeSet<Procedure>> {
        if self.withheld.is_empty() {
            return self.procedures.clone();
        }
        let all = self.procedures.clone().unwrap_or_else(|| Procedure::ALL.into());
        Some(all.difference(&self.withheld).copied().collect())
    }

    /// The same for one of its requests, which may name fewer.
    #[must_use]
    pub fn accepts(&self, asked: Option<BTreeSet<Procedure>>) -> Option<BTreeSet<Procedure>> {
        match (self.serves(), asked) {
            (None, asked) => asked,
            (served, None) => served,
            (Some(served), Some(asked)) => Some(served.intersection(&asked).copied().collect()),
        }
    }

    /// What it may still have of the scopes that were granted.
    #[must_use]
    pub fn still(&self, granted: &str) -> String {
        let still = granted.split(' ').filter(|scope| *scope == "openid" || self.scopes.contains(*scope));
        still.collect::<Vec<_>>().join(" ")
    }

    /// Whether its settings fit together: what could never work is not registered.
    ///
    /// # Errors
    /// What does not fit, for whoever registers.
    pub fn fits(&self) -> Result<(), &'static str> {
        let signs = self.auth_method == AuthMethod::PrivateKey;
        let bound = |served: &BTreeSet<Procedure>| self.binds.is_subset(served);
        if signs && self.algorithm == SigningAlgorithm::Hs256 {
            return Err("HS256 signs with a shared secret, and private_key_jwt has none");
        }
        if signs && self.keys.is_none() {
            return Err("private_key_jwt needs the keys of the service");
        }
        if self.silent && self.franceconnect {
            return Err("FranceConnect asks for a sign-in every time: it is never answered without a page");
        }
        if self.acr.is_empty()
            || self.acr.iter().any(|word| word.parse::<Assurance>().is_ok_and(|level| level > Assurance::Low))
        {
            return Err("the words for our level must not be those of a higher one");
        }
        let usual = self.acr == [Assurance::Low.code()] && self.vocabulary == Vocabulary::FranceConnect;
        if self.franceconnect && !usual {
            return Err("FranceConnect has its own words, eidas1 among them, and takes no others");
        }
        if !self.procedures.as_ref().is_none_or(bound) {
            return Err("a procedure is bound to it that mandates cannot be used for at it");
        }
        Ok(())
    }

    /// Whether it is held to the FAPI 2.0 Security Profile: requests sent ahead, tokens bound to a key.
    #[must_use]
    pub const fn is_fapi(&self) -> bool {
        self.pushed && self.dpop
    }

    /// Registers it.
    pub fn register(self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::ClientRegistered, now)
            .at_client(&self.id)
            .fact("algorithm", self.algorithm.code())
            .fact("redirect_uris", self.redirect_uris.join(" "));
        Journalled::new(self, vec![event])
    }

    /// Its registration was changed; `settings` names what.
    pub fn changed(self, settings: &[&str], now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::ClientChanged, now)
            .at_client(&self.id)
            .fact("changed", settings.join(" "))
            .fact("redirect_uris", self.redirect_uris.join(" "));
        Journalled::new(self, vec![event])
    }

    /// Its secret was changed.
    pub fn secret_rotated(self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::ClientSecretRotated, now).at_client(&self.id);
        Journalled::new(self, vec![event])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::{begin, one_event};

    fn client() -> Client {
        let addresses = ["https://a.example.fr/", "https://b.example.fr/"].map(str::to_owned);
        Client::usual("service".to_owned(), "Service".to_owned(), addresses.to_vec())
    }

    #[test]
    fn a_registration_says_how_it_signs_and_where_it_answers() {
        let (_, event) = one_event(client().register(begin()));
        let expected = Event::new(Kind::ClientRegistered, begin())
            .at_client("service")
            .fact("algorithm", "ES256")
            .fact("redirect_uris", "https://a.example.fr/ https://b.example.fr/");
        assert_eq!(event, expected);
        let (_, event) = one_event(client().secret_rotated(begin()));
        assert_eq!(event, Event::new(Kind::ClientSecretRotated, begin()).at_client("service"));
        let (_, event) = one_event(client().changed(&["pkce", "acr"], begin()));
        let expected = Event::new(Kind::ClientChanged, begin())
            .at_client("service")
            .fact("changed", "pkce acr")
            .fact("redirect_uris", "https://a.example.fr/ https://b.example.fr/");
        assert_eq!(event, expected);
    }

    #[test]
    fn a_service_is_for_the_procedures_it_registered_for() {
        use Procedure::{Argent, Justice, Logement};
        assert_eq!(client().accepts(None), None, "for all of them");
        assert_eq!(client().accepts(Some([Justice].into())), Some([Justice].into()));
        let bound = Client { procedures: Some([Logement, Argent].into()), ..client() };
        assert_eq!(bound.accepts(None), Some([Logement, Argent].into()));
        assert_eq!(bound.accepts(Some([Logement, Justice].into())), Some([Logement].into()));
        assert_eq!(bound.accepts(Some([Justice].into())), Some([].into()));
    }

    #[test]
    fn a_scope_that_is_no_longer_allowed_is_granted_no_longer() {
        let few = Client { scopes: ["profile".to_owned()].into(), ..client() };
        assert_eq!(few.still("openid profile email"), "openid profile");
        assert_eq!(client().still("openid profile email"), "openid profile email");
    }

    #[test]
    fn a_procedure_bound_to_others_is_withheld() {
        use Procedure::{Argent, Justice, Logement};
        let all = Client { withheld: [Justice].into(), ..client() };
        assert_eq!(all.serves().map(|served| (served.len(), served.contains(&Justice))), Some((9, false)));
        assert_eq!(all.accepts(Some([Justice, Argent].into())), Some([Argent].into()));
        let few = Client { procedures: Some([Logement, Justice].into()), ..all };
        assert_eq!(few.accepts(None), Some([Logement].into()));
        assert_eq!(client().serves(), None);
    }

    #[test]
    fn what_could_never_work_is_not_registered() {
        use Procedure::{Justice, Logement};
        assert_eq!(client().fits(), Ok(()));
        let signs = Client { auth_method: AuthMethod::PrivateKey, keys: Some("{}".to_owned()), ..client() };
        assert_eq!(signs.fits(), Ok(()));
        for wrong in [
            Client { algorithm: SigningAlgorithm::Hs256, ..signs.clone() },
            Client { keys: None, ..signs },
            Client { silent: true, franceconnect: true, ..client() },
            Client { acr: vec!["gold".to_owned(), "eidas2".to_owned()], ..client() },
            Client { acr: Vec::new(), ..client() },
            Client { acr: vec!["gold".to_owned()], franceconnect: true, ..client() },
            Client { vocabulary: Vocabulary::Keys, franceconnect: true, ..client() },
            Client { procedures: Some([Logement].into()), binds: [Logement, Justice].into(), ..client() },
        ] {
            assert!(wrong.fits().is_err(), "{wrong:?}");
        }
        for right in [
            Client { binds: [Justice].into(), ..client() },
            Client { acr: vec!["gold".to_owned()], vocabulary: Vocabulary::Keys, ..client() },
            Client { franceconnect: true, ..client() },
        ] {
            assert_eq!(right.fits(), Ok(()));
        }
        let both = Client { procedures: Some([Logement, Justice].into()), binds: [Justice].into(), ..client() };
        assert_eq!(both.fits(), Ok(()));
    }

    #[test]
    fn a_client_of_fapi_sends_ahead_and_binds() {
        for (pushed, dpop) in [(false, false), (true, false), (false, true), (true, true)] {
            assert_eq!(Client { pushed, dpop, ..client() }.is_fapi(), pushed && dpop);
        }
    }
}
