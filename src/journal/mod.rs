//! The evidence: bytes in, hashes and proofs out. It knows nothing of mandates, and does no input or output.
//!
//! The formats are C2SP's, unchanged: tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-proof. `docs/journal.md` says
//! them again, so that a stranger can check us without reading this.

pub mod bundle;
pub mod checkpoint;
mod compare;
pub mod leaf;
pub mod line;
pub mod listing;
pub mod note;
pub mod proof;
pub mod tile;
pub mod timestamp;
mod together;
pub mod tree;
pub mod verify;
pub mod witness;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use leaf::Hash;

/// Why bytes are not evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// They have not the form they should have.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The key we know did not sign.
    #[error("not signed by this key")]
    Unsigned,
    /// It is said to have signed, and did not.
    #[error("the signature is not this key's")]
    Forged,
    /// Well formed, of another log.
    #[error("of another log")]
    Foreign,
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    Unproved,
}

/// A hash in a line of text.
fn in_base64(hash: &Hash) -> String {
    STANDARD.encode(hash)
}

/// A hash of a line of text: RFC 4648, 4, with its final `=`, and in no second spelling.
fn from_base64(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// A number in its only spelling: ASCII digits without leading zeroes. Above 2⁶³ − 1 there is no tree.
fn decimal(text: &str) -> Option<u64> {
    let number = text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())?;
    (number.to_string() == text).then_some(number)
}
