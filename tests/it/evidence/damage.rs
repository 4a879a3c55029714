//! The verifier: what is done to a log, and what it says of it.

use mandataire::journal::tree::Nodes;
use mandataire::journal::verify::Damage::{Added, Altered, Forked, Missing, Moved, RolledBack};
use mandataire::journal::verify::{Audit, Damage, Finding, Mark, Report, recompute};
use proptest::prelude::*;

use super::{Log, bundled, clear};

/// The checkpoints that a log of this size had: one each 100 leaves, and the last.
fn marks(log: &Log) -> Vec<Mark> {
    let sizes = (100..log.size()).step_by(100).chain([log.size()]);
    sizes.map(|size| Mark { size, root: log.nodes().range(0..size).unwrap(), foreign: false }).collect()
}

/// What the verifier says of entries under a log's tiles and checkpoints.
fn examined(log: &Log, entries: &[Vec<u8>], marks: Vec<Mark>) -> Report {
    let mut audit = Audit::new(marks.into_iter());
    let mut bundles = entries.chunks(256);
    for (_, tile) in log.bundles() {
        let bundle = bundled(bundles.next().unwrap_or_default());
        audit.take(recompute(audit.size(), &bundle, Some(&tile)));
    }
    for rest in bundles {
        audit.take(recompute(audit.size(), &bundled(rest), Some(&[])));
    }
    audit.finish()
}

fn said(report: &Report) -> Vec<(Damage, u64, Option<String>)> {
    let single = |finding: &Finding| (finding.damage, finding.positions.start, finding.entry.clone());
    report.findings.iter().map(single).collect()
}

fn id(position: u64) -> String {
    format!("ent_{position:026}")
}

fn at(position: u64) -> usize {
    usize::try_from(position).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_untouched_log_raises_no_alarm(size in 1_u64..1200) {
        let log = Log::of(size);
        let report = examined(&log, &log.entries, marks(&log));
        prop_assert_eq!(report.findings, vec![]);
        prop_assert_eq!((report.size, report.covered, report.more, report.root), (size, size, false, log.edge.root()));
    }

    #[test]
    fn an_altered_entry_is_named(size in 1_u64..1200, one in 0_u64..1200, byte in 0_usize..500) {
        let (log, position) = (Log::of(size), one % size);
        let mut entries = log.entries.clone();
        let entry = &mut entries[at(position)];
        let length = entry.len();
        entry[byte % length] ^= 1;
        let report = examined(&log, &entries, marks(&log));
        prop_assert_eq!(report.findings.len(), 1);
        prop_assert_eq!((report.findings[0].damage, report.findings[0].positions.clone()), (Altered, position..position + 1));
    }

    #[test]
    fn a_missing_entry_is_named_whether_the_others_move_up_or_not(size in 2_u64..1200, one in 0_u64..1200) {
        let (log, position) = (Log::of(size), one % size);
        let mut hole = log.entries.clone();
        hole[at(position)] = Vec::new();
        prop_assert_eq!(said(&examined(&log, &hole, marks(&log))), vec![(Missing, position, None)]);
        let mut closed = log.entries.clone();
        closed.remove(at(position));
        prop_assert_eq!(said(&examined(&log, &closed, marks(&log))), vec![(Missing, position, None)]);
    }

    #[test]
    fn an_added_entry_is_named(size in 1_u64..1200, one in 0_u64..1200) {
        let (log, position) = (Log::of(size), one % (size + 1));
        let mut entries = log.entries.clone();
        entries.insert(at(position), [clear(999_999), vec![0; 32]].concat());
        prop_assert_eq!(said(&examined(&log, &entries, marks(&log))), vec![(Added, position, Some(id(999_999)))]);
    }

    #[test]
    fn moved_entries_are_named(size in 10_u64..1200, one in 0_u64..1200, two in 0_u64..1200) {
        let (log, one, two) = (Log::of(size), one % size, two % size);
        prop_assume!(one.abs_diff(two) > 1);
        let mut entries = log.entries.clone();
        entries.swap(at(one), at(two));
        let mut expected = vec![(Moved, one, Some(id(two))), (Moved, two, Some(id(one)))];
        expected.sort_by_key(|(_, position, _)| *position);
        prop_assert_eq!(said(&examined(&log, &entries, marks(&log))), expected);
    }

    #[test]
    fn an_entry_that_is_its_neighbours_copy_is_altered(size in 3_u64..1200, one in 0_u64..1200) {
        let (log, position) = (Log::of(size), one % (size - 1));
        let mut entries = log.entries.clone();
        entries[at(position)] = entries[at(position) + 1].clone();
        prop_assert_eq!(said(&examined(&log, &entries, marks(&log))), vec![(Altered, position, Some(id(position + 1)))]);
    }

    /// Whoever changes an entry and computes every hash anew cannot compute the signatures.
    #[test]
    fn a_log_computed_anew_is_refuted_between_two_checkpoints(size in 2_u64..900, one in 0_u64..900) {
        let (log, position) = (Log::of(size), one % size);
        let mut anew = Log::of(0);
        for each in 0..size {
            anew.push(&clear(if each == position { 999_999 } else { each }));
        }
        let report = examined(&anew, &anew.entries, marks(&log));
        prop_assert_eq!(report.findings.len(), 1);
        let Finding { damage, positions, .. } = &report.findings[0];
        prop_assert_eq!(*damage, Altered);
        prop_assert!(positions.contains(&position) && positions.end - positions.start <= 100, "{:?}", positions);
        prop_assert_eq!(report.covered, position / 100 * 100);
        // Even if they have the log's key: somebody else kept what was signed before.
        let kept = Mark { foreign: true, ..marks(&log).pop().unwrap() };
        let signed_anew = marks(&anew).into_iter().chain([kept]).collect();
        let report = examined(&anew, &anew.entries, signed_anew);
        prop_assert_eq!(report.findings.iter().map(|finding| finding.damage).collect::<Vec<_>>(), vec![Forked]);
    }

    #[test]
    fn a_log_cut_short_is_rolled_back(size in 2_u64..900, one in 1_u64..900) {
        let (log, kept) = (Log::of(size), 1 + one % (size - 1));
        let short = Log::of(kept);
        let expected = Finding { damage: RolledBack, positions: kept..size, entry: None };
        prop_assert_eq!(examined(&short, &short.entries, marks(&log)).findings, vec![expected]);
    }
}

