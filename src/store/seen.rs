//! Tokens of clients that may be presented once: client assertions (RFC 7523 3) and proofs of possession (RFC 9449 11.1).

use diesel::prelude::*;

use super::schema::seen_tokens;
use super::{Error, Tx, stored};
use crate::domain::Instant;

/// Remembers a token until it expires; true for the first time only. Those that have expired are forgotten meanwhile.
///
/// # Errors
/// The database fails.
pub fn is_new(tx: &mut Tx<'_>, hash: &[u8], expires_at: Instant, now: Instant) -> Result<bool, Error> {
    tx.connection.lock("seen_tokens")?;
    diesel::delete(seen_tokens::table.filter(seen_tokens::expires_at.le(stored(now)))).execute(tx.connection)?;
    let known: i64 = seen_tokens::table.find(hash).count().get_result(tx.connection)?;
    if known > 0 {
        return Ok(false);
    }
    diesel::insert_into(seen_tokens::table)
        .values((seen_tokens::hash.eq(hash), seen_tokens::expires_at.eq(stored(expires_at))))
        .execute(tx.connection)?;
    Ok(true)
}
