//! The verification of a copy: a folder with so many entries, verified by the program itself, against the rate at which this machine
//! hashes the same bytes with SHA-256 and does nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::leaf::{self, Hash};
use mandataire::journal::note::{Purpose, Signer};
use mandataire::journal::tile::{Edge, Row, Tile};
use mandataire::journal::{bundle, tree};

use crate::http::Outcome;
use crate::{Options, process, serve};

/// Entries in a run that is not small.
const ENTRIES: u64 = 10_000_000;
/// Bytes of a clear part: a little more than those of a generated journal have on average (296; those of a use have 395).
const CLEAR: usize = 320;
/// Times that it is measured, each beside the hashing alone: the machine is not always as fast.
const ROUNDS: usize = 7;
/// Between two looks at the memory of the program.
const LOOK: Duration = Duration::from_millis(20);
/// How fast it must be at least, in hundredths of the rate at which the same bytes are hashed; the median counts.
const LEAST: f64 = 50.0;
/// How many megabytes of memory it must not reach.
const MOST: f64 = 200.0;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Makes the copy, verifies it, damages one byte, verifies again, and takes the copy away.
pub(crate) fn all(options: &Options) -> Outcome<()> {
    let entries = if options.small { 500_000 } else { options.leaves.unwrap_or(ENTRIES) };
    let folder = serve::folder().join("evidence");
    // What an earlier run left there.
    let _ = fs::remove_dir_all(&folder);
    let done = measured(&folder, entries);
    fs::remove_dir_all(&folder).map_err(text)?;
    done
}

fn measured(folder: &Path, entries: u64) -> Outcome<()> {
    let signer = Signer::new("load.example.fr/log", Purpose::Note, &[3; 32]).map_err(text)?;
    let bytes = copy(folder, entries, &signer)?;
    // Otherwise it is measured beside the writing of what was just made.
    let synced = Command::new("sync").status().map_err(text)?;
    if !synced.success() {
        return Err("the copy cannot be written to the disk".to_owned());
    }
    let threads = std::thread::available_parallelism().map_err(text)?.get();
    let key = signer.verifier().to_string();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let hashed = hashing(bytes, threads);
        let (verified, memory, code) = verify(folder, &key)?;
        if code != Some(0) {
            return Err(format!("a false alarm, or no verdict: exit code {code:?}"));
        }
        rounds.push((hashed / verified * 100.0, verified, hashed, memory));
    }
    rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
    println!("a copy of {entries} entries, {:.2} GB, {ROUNDS} times, the slowest first:", bytes as f64 / 1e9);
    for (ratio, verified, hashed, memory) in &rounds {
        println!(
            "verified by the program in {verified:.2} s, {:.0} MB/s, {memory:.0} MB of memory at most; SHA-256 alone, {threads} threads: \
             {:.0} MB/s; {ratio:.1} %",
            bytes as f64 / verified / 1e6,
            bytes as f64 / hashed / 1e6,
        );
    }
    let (median, memory) = (rounds[ROUNDS / 2].0, rounds.iter().map(|round| round.3).fold(0.0, f64::max));
    println!("the median is {median:.1} %");
    // A small copy is verified before it is begun: that says nothing.
    if entries >= ENTRIES && (median < LEAST || memory >= MOST) {
        return Err(format!(
            "wanted are {LEAST} % of SHA-256 at least, in less than {MOST} MB: {median:.1} %, {memory:.0} MB"
        ));
    }
    // One bit in the middle: the same run must find it.
    let middle = Tile::within(Row::Entries, entries / 512, entries).ok_or("no such bundle")?.to_string();
    let mut bundle = fs::read(folder.join(&middle)).map_err(text)?;
    let at = bundle.len() / 2;
    bundle[at] ^= 1;
    fs::write(folder.join(&middle), bundle).map_err(text)?;
    let (_, _, code) = verify(folder, &key)?;
    if code == Some(3) { Ok(()) } else { Err(format!("one bit changed was not found: exit code {code:?}")) }
}

/// Writes the copy; answers the bytes of its entries.
fn copy(folder: &Path, entries: u64, signer: &Signer) -> Outcome<u64> {
    let mut written = 0;
    let mut edge = Edge::default();
    let put = |tile: Tile, bytes: &[u8]| {
        let path = folder.join(tile.to_string());
        fs::create_dir_all(path.parent().ok_or("no folder")?).map_err(text)?;
        fs::write(path, bytes).map_err(text)
    };
    let mut number = 0;
    while let Some(tile) = Tile::within(Row::Entries, number, entries) {
        let mut bytes = Vec::new();
        let mut full: Vec<(Tile, Vec<Hash>)> = Vec::new();
        for position in number * 256..number * 256 + u64::from(tile.width) {
            let clear = format!("{{\"id\":\"ent_{position:026}\",\"rest\":\"{:x<1$}\"}}", "", CLEAR - 50);
            bundle::append(&mut bytes, clear.as_bytes(), &leaf::NOTHING_SEALED).map_err(text)?;
            let leaf = leaf::leaf_hash(clear.as_bytes(), &leaf::NOTHING_SEALED);
            edge.push(leaf, |tile, hashes| full.push((tile, hashes.to_vec())));
        }
        written += bytes.len() as u64;
        put(tile, &bytes)?;
        full.into_iter().try_for_each(|(tile, hashes)| put(tile, &hashes.concat()))?;
        number += 1;
    }
    edge.partials().try_for_each(|(tile, bytes)| put(tile, &bytes))?;
    let origin = signer.verifier().name().to_owned();
    let root = if entries == 0 { tree::empty() } else { edge.root() };
    let last = Checkpoint { origin, size: edge.size(), root, extensions: Vec::new() };
    fs::write(folder.join("checkpoint"), last.sign(signer, 1_795_251_600)).map_err(text)?;
    Ok(written)
}

/// Seconds that all threads need to hash so many bytes, a bundle's worth at a time.
fn hashing(bytes: u64, threads: usize) -> f64 {
    let piece = vec![7_u8; 256 * (CLEAR + 34)];
    let count = bytes / piece.len() as u64 / threads as u64;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..count {
                    let _ = std::hint::black_box(digest::digest(&digest::SHA256, &piece));
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}

/// Runs `journal verify` over a folder: seconds, megabytes of memory at most, and how it ended.
fn verify(folder: &Path, key: &str) -> Outcome<(f64, f64, Option<i32>)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
    command.args(["journal", "verify"]).arg(folder).args(["--key", key]).stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().map_err(text)?;
    let mut memory: f64 = 0.0;
    loop {
        memory = memory.max(process::memory(child.id()));
        if let Some(status) = child.try_wait().map_err(text)? {
            return Ok((began.elapsed().as_secs_f64(), memory, status.code()));
        }
        std::thread::sleep(LOOK);
    }
}
