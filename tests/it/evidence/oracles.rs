//! Our tree, tiles and notes against implementations by other people.

use ct_merkle::RootHash;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::note::{Note, Purpose, Signer, Verifier};
use mandataire::journal::proof::Proof;
use mandataire::journal::tile::{Row, Tile};
use mandataire::journal::tree::{self, Frontier, Nodes};
use mandataire::journal::{Fault, bundle};
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{Note as TheirNote, StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{HashReader, tlog};

use super::Log;

type Theirs = MemoryBackedTree<Sha256, Vec<u8>>;

fn theirs(log: &Log) -> Theirs {
    let mut tree = Theirs::new();
    log.entries.iter().for_each(|entry| tree.push(entry.clone()));
    tree
}

/// The hashes that the other implementation of tiles wants, kept as it wants them.
struct Stored(Vec<tlog::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog::Hash>, tlog::Error> {
        Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
    }
}

fn stored(log: &Log) -> Stored {
    let mut stored = Stored(Vec::new());
    for (position, entry) in (0..).zip(&log.entries) {
        let more = tlog::stored_hashes(position, entry, &stored).unwrap();
        stored.0.extend(more);
    }
    stored
}

fn bytes(hashes: &[[u8; 32]]) -> Vec<u8> {
    hashes.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Roots and both kinds of proof, made from tiles, are those of two other implementations; and theirs are accepted.
    #[test]
    fn roots_and_proofs_are_those_of_others(size in 1_u64..1500, one in 0_u64..1500, two in 0_u64..1500) {
        let (log, index, old) = (Log::of(size), one % size, two % size);
        let (merkle, tlog) = (theirs(&log), stored(&log));
        let root = log.edge.root();
        prop_assert_eq!(root.to_vec(), merkle.root().as_bytes().to_vec());
        prop_assert_eq!(root, tlog::tree_hash(size, &tlog).unwrap().0);
        prop_assert_eq!(Frontier::read(size, &mut log.nodes()).unwrap().root(), root);

        let path = log.nodes().inclusion(index, size).unwrap();
        let theirs = merkle.prove_inclusion(usize::try_from(index).unwrap());
        prop_assert_eq!(bytes(&path), theirs.as_bytes());
        let theirs = tlog::prove_record(size, index, &tlog).unwrap();
        prop_assert_eq!(&path, &theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
        prop_assert_eq!(tree::check_inclusion(index, size, &log.leaf(index), &path, &root), Ok(()));

        if old > 0 {
            let before = log.nodes().range(0..old).unwrap();
            let proof = log.nodes().consistency(old, size).unwrap();
            let theirs = merkle.prove_consistency(usize::try_from(size - old).unwrap());
            prop_assert_eq!(bytes(&proof), theirs.as_bytes());
            let theirs = tlog::prove_tree(size, old, &tlog).unwrap();
            prop_assert_eq!(&proof, &theirs.iter().map(|hash| hash.0).collect::<Vec<_>>());
            prop_assert_eq!(tree::check_consistency((old, &before), (size, &root), &proof), Ok(()));
            let older = RootHash::<Sha256>::new(before.into(), old);
            prop_assert!(merkle.root().verify_consistency(&older, &merkle.prove_consistency(usize::try_from(size - old).unwrap())).is_ok());
        }
    }

    /// A proof with anything changed is none.
    #[test]
    fn a_proof_with_anything_changed_is_refused(size in 2_u64..700, one in 0_u64..700, two in 1_u64..700, bit in 0_usize..4096) {
        let (log, index, old) = (Log::of(size), one % size, 1 + two % (size - 1));
        let (root, leaf) = (log.edge.root(), log.leaf(index));
        let flipped = |hashes: &[[u8; 32]]| {
            let mut hashes = hashes.to_vec();
            let at = bit / 8 % (hashes.len() * 32);
            hashes[at / 32][at % 32] ^= 1 << (bit % 8);
            hashes
        };
        let path = log.nodes().inclusion(index, size).unwrap();
        let includes = |index, size, path: &[[u8; 32]]| tree::check_inclusion(index, size, &leaf, path, &root).is_ok();
        prop_assert!(!includes(index, size, &flipped(&path)));
        prop_assert!(!includes(index ^ 1, size, &path));
        prop_assert!(!includes(index, size, &path[1..]));
        prop_assert!(!includes(index, size, &[path.clone(), vec![root]].concat()));
        prop_assert!(!includes(size, size, &path));

        let before = log.nodes().range(0..old).unwrap();
        let proof = log.nodes().consistency(old, size).unwrap();
        let grows = |old, before, proof: &[[u8; 32]]| tree::check_consistency((old, before), (size, &root), proof).is_ok();
        prop_assert!(grows(old, &before, &proof));
        prop_assert!(!grows(old, &leaf, &proof) || (old == 1 && index == 0));
        prop_assert!(!grows(old, &before, &flipped(&proof)));
        prop_assert!(!grows(old, &before, &proof[1..]));
        prop_assert!(!grows(old, &before, &[proof.clone(), vec![root]].concat()));
        prop_assert!(!grows(size + 1, &before, &proof));
        prop_assert!(!grows(0, &before, &proof));
    }

    /// A tile's path is what another implementation writes, but for the words in which the two formats differ; and it reads back.
    #[test]
    fn paths_are_those_of_others(level in 0_u8..64, index in 0_u64..=u64::MAX >> 8, width in 1_u16..=256, entries: bool) {
        let tile = Tile { row: if entries { Row::Entries } else { Row::Hashes(level) }, index, width };
        let theirs = tlog_tiles::Tile::new(8, if entries { 0 } else { level }, index, u32::from(width), entries).path();
        let theirs = theirs.replacen("tile/8/data/", "tile/entries/", 1).replacen("tile/8/", "tile/", 1);
        prop_assert_eq!(tile.to_string(), theirs);
        prop_assert_eq!(Tile::parse(&tile.to_string()), Some(tile));
    }

    /// What we sign they verify, and what they sign we verify; keys are read and written alike.
    #[test]
    fn notes_are_those_of_others(seed: [u8; 32], text in "([a-zé—]{1,20}\n){1,5}", size in 0_u64..1 << 62) {
        let ours = Signer::new("example.com/log", Purpose::Note, &seed).unwrap();
        let key = ours.verifier().to_string();
        prop_assert_eq!(&key.parse::<Verifier>().unwrap(), ours.verifier());
        prop_assert_eq!(Signer::parse(&ours.secret()).unwrap().verifier().clone(), ours.verifier().clone());
        let verifier = StandardVerifier::new(&key).unwrap();
        let known = || VerifierList::new(vec![Box::new(verifier.clone())]);

        let note = format!("{text}\n{}", ours.line(Purpose::Note, &text, 0));
        prop_assert!(TheirNote::from_bytes(note.as_bytes()).unwrap().verify(&known()).is_ok());
        let mut theirs = TheirNote::new(text.as_bytes(), &[]).unwrap();
        theirs.add_sigs(&[&StandardSigner::new(&ours.secret()).unwrap()]).unwrap();
        prop_assert_eq!(String::from_utf8(theirs.to_bytes()).unwrap(), note);

        let checkpoint = Checkpoint { origin: "example.com/log".to_owned(), size, root: seed, extensions: Vec::new() };
        let note = checkpoint.sign(&ours, 1_679_315_147);
        let read = TheirNote::from_bytes(note.as_bytes()).unwrap();
        prop_assert!(read.verify(&known()).is_ok());
        let theirs = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
        prop_assert_eq!((theirs.origin(), theirs.size(), theirs.hash().0), ("example.com/log", size, seed));
        prop_assert_eq!(theirs.to_bytes(), checkpoint.text().into_bytes());
        prop_assert_eq!(Checkpoint::open(&note, ours.verifier()).unwrap(), checkpoint);
        prop_assert_eq!(Checkpoint::signed_at(&note, ours.verifier()), Ok(Some(1_679_315_147)));
    }

    /// A note with one byte changed is refused, or says the same.
    #[test]
    fn a_note_with_a_byte_changed_is_refused(at in 0_usize..400, to in 0_u8..128) {
        let log = Log::of(3);
        let mut bytes = log.note().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        let opened = Checkpoint::open(&changed, log.signer.verifier());
        // What follows the plain signature is another's line, or none: the signed text stays what it was.
        prop_assert!(opened.is_err() || opened == Ok(log.checkpoint()), "{changed}");
    }

    /// No bytes whatever make the readers do anything but answer.
    #[test]
    fn readers_refuse_what_is_not_theirs(bytes in proptest::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,80}") {
        let _ = bundle::entries(&bytes).map(|entry| entry.map(|entry| entry.parts().0.len())).collect::<Vec<_>>();
        let lossy = String::from_utf8_lossy(&bytes).into_owned();
        for text in [lossy.as_str(), text.as_str()] {
            prop_assert!(Note::parse(text).is_err() && Proof::parse(text).is_err() && Tile::parse(text).is_none());
            prop_assert!(Checkpoint::parse(text).is_err() && text.parse::<Verifier>().is_err() && Signer::parse(text).is_err());
        }
    }
}

/// The verifier key and the note of the specification's own example implementation.
#[test]
fn a_note_published_by_others_is_read() {
    let key: Verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let note = Note::parse(&format!("{text}\n{line}")).unwrap();
    assert_eq!(note.text(), text);
    assert_eq!(key.check(&note), Ok(None));
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let signer = Signer::parse(secret).unwrap();
    assert_eq!((signer.verifier(), signer.line(Purpose::Note, text, 0).as_str()), (&key, line));
    assert!(!format!("{signer:?}").contains("AYEKFALV"), "a private key is never shown");
    let forged = Note::parse(&format!("{}\n{line}", text.replace("answer", "Answer"))).unwrap();
    assert_eq!(key.check(&forged), Err(Fault::Forged));
    let other: Verifier =
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap_or(key.clone());
    assert_eq!(other, key, "a key whose identifier is not its own is refused");
}

#[test]
fn tiles_of_a_tree_are_those_of_the_specification() {
    let within = |row, index| Tile::within(row, index, 70_000).map(|tile| tile.width);
    assert_eq!(
        [within(Row::Hashes(0), 272), within(Row::Hashes(0), 273), within(Row::Hashes(0), 274)],
        [Some(256), Some(112), None]
    );
    assert_eq!(
        [within(Row::Hashes(1), 0), within(Row::Hashes(1), 1), within(Row::Hashes(1), 2)],
        [Some(256), Some(17), None]
    );
    assert_eq!(
        [within(Row::Hashes(2), 0), within(Row::Hashes(2), 1), within(Row::Hashes(3), 0)],
        [Some(1), None, None]
    );
    assert_eq!(within(Row::Hashes(63), 0), None);
    assert_eq!(Tile::parse("tile/3/x001/x234/067").map(|tile| tile.index), Some(1_234_067));
    let odd = [
        "tile/64/000",
        "tile/00/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/x002",
        "tile/0/001/002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/",
        "tile/data/000",
        "/tile/0/000",
        "tile/0/-01",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
    ];
    for path in odd {
        assert_eq!(Tile::parse(path), None, "{path}");
    }
}
