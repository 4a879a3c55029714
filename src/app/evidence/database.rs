//! The journal where it is kept: every row of it, from whatever side something leads to it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use tokio::runtime::Handle;

use super::findings::Findings;
use super::judge::{self, Judged};
use super::{Found, Known, Trouble, Verdict, copied, merged, misread, strays, told, vouching};
use crate::app::verifying::spread;
use crate::journal::leaf::Hash;
use crate::journal::tree;
use crate::journal::verify::Damage::{Altered, Missing, RolledBack};
use crate::journal::verify::{Audit, Mark};
use crate::store::examine::{self, Batch, CheckpointRow, Told, WIDTH};
use crate::store::{Db, Error, Store, audit};

/// Whoever answers questions about rows.
pub trait Rows {
    /// Asks one.
    ///
    /// # Errors
    /// The database fails.
    fn ask<T, F>(&mut self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db<'_>) -> Result<T, Error> + Send + 'static;
}

/// A store, asked from a thread of no runtime.
#[derive(Clone)]
struct Live {
    store: Store,
    runtime: Handle,
}

impl Rows for Live {
    fn ask<T, F>(&mut self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.runtime.block_on(self.store.read(work))
    }
}

impl Rows for Db<'_> {
    fn ask<T, F>(&mut self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db<'_>) -> Result<T, Error> + Send + 'static,
    {
        work(self)
    }
}

/// Verifies the journal of a store, over so many threads. Not on a thread of the runtime. `joined` is told how many leaves are done, of
/// how many.
///
/// # Errors
/// The database fails.
pub fn verify(
    store: &Store,
    runtime: Handle,
    known: &Known,
    threads: usize,
    joined: impl FnMut(u64, u64),
) -> Result<Verdict, Trouble> {
    let mut rows = Live { store: store.clone(), runtime };
    let signed = signed(&mut rows, known)?;
    let batches = batches(rows.clone(), signed);
    let checkpoints = pages(rows.clone());
    examined(&mut rows, batches, checkpoints, signed, known, threads, joined)
}

/// The same within one transaction: what is not committed is verified too.
///
/// # Errors
/// The database fails.
pub fn verify_within(db: &mut Db<'_>, known: &Known, threads: usize) -> Result<Verdict, Trouble> {
    let signed = signed(db, known)?;
    let mut read = Vec::new();
    let mut first = 0;
    while let Some(batch) = next(db, &mut first, signed) {
        read.push(batch);
    }
    let mut checkpoints = Vec::new();
    let mut after = i64::MIN;
    while let Some(page) = page(db, &mut after) {
        checkpoints.push(page);
    }
    examined(db, read.into_iter(), checkpoints.into_iter(), signed, known, threads, |_, _| ())
}

/// How many leaves are signed.
fn signed<R: Rows>(rows: &mut R, known: &Known) -> Result<u64, Error> {
    let mut below = i64::MAX;
    loop {
        let notes = rows.ask(move |db| examine::notes_below(db, below))?;
        // However many rows somebody put before it: the last that the log signed says it.
        let of = |(size, note): &(i64, String)| Some((*size, known.open(note).ok()?.size));
        let sizes = notes.iter().filter_map(of).filter(|(row, note)| u64::try_from(*row) == Ok(*note));
        match (sizes.map(|(_, size)| size).max(), notes.last()) {
            (Some(signed), _) => return Ok(signed),
            (None, Some((size, _))) if *size < below => below = *size,
            (None, _) => return Ok(0),
        }
    }
}

/// The next bundle, and where the one after it begins: nowhere, if nothing can follow.
fn next<R: Rows>(rows: &mut R, first: &mut u64, signed: u64) -> Option<Result<Batch, Error>> {
    let from = *first;
    if from == u64::MAX {
        return None;
    }
    *first = u64::MAX;
    let batch = match rows.ask(move |db| examine::batch(db, from, signed)) {
        Ok(batch) => batch?,
        Err(error) => return Some(Err(error)),
    };
    let gone = batch.slots.iter().all(|slot| slot.placed.is_empty());
    let holes = batch.slots.iter().any(|slot| slot.stands.rows.is_empty());
    if batch.tile.is_empty() && gone {
        return None;
    }
    if batch.slots.len() as u64 == WIDTH && !(batch.tile.is_empty() && holes) {
        *first = from + WIDTH;
    }
    Some(Ok(batch))
}

fn batches<R: Rows>(mut rows: R, signed: u64) -> impl Iterator<Item = Result<Batch, Error>> {
    let mut first = 0;
    std::iter::from_fn(move || next(&mut rows, &mut first, signed))
}

type Page = Vec<(i64, Option<CheckpointRow>)>;

fn page<R: Rows>(rows: &mut R, after: &mut i64) -> Option<Result<Page, Error>> {
    let from = *after;
    if from == i64::MAX {
        return None;
    }
    let page = rows.ask(move |db| examine::checkpoints(db, from));
    if let Ok(page) = &page {
        let last = page.last()?.0;
        // SQLite can hold one that is no number: it is said to be altered, and no other way leads beyond it.
        *after = if last > from { last } else { i64::MAX };
    }
    Some(page)
}

fn pages<R: Rows>(mut rows: R) -> impl Iterator<Item = Result<Page, Error>> {
    let mut after = i64::MIN;
    std::iter::from_fn(move || page(&mut rows, &mut after))
}

/// The checkpoints of the log, as they are met.
struct Checkpoints<'k, P> {
    /// Leaves that were signed when the walk began: what was signed since is about entries that it does not come by.
    signed: u64,
    pages: P,
    page: VecDeque<(i64, Option<CheckpointRow>)>,
    known: &'k Known,
    met: &'k RefCell<Met>,
}

