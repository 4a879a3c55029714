//! What one node does at a time: whoever holds the lease, until it is given back or too old.

use diesel::prelude::*;

use super::schema::leases;
use super::{Db, Error, Tx, read_back, stored};
use crate::domain::Instant;

/// Takes a lease, or keeps it longer: true for its holder only.
///
/// # Errors
/// The database fails.
pub fn take(tx: &mut Tx<'_>, name: &str, holder: &str, until: Instant, now: Instant) -> Result<bool, Error> {
    tx.connection()?.lock(&format!("lease|{name}"))?;
    let found: Option<(String, chrono::NaiveDateTime)> =
        leases::table.find(name).select((leases::holder, leases::until)).first(tx.connection()?).optional()?;
    let mine = (leases::holder.eq(holder), leases::until.eq(stored(until)));
    match found {
        Some((other, end)) if other != holder && crate::domain::runs(now, read_back(end)) => return Ok(false),
        Some(_) => diesel::update(leases::table.find(name)).set(mine).execute(tx.connection()?)?,
        None => diesel::insert_into(leases::table).values((leases::name.eq(name), mine)).execute(tx.connection()?)?,
    };
    Ok(true)
}

/// Gives a lease back: what it was for is done.
///
/// # Errors
/// The database fails.
pub fn done(tx: &mut Tx<'_>, name: &str, holder: &str, now: Instant) -> Result<(), Error> {
    diesel::update(leases::table.find(name).filter(leases::holder.eq(holder)))
        .set((leases::until.eq(stored(now)), leases::done_at.eq(stored(now))))
        .execute(tx.connection()?)?;
    Ok(())
}

/// When it was done for the last time.
///
/// # Errors
/// The database fails.
pub fn done_at(db: &mut Db<'_>, name: &str) -> Result<Option<Instant>, Error> {
    let at: Option<Option<chrono::NaiveDateTime>> =
        leases::table.find(name).select(leases::done_at).first(db.connection()?).optional()?;
    Ok(at.flatten().map(read_back))
}
