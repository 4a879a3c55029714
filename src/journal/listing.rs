//! A list of entries taken away with its proofs: a line of JSON for a signed checkpoint, then one for each entry, each of which can be
//! checked by itself, offline, with the log's public key alone.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::bundle::Entry;
use super::checkpoint::Checkpoint;
use super::leaf::Hash;
use super::line::hex;
use super::note::Verifier;
use super::{Fault, from_base64, in_base64, tree};

/// More hashes than any tree is high.
const HIGHEST: usize = 63;

/// An entry of a list, and where it stands in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The clear part.
    pub clear: Vec<u8>,
    /// The commitment to the sealed part.
    pub commitment: Vec<u8>,
    /// The leaf hash.
    pub leaf: Vec<u8>,
    /// The position, if it has one yet.
    pub position: Option<u64>,
    /// The inclusion proof up to the checkpoint of the list; nothing if that one does not cover it.
    pub path: Option<Vec<Hash>>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum Line {
    Checkpoint {
        note: Option<String>,
        entries: u64,
    },
    Entry {
        clear: String,
        commitment: String,
        leaf: String,
        position: u64,
        path: Vec<String>,
    },
    Waiting {
        clear: String,
        commitment: String,
        leaf: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u64>,
    },
}

impl Line {
    fn text(&self) -> String {
        // Texts and numbers always serialise.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// The first line: the checkpoint that all proofs of the list lead to, as it was signed, and how many lines follow.
#[must_use]
pub fn head(note: Option<&str>, entries: u64) -> String {
    Line::Checkpoint { note: note.map(str::to_owned), entries }.text()
}

/// The line of an entry. The clear part is a text: its bytes are what the leaf hash is made of.
#[must_use]
pub fn line(listed: &Listed) -> String {
    let clear = String::from_utf8_lossy(&listed.clear).into_owned();
    let (commitment, leaf) = (hex(&listed.commitment), hex(&listed.leaf));
    let line = match (listed.position, &listed.path) {
        (Some(position), Some(path)) => {
            Line::Entry { clear, commitment, leaf, position, path: path.iter().map(in_base64).collect() }
        }
        (position, _) => Line::Waiting { clear, commitment, leaf, position },
    };
    line.text()
}

/// A list that is being checked, line by line.
#[derive(Debug)]
pub struct Check {
    /// The checkpoint that was signed.
    pub checkpoint: Checkpoint,
    /// The note that says so.
    pub note: String,
    /// Entries shown to be in the log.
    pub proved: u64,
    /// Entries that no checkpoint covered when the list was taken: nothing is shown of them.
    pub waiting: u64,
    said: u64,
    positions: HashSet<u64>,
}

impl Check {
    /// Reads the first line.
    ///
    /// # Errors
    /// It is none, or none of the keys signed its checkpoint.
    pub fn begin(line: &str, keys: &[Verifier]) -> Result<Self, Fault> {
        let Ok(Line::Checkpoint { note, entries }) = serde_json::from_str(line) else {
            return Err(Fault::Malformed("a list begins with its checkpoint"));
        };
        let note = note.ok_or(Fault::Unsigned)?;
        let mut last = Fault::Unsigned;
        for key in keys {
            match Checkpoint::open(&note, key) {
                Ok(checkpoint) => {
                    let positions = HashSet::new();
                    return Ok(Self { checkpoint, note, proved: 0, waiting: 0, said: entries, positions });
                }
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    /// Checks the next line.
    ///
    /// # Errors
    /// It does not hold.
    pub fn take(&mut self, line: &str) -> Result<(), Fault> {
        if self.proved + self.waiting == self.said {
            return Err(Fault::Malformed("more lines than the first one says"));
        }
        match serde_json::from_str(line) {
            Ok(Line::Entry { clear, commitment, leaf, position, path }) => {
                let leaf = hashed(&clear, &commitment, &leaf)?;
                let path: Option<Vec<Hash>> = path.iter().map(|hash| from_base64(hash)).collect();
                let path = path.filter(|path| path.len() <= HIGHEST).ok_or(Fault::Malformed("a path of hashes"))?;
                tree::check_inclusion(position, self.checkpoint.size, &leaf, &path, &self.checkpoint.root)?;
                if !self.positions.insert(position) {
                    return Err(Fault::Malformed("a position for the second time"));
                }
                self.proved += 1;
            }
            Ok(Line::Waiting { clear, commitment, leaf, position }) => {
                hashed(&clear, &commitment, &leaf)?;
                // What the checkpoint covers can be proved: a line that does not is not ours.
                if position.is_some_and(|position| position < self.checkpoint.size) {
                    return Err(Fault::Unproved);
                }
                self.waiting += 1;
            }
            _ => return Err(Fault::Malformed("a line of a list")),
        }
        Ok(())
    }

    /// After the last line.
    ///
    /// # Errors
    /// There are fewer lines than the first one says: the file was cut.
    pub const fn end(&self) -> Result<(), Fault> {
        if self.proved + self.waiting == self.said { Ok(()) } else { Err(Fault::Malformed("the list ends too early")) }
    }
}

/// The leaf hash of an entry, which must be the one that is said.
fn hashed(clear: &str, commitment: &str, said: &str) -> Result<Hash, Fault> {
    let commitment = bytes(commitment).ok_or(Fault::Malformed("a commitment of 32 bytes"))?;
    let entry = [clear.as_bytes(), &commitment].concat();
    let leaf = Entry::new(&entry)?.leaf();
    if hex(&leaf) == said { Ok(leaf) } else { Err(Fault::Malformed("a leaf hash that is not the entry's")) }
}

/// 32 bytes in hexadecimal, in their only spelling.
fn bytes(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    let digits = text.as_bytes().as_chunks::<2>().0;
    if digits.len() != hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&hash) == text).then_some(hash)
}
