//! `docs/guards.md` names a test for each guard: each of them is in the tree.

use std::collections::BTreeSet;
use std::fs;

use crate::source::{root, rust_files};

/// A line of a table: the guard, and the tests that fail without it.
#[derive(Debug, PartialEq, Eq)]
struct Guard<'t> {
    guard: &'t str,
    tests: Vec<&'t str>,
}

/// The lines of every table but those of mutants, without their heads.
fn guards(text: &str) -> Vec<Guard<'_>> {
    let tables = text.split("\n\n").filter(|block| !block.starts_with("| Mutant |"));
    let rows =
        tables.flat_map(str::lines).filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | "));
    let rows = rows.filter(|(guard, _)| *guard != "Guard");
    // Every other piece is between two backticks.
    rows.map(|(guard, tests)| Guard { guard, tests: tests.split('`').skip(1).step_by(2).collect() }).collect()
}

/// The name of every function, stories included.
pub(crate) fn functions() -> BTreeSet<String> {
    let files = rust_files(&["src", "tests/it", "tests/faults"]);
    let names = files.iter().flat_map(|file| file.code.split("fn ").skip(1)).filter_map(|after| {
        let (name, _) = after.split_once('(')?;
        name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_').then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn every_guard_has_a_test_that_exists() {
    let text = fs::read_to_string(root().join("docs/guards.md")).unwrap();
    let (guards, functions) = (guards(&text), functions());
    assert!(guards.len() >= 100, "{} guards are listed", guards.len());
    for Guard { guard, tests } in guards {
        assert!(!tests.is_empty(), "no test is named for: {guard}");
        let gone: Vec<_> = tests.into_iter().filter(|name| !functions.contains(*name)).collect();
        assert!(gone.is_empty(), "{guard}: {gone:?} is nowhere in the source");
    }
}

#[test]
fn a_line_of_the_list_is_a_guard_and_its_tests() {
    let text =
        "Words.\n\n| Guard | Test |\n|---|---|\n| A code \\| once | `one_test`, `another` |\n| Nothing | none |\n";
    let [first, second] = guards(text).try_into().unwrap();
    assert_eq!(first, Guard { guard: "A code \\| once", tests: vec!["one_test", "another"] });
    assert_eq!(second, Guard { guard: "Nothing", tests: Vec::new() });
    assert_eq!(guards("Words.\n\n| Mutant | Why |\n|---|---|\n| Nothing | none |\n"), []);
    assert!(functions().contains("a_line_of_the_list_is_a_guard_and_its_tests"));
}
