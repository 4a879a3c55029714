//! The logins of PostgreSQL: who signs, and what each may do, looked at before anything is served. SQLite has none: its file is the limit.

use super::StartError;
use crate::clock::Random;
use crate::config::Config;
use crate::store::{Db, Error, Location, Store};

/// Connections of whoever signs, where it has a login of its own: the sequencer, and those who wait for witnesses.
const SIGNING: u32 = 3;

/// What whoever signs writes.
const TREE: [&str; 4] = ["journal_positions", "journal_tiles", "journal_checkpoints", "journal_cosignatures"];
/// Some of what whoever serves writes.
const FACTS: [&str; 5] = ["journal_entries", "journal_sealed", "journal_timestamps", "citizens", "person_keys"];

/// The address of whoever signs, if it is another one, and anything is signed.
fn apart(config: &Config) -> Option<&str> {
    config.database.sequencer_url().filter(|_| config.journal.key_file.is_some())
}

fn wrong(why: impl std::fmt::Display) -> StartError {
    StartError::Journal(format!("database.sequencer_url: {why}"))
}

/// The database as whoever signs has it.
///
/// # Errors
/// Its login cannot be used.
pub fn signing(config: &Config, store: &Store, random: &Random) -> Result<Store, StartError> {
    let Some(url) = apart(config) else { return Ok(store.clone()) };
    let location = Location::parse(url).map_err(wrong)?;
    // It needs no key to any person.
    Store::open(&location, SIGNING, &random.bytes(), random.clone()).map_err(wrong)
}

/// Looks at the rights of whoever serves and of whoever signs. Rights that are too wide are said, and not refused: the triggers stand, the
/// signed tree shows what they did not keep, and a counter that stays closed helps nobody.
///
/// # Errors
/// Whoever signs has another database than whoever serves; or a database does not answer.
pub async fn check(config: &Config, serves: &Store, signs: &Store) -> Result<(), StartError> {
    let mut found: Vec<String> = changes(serves, "database.url").await?.into_iter().collect();
    if apart(config).is_some() {
        if serves.read(named).await? != signs.read(named).await.map_err(wrong)? {
            return Err(wrong("this is another server, database or schema than that of database.url"));
        }
        found.extend(changes(signs, "database.sequencer_url").await?);
        found.extend(crosses(serves, signs).await?);
    }
    metrics::gauge!("journal_rights_too_wide").set(f64::from(u8::from(!found.is_empty())));
    for sentence in found {
        tracing::warn!("{sentence}");
    }
    Ok(())
}

fn named(db: &mut Db<'_>) -> Result<Option<String>, Error> {
    db.named()
}

/// Nobody who serves or signs should be able to rewrite the journal.
async fn changes(store: &Store, key: &str) -> Result<Option<String>, Error> {
    let tables = store.read(|db: &mut Db<'_>| db.may_rewrite()).await?;
    let sentence = || {
        format!(
            "the role of {key} may change tables of the journal that only grow ({}); let it be a member of the roles that `mandataire \
             migrate --roles` makes, and own nothing",
            tables.join(", ")
        )
    };
    Ok((!tables.is_empty()).then(sentence))
}

/// Who has two logins wants neither to do the work of the other.
async fn crosses(serves: &Store, signs: &Store) -> Result<Vec<String>, Error> {
    let both = [
        (serves, &TREE[..], "database.url may sign the journal: take mandataire_sequencer from it"),
        (signs, &FACTS[..], "database.sequencer_url may write entries: take mandataire_service from it"),
    ];
    let mut found = Vec::new();
    for (store, tables, what) in both {
        let may = move |db: &mut Db<'_>| tables.iter().try_fold(false, |any, table| Ok(any || db.may_add(table)?));
        if store.read::<_, _, Error>(may).await? {
            found.push(format!("database.sequencer_url is set, and the role of {what}"));
        }
    }
    Ok(found)
}
