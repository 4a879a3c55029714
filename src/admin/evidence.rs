//! `journal verify`, `prove`, `export` and `timestamps`: what they are given, and what they say.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::runtime::Handle;

use super::checking::check;
use super::journal::{reading, reads};
use super::{Desk, Failure, desk};
use crate::app::cosigning;
use crate::app::evidence::database;
use crate::app::evidence::export::{Folder, Sealed, export as copy};
use crate::app::evidence::files;
use crate::app::evidence::proving::{self, Unproved};
use crate::app::evidence::remote::Remote;
use crate::app::evidence::{Known, Trouble, Verdict, word};
use crate::cli::evidence::{Believed, Evidence, Export, Prove, Timestamps, Verify};
use crate::config::Config;
use crate::journal::line::hex;
use crate::journal::note::{Signer, Verifier};
use crate::store::{journal, vouched};

/// Findings shown to people; `--json` has all.
const SHOWN: usize = 50;
/// Threads that read what is published.
const READERS: usize = 4;

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Said(trouble.to_string())
    }
}

pub(super) async fn run(load: impl FnOnce() -> Result<Config, Failure>, asked: Evidence) -> Result<(), Failure> {
    match asked {
        Evidence::Verify(asked) => verify(load, asked).await,
        Evidence::Prove(asked) => prove(&load()?, asked).await,
        Evidence::Check(asked) => check(&asked),
        Evidence::Export(asked) => export(desk(&load()?)?, asked).await,
        Evidence::Timestamps(asked) => timestamps(&desk(&load()?)?, &asked).await,
    }
}

pub(super) fn known(believed: &Believed) -> Result<Known, Failure> {
    let read = |text: &String| {
        let key = text.trim().parse::<Verifier>();
        key.map_err(|fault| Failure::Said(format!("{text:?} is no public key of a journal or a witness: {fault}")))
    };
    let keys = believed.key.iter().map(read).collect::<Result<_, _>>()?;
    let witnesses = believed.witness.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Known { keys, witnesses, kept: Vec::new() })
}

pub(super) fn needs_key(known: &Known) -> Result<(), Failure> {
    if known.keys.is_empty() {
        let sentence =
            "say whose journal it is: --key with the public key, as `mandataire admin journal key` printed it";
        return Err(Failure::Said(sentence.to_owned()));
    }
    Ok(())
}

async fn verify(load: impl FnOnce() -> Result<Config, Failure>, asked: Verify) -> Result<(), Failure> {
    let mut known = known(&asked.believed)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = Handle::current();
    let database = if asked.place.is_none() {
        let config = load()?;
        let key = config.journal.key().map_err(|problem| Failure::Configuration(vec![problem]))?;
        if let Some(key) = key.and_then(|key| Signer::parse(&key).ok()) {
            known.keys.push(key.verifier().clone());
        }
        needs_key(&known)?;
        known.witnesses.extend(cosigning::trust(&config.journal)?.witnesses);
        // What this machine remembers to be signed, if it is the one that signs.
        if let Some(remembered) = config.journal.remembered().filter(|path| path.exists()) {
            known.keep(&remembered)?;
        }
        Some(desk(&config)?)
    } else {
        None
    };
    needs_key(&known)?;
    asked.checkpoint.iter().try_for_each(|path| known.keep(path))?;
    let place = asked.place;
    let work = tokio::task::spawn_blocking(move || {
        let bar = bar();
        let joined = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let verdict = match (&place, &database) {
            (_, Some(desk)) => database::verify(&desk.store, runtime, &known, threads, joined),
            (Some(base), None) if base.starts_with("http://") || base.starts_with("https://") => {
                // More would only hold more of what comes in memory.
                let threads = threads.min(READERS);
                Remote::new(base, runtime).and_then(|remote| files::verify(remote, &known, threads, joined))
            }
            (Some(folder), None) => files::verify(Folder(folder.into()), &known, threads, joined),
            (None, None) => Err(Trouble::Said("nothing to verify".to_owned())),
        };
        bar.finish_and_clear();
        verdict
    });
    let verdict = work.await.map_err(|error| Failure::Said(error.to_string()))??;
    say(&verdict, asked.output.json);
    if verdict.findings.is_empty() { Ok(()) } else { Err(Failure::Damaged) }
}

