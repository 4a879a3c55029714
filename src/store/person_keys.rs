//! The wrapped keys of persons.

use diesel::prelude::*;

use super::schema::person_keys;
use super::vault::{MASTER_VERSION, PersonKey};
use super::{Db, Error, Tx, stored};
use crate::domain::Instant;

/// The key of a person.
pub(super) fn of(db: &mut Db<'_>, owner: &str) -> Result<PersonKey, Error> {
    let wrapped: Vec<u8> = person_keys::table.find(owner).select(person_keys::wrapped).first(db.connection)?;
    db.vault.unwrap_key(owner, &wrapped)
}

/// A new key for a new person.
pub(super) fn make(tx: &mut Tx<'_>, owner: &str, now: Instant) -> Result<PersonKey, Error> {
    let (key, wrapped) = tx.vault.new_key(owner)?;
    diesel::insert_into(person_keys::table)
        .values((
            person_keys::owner.eq(owner),
            person_keys::wrapped.eq(wrapped),
            person_keys::master_version.eq(MASTER_VERSION),
            person_keys::created_at.eq(stored(now)),
        ))
        .execute(tx.connection)?;
    Ok(key)
}
