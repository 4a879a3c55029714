//! Mutation testing in one build: every mutant that `cargo mutants` lists is put into one copy of the tree, behind a switch that an
//! environment variable turns on. A test that never comes by a switch cannot catch its mutant, so that few tests run for each.
//!
//! ```text
//! cargo mutants --list --json -f 'src/oidc/**' > list.json
//! cargo run --release --manifest-path tests/mutants/Cargo.toml --target-dir target/mutants/program -- list.json target/mutants/tree
//! ```
//!
//! `MUTANTS_MOST=12` runs at most twelve tests for each, and `MUTANTS_TESTS=using,oidc` only tests with one of these in their names: to see
//! quickly where to look.

mod build;
mod list;
mod rewrite;
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use list::Mutant;
use serde_json::json;
use tests::Test;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [list, scratch, wanted @ ..] = arguments.as_slice() else { panic!("LIST SCRATCH [part of a name]…") };
    let list = list::read(&fs::read_to_string(list).expect("the list"));
    let tree = env::current_dir().expect("the tree");
    let scratch = PathBuf::from(scratch);
    let built = build::build(&list, &tree, &scratch);
    let scratch = scratch.canonicalize().expect("the copy");
    let tests = sound(&scratch);
    let mut fates: BTreeMap<usize, String> = BTreeMap::new();
    fates.extend(built.unviable.iter().map(|number| (*number, "unviable".to_owned())));
    fates.extend(built.unsaid.iter().map(|number| (*number, "not expressed".to_owned())));
    let mut good: BTreeMap<(String, usize), usize> = BTreeMap::new();
    for mutant in list.iter().filter(|mutant| built.inside.contains(&mutant.number)) {
        if !wanted.is_empty() && !wanted.iter().any(|part| mutant.name.contains(part.as_str())) {
            continue;
        }
        let fate = fate(mutant, &tests, &scratch, &mut good);
        eprintln!("{fate}: {}", mutant.name);
        fates.insert(mutant.number, fate);
        report(&list, &fates, &scratch);
    }
    report(&list, &fates, &scratch);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for fate in fates.values() {
        *counts.entry(fate.split(" by ").next().unwrap_or_default()).or_default() += 1;
    }
    println!("{counts:?}");
}

/// The tests that pass with no mutant on, and what they reach.
fn sound(scratch: &Path) -> Vec<Test> {
    let mut tests = tests::all(scratch);
    let all = tests.len();
    tests.retain_mut(|test| {
        let passed = test.first(scratch);
        if !passed {
            eprintln!("fails without a mutant: {} (reaches {})", test.name, test.reaches.len());
        }
        passed
    });
    let reached: BTreeSet<usize> = tests.iter().flat_map(|test| test.reaches.iter().copied()).collect();
    eprintln!("{all} tests, {} sound, {} switches reached", tests.len(), reached.len());
    tests
}

/// Runs the tests that reach a mutant until one fails: first those that caught others of its file, then the quickest.
fn fate(mutant: &Mutant, tests: &[Test], scratch: &Path, good: &mut BTreeMap<(String, usize), usize>) -> String {
    let mut reaching: Vec<usize> = (0..tests.len()).filter(|at| tests[*at].reaches.contains(&mutant.number)).collect();
    if reaching.is_empty() {
        return "not reached".to_owned();
    }
    let weight = |at: usize| {
        let caught = good.get(&(mutant.file.clone(), at)).copied().unwrap_or_default();
        tests[at].time / u32::try_from(caught * 4 + 1).unwrap_or(u32::MAX)
    };
    reaching.sort_by_key(|at| weight(*at));
    let most = env::var("MUTANTS_MOST").ok().and_then(|most| most.parse().ok()).unwrap_or(usize::MAX);
    reaching.truncate(most);
    match reaching.iter().find(|at| tests[**at].catches(scratch, mutant.number)) {
        Some(at) => {
            *good.entry((mutant.file.clone(), *at)).or_default() += 1;
            format!("caught by {}", tests[*at].name)
        }
        None => format!("MISSED by {} tests", reaching.len()),
    }
}

fn report(list: &[Mutant], fates: &BTreeMap<usize, String>, scratch: &Path) {
    let lines: Vec<_> =
        fates.iter().map(|(number, fate)| json!({ "fate": fate, "name": list[*number].name })).collect();
    fs::write(scratch.join("fates.json"), serde_json::to_string_pretty(&lines).unwrap_or_default())
        .expect("the report");
}
