//! A checkpoint (C2SP tlog-checkpoint): which log, how many leaves, which root; and its signature.

use super::leaf::Hash;
use super::note::{Note, Purpose, Signer, Verifier};
use super::{Fault, decimal, from_base64, in_base64};

/// A tree as its log signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Lines that only the log understands. Ours writes none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, in_base64(&self.root));
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the text.
    ///
    /// # Errors
    /// It is no checkpoint.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        const WRONG: Fault = Fault::Malformed("a checkpoint is an origin, a size and a root, a line each");
        let mut lines = text.strip_suffix('\n').ok_or(WRONG)?.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(WRONG)?.to_owned();
        let size = lines.next().and_then(decimal).ok_or(WRONG)?;
        let root = lines.next().and_then(from_base64).ok_or(WRONG)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(WRONG);
        }
        Ok(Self { origin, size, root, extensions })
    }

    /// The note: the text, and two lines by the log's key. The first is the plain signature that every reader of checkpoints knows;
    /// the second is a cosignature, and says when, in seconds since 1970.
    #[must_use]
    pub fn sign(&self, signer: &Signer, at: u64) -> String {
        let text = self.text();
        let [plain, timed] = [Purpose::Note, Purpose::Cosignature].map(|purpose| signer.line(purpose, &text, at));
        format!("{text}\n{plain}{timed}")
    }

    /// Opens a note that must be signed by the log of this key, whose name is the log's.
    ///
    /// # Errors
    /// It is malformed, not signed by this key, or about another log.
    pub fn open(note: &str, log: &Verifier) -> Result<Self, Fault> {
        let note = Note::parse(note)?;
        log.check(&note)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin == log.name() { Ok(checkpoint) } else { Err(Fault::Foreign) }
    }

    /// When the log says that it signed, in seconds since 1970; nothing if it does not say.
    ///
    /// # Errors
    /// It is malformed, or what is said is not signed.
    pub fn signed_at(note: &str, log: &Verifier) -> Result<Option<u64>, Fault> {
        match log.with(Purpose::Cosignature).check(&Note::parse(note)?) {
            Err(Fault::Unsigned) => Ok(None),
            other => other,
        }
    }
}
