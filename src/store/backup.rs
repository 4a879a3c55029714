//! Keys of persons apart from the data they seal, and both together again.

use diesel::prelude::*;

use super::schema::{accounts, citizens, erasures, person_keys};
use super::{Db, Error, Tx, erasures as requests, holds, journal, read_back, retention, stored};
use crate::domain::Instant;
use crate::domain::event::{Event, Kind, Owner};
use crate::domain::mandate::revoke::Reason;
use crate::domain::retention::destroyed_before;

/// Rows of a page.
const PAGE: i64 = 500;

/// A person's key as it is kept: wrapped by the master key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Whose.
    pub owner: String,
    /// Wrapped.
    pub wrapped: Vec<u8>,
    /// By which version of the master key.
    pub master_version: i32,
    /// When it was made.
    pub created_at: Instant,
}

/// Keys after an owner, in order.
///
/// # Errors
/// The database fails.
pub fn keys(db: &mut Db<'_>, after: &str) -> Result<Vec<Key>, Error> {
    let rows: Vec<(String, Vec<u8>, i32, chrono::NaiveDateTime)> = person_keys::table
        .filter(person_keys::owner.gt(after))
        .order(person_keys::owner)
        .limit(PAGE)
        .select((person_keys::owner, person_keys::wrapped, person_keys::master_version, person_keys::created_at))
        .load(db.connection()?)?;
    let key = |(owner, wrapped, master_version, at)| Key { owner, wrapped, master_version, created_at: read_back(at) };
    Ok(rows.into_iter().map(key).collect())
}

/// Who was destroyed, after an owner, in order.
///
/// # Errors
/// The database fails.
pub fn destroyed(db: &mut Db<'_>, after: &str) -> Result<Vec<(String, Instant)>, Error> {
    let rows: Vec<(String, chrono::NaiveDateTime)> = erasures::table
        .filter(erasures::owner.gt(after))
        .order(erasures::owner)
        .limit(PAGE)
        .select((erasures::owner, erasures::at))
        .load(db.connection()?)?;
    Ok(rows.into_iter().map(|(owner, at)| (owner, read_back(at))).collect())
}

/// Brings a person's key back: true if it was missing. Not of somebody the data do not know, nor of somebody who was destroyed.
///
/// # Errors
/// The database fails.
pub fn bring(tx: &mut Tx<'_>, key: &Key) -> Result<bool, Error> {
    let owner = key.owner.as_str();
    let gone: i64 = erasures::table.find(owner).count().get_result(tx.connection()?)?;
    let there: i64 = person_keys::table.find(owner).count().get_result(tx.connection()?)?;
    if gone + there > 0 || !is_known(tx, owner)? {
        return Ok(false);
    }
    diesel::insert_into(person_keys::table)
        .values((
            person_keys::owner.eq(owner),
            person_keys::wrapped.eq(&key.wrapped),
            person_keys::master_version.eq(key.master_version),
            person_keys::created_at.eq(stored(key.created_at)),
        ))
        .execute(tx.connection()?)?;
    Ok(true)
}

fn is_known(db: &mut Db<'_>, owner: &str) -> Result<bool, Error> {
    let citizens: i64 = citizens::table.find(owner).count().get_result(db.connection()?)?;
    let accounts: i64 = accounts::table.find(owner).count().get_result(db.connection()?)?;
    Ok(citizens + accounts > 0)
}

/// Destroys again somebody who was destroyed at `at`, after the data were copied: true if that was still to be done.
///
/// # Errors
/// The database fails.
pub fn destroy_again(tx: &mut Tx<'_>, owner: &str, at: Instant, now: Instant) -> Result<bool, Error> {
    let gone: i64 = erasures::table.find(owner).count().get_result(tx.connection()?)?;
    if gone > 0 || !is_known(tx, owner)? {
        return Ok(false);
    }
    let person = holds::owner(owner)?;
    if let Owner::Citizen(id) = &person {
        requests::stop(tx, id, None, Reason::Other, now)?;
    }
    retention::save(tx, destroyed_before(person, at, now), now)?;
    Ok(true)
}

/// Records that a backup was made: of the data and the keys, or of the keys alone.
///
/// # Errors
/// The database fails.
pub fn made(tx: &mut Tx<'_>, with_data: bool, now: Instant) -> Result<(), Error> {
    let part = if with_data { "data keys" } else { "keys" };
    journal::record(tx, &Event::new(Kind::BackupMade, now).fact("part", part)).map(drop)
}

/// Records that the keys of a backup of `made_at` were brought back, and how many persons were destroyed again.
///
/// # Errors
/// The database fails.
pub fn restored(tx: &mut Tx<'_>, made_at: Instant, destroyed: usize, now: Instant) -> Result<(), Error> {
    let event = Event::new(Kind::BackupRestored, now)
        .fact("made_at", crate::domain::instant_text(made_at))
        .fact("destroyed", destroyed.to_string());
    journal::record(tx, &event).map(drop)
}

/// How many persons have neither a key nor an erasure: what is known of them would stay closed.
///
/// # Errors
/// The database fails.
pub fn without_key(db: &mut Db<'_>) -> Result<i64, Error> {
    let keys = || person_keys::table.select(person_keys::owner);
    let citizens: i64 = citizens::table
        .filter(citizens::destroyed_at.is_null().and(diesel::dsl::not(citizens::id.eq_any(keys()))))
        .count()
        .get_result(db.connection()?)?;
    let accounts: i64 = accounts::table
        .filter(accounts::destroyed_at.is_null().and(diesel::dsl::not(accounts::id.eq_any(keys()))))
        .count()
        .get_result(db.connection()?)?;
    Ok(citizens + accounts)
}
