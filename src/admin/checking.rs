//! `journal check`: a proof, or a list with its proofs, held against what the reader knows alone.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use serde_json::json;

use super::Failure;
use super::evidence::{known, needs_key};
use crate::app::evidence::Trouble;
use crate::app::evidence::proving;
use crate::cli::evidence::Check;
use crate::domain::Instant;

pub(super) fn check(asked: &Check) -> Result<(), Failure> {
    let known = known(&asked.believed)?;
    needs_key(&known)?;
    let needed = asked.needed.unwrap_or_else(|| known.witnesses.len().min(1));
    let unread = |error| Failure::from(Trouble::File(asked.file.display().to_string(), error));
    let mut file = BufReader::new(File::open(&asked.file).map_err(unread)?);
    // A list is as long as it is: it is not read whole.
    let witnesses = if file.fill_buf().map_err(unread)?.starts_with(b"{") {
        say_list(proving::check_list(file, &known).map_err(unread)?, asked.output.json)?
    } else {
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unread)?;
        say_proof(proving::check(&text, &known), asked.output.json)?
    };
    if witnesses >= needed {
        return Ok(());
    }
    if !asked.output.json {
        println!("{witnesses} of the witnesses given cosigned it, and {needed} must have");
    }
    Err(Failure::Damaged)
}

/// An instant in seconds since 1970, as it is written.
fn moment(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|at| Instant::from_timestamp(at, 0));
    at.map_or_else(|| "at no known time".to_owned(), |at| at.to_rfc3339())
}

/// The witnesses with the instants at which they cosigned; said, unless the answer is JSON.
fn vouched(witnesses: &[(String, u64)], json: bool) -> Vec<(&String, String)> {
    let vouched: Vec<_> = witnesses.iter().map(|(name, at)| (name, moment(*at))).collect();
    for (name, at) in vouched.iter().filter(|_| !json) {
        println!("witnessed by {name}, {at}");
    }
    vouched
}

/// Answers how many witnesses cosigned.
fn say_proof(proved: Result<proving::Proved, Trouble>, json: bool) -> Result<usize, Failure> {
    let proved = proved.map_err(|trouble| {
        println!("{trouble}");
        Failure::Damaged
    })?;
    let (origin, size, at) = (&proved.checkpoint.origin, proved.checkpoint.size, proved.signed_at.map(moment));
    let index = proved.index;
    if !json {
        println!("{}", proved.clear);
        println!("is at position {index} of {origin}, of {size} entries, signed {}", at.as_deref().unwrap_or_default());
    }
    let witnesses = vouched(&proved.witnesses, json);
    if json {
        println!(
            "{}",
            json!({ "entry": proved.clear, "index": index, "origin": origin, "size": size, "signed_at": at, "witnesses": witnesses })
        );
    }
    Ok(witnesses.len())
}

/// Answers how many witnesses cosigned.
fn say_list(checked: Result<proving::Listed, proving::Broken>, json: bool) -> Result<usize, Failure> {
    let list = checked.map_err(|broken| {
        if json {
            println!("{}", json!({ "line": broken.line, "fault": broken.fault.to_string() }));
        } else {
            println!("{broken}");
        }
        Failure::Damaged
    })?;
    let (origin, size, at) = (&list.checkpoint.origin, list.checkpoint.size, list.signed_at.map(moment));
    let (proved, waiting) = (list.proved, list.waiting);
    if !json {
        println!("{proved} entries are in {origin}, of {size} entries, signed {}", at.as_deref().unwrap_or_default());
    }
    if !json && waiting > 0 {
        println!("{waiting} were not signed yet when the list was taken: nothing is proved of them");
    }
    let witnesses = vouched(&list.witnesses, json);
    if json {
        println!(
            "{}",
            json!({ "proved": proved, "waiting": waiting, "origin": origin, "size": size, "signed_at": at, "witnesses": witnesses })
        );
    }
    Ok(witnesses.len())
}
