//! An entry of the journal as bytes: a clear part in canonical form, a commitment to the sealed part, and the leaf hash of both.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, Context, SHA256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The commitment of an entry without a sealed part.
pub const NOTHING_SEALED: Hash = [0; 32];

/// SHA-256 of these bytes, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    value(&context.finish())
}

/// SHA-256 of bytes that lie together: faster than of parts.
pub(super) fn digest(bytes: &[u8]) -> Hash {
    value(&digest::digest(&SHA256, bytes))
}

fn value(digest: &digest::Digest) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// The clear part in canonical form: a JSON object of texts, keys in order, no white space (RFC 8785).
#[must_use]
pub fn clear(fields: &BTreeMap<&str, &str>) -> Vec<u8> {
    // A map of texts to texts always serialises; RFC 8785 asks for the very escapes that serde_json writes.
    serde_json::to_vec(fields).unwrap_or_default()
}

/// The commitment to a sealed part: `SHA-256(salt ‖ ciphertext)`. Without the salt it says nothing about the ciphertext.
#[must_use]
pub fn commitment(salt: &[u8; 32], ciphertext: &[u8]) -> Hash {
    sha256(&[salt, ciphertext])
}

/// The leaf hash of RFC 6962 2.1: `SHA-256(0x00 ‖ entry)`, where the entry is `clear ‖ commitment`.
#[must_use]
pub fn leaf_hash(clear: &[u8], commitment: &Hash) -> Hash {
    sha256(&[&[0], clear, commitment])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::line::hex;

    #[test]
    fn the_clear_part_has_one_form() {
        let fields = BTreeMap::from([("kind", "use"), ("at", "2026-11-22T09:00:00.000000Z"), ("b", "\u{e9}\"\n")]);
        let expected = r#"{"at":"2026-11-22T09:00:00.000000Z","b":"é\"\n","kind":"use"}"#;
        assert_eq!(String::from_utf8(clear(&fields)).unwrap(), expected);
    }

    #[test]
    fn the_leaf_of_nothing_is_the_one_of_rfc_6962() {
        // SHA-256 of a single zero byte: the leaf hash of the empty entry.
        let empty = sha256(&[&[0]]);
        assert_eq!(hex(&empty), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(leaf_hash(b"", &NOTHING_SEALED), sha256(&[&[0], &[0; 32]]));
    }

    #[test]
    fn any_change_of_either_part_changes_the_leaf() {
        let leaf = leaf_hash(b"{}", &commitment(&[1; 32], b"sealed"));
        assert_ne!(leaf, leaf_hash(b"{ }", &commitment(&[1; 32], b"sealed")));
        assert_ne!(leaf, leaf_hash(b"{}", &commitment(&[2; 32], b"sealed")));
        assert_ne!(leaf, leaf_hash(b"{}", &NOTHING_SEALED));
    }
}
