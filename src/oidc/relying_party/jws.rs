//! Signed tokens: one accepted spelling, one accepted algorithm, only keys that FranceConnect published.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, crypto};
use openidconnect::JsonWebKey;
use openidconnect::core::CoreJsonWebKey;
use serde_json::{Map, Value};

use super::settings::Algorithm;
use super::{Fault, Refused, RelyingParty, json, jwe};

/// Header parameters that would change what is signed, how, or by which key. OpenID Connect Core §2 says not to send the
/// last four; nothing is ever fetched because of them.
const DANGEROUS: [&str; 11] = ["crit", "b64", "zip", "enc", "epk", "p2c", "cty", "jku", "x5u", "x5c", "jwk"];

/// A key that FranceConnect published for our algorithm.
pub(super) struct Key {
    pub(super) published: CoreJsonWebKey,
    /// The same for the library that verifies fastest.
    pub(super) verifying: DecodingKey,
}

/// What a token says, and the key that vouches for it.
pub(super) struct Vouched {
    pub(super) payload: Vec<u8>,
    pub(super) key: CoreJsonWebKey,
}

/// A token taken apart, not verified.
pub(super) struct Jws<'a> {
    kid: Option<String>,
    pub(super) signed: &'a str,
    pub(super) payload: Vec<u8>,
    signature: &'a str,
}

impl<'a> Jws<'a> {
    /// Three parts in canonical base64url, a header without repeated or dangerous parameters, our algorithm.
    pub(super) fn parse(token: &'a str, algorithm: Algorithm) -> Result<Self, Refused> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
        let (header, payload) = signed.split_once('.').ok_or(Refused::Form)?;
        let header: Map<String, Value> = json::read(&decode(header)?).map_err(|_| Refused::Form)?;
        if DANGEROUS.iter().any(|name| header.contains_key(*name)) {
            return Err(Refused::Form);
        }
        if header.get("alg").and_then(Value::as_str) != Some(algorithm.as_str()) {
            return Err(Refused::Algorithm);
        }
        // Another type is a token made for another use (RFC 8725 §3.11): `at+jwt`, `logout+jwt`…
        if !header.get("typ").is_none_or(|typ| typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("jwt"))) {
            return Err(Refused::Form);
        }
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Err(Refused::Form),
        };
        decode(signature)?;
        Ok(Self { kid, signed, payload: decode(payload)?, signature })
    }

    /// The one key that fits, if it signed this. `keys` are all for our algorithm.
    pub(super) fn vouched_by(&self, keys: &[Key], algorithm: Algorithm) -> Result<CoreJsonWebKey, Refused> {
        let mut fitting = keys.iter().filter(|key| match &self.kid {
            Some(kid) => key.published.key_id().is_some_and(|id| id.as_str() == kid),
            None => true,
        });
        let key = fitting.next().ok_or(Refused::Key)?;
        if fitting.next().is_some() {
            return Err(Refused::Key);
        }
        match crypto::verify(self.signature, self.signed.as_bytes(), &key.verifying, algorithm.verifying()) {
            Ok(true) => Ok(key.published.clone()),
            Ok(false) | Err(_) => Err(Refused::Signature),
        }
    }
}

/// Canonical base64url only: no padding, no leftover bits, no white space. Otherwise one token would have many texts.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Form)
}

impl RelyingParty {
    /// The signed token in what the provider sent: inside an encrypted one if that was agreed, and only then.
    pub(super) fn unsealed(&self, token: String) -> Result<String, Refused> {
        match &self.0.settings.decryption {
            Some(keys) => jwe::open(&token, keys),
            None => Ok(token),
        }
    }

    /// Reads a token signed by FranceConnect. If no known key vouches for it, the keys may have changed: they are fetched
    /// once more, unless that was done within the last minute.
    pub(super) async fn vouched(&self, token: &str) -> Result<Vouched, Fault> {
        let algorithm = self.0.settings.algorithm;
        let jws = Jws::parse(token, algorithm)?;
        let provider = self.provider().await?;
        let key = match jws.vouched_by(&provider.keys, algorithm) {
            Ok(key) => key,
            Err(refused) => match self.renewed(&provider).await {
                Some(renewed) => jws.vouched_by(&renewed.keys, algorithm)?,
                None => return Err(refused.into()),
            },
        };
        Ok(Vouched { payload: jws.payload, key })
    }
}
