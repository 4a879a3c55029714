//! Spreads work over all cores and joins what comes of it in order: the journal is verified so.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};

/// Pieces begun and not yet joined, for each thread that works: from some ten kilobytes to a megabyte each.
const AHEAD: usize = 4;

/// Does `work` on each piece, on so many threads, and gives what it answers to `join`, on the calling thread and in the order of the
/// pieces, until that says that nothing after it counts. What is slow belongs into `work`: one thread alone makes the pieces.
///
/// # Errors
/// The first of `join`.
pub fn spread<T: Send, W: Send, E>(
    pieces: impl Iterator<Item = T> + Send,
    threads: usize,
    work: impl Fn(T) -> W + Sync,
    mut join: impl FnMut(W) -> Result<bool, E>,
) -> Result<(), E> {
    let threads = threads.max(1);
    let (todo, waiting) = mpsc::sync_channel(AHEAD * threads);
    let (done, finished) = mpsc::sync_channel(AHEAD * threads);
    // How many pieces may be under way: whoever joins gives a turn back, so that one slow thread does not fill the memory.
    let (give, turns) = mpsc::sync_channel(AHEAD * threads);
    let waiting = Mutex::new(waiting);
    std::thread::scope(|scope| {
        scope.spawn(move || make(pieces, &todo, &give));
        for _ in 0..threads {
            let (waiting, done, work) = (&waiting, done.clone(), &work);
            scope.spawn(move || answer(waiting, &done, work));
        }
        drop(done);
        // Both are dropped at the end of this, whatever it is: then the threads end by themselves.
        let (finished, turns) = (finished, turns);
        let mut early = BTreeMap::new();
        let mut next = 0_u64;
        for (number, worked) in finished {
            early.insert(number, worked);
            while let Some(worked) = early.remove(&next) {
                // A panic is passed on: nobody else would come with what is missing.
                let worked = worked.unwrap_or_else(|panic| resume_unwind(panic));
                if !join(worked)? {
                    return Ok(());
                }
                next += 1;
                // Whoever makes the pieces may have ended: then there is nobody to give it to.
                let _ = turns.recv();
            }
        }
        Ok(())
    })
}

type Numbered<T> = (u64, T);

fn make<T>(pieces: impl Iterator<Item = T>, todo: &SyncSender<Numbered<T>>, turn: &SyncSender<()>) {
    for numbered in (0..).zip(pieces) {
        if turn.send(()).is_err() || todo.send(numbered).is_err() {
            return;
        }
    }
}

type Worked<W> = Numbered<std::thread::Result<W>>;

fn answer<T, W>(waiting: &Mutex<Receiver<Numbered<T>>>, done: &SyncSender<Worked<W>>, work: impl Fn(T) -> W) {
    loop {
        // The lock is given back before the work begins.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, piece)) = next else { return };
        // Nothing is used again of what it leaves half done.
        let worked = catch_unwind(AssertUnwindSafe(|| work(piece)));
        if done.send((number, worked)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    /// Some pieces take longer than those after them.
    fn squared(piece: u64) -> u64 {
        std::thread::sleep(Duration::from_micros(if piece.is_multiple_of(7) { 500 } else { 0 }));
        piece * piece
    }

    #[test]
    fn however_many_threads_the_order_is_that_of_the_pieces() {
        let expected: Vec<u64> = (0..300).map(|piece| piece * piece).collect();
        for threads in [0, 1, 5] {
            let mut joined = Vec::new();
            let all = spread(0..300, threads, squared, |worked| {
                joined.push(worked);
                Ok::<_, ()>(true)
            });
            assert_eq!((all, &joined), (Ok(()), &expected));
        }
    }

    #[test]
    fn it_ends_where_nothing_more_counts_and_at_the_first_error() {
        for threads in [1, 3] {
            let mut joined = 0;
            let ended = spread(0.., threads, squared, |worked| {
                joined += 1;
                Ok::<_, ()>(worked < 30 * 30)
            });
            assert_eq!((ended, joined), (Ok(()), 31));
            let failed = spread(0.., threads, squared, |worked| if worked < 100 { Ok(true) } else { Err(worked) });
            assert_eq!(failed, Err(100));
        }
    }

    #[test]
    fn a_panic_ends_it_too() {
        let work = |piece: u64| assert!(piece != 20, "this one cannot be done");
        for threads in [1, 3] {
            let all = || spread(0.., threads, work, |()| Ok::<_, ()>(true));
            let panic = catch_unwind(AssertUnwindSafe(all)).unwrap_err();
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"this one cannot be done"));
        }
    }

    #[test]
    fn a_slow_piece_does_not_fill_the_memory() {
        let begun = AtomicU64::new(0);
        let slow = |piece: u64| {
            begun.fetch_add(1, Ordering::Relaxed);
            if piece == 0 {
                std::thread::sleep(Duration::from_millis(50));
                return begun.load(Ordering::Relaxed);
            }
            0
        };
        let mut most = 0;
        let done = spread(0..1000, 4, slow, |worked| {
            most = most.max(worked);
            Ok::<_, ()>(true)
        });
        assert_eq!(done, Ok(()));
        assert!((1..=4 * AHEAD as u64 + 1).contains(&most), "{most} pieces were begun before the first was done");
    }
}
