//! Lists with proofs: what holds, and the first line that does not.

use mandataire::app::evidence::Known;
use mandataire::app::evidence::proving::{Broken, Listed as Proved, check_list};
use mandataire::journal::Fault;
use mandataire::journal::leaf::NOTHING_SEALED;
use mandataire::journal::listing::{Listed, head, line};
use mandataire::journal::note::{Purpose, Signer, Verifier};
use mandataire::journal::tile::of_inclusion;
use mandataire::journal::tree::Nodes;
use proptest::prelude::*;

use super::golden::golden;
use super::{Log, clear};

fn known(key: &Verifier) -> Known {
    Known { keys: vec![key.clone()], ..Known::default() }
}

fn checked(list: &str, log: &Log) -> Result<Proved, Broken> {
    check_list(list.as_bytes(), &known(log.signer.verifier())).unwrap()
}

fn entry(log: &Log, position: u64) -> Listed {
    let path = log.nodes().inclusion(position, log.size()).unwrap();
    let (commitment, leaf) = (NOTHING_SEALED.to_vec(), log.leaf(position).to_vec());
    Listed { clear: clear(position), commitment, leaf, position: Some(position), path: Some(path) }
}

/// An entry that came after the checkpoint.
fn late() -> Listed {
    let log = Log::of(1);
    Listed { position: None, path: None, ..entry(&log, 0) }
}

/// The list of some entries, the newest first, and of one that waits.
fn list(log: &Log, positions: &[u64]) -> Vec<String> {
    let mut lines = vec![head(Some(&log.note()), positions.len() as u64 + 1), line(&late())];
    lines.extend(positions.iter().rev().map(|position| line(&entry(log, *position))));
    lines
}

#[test]
fn a_list_is_proved_line_by_line() {
    let log = Log::of(300);
    let lines = list(&log, &[0, 7, 255, 256, 299]);
    golden("list.jsonl", lines.concat().as_bytes());
    let proved = checked(&lines.concat(), &log).unwrap();
    assert_eq!((proved.proved, proved.waiting, proved.checkpoint), (5, 1, log.checkpoint()));
    assert_eq!(proved.signed_at, Some(1_795_251_600));
    let stranger = Signer::new("log.example.fr/log", Purpose::Note, &[8; 32]).unwrap();
    let broken = check_list(lines.concat().as_bytes(), &known(stranger.verifier())).unwrap().unwrap_err();
    assert_eq!((broken.line, broken.fault), (1, Fault::Unsigned));
}

/// What is done to the lines of a list.
type Act = fn(&mut Vec<String>);

#[test]
fn the_first_line_that_does_not_hold_is_named() {
    let log = Log::of(300);
    let good = list(&log, &[0, 7, 255, 256, 299]);
    // Lines: the checkpoint, the one that waits, 299, 256, 255, 7, 0.
    let acts: [(&str, u64, Act); 11] = [
        ("another instant in an entry", 4, |lines| lines[3] = lines[3].replace("09:00", "09:01")),
        ("another leaf hash", 4, |lines| lines[3] = lines[3].replacen("\"leaf\":\"", "\"leaf\":\"00", 1)),
        ("another position", 6, |lines| lines[5] = lines[5].replace("\"position\":7", "\"position\":6")),
        ("a path without its last hash", 5, |lines| {
            let at = lines[4].rfind(",\"").unwrap();
            let end = lines[4].rfind(']').unwrap();
            lines[4].replace_range(at..end, "");
        }),
        ("a line twice", 8, |lines| {
            lines.push(lines[6].clone());
            lines[0] = lines[0].replace("\"entries\":6", "\"entries\":7");
        }),
        ("a line taken out", 7, |lines| drop(lines.remove(4))),
        ("a line too many", 8, |lines| lines.push(lines[1].clone())),
        ("a proof taken off", 3, |lines| {
            let path = lines[2].find(",\"path\"").unwrap();
            let line = lines[2].replace("\"kind\":\"entry\"", "\"kind\":\"waiting\"");
            lines[2] = format!("{}}}\n", &line[..path + 2]);
        }),
        ("another field", 3, |lines| lines[2] = lines[2].replace("{\"kind\"", "{\"seen\":\"\",\"kind\"")),
        ("no line", 4, |lines| lines[3] = "\n".to_owned()),
        ("another checkpoint", 1, |lines| lines[0] = lines[0].replace("\\n300\\n", "\\n301\\n")),
    ];
    for (name, expected, act) in acts {
        let mut lines = good.clone();
        act(&mut lines);
        assert_ne!(lines, good, "{name}");
        let broken = checked(&lines.concat(), &log).expect_err(name);
        assert_eq!(broken.line, expected, "{name}: {}", broken.fault);
    }
    assert_eq!(checked("", &log).unwrap_err().line, 1);
    let unsigned = [head(None, 1), line(&late())].concat();
    assert_eq!(checked(&unsigned, &log).unwrap_err().fault, Fault::Unsigned, "before anything is signed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What a proof is made from is what is read for it, in trees of any size.
    #[test]
    fn the_tiles_of_a_proof_are_known_beforehand(size in 1_u64..1_000, index in 0_u64..1_000) {
        let (log, index) = (Log::of(size), index % size);
        let tiles: std::collections::BTreeSet<_> = of_inclusion(index, size).collect();
        let mut asked = std::collections::BTreeSet::new();
        let nodes = mandataire::journal::tile::Tiled::new(size, |tile| {
            asked.insert(tile);
            Ok::<_, Fault>(log.tile(tile))
        }).inclusion(index, size);
        prop_assert!(nodes.is_ok());
        prop_assert_eq!(asked, tiles);
    }

    /// A list with one letter changed says the same of each entry, or nothing.
    #[test]
    fn a_list_with_a_letter_changed_says_the_same_or_nothing(at in 0_usize..20_000, to in 32_u8..127) {
        let log = Log::of(20);
        let mut bytes = [head(Some(&log.note()), 2), line(&entry(&log, 11)), line(&entry(&log, 3))].concat().into_bytes();
        let at = at % bytes.len();
        bytes[at] = to;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        if let Ok(proved) = checked(&changed, &log) {
            prop_assert_eq!((proved.proved, proved.checkpoint), (2, log.checkpoint()));
            for position in [11, 3] {
                let clear = String::from_utf8(clear(position)).unwrap();
                let said = changed.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
                prop_assert!(said.into_iter().any(|line| line["clear"] == clear.as_str() && line["position"] == position));
            }
        }
    }
}
