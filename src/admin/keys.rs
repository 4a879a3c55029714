//! The keys that sign our tokens.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::{Desk, Failure, output};
use crate::cli::admin::Key;
use crate::domain::Instant;
use crate::domain::client::SigningAlgorithm;
use crate::domain::signing_key::{Ages, State, Wish};
use crate::oidc::keys as signing;
use crate::store::keys::{self, SigningKey};

pub(super) async fn key(desk: &Desk, command: Key, ages: &Ages) -> Result<(), Failure> {
    let options = match command {
        Key::Show(options) => options,
        Key::Rotate { now, output } => {
            let said = rotate(desk, if now { Wish::Urgent } else { Wish::Asked }, ages).await?;
            if !output.json {
                for line in &said {
                    println!("{line}");
                }
            }
            output
        }
    };
    let all = desk.store.read(keys::all).await?;
    let rows: Vec<_> = all.iter().map(|one| row(one, &all, ages)).collect();
    output::many(options.json, &rows, "no key yet: the first start of `mandataire serve` makes one");
    Ok(())
}

fn text(at: Instant) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn row(one: &SigningKey, all: &[SigningKey], ages: &Ages) -> Value {
    let key = &one.key;
    let leaves = key.leaves_at(&keys::of(all, key.algorithm), ages);
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.code(),
        "state": key.state.code(),
        "created_at": text(key.created_at),
        "signs_from": text(key.signs_from),
        "retired_at": key.retired_at.map(text),
        "leaves_at": leaves.map(text),
        "jwk": one.public,
    })
}

/// Another key for every algorithm that has one; ES256 always has. Answers, for each, from when it signs.
async fn rotate(desk: &Desk, wish: Wish, ages: &Ages) -> Result<Vec<String>, Failure> {
    let said = |fault: &signing::Fault| Failure::Said(fault.to_string());
    let all = desk.store.read(keys::all).await?;
    let used = |of: &SigningAlgorithm| *of == SigningAlgorithm::Es256 || !keys::of(&all, *of).is_empty();
    let mut lines = Vec::new();
    for of in SigningAlgorithm::OF_KEYS.into_iter().filter(used) {
        let made = signing::wish(&desk.store, of, wish, ages, desk.clock.now()).await.map_err(|fault| said(&fault))?;
        let known = keys::of(&desk.store.read(keys::all).await?, of);
        let next = known.iter().find(|key| key.state == State::Prepared);
        let when = next.map_or_else(|| "now".to_owned(), |key| text(key.signs_from));
        let what = if made { "a new key" } else { "no new key: the one that was prepared before" };
        lines.push(format!("{of}: {what} signs from {when}"));
    }
    Ok(lines)
}
