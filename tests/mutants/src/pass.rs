//! Every mutant against every test that comes by it, until one fails; on as many processors as there are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::list::Mutant;
use crate::tests::{self, Test};

/// How many mutants each test caught in each file.
type Good = Mutex<BTreeMap<(String, String), u32>>;

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The tests that pass with no mutant on, and what they reach. Kept in `traces.json` for as long as the tests are not built anew.
pub(crate) fn sound(scratch: &Path) -> Vec<Test> {
    let (all, kept) = (tests::all(scratch), scratch.join("traces.json"));
    let count = all.len();
    if let Some(tests) = tests::kept(&all, &kept) {
        eprintln!("{count} tests, {} sound, as traced before", tests.len());
        return tests;
    }
    let (waiting, sound) = (Mutex::new(all), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for worker in 0..workers() {
            let (waiting, sound) = (&waiting, &sound);
            scope.spawn(move || {
                let notes = scratch.join(format!("seen.{worker}"));
                let next = || waiting.lock().expect("nobody panicked").pop();
                while let Some(mut test) = next() {
                    if test.first(scratch, &notes) {
                        sound.lock().expect("nobody panicked").push(test);
                    } else {
                        eprintln!("fails without a mutant: {} (reaches {})", test.name, test.reaches.len());
                    }
                }
            });
        }
    });
    let tests = sound.into_inner().expect("nobody panicked");
    let reached: BTreeSet<usize> = tests.iter().flat_map(|test| test.reaches.iter().copied()).collect();
    eprintln!("{count} tests, {} sound, {} switches reached", tests.len(), reached.len());
    tests::keep(&tests, &kept);
    tests
}

/// How many tests a mutant is tried with before its turn comes again, after all others.
const FIRST: usize = 24;

/// Tries each mutant, and tells what became of it.
pub(crate) fn each(mutants: &[&Mutant], tests: &[Test], scratch: &Path, mut told: impl FnMut(&Mutant, String)) {
    let good = Good::default();
    let mut left = Vec::new();
    round(
        mutants,
        |mutant| fate(mutant, tests, scratch, &good, FIRST),
        |mutant, fate| match fate {
            Some(fate) => told(mutant, fate),
            None => left.push(mutant),
        },
    );
    eprintln!("{} mutants are left after {FIRST} tests", left.len());
    let all = |mutant: &Mutant| fate(mutant, tests, scratch, &good, usize::MAX);
    round(&left, all, |mutant, fate| told(mutant, fate.expect("there are no more tests")));
}

fn round<'m>(
    mutants: &[&'m Mutant],
    fate: impl Fn(&Mutant) -> Option<String> + Sync,
    mut told: impl FnMut(&'m Mutant, Option<String>),
) {
    let waiting = Mutex::new(mutants.iter());
    let (sender, fates) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers() {
            let (waiting, fate, sender) = (&waiting, &fate, sender.clone());
            scope.spawn(move || {
                let next = || waiting.lock().expect("nobody panicked").next();
                while let Some(mutant) = next() {
                    sender.send((*mutant, fate(mutant))).expect("somebody listens");
                }
            });
        }
        drop(sender);
        for (mutant, fate) in fates {
            told(mutant, fate);
        }
    });
}

/// Runs the tests that reach a mutant until one fails: first those that caught others of its file, then the quickest, in ever larger
/// heaps. What failed among others must fail alone as well: a test that fails now and then catches nothing. No fate if it was tried with
/// `most` tests, and there are more.
fn fate(mutant: &Mutant, tests: &[Test], scratch: &Path, good: &Good, most: usize) -> Option<String> {
    let mut reaching: Vec<&Test> = tests.iter().filter(|test| test.reaches.contains(&mutant.number)).collect();
    if reaching.is_empty() {
        return Some("not reached".to_owned());
    }
    {
        let good = good.lock().expect("nobody panicked");
        let caught = |test: &Test| good.get(&(mutant.file.clone(), test.name.clone())).copied().unwrap_or_default();
        let weight = |test: &&Test| -> Duration { test.time / (caught(test) * 4 + 1) };
        reaching.sort_by_cached_key(weight);
    }
    let (count, mut rest, mut size) = (reaching.len(), reaching.as_slice(), 2);
    while !rest.is_empty() {
        if count - rest.len() >= most {
            return None;
        }
        // One process runs tests of one binary.
        let alike = rest.iter().take_while(|test| test.binary == rest[0].binary).count();
        let (heap, later) = rest.split_at(alike.min(size));
        let mut heap = heap.to_vec();
        while let Some(test) = tests::failing(&heap, scratch, mutant.number) {
            if tests::failing(&[test], scratch, mutant.number).is_some() {
                *good.lock().expect("nobody panicked").entry((mutant.file.clone(), test.name.clone())).or_default() +=
                    1;
                return Some(format!("caught by {}", test.name));
            }
            heap.retain(|other| other.name != test.name);
            if heap.is_empty() {
                break;
            }
        }
        (rest, size) = (later, size * 2);
    }
    Some(format!("MISSED by {count} tests"))
}
