//! Why nothing is signed.

use crate::journal::Fault;
use crate::store;

/// Why nothing is signed now.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The database lost what was signed.
    #[error(
        "the journal has {found} positions, and a tree of {signed} was signed: the database lost entries, as one restored from a \
         backup does. Nothing is signed until they are back; see docs/operating.md, \"A journal that lost entries\""
    )]
    RolledBack {
        /// Leaves of the tree that was signed.
        signed: u64,
        /// Positions in the database.
        found: u64,
    },
    /// The database has another history than the one that was signed.
    #[error(
        "the first {0} entries of the journal are not those that were signed: the database was changed. Nothing is signed; see \
         docs/operating.md, \"A journal that lost entries\""
    )]
    Forked(u64),
    /// This machine does not know what was signed, and nobody who does is at work.
    #[error(
        "a tree of {0} entries was signed with this key, and this machine does not remember it: a database restored onto it may have lost \
         entries. Nothing is signed; see docs/operating.md, \"A machine that remembers nothing\""
    )]
    Unremembered(u64),
    /// What is in the database cannot be read as a tree.
    #[error("the tree of the journal cannot be read: {0}")]
    Damaged(#[from] Fault),
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The file of the last checkpoint.
    #[error("{0}; see journal.signed_file")]
    Memory(String),
    /// What this node left to others, who do not do it either.
    #[error("{0}")]
    Left(String),
}

impl Trouble {
    /// Whether only this machine cannot sign: the journal need not wait for it.
    pub(super) const fn is_of_this_machine(&self) -> bool {
        matches!(self, Self::Memory(_) | Self::Unremembered(_))
    }
}
