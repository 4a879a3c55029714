//! The sequencer: gives every entry its position, extends the tree, and signs it. Every node has one, and one of them works.
//!
//! What is signed is safe whoever works: positions are given in one transaction at a time and never change, so that two nodes which
//! both believe to be the one can only sign two trees of which one begins the other. The holder in the database spares work; nothing
//! rests on it.

mod joining;
mod memory;
mod reading;
mod start;
mod trouble;
mod turn;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::SubsecRound;
use joining::Joining;
use memory::Memory;
pub use start::{new_key, start};
pub use trouble::Trouble;
use turn::{BEAT, Turn};

use crate::clock::{Clock, Random};
use crate::journal::checkpoint::Checkpoint;
use crate::journal::leaf::Hash;
use crate::journal::note::Signer;
use crate::journal::tile::{Edge, Tile};
use crate::store::log::{self, Published};
use crate::store::{self, Store};
use crate::web::state::Signing;

/// Entries given a position at once.
const BATCH: i64 = 4_096;
/// How often it is looked whether an entry waits.
const EVERY: Duration = Duration::from_millis(200);
/// How often a trouble that lasts is said again.
const SAID_AGAIN: Duration = Duration::from_mins(1);

/// Gives positions and signs.
pub struct Sequencer {
    store: Store,
    clock: Clock,
    signer: Signer,
    memory: Memory,
    shown: Arc<Signing>,
    turn: Turn,
    /// The tree as it was last seen, if it is known.
    at: Option<Standing>,
    /// What it has seen of others, as long as it remembers nothing.
    joining: Joining,
    /// Leaves under the last checkpoint of another node that it held against what it knows.
    followed: Option<u64>,
    /// Whether it was said that the last checkpoint is by another key.
    foreign: bool,
}

/// The tree that was last published.
struct Standing {
    edge: Edge,
    last: Option<Published>,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Another node works.
    Elsewhere,
    /// Nothing waits.
    Idle,
    /// Something was signed, and all of it.
    Signed,
    /// More waits.
    More,
}

impl Sequencer {
    /// One that signs with this key, and remembers in this file what it signed.
    ///
    /// # Errors
    /// The file cannot be read, or holds what this key did not sign.
    pub fn new(
        store: Store,
        clock: Clock,
        signer: Signer,
        remembers: &Path,
        shown: Arc<Signing>,
        random: &Random,
    ) -> Result<Self, Trouble> {
        let memory = Memory::open(remembers, signer.verifier()).map_err(Trouble::Memory)?;
        let (turn, joining) = (Turn::new(random), Joining::default());
        Ok(Self { store, clock, signer, memory, shown, turn, at: None, joining, followed: None, foreign: false })
    }

