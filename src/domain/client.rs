//! A client of our provider role: FranceConnect, or a public service of its own.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Instant;
use super::event::{Event, Journalled, Kind};
use super::procedure::Procedure;

macro_rules! choices {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$each])* $variant,)+ }

        impl $name {
            /// The stored code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Unknown;
            fn from_str(code: &str) -> Result<Self, Unknown> {
                match code { $($code => Ok(Self::$variant),)+ _ => Err(Unknown) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

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

/// The text is none of the choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the choices")]
pub struct Unknown;

choices! {
    /// How tokens for a client are signed (RFC 7518 3.1): one fixed algorithm per client.
    SigningAlgorithm {
        /// ECDSA on P-256: the default.
        Es256 = "ES256",
        /// RSA PKCS#1 v1.5.
        Rs256 = "RS256",
        /// HMAC with the client's secret: FranceConnect's present set-up.
        Hs256 = "HS256",
    }
}

impl SigningAlgorithm {
    /// Those that need a key of ours.
    pub const OF_KEYS: [Self; 2] = [Self::Es256, Self::Rs256];
}

choices! {
    /// How a client authenticates at the token endpoint (OpenID Connect Core 9).
    AuthMethod {
        /// In the form.
        Post = "client_secret_post",
        /// In the `Authorization` header.
        Basic = "client_secret_basic",
        /// A token signed with a key of its own (RFC 7523): no secret is shared.
        PrivateKey = "private_key_jwt",
    }
}

choices! {
    /// What is asked of a client about PKCE (RFC 7636).
    Pkce {
        /// A request without a challenge is refused.
        Required = "required",
        /// As the client likes.
        Allowed = "allowed",
        /// A request with a challenge is refused: what its other end would not check must not look protected.
        Off = "off",
    }
}

choices! {
    /// How the identity is answered.
    UserinfoFormat {
        /// `application/json`
        Json = "json",
        /// `application/jwt`, signed with the client's algorithm.
        Jwt = "jwt",
    }
}

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
            keys: None,
            pushed: false,
            dpop: false,
            introspects: false,
            silent: false,
        }
    }

    /// The procedures that a mandate may be used for in one of its requests, which may name fewer; all of them if none.
    #[must_use]
    pub fn accepts(&self, asked: Option<BTreeSet<Procedure>>) -> Option<BTreeSet<Procedure>> {
        match (&self.procedures, asked) {
            (None, asked) => asked,
            (Some(served), None) => Some(served.clone()),
            (Some(served), Some(asked)) => Some(served.intersection(&asked).copied().collect()),
        }
    }

    /// Registers it.
    pub fn register(self, now: Instant) -> Journalled<Self> {
        let event = Event::new(Kind::ClientRegistered, now)
            .at_client(&self.id)
            .fact("algorithm", self.algorithm.code())
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
    fn a_choice_is_one_of_those_listed() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256, SigningAlgorithm::Hs256] {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for method in [AuthMethod::Post, AuthMethod::Basic, AuthMethod::PrivateKey] {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        for format in [UserinfoFormat::Json, UserinfoFormat::Jwt] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("none".parse::<SigningAlgorithm>(), Err(Unknown));
        for pkce in [Pkce::Required, Pkce::Allowed, Pkce::Off] {
            assert_eq!(pkce.to_string().parse(), Ok(pkce));
        }
        assert_eq!("client_secret_jwt".parse::<AuthMethod>(), Err(Unknown));
        assert_eq!("jwe".parse::<UserinfoFormat>(), Err(Unknown));
    }
}
