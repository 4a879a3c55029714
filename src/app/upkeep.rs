//! What is done beside the requests, again and again, by every node: keys that sign are replaced in time, and what has ended is forgotten.

use std::time::Duration;

use actix_web::web::Data;
use chrono::TimeDelta;

use super::monitoring::clock_is_right;
use crate::domain::Instant;
use crate::domain::signing_key::Ages;
use crate::oidc::keys;
use crate::store::{Error, Store, Tx, pushed, seen};
use crate::web::state::App;

/// How often. Another node may have made a key: it is known here well before it signs (`signing_key::LAG`).
const EVERY: Duration = Duration::from_secs(30);
/// Rows forgotten in one transaction, which others wait for.
const BATCH: usize = 500;
/// Transactions in one round: what is left is for the next.
const ROUND: usize = 20;
/// How long a token presented once is remembered after its end: a clock that was a day ahead for a while must not revive it.
const REMEMBERED: TimeDelta = TimeDelta::hours(25);

/// For ever.
pub(super) async fn run(app: Data<App>, ages: Ages) {
    loop {
        app.sources.retain_recent();
        app.budget.forget_the_quiet();
        once(&app, &ages).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// One round. What fails is said in the log, and done in a later round.
pub async fn once(app: &App, ages: &Ages) {
    // Whoever mistakes the day would put keys into service, and forget, too early.
    let now = clock_is_right(app).await.then(|| app.clock.now());
    if let Some(now) = now
        && let Err(fault) = keys::tend(&app.store, ages, now).await
    {
        tracing::error!(%fault, "the signing keys could not be looked after");
    }
    if let Err(fault) = app.provider.keys.refresh(&app.store).await {
        tracing::error!(%fault, "the signing keys could not be read again");
    }
    // Last, because it may take a while.
    if let Some(now) = now
        && let Err(error) = forget(&app.store, now).await
    {
        tracing::error!(%error, "what has expired could not be forgotten");
    }
}

/// Forgets what has expired, a few rows at a time.
///
/// # Errors
/// The database fails; what was forgotten before stays so.
pub async fn forget(store: &Store, now: Instant) -> Result<(), Error> {
    in_batches(store, move |tx| seen::forget(tx, now - REMEMBERED, BATCH)).await?;
    in_batches(store, move |tx| pushed::forget(tx, now, BATCH)).await
}

async fn in_batches<F>(store: &Store, batch: F) -> Result<(), Error>
where
    F: Fn(&mut Tx<'_>) -> Result<usize, Error> + Copy + Send + 'static,
{
    for _ in 0..ROUND {
        if store.write(batch).await? < BATCH {
            break;
        }
    }
    Ok(())
}
