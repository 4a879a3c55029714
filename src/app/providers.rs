//! The providers that identify citizens: from the configuration to clients of them.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::StartError;
use crate::clock::Clock;
use crate::config::{Algorithm, ClientAuth, Config, FRANCECONNECT, FranceConnect};
use crate::oidc::relying_party::{self, DecryptionKeys, Patience, RelyingParty};

/// What we and the providers alone know, by their names.
#[derive(Default)]
pub struct Credentials(BTreeMap<String, Credential>);

struct Credential {
    secret: SecretString,
    keys: Option<DecryptionKeys>,
}

/// Our secret at FranceConnect, where it is the only provider and encrypts nothing.
impl From<SecretString> for Credentials {
    fn from(secret: SecretString) -> Self {
        Self(BTreeMap::from([(FRANCECONNECT.to_owned(), Credential { secret, keys: None })]))
    }
}

impl Credentials {
    /// Reads them from their files.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn read(config: &Config) -> Result<Self, StartError> {
        let credential = |(name, provider): (&str, &FranceConnect)| {
            let keys = DecryptionKeys::from_pem(&provider.encryption_keys(name)?)?;
            Ok((name.to_owned(), Credential { secret: provider.client_secret(name)?, keys }))
        };
        config.identifying().map(credential).collect::<Result<_, _>>().map(Self)
    }

    /// A client of each provider of the configuration, FranceConnect first.
    pub(super) fn clients(mut self, config: &Config, clock: &Clock) -> Result<Vec<RelyingParty>, StartError> {
        let client = |(name, provider): (&str, &FranceConnect)| {
            let missing = relying_party::Fault::Settings("a provider has no secret");
            let credential = self.0.remove(name).ok_or(missing)?;
            Ok(RelyingParty::new(settings(config, name, provider, credential), clock.clone())?)
        };
        config.identifying().map(client).collect()
    }
}

fn settings(config: &Config, name: &str, provider: &FranceConnect, known: Credential) -> relying_party::Settings {
    // One address for each issuer: a code that comes back to the address of another is refused before it goes anywhere.
    let home = match name {
        FRANCECONNECT => format!("{}/{name}", config.public_url),
        _ => format!("{}/providers/{name}", config.public_url),
    };
    relying_party::Settings {
        name: name.to_owned(),
        label: provider.label.clone(),
        issuer: provider.issuer.clone(),
        client_id: provider.client_id.clone(),
        client_secret: known.secret,
        redirect_uri: format!("{home}/callback"),
        post_logout_redirect_uri: format!("{home}/logged-out"),
        scopes: provider.scopes.clone(),
        acr: provider.acr.clone(),
        algorithm: match provider.algorithm {
            Algorithm::ES256 => relying_party::Algorithm::Es256,
            Algorithm::RS256 => relying_party::Algorithm::Rs256,
        },
        pkce: provider.pkce,
        secret_in_header: provider.auth == ClientAuth::Basic,
        decryption: known.keys,
        logout: provider.logout,
        patience: Patience::default(),
        development: config.development,
    }
}
