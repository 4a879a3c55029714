//! Lists taken away as files: what was taken is known before the first line leaves.

use diesel::prelude::*;

use super::{Part, Search, identifiers};
use crate::domain::Instant;
use crate::domain::event::Event;
use crate::domain::id::AccountId;
use crate::domain::refusal::Refusal;
use crate::store::journal;
use crate::store::schema::journal_exports;
use crate::store::{Db, Error, Tx, stored};

/// How many entries an account took since an instant.
///
/// # Errors
/// The database fails.
pub fn exported_since(db: &mut Db<'_>, account: &AccountId, since: Instant) -> Result<u64, Error> {
    use journal_exports::dsl;
    let theirs = dsl::account.eq(account.as_str()).and(dsl::at.gt(stored(since)));
    let sum: Option<i64> =
        dsl::journal_exports.filter(theirs).select(diesel::dsl::sum(dsl::entries)).first(db.connection()?)?;
    Ok(sum.and_then(|sum| u64::try_from(sum).ok()).unwrap_or(0))
}

/// Decides what an export takes, and records it with its count: the identifiers of at most `limit` entries, newest first. Refused if the
/// account would have taken more than `quota` within a day; then `refused` is recorded.
///
/// # Errors
/// The database fails.
pub fn export(
    tx: &mut Tx<'_>,
    account: &AccountId,
    search: &Search,
    limits: (u32, u32),
    (event, refused): (Event, Event),
) -> Result<Result<Vec<String>, Refusal>, Error> {
    use journal_exports::dsl;
    let (limit, quota) = limits;
    // Two exports of one auditor at once would each see what is left.
    tx.connection()?.lock(&format!("export|{account}"))?;
    let now = event.at;
    let taken = exported_since(tx, account, now - chrono::TimeDelta::days(1))?;
    let found = identifiers(tx, search, &Part::First, i64::from(limit))?;
    if taken + found.len() as u64 > u64::from(quota) {
        journal::record(tx, &refused.fact("reason", Refusal::ExportQuota.code()))?;
        return Ok(Err(Refusal::ExportQuota));
    }
    let entry = journal::record(tx, &event.fact("entries", found.len().to_string()))?;
    diesel::insert_into(dsl::journal_exports)
        .values((
            dsl::entry.eq(entry.as_str()),
            dsl::account.eq(account.as_str()),
            dsl::at.eq(stored(now)),
            dsl::entries.eq(i32::try_from(found.len()).unwrap_or(i32::MAX)),
        ))
        .execute(tx.connection()?)?;
    Ok(Ok(found))
}
