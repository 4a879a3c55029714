//! In the tree that is tried only: which mutant is on in this process, and which switches it came by.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

const MOST: usize = 10_000;

static ON: LazyLock<usize> = LazyLock::new(|| number("MUTANT").unwrap_or(usize::MAX));
static SEEN: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];
static NOTES: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("MUTANTS_SEEN").ok());

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// Whether this mutant is on.
pub fn on(mutant: usize) -> bool {
    if let (Some(notes), Some(seen)) = (&*NOTES, SEEN.get(mutant))
        && !seen.swap(true, Ordering::Relaxed)
        && let Ok(mut file) = OpenOptions::new().create(true).append(true).open(notes)
    {
        let _ = file.write_all(format!("{mutant}\n").as_bytes());
    }
    *ON == mutant
}
