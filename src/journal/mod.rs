//! The evidence: bytes in, hashes out. It knows nothing of mandates. The tree over the leaves comes with its own module.

pub mod leaf;
pub mod line;
