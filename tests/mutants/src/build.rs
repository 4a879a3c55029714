//! The tree with all its switches, as far as they compile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::list::{Genre, Mutant};
use crate::rewrite::{Rewritten, rewritten};

/// What is left of the list.
#[derive(Default)]
pub(crate) struct Built {
    /// In the tree.
    pub(crate) inside: BTreeSet<usize>,
    /// They do not compile.
    pub(crate) unviable: BTreeSet<usize>,
    /// No switch can stand there.
    pub(crate) unsaid: BTreeSet<usize>,
}

/// Copies the tree, and puts the switches in.
pub(crate) fn build(list: &[Mutant], tree: &Path, scratch: &Path) -> Built {
    copy(list, tree, scratch);
    let mut built = Built::default();
    // What did not compile the last time, by name.
    let known = fs::read_to_string(scratch.join("unviable")).unwrap_or_default();
    let known: BTreeSet<&str> = known.lines().collect();
    built.unviable.extend(list.iter().filter(|one| known.contains(one.name.as_str())).map(|one| one.number));
    for round in 1.. {
        write(list, tree, scratch, &mut built);
        let errors = errors(scratch);
        for error in errors.iter().filter(|_| std::env::var("MUTANTS_ERRORS").is_ok()) {
            eprintln!("{}", error["rendered"].as_str().unwrap_or_default());
        }
        let named: BTreeSet<usize> = errors.iter().flat_map(|error| mutants_of(list, scratch, error)).collect();
        eprintln!(
            "round {round}: {} switches, {} errors, {} mutants out",
            built.inside.len(),
            errors.len(),
            named.len()
        );
        if errors.is_empty() {
            return built;
        }
        if named.is_empty() {
            errors.iter().take(5).for_each(|error| eprintln!("{}", error["rendered"].as_str().unwrap_or_default()));
            panic!("errors that belong to no mutant");
        }
        built.unviable.extend(named);
        let names: String = built.unviable.iter().map(|number| format!("{}\n", list[*number].name)).collect();
        fs::write(scratch.join("unviable"), names).expect("a file of the copy");
    }
    built
}

fn copy(list: &[Mutant], tree: &Path, scratch: &Path) {
    fs::create_dir_all(scratch).expect("the folder can be made");
    let ours = list.iter().map(|one| format!("./{}", one.file));
    let others = ["./target", "./.git", "node_modules", "./tests/mutants", "./src/lib.rs"].map(str::to_owned);
    let left_out: BTreeSet<String> = ours.chain(others).map(|name| format!("--exclude={name}")).collect();
    let mut packed = Command::new("tar")
        .arg("-C")
        .arg(tree)
        .args(left_out)
        .args(["-cf", "-", "."])
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar");
    let out = packed.stdout.take().expect("its output");
    let unpacked = Command::new("tar").arg("-C").arg(scratch).args(["-xf", "-"]).stdin(out).status().expect("tar");
    assert!(packed.wait().expect("tar").success() && unpacked.success(), "the tree can be copied");
    put(&scratch.join("src/mutant.rs"), include_str!("switch.rs"));
    let root = fs::read_to_string(tree.join("src/lib.rs")).expect("src/lib.rs");
    put(&scratch.join("src/lib.rs"), &format!("{root}\n/// Mutants.\npub mod mutant;\n"));
}

/// Writes a file that is not so already: cargo goes by the time of a file.
fn put(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
    fs::write(path, text).expect("a file of the copy");
}

fn write(list: &[Mutant], tree: &Path, scratch: &Path, built: &mut Built) {
    built.inside.clear();
    let mut files: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
    for mutant in list {
        let mutants = files.entry(&mutant.file).or_default();
        if !built.unviable.contains(&mutant.number) {
            mutants.push(mutant);
        }
    }
    built.unsaid.clear();
    for (file, mutants) in files {
        let text = fs::read_to_string(tree.join(file)).expect("a file of the list");
        let Rewritten { text, done, never } = rewritten(&text, mutants.clone());
        let unsaid = mutants.iter().map(|one| one.number);
        built.unsaid.extend(unsaid.filter(|number| !done.contains(number) && !never.contains(number)));
        built.inside.extend(done);
        built.unviable.extend(never);
        put(&scratch.join(file), &text);
    }
}

fn errors(scratch: &Path) -> Vec<Value> {
    let checked = Command::new("cargo")
        .current_dir(scratch)
        .args(["check", "--profile", "test", "--lib", "--message-format=json"])
        .stderr(Stdio::null())
        .output()
        .expect("cargo");
    let lines = String::from_utf8_lossy(&checked.stdout).into_owned();
    let messages =
        lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).map(|line| line["message"].clone());
    let errors: Vec<_> =
        messages.filter(|message| message["level"] == "error" && message["spans"][0].is_object()).collect();
    assert!(checked.status.success() || !errors.is_empty(), "cargo failed without an error of the compiler");
    errors
}

/// The mutant on whose line an error is; failing that, the nearest. A match that no longer names everything lost an arm.
fn mutants_of(list: &[Mutant], scratch: &Path, error: &Value) -> Vec<usize> {
    let span = error["spans"].as_array().into_iter().flatten().find(|span| span["is_primary"] == true);
    let Some(span) = span else { return Vec::new() };
    let file = scratch.join(span["file_name"].as_str().unwrap_or_default());
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let line = usize::try_from(span["line_start"].as_u64().unwrap_or_default()).unwrap_or_default().min(lines.len());
    let number = |line: &&str| line.split_once("/*M")?.1.split_once("*/")?.0.parse::<usize>().ok();
    let (before, after) = lines.split_at(line);
    if error["code"]["code"] == "E0004" {
        return after.iter().take(25).filter_map(number).filter(|number| list[*number].genre == Genre::Arm).collect();
    }
    let found = before.iter().rev().take(4).find_map(number).or_else(|| after.iter().take(4).find_map(number));
    found.into_iter().collect()
}
