//! What the logins of PostgreSQL may do, looked at before anything is served. SQLite has none: its file is the limit.

use super::StartError;
use crate::config::Config;
use crate::store::{Db, Error, Store};
use crate::web::state::App;

/// Looks at the rights of whoever serves and of whoever signs. Rights that are too wide are said, and not refused: the triggers stand, the
/// signed tree shows what they did not keep, and a counter that stays closed helps nobody.
///
/// # Errors
/// Whoever signs has another database than whoever serves; or a database does not answer.
pub(super) async fn check(app: &App, config: &Config) -> Result<(), StartError> {
    let mut found: Vec<String> = changes(&app.store, "database.url").await?.into_iter().collect();
    if config.database.sequencer_url().is_some() {
        let (serves, signs) = (app.store.read(named).await?, app.signs.read(named).await?);
        if serves != signs {
            let wrong = "database.sequencer_url is another database, or another schema, than database.url".to_owned();
            return Err(StartError::Journal(wrong));
        }
        found.extend(changes(&app.signs, "database.sequencer_url").await?);
        found.extend(crosses(app).await?);
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
async fn crosses(app: &App) -> Result<Vec<String>, Error> {
    let both = [
        (&app.store, "journal_checkpoints", "database.url may sign the journal: take mandataire_sequencer from it"),
        (&app.signs, "journal_entries", "database.sequencer_url may write entries: take mandataire_service from it"),
    ];
    let mut found = Vec::new();
    for (store, table, what) in both {
        if store.read(move |db: &mut Db<'_>| db.may_add(table)).await? {
            found.push(format!("database.sequencer_url is set, and the role of {what}"));
        }
    }
    Ok(found)
}
