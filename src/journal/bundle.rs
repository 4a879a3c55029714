//! An entry bundle of tlog-tiles: each entry after its length, two bytes, the larger first. An entry is `clear ‖ commitment`.

use super::Fault;
use super::leaf::{Hash, sha256};

/// The longest entry that a bundle can hold, its commitment included.
pub const LONGEST: usize = u16::MAX as usize;

/// The longest clear part.
pub const LONGEST_CLEAR: usize = LONGEST - size_of::<Hash>();

/// An entry as it stands in a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'b>(&'b [u8]);

impl<'b> Entry<'b> {
    /// An entry outside a bundle.
    ///
    /// # Errors
    /// Too short for a commitment, or longer than any.
    pub fn new(bytes: &'b [u8]) -> Result<Self, Fault> {
        let fits = (size_of::<Hash>()..=LONGEST).contains(&bytes.len());
        if fits { Ok(Self(bytes)) } else { Err(Fault::Malformed("an entry of that length")) }
    }

    /// The whole.
    #[must_use]
    pub const fn bytes(self) -> &'b [u8] {
        self.0
    }

    /// The clear part, and the commitment to the sealed one.
    #[must_use]
    pub fn parts(self) -> (&'b [u8], &'b [u8]) {
        self.0.split_at(self.0.len().saturating_sub(size_of::<Hash>()))
    }

    /// Its leaf hash.
    #[must_use]
    pub fn leaf(self) -> Hash {
        sha256(&[&[0], self.0])
    }
}

/// Adds an entry to a bundle.
///
/// # Errors
/// It is too long to stand in one.
pub fn append(bundle: &mut Vec<u8>, clear: &[u8], commitment: &Hash) -> Result<(), Fault> {
    let length = clear.len() + commitment.len();
    let length = u16::try_from(length).map_err(|_| Fault::Malformed("an entry longer than any"))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(clear);
    bundle.extend_from_slice(commitment);
    Ok(())
}

/// The entries of a bundle, in order; the last one says so if the bytes end in the middle.
pub fn entries(mut bundle: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, Fault>> {
    std::iter::from_fn(move || {
        if bundle.is_empty() {
            return None;
        }
        let found = bundle
            .split_first_chunk::<2>()
            .and_then(|(length, rest)| rest.split_at_checked(usize::from(u16::from_be_bytes(*length))));
        let Some((entry, rest)) = found else {
            bundle = &[];
            return Some(Err(Fault::Malformed("a bundle that ends within an entry")));
        };
        bundle = rest;
        Some(Entry::new(entry))
    })
}
