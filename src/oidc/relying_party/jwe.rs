//! Encrypted tokens (RFC 7516): one accepted spelling, one key management of ours, one content encryption. Everything else is refused
//! before any costly work, and what is inside is a signed token, which `jws.rs` reads as any other.

#[cfg(test)]
mod tests;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::decryption::{DecryptionKeys, KeyManagement};
use super::jws::decode;
use super::{Refused, json};

/// The one content encryption (RFC 7518 5.3).
pub(super) const CONTENT: &str = "A256GCM";

/// The longest token that is looked at. FranceConnect's have about two thousand characters.
const LONGEST: usize = 32 * 1024;

/// The length of a tag of AES-GCM.
const TAG: usize = 16;

/// Header parameters that would change what is decrypted, how, with which key, or how dearly. Nothing is ever fetched because of them.
const DANGEROUS: [&str; 11] = ["crit", "b64", "zip", "p2c", "p2s", "iv", "tag", "jku", "x5u", "x5c", "jwk"];

/// The key of the content of one token.
pub(super) type ContentKey = Zeroizing<[u8; 32]>;

/// What a header says that matters.
struct Header {
    management: String,
    kid: Option<String>,
    /// The other side's key for this token, as an uncompressed point.
    point: Option<Vec<u8>>,
    /// The names of the two parties, which only have to be the same on both sides.
    parties: (Vec<u8>, Vec<u8>),
}

impl Header {
    fn read(part: &str) -> Result<Self, Refused> {
        let header: Map<String, Value> = json::read(&decode(part)?).map_err(|_| Refused::Form)?;
        if DANGEROUS.iter().any(|name| header.contains_key(*name)) {
            return Err(Refused::Form);
        }
        if text(&header, "enc")? != Some(CONTENT) {
            return Err(Refused::Algorithm);
        }
        let is_jwt = |name: &str| text(&header, name).map(|kind| kind.map(|kind| kind.eq_ignore_ascii_case("jwt")));
        // RFC 7519 5.2: this is how a token says that another one is inside.
        if is_jwt("cty")? != Some(true) || is_jwt("typ")? == Some(false) {
            return Err(Refused::Form);
        }
        let bytes = |name: &str| text(&header, name)?.map(decode).transpose().map(Option::unwrap_or_default);
        Ok(Self {
            management: text(&header, "alg")?.ok_or(Refused::Form)?.to_owned(),
            kid: text(&header, "kid")?.map(str::to_owned),
            point: header.get("epk").map(point).transpose()?,
            parties: (bytes("apu")?, bytes("apv")?),
        })
    }
}

/// A member that is a text or absent.
fn text<'h>(header: &'h Map<String, Value>, name: &str) -> Result<Option<&'h str>, Refused> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refused::Form),
    }
}

/// A public key on P-256 (RFC 7518 6.2.1), each coordinate in full. Whether it is on the curve is the library's to say.
fn point(key: &Value) -> Result<Vec<u8>, Refused> {
    let part = |name: &str| key.get(name).and_then(Value::as_str).ok_or(Refused::Form);
    if part("kty")? != "EC" || part("crv")? != "P-256" || key.get("d").is_some() {
        return Err(Refused::Form);
    }
    let (x, y) = (decode(part("x")?)?, decode(part("y")?)?);
    if x.len() != 32 || y.len() != 32 {
        return Err(Refused::Form);
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

/// What a token encrypted for us holds: a text that nobody has vouched for yet.
pub(super) fn open(token: &str, keys: &DecryptionKeys) -> Result<String, Refused> {
    if token.len() > LONGEST {
        return Err(Refused::Form);
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, wrapped, iv, content, tag] = parts.as_slice() else {
        return Err(if parts.len() == 3 { Refused::NotEncrypted } else { Refused::Form });
    };
    let said = Header::read(header)?;
    let key = keys.named(said.kid.as_deref())?;
    if said.management != key.management().as_str() {
        return Err(Refused::Algorithm);
    }
    let iv: [u8; NONCE_LEN] = decode(iv)?.try_into().map_err(|_| Refused::Form)?;
    let (mut sealed, tag) = (decode(content)?, decode(tag)?);
    if tag.len() != TAG {
        return Err(Refused::Form);
    }
    sealed.extend(tag);
    let point = said.point.as_deref().filter(|_| key.management() == KeyManagement::EcdhEs);
    let (producer, recipient) = &said.parties;
    let content_key = key.content_key(point, (producer, recipient), &decode(wrapped)?)?;
    let plain = decrypted(&content_key, iv, header, sealed)?;
    String::from_utf8(plain).map_err(|_| Refused::Form)
}

/// RFC 7518 5.3: the header, as it was spelled, is authenticated with the content.
fn decrypted(key: &ContentKey, iv: [u8; NONCE_LEN], header: &str, mut sealed: Vec<u8>) -> Result<Vec<u8>, Refused> {
    let cipher = UnboundKey::new(&AES_256_GCM, key.as_ref()).map(LessSafeKey::new).map_err(|_| Refused::Decryption)?;
    let plain = cipher
        .open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(header.as_bytes()), &mut sealed)
        .map_err(|_| Refused::Decryption)?
        .len();
    sealed.truncate(plain);
    Ok(sealed)
}

/// RFC 7518 4.6.2, for at most 256 bits, which one round of SHA-256 gives.
pub(super) fn concat_kdf(
    secret: &[u8],
    algorithm: &str,
    bits: u32,
    (producer, recipient): (&[u8], &[u8]),
) -> ContentKey {
    let mut hash = Context::new(&SHA256);
    hash.update(&1_u32.to_be_bytes());
    hash.update(secret);
    for named in [algorithm.as_bytes(), producer, recipient] {
        // A token is much shorter than what does not fit.
        hash.update(&u32::try_from(named.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(named);
    }
    hash.update(&bits.to_be_bytes());
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(hash.finish().as_ref());
    key
}
