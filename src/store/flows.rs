//! Sign-ins at public services in progress.

use diesel::dsl::Eq;
use diesel::prelude::*;

use super::mandates::{AuthorisationRow, Row as MandateRow, grouped};
use super::organisations::{procedures, procedures_text};
use super::schema::{authorisations, clients, flows, mandates};
use super::{Db, Error, Tx, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::flow::{Flow, LIFE};
use crate::domain::id::{CitizenId, FlowId, OrganisationId};
use crate::domain::mandate::Mandate;

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
    acr: String,
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
            acr: row.acr,
            account: row.account.map(|id| parsed(&id, "flows.account")).transpose()?,
            session: row.session.map(|id| parsed(&id, "flows.session")).transpose()?,
            created_at: read_back(row.created_at),
            used: row.used_at.is_some(),
        })
    }
}

type TakenBy = (Eq<flows::account, Option<String>>, Eq<flows::session, Option<String>>);

fn taken_by(flow: &Flow) -> TakenBy {
    let (account, session) = (flow.account.as_ref(), flow.session.as_ref());
    (flows::account.eq(account.map(ToString::to_string)), flows::session.eq(session.map(ToString::to_string)))
}

/// The row of a sign-in, if nobody else took it up.
macro_rules! free {
    ($flow:expr) => {{
        let (account, session) = taken_by($flow);
        flows::table.filter(flows::id.eq($flow.id.to_string()).and(flows::account.is_null().or(account.and(session))))
    }};
}

/// Writes a new sign-in; `used_at` if it is over at once, because a choice is repeated.
///
/// # Errors
/// The database fails.
pub fn start(tx: &mut Tx<'_>, flow: &Flow, used_at: Option<Instant>) -> Result<(), Error> {
    tx.insert(diesel::insert_into(flows::table).values((
        flows::id.eq(flow.id.to_string()),
        flows::client.eq(flow.client.clone()),
        flows::browser_hash.eq(flow.browser.to_vec()),
        flows::redirect_uri.eq(flow.redirect_uri.clone()),
        flows::state.eq(flow.state.clone()),
        flows::nonce.eq(flow.nonce.clone()),
        flows::scope.eq(flow.scope.clone()),
        flows::procedures.eq(flow.procedures.as_ref().map(procedures_text)),
        flows::citizen.eq(flow.citizen.as_ref().map(ToString::to_string)),
        flows::code_since.eq(flow.code_since.map(stored)),
        flows::challenge.eq(flow.challenge.clone()),
        flows::dpop_key.eq(flow.dpop_key.clone()),
        flows::acr.eq(flow.acr.clone()),
        flows::account.eq(flow.account.as_ref().map(ToString::to_string)),
        flows::session.eq(flow.session.as_ref().map(ToString::to_string)),
        flows::created_at.eq(stored(flow.created_at)),
        flows::expires_at.eq(stored(flow.created_at + LIFE)),
        flows::used_at.eq(used_at.map(stored)),
    )))
}

/// A sign-in.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &FlowId) -> Result<Flow, Error> {
    flows::table.find(id.as_str()).select(Row::as_select()).first::<Row>(db.connection()?)?.try_into()
}

/// Whether its service may still be answered where it asked to be.
///
/// # Errors
/// The database fails.
pub fn is_answerable(db: &mut Db<'_>, flow: &Flow) -> Result<bool, Error> {
    let addresses: String =
        clients::table.find(flow.client.as_str()).select(clients::redirect_uris).first(db.connection()?)?;
    Ok(is_among(&addresses, flow))
}

/// Whether a sign-in is answered at one of these addresses, a line each.
fn is_among(addresses: &str, flow: &Flow) -> bool {
    addresses.lines().any(|address| address == flow.redirect_uri)
}

/// A sign-in about to be answered for somebody, with all that the choice is made of.
pub struct Choosing {
    /// The sign-in.
    pub flow: Flow,
    /// The name of the service.
    pub service: String,
    /// Whether the service may still be answered where it asked to be.
    pub answerable: bool,
    /// The mandates of the organisation and these citizens that still hold a place, each with the authorisations that have not ended.
    pub held: Vec<Mandate>,
}

/// A sign-in and what the organisation holds of some citizens, in one query.
///
/// # Errors
/// There is no such sign-in.
pub fn choosing(
    db: &mut Db<'_>,
    id: &FlowId,
    organisation: &OrganisationId,
    citizens: &[CitizenId],
) -> Result<Choosing, Error> {
    type Found = (Row, (String, String), Option<MandateRow>, Option<AuthorisationRow>);
    let citizens: Vec<String> = citizens.iter().map(ToString::to_string).collect();
    let theirs =
        authorisations::organisation.eq(organisation.to_string()).and(authorisations::citizen.eq_any(citizens));
    let rows: Vec<Found> = flows::table
        .inner_join(clients::table.on(clients::id.eq(flows::client)))
        .left_join(authorisations::table.on(theirs.and(authorisations::ended_at.is_null())))
        .left_join(mandates::table.on(mandates::id.eq(authorisations::mandate)))
        .filter(flows::id.eq(id.as_str()))
        .select((
            Row::as_select(),
            (clients::name, clients::redirect_uris),
            Option::<MandateRow>::as_select(),
            Option::<AuthorisationRow>::as_select(),
        ))
        .load(db.connection()?)?;
    // One row for each authorisation; the sign-in is the same in all of them.
    let (mut found, mut held) = (None, Vec::new());
    for (flow, service, mandate, part) in rows {
        held.extend(mandate.zip(part));
        found = Some((flow, service));
    }
    let (flow, (service, addresses)) = found.ok_or(Error::NotFound)?;
    let flow: Flow = flow.try_into()?;
    let answerable = is_among(&addresses, &flow);
    Ok(Choosing { flow, service, answerable, held: grouped(held)? })
}

/// Keeps who took it up.
///
/// # Errors
/// [`Error::Conflict`] if somebody else did in the meantime.
pub fn take(tx: &mut Tx<'_>, flow: &Flow) -> Result<(), Error> {
    tx.update_one(diesel::update(free!(flow)).set(taken_by(flow)))
}

/// Ends it in the hands of whoever took it up. A flow gives one code, or one refusal.
///
/// # Errors
/// [`Error::Conflict`] if it ended in the meantime, or somebody else took it up.
pub fn spend(tx: &mut Tx<'_>, flow: &Flow, now: Instant) -> Result<(), Error> {
    let row = free!(flow).filter(flows::used_at.is_null());
    tx.update_one(diesel::update(row).set((taken_by(flow), flows::used_at.eq(stored(now)))))
}