/// What came of them.
#[derive(Default)]
struct Met {
    last: i64,
    found: Findings,
    failed: Option<Error>,
}

impl<P: Iterator<Item = Result<Page, Error>>> Iterator for Checkpoints<'_, P> {
    type Item = Mark;

    fn next(&mut self) -> Option<Mark> {
        loop {
            let Some((size, row)) = self.page.pop_front() else {
                match self.pages.next()? {
                    Ok(page) => self.page = page.into(),
                    Err(error) => {
                        self.met.borrow_mut().failed = Some(error);
                        return None;
                    }
                }
                continue;
            };
            let mut met = self.met.borrow_mut();
            if row.as_ref().is_some_and(|row| row.previous != met.last) {
                met.found.say(Found::in_place(Missing, format!("the checkpoint before {size}")));
            }
            met.last = size;
            let said = row.as_ref().and_then(|row| self.known.open(&row.note).ok());
            let said = said.filter(|said| u64::try_from(size) == Ok(said.size));
            if !row.zip(said.as_ref()).is_some_and(|(row, said)| fits(self.known, &row, &said.root)) {
                met.found.say(Found::in_place(Altered, format!("checkpoint {size}")));
            }
            // What is signed counts, whatever stands beside it.
            if let Some(said) = said.filter(|said| said.size <= self.signed) {
                return Some(Mark { size: said.size, root: said.root, foreign: false });
            }
        }
    }
}

/// Whether the columns of a checkpoint are what its signed note says.
fn fits(known: &Known, row: &CheckpointRow, root: &Hash) -> bool {
    let at = known.signed_at(&row.note).and_then(|at| i64::try_from(at).ok()?.checked_mul(1_000_000));
    row.root == root && at == Some(examine::instant(row.at).timestamp_micros())
}

/// The roots of full tiles that wait for their tile above.
#[derive(Default)]
struct Above {
    rows: HashMap<u8, Vec<Hash>>,
}

impl Above {
    fn take(&mut self, judged: &mut Judged) {
        let Some(root) = judged.root else { return };
        self.rows.entry(1).or_default().push(root);
        for (level, number, rows) in &judged.above {
            let below = self.rows.remove(level).unwrap_or_default();
            judge::above(*level, *number, rows, &below, &mut judged.found);
            if let Ok(root) = tree::fold(&below) {
                self.rows.entry(level + 1).or_default().push(root);
            }
        }
    }
}

/// Everything, from whatever side something leads to it.
fn examined<R: Rows>(
    rows: &mut R,
    batches: impl Iterator<Item = Result<Batch, Error>> + Send,
    pages: impl Iterator<Item = Result<Page, Error>>,
    signed: u64,
    known: &Known,
    threads: usize,
    mut joined: impl FnMut(u64, u64),
) -> Result<Verdict, Trouble> {
    let Told { destroyed, .. } = rows.ask(examine::told)?;
    // Before the walk, which so comes by every position that this says.
    let searchable = rows.ask(audit::reached)?;
    let met = RefCell::new(Met::default());
    let own = Checkpoints { signed, pages, page: VecDeque::new(), known, met: &met };
    let mut audit = Audit::new(merged(own, known.kept.clone()));
    let (mut said, mut above, mut end) = (Findings::default(), Above::default(), 0);
    let work = |batch: Result<Batch, Error>| {
        batch.map(|batch| (batch.first + batch.slots.len() as u64, judge::judge(batch, signed, &destroyed)))
    };
    spread(batches, threads, work, |batch| {
        let (reached, mut judged) = batch?;
        above.take(&mut judged);
        said.extend(strays::not_erased_meanwhile(rows, &destroyed, judged.found)?);
        audit.take(judged.recomputed);
        end = reached;
        joined(end, signed.max(end));
        Ok::<_, Error>(true)
    })?;
    let report = audit.finish();
    let Met { last, found: odd, failed } = met.into_inner();
    failed.map_or(Ok(()), Err)?;
    let more = odd.more();
    said.extend(odd.listed());
    strays::all(rows, (signed, end), &destroyed, &mut said)?;
    misread::all(rows, &mut said)?;
    copied::all(rows, searchable, end, &mut said)?;
    said.extend(forgotten(rows, last, known)?);
    let witnessed = vouching::cosignatures(rows, known, &mut said)?;
    told::all(rows, &mut said)?;
    let more = more || said.more();
    let verdict = Verdict::new(report, said.listed(), true);
    Ok(Verdict { witnessed, searchable, more: verdict.more || more, ..verdict })
}

/// A checkpoint that somebody kept is newer than the last one here. It is asked once more: what is signed is kept before it is published.
fn forgotten<R: Rows>(rows: &mut R, last: i64, known: &Known) -> Result<Option<Found>, Error> {
    let Some(kept) = known.kept.last() else { return Ok(None) };
    let is_there = |last: i64| u64::try_from(last).is_ok_and(|last| last >= kept.size);
    let is_published =
        move |db: &mut Db<'_>| Ok(examine::checkpoints(db, last)?.last().map_or(last, |(size, _)| *size));
    if is_there(last) || is_there(rows.ask(is_published)?) {
        return Ok(None);
    }
    let positions = Some((u64::try_from(last).unwrap_or(0), kept.size));
    Ok(Some(Found { positions, damage: RolledBack, entry: None, place: Some("journal_checkpoints".to_owned()) }))
}
