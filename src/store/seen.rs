//! Tokens of clients that may be presented once: client assertions (RFC 7523 3) and proofs of possession (RFC 9449 11.1).

use diesel::prelude::*;

use super::db::AnyConnection;
use super::schema::seen_tokens;
use super::{Error, Tx, rows, stored};
use crate::domain::Instant;

/// Remembers a token; true for the first time only. Two at once wait for each other at the primary key, and for nobody else.
///
/// # Errors
/// The database fails.
pub fn is_new(tx: &mut Tx<'_>, hash: &[u8], expires_at: Instant) -> Result<bool, Error> {
    let row = (seen_tokens::hash.eq(hash), seen_tokens::expires_at.eq(stored(expires_at)));
    // The two databases have one wording for it, which the library knows for each of them alone.
    let new = match tx.connection()? {
        AnyConnection::Pg(pg) => {
            diesel::insert_into(seen_tokens::table).values(row).on_conflict_do_nothing().execute(pg)?
        }
        AnyConnection::Sqlite(sqlite) => {
            diesel::insert_into(seen_tokens::table).values(row).on_conflict_do_nothing().execute(sqlite)?
        }
    };
    Ok(new == 1)
}

/// Forgets at most `limit` of those that had expired before an instant; answers how many.
///
/// # Errors
/// The database fails.
pub fn forget(tx: &mut Tx<'_>, before: Instant, limit: usize) -> Result<usize, Error> {
    let old: Vec<Vec<u8>> = seen_tokens::table
        .filter(seen_tokens::expires_at.le(stored(before)))
        .order(seen_tokens::expires_at)
        .limit(rows(limit))
        .select(seen_tokens::hash)
        .load(tx.connection()?)?;
    Ok(diesel::delete(seen_tokens::table.filter(seen_tokens::hash.eq_any(old))).execute(tx.connection()?)?)
}
