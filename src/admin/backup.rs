//! `admin backup` and `admin restore`: the keys of persons apart from the data, and both together again.
//!
//! A key is made once and then only destroyed, so that the newest file of keys opens every older copy of the data, but for those who
//! were destroyed since: no old backup brings them back.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Desk, Failure, output};
use crate::cli::admin::{Backup, Restore};
use crate::config::Config;
use crate::domain::Instant;
use crate::store::backup::{self as store, Key};
use crate::store::{Error, Location, Store};

/// A line of the file of keys.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first one.
    KeysOfPersons { version: u32, made_at: Instant },
    /// Somebody's key.
    Key { owner: String, wrapped: String, master_version: i32, created_at: Instant },
    /// Somebody who was destroyed.
    Destroyed { owner: String, at: Instant },
}

/// How many lines one transaction brings back.
const BATCH: usize = 200;
const VERSION: u32 = 1;

pub(super) async fn make(desk: &Desk, config: &Config, asked: Backup) -> Result<(), Failure> {
    let (now, location) = (desk.clock.now(), Location::parse(config.database.url())?);
    if let Some(data) = &asked.data {
        if !matches!(location, Location::Sqlite(_)) {
            return Err(Failure::Said(
                "--data copies a file of SQLite: here, run pg_dump --exclude-table-data=person_keys, then this command with --keys alone"
                    .to_owned(),
            ));
        }
        if data.exists() {
            return Err(Failure::Said(format!("{} is there already: write another name", data.display())));
        }
        Store::copy_without_keys(location, data.display().to_string()).await?;
    }
    // After the data: whoever is in them has their key here, unless they were destroyed meanwhile.
    let (keys, destroyed) = write_keys(desk, &asked.keys, now).await?;
    let with_data = asked.data.is_some();
    desk.store.write(move |tx| store::made(tx, with_data, now)).await?;
    output::one(asked.output.json, &json!({ "made_at": now, "keys": keys, "destroyed": destroyed }));
    Ok(())
}

/// Keys first, then who was destroyed: somebody who is both was destroyed in between.
async fn write_keys(desk: &Desk, path: &Path, now: Instant) -> Result<(usize, usize), Failure> {
    let unwritable = |error: std::io::Error| Failure::Said(format!("{} cannot be written: {error}", path.display()));
    let part = path.with_extension("part");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(unwritable)?;
    let mut write = |line: &Line| -> Result<(), Failure> {
        let text = serde_json::to_string(line).map_err(|error| Failure::Said(error.to_string()))?;
        writeln!(file, "{text}").map_err(unwritable)
    };
    write(&Line::KeysOfPersons { version: VERSION, made_at: now })?;
    let (mut keys, mut destroyed, mut after) = (0, 0, String::new());
    loop {
        let from = after.clone();
        let page = desk.store.read(move |db| store::keys(db, &from)).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.owner);
        keys += page.len();
        for Key { owner, wrapped, master_version, created_at } in page {
            write(&Line::Key { owner, wrapped: STANDARD.encode(wrapped), master_version, created_at })?;
        }
    }
    after.clear();
    loop {
        let from = after.clone();
        let page = desk.store.read(move |db| store::destroyed(db, &from)).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        destroyed += page.len();
        for (owner, at) in page {
            write(&Line::Destroyed { owner, at })?;
        }
    }
    file.sync_all().map_err(unwritable)?;
    // The file of before is gone with this: it may hold a key that was destroyed since.
    fs::rename(&part, path).map_err(unwritable)?;
    Ok((keys, destroyed))
}

struct Kept {
    made_at: Instant,
    keys: Vec<Key>,
    destroyed: Vec<(String, Instant)>,
}

fn read(path: &Path) -> Result<Kept, Failure> {
    let unreadable = |why: String| Failure::Said(format!("{} is no file of keys: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let mut lines = text.lines().map(serde_json::from_str::<Line>);
    let Some(Ok(Line::KeysOfPersons { version: VERSION, made_at })) = lines.next() else {
        return Err(unreadable("its first line is another one".to_owned()));
    };
    let mut kept = Kept { made_at, keys: Vec::new(), destroyed: Vec::new() };
    for line in lines {
        match line.map_err(|error| unreadable(error.to_string()))? {
            Line::Key { owner, wrapped, master_version, created_at } => {
                let wrapped = STANDARD.decode(wrapped).map_err(|error| unreadable(error.to_string()))?;
                kept.keys.push(Key { owner, wrapped, master_version, created_at });
            }
            Line::Destroyed { owner, at } => kept.destroyed.push((owner, at)),
            Line::KeysOfPersons { .. } => return Err(unreadable("it begins twice".to_owned())),
        }
    }
    Ok(kept)
}

pub(super) async fn restore(desk: &Desk, asked: Restore) -> Result<(), Failure> {
    let (now, kept) = (desk.clock.now(), read(&asked.keys)?);
    let (mut brought, mut destroyed) = (0, 0);
    // Those who were destroyed come first: no key of theirs is looked at afterwards.
    for some in kept.destroyed.chunks(BATCH) {
        let some = some.to_vec();
        destroyed += desk
            .store
            .write(move |tx| {
                let mut many = 0;
                for (owner, at) in &some {
                    many += usize::from(store::destroy_again(tx, owner, *at, now)?);
                }
                Ok::<_, Error>(many)
            })
            .await?;
    }
    for some in kept.keys.chunks(BATCH) {
        let some = some.to_vec();
        brought += desk
            .store
            .write(move |tx| {
                let mut many = 0;
                for key in &some {
                    many += usize::from(store::bring(tx, key)?);
                }
                Ok::<_, Error>(many)
            })
            .await?;
    }
    let made_at = kept.made_at;
    desk.store.write(move |tx| store::restored(tx, made_at, destroyed, now)).await?;
    let missing = desk.store.read(store::without_key).await?;
    output::one(asked.output.json, &json!({ "keys": brought, "destroyed_again": destroyed, "without_key": missing }));
    if missing > 0 {
        return Err(Failure::Said(format!(
            "{missing} persons of these data have no key in this file: it is older than the data; restore the newest file of keys too"
        )));
    }
    Ok(())
}
