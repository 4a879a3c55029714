//! One bundle of the database, held against its tile and against itself: each column, the sealed part, the tree's own rows.

use std::collections::{BTreeMap, HashSet};

use super::Found;
use crate::domain::event::Kind;
use crate::domain::instant_text;
use crate::journal::bundle::{self, LONGEST};
use crate::journal::leaf::{self, Hash, NOTHING_SEALED};
use crate::journal::tree;
use crate::journal::verify::Damage::{Added, Altered, Missing};
use crate::journal::verify::{Recomputed, recompute};
use crate::store::examine::{self, Batch, EntryRow, Slot, Stands, TileRow, Tiles, WIDTH};

/// What a bundle is found to be.
pub(super) struct Judged {
    /// For the tree.
    pub(super) recomputed: Recomputed,
    /// The hash over it, if it is full.
    pub(super) root: Option<Hash>,
    /// The tiles that end with it.
    pub(super) above: Vec<(u8, u64, Tiles)>,
    /// What is wrong with its rows.
    pub(super) found: Vec<Found>,
}

/// Judges a bundle of a tree of which `signed` leaves are signed.
pub(super) fn judge(batch: Batch, signed: u64, destroyed: &HashSet<String>) -> Judged {
    let mut found = Vec::new();
    let (mut bytes, mut own, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for slot in &batch.slots {
        let row = slot.stands.rows.first().and_then(Option::as_ref);
        own.push(row.and_then(|row| append(&mut bytes, row)));
        if own.last().is_some_and(Option::is_none) {
            // None at this position.
            bytes.extend_from_slice(&[0, 0]);
        }
        kept.push(row.and_then(|row| hash(&row.leaf)));
    }
    let filled = batch.slots.len() as u64 == WIDTH && batch.first + WIDTH <= signed;
    let said = said(&batch, &kept, filled, &mut found);
    for ((position, slot), (own, at)) in (batch.first..).zip(&batch.slots).zip(own.iter().zip(0_usize..)) {
        let intact = own.is_some() && said.as_ref().is_none_or(|said| said.get(at).copied() == *own);
        placing(slot, position, &mut found);
        about(&slot.stands, slot.placed.first(), Some(position), intact, destroyed, &mut found);
    }
    let tile = said.as_ref().map(|hashes| hashes.concat());
    let recomputed = recompute(batch.first, &bytes, tile.as_deref());
    // No tile is over what is not signed.
    let root = tile.and_then(|_| recomputed.root()).filter(|_| filled);
    Judged { recomputed, root, above: batch.above, found }
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}

/// Adds an entry to the bundle, as it stands; answers its hash.
fn append(bundle: &mut Vec<u8>, row: &EntryRow) -> Option<Hash> {
    let entry = [row.clear.as_slice(), &row.commitment].concat();
    let length = u16::try_from(entry.len()).ok().filter(|length| usize::from(*length) <= LONGEST)?;
    let leaf = bundle::Entry::new(&entry).ok()?.leaf();
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(&entry);
    Some(leaf)
}

/// The leaf hashes that the tree is said to have here. The tile says it, if it is what its own root says; else the column of leaves.
fn said(batch: &Batch, kept: &[Option<Hash>], filled: bool, found: &mut Vec<Found>) -> Option<Vec<Hash>> {
    let columns: Option<Vec<Hash>> = kept.iter().copied().collect();
    if !filled {
        return columns;
    }
    let place = format!("tile 0/{}", batch.first / WIDTH);
    let Some(tile) = only(&batch.tile, &place, found) else { return columns };
    let hashes = tile.hashes.as_chunks().0;
    let whole = tile.hashes.len() as u64 == 32 * WIDTH;
    let is_root = |hashes: &[Hash]| tree::fold(hashes).is_ok_and(|root| root.as_slice() == tile.root);
    if whole && is_root(hashes) {
        return Some(hashes.to_vec());
    }
    found.push(Found::in_place(Altered, place));
    match columns {
        Some(columns) => Some(columns),
        None => whole.then(|| hashes.to_vec()),
    }
}

/// The one row that should be there.
fn only<'t>(rows: &'t [TileRow], place: &str, found: &mut Vec<Found>) -> Option<&'t TileRow> {
    match rows.len() {
        0 => found.push(Found::in_place(Missing, place.to_owned())),
        1 => {}
        _ => found.push(Found::in_place(Added, place.to_owned())),
    }
    rows.first()
}