/// How far it is; on a terminal only.
fn bar() -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("{wide_bar} {percent} %  {human_pos} of {human_len}  {per_sec}  {eta}");
    ProgressBar::with_draw_target(None, target).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn say(verdict: &Verdict, json: bool) {
    let root = hex(&verdict.root);
    if json {
        let found = verdict.findings.iter().map(|found| {
            let (from, to) = found.positions.unzip();
            json!({ "damage": word(found.damage), "from": from, "to": to, "entry": found.entry, "place": found.place })
        });
        let found: Vec<_> = found.collect();
        println!(
            "{}",
            json!({
                "size": verdict.size, "root": root, "covered": verdict.covered, "checkpoints": verdict.agreed,
                "witnessed": verdict.witnessed.iter().map(|(name, size)| json!([name, size])).collect::<Vec<_>>(),
                "entries": verdict.entries, "searchable": verdict.searchable, "findings": found, "more": verdict.more
            })
        );
        return;
    }
    for found in verdict.findings.iter().take(SHOWN) {
        println!("{found}");
    }
    let rest = verdict.findings.len().saturating_sub(SHOWN);
    if rest > 0 || verdict.more {
        println!("and {rest} more{}", if verdict.more { ", and others that were not counted" } else { "" });
    }
    let what = if verdict.entries { "entries" } else { "hashes of entries (the entries are not published)" };
    println!(
        "{} {what}, of which {} are signed, under {} checkpoints; root {root}",
        verdict.size, verdict.covered, verdict.agreed
    );
    if let Some(searchable) = verdict.searchable {
        println!("auditors find those before position {searchable}");
    }
    for (witness, size) in &verdict.witnessed {
        println!("witnessed by {witness} to {size}");
    }
    println!("{}", if verdict.findings.is_empty() { "nothing was changed" } else { "the journal is damaged" });
}

async fn prove(config: &Config, asked: Prove) -> Result<(), Failure> {
    let desk = desk(config)?;
    let trust = cosigning::trust(&config.journal)?;
    let wanted = asked.witnesses.unwrap_or(if trust.witnesses.is_empty() { 0 } else { trust.needed });
    let (id, read) = (asked.entry, reading(&desk, asked.purpose));
    let proof = desk.store.write(move |tx| {
        let proof = proving::prove(tx, &id, &trust, wanted)?;
        journal::record(tx, &read.fact("entry", id.as_str()))?;
        Ok::<_, Unproved>(proof)
    });
    let (proof, as_wanted) = proof.await.map_err(|unproved| Failure::Said(unproved.to_string()))?;
    if !as_wanted {
        eprintln!(
            "no checkpoint that covers this entry has the signatures of {wanted} witnesses yet: this is up to the newest one"
        );
    }
    let text = proof.text();
    match asked.to {
        None => print!("{text}"),
        Some(path) => write(&path, &text)?,
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Trouble::File(path.display().to_string(), error).into())
}

async fn export(desk: Desk, asked: Export) -> Result<(), Failure> {
    let (sealed, part) = match asked {
        Export { opened: true, .. } => (Sealed::Opened, "export_opened"),
        Export { sealed: true, .. } => (Sealed::Closed, "export_sealed"),
        Export { .. } => (Sealed::None, "export"),
    };
    reads(&desk, reading(&desk, asked.purpose).fact("part", part)).await?;
    let (runtime, folder) = (Handle::current(), Folder(asked.folder));
    let work = tokio::task::spawn_blocking(move || {
        let bar = bar();
        let size = copy(&desk.store, runtime, &folder, sealed, |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        });
        bar.finish_and_clear();
        size
    });
    let size = work.await.map_err(|error| Failure::Said(error.to_string()))??;
    println!("{size} entries, up to the last checkpoint");
    Ok(())
}

async fn timestamps(desk: &Desk, asked: &Timestamps) -> Result<(), Failure> {
    let folder = asked.folder.as_path();
    reads(desk, reading(desk, asked.purpose).fact("part", "timestamps")).await?;
    let mut from = 0;
    loop {
        let found = desk.store.read(move |db| vouched::timestamps(db, from, 100)).await?;
        let Some(last) = found.last() else { return Ok(()) };
        from = last.size;
        for one in found {
            let name = |end: &str| folder.join(format!("{}.{end}", one.size));
            let written = fs::write(name("note"), &one.note).and_then(|()| fs::write(name("tsr"), &one.reply));
            written.map_err(|error| Failure::Said(format!("{}: {error}", folder.display())))?;
            println!("{} entries at {}: {}", one.size, one.at.to_rfc3339(), name("tsr").display());
        }
    }
}
