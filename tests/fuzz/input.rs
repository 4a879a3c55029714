//! From the bytes of an engine to an input. Bytes alone seldom get past the first dot of a token: most of them say how a seed of
//! `tests/fuzz/corpus` is altered, and some are the input themselves. The targets are in `src/oidc/relying_party/fuzz.rs` and
//! `tests/it/fuzz.rs`.

use std::panic::{AssertUnwindSafe, RefUnwindSafe};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest input: over the longest text that anything reads.
const LONGEST: usize = 70_000;

/// A target as engines take it: what it looks at may be in disorder after a failure, which ends the test.
pub(crate) fn target(run: impl Fn(&[u8])) -> impl Fn(&[u8]) + RefUnwindSafe {
    let run = AssertUnwindSafe(run);
    move |bytes: &[u8]| {
        let run = &run;
        run(bytes);
    }
}

/// The files of one target's corpus, in the order of their names.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// What an engine chose, spent byte by byte; afterwards every choice is the first one.
pub(crate) struct Choices<'b>(&'b [u8]);

impl<'b> Choices<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number under `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end <= 256 {
            usize::from(self.byte()) % end
        } else {
            (usize::from(self.byte()) << 8 | usize::from(self.byte())) % end
        }
    }

    /// One of these.
    pub(crate) fn of<'i, I>(&mut self, items: &'i [I]) -> &'i I {
        &items[self.below(items.len())]
    }

    /// One of the seeds, altered a little; or what is left, as it is.
    pub(crate) fn input(&mut self, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        if self.below(16) == 15 {
            return self.0.to_vec();
        }
        let seed = self.of(seeds).clone();
        self.altered(seed, seeds, words)
    }

    /// The same of one text.
    pub(crate) fn altered(&mut self, mut text: Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        for _ in 0..self.below(5) {
            self.alter(&mut text, seeds, words);
            text.truncate(LONGEST);
        }
        text
    }

    fn alter(&mut self, text: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str]) {
        let from = self.below(text.len() + 1);
        let to = (from + self.below(24)).min(text.len());
        match self.below(8) {
            0 => drop(text.drain(from..to)),
            1 => text.truncate(from),
            2 => drop(text.splice(from..to, self.of(words).bytes())),
            3 => drop(text.splice(from..from, self.of(words).bytes())),
            4 => drop(text.splice(from..to, [self.byte()])),
            // Something twice, or very often.
            5 => {
                let times = *self.of(&[1, 1, 1, 70, 3_000]);
                drop(text.splice(to..to, text[from..to].repeat(times)));
            }
            6 => {
                let other = self.of(seeds);
                let at = self.below(other.len() + 1);
                text.truncate(from);
                text.extend(&other[at..]);
            }
            _ => {
                if let Some(byte) = text.get_mut(from) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }

    /// A token, one of whose parts is altered inside its base64.
    pub(crate) fn altered_inside(&mut self, token: &str, words: &[&str]) -> String {
        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        let chosen = self.below(parts.len());
        if let Ok(inside) = URL_SAFE_NO_PAD.decode(&parts[chosen]) {
            parts[chosen] = URL_SAFE_NO_PAD.encode(self.altered(inside, &[b"{}".to_vec()], words));
        }
        parts.join(".")
    }
}
