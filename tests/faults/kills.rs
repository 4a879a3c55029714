//! The process dies at any moment: what it had acknowledged is there, and nothing is there in half.

use std::time::Duration;

use crate::chance::{Chance, setting};
use crate::clerk::{Clerk, Queue, until_done, until_trouble};
use crate::office::Office;
use crate::serve::Serve;
use crate::verify;

/// Openings that wait when the clerks begin: more than they can do before the next kill.
const WAITING: usize = 96;
/// A service that was killed answers again within this.
const READY: Duration = Duration::from_secs(2);
/// The last openings are over within this.
const PATIENCE: Duration = Duration::from_mins(1);

on_each_backend! {
    async fn what_was_acknowledged_survives_a_kill(database) {
        let (kills, mut chance) = (setting("FAULT_KILLS", 20), Chance::new("kills"));
        let office = Office::new(&database.location).await;
        let mut serve = Serve::start(&database.url).await;
        let (queue, mut clerks, mut slowest) = (Queue::default(), Clerk::all(&serve.base), Duration::ZERO);
        for _ in 0..kills {
            let missing = WAITING.saturating_sub(queue.borrow().len());
            let prepared = office.prepares(missing).await;
            queue.borrow_mut().extend(prepared);
            let moment = Duration::from_millis(20 + chance.below(381));
            clerks = until_killed(&mut serve, clerks, &queue, moment).await;
            slowest = slowest.max(serve.again().await);
        }
        queue.borrow_mut().clear();
        let clerks = until_done(clerks, &queue, PATIENCE).await;
        let interrupted: usize = clerks.iter().map(|clerk| clerk.lost).sum();
        let journeys: Vec<_> = clerks.into_iter().flat_map(|clerk| clerk.done).collect();
        let opened = journeys.len();
        let backend = database.backend;
        eprintln!("{backend:?}: {kills} kills, {opened} openings, {interrupted} requests lost, ready in {slowest:?}");
        verify::holds(&database, &office, &journeys).await;
        assert!(interrupted >= kills, "the kills came while nobody worked");
        assert!(slowest < READY, "{slowest:?} until it answered again");
    }
}

/// The clerks work until the process is killed.
async fn until_killed(serve: &mut Serve, clerks: Vec<Clerk>, queue: &Queue, moment: Duration) -> Vec<Clerk> {
    let work = until_trouble(clerks, queue);
    let kill = async {
        tokio::time::sleep(moment).await;
        serve.kill();
    };
    tokio::join!(work, kill).0
}
