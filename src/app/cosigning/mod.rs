//! Asks witnesses to cosign the journal's checkpoints, keeps what they sign, and says when one is silent or says no.

mod rounds;
mod start;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use url::Url;

pub use rounds::Rounds;
pub use start::{start, trust};

use crate::clock::Clock;
use crate::journal::Fault;
use crate::journal::leaf::Hash;
use crate::journal::note::Verifier;
use crate::journal::tile::{Tile, Tiled};
use crate::journal::tree::Nodes;
use crate::journal::witness::{Submission, cosignature};
use crate::oidc::http::{self, Client};
use crate::store::log::{self, Published};
use crate::store::{self, Db, Store, vouched};

/// How often one checkpoint is sent in a row: a witness may say once where it is, and another node of ours may be ahead.
const ATTEMPTS: usize = 3;

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It does not answer, or with an error of its own.
    #[error("the witness {0}")]
    Silent(#[from] http::Error),
    /// It answers something that is not of the protocol, or does not want this log.
    #[error("the witness refused with status {0}")]
    Refused(u16),
    /// Its answer holds no signature of its own.
    #[error("what the witness answered is not its signature: {0}")]
    Lied(Fault),
    /// It cosigned more than there is.
    #[error(
        "the witness cosigned a tree of {theirs} entries, and there are {ours}: the database lost entries, or somebody else signs with \
         the journal's key; see docs/operating.md, \"What an alarm of a witness means\""
    )]
    Ahead {
        /// Leaves that it knows.
        theirs: u64,
        /// Leaves signed here.
        ours: u64,
    },
    /// It cosigned another history.
    #[error(
        "the witness cosigned another journal of {0} entries than this one: one of them was changed; see docs/operating.md, \"What an \
         alarm of a witness means\""
    )]
    Forked(u64),
    /// Whoever owns the database wrote something where its signature should be.
    #[error(
        "under the tree of {0} entries the database has something else in the place of the witness's signature: run `mandataire journal \
         verify`"
    )]
    Occupied(u64),
    /// It says each time that it is elsewhere.
    #[error("the witness does not say twice where it is")]
    Restless,
    /// The tree cannot be read.
    #[error("the tree of the journal cannot be read: {0}")]
    Damaged(#[from] Fault),
    /// The database.
    #[error("{0}")]
    Store(#[from] store::Error),
}

impl Trouble {
    /// Whether it says that something is wrong, and not only that nobody answers.
    #[must_use]
    pub const fn contradicts(&self) -> bool {
        matches!(self, Self::Lied(_) | Self::Ahead { .. } | Self::Forked(_) | Self::Occupied(_))
    }
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has cosigned all there is.
    Idle,
    /// It cosigned the tree of so many leaves.
    Cosigned(u64),
}

/// Asks one witness.
pub struct Cosigner {
    store: Store,
    clock: Clock,
    witness: Verifier,
    address: Url,
    client: Client,
    rounds: Arc<Rounds>,
    /// How large a tree it knows, if it said so.
    known: Option<u64>,
    /// What it said that it knows last, and what it had cosigned, if that was more.
    forgot: Option<(u64, u64)>,
}

enum Answer {
    Cosigned(String),
    Knows(u64),
    Unproved,
}

impl Cosigner {
    /// One that asks the witness of this key at this address.
    ///
    /// # Errors
    /// It cannot be called from this machine.
    pub fn new(store: Store, clock: Clock, witness: Verifier, address: &Url) -> Result<Self, http::Error> {
        let mut address = address.clone();
        let path = format!("{}/add-checkpoint", address.path().trim_end_matches('/'));
        address.set_path(&path);
        let client = Client::new(&address)?;
        Ok(Self { store, clock, witness, address, client, rounds: Arc::default(), known: None, forgot: None })
    }

    /// The same, asked for what the others are asked for.
    #[must_use]
    pub fn in_rounds(self, rounds: Arc<Rounds>) -> Self {
        Self { rounds, ..self }
    }

    /// The name of the witness.
    #[must_use]
    pub fn name(&self) -> &str {
        self.witness.name()
    }

    /// One step: the last checkpoint cosigned, if it is not.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn step(&mut self) -> Result<Step, Trouble> {
        for _ in 0..ATTEMPTS {
            let witness = self.witness.clone();
            let standing =
                self.store.read(move |db| Ok::<_, store::Error>((log::latest(db)?, vouched::cosigned(db, &witness)?)));
            let (Some(last), done) = standing.await? else { return Ok(Step::Idle) };
            let done = done.map_or(0, |done| done.size);
            let last = self.rounds.pick(last, self.known.unwrap_or(0).max(done));
            if last.size <= done {
                return Ok(Step::Idle);
            }
            let (size, old) = (last.size, self.known.unwrap_or(done).min(last.size));
            match self.submit(old, &last).await? {
                Answer::Cosigned(line) => {
                    self.keep(&last, line).await?;
                    self.known = Some(size);
                    return Ok(Step::Cosigned(size));
                }
                Answer::Unproved => return Err(Trouble::Forked(old)),
                Answer::Knows(theirs) if theirs == old => return Err(Trouble::Forked(old)),
                // Unless another node of ours was faster.
                Answer::Knows(theirs) if theirs > size => {
                    let ours = self.store.read(log::latest).await?.map_or(0, |last| last.size);
                    if theirs > ours {
                        return Err(Trouble::Ahead { theirs, ours });
                    }
                    self.known = Some(theirs);
                }
                Answer::Knows(theirs) => {
                    if theirs < done {
                        self.forgot = Some((theirs, done));
                    }
                    self.known = Some(theirs);
                }
            }
        }
        self.known = None;
        Err(Trouble::Restless)
    }

    /// Keeps what was signed, if nothing else has its place.
    async fn keep(&self, last: &Published, line: String) -> Result<(), Trouble> {
        let (size, name) = (last.size, self.name().to_owned());
        let there = self.store.write(move |tx| vouched::cosign(tx, size, &name, &line)).await?;
        cosignature(&last.note, &there, &self.witness).map(drop).map_err(|_| Trouble::Occupied(size))
    }

    async fn submit(&self, old: u64, last: &Published) -> Result<Answer, Trouble> {
        let size = last.size;
        let proof = self.store.read(move |db| proof(db, old, size)).await?;
        let body = Submission { old, proof, note: last.note.clone() }.text();
        let answer = self.client.post(&self.address, "text/plain; charset=utf-8", body.into_bytes()).await?;
        let text = String::from_utf8_lossy(answer.body());
        match answer.status().as_u16() {
            200 => {
                let (line, at) = cosignature(&last.note, &text, &self.witness).map_err(Trouble::Lied)?;
                tracing::debug!(witness = self.name(), size, at, "cosigned");
                Ok(Answer::Cosigned(line))
            }
            409 => text.trim_end().parse().map(Answer::Knows).map_err(|_| Trouble::Refused(409)),
            422 => Ok(Answer::Unproved),
            status => Err(Trouble::Refused(status)),
        }
    }

    /// What to alarm about although it cosigns: it has said less than it signed. It goes on being asked, and whoever runs it must look.
    #[must_use]
    pub fn suspicion(&self) -> Option<String> {
        self.forgot.map(|(theirs, done)| {
            format!(
                "the witness had cosigned a tree of {done} entries, and then knew {theirs} only: its memory was put back, and it could \
                 cosign another history"
            )
        })
    }

    /// What to alarm about after a trouble: a contradiction at once, silence when it has lasted for so long.
    pub async fn alarm(&self, trouble: &Trouble, silence: TimeDelta) -> Option<String> {
        if trouble.contradicts() {
            return Some(trouble.to_string());
        }
        let witness = self.witness.clone();
        let since = self.store.read(move |db| vouched::behind_since(db, &witness)).await.ok().flatten()?;
        let lasted = self.clock.now() - since;
        (lasted >= silence).then(|| format!("silent since {}: {trouble}", since.to_rfc3339()))
    }
}

/// How long to wait: longer after each failure in a row, a minute at most; it asks again for ever.
fn pause(every: Duration, failures: u32) -> Duration {
    const LONGEST: Duration = Duration::from_mins(1);
    every.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST.max(every))
}

fn proof(db: &mut Db<'_>, old: u64, size: u64) -> Result<Vec<Hash>, Trouble> {
    let mut read = |tile: Tile| -> Result<Vec<u8>, Trouble> { Ok(log::tile(db, tile)?) };
    Tiled::new(size, &mut read).consistency(old, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_asked_less_and_less_often() {
        let every = Duration::from_secs(5);
        let pauses = [0, 1, 2, 3, 4, 40].map(|failures| pause(every, failures).as_secs());
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
        assert_eq!(pause(Duration::from_mins(10), 3).as_secs(), 600, "never more often than without a failure");
    }
}
