//! What findings say: where it was, and what it is called where one thing only can be meant.

use mandataire::app::evidence::Found;
use mandataire::journal::verify::Damage;

use super::acts::Where;
use super::hand::{
    CHECKPOINTS, COSIGNATURES, DAYS, ENTRIES, ERASURES, PENDING, POSITIONS, SEALED, SEARCH, TERMS, TILES, TIMESTAMPS,
    Table,
};

/// Positions that a finding may name where it cannot say which: those between two checkpoints.
const BETWEEN: u64 = 40;
/// Tables of which a row is what an entry, a signature or the tree says it is.
const HELD: [&str; 7] =
    [ENTRIES.name, SEALED.name, TILES.name, CHECKPOINTS.name, COSIGNATURES.name, TIMESTAMPS.name, ERASURES.name];
/// Tables in which one row more is one too many, whatever is in it.
const COUNTED: [&str; 8] =
    [SEALED.name, PENDING.name, TILES.name, COSIGNATURES.name, TIMESTAMPS.name, ERASURES.name, SEARCH.name, TERMS.name];

/// What a change of a column is called.
pub(super) fn column(table: &Table, column: usize, how: &str) -> Option<Damage> {
    match table.columns.get(column) {
        // It names the checkpoint before: that one is not there.
        Some(("previous", _)) if how != "nothing" => Some(Damage::Missing),
        _ => (column >= table.key && HELD.contains(&table.name)).then_some(Damage::Altered),
    }
}

/// What something done to whole rows of a table is called.
pub(super) fn row(table: &'static str, kind: &'static str) -> Option<Damage> {
    match kind {
        "rolled back" if table == CHECKPOINTS.name => Some(Damage::RolledBack),
        // A word or a figure that is gone is another one where it is counted.
        "removed" | "rolled back" if table == TERMS.name || table == DAYS.name => Some(Damage::Altered),
        "removed" | "rolled back" => Some(Damage::Missing),
        "added" | "twice" => COUNTED.contains(&table).then_some(Damage::Added),
        "positions swapped" => Some(Damage::Moved),
        // Of what is in tiles, each is at the place of the other, or is another one there: both are said.
        "swapped" if table == ENTRIES.name || table == TILES.name => None,
        "swapped" => HELD.contains(&table).then_some(Damage::Altered),
        _ => None,
    }
}

/// What an exchange of two rows is: of positions in tiles that are kept, two entries that moved. What is in no tile yet is computed
/// from the entries themselves.
pub(super) fn exchange(table: &Table, positions: [Option<u64>; 2], size: u64) -> &'static str {
    let is_kept = |at: Option<u64>| at.is_some_and(|at| at < size / 256 * 256);
    if table.name == POSITIONS.name && positions.into_iter().all(is_kept) { "positions swapped" } else { "swapped" }
}

/// Whether a finding says where it was.
pub(super) fn locates(found: &Found, places: &[Where]) -> bool {
    places.iter().any(|place| match place {
        Where::Entry(id) => found.entry.as_deref() == Some(id),
        Where::Position(at) => {
            found.positions.is_some_and(|(start, end)| start <= *at && *at < end && end - start <= BETWEEN)
        }
        Where::Row(name) => found.place.as_deref().is_some_and(|place| place.contains(name)),
        Where::From(size) => found.positions.is_some_and(|(start, _)| start == *size),
    })
}

/// Whether findings say where it was.
pub(super) fn located(findings: &[Found], places: &[Where]) -> bool {
    findings.iter().any(|found| locates(found, places))
}
