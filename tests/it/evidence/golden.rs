//! Golden vectors: the public files of a small log, byte for byte, for other verifiers to be held against.

use std::fs;
use std::path::PathBuf;

use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::line::hex;
use mandataire::journal::note::Verifier;
use mandataire::journal::proof::Proof;
use mandataire::journal::tile::{Row, Tile};
use mandataire::journal::tree::Nodes;
use mandataire::journal::{bundle, tree};
use proptest::prelude::*;

use super::{Log, bundled, clear};
use crate::source::root;

const SIZE: u64 = 300;

/// Compares bytes with a file of the vectors, or writes it.
pub(super) fn golden(name: &str, bytes: &[u8]) {
    let path: PathBuf = root().join("tests/golden/journal").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    let kept = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(kept == bytes, "{name} is not what it was");
}

fn proof(log: &Log, index: u64) -> Proof {
    let entry = log.entries[usize::try_from(index).unwrap()].clone();
    let path = log.nodes().inclusion(index, log.size()).unwrap();
    Proof { extra: Some(entry), index, path, note: log.note() }
}

#[test]
fn the_public_files_of_a_log_are_what_they_were() {
    let log = Log::of(SIZE);
    golden("log.vkey", format!("{}\n", log.signer.verifier()).as_bytes());
    golden("checkpoint", log.note().as_bytes());
    for index in 0..2 {
        let tile = Tile::within(Row::Entries, index, SIZE).unwrap();
        golden(&tile.to_string(), &log.bundles()[usize::try_from(index).unwrap()].0);
        let tile = Tile { row: Row::Hashes(0), ..tile };
        golden(&tile.to_string(), &log.tile(tile));
    }
    let top = Tile::within(Row::Hashes(1), 0, SIZE).unwrap();
    golden(&top.to_string(), &log.tile(top));
    for index in [0, 7, 255, 256, 299] {
        golden(&format!("{index}.tlog-proof"), proof(&log, index).text().as_bytes());
    }
    let roots = (0..=SIZE).map(|size| format!("{size} {}\n", hex(&log.nodes().range(0..size).unwrap())));
    golden("roots.txt", roots.collect::<String>().as_bytes());
    let pairs =
        [(1, 2), (1, 300), (2, 3), (3, 7), (4, 7), (6, 7), (128, 256), (129, 300), (255, 256), (256, 300), (299, 300)];
    let mut nodes = log.nodes();
    let lines = pairs.map(|(old, new)| {
        let hashes = nodes.consistency(old, new).unwrap();
        format!("{old} {new}{}\n", hashes.iter().fold(String::new(), |line, hash| line + " " + &hex(hash)))
    });
    golden("consistency.txt", lines.concat().as_bytes());
}

/// The files alone, without anything of the program that made them but its readers.
#[test]
fn the_vectors_prove_themselves() {
    let read = |name: &str| fs::read_to_string(root().join("tests/golden/journal").join(name)).unwrap();
    let log: Verifier = read("log.vkey").trim_end().parse().unwrap();
    let checkpoint = Checkpoint::open(&read("checkpoint"), &log).unwrap();
    assert_eq!(checkpoint.size, SIZE);
    for index in [0, 7, 255, 256, 299] {
        let proof = Proof::parse(&read(&format!("{index}.tlog-proof"))).unwrap();
        let (entry, said) = proof.check_own(&log).unwrap();
        assert_eq!((entry.parts().0, proof.index, said), (clear(index).as_slice(), index, checkpoint.clone()));
    }
}

#[test]
fn a_bundle_holds_its_entries_and_says_where_it_is_cut() {
    let mut bytes = Vec::new();
    bundle::append(&mut bytes, b"{}", &[1; 32]).unwrap();
    bundle::append(&mut bytes, &vec![b'x'; bundle::LONGEST_CLEAR], &[2; 32]).unwrap();
    assert!(bundle::append(&mut bytes, &vec![b'x'; bundle::LONGEST_CLEAR + 1], &[2; 32]).is_err());
    let entries: Vec<_> = bundle::entries(&bytes).collect::<Result<_, _>>().unwrap();
    assert_eq!(entries[0].parts(), (&b"{}"[..], &[1; 32][..]));
    assert_eq!(entries[1].parts().1, [2; 32]);
    assert_eq!(bytes, bundled(&entries.iter().map(|entry| entry.bytes().to_vec()).collect::<Vec<_>>()));
    for cut in [1, 5, 37, bytes.len() - 1] {
        assert!(bundle::entries(&bytes[..cut]).last().unwrap().is_err(), "{cut}");
    }
    assert!(bundle::entries(&[0, 31]).next().unwrap().is_err() && bundle::Entry::new(&[0; 31]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A proof file with one letter changed proves nothing else.
    #[test]
    fn a_proof_file_with_a_letter_changed_proves_the_same_or_nothing(at in 0_usize..3000, to in 32_u8..127) {
        let log = Log::of(20);
        let good = proof(&log, 11);
        let mut bytes = good.text().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        let Ok(read) = Proof::parse(&changed) else { return Ok(()) };
        if let Ok((entry, checkpoint)) = read.check_own(log.signer.verifier()) {
            prop_assert_eq!((entry.bytes(), read.index), (log.entries[11].as_slice(), 11));
            prop_assert_eq!(checkpoint, log.checkpoint());
        }
        prop_assert!(tree::check_inclusion(12, 20, &log.leaf(11), &good.path, &log.edge.root()).is_err());
    }
}
