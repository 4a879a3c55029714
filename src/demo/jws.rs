//! Signed tokens of the pretend peers, written here by hand from RFC 7515: a peer that shared the service's own
//! library would share its mistakes too.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key that signs with ES256.
pub(super) struct SigningKey {
    pair: EcdsaKeyPair,
    kid: String,
}

impl SigningKey {
    /// A new key.
    pub(super) fn generate() -> Result<Self, Unspecified> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let hash = digest(&SHA256, pair.public_key().as_ref());
        let kid = format!("demonstration:ES256:{}", hex(hash.as_ref().get(..8).unwrap_or_default()));
        Ok(Self { pair, kid })
    }

    /// Signs claims. The header holds the algorithm and the key, nothing else, as FranceConnect's.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        let header = json!({ "alg": "ES256", "kid": self.kid });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", encode(signature)))
    }

    /// The public half, as a key set.
    pub(super) fn jwks(&self) -> Value {
        // Uncompressed point: 0x04, then X and Y of 32 bytes each.
        let point = self.pair.public_key().as_ref();
        let (x, y) = (point.get(1..33).map(encode), point.get(33..65).map(encode));
        let key = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": x, "y": y });
        json!({ "keys": [key] })
    }
}

/// The claims of a token signed with ES256 by the key of that set which its header names.
pub(super) fn verify_es256(token: &str, jwks: &Value) -> Option<Value> {
    let parts = Parts::of(token)?;
    let kid = parts.header.get("kid")?.as_str()?;
    let key = jwks.get("keys")?.as_array()?.iter().find(|key| key.get("kid").and_then(Value::as_str) == Some(kid))?;
    let coordinate = |name| URL_SAFE_NO_PAD.decode(key.get(name)?.as_str()?).ok();
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    parts.is("ES256")?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(parts.signed.as_bytes(), &parts.signature).ok()?;
    Some(parts.claims)
}

/// The claims of a token signed with HS256 by the secret.
pub(super) fn verify_hs256(token: &str, secret: &str) -> Option<Value> {
    let parts = Parts::of(token)?;
    parts.is("HS256")?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, parts.signed.as_bytes(), &parts.signature).ok()?;
    Some(parts.claims)
}

/// The left half of a SHA-256, as `at_hash` carries it.
pub(super) fn half_hash(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    encode(hash.as_ref().get(..16).unwrap_or_default())
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

struct Parts<'a> {
    header: Value,
    claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let read = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: read(header)?,
            claims: read(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn is(&self, algorithm: &str) -> Option<()> {
        (self.header.get("alg")?.as_str()? == algorithm).then_some(())
    }
}

/// Signs claims with HS256, as a service under test would.
#[cfg(test)]
pub(super) fn sign_hs256(claims: &Value, secret: &str) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{signed}.{}", encode(hmac::sign(&key, signed.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_only_with_its_key_and_its_algorithm() {
        let (key, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let claims = json!({ "sub": "é" });
        let token = key.sign(&claims).unwrap();
        assert_eq!(verify_es256(&token, &key.jwks()), Some(claims.clone()));
        assert_eq!(verify_es256(&token, &other.jwks()), None);
        assert_eq!(verify_hs256(&token, "secret"), None);
        let token = sign_hs256(&claims, "secret");
        assert_eq!(verify_hs256(&token, "secret"), Some(claims));
        assert_eq!(verify_hs256(&token, "Secret"), None);
        assert_eq!(verify_es256(&token, &key.jwks()), None);
    }

    #[test]
    fn the_half_hash_is_the_one_of_the_specification() {
        // OpenID Connect Core, appendix A.3.
        assert_eq!(half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
