//! `docs/oidc.md` lists every module of certification and every attack with its tests: nothing is missing, nothing is twice, and what is
//! open is known by name.

use std::collections::BTreeSet;
use std::fs;

use crate::guards::functions;
use crate::source::{root, rust_files};

/// How many modules each plan has, in the order of the list.
const PLANS: [(&str, usize); 6] =
    [("op_basic", 38), ("op_config", 1), ("op_logout", 11), ("rp_basic", 14), ("rp_config", 6), ("rp_logout", 3)];

/// The modules that want something else than what is built.
const OPEN_MODULES: [&str; 0] = [];

/// The lines of FAPI 2.0, and what of it does not apply here.
const FAPI: (usize, [&str; 2]) = (42, ["refresh-token", "message-signing"]);

/// How many attacks each section has.
const SECTIONS: [(char, u32); 6] = [('A', 28), ('B', 19), ('C', 15), ('D', 10), ('E', 18), ('J', 10)];

/// The attacks on the journal, in the order of `docs/journal.md`.
const ON_THE_JOURNAL: [&str; 6] = ["H10", "H11", "H12", "H13", "I03", "M11"];

/// The attacks against which something is still to be built.
const OPEN_ATTACKS: [&str; 0] = [];

/// A line of a table: what it is about, its tests, and why it is open, if it is.
#[derive(Debug, PartialEq, Eq)]
struct Line<'t> {
    about: &'t str,
    tests: Vec<&'t str>,
    open: &'t str,
}

/// The lines of the table below a heading.
fn lines<'t>(text: &'t str, heading: &str) -> Vec<Line<'t>> {
    let section = text.split_once(heading).expect("the heading").1;
    let section = section.split("\n# ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let cells = cells.filter(|cells| cells.len() == 3 && cells[1] != "Story" && cells[1] != "Tests");
    // Every other piece is between two backticks.
    let tests = |cell: &'t str| cell.split('`').skip(1).step_by(2).collect();
    cells.map(|cells| Line { about: cells[0].trim_matches('`'), tests: tests(cells[1]), open: cells[2] }).collect()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/oidc.md")).unwrap()
}

/// What the lines that say `open` are about; no other line says anything in that place.
fn open<'t>(lines: &[Line<'t>]) -> Vec<&'t str> {
    let said: Vec<_> = lines.iter().filter(|line| !line.open.is_empty()).collect();
    assert!(said.iter().all(|line| line.open.strip_prefix("open: ").is_some_and(|why| why.len() > 10)), "{said:?}");
    said.into_iter().map(|line| line.about).collect()
}

#[test]
fn every_module_has_its_story() {
    let (text, files) = (document(), rust_files(&["tests/it/conformance"]));
    let listed = lines(&text, "\n# 4. Certification\n");
    let mut rest = listed.as_slice();
    for (plan, many) in PLANS {
        let file = files.iter().find(|file| file.path.ends_with(&format!("/{plan}.rs"))).expect("a file for each plan");
        let stories = file.code.matches("async fn oidcc_").count();
        assert_eq!(stories, many, "{plan}: a story for each module and no other");
        let (modules, others) = rest.split_at(many);
        for Line { about, tests, .. } in modules {
            let story = about.replace('-', "_");
            assert_eq!(*tests, [format!("{plan}::{story}")], "{about}");
            assert!(file.code.contains(&format!("async fn {story}(world)")), "{about}");
        }
        let distinct: BTreeSet<_> = modules.iter().map(|line| line.about).collect();
        assert_eq!(distinct.len(), many, "{plan}: nothing twice");
        rest = others;
    }
    assert_eq!((rest, listed.len()), (&[][..], 73));
    assert_eq!(open(&listed), OPEN_MODULES);
}

