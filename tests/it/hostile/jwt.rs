//! The tokens of the stub, and every wrong way to sign and spell them.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// How a token gets its signature.
#[derive(Clone)]
pub(crate) enum Signer {
    /// The pair and its PKCS#8, from which the DER variant is made.
    Es256(Arc<EcdsaKeyPair>, Arc<Vec<u8>>),
    /// The same key, its signature in DER: the form of X.509, not of JWS.
    Es256Der(Arc<Vec<u8>>),
    Rs256(Arc<RsaKeyPair>),
    Hs256(Vec<u8>),
    Fixed(Vec<u8>),
}

impl Signer {
    pub(crate) fn es256() -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        Self::Es256(Arc::new(pair), Arc::new(document.as_ref().to_vec()))
    }

    pub(crate) fn rs256() -> Self {
        Self::Rs256(Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// The same key, its signatures in DER.
    pub(crate) fn der(&self) -> Self {
        match self {
            Self::Es256(_, document) => Self::Es256Der(Arc::clone(document)),
            other => other.clone(),
        }
    }

    /// Its public part.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Es256(pair, _) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
                json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid, "x": x, "y": y})
            }
            Self::Rs256(pair) => {
                // PKCS#1 of a 2048-bit key: a header of nine bytes, the modulus, and 65537.
                let modulus = base64url(&pair.public_key().as_ref()[9..265]);
                json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": modulus, "e": "AQAB"})
            }
            _ => Value::Null,
        }
    }

    fn sign(&self, text: &str) -> Vec<u8> {
        let (bytes, random) = (text.as_bytes(), SystemRandom::new());
        match self {
            Self::Es256(pair, _) => pair.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Self::Es256Der(document) => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document).unwrap();
                pair.sign(&random, bytes).unwrap().as_ref().to_vec()
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature).unwrap();
                signature
            }
            Self::Hs256(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), bytes).as_ref().to_vec(),
            Self::Fixed(signature) => signature.clone(),
        }
    }
}

/// A token before it is signed.
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) payload: Value,
    /// Written instead of `header` or `payload`, byte for byte.
    pub(crate) header_text: Option<String>,
    pub(crate) payload_text: Option<String>,
    pub(crate) signer: Signer,
    /// What becomes of the compact text, once signed.
    pub(crate) spelled: fn(String) -> String,
}

impl Jwt {
    pub(crate) fn compact(&self) -> String {
        let text =
            |text: &Option<String>, value: &Value| base64url(text.clone().unwrap_or(value.to_string()).as_bytes());
        let signed = format!("{}.{}", text(&self.header_text, &self.header), text(&self.payload_text, &self.payload));
        let signature = base64url(&self.signer.sign(&signed));
        (self.spelled)(format!("{signed}.{signature}"))
    }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The S256 challenge of a PKCE verifier.
pub(crate) fn sha256(text: &str) -> String {
    base64url(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// The `at_hash` of an access token under a SHA-256 algorithm.
pub(crate) fn at_hash(token: &str) -> String {
    base64url(&digest::digest(&digest::SHA256, token.as_bytes()).as_ref()[..16])
}
