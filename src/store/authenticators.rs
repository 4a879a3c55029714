//! Second factors: authenticators and recovery codes.

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::schema::{authenticators, person_keys as key_rows, recovery_codes};
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, person_keys, read_back, stored};
use crate::domain::Instant;
use crate::domain::authenticator::Authenticator;
use crate::domain::event::Journalled;
use crate::domain::id::{AccountId, AuthenticatorId};

/// The seed of an authenticator: 20 bytes.
pub type Secret = Zeroizing<Vec<u8>>;

#[derive(Queryable)]
struct Row {
    id: String,
    account: String,
    secret: Vec<u8>,
    last_step: i64,
    failures: i32,
    locked_at: Option<chrono::NaiveDateTime>,
    confirmed_at: Option<chrono::NaiveDateTime>,
    _created_at: chrono::NaiveDateTime,
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "authenticators", column: "secret", row }
}

/// Every authenticator, with the wrapped key of its account.
macro_rules! found {
    () => {
        authenticators::table
            .inner_join(key_rows::table.on(key_rows::owner.eq(authenticators::account)))
            .select((authenticators::all_columns, key_rows::wrapped))
    };
}

fn opened(db: &mut Db<'_>, (row, wrapped): &(Row, Vec<u8>)) -> Result<(Authenticator, Secret), Error> {
    let key = person_keys::unwrapped(db, &row.account, wrapped)?;
    let secret = db.vault.open(&key, place(&row.id), &row.secret)?;
    let authenticator = Authenticator {
        id: parsed(&row.id, "authenticators.id")?,
        account: parsed(&row.account, "authenticators.account")?,
        last_step: row.last_step,
        failures: u32::try_from(row.failures).map_err(|_| Error::Corrupt("authenticators.failures"))?,
        locked_at: row.locked_at.map(read_back),
        confirmed_at: row.confirmed_at.map(read_back),
    };
    Ok((authenticator, secret))
}

/// The authenticator that counts for an account, if one is enrolled.
///
/// # Errors
/// The database fails.
pub fn confirmed(db: &mut Db<'_>, account: &AccountId) -> Result<Option<(Authenticator, Secret)>, Error> {
    let row = found!()
        .filter(authenticators::account.eq(account.as_str()).and(authenticators::confirmed_at.is_not_null()))
        .first(db.connection()?)
        .optional()?;
    row.map(|row| opened(db, &row)).transpose()
}

/// The same, alone until the transaction ends: two presentations of one code follow one another.
///
/// # Errors
/// The database fails.
pub fn confirmed_locked(tx: &mut Tx<'_>, account: &AccountId) -> Result<Option<(Authenticator, Secret)>, Error> {
    tx.connection()?.lock(&format!("authenticator|{account}"))?;
    confirmed(tx, account)
}

/// The authenticator being enrolled, if there is one.
///
/// # Errors
/// The database fails.
pub fn pending(db: &mut Db<'_>, account: &AccountId) -> Result<Option<(Authenticator, Secret)>, Error> {
    let row = found!()
        .filter(authenticators::account.eq(account.as_str()).and(authenticators::confirmed_at.is_null()))
        .order(authenticators::id.desc())
        .first(db.connection()?)
        .optional()?;
    row.map(|row| opened(db, &row)).transpose()
}

/// Begins an enrolment: the seed is stored, and counts for nothing until a first code confirms it.
///
/// # Errors
/// The database fails.
pub fn begin(
    tx: &mut Tx<'_>,
    id: &AuthenticatorId,
    account: &AccountId,
    secret: &[u8],
    now: Instant,
) -> Result<(), Error> {
    let key = person_keys::of(tx, account.as_str())?;
    let sealed = tx.vault.seal(&key, place(id.as_str()), secret)?;
    diesel::insert_into(authenticators::table)
        .values((
            authenticators::id.eq(id.as_str()),
            authenticators::account.eq(account.as_str()),
            authenticators::secret.eq(sealed),
            authenticators::last_step.eq(0_i64),
            authenticators::failures.eq(0),
            authenticators::created_at.eq(stored(now)),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

/// Writes a change of an authenticator.
///
/// # Errors
/// [`Error::Conflict`] if the account has another one that counts.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Authenticator>) -> Result<Authenticator, Error> {
    let device = journal::unpack(tx, change)?;
    diesel::update(authenticators::table.find(device.id.as_str()))
        .set((
            authenticators::last_step.eq(device.last_step),
            authenticators::failures.eq(i32::try_from(device.failures).unwrap_or(i32::MAX)),
            authenticators::locked_at.eq(device.locked_at.map(stored)),
            authenticators::confirmed_at.eq(device.confirmed_at.map(stored)),
        ))
        .execute(tx.connection()?)?;
    Ok(device)
}

/// Removes a withdrawn authenticator, and the recovery codes that came with it.
///
/// # Errors
/// The database fails.
pub fn remove(tx: &mut Tx<'_>, change: Journalled<Authenticator>) -> Result<(), Error> {
    let device = journal::unpack(tx, change)?;
    set_recovery_codes(tx, &device.account, &[])?;
    diesel::delete(authenticators::table.find(device.id.as_str())).execute(tx.connection()?)?;
    Ok(())
}

/// Replaces the recovery codes of an account by these hashes.
///
/// # Errors
/// The database fails.
pub fn set_recovery_codes(tx: &mut Tx<'_>, account: &AccountId, hashes: &[String]) -> Result<(), Error> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::account.eq(account.as_str())))
        .execute(tx.connection()?)?;
    for (position, hash) in (0_i32..).zip(hashes) {
        diesel::insert_into(recovery_codes::table)
            .values((
                recovery_codes::account.eq(account.as_str()),
                recovery_codes::position.eq(position),
                recovery_codes::hash.eq(hash),
            ))
            .execute(tx.connection()?)?;
    }
    Ok(())
}

/// The recovery codes of an account that were not used: position and hash.
///
/// # Errors
/// The database fails.
pub fn recovery_codes(db: &mut Db<'_>, account: &AccountId) -> Result<Vec<(i32, String)>, Error> {
    Ok(recovery_codes::table
        .filter(recovery_codes::account.eq(account.as_str()).and(recovery_codes::used_at.is_null()))
        .select((recovery_codes::position, recovery_codes::hash))
        .load(db.connection()?)?)
}

/// Spends a recovery code: true for the one caller that did.
///
/// # Errors
/// The database fails.
pub fn spend_recovery_code(tx: &mut Tx<'_>, account: &AccountId, position: i32, now: Instant) -> Result<bool, Error> {
    let row = recovery_codes::table.find((account.as_str(), position)).filter(recovery_codes::used_at.is_null());
    Ok(diesel::update(row).set(recovery_codes::used_at.eq(stored(now))).execute(tx.connection()?)? == 1)
}
