//! The tree, its tiles, its notes and its proofs: against other implementations, against golden vectors, and damaged on purpose.

mod damage;
mod golden;
mod listing;
mod oracles;

use std::collections::BTreeMap;

use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::leaf::{Hash, NOTHING_SEALED};
use mandataire::journal::note::{Purpose, Signer};
use mandataire::journal::tile::{Edge, Row, Tile, Tiled};
use mandataire::journal::{Fault, bundle, leaf};

/// A log in memory, as its public files.
pub(crate) struct Log {
    pub(crate) signer: Signer,
    pub(crate) entries: Vec<Vec<u8>>,
    pub(crate) files: BTreeMap<Tile, Vec<u8>>,
    pub(crate) edge: Edge,
}

/// The clear part of the entry at a position: short, and like no other.
pub(crate) fn clear(position: u64) -> Vec<u8> {
    format!("{{\"at\":\"2026-11-22T09:00:00.{position:06}Z\",\"id\":\"ent_{position:026}\",\"kind\":\"use\"}}")
        .into_bytes()
}

impl Log {
    pub(crate) fn of(size: u64) -> Self {
        let signer = Signer::new("log.example.fr/log", Purpose::Note, &[7; 32]).unwrap();
        let mut log = Self { signer, entries: Vec::new(), files: BTreeMap::new(), edge: Edge::default() };
        for position in 0..size {
            log.push(&clear(position));
        }
        log
    }

    pub(crate) fn push(&mut self, clear: &[u8]) {
        let files = &mut self.files;
        self.edge.push(leaf::leaf_hash(clear, &NOTHING_SEALED), |tile, hashes| {
            files.insert(tile, hashes.concat());
        });
        self.entries.push([clear, &NOTHING_SEALED].concat());
    }

    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    pub(crate) fn leaf(&self, position: u64) -> Hash {
        let entry = &self.entries[usize::try_from(position).unwrap()];
        bundle::Entry::new(entry).unwrap().leaf()
    }

    /// The bytes of a tile, full or not, of hashes.
    pub(crate) fn tile(&self, tile: Tile) -> Vec<u8> {
        let bytes = self.files.get(&tile).cloned();
        bytes.unwrap_or_else(|| self.edge.partials().find(|(partial, _)| *partial == tile).unwrap().1)
    }

    pub(crate) fn nodes(&self) -> Tiled<impl FnMut(Tile) -> Result<Vec<u8>, Fault>> {
        Tiled::new(self.size(), |tile| Ok(self.tile(tile)))
    }

    /// The bundles, and beside each its tile of leaf hashes.
    pub(crate) fn bundles(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let tiles = (0..).map_while(|index| Tile::within(Row::Hashes(0), index, self.size()));
        tiles.zip(self.entries.chunks(256)).map(|(tile, entries)| (bundled(entries), self.tile(tile))).collect()
    }

    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let origin = self.signer.verifier().name().to_owned();
        Checkpoint { origin, size: self.size(), root: self.edge.root(), extensions: Vec::new() }
    }

    pub(crate) fn note(&self) -> String {
        self.checkpoint().sign(&self.signer, 1_795_251_600)
    }
}

pub(crate) fn bundled(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(&u16::try_from(entry.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}