#[test]
fn two_histories_signed_by_one_log_are_forked() {
    let (log, mut other) = (Log::of(300), Log::of(149));
    other.push(&clear(999_999));
    let mut marks = marks(&log);
    marks.insert(1, Mark { size: 150, root: other.edge.root(), foreign: false });
    let report = examined(&log, &log.entries, marks);
    assert_eq!(report.findings, [Finding { damage: Forked, positions: 100..150, entry: None }]);
    assert_eq!(report.covered, 300);
}

#[test]
fn many_damages_at_once_are_told_apart() {
    let log = Log::of(3000);
    let mut entries = log.entries.clone();
    entries[2800][10] ^= 1;
    entries.drain(1500..1900);
    entries.insert(700, [clear(999_999), vec![0; 32]].concat());
    entries.swap(100, 101);
    let report = examined(&log, &entries, marks(&log));
    let missing = report.findings.iter().filter(|finding| finding.damage == Missing);
    assert!(missing.map(|finding| finding.positions.start).eq(1500..1900));
    let others: Vec<_> = said(&report).into_iter().filter(|(damage, ..)| *damage != Missing).collect();
    assert_eq!(others.len(), 3, "{others:?}");
    assert!(matches!(others[0], (Moved, 100 | 101, _)), "{others:?}");
    assert_eq!(others[1], (Added, 700, Some(id(999_999))));
    assert_eq!((others[2].0, others[2].1), (Altered, 2800));
}

/// Without tiles, damage is found by the checkpoints, and located between two of them.
#[test]
fn bundles_alone_are_enough_to_find_damage() {
    let log = Log::of(1000);
    let verdict = |entries: &[Vec<u8>]| {
        let mut audit = Audit::new(marks(&log).into_iter());
        for entries in entries.chunks(256) {
            audit.take(recompute(audit.size(), &bundled(entries), None));
        }
        audit.finish()
    };
    assert_eq!(verdict(&log.entries).findings, []);
    let mut entries = log.entries.clone();
    entries[431][3] ^= 1;
    assert_eq!(verdict(&entries).findings, [Finding { damage: Altered, positions: 400..500, entry: None }]);
    assert_eq!(
        verdict(&log.entries[..950]).findings,
        [Finding { damage: RolledBack, positions: 950..1000, entry: None }]
    );
}
