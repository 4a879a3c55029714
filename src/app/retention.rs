//! The retention: a command, and every night in a running service. One node at a time, in short transactions; a run that was cut off
//! goes on where it stopped, because what is done needs no doing.

use std::time::Duration;

use chrono::{Months, TimeDelta, Timelike};

use crate::clock::{Clock, Random};
use crate::config;
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::retention::{Keeping, Stage};
use crate::store::retention::{Batch, Data, Over, Purged, batch, count, purge};
use crate::store::{Error, Location, Store, Tx, erasures, journal, leases};

/// What the lease is about.
const LEASE: &str = "retention";
/// A node that holds the lease and says nothing for this long is gone.
const LEASE_LIFE: TimeDelta = TimeDelta::minutes(2);
/// How often a node looks whether the night has come.
pub const LOOK_EVERY: Duration = Duration::from_mins(10);

/// How long everything is kept.
#[derive(Debug, Clone, Copy)]
pub struct Periods {
    mandates: Keeping,
    mediators: Keeping,
    traces: Months,
    over: u32,
    phones: u32,
}

impl From<&config::Retention> for Periods {
    fn from(set: &config::Retention) -> Self {
        let keeping = |in_use, archive| Keeping { in_use: Months::new(in_use), archive: Months::new(archive) };
        Self {
            mandates: keeping(set.mandates_in_use, set.mandates_archive),
            mediators: keeping(set.mediators_in_use, set.mediators_archive),
            traces: Months::new(set.traces),
            over: set.over,
            phones: set.phones,
        }
    }
}

/// What a run did to one kind of data, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Which.
    pub what: &'static str,
    /// Into the restricted archive.
    pub archived: usize,
    /// Destroyed.
    pub destroyed: usize,
    /// Rows that were over, purged.
    pub purged: usize,
    /// Kept by a hold.
    pub held: usize,
    /// Left for the next run, because something is under way.
    pub busy: usize,
}

/// One run.
pub struct Run {
    store: Store,
    clock: Clock,
    holder: String,
    periods: Periods,
    dry: bool,
}

/// Why a transaction came to nothing: on purpose, or not.
enum Undone<T> {
    Tried(T),
    Failed(Error),
}

impl<T> From<Error> for Undone<T> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Run {
    /// A run by this process. `dry`: every transaction is tried, and undone.
    #[must_use]
    pub fn new(store: Store, clock: Clock, random: &Random, periods: Periods, dry: bool) -> Self {
        Self { store, clock, holder: random.token(), periods, dry }
    }

    /// Runs to the end; nothing if another node is at it.
    ///
    /// # Errors
    /// The database fails: what was done stays done, and the next run does the rest.
    pub async fn report(&self) -> Result<Option<Vec<Line>>, Error> {
        let now = self.clock.now();
        if !self.holds_the_lease().await? {
            return Ok(None);
        }
        let (mut lines, mut gone) = (Vec::new(), Vec::new());
        let unserved = Keeping { in_use: Months::new(0), archive: Months::new(0) };
        for (data, keeping) in [
            (Data::Mandates, self.periods.mandates),
            (Data::Citizens, self.periods.mandates),
            (Data::Unserved { days: self.periods.over }, unserved),
            (Data::Accounts, self.periods.mediators),
        ] {
            let mut line = Line { what: data.name(), ..Line::default() };
            for from in [Stage::InUse, Stage::Archived] {
                let stages = matches!(data, Data::Unserved { .. }) && from == Stage::Archived;
                if !stages && !self.stages((data, from, keeping), now, &mut line, &mut gone).await? {
                    return Ok(None);
                }
            }
            lines.push(line);
        }
        for over in Over::ALL {
            let Some(purged) = self.purges(over, now, &gone).await? else { return Ok(None) };
            lines.push(Line { what: over.table(), purged, ..Line::default() });
        }
        let expired = self.tried(move |tx| erasures::expire(tx, None, now)).await?;
        lines.push(Line { what: "erasure_requests", purged: expired, ..Line::default() });
        self.done(&lines, now).await?;
        Ok(Some(lines))
    }

    /// Every batch of one kind of data at one stage; false if another node took over. `gone` learns of accounts that go.
    async fn stages(
        &self,
        (data, from, keeping): (Data, Stage, Keeping),
        now: Instant,
        line: &mut Line,
        gone: &mut Vec<String>,
    ) -> Result<bool, Error> {
        let mut after: Option<String> = None;
        loop {
            let done: Batch = self.tried(move |tx| batch(tx, data, from, keeping, after.as_deref(), now)).await?;
            line.archived += done.archived;
            line.destroyed += done.destroyed;
            line.held += done.held;
            line.busy += done.busy;
            gone.extend(done.accounts);
            after = done.next;
            if after.is_none() {
                return Ok(true);
            }
            if !self.holds_the_lease().await? {
                return Ok(false);
            }
        }
    }

