//! Our keys at a provider that encrypts its tokens for us (RFC 7516). They come from files, and leave in one form only: the public
//! key that the provider fetches.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::jwe::{CONTENT, ContentKey, concat_kdf};
use super::{Fault, Refused};
use crate::oidc::keys::{ec_jwk, published, rsa_jwk};

/// How the key of a token's content reaches us (RFC 7518 4.1). A token cannot choose another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyManagement {
    /// Agreed on P-256 with a key that the provider makes for one token.
    EcdhEs,
    /// Wrapped for our RSA key.
    RsaOaep256,
}

impl KeyManagement {
    /// Its name in the header of a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdhEs => "ECDH-ES",
            Self::RsaOaep256 => "RSA-OAEP-256",
        }
    }
}

/// Our keys at one provider, all of one kind. The first is published; the others open what was encrypted before the last change.
#[derive(Clone)]
pub struct DecryptionKeys(Arc<Vec<Key>>);

/// One of our keys.
pub(super) struct Key {
    kid: String,
    public: Value,
    private: Private,
}

enum Private {
    Ec(PrivateKey),
    Rsa(OaepPrivateDecryptingKey),
}

/// Private keys have no place in a log.
impl fmt::Debug for DecryptionKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

impl DecryptionKeys {
    /// Keys from the texts of their files, the current one first; nothing if there are none.
    ///
    /// # Errors
    /// [`Fault::Settings`]: a text is no private key of a kind we use, or the keys are of two kinds.
    pub fn from_pem<T: AsRef<str>>(texts: &[T]) -> Result<Option<Self>, Fault> {
        let keys = texts.iter().map(|text| Key::from_pem(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = keys.first() else { return Ok(None) };
        if keys.iter().any(|key| key.management() != first.management()) {
            return Err(Fault::Settings("the encryption keys are of two kinds"));
        }
        Ok(Some(Self(Arc::new(keys))))
    }

    /// What the provider encrypts to: the first key, public part only (RFC 7517 5).
    #[must_use]
    pub fn key_set(&self) -> Value {
        json!({ "keys": self.0.iter().take(1).map(|key| &key.public).collect::<Vec<_>>() })
    }

    /// The key that a token names; one without a name is for the only key.
    pub(super) fn named(&self, kid: Option<&str>) -> Result<&Key, Refused> {
        match (kid, self.0.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Refused::Key),
            (Some(kid), keys) => keys.iter().find(|key| key.kid == kid).ok_or(Refused::Key),
        }
    }
}

impl Key {
    fn from_pem(text: &str) -> Result<Self, Fault> {
        const UNUSABLE: Fault =
            Fault::Settings("an encryption key is no private key in PEM (PKCS#8) on P-256 or of RSA");
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).map_err(|_| UNUSABLE)?;
        let der = der.secret_pkcs8_der();
        let (management, mut public, private) = if let Ok(key) = PrivateKey::from_private_key_der(&ECDH_P256, der) {
            let point = key.compute_public_key().map_err(|_| UNUSABLE)?;
            (KeyManagement::EcdhEs, ec_jwk(point.as_ref()).ok_or(UNUSABLE)?, Private::Ec(key))
        } else {
            // The library refuses less than 2048 bits.
            let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| UNUSABLE)?;
            let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| UNUSABLE)?;
            let key = OaepPrivateDecryptingKey::new(key).map_err(|_| UNUSABLE)?;
            (KeyManagement::RsaOaep256, rsa_jwk(&pair), Private::Rsa(key))
        };
        let kid = published(&mut public, management.as_str(), "enc");
        Ok(Self { kid, public, private })
    }

    /// The one way in which tokens for this key are encrypted.
    pub(super) const fn management(&self) -> KeyManagement {
        match self.private {
            Private::Ec(_) => KeyManagement::EcdhEs,
            Private::Rsa(_) => KeyManagement::RsaOaep256,
        }
    }

    /// The key of a token's content: agreed on with the other side's `point`, or out of the `wrapped` one.
    pub(super) fn content_key(
        &self,
        point: Option<&[u8]>,
        parties: (&[u8], &[u8]),
        wrapped: &[u8],
    ) -> Result<ContentKey, Refused> {
        match (&self.private, point) {
            // RFC 7518 4.6: agreed on directly, so that nothing is wrapped.
            (Private::Ec(private), Some(point)) if wrapped.is_empty() => {
                // The library refuses a point that is not on the curve.
                let theirs = UnparsedPublicKey::new(&ECDH_P256, point);
                agree(private, theirs, Refused::Decryption, |secret| Ok(concat_kdf(secret, CONTENT, 256, parties)))
            }
            (Private::Rsa(private), _) if wrapped.len() == private.key_size_bytes() => unwrapped(private, wrapped),
            _ => Err(Refused::Form),
        }
    }
}

/// RFC 7516 11.5: a random key stands in for one that cannot be had. That it was not to be had must look like a wrong content.
fn unwrapped(private: &OaepPrivateDecryptingKey, wrapped: &[u8]) -> Result<ContentKey, Refused> {
    let mut content = Zeroizing::new([0; 32]);
    rand::fill(content.as_mut()).map_err(|_| Refused::Decryption)?;
    let mut room = Zeroizing::new(vec![0; private.min_output_size()]);
    if let Ok(plain) = private.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut room, None)
        && plain.len() == content.len()
    {
        content.copy_from_slice(plain);
    }
    Ok(content)
}
