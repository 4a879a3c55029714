//! The verifier: whether entries are those of the tree, whether the tree is the one that was signed, and if not, where and how.
//!
//! Two steps, so that all cores work and memory stays flat. [`recompute`] hashes one bundle, and needs nothing but the bundle and its
//! tile: it may run on any thread, in any order. [`Audit::take`] joins what it answers, in order, and is cheap.

use std::iter::Peekable;
use std::ops::Range;

use super::bundle;
use super::compare::{Comparison, Found};
use super::leaf::Hash;
use super::tile::WIDTH;
use super::together;
use super::tree::{self, Frontier};

/// What happened to entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Damage {
    /// Another entry stands in the place of the signed one.
    Altered,
    /// A signed entry is not there.
    Missing,
    /// An entry is there that was never signed.
    Added,
    /// A signed entry stands in another place.
    Moved,
    /// Fewer leaves than a checkpoint says.
    RolledBack,
    /// The log signed two trees of which neither begins the other.
    Forked,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub damage: Damage,
    /// The positions concerned. More than one, if it cannot be said which of them: the interval between two checkpoints.
    pub positions: Range<u64>,
    /// The identifier of the entry that stands there now, if one does.
    pub entry: Option<String>,
}

/// What the verifier says in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Leaves of the tree.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Checkpoints that the tree agrees with.
    pub agreed: u64,
    /// Leaves up to the largest of them: so far, every entry is covered by a signature.
    pub covered: u64,
    /// What is wrong, by position. Empty: nothing.
    pub findings: Vec<Finding>,
    /// Whether there was more, too much to be listed.
    pub more: bool,
}

/// A tree that somebody vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Whether it comes from elsewhere than what is verified: kept by the reader, or cosigned by a witness.
    pub foreign: bool,
}

/// One bundle, hashed.
pub struct Recomputed {
    /// The rows of the subtree over it, leaves first: those of its tile, or its own if there is none.
    rows: Vec<Vec<Hash>>,
    /// What stands in the bundle, unless it is exactly what its tile says.
    found: Option<Vec<Found>>,
}

impl Recomputed {
    /// The hashes of a tile alone, without the entries under it.
    #[must_use]
    pub fn of_tile(tile: &[u8]) -> Self {
        Self { rows: rows(tile.as_chunks().0.to_vec()), found: None }
    }

    /// The hash over it, if it is full.
    #[must_use]
    pub fn root(&self) -> Option<Hash> {
        let full = self.rows.first().is_some_and(|leaves| leaves.len() == usize::from(WIDTH));
        self.rows.last().and_then(|top| top.first()).filter(|_| full).copied()
    }
}

/// Hashes one bundle, whose first entry is at position `first`, and compares it with its tile of leaf hashes. Without a tile there is
/// nothing to compare it with but the checkpoints: damage is then found, and located between two of them.
///
/// An entry of length zero says that there is none at its position.
#[must_use]
pub fn recompute(first: u64, bundle: &[u8], tile: Option<&[u8]>) -> Recomputed {
    let said = tile.map(|tile| tile.as_chunks().0).map(|said| said.get(..usize::from(WIDTH)).unwrap_or(said));
    let leaves = leaves(bundle);
    match (said, leaves) {
        (None, Some(leaves)) => Recomputed { rows: rows(leaves), found: None },
        (Some(said), Some(leaves)) if leaves == said => Recomputed { rows: rows(leaves), found: None },
        (said, _) => {
            let found: Vec<Found> = listed(first, bundle).collect();
            let said = said.map_or_else(|| found.iter().map(|found| found.leaf).collect(), <[Hash]>::to_vec);
            Recomputed { rows: rows(said), found: Some(found) }
        }
    }
}

/// The leaf hashes of a bundle in which every entry is one.
fn leaves(bundle: &[u8]) -> Option<Vec<Hash>> {
    let mut entries = Vec::with_capacity(usize::from(WIDTH));
    for entry in bundle::entries(bundle) {
        entries.push(entry.ok()?);
    }
    Some(together::leaves(&entries))
}

/// The entries of a bundle by their positions, without what is none.
fn listed(first: u64, bundle: &[u8]) -> impl Iterator<Item = Found> {
    let present = (first..).zip(bundle::entries(bundle)).filter_map(|(position, entry)| Some((position, entry.ok()?)));
    present.map(|(position, entry)| Found { position, leaf: entry.leaf(), entry: identifier(entry.parts().0) })
}