    /// Works until the process ends.
    pub async fn run(mut self) {
        let mut said: Option<(String, Instant)> = None;
        loop {
            let step = self.step().await;
            self.show(&step);
            let pause = match step {
                Ok(Step::More) => Duration::ZERO,
                Ok(Step::Elsewhere) => EVERY * 2,
                Ok(_) => EVERY,
                Err(trouble) => {
                    let trouble = trouble.to_string();
                    if said.as_ref().is_none_or(|(last, at)| *last != trouble || at.elapsed() > SAID_AGAIN) {
                        tracing::error!(%trouble, "the journal is not signed");
                        said = Some((trouble, Instant::now()));
                    }
                    BEAT
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn show(&self, step: &Result<Step, Trouble>) {
        let trouble = step.as_ref().err().map(ToString::to_string);
        metrics::gauge!("journal_signing_refused").set(if trouble.is_some() { 1.0 } else { 0.0 });
        self.shown.says(trouble);
        self.shown.turns(matches!(step, Ok(Step::Elsewhere)));
    }

    /// One step: positions for what waits, and the tree over them signed.
    ///
    /// # Errors
    /// Whatever keeps it from signing. What it knew of the tree is read anew after that.
    pub async fn step(&mut self) -> Result<Step, Trouble> {
        let step = self.attempt().await;
        if step.is_err() {
            self.at = None;
        }
        if let Err(trouble) = &step
            && trouble.is_of_this_machine()
            && let Err(error) = self.turn.let_go(&self.store, &trouble.to_string()).await
        {
            tracing::warn!(%error, "the signing could not be left to another node");
        }
        match step {
            // Another node published first: what it did is looked at, and then done again.
            Err(Trouble::Store(store::Error::Conflict)) => Ok(Step::More),
            other => other,
        }
    }

    async fn attempt(&mut self) -> Result<Step, Trouble> {
        if !self.turn.is_mine(&self.store).await? {
            self.at = None;
            self.follow().await?;
            return match self.turn.left(&self.store).await? {
                Some(why) => Err(Trouble::Left(why)),
                None => Ok(Step::Elsewhere),
            };
        }
        self.shown.joins(false);
        let mut standing = match self.at.take() {
            Some(standing) if self.is_still(&standing).await? => standing,
            _ => self.remembered().await?,
        };
        let (waits, given) =
            self.store.read(|db| Ok::<_, store::Error>((log::anything_pending(db)?, log::given(db)?))).await?;
        if given < standing.edge.size() {
            // Another database has taken its place, and it knows less.
            standing = self.remembered().await?;
        }
        if waits {
            self.store.write(|tx| log::give_positions(tx, BATCH)).await?;
        }
        let (from, limit) = (standing.edge.size(), self.limit(standing.edge.size()));
        let leaves = self.store.read(move |db| log::leaves(db, from, limit)).await?;
        if leaves.is_empty() {
            self.at = Some(standing);
            return Ok(Step::Idle);
        }
        let more = i64::try_from(leaves.len()).is_ok_and(|count| count == limit);
        self.sign(&mut standing, leaves).await?;
        self.at = Some(standing);
        Ok(if more { Step::More } else { Step::Signed })
    }

    /// How many leaves to add. Of a tree that was signed and not published, because the process died in between, all: nothing smaller
    /// is signed after it.
    fn limit(&self, size: u64) -> i64 {
        let known = self.memory.last().map_or(0, |known| known.size);
        i64::try_from(known.saturating_sub(size)).ok().filter(|ahead| *ahead > 0).unwrap_or(BATCH)
    }

    async fn sign(&mut self, standing: &mut Standing, leaves: Vec<Hash>) -> Result<(), Trouble> {
        let base = standing.edge.size();
        let mut full: Vec<(Tile, Vec<Hash>)> = Vec::new();
        for leaf in leaves {
            standing.edge.push(leaf, |tile, hashes| full.push((tile, hashes.to_vec())));
        }
        let (size, root) = (standing.edge.size(), standing.edge.root());
        if self.memory.last().is_some_and(|known| known.size == size && known.root != root) {
            return Err(Trouble::Forked(size));
        }
        // A clock that goes back does not take the journal with it.
        // To the second, as the signature says it.
        let now = self.clock.now().trunc_subsecs(0);
        let at = standing.last.as_ref().map_or(now, |last| last.at.max(now));
        let origin = self.signer.verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root, extensions: Vec::new() };
        let note = checkpoint.sign(&self.signer, u64::try_from(at.timestamp()).unwrap_or(0));
        // Before anybody can see it: what may have been seen is remembered.
        self.memory.keep(checkpoint, &note).map_err(Trouble::Memory)?;
        let published = Published { size, root, at, note };
        let next = published.clone();
        self.store.write(move |tx| log::publish(tx, base, &full, &next)).await?;
        self.shown.signed(size, at);
        metrics::gauge!("journal_signed_timestamp_seconds").set(f64::from(u32::try_from(at.timestamp()).unwrap_or(0)));
        standing.last = Some(published);
        Ok(())
    }
}
