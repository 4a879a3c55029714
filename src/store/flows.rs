//! Sign-ins at public services in progress.

use diesel::prelude::*;

use super::organisations::{procedures, procedures_text};
use super::schema::flows;
use super::{Db, Error, Tx, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::flow::{Flow, LIFE};
use crate::domain::id::{AccountId, CitizenId, FlowId, SessionId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = flows)]
struct Row {
    id: String,
    client: String,
    browser_hash: Vec<u8>,
    redirect_uri: String,
    state: Option<String>,
    nonce: Option<String>,
    scope: String,
    procedures: Option<String>,
    citizen: Option<String>,
    code_since: Option<chrono::NaiveDateTime>,
    challenge: Option<String>,
    dpop_key: Option<String>,
    account: Option<String>,
    session: Option<String>,
    created_at: chrono::NaiveDateTime,
    used_at: Option<chrono::NaiveDateTime>,
}

impl TryFrom<Row> for Flow {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(&row.id, "flows.id")?,
            client: row.client,
            browser: row.browser_hash.try_into().map_err(|_| Error::Corrupt("flows.browser_hash"))?,
            redirect_uri: row.redirect_uri,
            state: row.state,
            nonce: row.nonce,
            scope: row.scope,
            procedures: row.procedures.as_deref().map(procedures).transpose()?,
            citizen: row.citizen.map(|id| parsed(&id, "flows.citizen")).transpose()?,
            code_since: row.code_since.map(read_back),
            challenge: row.challenge,
            dpop_key: row.dpop_key,
            account: row.account.map(|id| parsed(&id, "flows.account")).transpose()?,
            session: row.session.map(|id| parsed(&id, "flows.session")).transpose()?,
            created_at: read_back(row.created_at),
            used: row.used_at.is_some(),
        })
    }
}

/// Writes a new sign-in.
///
/// # Errors
/// The database fails.
pub fn start(tx: &mut Tx<'_>, flow: &Flow) -> Result<(), Error> {
    diesel::insert_into(flows::table)
        .values((
            flows::id.eq(flow.id.as_str()),
            flows::client.eq(&flow.client),
            flows::browser_hash.eq(flow.browser.as_slice()),
            flows::redirect_uri.eq(&flow.redirect_uri),
            flows::state.eq(flow.state.as_deref()),
            flows::nonce.eq(flow.nonce.as_deref()),
            flows::scope.eq(&flow.scope),
            flows::procedures.eq(flow.procedures.as_ref().map(procedures_text)),
            flows::citizen.eq(flow.citizen.as_ref().map(CitizenId::as_str)),
            flows::code_since.eq(flow.code_since.map(stored)),
            flows::challenge.eq(flow.challenge.as_deref()),
            flows::dpop_key.eq(flow.dpop_key.as_deref()),
            flows::created_at.eq(stored(flow.created_at)),
            flows::expires_at.eq(stored(flow.created_at + LIFE)),
        ))
        .execute(tx.connection)?;
    Ok(())
}

/// A sign-in.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &FlowId) -> Result<Flow, Error> {
    flows::table.find(id.as_str()).select(Row::as_select()).first::<Row>(db.connection)?.try_into()
}

/// Keeps who took it up.
///
/// # Errors
/// [`Error::Conflict`] if somebody else did in the meantime.
pub fn take(tx: &mut Tx<'_>, flow: &Flow) -> Result<(), Error> {
    let (account, session) =
        (flow.account.as_ref().map(AccountId::as_str), flow.session.as_ref().map(SessionId::as_str));
    let free = flows::account.is_null().or(flows::account.eq(account).and(flows::session.eq(session)));
    let changed = diesel::update(flows::table.find(flow.id.as_str()).filter(free))
        .set((flows::account.eq(account), flows::session.eq(session)))
        .execute(tx.connection)?;
    if changed == 1 { Ok(()) } else { Err(Error::Conflict) }
}

/// Ends it: true for the one caller that did. A flow gives one code, or one refusal.
///
/// # Errors
/// The database fails.
pub fn spend(tx: &mut Tx<'_>, id: &FlowId, now: Instant) -> Result<bool, Error> {
    let row = flows::table.find(id.as_str()).filter(flows::used_at.is_null());
    Ok(diesel::update(row).set(flows::used_at.eq(stored(now))).execute(tx.connection)? == 1)
}
