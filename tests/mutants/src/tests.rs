//! The tests, each in a process of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// One test, and what came of it with no mutant on.
pub(crate) struct Test {
    pub(crate) binary: PathBuf,
    pub(crate) name: String,
    pub(crate) time: Duration,
    pub(crate) reaches: BTreeSet<usize>,
}

/// Builds the tests, and lists them: those of PostgreSQL say the same again, and fuzzing says something else each time.
pub(crate) fn all(scratch: &Path) -> Vec<Test> {
    let built = Command::new("cargo")
        .current_dir(scratch)
        .args(["test", "--no-run", "--lib", "--test", "it", "--message-format=json"])
        .stderr(Stdio::null())
        .output()
        .expect("cargo");
    assert!(built.status.success(), "the tests compile");
    let text = String::from_utf8_lossy(&built.stdout).into_owned();
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let binaries: Vec<PathBuf> = messages
        .filter(|message| message["profile"]["test"] == true)
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    let wanted = std::env::var("MUTANTS_TESTS").unwrap_or_default();
    let mut tests = Vec::new();
    for binary in binaries {
        let listed = Command::new(&binary).args(["--list", "--format", "terse"]).output().expect("a list of tests");
        let names = String::from_utf8_lossy(&listed.stdout).into_owned();
        let names = names.lines().filter_map(|line| line.strip_suffix(": test"));
        let names = names.filter(|name| !name.ends_with("::postgres") && !name.contains("fuzz::"));
        for name in names.filter(|name| wanted.split(',').any(|part| name.contains(part))) {
            let (name, time) = (name.to_owned(), Duration::ZERO);
            tests.push(Test { binary: binary.clone(), name, time, reaches: BTreeSet::new() });
        }
    }
    tests
}

impl Test {
    fn command(&self, scratch: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(["--exact", &self.name]).current_dir(scratch).env_remove("MANDATAIRE_TEST_POSTGRES");
        command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        command
    }

    /// Runs it with no mutant on: whether it passes.
    pub(crate) fn first(&mut self, scratch: &Path) -> bool {
        let notes = scratch.join("seen");
        let _ = fs::remove_file(&notes);
        let begun = Instant::now();
        let passed = self.command(scratch).env("MUTANTS_SEEN", &notes).status().is_ok_and(|status| status.success());
        self.time = begun.elapsed();
        let seen = fs::read_to_string(&notes).unwrap_or_default();
        self.reaches = seen.lines().filter_map(|line| line.parse().ok()).collect();
        passed
    }

    /// Whether it fails, or never ends, with this mutant on.
    pub(crate) fn catches(&self, scratch: &Path, mutant: usize) -> bool {
        let mut child = self.command(scratch).env("MUTANT", mutant.to_string()).spawn().expect("the test starts");
        let limit = Instant::now() + Duration::from_secs(20) + self.time * 10;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return !status.success(),
                Ok(None) if Instant::now() < limit => std::thread::sleep(Duration::from_millis(5)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return true;
                }
            }
        }
    }
}
