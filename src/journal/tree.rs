//! The Merkle tree of RFC 6962, 2.1: roots, and the two kinds of proof.
//!
//! A proof is a list of ranges of leaves, decided by numbers alone, and then the hash of each range. Whoever can answer the hashes of
//! complete subtrees ([`Nodes`]) can make any proof.

use std::ops::Range;

use super::Fault;
use super::leaf::{Hash, digest};

/// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    let (_, rest) = bytes.split_at_mut(1);
    let (one, other) = rest.split_at_mut(32);
    one.copy_from_slice(left);
    other.copy_from_slice(right);
    digest(&bytes)
}

/// The root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty() -> Hash {
    digest(&[])
}

/// The hash over a complete subtree, from the hashes of one of its rows: 2ⁿ of them.
///
/// # Errors
/// Their number is no power of two.
pub fn fold(row: &[Hash]) -> Result<Hash, Fault> {
    let mut row = row.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => Ok(node(left, right)),
                _ => Err(Fault::Malformed("a row that is no power of two")),
            })
            .collect::<Result<_, _>>()?;
    }
    row.first().copied().ok_or(Fault::Malformed("an empty row"))
}

/// A tree that grows to the right, as the roots of its complete subtrees: a few dozen hashes, however many leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each bit of the size, the largest first.
    roots: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree that exists already, read from its nodes.
    ///
    /// # Errors
    /// A node is missing.
    pub fn read<N: Nodes>(size: u64, nodes: &mut N) -> Result<Self, N::Error> {
        let roots = complete(0..size).map(|(height, index)| nodes.node(height, index)).collect::<Result<_, _>>()?;
        Ok(Self { size, roots })
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, by its hash.
    pub fn push(&mut self, leaf: Hash) {
        self.join(0, leaf);
    }

    /// Adds a complete subtree of 2^`height` leaves. The size must be a multiple of that.
    pub(super) fn join(&mut self, height: u32, mut hash: Hash) {
        let mut rest = self.size >> height;
        while rest & 1 == 1
            && let Some(left) = self.roots.pop()
        {
            hash = node(&left, &hash);
            rest >>= 1;
        }
        self.roots.push(hash);
        self.size += 1 << height;
    }

    /// The root of the whole.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return empty() };
        roots.fold(*last, |right, left| node(left, &right))
    }
}

/// Whoever knows the hashes of complete subtrees.
pub trait Nodes {
    /// Why one is not known.
    type Error;

    /// The hash of the subtree over the leaves from `index`·2^`height` to before (`index` + 1)·2^`height`.
    ///
    /// # Errors
    /// It is not known.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;

    /// The hash over a range of leaves as trees and proofs have them: it begins where a subtree of its length could.
    ///
    /// # Errors
    /// A node is not known.
    fn range(&mut self, range: Range<u64>) -> Result<Hash, Self::Error> {
        let mut roots = Vec::new();
        for (height, index) in complete(range) {
            roots.push(self.node(height, index)?);
        }
        let mut roots = roots.into_iter().rev();
        let Some(last) = roots.next() else { return Ok(empty()) };
        Ok(roots.fold(last, |right, left| node(&left, &right)))
    }

    /// The inclusion proof of a leaf: RFC 6962, 2.1.1.
    ///
    /// # Errors
    /// A node is not known.
    fn inclusion(&mut self, index: u64, size: u64) -> Result<Vec<Hash>, Self::Error> {
        inclusion(index, size).into_iter().map(|range| self.range(range)).collect()
    }

    /// The proof that a tree of `old` leaves is the beginning of one of `new`: RFC 6962, 2.1.2.
    ///
    /// # Errors
    /// A node is not known.
    fn consistency(&mut self, old: u64, new: u64) -> Result<Vec<Hash>, Self::Error> {
        consistency(old, new).into_iter().map(|range| self.range(range)).collect()
    }
}

/// The complete subtrees that make a range, the largest first: each is a height and its place at that height.
pub(super) fn complete(range: Range<u64>) -> impl Iterator<Item = (u32, u64)> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        let height = range.end.checked_sub(start)?.checked_ilog2()?;
        let found = (height, start >> height);
        start += 1 << height;
        Some(found)
    })
}

/// Where RFC 6962 parts a range: after the largest power of two smaller than its length.
const fn middle(range: &Range<u64>) -> u64 {
    let last = range.end - range.start - 1;
    range.start + (1 << last.ilog2())
}

/// The ranges of an inclusion proof, the leaf's sibling first; none if there is no such leaf.
pub(super) fn inclusion(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut within = 0..size;
    while index < size && within.end - within.start > 1 {
        let middle = middle(&within);
        if index < middle {
            ranges.push(middle..within.end);
            within.end = middle;
        } else {
            ranges.push(within.start..middle);
            within.start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The ranges of a consistency proof; none if the older tree is empty, as large, or larger.
fn consistency(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut within = 0..new;
    if old == 0 || old >= new {
        return ranges;
    }
    while old < within.end {
        let middle = middle(&within);
        if old <= middle {
            ranges.push(middle..within.end);
            within.end = middle;
        } else {
            ranges.push(within.start..middle);
            within.start = middle;
        }
    }
    // The older root itself is known to whoever checks.
    if within.start > 0 {
        ranges.push(within);
    }
    ranges.reverse();
    ranges
}

/// Checks that `leaf` is the leaf at `index` of the tree with this root (RFC 9162, 2.1.3.2).
///
/// # Errors
/// It is not, or the proof is not one.
pub fn check_inclusion(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> Result<(), Fault> {
    if index >= size {
        return Err(Fault::Unproved);
    }
    let (mut place, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(Fault::Unproved);
        }
        if place & 1 == 1 || place == last {
            hash = node(sibling, &hash);
            let skipped = place.trailing_zeros();
            (place, last) = (place >> skipped, last >> skipped);
        } else {
            hash = node(&hash, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(Fault::Unproved) }
}

/// Checks that the tree `old` is the beginning of the tree `new`, each a size and a root (RFC 9162, 2.1.4.2). The empty tree begins
/// every other.
///
/// # Errors
/// It is not, or the proof is not one.
pub fn check_consistency(old: (u64, &Hash), new: (u64, &Hash), proof: &[Hash]) -> Result<(), Fault> {
    if old.0 > new.0 {
        return Err(Fault::Unproved);
    }
    if old.0 == 0 || old.0 == new.0 {
        let same = if old.0 == new.0 { old.1 == new.1 } else { *old.1 == empty() };
        return if same && proof.is_empty() { Ok(()) } else { Err(Fault::Unproved) };
    }
    let mut hashes = proof.iter();
    let seed = if old.0.is_power_of_two() { Some(old.1) } else { hashes.next() };
    let seed = seed.ok_or(Fault::Unproved)?;
    let shared = (old.0 - 1).trailing_ones();
    let (mut place, mut last) = ((old.0 - 1) >> shared, (new.0 - 1) >> shared);
    let (mut older, mut newer) = (*seed, *seed);
    for hash in hashes {
        if last == 0 {
            return Err(Fault::Unproved);
        }
        if place & 1 == 1 || place == last {
            older = node(hash, &older);
            newer = node(hash, &newer);
            let skipped = place.trailing_zeros();
            (place, last) = (place >> skipped, last >> skipped);
        } else {
            newer = node(&newer, hash);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last == 0 && older == *old.1 && newer == *new.1 { Ok(()) } else { Err(Fault::Unproved) }
}
