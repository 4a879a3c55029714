//! Where a browser came from when a citizen was identified, or named to a service. FranceConnect asks its partners to keep this, with
//! source address and port, for 36 months. It is about the mediator's connection, so no citizen's key seals it.

use diesel::prelude::*;

use super::schema::traces;
use super::vault::Place;
use super::{Error, Tx, stored};
use crate::domain::Instant;
use crate::domain::id::{AccountId, CitizenId, TraceId};

/// Keeps a trace: the address and port that the browser's connection came from.
///
/// # Errors
/// The database fails.
pub fn keep(
    tx: &mut Tx<'_>,
    account: &AccountId,
    citizen: Option<&CitizenId>,
    source: &str,
    now: Instant,
) -> Result<(), Error> {
    let id = TraceId::new(now, u128::from_le_bytes(tx.random.bytes()));
    let place = Place { table: "traces", column: "source", row: id.as_str() };
    let sealed = tx.vault.seal(tx.vault.system(), place, source.as_bytes())?;
    tx.insert(diesel::insert_into(traces::table).values((
        traces::id.eq(id.to_string()),
        traces::at.eq(stored(now)),
        traces::account.eq(account.to_string()),
        traces::citizen.eq(citizen.map(ToString::to_string)),
        traces::source.eq(sealed),
    )))
}
