//! Authorisation requests sent ahead (RFC 9126). They may name a person: sealed, and gone when they are taken or too old.

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::schema::pushed_requests;
use super::vault::Place;
use super::{Db, Error, Tx, rows, stored};
use crate::domain::Instant;

/// The hash is the name of the row; the seal is bound to the client.
const fn place(row: &str) -> Place<'_> {
    Place { table: "pushed_requests", column: "parameters", row }
}

/// Keeps a request until `expires_at`.
///
/// # Errors
/// The database fails.
pub fn keep(tx: &mut Tx<'_>, hash: &[u8], client: &str, parameters: &str, expires_at: Instant) -> Result<(), Error> {
    let sealed = tx.vault.seal(tx.vault.system(), place(client), parameters.as_bytes())?;
    diesel::insert_into(pushed_requests::table)
        .values((
            pushed_requests::hash.eq(hash),
            pushed_requests::client.eq(client),
            pushed_requests::parameters.eq(sealed),
            pushed_requests::expires_at.eq(stored(expires_at)),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

/// A request of this client that has not expired.
///
/// # Errors
/// There is none, or it is another client's.
pub fn find(db: &mut Db<'_>, hash: &[u8], client: &str, now: Instant) -> Result<Zeroizing<Vec<u8>>, Error> {
    let sealed: Vec<u8> = pushed_requests::table
        .find(hash)
        .filter(pushed_requests::client.eq(client).and(pushed_requests::expires_at.gt(stored(now))))
        .select(pushed_requests::parameters)
        .first(db.connection()?)?;
    db.vault.open(db.vault.system(), place(client), &sealed)
}

/// Takes it: true for the one caller that did.
///
/// # Errors
/// The database fails.
pub fn take(tx: &mut Tx<'_>, hash: &[u8]) -> Result<bool, Error> {
    Ok(diesel::delete(pushed_requests::table.find(hash)).execute(tx.connection()?)? == 1)
}

/// Forgets at most `limit` of those that had expired before an instant; answers how many.
///
/// # Errors
/// The database fails.
pub fn forget(tx: &mut Tx<'_>, before: Instant, limit: usize) -> Result<usize, Error> {
    let old: Vec<Vec<u8>> = pushed_requests::table
        .filter(pushed_requests::expires_at.le(stored(before)))
        .order(pushed_requests::expires_at)
        .limit(rows(limit))
        .select(pushed_requests::hash)
        .load(tx.connection()?)?;
    Ok(diesel::delete(pushed_requests::table.filter(pushed_requests::hash.eq_any(old))).execute(tx.connection()?)?)
}
