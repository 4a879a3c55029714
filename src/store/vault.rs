//! The vault: what is known about persons is sealed here before it reaches the database.
//!
//! A key per person, wrapped by the master key, seals that person's records with AES-256-GCM-SIV (RFC 8452); the additional data binds
//! each sealed value to its table, column, row and owner, so that a value moved elsewhere does not open. Look-ups go through keyed
//! hashes (blind indexes). Destroying a person's key destroys everything it sealed.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use super::Error;
use crate::clock::Random;

/// The version of the master key in use; a rotation will count it up.
pub(super) const MASTER_VERSION: i32 = 1;

/// Where a sealed value lives. Nobody can move it elsewhere unseen.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Primary key of the row.
    pub row: &'a str,
}

/// The keys derived from the master key.
pub struct Vault {
    wrapping: LessSafeKey,
    system: PersonKey,
    index: hmac::Key,
    random: Random,
}

/// The key of one person, unwrapped, for the time of one request.
pub struct PersonKey {
    owner: String,
    key: LessSafeKey,
}

impl PersonKey {
    /// Whose it is.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// One 256-bit key for one purpose (RFC 5869).
fn derive(master: &[u8; 32], purpose: &str) -> Result<Zeroizing<[u8; 32]>, Error> {
    let mut key = Zeroizing::new([0; 32]);
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"mandataire vault 1");
    salt.extract(master)
        .expand(&[purpose.as_bytes()], Length(32))
        .and_then(|output| output.fill(key.as_mut()))
        .map_err(|_| Error::Sealed("deriving a key"))?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, Error> {
    UnboundKey::new(&AES_256_GCM_SIV, key).map(LessSafeKey::new).map_err(|_| Error::Sealed("making a key"))
}

fn seal(key: &LessSafeKey, random: &Random, context: &str, plain: &[u8]) -> Result<Vec<u8>, Error> {
    let nonce: [u8; NONCE_LEN] = random.bytes();
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
        .map_err(|_| Error::Sealed("sealing"))?;
    let mut whole = nonce.to_vec();
    whole.append(&mut sealed);
    Ok(whole)
}

fn open(key: &LessSafeKey, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(Error::Sealed("a sealed value too short"))?;
    let mut plain = Zeroizing::new(rest.to_vec());
    let length = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut plain)
        .map_err(|_| Error::Sealed("a value that was altered, moved, or sealed under another key"))?
        .len();
    plain.truncate(length);
    Ok(plain)
}

impl Vault {
    /// The vault of a master key.
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub fn new(master: &[u8; 32], random: Random) -> Result<Self, Error> {
        Ok(Self {
            wrapping: cipher(&*derive(master, "wrapping")?)?,
            system: PersonKey { owner: "system".to_owned(), key: cipher(&*derive(master, "system")?)? },
            index: hmac::Key::new(hmac::HMAC_SHA256, derive(master, "blind index")?.as_ref()),
            random,
        })
    }

    /// The key that seals what belongs to no person: client secrets, signing keys.
    #[must_use]
    pub const fn system(&self) -> &PersonKey {
        &self.system
    }

    /// A new key for a person, and its wrapped form for the database.
    pub(super) fn new_key(&self, owner: &str) -> Result<(PersonKey, Vec<u8>), Error> {
        let key = Zeroizing::new(self.random.bytes::<32>());
        let wrapped = seal(&self.wrapping, &self.random, &wrapping_context(owner), key.as_ref())?;
        Ok((PersonKey { owner: owner.to_owned(), key: cipher(&key)? }, wrapped))
    }

    /// Unwraps a person's key.
    pub(super) fn unwrap_key(&self, owner: &str, wrapped: &[u8]) -> Result<PersonKey, Error> {
        let plain = open(&self.wrapping, &wrapping_context(owner), wrapped)?;
        let key: &[u8; 32] = plain.as_slice().try_into().map_err(|_| Error::Sealed("a person's key"))?;
        Ok(PersonKey { owner: owner.to_owned(), key: cipher(key)? })
    }

    /// Seals a value for a person and a place.
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub fn seal(&self, key: &PersonKey, place: Place<'_>, plain: &[u8]) -> Result<Vec<u8>, Error> {
        seal(&key.key, &self.random, &context(&key.owner, place), plain)
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// It was altered, moved, or sealed under another key.
    pub fn open(&self, key: &PersonKey, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        open(&key.key, &context(&key.owner, place), sealed)
    }

    /// The blind index of a text: the same text always gives the same 32 bytes, which say nothing without the master key.
    #[must_use]
    pub fn index(&self, purpose: &str, text: &str) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.index);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        context.sign().as_ref().to_vec()
    }
}

fn wrapping_context(owner: &str) -> String {
    format!("person_keys|wrapped|{owner}|{MASTER_VERSION}")
}

fn context(owner: &str, place: Place<'_>) -> String {
    format!("{}|{}|{}|{owner}|{MASTER_VERSION}", place.table, place.column, place.row)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'static> = Place { table: "citizens", column: "identity", row: "cit_1" };

    fn vault() -> Vault {
        Vault::new(&[7; 32], Random::system()).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_for_its_owner() {
        let vault = vault();
        let (key, wrapped) = vault.new_key("cit_1").unwrap();
        let sealed = vault.seal(&key, HERE, b"Angela").unwrap();
        let again = vault.unwrap_key("cit_1", &wrapped).unwrap();
        assert_eq!(vault.open(&again, HERE, &sealed).unwrap().as_slice(), b"Angela");
        let elsewhere = Place { row: "cit_2", ..HERE };
        assert!(vault.open(&key, elsewhere, &sealed).is_err());
        let (other, _) = vault.new_key("cit_2").unwrap();
        assert!(vault.open(&other, HERE, &sealed).is_err());
        assert!(vault.unwrap_key("cit_2", &wrapped).is_err(), "a wrapped key is bound to its owner");
    }

    #[test]
    fn one_flipped_bit_is_seen() {
        let vault = vault();
        let mut sealed = vault.seal(vault.system(), HERE, b"secret").unwrap();
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
        assert!(vault.open(vault.system(), HERE, &sealed).is_err());
        assert!(vault.open(vault.system(), HERE, b"short").is_err());
    }

    #[test]
    fn an_index_is_stable_and_depends_on_purpose_and_key() {
        let vault = vault();
        assert_eq!(vault.index("email", "a@b.fr"), vault.index("email", "a@b.fr"));
        assert_ne!(vault.index("email", "a@b.fr"), vault.index("name", "a@b.fr"));
        let other = Vault::new(&[8; 32], Random::system()).unwrap();
        assert_ne!(vault.index("email", "a@b.fr"), other.index("email", "a@b.fr"));
    }
}
