//! The keys that sign our tokens, and the tokens we signed ourselves.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant as Monotonic};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::domain::Instant;
use crate::domain::client::SigningAlgorithm;
use crate::domain::digest::Digest;
use crate::domain::signing_key::{self, Ages, State, Wish};
use crate::store::keys::{self, NewKey, SigningKey};
use crate::store::{Error, Store};

/// A key that cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// There is no key for this algorithm.
    #[error("no active key for {0}")]
    Missing(SigningAlgorithm),
    /// The cryptographic library refuses.
    #[error("a signing key cannot be used")]
    Unusable,
    /// The database.
    #[error(transparent)]
    Store(#[from] Error),
}

const fn algorithm(of: SigningAlgorithm) -> Algorithm {
    match of {
        SigningAlgorithm::Es256 => Algorithm::ES256,
        SigningAlgorithm::Rs256 => Algorithm::RS256,
        SigningAlgorithm::Hs256 => Algorithm::HS256,
    }
}

/// Makes a new key. An RSA key takes a while: never inside a transaction.
///
/// # Errors
/// The cryptographic library refuses; HS256 has no key of ours.
pub fn generate(of: SigningAlgorithm) -> Result<NewKey, Fault> {
    let (private, mut jwk) = match of {
        SigningAlgorithm::Es256 => ec_key()?,
        SigningAlgorithm::Rs256 => rsa_key()?,
        SigningAlgorithm::Hs256 => return Err(Fault::Missing(of)),
    };
    let kid = published(&mut jwk, of.code(), "sig");
    Ok(NewKey { kid, algorithm: of, private, public: jwk.to_string() })
}

fn ec_key() -> Result<(Zeroizing<Vec<u8>>, Value), Fault> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| Fault::Unusable)?;
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).map_err(|_| Fault::Unusable)?;
    let jwk = ec_jwk(pair.public_key().as_ref()).ok_or(Fault::Unusable)?;
    Ok((Zeroizing::new(pkcs8.as_ref().to_vec()), jwk))
}

fn rsa_key() -> Result<(Zeroizing<Vec<u8>>, Value), Fault> {
    let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| Fault::Unusable)?;
    let pkcs8 = pair.as_der().map_err(|_| Fault::Unusable)?;
    let jwk = rsa_jwk(&pair);
    Ok((Zeroizing::new(pkcs8.as_ref().to_vec()), jwk))
}

/// The members of a public key on P-256, in order, from an uncompressed point (SEC 1 2.3.3): 0x04, x, y.
pub(super) fn ec_jwk(point: &[u8]) -> Option<Value> {
    let (x, y) = point.get(1..33).zip(point.get(33..65))?;
    Some(json!({ "crv": "P-256", "kty": "EC", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) }))
}

/// The members of an RSA public key, in order.
pub(super) fn rsa_jwk(pair: &RsaKeyPair) -> Value {
    let public = pair.public_key();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({
        "e": number(public.exponent().big_endian_without_leading_zero()),
        "kty": "RSA",
        "n": number(public.modulus().big_endian_without_leading_zero()),
    })
}

/// Says of a public key what it is for, and how it is called: by the thumbprint of its members (RFC 7638).
pub(super) fn published(jwk: &mut Value, algorithm: &str, purpose: &str) -> String {
    let kid = URL_SAFE_NO_PAD.encode(Digest::of(jwk.to_string().as_bytes()).as_bytes());
    if let Value::Object(members) = jwk {
        let named = [("kid", kid.as_str()), ("alg", algorithm), ("use", purpose)];
        members.extend(named.map(|(name, value)| (name.to_owned(), json!(value))));
    }
    kid
}

struct Keys {
    /// By a clock that nobody sets.
    read_at: Monotonic,
    signing: HashMap<SigningAlgorithm, (String, EncodingKey)>,
    verifying: HashMap<String, (Algorithm, DecodingKey)>,
    published: Vec<Value>,
}

impl Keys {
    fn none() -> Self {
        let (signing, verifying, published) = (HashMap::new(), HashMap::new(), Vec::new());
        Self { read_at: Monotonic::now(), signing, verifying, published }
    }
}

/// The keys in memory, as last read from the database.
#[derive(Clone)]
pub struct KeyRing(Arc<RwLock<Arc<Keys>>>);

impl Default for KeyRing {
    fn default() -> Self {
        Self(Arc::new(RwLock::new(Arc::new(Keys::none()))))
    }
}

