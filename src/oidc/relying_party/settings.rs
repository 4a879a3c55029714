//! What we must know of FranceConnect, and FranceConnect of us, before the first citizen.

use openidconnect::core::{CoreJsonWebKeyType, CoreJwsSigningAlgorithm};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::{Host, Url};

use super::{DecryptionKeys, Fault, Patience};
use crate::domain::assurance::Assurance;

/// The one algorithm that FranceConnect signs with for us, agreed at registration. A token cannot choose another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: the one FranceConnect recommends.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA PKCS#1 v1.5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl Algorithm {
    /// Its name in the header of a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    pub(super) const fn core(self) -> CoreJwsSigningAlgorithm {
        match self {
            Self::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            Self::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        }
    }

    pub(super) const fn verifying(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }

    pub(super) const fn key_type(self) -> CoreJsonWebKeyType {
        match self {
            Self::Es256 => CoreJsonWebKeyType::EllipticCurve,
            Self::Rs256 => CoreJsonWebKeyType::RSA,
        }
    }
}

/// The settings of one provider: a FranceConnect platform, or another that speaks as they do.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name in addresses, in the configuration and in figures.
    pub name: String,
    /// Its name on the screens.
    pub label: String,
    /// The issuer, exactly as FranceConnect writes it in its tokens.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretString,
    /// Where the citizen comes back with a code. One per issuer, registered, exact.
    pub redirect_uri: String,
    /// Where the citizen comes back after the sign-out. Registered, exact.
    pub post_logout_redirect_uri: String,
    /// The scopes to ask for; `openid` among them.
    pub scopes: Vec<String>,
    /// The lowest level of assurance accepted: `eidas1`, `eidas2` or `eidas3`.
    pub acr: String,
    /// The algorithm of every token.
    pub algorithm: Algorithm,
    /// Whether to send PKCE (RFC 7636). FranceConnect refuses requests that hold it; other providers want it.
    pub pkce: bool,
    /// Whether our secret travels in the `Authorization` header (`client_secret_basic`) and not in the form.
    pub secret_in_header: bool,
    /// Our keys, if the provider encrypts every token for us. A token that is not encrypted is then refused; without keys, one that is.
    pub decryption: Option<DecryptionKeys>,
    /// Whether it can end a session. FranceConnect can; without, a warning stays on the screens for a while.
    pub logout: bool,
    /// When it is left alone because it is down.
    pub patience: Patience,
    /// Whether `http:` and addresses that are not public are allowed: on a developer's machine and in demonstrations.
    pub development: bool,
}

impl Settings {
    /// The issuer's address, if the settings can work.
    pub(super) fn check(&self) -> Result<Url, Fault> {
        let issuer = self.web_address(&self.issuer, "the issuer is not an https address")?;
        if !issuer.username().is_empty() || issuer.password().is_some() || issuer.query().is_some() {
            return Err(Fault::Settings("the issuer holds more than a scheme, a host, a port and a path"));
        }
        if !self.development && !is_public(&issuer) {
            return Err(Fault::Settings("the issuer is not on a public host"));
        }
        self.web_address(&self.redirect_uri, "the redirect address is not an https address")?;
        self.web_address(&self.post_logout_redirect_uri, "the sign-out redirect address is not an https address")?;
        if self.client_id.is_empty() || self.client_secret.expose_secret().is_empty() {
            return Err(Fault::Settings("the client has no name or no secret"));
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(Fault::Settings("the scope openid is missing"));
        }
        if self.acr.parse::<Assurance>().is_err() {
            return Err(Fault::Settings("the level of assurance is none of eidas1, eidas2, eidas3"));
        }
        Ok(issuer)
    }

    fn web_address(&self, text: &str, refusal: &'static str) -> Result<Url, Fault> {
        Url::parse(text)
            .ok()
            .filter(|url| url.scheme() == "https" || (self.development && url.scheme() == "http"))
            .filter(|url| url.fragment().is_none())
            .ok_or(Fault::Settings(refusal))
    }
}

/// A name with a public ending. Bare IP addresses are not the names of an identity provider, and some of them are this
/// machine, its neighbours, or the metadata service of a hosting platform.
fn is_public(address: &Url) -> bool {
    const PRIVATE: [&str; 6] = ["localhost", "localdomain", "local", "internal", "home.arpa", "lan"];
    match address.host() {
        Some(Host::Domain(name)) => {
            let ends_in = |ending: &str| name.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.'));
            name.contains('.') && !name.ends_with('.') && !PRIVATE.into_iter().any(ends_in)
        }
        _ => false,
    }
}