    /// Every batch of what is over; nothing if another node took over.
    async fn purges(&self, over: Over, now: Instant, gone: &[String]) -> Result<Option<usize>, Error> {
        let days = |days: u32| now - TimeDelta::days(days.into());
        let before = match over {
            Over::Traces => now.checked_sub_months(self.periods.traces).unwrap_or_default(),
            Over::Phones => days(self.periods.phones),
            _ => days(self.periods.over),
        };
        if self.dry {
            // What was tried was undone: rows that this one would have let go are still there.
            let gone = gone.to_vec();
            return self.store.read(move |db| count(db, over, before, &gone)).await.map(Some);
        }
        let (mut rows, mut after) = (0, None::<String>);
        loop {
            let Purged { rows: more, next } = self.tried(move |tx| purge(tx, over, before, after.as_deref())).await?;
            rows += more;
            after = next;
            if after.is_none() {
                return Ok(Some(rows));
            }
            if !self.holds_the_lease().await? {
                return Ok(None);
            }
        }
    }

    async fn tried<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let dry = self.dry;
        let done = self.store.write(move |tx| {
            let done = work(tx)?;
            if dry { Err(Undone::Tried(done)) } else { Ok(done) }
        });
        match done.await {
            Ok(done) | Err(Undone::Tried(done)) => Ok(done),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    async fn holds_the_lease(&self) -> Result<bool, Error> {
        if self.dry {
            return Ok(true);
        }
        let (holder, now) = (self.holder.clone(), self.clock.now());
        self.store.write(move |tx| leases::take(tx, LEASE, &holder, now + LEASE_LIFE, now)).await
    }

    /// The run itself is an entry, and the lease is given back.
    async fn done(&self, lines: &[Line], now: Instant) -> Result<(), Error> {
        let sum = |of: fn(&Line) -> usize| lines.iter().map(of).sum::<usize>().to_string();
        let event = Event::new(Kind::RetentionRun, now)
            .fact("archived", sum(|line| line.archived))
            .fact("destroyed", sum(|line| line.destroyed))
            .fact("purged", sum(|line| line.purged))
            .fact("held", sum(|line| line.held))
            .fact("busy", sum(|line| line.busy));
        let holder = self.holder.clone();
        self.tried(move |tx| {
            journal::record(tx, &event)?;
            leases::done(tx, LEASE, &holder, now)
        })
        .await
    }
}

/// Whether the night's run is still to be made: the last hour of that name has passed, and nobody ran since.
fn is_due(done: Option<Instant>, hour: u32, now: Instant) -> bool {
    let today = now.with_minute(0).and_then(|at| at.with_second(0)).and_then(|at| at.with_nanosecond(0));
    let Some(today) = today.and_then(|at| at.with_hour(hour)) else { return false };
    let last = if today <= now { today } else { today - TimeDelta::days(1) };
    done.is_none_or(|done| done < last)
}

/// Every night, for as long as the service runs; it is looked so often whether the night has come.
pub async fn nightly(
    store: Store,
    clock: Clock,
    random: Random,
    set: config::Retention,
    location: Location,
    looks: Duration,
) {
    let (periods, hour) = (Periods::from(&set), set.hour);
    loop {
        tokio::time::sleep(looks).await;
        let due = store.read(|db| leases::done_at(db, LEASE)).await.map(|done| is_due(done, hour, clock.now()));
        let run = match due {
            Ok(true) => Run::new(store.clone(), clock.clone(), &random, periods, false).report().await,
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        match run {
            Ok(Some(lines)) => {
                tracing::info!(kinds = lines.len(), "the retention ran");
                if let Err(error) = Store::settle(location.clone()).await {
                    tracing::error!(%error, "the files were not swept after the retention");
                }
            }
            Ok(None) => tracing::info!("another node runs the retention"),
            Err(error) => tracing::error!(%error, "the retention stopped; it goes on at the next look"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_comes_once() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let night = at("2026-11-22T02:00:00Z");
        assert!(is_due(None, 2, at("2026-11-22T01:00:00Z")), "never before");
        assert!(!is_due(Some(at("2026-11-21T02:05:00Z")), 2, at("2026-11-22T01:59:59Z")));
        assert!(is_due(Some(at("2026-11-21T02:05:00Z")), 2, night));
        assert!(!is_due(Some(night), 2, at("2026-11-23T01:00:00Z")));
        assert!(is_due(Some(at("2026-11-12T02:00:00Z")), 2, at("2026-11-22T00:30:00Z")), "it was down for days");
    }
}