/// The rows of complete nodes above a row of leaves.
fn rows(leaves: Vec<Hash>) -> Vec<Vec<Hash>> {
    let mut rows = Vec::with_capacity(9);
    let mut row = leaves;
    while row.len() > 1 {
        let above = together::nodes(&row);
        rows.push(std::mem::replace(&mut row, above));
    }
    rows.push(row);
    rows
}

/// The identifier in a clear part. Keys are in order and quotation marks in values are escaped, so this is it and nothing else.
fn identifier(clear: &[u8]) -> Option<String> {
    let (_, rest) = std::str::from_utf8(clear).ok()?.split_once("\"id\":\"")?;
    rest.split_once('"').map(|(id, _)| id.to_owned())
}

/// Joins recomputed bundles into the tree, and compares it with what was vouched for.
pub struct Audit<M: Iterator<Item = Mark>> {
    tree: Frontier,
    marks: Peekable<M>,
    /// Size and number of the marks that the tree agrees with, so far.
    covered: u64,
    agreed: u64,
    /// The first of each run of marks that it does not agree with.
    refuted: Vec<Refuted>,
    comparison: Comparison,
}

struct Refuted {
    between: Range<u64>,
    /// The tree agrees with a mark after it, or with one of its own beside a foreign one.
    contradicted: bool,
}

impl<M: Iterator<Item = Mark>> Audit<M> {
    /// Begins at position 0. The marks come in the order of their sizes.
    pub fn new(marks: M) -> Self {
        Self {
            tree: Frontier::default(),
            marks: marks.peekable(),
            covered: 0,
            agreed: 0,
            refuted: Vec::new(),
            comparison: Comparison::default(),
        }
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Takes the next bundle; every one before the last must be full.
    pub fn take(&mut self, next: Recomputed) {
        let start = self.tree.size();
        let leaves = next.rows.first().map_or(&[][..], Vec::as_slice);
        self.comparison.take(start, leaves, next.found);
        let end = start + u64::try_from(leaves.len()).unwrap_or(0);
        while let Some(mark) = self.marks.next_if(|mark| mark.size <= end) {
            let mut tree = self.tree.clone();
            grow(&mut tree, &next.rows, mark.size.saturating_sub(start));
            self.meet(&mark, &tree);
        }
        grow(&mut self.tree, &next.rows, end - start);
    }

    fn meet(&mut self, mark: &Mark, tree: &Frontier) {
        let agrees = tree.size() == mark.size && tree.root() == mark.root;
        if agrees {
            self.refuted.iter_mut().for_each(|refuted| refuted.contradicted = true);
            self.covered = mark.size;
            self.agreed += 1;
        } else if self.refuted.last().is_none_or(|last| last.between.start < self.covered || last.contradicted) {
            // A tree that is signed in two ways is forked, whichever of the two is before us.
            let contradicted = mark.foreign && self.covered == mark.size;
            self.refuted.push(Refuted { between: self.covered.min(mark.size)..mark.size, contradicted });
        }
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn finish(mut self) -> Report {
        let size = self.tree.size();
        let empty = Frontier::default();
        while let Some(mark) = self.marks.next_if(|mark| mark.size == 0) {
            self.meet(&mark, &empty);
        }
        let (mut findings, more) = self.comparison.finish();
        if let Some(largest) = self.marks.last() {
            let positions = size..largest.size;
            findings.push(Finding { damage: Damage::RolledBack, positions, entry: None });
        }
        for Refuted { between, contradicted } in self.refuted {
            let damage = if contradicted { Damage::Forked } else { Damage::Altered };
            findings.push(Finding { damage, positions: between, entry: None });
        }
        findings.sort_by_key(|finding| (finding.positions.start, finding.positions.end));
        Report { size, root: self.tree.root(), agreed: self.agreed, covered: self.covered, findings, more }
    }
}

/// Adds the first `count` leaves of a bundle to a tree, by the complete nodes over them.
fn grow(tree: &mut Frontier, rows: &[Vec<Hash>], count: u64) {
    for (height, index) in tree::complete(0..count) {
        let row = usize::try_from(height).ok().and_then(|height| rows.get(height));
        let hash = row.and_then(|row| row.get(usize::try_from(index).ok()?));
        if let Some(hash) = hash {
            // A bundle begins where a subtree of its full width could, so each of these fits.
            tree.join(height, *hash);
        }
    }
}
