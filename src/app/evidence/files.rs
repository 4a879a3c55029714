//! Copies of the public files: a folder, or the place where they are published. Both are read alike.

use std::collections::BTreeMap;
use std::ops::Range;

use super::sealed::{odd_parts, sealed_path};
use super::{Found, Known, Trouble, Verdict, merged};
use crate::app::verifying::spread;
use crate::journal::leaf::Hash;
use crate::journal::tile::{Row, Tile, WIDTH, hashes};
use crate::journal::tree;
use crate::journal::verify::Damage::{Altered, Missing};
use crate::journal::verify::{Audit, Mark, Recomputed, recompute};

/// The last checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// The last one that enough witnesses signed, where the log is published.
pub const WITNESSED: &str = "witnessed";
/// Earlier ones: a line of JSON each.
pub const EARLIER: &str = "checkpoints.jsonl";

/// Where files are: by their paths below the log's address.
pub trait Files {
    /// The bytes of one; nothing if it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Trouble>;

    /// The bytes of one in a place that is used again; false if it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    fn read_into(&mut self, path: &str, place: &mut Vec<u8>) -> Result<bool, Trouble> {
        let read = self.read(path)?;
        let is_there = read.is_some();
        *place = read.unwrap_or_default();
        Ok(is_there)
    }

    /// Whether there may be sealed parts: otherwise none is looked for beside each bundle.
    fn has_sealed(&self) -> bool {
        false
    }

    /// Bundles that one thread asks for, reads and hashes before it takes others: about two megabytes.
    fn run(&self) -> u64 {
        16
    }

    /// Says which files will be wanted soon.
    fn soon(&mut self, paths: Vec<String>) {
        drop(paths);
    }
}

/// A bundle as its files have it.
struct Bundle<'b> {
    tile: Tile,
    entries: Option<&'b [u8]>,
    hashes: Option<&'b [u8]>,
    sealed: Option<&'b [u8]>,
}

/// Where the files of one bundle after another are read to: new memory for each would cost as much as a third of its hashes.
#[derive(Default)]
struct Places {
    entries: Vec<u8>,
    hashes: Vec<u8>,
    sealed: Vec<u8>,
}

struct Judged {
    recomputed: Recomputed,
    /// The hash over it, if it is full.
    root: Option<Hash>,
    found: Vec<Found>,
}

/// Verifies the public files of a log, over so many threads. `joined` is told how many leaves are done, of how many. `entries`: whether
/// there must be bundles.
///
/// # Errors
/// There is no checkpoint by the log's key, or a file cannot be read.
pub fn verify<F: Files + Sync + Clone>(
    mut files: F,
    known: &Known,
    threads: usize,
    mut joined: impl FnMut(u64, u64),
) -> Result<Verdict, Trouble> {
    // Read before the last one, so that it is not newer.
    let seen = if known.witnesses.is_empty() { None } else { files.read(WITNESSED)? };
    let absent = || Trouble::Said("there is no checkpoint: this is no journal".to_owned());
    let note = files.read(CHECKPOINT)?.and_then(|note| String::from_utf8(note).ok()).ok_or_else(absent)?;
    let last = known.open(&note).map_err(|fault| Trouble::Fault(CHECKPOINT.to_owned(), fault))?;
    let mut found = Vec::new();
    let mut witnessed = BTreeMap::new();
    let mut marks = earlier(&mut files, known, &mut found, &mut witnessed)?;
    if let Some(bytes) = seen {
        let found_there = String::from_utf8(bytes).ok();
        take(found_there, known, &mut marks, &mut witnessed, &mut found, || WITNESSED.to_owned());
    }
    vouch(&mut witnessed, known, &note, last.size);
    marks.retain(|mark| mark.size < last.size);
    marks.sort_by_key(|mark| mark.size);
    marks.push(Mark { size: last.size, root: last.root, foreign: false });
    let entries = published(&mut files, last.size)?;
    let held = Held { entries, sealed: entries && files.has_sealed() };
    let mut audit = Audit::new(merged(marks.into_iter(), known.kept.clone()));
    let mut roots = Vec::new();
    let run = files.run();
    let runs = (0..last.size.div_ceil(run * u64::from(WIDTH))).map(|number| number * run..(number + 1) * run);
    spread(
        runs,
        threads,
        |run| judge_run(files.clone(), run, last.size, held),
        |run| {
            let (judged, whole) = run?;
            for judged in judged {
                roots.extend(judged.root);
                found.extend(judged.found);
                audit.take(judged.recomputed);
            }
            joined(audit.size(), last.size);
            Ok::<_, Trouble>(whole)
        },
    )?;
    above(&mut files, roots, last.size, &mut found)?;
    let witnessed = witnessed.into_iter().collect();
    Ok(Verdict { witnessed, ..Verdict::new(audit.finish(), found, entries) })
}

