//! The shape of the tree, checked over its text: who may name whom. `src/lib.rs` is the map; these are its rules.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::source::{Source, root, rust_files};

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
struct Breach {
    path: String,
    line: usize,
    rule: String,
}

/// Each module of ours, and the others it may name. From the top: the command line, the application, the edges, the
/// store, the pure rules. Nothing names what stands above it.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("cli", &["domain"]),
    ("admin", &["cli", "app", "oidc", "store", "journal", "credential", "logging", "config", "clock", "domain"]),
    (
        "app",
        &["web", "oidc", "messaging", "demo", "store", "journal", "credential", "logging", "config", "clock", "domain"],
    ),
    ("demo", &["web", "oidc", "messaging", "store", "journal", "credential", "config", "clock", "domain"]),
    ("web", &["oidc", "messaging", "store", "journal", "credential", "config", "clock", "domain"]),
    ("oidc", &["web", "messaging", "store", "journal", "credential", "config", "clock", "domain"]),
    ("messaging", &["web", "store", "config", "clock", "domain"]),
    ("store", &["journal", "clock", "domain"]),
    ("credential", &["clock", "domain"]),
    ("logging", &["config"]),
    ("config", &[]),
    ("clock", &["domain"]),
    ("journal", &[]),
    ("domain", &[]),
];

/// A name that only some places may write: what it is, its spellings, and where.
const RESERVED: &[(&str, &[&str], &[&str])] = &[
    ("diesel", &["diesel", "diesel_migrations", "libsqlite3_sys", "pq_sys"], &["src/store/"]),
    (
        "a database's kind",
        &["SqliteConnection", "PgConnection", "diesel::sqlite", "diesel::pg", "libsqlite3_sys", "pq_sys"],
        &["src/store/db/"],
    ),
    (
        "actix",
        &["actix_web", "actix_http", "tracing_actix_web"],
        &["src/web/", "src/oidc/provider/", "src/demo/", "src/app/"],
    ),
    ("the OpenID Connect crates", &["openidconnect", "jsonwebtoken"], &["src/oidc/", "src/demo/"]),
    ("argon2", &["argon2"], &["src/credential.rs"]),
];

/// What the pure modules may not name: input, output, the present, chance, other threads.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::io",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "Utc::now",
    "Local::now",
    "SystemTime",
    "SystemRandom",
    "aws_lc_rs::rand",
    "getrandom",
    "async",
    "await",
    "println",
    "eprintln",
    "tracing",
    "tokio",
    "diesel",
    "actix_web",
    "reqwest",
    "lettre",
    "openidconnect",
    "jsonwebtoken",
    "argon2",
    "config",
    "clap",
    "askama",
    "rustls",
    "governor",
];

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Where a name is written as a whole word; of `diesel::pg`, also as `diesel::{sql_types, pg}`.
fn mentions(code: &str, name: &str) -> Vec<usize> {
    let (head, tail) = name.split_once("::").unwrap_or((name, ""));
    let whole = |at: &usize| !code[..*at].ends_with(is_word) && !code[at + head.len()..].starts_with(is_word);
    let heads = code.match_indices(head).map(|(at, _)| at).filter(whole);
    let followed = |at: &usize| {
        let path = code[at + head.len()..].strip_prefix("::");
        tail.is_empty() || path.is_some_and(|path| first_names(path).iter().any(|each| each == tail))
    };
    heads.filter(followed).collect()
}

fn breach(source: &Source, at: usize, rule: String) -> Breach {
    Breach { path: source.path.clone(), line: line_of(&source.code, at), rule }
}

/// The module of ours at the top that a file belongs to: `store` for `src/store/vault.rs`.
fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split(['/', '.']).next().unwrap_or(inside)
}

/// The modules at the top that the code names, and where: after `crate::`, or after enough `super::` to get there.
fn named_modules(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    // src/store/vault.rs is two levels down, src/store/mod.rs and src/clock.rs one.
    let inside = source.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    let up = "super::".repeat(inside.split('/').count());
    let starts = mentions(code, "crate").into_iter().map(|at| (at, at + "crate".len()));
    let climbs = code.match_indices(&up).map(|(at, _)| (at, at + up.len() - 2));
    starts
        .chain(climbs)
        .filter_map(|(at, end)| Some((at, code[end..].strip_prefix("::")?)))
        .flat_map(|(at, path)| first_names(path).into_iter().map(move |name| (at, name)))
        .collect()
}

