//! The journal as evidence, on the command line: verified where it is kept, in a copy, or where it is published; copied; proved.

mod copied;
pub mod database;
pub mod export;
pub mod files;
mod findings;
mod judge;
mod misread;
pub mod proving;
pub mod remote;
pub mod sealed;
mod strays;
mod told;
mod vouching;

use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::journal::Fault;
use crate::journal::checkpoint::Checkpoint;
use crate::journal::leaf::Hash;
use crate::journal::note::{Note, Purpose, Verifier};
use crate::journal::verify::{Damage, Finding, Mark, Report};
use crate::store;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// A file.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// An answer of another machine.
    #[error("{0}: {1}")]
    Answer(String, String),
    /// What was given to verify with, or what was found, is no evidence at all.
    #[error("{0}: {1}")]
    Fault(String, Fault),
    /// A sentence.
    #[error("{0}")]
    Said(String),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The positions concerned, if they are known.
    pub positions: Option<(u64, u64)>,
    /// What.
    pub damage: Damage,
    /// The entry concerned, if it is known.
    pub entry: Option<String>,
    /// The column or the file in which it is seen; nothing for the entries themselves.
    pub place: Option<String>,
}

impl Found {
    /// Something about one position.
    #[must_use]
    pub fn at(damage: Damage, position: u64, entry: Option<&str>, place: &str) -> Self {
        let positions = Some((position, position.saturating_add(1)));
        Self { positions, damage, entry: entry.map(str::to_owned), place: Some(place.to_owned()) }
    }

    /// Something about an entry without a position.
    #[must_use]
    pub fn of(damage: Damage, entry: &str, place: &str) -> Self {
        Self { positions: None, damage, entry: Some(entry.to_owned()), place: Some(place.to_owned()) }
    }

    /// Something about neither: a tile, a checkpoint.
    #[must_use]
    pub fn in_place(damage: Damage, place: String) -> Self {
        Self { positions: None, damage, entry: None, place: Some(place) }
    }
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Self {
        let Range { start, end } = finding.positions;
        Self { positions: Some((start, end)), damage: finding.damage, entry: finding.entry, place: None }
    }
}

/// The word for a kind of damage, as `--json` writes it.
#[must_use]
pub const fn word(damage: Damage) -> &'static str {
    match damage {
        Damage::Altered => "altered",
        Damage::Missing => "missing",
        Damage::Added => "added",
        Damage::Moved => "moved",
        Damage::RolledBack => "rolled_back",
        Damage::Forked => "forked",
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = word(self.damage).replace('_', " ");
        match self.positions {
            Some((start, end)) if end == start.saturating_add(1) => write!(f, "{word}: position {start}")?,
            Some((start, end)) => write!(f, "{word}: somewhere from position {start} to before {end}")?,
            None => f.write_str(&word)?,
        }
        if let Some(entry) = &self.entry {
            write!(f, ", {entry}")?;
        }
        self.place.as_ref().map_or(Ok(()), |place| write!(f, ", in {place}"))
    }
}

/// What is said in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Leaves of the tree.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Checkpoints that the tree agrees with.
    pub agreed: u64,
    /// Leaves up to the largest of them.
    pub covered: u64,
    /// How far each known witness vouches.
    pub witnessed: Vec<(String, u64)>,
    /// Whether the entries were there, or the hashes of the tree alone.
    pub entries: bool,
    /// Every entry before this position is in what auditors search; of a database alone.
    pub searchable: Option<u64>,
    /// What is wrong. Empty: nothing.
    pub findings: Vec<Found>,
    /// Whether there was more, too much to be listed.
    pub more: bool,
}

impl Verdict {
    /// What the tree says, and what else was found.
    fn new(report: Report, mut others: Vec<Found>, entries: bool) -> Self {
        others.extend(report.findings.into_iter().map(Found::from));
        others.sort();
        // The same damage, seen in the hashes and in the rows, is said where it is said more exactly.
        let named: Vec<_> = others.iter().filter(|found| found.place.is_some()).cloned().collect();
        let same = |one: &Found, other: &Found| one.positions == other.positions && one.damage == other.damage;
        others.retain(|found| found.place.is_some() || !named.iter().any(|other| same(found, other)));
        others.dedup();
        let Report { size, root, agreed, covered, more, .. } = report;
        Self { size, root, agreed, covered, witnessed: Vec::new(), entries, searchable: None, findings: others, more }
    }
}

/// What the reader brings: whom to believe, and what to hold the journal against.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The keys of the log. More than one, if it was begun anew under another.
    pub keys: Vec<Verifier>,
    /// The keys of witnesses.
    pub witnesses: Vec<Verifier>,
    /// Trees that somebody kept, by their sizes.
    pub kept: Vec<Mark>,
}

impl Known {
    /// Opens a checkpoint by any of the keys.
    ///
    /// # Errors
    /// None of them signed it.
    pub fn open(&self, note: &str) -> Result<Checkpoint, Fault> {
        let mut last = Fault::Unsigned;
        for key in &self.keys {
            match Checkpoint::open(note, key) {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// When the log says that it signed a checkpoint.
    fn signed_at(&self, note: &str) -> Option<u64> {
        self.keys.iter().find_map(|key| Checkpoint::signed_at(note, key).ok().flatten())
    }

    /// The witnesses among those known who cosigned a note, and when. A key counts once, and that of the log does not.
    fn witnesses_of(&self, note: &str) -> Vec<(String, u64)> {
        let Ok(note) = Note::parse(note) else { return Vec::new() };
        let others = self.witnesses.iter().enumerate().filter(|(place, key)| {
            let before = self.witnesses.iter().take(*place).chain(&self.keys);
            !before.into_iter().any(|other| other.is_same_key(key))
        });
        let signed = others.filter_map(|(_, key)| {
            let at = key.with(Purpose::Cosignature).check(&note).ok().flatten()?;
            Some((key.name().to_owned(), at))
        });
        signed.collect()
    }

    /// Keeps the checkpoint in a file, for the journal to be held against. An empty file, or none, says nothing.
    ///
    /// # Errors
    /// It cannot be read, or is not by a key of the log.
    pub fn keep(&mut self, path: &Path) -> Result<(), Trouble> {
        let shown = path.display().to_string();
        let note = std::fs::read_to_string(path).map_err(|error| Trouble::File(shown.clone(), error))?;
        let Checkpoint { size, root, .. } = self.open(&note).map_err(|fault| Trouble::Fault(shown, fault))?;
        self.kept.push(Mark { size, root, foreign: true });
        self.kept.sort_by_key(|mark| mark.size);
        Ok(())
    }
}

/// Marks of the log and marks that were kept, by their sizes.
fn merged(own: impl Iterator<Item = Mark>, kept: Vec<Mark>) -> impl Iterator<Item = Mark> {
    let (mut own, mut kept) = (own.peekable(), kept.into_iter().peekable());
    std::iter::from_fn(move || match (own.peek(), kept.peek()) {
        // A tree that the log says it signed is met before the one that somebody kept: so two of one size are told apart.
        (Some(one), Some(other)) if one.size <= other.size => own.next(),
        (Some(_), None) => own.next(),
        _ => kept.next(),
    })
}
