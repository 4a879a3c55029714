//! The entries of a list with their places in the tree, so many at a time: tiles are read together, and no entry costs a query.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::prelude::*;

use super::positions;
use crate::journal::Fault;
use crate::journal::listing::Listed;
use crate::journal::tile::{Row, Tile, Tiled, of_inclusion};
use crate::journal::tree::Nodes;
use crate::store::schema::journal_tiles;
use crate::store::{Db, Error, journal, log};

/// Entries read together: their tiles are a few megabytes at most.
pub const CHUNK: usize = 250;

/// What the proofs of one list have in common: one signed tree, and the tiles that were just read.
#[derive(Debug, Default)]
pub struct Proofs {
    size: u64,
    note: Option<String>,
    tiles: HashMap<Tile, Vec<u8>>,
}

impl Proofs {
    /// Up to the last checkpoint; witnesses' signatures are under it.
    ///
    /// # Errors
    /// The database fails.
    pub fn begin(db: &mut Db<'_>) -> Result<Self, Error> {
        let Some(last) = log::latest(db)? else { return Ok(Self::default()) };
        let lines = log::cosignatures(db, last.size)?;
        Ok(Self { size: last.size, note: Some(last.note + &lines.concat()), tiles: HashMap::new() })
    }

    /// The checkpoint as it was signed, if anything was.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// How many tiles are kept for the entries that follow.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.tiles.len()
    }

    /// These entries in this order, at most [`CHUNK`]; one that is not there is left out. Without a checkpoint, there are positions only.
    ///
    /// # Errors
    /// The tree is damaged, or the database fails.
    pub fn of(&mut self, db: &mut Db<'_>, ids: &[String]) -> Result<Vec<Listed>, Error> {
        let entries = journal::of_ids(db, ids)?;
        let places = positions(db, &entries.iter().map(|entry| &entry.id).collect::<Vec<_>>())?;
        self.fetch(db, places.values().filter(|position| **position < self.size).copied().collect())?;
        let (size, tiles) = (self.size, &self.tiles);
        let absent = Fault::Malformed("a tile that was not read");
        let mut nodes = Tiled::new(size, |tile| tiles.get(&tile).cloned().ok_or(absent));
        let listed = entries.into_iter().map(|entry| {
            let position = places.get(entry.id.as_str()).copied();
            let signed = position.filter(|position| *position < size);
            let path = signed.map(|position| nodes.inclusion(position, size)).transpose();
            let path = path.map_err(|_| Error::Corrupt("journal_tiles.hashes"))?;
            Ok(Listed { clear: entry.clear, commitment: entry.commitment, leaf: entry.leaf, position, path })
        });
        listed.collect()
    }

    /// Reads the tiles that the proofs of these positions are made from; those that were read before and are not needed go.
    fn fetch(&mut self, db: &mut Db<'_>, positions: BTreeSet<u64>) -> Result<(), Error> {
        let wanted: BTreeSet<Tile> =
            positions.into_iter().flat_map(|position| of_inclusion(position, self.size)).collect();
        self.tiles.retain(|tile, _| wanted.contains(tile));
        let mut full: BTreeMap<u8, Vec<i64>> = BTreeMap::new();
        for tile in wanted {
            if self.tiles.contains_key(&tile) {
                continue;
            }
            match tile.row {
                Row::Hashes(level) if tile.is_full() => {
                    let number = i64::try_from(tile.index).map_err(|_| Error::Corrupt("journal_tiles.number"))?;
                    full.entry(level).or_default().push(number);
                }
                // The last one of its level: one for the whole list.
                _ => {
                    let bytes = log::tile(db, tile)?;
                    self.tiles.insert(tile, bytes);
                }
            }
        }
        for (level, numbers) in full {
            use journal_tiles::dsl;
            let rows: Vec<(i64, Vec<u8>)> = dsl::journal_tiles
                .filter(dsl::level.eq(i32::from(level)).and(dsl::number.eq_any(numbers)))
                .select((dsl::number, dsl::hashes))
                .load(db.connection()?)?;
            for (number, hashes) in rows {
                let index = u64::try_from(number).map_err(|_| Error::Corrupt("journal_tiles.number"))?;
                let row = Row::Hashes(level);
                self.tiles.insert(Tile { row, index, width: crate::journal::tile::WIDTH }, hashes);
            }
        }
        Ok(())
    }
}