#[test]
fn every_module_of_fapi_is_answered_for() {
    let (text, functions) = (document(), functions());
    let listed = lines(&text, "\n# 6. FAPI 2.0\n");
    let distinct: BTreeSet<_> = listed.iter().map(|line| line.about).collect();
    assert_eq!((listed.len(), distinct.len()), (FAPI.0, FAPI.0), "nothing missing, nothing twice");
    let mut without = Vec::new();
    let mut named = BTreeSet::new();
    for Line { about, tests, open } in &listed {
        let gone: Vec<_> = tests.iter().filter(|test| !functions.contains(**test)).collect();
        assert!(gone.is_empty(), "{about}: {gone:?} is nowhere in the source");
        named.extend(tests.iter().map(|test| (*test).to_owned()));
        if tests.is_empty() {
            assert!(open.strip_prefix("does not apply: ").is_some_and(|why| why.len() > 10), "{about}: {open}");
            without.push(*about);
        } else {
            assert!(open.is_empty(), "{about} has tests");
        }
    }
    assert_eq!(without, FAPI.1);
    let forgotten: Vec<_> =
        functions.iter().filter(|name| name.starts_with("fapi_") && !named.contains(*name)).collect();
    assert!(forgotten.is_empty(), "a story of the plan that is not in the list: {forgotten:?}");
}

/// The tests of some attacks: each is named after its attack, and in the tree.
fn tried(listed: &[Line], functions: &BTreeSet<String>) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for Line { about, tests, open } in listed {
        assert!(!tests.is_empty() || !open.is_empty(), "{about} has no test, and is not said to be open");
        let id = format!("_{}_", about.to_lowercase());
        for test in tests {
            assert!(format!("_{test}").contains(&id), "{test} is not about {about}");
            assert!(functions.contains(*test), "{about}: {test} is nowhere in the source");
            named.insert((*test).to_owned());
        }
        assert_eq!(tests.iter().collect::<BTreeSet<_>>().len(), tests.len(), "{about}: nothing twice");
    }
    named
}

#[test]
fn every_attack_on_the_journal_has_its_tests() {
    let text = fs::read_to_string(root().join("docs/journal.md")).unwrap();
    let (listed, functions) = (lines(&text, "\n## Attacks\n"), functions());
    assert_eq!(listed.iter().map(|line| line.about).collect::<Vec<_>>(), ON_THE_JOURNAL);
    let named = tried(&listed, &functions);
    let begins = |name: &&String| ON_THE_JOURNAL.iter().any(|id| name.starts_with(&format!("{}_", id.to_lowercase())));
    let missing: Vec<_> = functions.iter().filter(begins).filter(|name| !named.contains(*name)).collect();
    assert!(missing.is_empty(), "named after an attack, and not in the list: {missing:?}");
    assert_eq!(open(&listed), OPEN_ATTACKS);
}

#[test]
fn every_attack_has_its_tests() {
    let (text, functions) = (document(), functions());
    let listed = lines(&text, "\n# 5. Attacks\n");
    let expected: Vec<String> =
        SECTIONS.iter().flat_map(|(letter, many)| (1..=*many).map(move |at| format!("{letter}{at:02}"))).collect();
    assert_eq!(listed.iter().map(|line| line.about).collect::<Vec<_>>(), expected);
    let named = tried(&listed, &functions);
    let is_about_an_attack = |name: &String| {
        SECTIONS.iter().any(|(letter, _)| {
            let rest = name.strip_prefix(letter.to_ascii_lowercase()).unwrap_or_default();
            rest.split('_')
                .next()
                .is_some_and(|number| number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()))
        })
    };
    let missing: Vec<_> = functions.iter().filter(|name| is_about_an_attack(name) && !named.contains(*name)).collect();
    assert!(missing.is_empty(), "named after an attack, and not in the list: {missing:?}");
    assert_eq!(open(&listed), OPEN_ATTACKS);
}

#[test]
fn a_line_of_a_list_is_what_it_is_about_its_tests_and_why_it_is_open() {
    let text = "# 3. Other\n\n| x | y | z |\n\n# 4. These\n\nWords.\n\n| | Tests | |\n|---|---|---|\n\
                | A01 | `a01_one`, `a01_two` | |\n| B02 | | open: not built at all |\n\n# 5. More\n| C03 | `c` | |\n";
    let read = lines(text, "\n# 4. These\n");
    assert_eq!(read[0], Line { about: "A01", tests: vec!["a01_one", "a01_two"], open: "" });
    assert_eq!(read[1], Line { about: "B02", tests: Vec::new(), open: "open: not built at all" });
    assert_eq!((read.len(), open(&read)), (2, vec!["B02"]));
}
