//! What the program is built from: nothing that was ruled out, and a reason for each thing that was chosen.

use std::collections::BTreeMap;
use std::fs;

use crate::source::root;

/// Packages that may not come in, not even through another, and why. `deny.toml` says the same to cargo-deny.
const BANNED: &[(&str, &str)] = &[
    ("native-tls", "TLS is rustls"),
    ("openssl", "TLS is rustls; openssl-sys is compiled in for libpq alone"),
    ("actix-governor", "its licence is GPL-3.0-or-later, ours is not"),
];

/// Who may depend on a package: libpq (its bindings and its source), and our own line that has it compiled in.
const ONLY_FOR: &[(&str, &[&str])] = &[("openssl-sys", &["pq-sys", "pq-src", "mandataire"])];

/// Each package of a lock file with what it depends on, over all its versions.
fn packages(lock: &str) -> BTreeMap<String, Vec<String>> {
    let mut packages = BTreeMap::<String, Vec<String>>::new();
    for block in lock.split("[[package]]").skip(1) {
        let quoted = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
        let name = block.lines().find(|line| line.starts_with("name = ")).map(quoted).unwrap();
        let dependencies = block.lines().filter(|line| line.starts_with(" \"")).map(quoted);
        let names = dependencies.map(|text| text.split(' ').next().unwrap_or_default().to_owned());
        packages.entry(name).or_default().extend(names);
    }
    packages
}

fn banned(lock: &str) -> Vec<String> {
    let packages = packages(lock);
    let found = BANNED.iter().filter(|(name, _)| packages.contains_key(*name));
    let mut refusals: Vec<String> = found.map(|(name, reason)| format!("{name}: {reason}")).collect();
    for (name, allowed) in ONLY_FOR {
        let dependents = packages.iter().filter(|(_, dependencies)| dependencies.iter().any(|each| each == name));
        let others = dependents.map(|(dependent, _)| dependent).filter(|each| !allowed.contains(&each.as_str()));
        refusals
            .extend(others.map(|each| format!("{each} depends on {name}, which is for {} only", allowed.join(", "))));
    }
    refusals
}

/// The dependencies of a manifest without a comment right above them.
fn unexplained(manifest: &str) -> Vec<String> {
    let mut dependencies = false;
    let mut before = "";
    let mut missing = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            dependencies = line.ends_with("dependencies]");
        } else if dependencies && line.starts_with(|first: char| first.is_alphabetic()) && !before.starts_with('#') {
            missing.extend(line.split(' ').next().map(str::to_owned));
        }
        before = line;
    }
    missing
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn nothing_that_was_ruled_out_comes_in() {
    assert_eq!(banned(&read("Cargo.lock")), [""; 0]);
}

#[test]
fn every_dependency_is_explained() {
    assert_eq!(unexplained(&read("Cargo.toml")), [""; 0]);
}

#[test]
fn cargo_deny_is_told_the_same() {
    let deny = read("deny.toml");
    let silent = BANNED.iter().filter(|(name, _)| !deny.contains(&format!("crate = \"{name}\"")));
    assert_eq!(silent.map(|(name, _)| *name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_rules_of_dependencies_bite() {
    let lock = "version = 4\n\n[[package]]\nname = \"native-tls\"\ndependencies = [\n \"openssl-sys 0.9.1\",\n]\n\
                [[package]]\nname = \"openssl-sys\"\n[[package]]\nname = \"pq-sys\"\ndependencies = [\n \"openssl-sys\",\n]\n";
    let refusals = banned(lock);
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals[1].starts_with("native-tls depends on openssl-sys"), "{refusals:?}");
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# Why.\na = \"1\"\nb = \"1\"\n[lints.rust]\nc = \"d\"";
    assert_eq!(unexplained(manifest), ["b"]);
}