/// `store` of `store::db::Tx`; `clock` and `store` of `{clock::Clock, store::{self, Tx}}`.
fn first_names(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|character| is_word(*character)).collect()];
    };
    let mut depth = 0;
    let mut names = vec![String::new()];
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().unwrap().push(character),
            _ => {}
        }
    }
    names.iter().map(|name| name.trim().chars().take_while(|character| is_word(*character)).collect()).collect()
}

fn against_direction(source: &Source) -> Vec<Breach> {
    let module = module_of(&source.path);
    if !source.path.starts_with("src/") || ["main", "lib"].contains(&module) {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module) else {
        return vec![breach(source, 0, format!("{module} has no place in MAY_NAME: say what it may name"))];
    };
    let ours = |name: &str| MAY_NAME.iter().any(|(module, _)| *module == name);
    named_modules(source)
        .into_iter()
        .filter(|(_, name)| ours(name) && name != module && !allowed.contains(&name.as_str()))
        .map(|(at, name)| breach(source, at, format!("{module} may not name {name}")))
        .collect()
}

fn out_of_place(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (what, spellings, places) in RESERVED {
        if places.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        let found = spellings.iter().flat_map(|spelling| mentions(&source.code, spelling));
        let rule = || format!("only {} may name {what}", places.join(", "));
        breaches.extend(found.map(|at| breach(source, at, rule())));
    }
    breaches
}

fn impure(source: &Source) -> Vec<Breach> {
    let module = module_of(&source.path);
    // The rules of mandates know no format either: what is written in JSON is decided where it is written.
    let format: &[&str] = if module == "domain" { &["serde_json"] } else { &[] };
    if !["domain", "journal"].contains(&module) {
        return Vec::new();
    }
    let names = IMPURE.iter().chain(format);
    let found = names.flat_map(|name| mentions(&source.code, name).into_iter().map(move |at| (at, name)));
    found.map(|(at, name)| breach(source, at, format!("{module} is pure and may not name {name}"))).collect()
}

fn too_long(source: &Source) -> Vec<Breach> {
    let limit = if source.path.starts_with("tests/") { 400 } else { 300 };
    let rule = format!("{} lines where {limit} are the most", source.lines);
    if source.lines > limit { vec![Breach { path: source.path.clone(), line: source.lines, rule }] } else { Vec::new() }
}

fn silenced(source: &Source) -> Vec<Breach> {
    let attributes = ["#[allow", "#![allow"];
    let found = attributes.iter().flat_map(|attribute| source.code.match_indices(attribute));
    found.map(|(at, _)| breach(source, at, "write #[expect(.., reason = \"..\")]".to_owned())).collect()
}

fn check(rule: fn(&Source) -> Vec<Breach>, folders: &[&str]) {
    let files = rust_files(folders);
    assert!(!files.is_empty(), "no file in {folders:?}");
    let breaches: Vec<Breach> = files.iter().flat_map(rule).collect();
    let report = breaches.iter().map(|found| format!("{}:{}: {}\n", found.path, found.line, found.rule));
    assert!(breaches.is_empty(), "\n{}", report.collect::<String>());
}

#[test]
fn nothing_names_what_stands_above_it() {
    check(against_direction, &["src"]);
}

#[test]
fn each_crate_is_named_in_its_own_place_only() {
    check(out_of_place, &["src"]);
}

#[test]
fn the_rules_of_mandates_and_the_journal_are_pure() {
    check(impure, &["src/domain", "src/journal"]);
}

#[test]
fn no_file_is_too_long_to_read() {
    check(too_long, &["src", "tests", "build.rs"]);
}

