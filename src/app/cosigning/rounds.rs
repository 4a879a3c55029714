//! Which checkpoint all witnesses are asked for: one that bears the signatures of several proves more than several with one each.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::store::log::Published;

/// Rounds that all witnesses share.
#[derive(Debug, Default)]
pub struct Rounds {
    every: Duration,
    now: Mutex<Option<(Instant, Published)>>,
}

impl Rounds {
    /// Rounds that last so long. Without any length, everybody is asked for the last checkpoint.
    #[must_use]
    pub fn of(every: Duration) -> Self {
        Self { every, now: Mutex::default() }
    }

    /// The checkpoint of this round: the last one when the first was asked. Who knows a larger tree than that begins another round.
    pub(super) fn pick(&self, last: Published, knows: u64) -> Published {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this_round = |(since, picked): &&(Instant, Published)| {
            since.elapsed() < self.every && (knows..=last.size).contains(&picked.size)
        };
        match now.as_ref().filter(of_this_round) {
            Some((_, picked)) => picked.clone(),
            _ => now.insert((Instant::now(), last)).1.clone(),
        }
    }
}
