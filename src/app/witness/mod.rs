//! `witness serve`: what another organisation runs, so that our journal cannot be rewritten unseen (C2SP tlog-witness).
//!
//! It remembers the last tree of each log that it cosigned, and cosigns what goes on from there and nothing else. What it promised is on
//! the disk before anybody is told.

mod server;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use server::{serve, server};

use super::durable;
use crate::clock::Clock;
use crate::journal::checkpoint::Checkpoint;
use crate::journal::leaf::sha256;
use crate::journal::line::hex;
use crate::journal::note::{Note, Purpose, Signer, Verifier};
use crate::journal::witness::{Refusal, Submission};

/// Held as long as a witness uses the folder: two with one key could cosign two histories.
const LOCK: &str = "lock";
/// How often that is tried, and what lies between: one that is just ending may have it still.
const TRIES: usize = 20;
const BETWEEN: Duration = Duration::from_millis(50);

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It may not be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What it would promise cannot be kept.
    #[error("what was cosigned cannot be written down: {0}")]
    Disk(#[from] std::io::Error),
}

/// A log that is looked at.
struct Log {
    keys: Vec<Verifier>,
    path: PathBuf,
    /// The last checkpoint cosigned. Locked from the comparison until the next one is on the disk.
    last: Mutex<Option<Checkpoint>>,
}

/// A witness: its key, its logs, its memory.
pub struct Witness {
    signer: Signer,
    clock: Clock,
    logs: BTreeMap<String, Log>,
    cosigned: AtomicU64,
    refused: AtomicU64,
    /// Let go when this ends, however it ends.
    _lock: File,
}

/// Locks it, unless another process keeps it.
fn held_alone(lock: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
            done => return done,
        }
    }
    lock.try_lock()
}

impl Witness {
    /// A witness of these logs, each an origin and its keys, that remembers in this folder.
    ///
    /// # Errors
    /// A sentence: what is remembered cannot be used, or another process uses it.
    pub fn open(
        signer: Signer,
        clock: Clock,
        folder: &Path,
        logs: impl IntoIterator<Item = (String, Vec<Verifier>)>,
    ) -> Result<Self, String> {
        if signer.verifier().purpose() != Purpose::Cosignature {
            return Err("the key is that of a log, not of a witness: make one with `mandataire witness key`".to_owned());
        }
        let shown = folder.display();
        let lock = File::create(folder.join(LOCK)).map_err(|error| format!("{shown} cannot be written: {error}"))?;
        held_alone(&lock).map_err(|error| match error {
            TryLockError::WouldBlock => {
                format!("{shown} is used by another witness: two with one memory would forget")
            }
            TryLockError::Error(error) => format!("{shown} cannot be locked: {error}"),
        })?;
        let open = |(origin, keys): (String, Vec<Verifier>)| {
            let log = Log::open(folder, &origin, keys, signer.verifier())?;
            Ok::<_, String>((origin, log))
        };
        let logs = logs.into_iter().map(open).collect::<Result<_, _>>()?;
        let (cosigned, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Ok(Self { signer, clock, logs, cosigned, refused, _lock: lock })
    }

    /// Answers the body of `add-checkpoint`: a cosignature line, once it is on the disk that this was the last tree.
    ///
    /// # Errors
    /// It does not follow from what was cosigned, or cannot be remembered.
    pub fn add(&self, body: &str) -> Result<String, Trouble> {
        let answer = self.cosign(body);
        let count = if answer.is_ok() { &self.cosigned } else { &self.refused };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    fn cosign(&self, body: &str) -> Result<String, Trouble> {
        let submission = Submission::parse(body)?;
        let next = submission.admit(|origin| self.logs.get(origin).map(|log| log.keys.as_slice()))?;
        let log = self.logs.get(&next.origin).ok_or(Refusal::Unknown)?;
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(refusal) = submission.follows(&next, last.as_ref()) {
            if matches!(refusal, Refusal::Forked(_) | Refusal::Unproved) {
                tracing::error!(origin = next.origin, size = next.size, %refusal, note = submission.note, "refused, signed by its log");
            }
            return Err(refusal.into());
        }
        let at = u64::try_from(self.clock.now().timestamp()).unwrap_or(0);
        let line = self.signer.line(Purpose::Cosignature, &next.text(), at);
        let kept = format!("{}{line}", submission.note);
        // What is written must be readable at the next start: one line too many is the log's fault.
        if remembered(&kept, &next.origin, self.verifier()).is_none() {
            return Err(Refusal::Malformed("too many signatures").into());
        }
        durable::replace(&log.path, kept.as_bytes())?;
        *last = Some(next);
        Ok(line)
    }

    /// The public key.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    /// The figures, as Prometheus reads them.
    #[must_use]
    pub fn figures(&self) -> String {
        let (cosigned, refused) = (self.cosigned.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed));
        let text = format!("witness_cosigned_total {cosigned}\nwitness_refused_total {refused}\n");
        self.logs.iter().fold(text, |text, (origin, log)| {
            let size = log.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, |last| last.size);
            text + &format!("witness_size{{origin={origin:?}}} {size}\n")
        })
    }
}

impl Log {
    /// Reads what is remembered of a log. Nothing yet is well: nothing was cosigned.
    fn open(folder: &Path, origin: &str, keys: Vec<Verifier>, ours: &Verifier) -> Result<Self, String> {
        // An origin may hold what a name of a file may not.
        let mut name = hex(&sha256(&[origin.as_bytes()]));
        name.truncate(32);
        let path = folder.join(format!("{name}.checkpoint"));
        let shown = path.display();
        let last = match fs::read_to_string(&path) {
            Ok(text) => Some(remembered(&text, origin, ours).ok_or_else(|| {
                format!("{shown} does not hold a checkpoint of {origin} cosigned by this key: put back what was there")
            })?),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(format!("{shown} cannot be read: {error}")),
        };
        Ok(Self { keys, path, last: Mutex::new(last) })
    }
}

fn remembered(text: &str, origin: &str, ours: &Verifier) -> Option<Checkpoint> {
    let note = Note::parse(text).ok()?;
    ours.check(&note).ok()?;
    Checkpoint::parse(note.text()).ok().filter(|last| last.origin == origin)
}
