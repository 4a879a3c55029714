//! What a log sends to a witness, and what a witness asks of it (C2SP tlog-witness): bytes and numbers alone.

use super::checkpoint::Checkpoint;
use super::leaf::Hash;
use super::note::{Note, Verifier};
use super::{Fault, decimal, from_base64, in_base64, tree};

/// More hashes than any proof has.
const MOST: usize = 63;

/// The body of `add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Leaves of the tree that the log believes to be the last one that this witness cosigned.
    pub old: u64,
    /// The proof that it is the beginning of the one below.
    pub proof: Vec<Hash>,
    /// The checkpoint as it was signed.
    pub note: String,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no submission.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// The witness was not told to look at this log.
    #[error("this log is not known here")]
    Unknown,
    /// The log did not sign.
    #[error("no signature by a key of this log")]
    Unsigned,
    /// The last tree cosigned has this size, which is not the one said.
    #[error("the last tree cosigned here has {0} leaves")]
    Elsewhere(u64),
    /// A tree of this size was cosigned, and it is another one.
    #[error("another tree of {0} leaves was cosigned here")]
    Forked(u64),
    /// The tree cosigned is not the beginning of this one, as far as the proof shows.
    #[error("the proof does not show that the tree cosigned here is the beginning of this one")]
    Unproved,
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unknown => 404,
            Self::Unsigned => 403,
            Self::Elsewhere(_) | Self::Forked(_) => 409,
            Self::Unproved => 422,
        }
    }
}

impl Submission {
    /// The body.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&in_base64(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads a body.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("a line \"old\" and a size, hashes, an empty line, and a checkpoint");
        let (above, note) = text.split_once("\n\n").ok_or(WRONG)?;
        let mut lines = above.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal).ok_or(WRONG)?;
        let proof = lines.map(from_base64).collect::<Option<Vec<_>>>().ok_or(WRONG)?;
        if proof.len() > MOST {
            return Err(Refusal::Malformed("a proof has at most 63 hashes"));
        }
        Ok(Self { old, proof, note: note.to_owned() })
    }

    /// Checks what needs no memory: whose checkpoint this is, and that its log signed it. `keys` answers those of an origin.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn admit<'k>(&self, keys: impl FnOnce(&str) -> Option<&'k [Verifier]>) -> Result<Checkpoint, Refusal> {
        const WRONG: Refusal = Refusal::Malformed("what follows the empty line is no checkpoint");
        let note = Note::parse(&self.note).map_err(|_| WRONG)?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|_| WRONG)?;
        let keys = keys(&checkpoint.origin).ok_or(Refusal::Unknown)?;
        if !keys.iter().any(|key| key.check(&note).is_ok()) {
            return Err(Refusal::Unsigned);
        }
        if self.old > checkpoint.size {
            return Err(Refusal::Malformed("the old size is larger than the checkpoint's"));
        }
        Ok(checkpoint)
    }

    /// Checks that the checkpoint follows from the last one cosigned; `known` is none if there was none.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn follows(&self, next: &Checkpoint, known: Option<&Checkpoint>) -> Result<(), Refusal> {
        let empty = tree::empty();
        let (size, root) = known.map_or((0, &empty), |known| (known.size, &known.root));
        if self.old != size {
            return Err(Refusal::Elsewhere(size));
        }
        if next.size == size && next.root != *root {
            return Err(Refusal::Forked(size));
        }
        tree::check_consistency((size, root), (next.size, &next.root), &self.proof).map_err(|_| Refusal::Unproved)
    }
}

