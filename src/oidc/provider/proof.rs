//! Proofs of possession (RFC 9449, DPoP): a token bound to a key is worth nothing without it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::Provider;
use super::assertion::{LONGEST_JTI, SKEW};
use super::error::ProtocolError;
use super::signed::{Signed, is_private};
use crate::credential;
use crate::domain::Instant;
use crate::domain::digest::Digest;
use crate::store::seen;

/// The algorithms of a proof.
pub const ALGORITHMS: [&str; 2] = ["ES256", "PS256"];

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    exp: Option<i64>,
    nbf: Option<i64>,
    ath: Option<String>,
}

/// The request that a proof must be about.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// Its method.
    pub method: &'r str,
    /// Its path.
    pub path: &'r str,
    /// The access token it carries, if it carries one.
    pub token: Option<&'r str>,
}

/// The key of a proof, and what it says: only a proof that the key signed.
fn vouched(proof: &str) -> Option<(String, Claims)> {
    let signed = Signed::parse(proof)?;
    let allowed = signed.text("typ") == Some("dpop+jwt") && ALGORITHMS.contains(&signed.text("alg")?);
    let json: &Value = signed.header.get("jwk").filter(|key| allowed && !is_private(key))?;
    let key: Jwk = serde_json::from_value(json.clone()).ok()?;
    if !signed.fits(&key) {
        return None;
    }
    let claims = signed.vouched_by(&key)?;
    Some((key.thumbprint(ThumbprintHash::SHA256).ok()?, claims))
}

/// An address without query and fragment, as RFC 3986 6.2.2 writes it (RFC 9449 4.3).
fn bare(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

impl Claims {
    fn stand(&self, request: Request<'_>, issuer: &str, now: Instant) -> bool {
        let here = bare(&format!("{issuer}{}", request.path));
        let hash = |token: &str| URL_SAFE_NO_PAD.encode(Digest::of(token.as_bytes()).as_bytes());
        let (earliest, latest) = ((now - SKEW - SKEW).timestamp(), (now + SKEW).timestamp());
        let timely = (earliest..=latest).contains(&self.iat)
            && self.exp.is_none_or(|second| second > earliest)
            && self.nbf.is_none_or(|second| second <= latest);
        timely
            && self.htm == request.method
            && here.is_some()
            && bare(&self.htu) == here
            && (1..=LONGEST_JTI).contains(&self.jti.len())
            && request.token.is_none_or(|token| self.ath.as_deref() == Some(hash(token).as_str()))
    }
}

impl Provider {
    /// The thumbprint (RFC 7638) of the key that a proof shows for this request, presented for the first time.
    ///
    /// # Errors
    /// The proof is not accepted; the database.
    pub async fn prove(&self, proof: &str, request: Request<'_>) -> Result<String, ProtocolError> {
        let now = self.clock.now();
        let (key, claims) = vouched(proof).ok_or(ProtocolError::InvalidProof)?;
        if !claims.stand(request, &self.issuer, now) {
            return Err(ProtocolError::InvalidProof);
        }
        let hash = credential::token_hash(&format!("proof {key} {}", claims.jti));
        let until = now + SKEW + SKEW + SKEW + SKEW;
        let new = self.store.write(move |tx| seen::is_new(tx, &hash, until).map_err(ProtocolError::from)).await?;
        if new { Ok(key) } else { Err(ProtocolError::InvalidProof) }
    }
}
