//! `private_key_jwt` (RFC 7523, OpenID Connect Core 9): a client proves who it is with a token that it signed itself, once.

use chrono::TimeDelta;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use serde_json::Value;

use super::Provider;
use super::error::ProtocolError;
use super::signed::{Signed, is_private};
use crate::credential;
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::store::seen;

/// The one type of client assertion (RFC 7523 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far a client's clock and ours may be apart.
pub(super) const SKEW: TimeDelta = TimeDelta::seconds(30);
/// The longest life of an assertion: for so long its identifier is remembered.
const LIFE: TimeDelta = TimeDelta::minutes(10);
/// The longest identifier of a token, in bytes.
pub(super) const LONGEST_JTI: usize = 256;

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List(Vec<String>),
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

/// Whom an assertion claims to come from: whose keys to verify it with.
pub(super) fn claimed_client(assertion: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claimed {
        sub: String,
    }
    Signed::parse(assertion)?.unverified::<Claimed>().map(|claimed| claimed.sub)
}

/// Reads the keys that a client registers.
///
/// # Errors
/// They are no JWK Set (RFC 7517 5) with at least one key, or hold a private part, in words for whoever registers.
pub fn registered_keys(text: &str) -> Result<(), &'static str> {
    let json: Value = serde_json::from_str(text).map_err(|_| "no JSON")?;
    let keys = json.get("keys").and_then(Value::as_array).ok_or("no JWK Set")?;
    if keys.iter().any(is_private) {
        return Err("keys with their private part, which only the service may have");
    }
    let known: JwkSet = serde_json::from_value(json.clone()).map_err(|_| "no JWK Set")?;
    if known.keys.is_empty() {
        return Err("no key");
    }
    // A key of an unknown kind is left out of what is read.
    let usable = known.keys.len() == keys.len() && known.keys.iter().all(|key| DecodingKey::from_jwk(key).is_ok());
    if usable { Ok(()) } else { Err("a key that cannot be used") }
}

/// The client's claims, if one of its keys signed them.
fn vouched(assertion: &str, client: &Client) -> Option<Claims> {
    let signed = Signed::parse(assertion)?;
    if client.is_fapi() && !signed.is_of_fapi() {
        return None;
    }
    let set: JwkSet = serde_json::from_str(client.keys.as_deref()?).ok()?;
    let named = |key: &&Jwk| signed.text("kid").is_none_or(|kid| key.common.key_id.as_deref() == Some(kid));
    set.keys.iter().filter(named).filter(|key| signed.fits(key)).find_map(|key| signed.vouched_by(key))
}

impl Claims {
    /// RFC 7523 3, with an audience that cannot be another server's: our issuer, or the endpoint's own address. FAPI 2.0 5.3.2.1 takes
    /// the issuer alone, as one text.
    fn stand(&self, client: &Client, issuer: &str, endpoint: &str, now: Instant) -> bool {
        let ours = |audience: &str| audience == issuer || (audience == endpoint && !client.is_fapi());
        let audience = match &self.aud {
            Audience::One(name) => ours(name),
            Audience::List(names) => !client.is_fapi() && matches!(names.as_slice(), [name] if ours(name)),
        };
        let soon = (now + SKEW).timestamp();
        let runs = self.exp > (now - SKEW).timestamp() && self.exp <= (now + LIFE + SKEW).timestamp();
        let begun = [self.iat, self.nbf].into_iter().flatten().all(|second| second <= soon);
        let named = (1..=LONGEST_JTI).contains(&self.jti.len());
        audience && runs && begun && named && self.iss == client.id && self.sub == client.id
    }
}

impl Provider {
    /// Whether an assertion is this client's, for us, and presented for the first time.
    ///
    /// # Errors
    /// The database.
    pub(super) async fn is_asserted(
        &self,
        assertion: &str,
        client: &Client,
        path: &str,
    ) -> Result<bool, ProtocolError> {
        let now = self.clock.now();
        let Some(claims) = vouched(assertion, client) else { return Ok(false) };
        if !claims.stand(client, &self.issuer, &format!("{}{path}", self.issuer), now) {
            return Ok(false);
        }
        let hash = credential::token_hash(&format!("assertion {} {}", client.id, claims.jti));
        let until = now + LIFE + SKEW + SKEW;
        self.store.write(move |tx| seen::is_new(tx, &hash, until).map_err(ProtocolError::from)).await
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeyPair;
    use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;
    use crate::domain::client::SigningAlgorithm;
    use crate::oidc::keys;

    /// `ensure-signed-client-assertion-with-RS256-fails`
    #[test]
    fn fapi_knows_no_rs256() {
        let made = keys::generate(SigningAlgorithm::Rs256).unwrap();
        let pair = KeyPair::from_pkcs8(&made.private).unwrap();
        let public: Value = serde_json::from_str(&made.public).unwrap();
        let usual = Client {
            keys: Some(json!({ "keys": [public] }).to_string()),
            ..Client::usual("s".into(), "S".into(), vec![])
        };
        let ways: [(&str, &'static dyn RsaEncoding); 2] = [("PS256", &RSA_PSS_SHA256), ("RS256", &RSA_PKCS1_SHA256)];
        for (name, way) in ways {
            let claims = json!({ "iss": "s", "sub": "s", "aud": "us", "exp": 1, "jti": "j" });
            let parts = [json!({ "alg": name }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let message = parts.join(".");
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(way, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
            for (pushed, dpop) in [(false, false), (true, false), (false, true), (true, true)] {
                let client = Client { pushed, dpop, ..usual.clone() };
                let accepted = name == "PS256" || !(pushed && dpop);
                assert_eq!(vouched(&token, &client).is_some(), accepted, "{name} {pushed} {dpop}");
            }
        }
    }
}
