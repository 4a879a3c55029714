//! Proofs to keep, of one entry and of a list: checked with the public key alone.

use std::io::BufRead;

use super::{Known, Trouble};
use crate::domain::id::EntryId;
use crate::journal::Fault;
use crate::journal::checkpoint::Checkpoint;
use crate::journal::listing::Check;
use crate::journal::proof::Proof;
use crate::journal::tile::Tiled;
use crate::journal::tree::Nodes;
use crate::store::vouched::{self, Trust};
use crate::store::{self, Db, log};

/// Why a proof was not made.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The tree in the database is none.
    #[error("the tree of the journal cannot be read ({0}): run `mandataire journal verify`")]
    Damaged(#[from] Fault),
    /// It waits for the sequencer.
    #[error("no signed checkpoint covers this entry yet: ask again in a second, or see why the journal is not signed")]
    Unsigned,
}

/// The proof that an entry is in the journal, up to the last checkpoint that `wanted` of the witnesses cosigned; up to the last one of all
/// if there is none such, and then it is not as `wanted`.
///
/// # Errors
/// There is no such entry, or it is not signed yet.
pub fn prove(db: &mut Db<'_>, id: &EntryId, trust: &Trust, wanted: usize) -> Result<(Proof, bool), Unproved> {
    let entry = store::journal::find(db, id)?;
    let index = log::position(db, id)?.ok_or(Unproved::Unsigned)?;
    let newest = log::latest(db)?.filter(|last| index < last.size).ok_or(Unproved::Unsigned)?;
    let witnessed = if wanted == 0 { None } else { vouched::last_witnessed(db, trust, wanted, index)? };
    let as_wanted = wanted == 0 || witnessed.is_some();
    let last = witnessed.unwrap_or(newest);
    let path = Tiled::new(last.size, |tile| log::tile(db, tile).map_err(Unproved::from)).inclusion(index, last.size)?;
    let lines = log::cosignatures(db, last.size)?;
    let extra = Some([entry.clear, entry.commitment].concat());
    Ok((Proof { extra, index, path, note: last.note + &lines.concat() }, as_wanted))
}

/// What a proof proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The clear part of the entry.
    pub clear: String,
    /// Its position.
    pub index: u64,
    /// The tree that it is in.
    pub checkpoint: Checkpoint,
    /// When the log signed it, in seconds since 1970, if it says so.
    pub signed_at: Option<u64>,
    /// The witnesses among those known who cosigned it, and when, in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
}

/// Checks a proof, with what the reader knows alone.
///
/// # Errors
/// It proves nothing.
pub fn check(text: &str, known: &Known) -> Result<Proved, Trouble> {
    let wrong = |fault| Trouble::Fault("the proof does not hold".to_owned(), fault);
    let proof = Proof::parse(text).map_err(wrong)?;
    let mut last = Fault::Unsigned;
    for key in &known.keys {
        match proof.check_own(key) {
            Ok((entry, checkpoint)) => {
                let clear = String::from_utf8_lossy(entry.parts().0).into_owned();
                let (signed_at, witnesses) = (known.signed_at(&proof.note), known.witnesses_of(&proof.note));
                return Ok(Proved { clear, index: proof.index, checkpoint, signed_at, witnesses });
            }
            Err(fault) => last = fault,
        }
    }
    Err(wrong(last))
}

/// What a list proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Entries that are in the tree.
    pub proved: u64,
    /// Entries that waited for a checkpoint when the list was taken: nothing is proved of them.
    pub waiting: u64,
    /// The tree.
    pub checkpoint: Checkpoint,
    /// When the log signed it, in seconds since 1970, if it says so.
    pub signed_at: Option<u64>,
    /// The witnesses among those known who cosigned it, and when, in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
}

/// The first line of a list that does not hold; the one after the last, if it was cut.
#[derive(Debug, thiserror::Error)]
#[error("line {line} does not hold: {fault}")]
pub struct Broken {
    /// Which, from 1.
    pub line: u64,
    /// Why.
    pub fault: Fault,
}

/// Checks a list line by line, with what the reader knows alone. The outer error: it cannot be read.
///
/// # Errors
/// A line does not hold.
pub fn check_list(list: impl BufRead, known: &Known) -> Result<Result<Listed, Broken>, std::io::Error> {
    let (mut line, mut checked) = (0, None);
    for text in list.lines() {
        let text = text?;
        line += 1;
        let taken = match checked.as_mut() {
            None => Check::begin(&text, &known.keys).map(|check| checked = Some(check)),
            Some(check) => check.take(&text),
        };
        if let Err(fault) = taken {
            return Ok(Err(Broken { line, fault }));
        }
    }
    let ended = checked.ok_or(Fault::Unsigned).and_then(|check| check.end().map(|()| check));
    Ok(ended.map_err(|fault| Broken { line: line + 1, fault }).map(|check| {
        let (signed_at, witnesses) = (known.signed_at(&check.note), known.witnesses_of(&check.note));
        let Check { proved, waiting, checkpoint, .. } = check;
        Listed { proved, waiting, checkpoint, signed_at, witnesses }
    }))
}
