//! The tests: each in a process of its own to see where it comes by, then several in one process until one fails.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

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

/// Writes down what the tests reach, if it is all of them.
pub(crate) fn keep(tests: &[Test], file: &Path) {
    if std::env::var_os("MUTANTS_TESTS").is_some() {
        return;
    }
    let line = |test: &Test| json!({ "name": test.name, "ms": u64::try_from(test.time.as_millis()).unwrap_or_default(), "reaches": test.reaches });
    let lines: Vec<_> = tests.iter().map(line).collect();
    fs::write(file, Value::from(lines).to_string()).expect("a file of the copy");
}

/// What was written down, if none of these tests was built since.
pub(crate) fn kept(tests: &[Test], file: &Path) -> Option<Vec<Test>> {
    let built = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    let written = built(file)?;
    if std::env::var_os("MUTANTS_TESTS").is_some() || tests.iter().any(|test| built(&test.binary) > Some(written)) {
        return None;
    }
    let lines: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    let kept = |line: &Value| {
        let test = tests.iter().find(|test| line["name"] == test.name.as_str())?;
        let numbers = line["reaches"].as_array()?.iter().filter_map(Value::as_u64);
        let reaches = numbers.filter_map(|number| usize::try_from(number).ok()).collect();
        let (binary, name) = (test.binary.clone(), test.name.clone());
        Some(Test { binary, name, time: Duration::from_millis(line["ms"].as_u64()?), reaches })
    };
    lines.iter().map(kept).collect()
}

impl Test {
    /// Runs it with no mutant on: whether it passes.
    pub(crate) fn first(&mut self, scratch: &Path, notes: &Path) -> bool {
        let _ = fs::remove_file(notes);
        let begun = Instant::now();
        let mut command = command(&[self], scratch);
        let passed = command.env("MUTANTS_SEEN", notes).status().is_ok_and(|status| status.success());
        self.time = begun.elapsed();
        let seen = fs::read_to_string(notes).unwrap_or_default();
        self.reaches = seen.lines().filter_map(|line| line.parse().ok()).collect();
        passed
    }
}

fn command(tests: &[&Test], scratch: &Path) -> Command {
    let mut command = Command::new(&tests[0].binary);
    command.args(["--exact", "--test-threads=1"]).args(tests.iter().map(|test| &test.name));
    command.current_dir(scratch).env_remove("MANDATAIRE_TEST_POSTGRES");
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command
}

/// The first of these tests, all of one binary, that fails or never ends with this mutant on.
pub(crate) fn failing<'t>(tests: &[&'t Test], scratch: &Path, mutant: usize) -> Option<&'t Test> {
    let mut command = command(tests, scratch);
    let mut child = command.env("MUTANT", mutant.to_string()).stdout(Stdio::piped()).spawn().expect("the tests start");
    let written = lines(child.stdout.take().expect("what it writes"));
    let mut text = String::new();
    loop {
        // A test that has not ended is the last one named.
        let name = text.rsplit("\ntest ").next().and_then(|rest| rest.split(" ... ").next()).unwrap_or_default();
        let last = tests.iter().copied().find(|test| test.name == name);
        let limit = Duration::from_secs(20) + last.map_or(Duration::from_secs(10), |test| test.time * 10);
        match written.recv_timeout(limit) {
            Ok(more) => text.push_str(&more),
            Err(RecvTimeoutError::Timeout) => {
                end(&mut child);
                return last;
            }
            Err(RecvTimeoutError::Disconnected) => {
                let passed = child.wait().is_ok_and(|status| status.success());
                return if passed { None } else { failed(tests, &text).or(last) };
            }
        }
        if let Some(test) = failed(tests, &text) {
            end(&mut child);
            return Some(test);
        }
    }
}

fn failed<'t>(tests: &[&'t Test], text: &str) -> Option<&'t Test> {
    let line = text.lines().find(|line| line.starts_with("test ") && line.ends_with(" ... FAILED"))?;
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    tests.iter().copied().find(|test| test.name == name)
}

fn lines(mut from: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut part = [0; 4_096];
        while let Ok(length @ 1..) = from.read(&mut part) {
            if sender.send(String::from_utf8_lossy(&part[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
