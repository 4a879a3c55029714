//! The wrapped keys of persons.

use std::rc::Rc;

use diesel::prelude::*;

use super::schema::person_keys;
use super::vault::{MASTER_VERSION, PersonKey};
use super::{Db, Error, Tx, stored};
use crate::domain::Instant;

/// Keys kept in a piece of work: it is about a citizen or two, and whoever acts.
const KEPT: usize = 8;

/// The key of a person: read and unwrapped once in a piece of work, however many of its records are sealed or opened.
pub(super) fn of(db: &mut Db<'_>, owner: &str) -> Result<Rc<PersonKey>, Error> {
    if let Some(known) = db.keys.iter().find(|key| key.owner() == owner) {
        return Ok(known.clone());
    }
    let wrapped: Vec<u8> = person_keys::table.find(owner).select(person_keys::wrapped).first(db.connection()?)?;
    unwrapped(db, owner, &wrapped)
}

/// The same, where the wrapped key was read together with something else.
pub(super) fn unwrapped(db: &mut Db<'_>, owner: &str, wrapped: &[u8]) -> Result<Rc<PersonKey>, Error> {
    let key = db.vault.unwrap_key(owner, wrapped)?;
    Ok(kept(db, key))
}

fn kept(db: &mut Db<'_>, key: PersonKey) -> Rc<PersonKey> {
    let key = Rc::new(key);
    if db.keys.len() == KEPT {
        db.keys.remove(0);
    }
    db.keys.push(key.clone());
    key
}

/// A new key for a new person.
pub(super) fn make(tx: &mut Tx<'_>, owner: &str, now: Instant) -> Result<Rc<PersonKey>, Error> {
    let (key, wrapped) = tx.vault.new_key(owner)?;
    tx.insert(diesel::insert_into(person_keys::table).values((
        person_keys::owner.eq(owner.to_owned()),
        person_keys::wrapped.eq(wrapped),
        person_keys::master_version.eq(MASTER_VERSION),
        person_keys::created_at.eq(stored(now)),
    )))?;
    Ok(kept(tx, key))
}
