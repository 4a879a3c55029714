//! A proof to keep (C2SP tlog-proof): that an entry is in the log, checked offline with the log's public key alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::bundle::Entry;
use super::checkpoint::Checkpoint;
use super::leaf::Hash;
use super::note::Verifier;
use super::{Fault, decimal, from_base64, in_base64, tree};

/// The first line.
const HEAD: &str = "c2sp.org/tlog-proof@v1";
/// More hashes than any tree is high.
const HIGHEST: usize = 63;

/// A proof as its file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What the log adds: here the entry itself, so that the file is enough. It is believed because it hashes to the leaf.
    pub extra: Option<Vec<u8>>,
    /// The position of the entry.
    pub index: u64,
    /// The inclusion proof, the leaf's sibling first.
    pub path: Vec<Hash>,
    /// The checkpoint as it was signed, cosignatures included.
    pub note: String,
}

impl Proof {
    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}\n");
        if let Some(extra) = &self.extra {
            text.push_str("extra ");
            text.push_str(&STANDARD.encode(extra));
            text.push('\n');
        }
        text.push_str("index ");
        text.push_str(&self.index.to_string());
        text.push('\n');
        for hash in &self.path {
            text.push_str(&in_base64(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        const WRONG: Fault = Fault::Malformed("a proof is c2sp.org/tlog-proof@v1, an index, hashes, and a checkpoint");
        let (above, note) = text.split_once("\n\n").ok_or(WRONG)?;
        let mut lines = above.split('\n').peekable();
        if lines.next() != Some(HEAD) {
            return Err(WRONG);
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(extra) => Some(STANDARD.decode(extra).map_err(|_| WRONG)?),
            None => None,
        };
        if extra.is_some() {
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal).ok_or(WRONG)?;
        let path = lines.map(from_base64).collect::<Option<Vec<_>>>().ok_or(WRONG)?;
        if path.len() > HIGHEST {
            return Err(WRONG);
        }
        Ok(Self { extra, index, path, note: note.to_owned() })
    }

    /// Checks that the entry with this leaf hash is in the log of this key; answers the checkpoint that says so.
    ///
    /// # Errors
    /// It is not, or the checkpoint is not the log's.
    pub fn check(&self, leaf: &Hash, log: &Verifier) -> Result<Checkpoint, Fault> {
        let checkpoint = Checkpoint::open(&self.note, log)?;
        tree::check_inclusion(self.index, checkpoint.size, leaf, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }

    /// The same for the entry that the file itself holds, which it answers too.
    ///
    /// # Errors
    /// There is none, it is not in the log, or the checkpoint is not the log's.
    pub fn check_own(&self, log: &Verifier) -> Result<(Entry<'_>, Checkpoint), Fault> {
        let extra = self.extra.as_deref().ok_or(Fault::Malformed("a proof without its entry"))?;
        let entry = Entry::new(extra)?;
        self.check(&entry.leaf(), log).map(|checkpoint| (entry, checkpoint))
    }
}
