//! Tokens that clients sign (RFC 7515): one accepted spelling, few algorithms, and only keys that the reader hands in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::oidc::relying_party::json;

/// Longest token that is looked at, in bytes.
const LONGEST: usize = 8_192;
/// Header parameters that would change what is signed, how, or by which key. Nothing is ever fetched because of them.
const DANGEROUS: [&str; 10] = ["crit", "b64", "zip", "enc", "epk", "p2c", "cty", "jku", "x5u", "x5c"];

/// A token taken apart, not verified.
pub(super) struct Signed<'t> {
    pub(super) header: Map<String, Value>,
    algorithm: Algorithm,
    message: &'t str,
    signature: &'t str,
    payload: Vec<u8>,
}

/// An algorithm of FAPI 2.0 (5.4.1), or the one that every library has.
fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "ES256" => Some(Algorithm::ES256),
        "PS256" => Some(Algorithm::PS256),
        "RS256" => Some(Algorithm::RS256),
        _ => None,
    }
}

fn decoded(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

impl<'t> Signed<'t> {
    /// Three parts in canonical base64url, a header without repeated or dangerous parameters, an algorithm of ours.
    pub(super) fn parse(token: &'t str) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.')?;
        decoded(signature)?;
        let header: Map<String, Value> = json::read(&decoded(header)?).ok()?;
        if DANGEROUS.iter().any(|name| header.contains_key(*name)) {
            return None;
        }
        let algorithm = algorithm(header.get("alg")?.as_str()?)?;
        Some(Self { algorithm, message, signature, payload: decoded(payload)?, header })
    }

    /// Whether its algorithm is one of FAPI 2.0 (5.4.1).
    pub(super) fn is_of_fapi(&self) -> bool {
        matches!(self.algorithm, Algorithm::ES256 | Algorithm::PS256)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// What it says, if this key signed it.
    pub(super) fn vouched_by<T: DeserializeOwned>(&self, key: &Jwk) -> Option<T> {
        let key = DecodingKey::from_jwk(key).ok()?;
        let vouched = crypto::verify(self.signature, self.message.as_bytes(), &key, self.algorithm).unwrap_or(false);
        if vouched { self.unverified() } else { None }
    }

    /// What it claims; good for nothing but finding the key to verify it with.
    pub(super) fn unverified<T: DeserializeOwned>(&self) -> Option<T> {
        json::read(&self.payload).ok()
    }

    /// Whether a key is one for its algorithm.
    pub(super) fn fits(&self, key: &Jwk) -> bool {
        let json = serde_json::to_value(key).unwrap_or_default();
        let (kty, curve) = (json.get("kty").and_then(Value::as_str), json.get("crv").and_then(Value::as_str));
        match self.algorithm {
            Algorithm::ES256 => kty == Some("EC") && curve == Some("P-256"),
            _ => kty == Some("RSA"),
        }
    }
}

/// Whether a key, in JSON, holds a private or a shared part (RFC 7518 6): such a key proves nothing.
pub(super) fn is_private(key: &Value) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|part| key.get(part).is_some())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeyPair;
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;
    use crate::domain::client::SigningAlgorithm;
    use crate::oidc::keys;

    fn message(header: &Value) -> String {
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encoded(header), encoded(&json!({ "said": true })))
    }

    fn key(of: SigningAlgorithm) -> (Zeroizing<Vec<u8>>, Jwk) {
        let made = keys::generate(of).unwrap();
        (made.private, serde_json::from_str(&made.public).unwrap())
    }

    #[test]
    fn an_rsa_key_vouches_in_two_ways_and_each_token_in_its_own() {
        let (private, public) = key(SigningAlgorithm::Rs256);
        let (_, curve) = key(SigningAlgorithm::Es256);
        let pair = KeyPair::from_pkcs8(&private).unwrap();
        let ways: [(&str, &'static dyn RsaEncoding); 2] = [("PS256", &RSA_PSS_SHA256), ("RS256", &RSA_PKCS1_SHA256)];
        for (name, way) in ways {
            let message = message(&json!({ "alg": name }));
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(way, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
            let signed = Signed::parse(&token).unwrap();
            assert!(signed.fits(&public) && !signed.fits(&curve), "{name}");
            assert_eq!(signed.vouched_by::<Value>(&public), Some(json!({ "said": true })), "{name}");
            assert_eq!(signed.vouched_by::<Value>(&curve), None, "{name}");
            let other = token.replacen(&message, &self::message(&json!({ "alg": name, "kid": "x" })), 1);
            assert_eq!(Signed::parse(&other).unwrap().vouched_by::<Value>(&public), None, "{name}: another header");
        }
    }

    #[test]
    fn an_elliptic_token_fits_a_key_on_its_curve_alone() {
        let (_, public) = key(SigningAlgorithm::Es256);
        let token = format!("{}.AAAA", message(&json!({ "alg": "ES256" })));
        let signed = Signed::parse(&token).unwrap();
        assert!(signed.fits(&public));
        for (name, other) in [("crv", "P-384"), ("kty", "OKP")] {
            let mut json = serde_json::to_value(&public).unwrap();
            json[name] = json!(other);
            if let Ok(key) = serde_json::from_value::<Jwk>(json) {
                assert!(!signed.fits(&key), "{other}");
            }
        }
        assert!(!signed.fits(&key(SigningAlgorithm::Rs256).1));
    }

    #[test]
    fn a_token_is_not_endless() {
        let message = message(&json!({ "alg": "ES256" }));
        let with = |length: usize| format!("{message}.{}", "A".repeat(length - message.len() - 1));
        // Base64 has no text of one character more than a multiple of four.
        let longest = (LONGEST - message.len() - 1) % 4;
        assert_ne!(longest, 1, "the padding of the test");
        assert!(Signed::parse(&with(LONGEST)).is_some());
        assert!(Signed::parse(&with(LONGEST + 1 + usize::from(longest == 0))).is_none());
    }

    #[test]
    fn other_algorithms_are_unknown() {
        for name in ["ES256", "PS256", "RS256"] {
            assert!(Signed::parse(&format!("{}.AAAA", message(&json!({ "alg": name })))).is_some(), "{name}");
        }
        for name in ["none", "HS256", "ES384", "PS512", "es256", ""] {
            assert!(Signed::parse(&format!("{}.AAAA", message(&json!({ "alg": name })))).is_none(), "{name}");
        }
    }
}
