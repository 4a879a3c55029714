//! Tiles of tlog-tiles: where a hash or an entry is published, and nodes read from them.

use std::fmt;

use super::Fault;
use super::leaf::Hash;
use super::tree::{self, Frontier, Nodes};

/// Hashes across a full tile, entries in a full bundle.
pub const WIDTH: u16 = 256;
/// Heights of the tree that one tile holds.
pub const HEIGHT: u32 = 8;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Row {
    /// Hashes; of leaves at level 0, of full tiles of the level below above it. From 0 to 63.
    Hashes(u8),
    /// Entries.
    Entries,
}

/// One tile: what, which, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// What it holds.
    pub row: Row,
    /// Which one, from 0.
    pub index: u64,
    /// How many hashes or entries: [`WIDTH`], or fewer in the last one of a row.
    pub width: u16,
}

impl Tile {
    /// The tile as it is in a tree of `size` leaves; nothing if it has none of them.
    #[must_use]
    pub fn within(row: Row, index: u64, size: u64) -> Option<Self> {
        let level = if let Row::Hashes(level) = row { u32::from(level) } else { 0 };
        let across = size.checked_shr(HEIGHT * level).unwrap_or(0);
        let left = across.checked_sub(index.checked_mul(u64::from(WIDTH))?).filter(|left| *left > 0)?;
        let width = u16::try_from(left).map_or(WIDTH, |left| left.min(WIDTH));
        Some(Self { row, index, width })
    }

    /// Whether it has its full width, and so will never change.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// Reads a path, as [`Display`](fmt::Display) writes it.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let row =
            if row == "entries" { Row::Entries } else { Row::Hashes(row.parse().ok().filter(|level| *level < 64)?) };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let mut index = 0_u64;
        for element in number.split('/') {
            let digits: u64 =
                element.strip_prefix('x').unwrap_or(element).parse().ok().filter(|digits| *digits < 1000)?;
            index = index.checked_mul(1000)?.checked_add(digits)?;
        }
        // A path has one spelling: what would be written otherwise is none.
        Some(Self { row, index, width }).filter(|tile| tile.to_string() == path)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Hashes(level) => write!(f, "tile/{level}/")?,
            Row::Entries => f.write_str("tile/entries/")?,
        }
        let mut elements = vec![self.index % 1000];
        let mut rest = self.index / 1000;
        while rest > 0 {
            elements.push(rest % 1000);
            rest /= 1000;
        }
        for (at, element) in elements.iter().enumerate().rev() {
            if at > 0 { write!(f, "x{element:03}/")? } else { write!(f, "{element:03}")? }
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// The hashes of a tile.
///
/// # Errors
/// The bytes are not so many hashes.
pub fn hashes(bytes: &[u8], width: u16) -> Result<&[Hash], Fault> {
    match bytes.as_chunks::<32>() {
        (hashes, []) if hashes.len() == usize::from(width) => Ok(hashes),
        _ => Err(Fault::Malformed("a tile of that length")),
    }
}

/// The right edge of a tree that grows, in tiles: those that are not full yet, a few kilobytes however many leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    tree: Frontier,
    /// The last hashes of each level, fewer than a tile: from the leaves up.
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree that exists already, read from its tiles.
    ///
    /// # Errors
    /// A tile is missing or has another length.
    pub fn read<E: From<Fault>>(size: u64, mut read: impl FnMut(Tile) -> Result<Vec<u8>, E>) -> Result<Self, E> {
        let mut rows = Vec::new();
        for (level, across) in levels(size) {
            let last = Tile::within(Row::Hashes(level), across / u64::from(WIDTH), size);
            let row = last.map(|tile| Ok::<_, E>(hashes(&read(tile)?, tile.width)?.to_vec())).transpose()?;
            rows.push(row.unwrap_or_default());
        }
        let tree = Frontier::read(size, &mut Tiled::new(size, read))?;
        Ok(Self { tree, rows })
    }

    /// Leaves so far.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The root over them.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Adds a leaf; `full` gets each tile that this fills, the leaves' first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile, &[Hash])) {
        self.tree.push(leaf);
        let mut hash = leaf;
        for (level, across) in levels(self.tree.size()) {
            let at = usize::from(level);
            if self.rows.len() <= at {
                self.rows.push(Vec::new());
            }
            let Some(row) = self.rows.get_mut(at) else { return };
            row.push(hash);
            if row.len() < usize::from(WIDTH) {
                return;
            }
            let row = std::mem::take(row);
            full(Tile { row: Row::Hashes(level), index: across / u64::from(WIDTH) - 1, width: WIDTH }, &row);
            let Ok(above) = tree::fold(&row) else { return };
            hash = above;
        }
    }

    /// The tiles that are not full, with their bytes.
    pub fn partials(&self) -> impl Iterator<Item = (Tile, Vec<u8>)> {
        levels(self.size()).zip(&self.rows).filter_map(|((level, across), row)| {
            let width = u16::try_from(row.len()).ok().filter(|width| *width > 0)?;
            Some((Tile { row: Row::Hashes(level), index: across / u64::from(WIDTH), width }, row.concat()))
        })
    }
}

/// The levels of tiles in a tree that have hashes, and how many.
fn levels(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0_u8..8).map(move |level| (level, size >> (HEIGHT * u32::from(level)))).take_while(|(_, across)| *across > 0)
}

/// Nodes of a tree of some size, read from its tiles: `read` answers the bytes of one.
pub struct Tiled<R> {
    size: u64,
    read: R,
}

impl<R> Tiled<R> {
    /// The tree of `size` leaves behind `read`.
    pub const fn new(size: u64, read: R) -> Self {
        Self { size, read }
    }
}

impl<E: From<Fault>, R: FnMut(Tile) -> Result<Vec<u8>, E>> Nodes for Tiled<R> {
    type Error = E;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, E> {
        let absent = Fault::Malformed("a node outside the tree");
        let (tile, start) = place(height, index, self.size).ok_or(absent)?;
        let bytes = (self.read)(tile)?;
        let wanted = hashes(&bytes, tile.width)?.get(start..start + (1 << (height % HEIGHT))).ok_or(absent)?;
        Ok(tree::fold(wanted)?)
    }
}

/// The tile of a tree of `size` leaves that holds what a node is the root over, and where in it.
fn place(height: u32, index: u64, size: u64) -> Option<(Tile, usize)> {
    let first = index.checked_shl(height % HEIGHT)?;
    let row = Row::Hashes(u8::try_from(height / HEIGHT).ok()?);
    let tile = Tile::within(row, first / u64::from(WIDTH), size)?;
    Some((tile, usize::try_from(first % u64::from(WIDTH)).ok()?))
}

/// The tiles that the inclusion proof of a leaf is made from.
pub fn of_inclusion(index: u64, size: u64) -> impl Iterator<Item = Tile> {
    let nodes = tree::inclusion(index, size).into_iter().flat_map(tree::complete);
    nodes.filter_map(move |(height, index)| place(height, index, size).map(|(tile, _)| tile))
}