/// A tile above the lowest row, held against the roots below it.
pub(super) fn above(level: u8, number: u64, rows: &Tiles, roots: &[Hash], found: &mut Vec<Found>) {
    let place = format!("tile {level}/{number}");
    let Some(row) = only(rows, &place, found) else { return };
    let fits = row.hashes == roots.concat() && tree::fold(roots).is_ok_and(|root| root.as_slice() == row.root);
    if !fits {
        found.push(Found::in_place(Altered, place));
    }
}

/// Whether exactly one entry is at a position.
fn placing(slot: &Slot, position: u64, found: &mut Vec<Found>) {
    const PLACE: &str = "journal_positions";
    let mut placed = slot.placed.iter();
    if placed.next().is_none() {
        found.push(Found::at(Missing, position, None, PLACE));
    }
    found.extend(placed.map(|id| Found::at(Added, position, Some(id), PLACE)));
}

/// What stands under an identifier, held against itself. Where the entry is not the signed one, that is said already.
pub(super) fn about(
    stands: &Stands,
    id: Option<&String>,
    position: Option<u64>,
    intact: bool,
    destroyed: &HashSet<String>,
    found: &mut Vec<Found>,
) {
    let Some(id) = id else { return };
    let mut say = |damage, column: &str| {
        found.push(match position {
            Some(position) => Found::at(damage, position, Some(id), column),
            None => Found::of(damage, id, column),
        });
    };
    let mut rows = stands.rows.iter();
    match rows.next() {
        None => say(Missing, "journal_entries"),
        Some(None) => say(Altered, "journal_entries"),
        Some(Some(row)) if intact => {
            for column in odd_columns(row) {
                say(Altered, &format!("journal_entries.{column}"));
            }
            sealed(row, stands, destroyed, &mut say);
        }
        Some(Some(_)) => {}
    }
    rows.for_each(|_| say(Added, "journal_entries"));
}

/// The columns that are not what the clear part says.
fn odd_columns(row: &EntryRow) -> Vec<&'static str> {
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, String>>(&row.clear) else { return vec!["clear"] };
    let said = |name: &str| fields.get(name).map(String::as_str);
    let at = instant_text(examine::instant(row.at));
    let commitment = hash(&row.commitment);
    let leaf = commitment.map(|commitment| leaf::leaf_hash(&row.clear, &commitment));
    let columns = [
        ("id", said("id") == Some(row.id.as_str())),
        ("at", said("at") == Some(at.as_str())),
        ("kind", said("kind") == Some(row.kind.as_str())),
        ("organisation", said("organisation") == row.organisation.as_deref()),
        ("actor", said("actor") == row.actor.as_deref()),
        ("citizen", said("citizen") == row.citizen.as_deref()),
        ("mandate", said("mandate") == row.mandate.as_deref()),
        ("client", said("client") == row.client.as_deref()),
        ("leaf", leaf.is_some_and(|leaf| leaf.as_slice() == row.leaf)),
    ];
    columns.into_iter().filter(|(_, fits)| !fits).map(|(column, _)| column).collect()
}

/// The sealed part: there if and only if the entry commits to one, and the one it commits to.
fn sealed(row: &EntryRow, stands: &Stands, destroyed: &HashSet<String>, say: &mut impl FnMut(super::Damage, &str)) {
    const PLACE: &str = "journal_sealed";
    let mut parts = stands.sealed.iter();
    if row.commitment == NOTHING_SEALED {
        return parts.for_each(|_| say(Added, PLACE));
    }
    let Some(part) = parts.next() else {
        // Whoever was destroyed took their part along, and nobody else's.
        if !owner(row).is_some_and(|person| destroyed.contains(&person)) {
            say(Missing, PLACE);
        }
        return;
    };
    let salt = hash(&part.salt);
    let fits = salt.is_some_and(|salt| leaf::commitment(&salt, &part.ciphertext).as_slice() == row.commitment);
    if !fits {
        say(Altered, PLACE);
    } else if part.opened.as_ref().is_some_and(Result::is_err) || owner(row).as_deref() != Some(&part.owner) {
        say(Altered, "journal_sealed.owner");
    }
    parts.for_each(|_| say(Added, PLACE));
}

/// Whose key seals what belongs to an entry: the clear part names them, by a member that follows from the kind.
pub(super) fn owner(row: &EntryRow) -> Option<String> {
    let mut fields: BTreeMap<String, String> = serde_json::from_slice(&row.clear).ok()?;
    let kind = Kind::from_code(fields.get("kind")?)?;
    kind.sealed_by().iter().find_map(|member| fields.remove(*member))
}
