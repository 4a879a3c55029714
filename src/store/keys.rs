//! The keys that sign tokens.

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::schema::signing_keys;
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::client::SigningAlgorithm;
use crate::domain::event::{Event, Kind};

/// A signing key as stored.
pub struct SigningKey {
    /// Its identifier in tokens and in the key set.
    pub kid: String,
    /// ES256 or RS256.
    pub algorithm: SigningAlgorithm,
    /// PKCS#8.
    pub private: Zeroizing<Vec<u8>>,
    /// The public key as a JWK (RFC 7517), in JSON.
    pub public: String,
    /// Whether it signs; a retired one only stays published, for what it signed.
    pub active: bool,
    /// When it was made.
    pub created_at: Instant,
}

#[derive(Queryable)]
struct Row {
    kid: String,
    algorithm: String,
    private: Vec<u8>,
    public: String,
    state: String,
    created_at: chrono::NaiveDateTime,
    _retired_at: Option<chrono::NaiveDateTime>,
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "signing_keys", column: "private", row }
}

/// Every key, newest first.
///
/// # Errors
/// The database fails, or a value was altered.
pub fn all(db: &mut Db<'_>) -> Result<Vec<SigningKey>, Error> {
    let rows: Vec<Row> = signing_keys::table
        .order((signing_keys::created_at.desc(), signing_keys::kid))
        .limit(64)
        .load(db.connection)?;
    rows.into_iter()
        .map(|row| {
            Ok(SigningKey {
                private: db.vault.open(db.vault.system(), place(&row.kid), &row.private)?,
                algorithm: parsed(&row.algorithm, "signing_keys.algorithm")?,
                active: row.state == "active",
                created_at: read_back(row.created_at),
                kid: row.kid,
                public: row.public,
            })
        })
        .collect()
}

/// Stores a new key that signs from now on; the one before it for the same algorithm only stays published.
///
/// # Errors
/// The database fails.
pub fn rotate(tx: &mut Tx<'_>, key: &SigningKey, now: Instant) -> Result<(), Error> {
    tx.connection.lock("signing_keys")?;
    let before = signing_keys::table
        .filter(signing_keys::algorithm.eq(key.algorithm.code()).and(signing_keys::state.eq("active")));
    let kids: Vec<String> = before.select(signing_keys::kid).load(tx.connection)?;
    diesel::update(before)
        .set((signing_keys::state.eq("retired"), signing_keys::retired_at.eq(stored(now))))
        .execute(tx.connection)?;
    for kid in kids {
        journal::record(tx, &Event::new(Kind::KeyRetired, now).fact("kid", kid))?;
    }
    let private = tx.vault.seal(tx.vault.system(), place(&key.kid), &key.private)?;
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&key.kid),
            signing_keys::algorithm.eq(key.algorithm.code()),
            signing_keys::private.eq(private),
            signing_keys::public.eq(&key.public),
            signing_keys::state.eq("active"),
            signing_keys::created_at.eq(stored(now)),
        ))
        .execute(tx.connection)?;
    let event = Event::new(Kind::KeyCreated, now).fact("kid", &key.kid).fact("algorithm", key.algorithm.code());
    journal::record(tx, &event).map(drop)
}

/// The same, unless the algorithm has a key that signs: two nodes that start together agree on one.
///
/// # Errors
/// The database fails.
pub fn ensure(tx: &mut Tx<'_>, key: &SigningKey, now: Instant) -> Result<(), Error> {
    tx.connection.lock("signing_keys")?;
    let active: i64 = signing_keys::table
        .filter(signing_keys::algorithm.eq(key.algorithm.code()).and(signing_keys::state.eq("active")))
        .count()
        .get_result(tx.connection)?;
    if active > 0 { Ok(()) } else { rotate(tx, key, now) }
}