impl KeyRing {
    /// Reads the keys from the database.
    ///
    /// # Errors
    /// The database, or a key that cannot be used.
    pub async fn refresh(&self, store: &Store) -> Result<(), Fault> {
        // From here on somebody may change them: so old is what is read.
        let mut ring = Keys::none();
        let mut stored = store.read(keys::all).await?;
        // Whoever takes the first key of a set finds one that signs.
        stored.sort_by_key(|one| one.key.state);
        for one in stored {
            let public: Value = serde_json::from_str(&one.public).map_err(|_| Fault::Unusable)?;
            let jwk: Jwk = serde_json::from_value(public.clone()).map_err(|_| Fault::Unusable)?;
            let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| Fault::Unusable)?;
            ring.verifying.insert(one.key.kid.clone(), (algorithm(one.key.algorithm), decoding));
            ring.published.push(public);
            if one.key.state == State::Active {
                ring.signing.insert(one.key.algorithm, (one.key.kid.clone(), encoding_key(&one)?));
            }
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long ago they were read.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.keys().read_at.elapsed()
    }

    /// The public keys (RFC 7517 5).
    #[must_use]
    pub fn key_set(&self) -> Value {
        json!({ "keys": self.keys().published })
    }

    /// The algorithms that have a key.
    #[must_use]
    pub fn has(&self, of: SigningAlgorithm) -> bool {
        of == SigningAlgorithm::Hs256 || self.keys().signing.contains_key(&of)
    }

    /// Signs claims as a client expects: with our key, or with its secret for HS256.
    ///
    /// # Errors
    /// There is no key for the algorithm.
    pub fn sign<T: Serialize>(&self, of: SigningAlgorithm, secret: &[u8], claims: &T) -> Result<String, Fault> {
        let mut header = Header::new(algorithm(of));
        header.typ = None;
        if of == SigningAlgorithm::Hs256 {
            return jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret))
                .map_err(|_| Fault::Unusable);
        }
        let keys = self.keys();
        let (kid, key) = keys.signing.get(&of).ok_or(Fault::Missing(of))?;
        header.kid = Some(kid.clone());
        jsonwebtoken::encode(&header, claims, key).map_err(|_| Fault::Unusable)
    }

    /// Reads a token that we signed for a client, expired or not: a hint. The algorithm is the client's, never the token's.
    #[must_use]
    pub fn read_hint<T: DeserializeOwned>(
        &self,
        token: &str,
        of: SigningAlgorithm,
        secret: &[u8],
        issuer: &str,
        client: &str,
    ) -> Option<T> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let keys = self.keys();
        let hmac;
        let key = if of == SigningAlgorithm::Hs256 {
            hmac = DecodingKey::from_secret(secret);
            &hmac
        } else {
            let (alg, key) = keys.verifying.get(header.kid.as_deref()?)?;
            if *alg == algorithm(of) { key } else { return None }
        };
        let mut validation = Validation::new(algorithm(of));
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[client]);
        jsonwebtoken::decode(token, key, &validation).ok().map(|data| data.claims)
    }
}

fn encoding_key(key: &SigningKey) -> Result<EncodingKey, Fault> {
    if key.key.algorithm == SigningAlgorithm::Es256 {
        return Ok(EncodingKey::from_ec_der(&key.private));
    }
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&*key.private));
    EncodingKey::from_rsa_pem(Zeroizing::new(pem).as_bytes()).map_err(|_| Fault::Unusable)
}

/// Makes sure that an algorithm has a key that signs.
///
/// # Errors
/// The database, or the cryptographic library.
pub async fn ensure(store: &Store, of: SigningAlgorithm, now: Instant) -> Result<(), Fault> {
    if of == SigningAlgorithm::Hs256 {
        return Ok(());
    }
    // No age has a part in the first key of all.
    wish(store, of, Wish::First, &Ages::usual(0), now).await.map(drop)
}

/// Makes another key of an algorithm, if the wish is to be granted; answers whether it was.
///
/// # Errors
/// The database, or the cryptographic library.
pub async fn wish(store: &Store, of: SigningAlgorithm, wish: Wish, ages: &Ages, now: Instant) -> Result<bool, Fault> {
    let known = keys::of(&store.read(keys::all).await?, of);
    if signing_key::signs_from(&known, wish, ages, now).is_none() {
        return Ok(false);
    }
    let (key, ages) = (tokio::task::spawn_blocking(move || generate(of)).await.map_err(|_| Fault::Unusable)??, *ages);
    Ok(store.write(move |tx| keys::grant(tx, &key, wish, &ages, now)).await?)
}

/// Prepares in time what will replace keys of age, and moves every key whose time has come. Any node may do it, as often as it likes.
///
/// # Errors
/// The database, or the cryptographic library.
pub async fn tend(store: &Store, ages: &Ages, now: Instant) -> Result<(), Fault> {
    for of in SigningAlgorithm::OF_KEYS {
        wish(store, of, Wish::Age, ages, now).await?;
    }
    let (all, ages) = (store.read(keys::all).await?, *ages);
    if SigningAlgorithm::OF_KEYS.into_iter().any(|of| !signing_key::due(&keys::of(&all, of), &ages, now).is_empty()) {
        store.write(move |tx| keys::advance(tx, &ages, now)).await?;
    }
    Ok(())
}
