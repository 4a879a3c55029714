//! Sealed parts in a copy: a file of lines beside each bundle.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::journal::bundle;
use crate::journal::leaf::{self, Hash};
use crate::journal::tile::Tile;

/// The positions of sealed parts that are not those to which the entries commit. A line that is none is at the first.
pub(super) fn odd_parts(first: u64, bytes: &[u8], lines: &[u8]) -> Vec<u64> {
    let commitments: Vec<&[u8]> =
        bundle::entries(bytes).map(|entry| entry.map_or(&[][..], |entry| entry.parts().1)).collect();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let odd = lines.filter_map(|line| {
        let Ok(part) = serde_json::from_slice::<SealedPart>(line) else { return Some(first) };
        let at = part.position.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        let commitment = at.and_then(|at| commitments.get(at));
        let is = part.commitment().is_some_and(|made| commitment.is_some_and(|kept| *kept == made));
        (!is).then_some(part.position)
    });
    odd.collect()
}

/// A line of a file of sealed parts.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SealedPart {
    /// The position of its entry.
    pub position: u64,
    /// Its entry.
    pub entry: String,
    /// Whose key seals it.
    pub owner: String,
    /// In base64.
    pub salt: String,
    /// In base64.
    pub ciphertext: String,
    /// What the ciphertext says, for whoever may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<serde_json::Value>,
}

impl SealedPart {
    fn commitment(&self) -> Option<Hash> {
        let salt = STANDARD.decode(&self.salt).ok()?.try_into().ok()?;
        Some(leaf::commitment(&salt, &STANDARD.decode(&self.ciphertext).ok()?))
    }
}

/// The folder of sealed parts in a copy.
pub(super) const SEALED: &str = "sealed";

/// Where the sealed parts of a bundle are in a copy.
#[must_use]
pub fn sealed_path(bundle: Tile) -> String {
    format!("{}.jsonl", bundle.to_string().replacen("tile/entries", SEALED, 1))
}