/// The first line of a witness's answer that is its cosignature under this note, and the instant it says, in seconds since 1970. Lines of
/// anybody else are passed over.
///
/// # Errors
/// There is none, or the first that bears its name is not its own.
pub fn cosignature(note: &str, answer: &str, witness: &Verifier) -> Result<(String, u64), Fault> {
    let text = Note::parse(note)?.text().to_owned();
    for line in answer.split_inclusive('\n') {
        let Ok(alone) = Note::parse(&format!("{text}\n{line}")) else { continue };
        match witness.check(&alone) {
            Ok(Some(at)) => return Ok((line.to_owned(), at)),
            Err(Fault::Unsigned) | Ok(None) => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(Fault::Unsigned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::leaf::leaf_hash;
    use crate::journal::note::{Purpose, Signer};
    use crate::journal::tree::Frontier;

    fn log(seed: u8) -> Signer {
        Signer::new("log.example.fr", Purpose::Note, &[seed; 32]).unwrap()
    }

    fn tree(size: u64, salt: u8) -> Checkpoint {
        let mut tree = Frontier::default();
        (0..size).for_each(|leaf| tree.push(leaf_hash(&[salt], &[u8::try_from(leaf).unwrap(); 32])));
        Checkpoint { origin: "log.example.fr".to_owned(), size, root: tree.root(), extensions: Vec::new() }
    }

    fn submitted(old: u64, proof: Vec<Hash>, next: &Checkpoint) -> Submission {
        Submission { old, proof, note: next.sign(&log(1), 7) }
    }

    #[test]
    fn a_body_is_read_as_it_is_written_and_in_no_second_spelling() {
        let whole = submitted(3, vec![[1; 32], [2; 32]], &tree(5, 0));
        let text = whole.text();
        assert_eq!(Submission::parse(&text), Ok(whole));
        for odd in [
            "",
            "\n\n",
            "old\n\nx",
            "old 03\n\nx",
            "old -1\n\nx",
            "old 3 \n\nx",
            "Old 3\n\nx",
            "old 3\nshort\n\nx",
            &text.replacen('\n', "\r\n", 1),
            &text.replacen("=\n", "\n", 1),
            &format!("old 3\n{}\n{text}", format!("{}\n", in_base64(&[1; 32])).repeat(64)),
        ] {
            assert!(matches!(Submission::parse(odd), Err(Refusal::Malformed(_))), "{odd:?}");
        }
    }

    #[test]
    fn a_witness_asks_whose_it_is_and_who_signed() {
        let (one, other) = (log(1).verifier().clone(), log(2).verifier().clone());
        let whole = submitted(0, Vec::new(), &tree(5, 0));
        let keys = [other, one];
        assert_eq!(whole.admit(|_| Some(&keys[..])), Ok(tree(5, 0)), "one of the log's keys is enough");
        assert_eq!(whole.admit(|_| None), Err(Refusal::Unknown));
        assert_eq!(whole.admit(|_| Some(&keys[..1])), Err(Refusal::Unsigned));
        let changed = Submission { note: whole.note.replace("\n5\n", "\n6\n"), ..whole.clone() };
        assert_eq!(changed.admit(|_| Some(&keys[..])), Err(Refusal::Unsigned));
        let beyond = Submission { old: 6, ..whole.clone() };
        assert_eq!(beyond.admit(|_| Some(&keys[..])).unwrap_err().status(), 400);
        let cut = Submission { note: whole.note.trim_end().to_owned(), ..whole };
        assert_eq!(cut.admit(|_| Some(&keys[..])).unwrap_err().status(), 400);
    }

    #[test]
    fn only_a_tree_that_goes_on_is_cosigned() {
        let (four, other) = (tree(4, 0), tree(4, 9));
        assert_eq!(submitted(0, Vec::new(), &four).follows(&four, None), Ok(()));
        assert_eq!(submitted(0, vec![[0; 32]], &four).follows(&four, None), Err(Refusal::Unproved));
        assert_eq!(submitted(2, Vec::new(), &four).follows(&four, None), Err(Refusal::Elsewhere(0)));
        assert_eq!(submitted(0, Vec::new(), &four).follows(&four, Some(&four)), Err(Refusal::Elsewhere(4)));
        assert_eq!(submitted(4, Vec::new(), &four).follows(&four, Some(&four)), Ok(()), "the same once more");
        assert_eq!(submitted(4, Vec::new(), &other).follows(&other, Some(&four)), Err(Refusal::Forked(4)));
        // From four leaves to five: the leaf that came.
        let five = tree(5, 0);
        let proof = vec![leaf_hash(&[0], &[4; 32])];
        assert_eq!(submitted(4, proof.clone(), &five).follows(&five, Some(&four)), Ok(()));
        assert_eq!(submitted(4, proof, &five).follows(&five, Some(&other)), Err(Refusal::Unproved));
        assert_eq!(submitted(4, vec![[0; 32]], &five).follows(&five, Some(&four)), Err(Refusal::Unproved));
        let statuses =
            [Refusal::Unknown, Refusal::Unsigned, Refusal::Elsewhere(1), Refusal::Unproved].map(Refusal::status);
        assert_eq!(statuses, [404, 403, 409, 422]);
    }

    #[test]
    fn a_cosignature_is_looked_for_among_lines_of_others_and_believed_only_if_it_is_one() {
        let of = |name: &str, seed: u8| Signer::new(name, Purpose::Cosignature, &[seed; 32]).unwrap();
        let (ours, other) = (of("w.example.fr", 3), of("x.example.fr", 4));
        let (next, elsewhere) = (tree(5, 0), tree(5, 1));
        let note = next.sign(&log(1), 7);
        let line = |signer: &Signer, tree: &Checkpoint| signer.line(Purpose::Cosignature, &tree.text(), 99);
        let both = line(&other, &next) + &line(&ours, &next);
        assert_eq!(cosignature(&note, &both, ours.verifier()), Ok((line(&ours, &next), 99)));
        assert_eq!(cosignature(&note, &line(&other, &next), ours.verifier()), Err(Fault::Unsigned));
        assert_eq!(cosignature(&note, &line(&ours, &elsewhere), ours.verifier()), Err(Fault::Forged));
        assert_eq!(cosignature(&note, "", ours.verifier()), Err(Fault::Unsigned));
        assert_eq!(cosignature(&note, "anything\n\n— \n", ours.verifier()), Err(Fault::Unsigned));
    }
}
