//! Whose turn it is: one node works, and another one takes over when it is silent. This spares work; what is signed is safe without it.

use std::time::{Duration, Instant};

use crate::clock::Random;
use crate::store::log::{self, Holder};
use crate::store::{Error, Store};

/// How often the holder says that it lives.
pub(super) const BEAT: Duration = Duration::from_secs(1);
/// How long a holder may be silent before another one takes over. Measured here: clocks of machines need not agree.
pub(super) const SILENCE: Duration = Duration::from_millis(3_500);

/// How long a node that could not work leaves it to others.
const AWAY: Duration = Duration::from_secs(10);

/// What a node knows of the holder.
pub(super) struct Turn {
    me: String,
    seen: Option<(Holder, Instant)>,
    /// Since when it leaves the work to others, and why.
    away: Option<(Instant, String)>,
}

impl Turn {
    /// A node that has not looked yet.
    pub(super) fn new(random: &Random) -> Self {
        Self { me: format!("{:032x}", random.u128()), seen: None, away: None }
    }

    /// Whether this node works. Where only one process has the database, always.
    pub(super) async fn is_mine(&mut self, store: &Store) -> Result<bool, Error> {
        if !store.is_shared() {
            return Ok(true);
        }
        if self.away.as_ref().is_some_and(|(since, _)| since.elapsed() < AWAY) {
            return Ok(false);
        }
        if let Some((holder, since)) = &self.seen
            && holder.name == self.me
            && since.elapsed() < BEAT
        {
            return Ok(true);
        }
        let found = store.read(log::holder).await?;
        let since = match &self.seen {
            Some((seen, since)) if *seen == found => *since,
            _ => Instant::now(),
        };
        let free = found.name.is_empty() || found.name == self.me;
        if !free && since.elapsed() < SILENCE {
            self.seen = Some((found, since));
            return Ok(false);
        }
        let now = Holder { name: self.me.clone(), beat: found.beat.wrapping_add(1) };
        let next = now.clone();
        let held = store.write(move |tx| log::hold(tx, &found, &next)).await?;
        self.seen = held.then(|| (now, Instant::now()));
        Ok(held)
    }

    /// Leaves the work to another node for a while, at once: this one cannot do it.
    pub(super) async fn let_go(&mut self, store: &Store, why: &str) -> Result<(), Error> {
        let Some((mine, _)) = self.seen.take().filter(|(holder, _)| holder.name == self.me) else { return Ok(()) };
        self.away = Some((Instant::now(), why.to_owned()));
        let nobody = Holder { name: String::new(), beat: mine.beat.wrapping_add(1) };
        store.write(move |tx| log::hold(tx, &mine, &nobody)).await.map(drop)
    }

    /// Why nobody works, if this node left it and nobody took over.
    pub(super) async fn left(&self, store: &Store) -> Result<Option<String>, Error> {
        let Some((_, why)) = self.away.as_ref().filter(|(since, _)| since.elapsed() < AWAY) else { return Ok(None) };
        Ok(store.read(log::holder).await?.name.is_empty().then(|| why.clone()))
    }
}