/// Whether bundles are there at all.
fn published<F: Files>(files: &mut F, size: u64) -> Result<bool, Trouble> {
    for index in [0, size.saturating_sub(1) / u64::from(WIDTH)] {
        if let Some(tile) = Tile::within(Row::Entries, index, size)
            && files.read(&tile.to_string())?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Counts the witnesses of a note of this size.
fn vouch(witnessed: &mut BTreeMap<String, u64>, known: &Known, note: &str, size: u64) {
    for (name, _) in known.witnesses_of(note) {
        let reached = witnessed.entry(name).or_default();
        *reached = size.max(*reached);
    }
}

/// The checkpoints before the last, by their sizes; and how far each witness signed them.
fn earlier<F: Files>(
    files: &mut F,
    known: &Known,
    found: &mut Vec<Found>,
    witnessed: &mut BTreeMap<String, u64>,
) -> Result<Vec<Mark>, Trouble> {
    let lines = files.read(EARLIER)?.unwrap_or_default();
    let mut marks = Vec::new();
    for (number, line) in (1..).zip(lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())) {
        let note = serde_json::from_slice::<String>(line).ok();
        take(note, known, &mut marks, witnessed, found, || format!("{EARLIER}, line {number}"));
    }
    Ok(marks)
}

/// Takes an earlier checkpoint: one to hold the tree against, or none at all.
fn take(
    note: Option<String>,
    known: &Known,
    marks: &mut Vec<Mark>,
    witnessed: &mut BTreeMap<String, u64>,
    found: &mut Vec<Found>,
    place: impl FnOnce() -> String,
) {
    let Some((said, note)) = note.and_then(|note| Some((known.open(&note).ok()?, note))) else {
        found.push(Found::in_place(Altered, place()));
        return;
    };
    vouch(witnessed, known, &note, said.size);
    marks.push(Mark { size: said.size, root: said.root, foreign: false });
}

/// What a copy holds beside hashes.
#[derive(Clone, Copy)]
struct Held {
    entries: bool,
    sealed: bool,
}

/// Reads and judges a run of bundles: as many as there are before the first that has neither entries nor hashes, and whether that is all.
fn judge_run<F: Files>(mut files: F, run: Range<u64>, size: u64, held: Held) -> Result<(Vec<Judged>, bool), Trouble> {
    let within = run.filter(|number| number * u64::from(WIDTH) < size);
    let (mut judged, mut places) = (Vec::new(), Places::default());
    files.soon(within.clone().flat_map(|number| paths(number, size, held.entries)).collect());
    for number in within {
        let bundle = bundle(&mut files, &mut places, number, size, held)?;
        if bundle.entries.is_none() && bundle.hashes.is_none() {
            return Ok((judged, false));
        }
        judged.push(judge(&bundle, held.entries));
    }
    Ok((judged, true))
}

fn paths(number: u64, size: u64, entries: bool) -> Vec<String> {
    let rows = [Row::Hashes(0), Row::Entries].into_iter().take(if entries { 2 } else { 1 });
    rows.filter_map(|row| Tile::within(row, number, size)).map(|tile| tile.to_string()).collect()
}

fn bundle<'p, F: Files>(
    files: &mut F,
    places: &'p mut Places,
    number: u64,
    size: u64,
    held: Held,
) -> Result<Bundle<'p>, Trouble> {
    let absent = || Trouble::Said("a bundle outside the tree".to_owned());
    let tile = Tile::within(Row::Hashes(0), number, size).ok_or_else(absent)?;
    let of_entries = Tile { row: Row::Entries, ..tile };
    let mut read = |wanted: bool, path: String, place: &'p mut Vec<u8>| {
        let is_there = wanted && files.read_into(&path, place)?;
        Ok::<_, Trouble>(is_there.then_some(place.as_slice()))
    };
    Ok(Bundle {
        tile,
        entries: read(held.entries, of_entries.to_string(), &mut places.entries)?,
        hashes: read(true, tile.to_string(), &mut places.hashes)?,
        sealed: read(held.sealed, sealed_path(of_entries), &mut places.sealed)?,
    })
}

/// Hashes a bundle, and holds its sealed parts against it.
fn judge(bundle: &Bundle<'_>, entries: bool) -> Judged {
    let tile = bundle.tile;
    let first = tile.index * u64::from(WIDTH);
    let mut found = Vec::new();
    let said = bundle.hashes.filter(|bytes| hashes(bytes, tile.width).is_ok());
    if said.is_none() {
        let damage = if bundle.hashes.is_none() { Missing } else { Altered };
        found.push(Found::in_place(damage, tile.to_string()));
    }
    if entries && bundle.entries.is_none() {
        found.push(Found::in_place(Missing, Tile { row: Row::Entries, ..tile }.to_string()));
    }
    let bytes = bundle.entries.unwrap_or_default();
    if let Some(sealed) = &bundle.sealed {
        let path = sealed_path(Tile { row: Row::Entries, ..tile });
        let odd = odd_parts(first, bytes, sealed).into_iter();
        found.extend(odd.map(|position| Found::at(Altered, position, None, &path)));
    }
    let recomputed =
        if entries { recompute(first, bytes, said) } else { Recomputed::of_tile(said.unwrap_or_default()) };
    let root = said.and_then(|_| recomputed.root());
    Judged { recomputed, root, found }
}

/// Holds the tiles above the lowest row against the roots below them.
fn above<F: Files>(files: &mut F, mut row: Vec<Hash>, size: u64, found: &mut Vec<Found>) -> Result<(), Trouble> {
    for level in 1..8 {
        let mut next = Vec::new();
        for (index, hashes) in (0..).zip(row.chunks(usize::from(WIDTH))) {
            let Some(tile) = Tile::within(Row::Hashes(level), index, size) else { break };
            let path = tile.to_string();
            match files.read(&path)? {
                None => found.push(Found::in_place(Missing, path)),
                Some(bytes) if bytes != hashes.concat() => found.push(Found::in_place(Altered, path)),
                Some(_) => {}
            }
            next.extend(Some(hashes).filter(|_| tile.is_full()).and_then(|hashes| tree::fold(hashes).ok()));
        }
        row = next;
    }
    Ok(())
}
