//! Mutation testing in one build: every mutant that `cargo mutants` lists is put into one copy of the tree, behind a switch that an
//! environment variable turns on. A test that never comes by a switch cannot catch its mutant, so that few tests run for each.
//!
//! ```text
//! cargo mutants --list --json -f 'src/oidc/**' > list.json
//! cargo run --release --manifest-path tests/mutants/Cargo.toml --target-dir target/mutants/program -- list.json target/mutants/tree
//! ```
//!
//! `MUTANTS_TESTS=using,oidc` runs only tests with one of these in their names, to see quickly where to look. `MUTANTS_KEEP=1` keeps what an
//! earlier pass caught, by name: good only where nothing but tests was added since.

mod build;
mod list;
mod pass;
mod rewrite;
mod tests;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use list::Mutant;
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [list, scratch, wanted @ ..] = arguments.as_slice() else { panic!("LIST SCRATCH [part of a name]…") };
    let list = list::read(&fs::read_to_string(list).expect("the list"));
    let tree = env::current_dir().expect("the tree");
    let scratch = PathBuf::from(scratch);
    let built = build::build(&list, &tree, &scratch);
    let scratch = scratch.canonicalize().expect("the copy");
    let tests = pass::sound(&scratch);
    let mut fates: BTreeMap<usize, String> = BTreeMap::new();
    fates.extend(built.unviable.iter().map(|number| (*number, "unviable".to_owned())));
    fates.extend(built.unsaid.iter().map(|number| (*number, "not expressed".to_owned())));
    let kept = if env::var_os("MUTANTS_KEEP").is_some() { caught(&scratch) } else { BTreeMap::new() };
    let mut tried = Vec::new();
    for mutant in list.iter().filter(|mutant| built.inside.contains(&mutant.number)) {
        if let Some(fate) = kept.get(&mutant.name) {
            fates.insert(mutant.number, fate.clone());
        } else if wanted.is_empty() || wanted.iter().any(|part| mutant.name.contains(part.as_str())) {
            tried.push(mutant);
        }
    }
    pass::each(&tried, &tests, &scratch, |mutant, fate| {
        eprintln!("{fate}: {}", mutant.name);
        fates.insert(mutant.number, fate);
        report(&list, &fates, &scratch);
    });
    report(&list, &fates, &scratch);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for fate in fates.values() {
        *counts.entry(fate.split(" by ").next().unwrap_or_default()).or_default() += 1;
    }
    println!("{counts:?}");
}

/// What an earlier pass caught, by name.
fn caught(scratch: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(scratch.join("fates.json")).unwrap_or_default();
    let fates: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    fates
        .iter()
        .map(|one| (word(one, "name"), word(one, "fate")))
        .filter(|(_, fate)| fate.starts_with("caught by "))
        .collect()
}

fn report(list: &[Mutant], fates: &BTreeMap<usize, String>, scratch: &Path) {
    let lines: Vec<_> =
        fates.iter().map(|(number, fate)| json!({ "fate": fate, "name": list[*number].name })).collect();
    fs::write(scratch.join("fates.json"), serde_json::to_string_pretty(&lines).unwrap_or_default())
        .expect("the report");
}
