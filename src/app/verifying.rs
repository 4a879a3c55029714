//! Runs the verifier of the journal over all cores: one thread reads, the others hash, and the calling one joins what they answer.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

use crate::journal::verify::{Audit, Mark, Report, recompute};

/// Bundles read and not yet joined, for each thread that hashes: about a hundred kilobytes each.
const AHEAD: usize = 8;

/// A bundle of entries, and its tile of leaf hashes if there is one. Every one before the last is full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// The position of its first entry.
    pub first: u64,
    /// The entries.
    pub bundle: Vec<u8>,
    /// The hashes.
    pub tile: Option<Vec<u8>>,
}

/// Verifies the pieces, in order from the first, against what was vouched for. `joined` is told how many leaves are done.
///
/// # Errors
/// The first that `pieces` answers.
pub fn verify<E: Send>(
    pieces: impl Iterator<Item = Result<Piece, E>> + Send,
    marks: impl Iterator<Item = Mark>,
    threads: usize,
    mut joined: impl FnMut(u64),
) -> Result<Report, E> {
    let mut audit = Audit::new(marks);
    let work = |Piece { first, bundle, tile }| recompute(first, &bundle, tile.as_deref());
    spread(pieces, threads, work, |recomputed| {
        audit.take(recomputed);
        joined(audit.size());
    })?;
    Ok(audit.finish())
}

/// Does `work` on each piece, on so many threads, and gives what it answers to `join`, in the order of the pieces.
///
/// # Errors
/// The first that `pieces` answers; `join` was given what came before it.
pub fn spread<T: Send, W: Send, E: Send>(
    pieces: impl Iterator<Item = Result<T, E>> + Send,
    threads: usize,
    work: impl Fn(T) -> W + Sync,
    mut join: impl FnMut(W),
) -> Result<(), E> {
    let threads = threads.max(1);
    let (todo, waiting) = mpsc::sync_channel(AHEAD * threads);
    let (done, finished) = mpsc::sync_channel(AHEAD * threads);
    // How many pieces may be under way: whoever joins gives a turn back, so that one slow thread does not fill the memory.
    let (give, turns) = mpsc::sync_channel(AHEAD * threads);
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || read(pieces, &todo, &give));
        for _ in 0..threads {
            let (waiting, done, work) = (&waiting, done.clone(), &work);
            scope.spawn(move || hash(waiting, &done, work));
        }
        drop(done);
        let mut early = BTreeMap::new();
        let mut next = 0_u64;
        for (number, worked) in finished {
            early.insert(number, worked);
            while let Some(worked) = early.remove(&next) {
                join(worked);
                next += 1;
                // The reader may have ended: then there is nobody to give it to.
                let _ = turns.recv();
            }
        }
        match reader.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

type Numbered<T> = (u64, T);

fn read<T, E>(
    pieces: impl Iterator<Item = Result<T, E>>,
    todo: &SyncSender<Numbered<T>>,
    turn: &SyncSender<()>,
) -> Result<(), E> {
    for (number, piece) in (0..).zip(pieces) {
        let piece = piece?;
        if turn.send(()).is_err() || todo.send((number, piece)).is_err() {
            break;
        }
    }
    Ok(())
}

fn hash<T, W>(waiting: &Mutex<Receiver<Numbered<T>>>, done: &SyncSender<Numbered<W>>, work: impl Fn(T) -> W) {
    loop {
        // The lock is given back before the work begins.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, piece)) = next else { return };
        if done.send((number, work(piece))).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::bundle;
    use crate::journal::leaf::{Hash, NOTHING_SEALED, leaf_hash};
    use crate::journal::tile::Edge;
    use crate::journal::verify::Damage;

    fn piece(number: u64) -> (Piece, Vec<Hash>) {
        let (mut bytes, mut leaves) = (Vec::new(), Vec::new());
        for entry in 0..256 {
            let clear = format!("{{\"id\":\"ent_{}\"}}", number * 256 + entry).into_bytes();
            bundle::append(&mut bytes, &clear, &NOTHING_SEALED).unwrap();
            leaves.push(leaf_hash(&clear, &NOTHING_SEALED));
        }
        (Piece { first: number * 256, bundle: bytes, tile: Some(leaves.concat()) }, leaves)
    }

    #[test]
    fn however_many_threads_the_verdict_is_the_same() {
        let (mut pieces, leaves): (Vec<_>, Vec<_>) = (0..200).map(piece).unzip();
        let mut edge = Edge::default();
        leaves.concat().into_iter().for_each(|leaf| edge.push(leaf, |_, _| ()));
        let mark = Mark { size: edge.size(), root: edge.root(), foreign: false };
        let verdict = |pieces: &[Piece], threads| {
            let mut last = 0;
            let all = pieces.iter().cloned().map(Ok::<_, ()>);
            let report = verify(all, std::iter::once(mark.clone()), threads, |size| last = size).unwrap();
            assert_eq!((last, report.size), (edge.size(), edge.size()));
            report.findings
        };
        assert_eq!(verdict(&pieces, 1), []);
        assert_eq!(verdict(&pieces, 5), []);
        pieces[150].bundle[5] ^= 1;
        for threads in [1, 5] {
            let found = verdict(&pieces, threads);
            assert_eq!(
                (found.len(), found[0].damage, found[0].positions.clone()),
                (1, Damage::Altered, 38_400..38_401)
            );
        }
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        let pieces = (0..40).map(|number| if number == 30 { Err("gone") } else { Ok(piece(number).0) });
        assert_eq!(verify(pieces, std::iter::empty(), 3, |_| ()).unwrap_err(), "gone");
    }
}
