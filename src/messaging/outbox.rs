//! Empties the outbox, a few messages at a time, until the process stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::mail::Sender;
use crate::clock::Clock;
use crate::store::{Error, Store, outbox};

/// Messages taken at a time.
const BATCH: i64 = 10;
/// How often the outbox is looked at when nobody rings.
const EVERY: Duration = Duration::from_secs(5);

/// Sends what is due, then waits for the bell or five seconds. Never returns.
pub async fn run(store: Store, sender: Sender, clock: Clock, bell: Arc<Notify>) {
    loop {
        match round(&store, &sender, &clock).await {
            Ok(taken) if taken == usize::try_from(BATCH).unwrap_or(usize::MAX) => {}
            outcome => {
                if let Err(error) = outcome {
                    tracing::error!(%error, "the outbox cannot be read");
                }
                tokio::select! {
                    () = bell.notified() => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        }
    }
}

async fn round(store: &Store, sender: &Sender, clock: &Clock) -> Result<usize, Error> {
    let now = clock.now();
    let due = store.write(move |tx| outbox::take_due(tx, BATCH, now)).await?;
    let taken = due.len();
    for waiting in due {
        let outcome = sender.send(&waiting.message).await;
        let (id, attempts, now) = (waiting.id, waiting.attempts, clock.now());
        match outcome {
            Ok(()) => store.write(move |tx| outbox::sent(tx, &id, now)).await?,
            Err(fault) => {
                tracing::warn!(message = %id, attempts, %fault, "a message could not be sent");
                store.write(move |tx| outbox::failed(tx, &id, attempts, now)).await?;
            }
        }
    }
    Ok(taken)
}
