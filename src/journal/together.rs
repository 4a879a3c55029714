//! Leaf and node hashes of a whole bundle: two messages at a time.
//!
//! The rounds of one SHA-256 wait for each other, so that a processor does nothing half of the time; the blocks of two messages that
//! take turns wait for nothing of each other's. A library compresses the blocks: only the padding and the turns are ours.

use std::slice::from_ref;

use sha2::block_api::compress256;

use super::bundle::Entry;
use super::leaf::Hash;

type State = [u32; 8];
type Block = [u8; 64];

/// The initial hash value (FIPS 180-4, 5.3.3).
const INITIAL: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// Messages made ready before the first is compressed: what was only just written is slow to read.
const AHEAD: usize = 8;
/// Bytes of a message in its first block, after the one before it.
const HEAD: usize = size_of::<Block>() - 1;

/// The leaf hashes of entries: `SHA-256(0x00 ‖ entry)` of each.
pub(super) fn leaves(entries: &[Entry<'_>]) -> Vec<Hash> {
    // There is no use for entries that are so short.
    if entries.iter().any(|entry| entry.bytes().len() < HEAD) {
        return entries.iter().map(|entry| entry.leaf()).collect();
    }
    hashes(0, entries, |entry| entry.bytes())
}

/// The hashes of the complete nodes over a row: `SHA-256(0x01 ‖ left ‖ right)` of each pair.
pub(super) fn nodes(row: &[Hash]) -> Vec<Hash> {
    hashes(1, row.as_chunks::<2>().0, |pair| pair.as_flattened())
}

/// The hashes of messages that begin with the same byte.
fn hashes<'m, T>(first: u8, messages: &'m [T], rest: impl Fn(&'m T) -> &'m [u8]) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(messages.len());
    let mut places = [const { Message { head: [0; 64], body: &[], tail: [[0; 64]; 2], tails: 1 } }; AHEAD];
    for group in messages.chunks(AHEAD) {
        places.iter_mut().zip(group).for_each(|(place, message)| place.pad(first, rest(message)));
        for pair in places.get(..group.len()).unwrap_or_default().chunks(2) {
            match pair {
                [one, other] => hashes.extend(both(one, other).map(value)),
                last => hashes.extend(last.iter().map(Message::state).map(value)),
            }
        }
    }
    hashes
}

/// A message in blocks, with its padding: a one, zeros, and its length in bits (FIPS 180-4, 5.1.1).
struct Message<'m> {
    head: Block,
    body: &'m [Block],
    tail: [Block; 2],
    /// Blocks of the tail that count.
    tails: usize,
}

impl<'m> Message<'m> {
    /// Becomes a byte and those after it, which fill its first block at least.
    #[inline]
    fn pad(&mut self, first: u8, rest: &'m [u8]) {
        let Some((bytes, after)) = rest.split_first_chunk::<HEAD>() else { return };
        let [place, head @ ..] = &mut self.head;
        *place = first;
        *head = *bytes;
        let (body, last) = after.as_chunks();
        self.body = body;
        self.tails = if last.len() + 1 + size_of::<u64>() > size_of::<Block>() { 2 } else { 1 };
        let tail = self.tail.get_mut(..self.tails).unwrap_or_default().as_flattened_mut();
        tail.fill(0);
        if let Some(place) = tail.last_chunk_mut() {
            *place = (8 * (1 + rest.len() as u64)).to_be_bytes();
        }
        if let Some((place, [one, ..])) = tail.split_at_mut_checked(last.len()) {
            place.copy_from_slice(last);
            *one = 0x80;
        }
    }

    fn tail(&self) -> &[Block] {
        self.tail.get(..self.tails).unwrap_or_default()
    }

    fn state(&self) -> State {
        let mut state = INITIAL;
        for blocks in [from_ref(&self.head), self.body, self.tail()] {
            compress256(&mut state, blocks);
        }
        state
    }
}

/// The states after two messages, whose blocks take turns.
fn both(one: &Message<'_>, other: &Message<'_>) -> [State; 2] {
    let [mut first, mut second] = [INITIAL; 2];
    let mut turn = |of_one: &[Block], of_other: &[Block]| {
        compress256(&mut first, of_one);
        compress256(&mut second, of_other);
    };
    turn(from_ref(&one.head), from_ref(&other.head));
    one.body.iter().zip(other.body).for_each(|(of_one, of_other)| turn(from_ref(of_one), from_ref(of_other)));
    // One is longer.
    let common = one.body.len().min(other.body.len());
    turn(one.body.get(common..).unwrap_or_default(), other.body.get(common..).unwrap_or_default());
    turn(one.tail(), other.tail());
    [first, second]
}

fn value(state: State) -> Hash {
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::super::bundle;
    use super::super::tree::node;
    use super::*;

    #[test]
    fn entries_of_every_length_and_number_have_the_leaf_hashes_that_they_have_alone() {
        for length in 32..420 {
            for beside in [0, 1, 63, 64, 200] {
                let bytes: Vec<Vec<u8>> =
                    (0..19_u8).map(|number| vec![number; length + usize::from(number % 3) * beside]).collect();
                for count in [0, 1, 2, 7, 8, 9, 19] {
                    let entries: Vec<_> = bytes[..count].iter().map(|bytes| Entry::new(bytes).unwrap()).collect();
                    let alone: Vec<_> = entries.iter().map(|entry| entry.leaf()).collect();
                    assert_eq!(leaves(&entries), alone, "{count} of {length} bytes");
                }
            }
        }
        let longest = vec![7; bundle::LONGEST];
        let entry = Entry::new(&longest).unwrap();
        assert_eq!(leaves(&[entry; 3]), [entry.leaf(); 3]);
    }

    #[test]
    fn rows_of_every_length_have_the_nodes_that_each_pair_has_alone() {
        let row: Vec<Hash> = (0..=255).map(|number| [number; 32]).collect();
        for length in 0..=row.len() {
            let alone: Vec<_> = row[..length].as_chunks::<2>().0.iter().map(|[one, other]| node(one, other)).collect();
            assert_eq!(nodes(&row[..length]), alone, "{length} hashes");
        }
    }
}
