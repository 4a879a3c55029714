//! The keys that sign tokens.

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::schema::signing_keys;
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::client::SigningAlgorithm;
use crate::domain::event::Journalled;
use crate::domain::signing_key::{self, Ages, Key, State, Wish};

/// A signing key as stored.
pub struct SigningKey {
    /// Where it stands.
    pub key: Key,
    /// PKCS#8; empty once it signs nowhere.
    pub private: Zeroizing<Vec<u8>>,
    /// The public key as a JWK (RFC 7517), in JSON.
    pub public: String,
}

/// A key that was made, and has no place yet.
pub struct NewKey {
    /// Its identifier in tokens and in the key set.
    pub kid: String,
    /// ES256 or RS256.
    pub algorithm: SigningAlgorithm,
    /// PKCS#8.
    pub private: Zeroizing<Vec<u8>>,
    /// The public key as a JWK (RFC 7517), in JSON.
    pub public: String,
}

#[derive(Queryable)]
struct Row {
    kid: String,
    algorithm: String,
    private: Vec<u8>,
    public: String,
    state: String,
    created_at: chrono::NaiveDateTime,
    retired_at: Option<chrono::NaiveDateTime>,
    signs_from: chrono::NaiveDateTime,
    urgent: bool,
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "signing_keys", column: "private", row }
}

/// Every key that has not left the key set, newest first.
///
/// # Errors
/// The database fails, or a value was altered.
pub fn all(db: &mut Db<'_>) -> Result<Vec<SigningKey>, Error> {
    let rows: Vec<Row> =
        signing_keys::table.order((signing_keys::created_at.desc(), signing_keys::kid)).load(db.connection()?)?;
    rows.into_iter()
        .map(|row| {
            let private = if row.private.is_empty() {
                Zeroizing::default()
            } else {
                db.vault.open(db.vault.system(), place(&row.kid), &row.private)?
            };
            let key = Key {
                algorithm: parsed(&row.algorithm, "signing_keys.algorithm")?,
                state: parsed(&row.state, "signing_keys.state")?,
                created_at: read_back(row.created_at),
                signs_from: read_back(row.signs_from),
                retired_at: row.retired_at.map(read_back),
                urgent: row.urgent,
                kid: row.kid,
            };
            Ok(SigningKey { key, private, public: row.public })
        })
        .collect()
}

/// Those of one algorithm.
#[must_use]
pub fn of(all: &[SigningKey], algorithm: SigningAlgorithm) -> Vec<Key> {
    all.iter().map(|one| &one.key).filter(|key| key.algorithm == algorithm).cloned().collect()
}

/// Brings another key in, if the wish is to be granted: whoever else had the same wish meanwhile is seen. Answers whether it did.
///
/// # Errors
/// The database fails.
pub fn grant(tx: &mut Tx<'_>, new: &NewKey, wish: Wish, ages: &Ages, now: Instant) -> Result<bool, Error> {
    tx.connection()?.lock("signing_keys")?;
    let known = of(&all(tx)?, new.algorithm);
    let changes = signing_key::grant(&known, wish, &new.kid, new.algorithm, ages, now);
    let granted = !changes.is_empty();
    for change in changes {
        if change.value().kid == new.kid { insert(tx, change, new)? } else { save(tx, change)? }
    }
    Ok(granted)
}

/// Moves every key whose time has come.
///
/// # Errors
/// The database fails.
pub fn advance(tx: &mut Tx<'_>, ages: &Ages, now: Instant) -> Result<(), Error> {
    tx.connection()?.lock("signing_keys")?;
    let all = all(tx)?;
    for algorithm in SigningAlgorithm::OF_KEYS {
        let mut changes = signing_key::due(&of(&all, algorithm), ages, now);
        // The one that signed gives its place up before the next one takes it.
        changes.sort_by_key(|change| change.value().state == State::Active);
        changes.into_iter().try_for_each(|change| save(tx, change))?;
    }
    Ok(())
}

fn insert(tx: &mut Tx<'_>, change: Journalled<Key>, new: &NewKey) -> Result<(), Error> {
    let private = tx.vault.seal(tx.vault.system(), place(&new.kid), &new.private)?;
    let (key, events) = change.into_parts();
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&key.kid),
            signing_keys::algorithm.eq(key.algorithm.code()),
            signing_keys::private.eq(private),
            signing_keys::public.eq(&new.public),
            signing_keys::state.eq(key.state.code()),
            signing_keys::created_at.eq(stored(key.created_at)),
            signing_keys::signs_from.eq(stored(key.signs_from)),
            signing_keys::urgent.eq(key.urgent),
        ))
        .execute(tx.connection()?)?;
    events.iter().try_for_each(|event| journal::record(tx, event).map(drop))
}

fn save(tx: &mut Tx<'_>, change: Journalled<Key>) -> Result<(), Error> {
    let (key, events) = change.into_parts();
    let row = || signing_keys::table.find(key.kid.as_str());
    if key.state == State::Gone {
        diesel::delete(row()).execute(tx.connection()?)?;
    } else {
        let place = (signing_keys::state.eq(key.state.code()), signing_keys::retired_at.eq(key.retired_at.map(stored)));
        diesel::update(row()).set(place).execute(tx.connection()?)?;
    }
    if key.state == State::VerifyOnly {
        diesel::update(row()).set(signing_keys::private.eq(Vec::<u8>::new())).execute(tx.connection()?)?;
    }
    events.iter().try_for_each(|event| journal::record(tx, event).map(drop))
}