#[test]
fn no_lint_is_silenced_without_a_reason() {
    check(silenced, &["src", "tests", "build.rs"]);
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |backend: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(backend);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let paths = entries.map(|entry| entry.unwrap().path());
        let whole = paths.inspect(|path| {
            let halves = ["up.sql", "down.sql"].map(|half| path.join(half));
            assert!(halves.iter().all(|half| half.is_file()), "{} lacks one of {halves:?}", path.display());
        });
        whole.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

/// A name that is mistyped must not end as a run in which nothing failed.
#[test]
fn a_stage_of_tests_run_that_does_not_exist_is_refused_with_the_list_of_those_that_do() {
    let script = root().join("tests/run");
    let text = fs::read_to_string(&script).unwrap();
    let stages: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("stage ")?.split(' ').next()).collect();
    assert!(stages.len() > 5, "{stages:?}");
    let output = Command::new(script).args(["format", "lnt"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let expected = format!("no stage is called lnt; the stages are: {}\n", stages.join(" "));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
    assert!(output.stdout.is_empty(), "nothing was run");
}

/// The lines at which a rule is broken by a text that stands at a path.
fn bites(rule: fn(&Source) -> Vec<Breach>, path: &str, text: &str) -> Vec<usize> {
    rule(&Source::new(path, text)).iter().map(|breach| breach.line).collect()
}

#[test]
fn the_rule_of_direction_bites() {
    let bites = |path, text| bites(against_direction, path, text);
    assert_eq!(bites("src/domain/term.rs", "use super::Instant;\nuse crate::store::Tx;"), [2]);
    assert_eq!(bites("src/domain/term.rs", "use super::super::store::Tx;"), [1]);
    assert_eq!(bites("src/domain/mod.rs", "use super::clock::Clock;"), [1]);
    assert_eq!(bites("src/store/mod.rs", "use crate::{\n  domain::id::{self, UseId},\n  web::page,\n};"), [1]);
    assert_eq!(bites("src/web/mod.rs", "fn f(app: &crate::app::App) {}"), [1]);
    assert_eq!(bites("src/helpers.rs", ""), [1], "a module without a place");
    let good = "use crate::{clock, domain::id::UseId};\n// crate::web\nconst W: &str = \"crate::web\";";
    assert!(bites("src/store/mod.rs", good).is_empty());
    assert!(bites("src/main.rs", "use mandataire::{app, cli};").is_empty());
}

#[test]
fn the_rule_of_places_bites() {
    let bites = |path, text| bites(out_of_place, path, text);
    assert_eq!(bites("src/web/mod.rs", "\nuse diesel::prelude::*;"), [2]);
    assert_eq!(bites("src/store/mandates.rs", "use diesel::pg::Pg;\nfn f(c: &mut SqliteConnection) {}"), [2, 1]);
    assert_eq!(bites("src/store/mandates.rs", "use diesel::{dsl::{self, sum}, sqlite};"), [1]);
    assert_eq!(bites("src/oidc/relying_party/start.rs", "use actix_web::get;"), [1]);
    assert_eq!(bites("src/web/mod.rs", "use jsonwebtoken as jwt;"), [1]);
    assert_eq!(bites("src/store/vault.rs", "use argon2::Argon2;"), [1]);
    assert!(bites("src/store/db/mod.rs", "use diesel::pg::PgConnection;").is_empty());
    assert!(bites("src/clock.rs", "//! Not diesel.\nfn diesel_like() {}").is_empty());
}

#[test]
fn the_rule_of_purity_bites() {
    let bites = |path, text| bites(impure, path, text);
    assert_eq!(bites("src/domain/term.rs", "fn f() { Utc::now(); }"), [1]);
    assert_eq!(bites("src/domain/term.rs", "use serde_json::Value;"), [1]);
    assert_eq!(bites("src/journal/tree.rs", "\nasync fn f() {}"), [2]);
    assert_eq!(bites("src/journal/tree.rs", "use std::fs::File;"), [1]);
    assert_eq!(bites("src/journal/tree.rs", "use std::{fmt, env};"), [1]);
    assert!(bites("src/journal/leaf.rs", "use serde_json::Value;\nuse aws_lc_rs::digest;").is_empty());
    assert!(bites("src/store/db/mod.rs", "use std::fs::File;").is_empty());
}

#[test]
fn the_rules_of_length_and_reasons_bite() {
    assert_eq!(bites(too_long, "src/clock.rs", &"\n".repeat(301)), [301]);
    assert_eq!(bites(too_long, "tests/it/main.rs", &"\n".repeat(401)), [401]);
    assert!(bites(too_long, "tests/it/main.rs", &"\n".repeat(400)).is_empty());
    assert_eq!(bites(silenced, "src/clock.rs", "\n#[allow(dead_code)]\nfn f() {}"), [2]);
    assert_eq!(bites(silenced, "src/lib.rs", "#![allow(unused)]"), [1]);
    assert!(bites(silenced, "src/lib.rs", "// #[allow\n#[expect(unused, reason = \"x\")]").is_empty());
}
