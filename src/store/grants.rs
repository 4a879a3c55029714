//! What a use gives to a client: a code, then a token. Only the hashes of both are kept.

use diesel::prelude::*;

use super::schema::grants;
use super::{Db, Error, Tx, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::assurance::Authentication;
use crate::domain::digest::Digest;
use crate::domain::flow::Flow;
use crate::domain::grant::{CODE_LIFE, Grant, TOKEN_LIFE};
use crate::domain::id::{FlowId, SessionId};
use crate::domain::mandate::exercise::Pass;

#[derive(Queryable, Selectable)]
#[diesel(table_name = grants)]
pub(super) struct Row {
    flow: String,
    client: String,
    account: String,
    session: String,
    organisation: String,
    citizen: String,
    mandate: String,
    procedure: String,
    redirect_uri: String,
    nonce: Option<String>,
    scope: String,
    challenge: Option<String>,
    repeats: Option<String>,
    dpop_key: Option<String>,
    auth_time: chrono::NaiveDateTime,
    authentication: String,
    acr: String,
    secret_hash: Option<Vec<u8>>,
    code_expires_at: chrono::NaiveDateTime,
    code_used_at: Option<chrono::NaiveDateTime>,
    token_expires_at: Option<chrono::NaiveDateTime>,
    token_used_at: Option<chrono::NaiveDateTime>,
    revoked_at: Option<chrono::NaiveDateTime>,
}

fn digest(bytes: &[u8]) -> Result<Digest, Error> {
    bytes.try_into().map(Digest::from_bytes).map_err(|_| Error::Corrupt("grants.secret_hash"))
}

impl TryFrom<Row> for Grant {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            flow: parsed(&row.flow, "grants.flow")?,
            client: row.client,
            account: parsed(&row.account, "grants.account")?,
            session: parsed(&row.session, "grants.session")?,
            organisation: parsed(&row.organisation, "grants.organisation")?,
            citizen: parsed(&row.citizen, "grants.citizen")?,
            mandate: parsed(&row.mandate, "grants.mandate")?,
            procedure: parsed(&row.procedure, "grants.procedure")?,
            redirect_uri: row.redirect_uri,
            nonce: row.nonce,
            scope: row.scope,
            challenge: row.challenge,
            repeats: row.repeats.map(|id| parsed(&id, "grants.repeats")).transpose()?,
            dpop_key: row.dpop_key,
            auth_time: read_back(row.auth_time),
            authentication: parsed(&row.authentication, "grants.authentication")?,
            acr: row.acr,
            secret: row.secret_hash.as_deref().map(digest).transpose()?,
            code_expires_at: read_back(row.code_expires_at),
            code_used_at: row.code_used_at.map(read_back),
            token_expires_at: row.token_expires_at.map(read_back),
            token_used_at: row.token_used_at.map(read_back),
            revoked_at: row.revoked_at.map(read_back),
        })
    }
}

/// A code about to be given.
pub struct New<'a> {
    /// The sign-in that gives it.
    pub flow: &'a Flow,
    /// The sign-in whose choice it repeats without a page, if it does.
    pub repeats: Option<&'a FlowId>,
    /// The mediator's session.
    pub session: &'a SessionId,
    /// When the mediator authenticated.
    pub auth_time: Instant,
    /// How.
    pub authentication: Authentication,
    /// SHA-256 of the code.
    pub code_hash: &'a [u8],
}

/// Writes a code for a flow: only a pass can become one.
///
/// # Errors
/// [`Error::Conflict`] if the flow gave a code already.
pub fn issue(tx: &mut Tx<'_>, pass: &Pass, new: &New<'_>, now: Instant) -> Result<(), Error> {
    let New { flow, repeats, session, auth_time, authentication, code_hash } = *new;
    tx.insert(diesel::insert_into(grants::table).values((
        grants::code_hash.eq(code_hash.to_vec()),
        grants::flow.eq(flow.id.to_string()),
        grants::client.eq(flow.client.clone()),
        grants::account.eq(pass.account().to_string()),
        grants::session.eq(session.to_string()),
        grants::organisation.eq(pass.organisation().to_string()),
        grants::citizen.eq(pass.citizen().to_string()),
        grants::mandate.eq(pass.mandate().to_string()),
        grants::procedure.eq(pass.procedure().key()),
        grants::redirect_uri.eq(flow.redirect_uri.clone()),
        grants::nonce.eq(flow.nonce.clone()),
        grants::scope.eq(flow.scope.clone()),
        grants::challenge.eq(flow.challenge.clone()),
        grants::dpop_key.eq(flow.dpop_key.clone()),
        grants::repeats.eq(repeats.map(ToString::to_string)),
        grants::auth_time.eq(stored(auth_time)),
        grants::authentication.eq(authentication.code()),
        grants::acr.eq(flow.acr.clone()),
        grants::code_expires_at.eq(stored(now + CODE_LIFE)),
    )))
}

/// The grant of an access token.
///
/// # Errors
/// There is none.
pub fn of_token(db: &mut Db<'_>, token_hash: &[u8]) -> Result<Grant, Error> {
    let row = grants::table.filter(grants::token_hash.eq(token_hash)).select(Row::as_select());
    row.first::<Row>(db.connection()?)?.try_into()
}

/// What a code becomes.
pub struct Token<'a> {
    /// SHA-256 of the access token.
    pub hash: &'a [u8],
    /// The key whose proof came with the code: the token is bound to it.
    pub proof: Option<&'a str>,
    /// The secret that the client presented, if it signs.
    pub secret: Option<Digest>,
}

/// The code becomes an access token.
///
/// # Errors
/// [`Error::Conflict`] if the code was spent, or the grant revoked, in the meantime.
pub fn redeem(tx: &mut Tx<'_>, code_hash: &[u8], token: &Token<'_>, now: Instant) -> Result<(), Error> {
    let good = grants::code_hash.eq(code_hash.to_vec()).and(grants::revoked_at.is_null());
    tx.update_one(diesel::update(grants::table.filter(good.and(grants::code_used_at.is_null()))).set((
        grants::code_used_at.eq(stored(now)),
        grants::token_hash.eq(token.hash.to_vec()),
        grants::token_expires_at.eq(stored(now + TOKEN_LIFE)),
        grants::dpop_key.eq(token.proof.map(str::to_owned)),
        grants::secret_hash.eq(token.secret.map(|hash| hash.as_bytes().to_vec())),
    )))
}

/// Spends a code that gives nothing.
///
/// # Errors
/// [`Error::Conflict`] if it was spent in the meantime.
pub fn burn_code(tx: &mut Tx<'_>, code_hash: &[u8], now: Instant) -> Result<(), Error> {
    let row = grants::table.filter(grants::code_hash.eq(code_hash.to_vec()).and(grants::code_used_at.is_null()));
    tx.update_one(diesel::update(row).set(grants::code_used_at.eq(stored(now))))
}

/// Spends the access token.
///
/// # Errors
/// [`Error::Conflict`] if it was spent, or revoked, in the meantime.
pub fn spend_token(tx: &mut Tx<'_>, token_hash: &[u8], now: Instant) -> Result<(), Error> {
    let good = grants::token_hash.eq(token_hash.to_vec()).and(grants::revoked_at.is_null());
    let row = grants::table.filter(good.and(grants::token_used_at.is_null()));
    tx.update_one(diesel::update(row).set(grants::token_used_at.eq(stored(now))))
}

/// Spends an access token that gives nothing.
///
/// # Errors
/// The database fails.
pub fn burn_token(tx: &mut Tx<'_>, token_hash: &[u8], now: Instant) -> Result<(), Error> {
    let row = grants::table.filter(grants::token_hash.eq(token_hash.to_vec()).and(grants::token_used_at.is_null()));
    tx.update(diesel::update(row).set(grants::token_used_at.eq(stored(now))))
}

/// The grant of a flow.
///
/// # Errors
/// There is none.
pub fn of_flow(db: &mut Db<'_>, flow: &FlowId) -> Result<Grant, Error> {
    let row = grants::table.filter(grants::flow.eq(flow.as_str())).select(Row::as_select());
    row.first::<Row>(db.connection()?)?.try_into()
}

/// The newest choices of a session that are looked at.
const CHOICES: i64 = 200;

/// Who repeats a choice and who revokes it follow one another: a repetition is revoked too, or never begins.
fn alone_with(tx: &mut Tx<'_>, choice: &str) -> Result<(), Error> {
    tx.connection()?.lock(&format!("choice|{choice}"))
}

/// Demands that what a choice gave is not revoked, and stays so until the transaction ends.
///
/// # Errors
/// The database fails.
pub fn demand_unrevoked(tx: &mut Tx<'_>, choice: &Grant) -> Result<(), Error> {
    alone_with(tx, choice.flow.as_str())?;
    let good = grants::flow.eq(choice.flow.to_string()).and(grants::revoked_at.is_null());
    tx.demand(grants::table.filter(good).select(grants::flow).for_share());
    Ok(())
}

/// What a mediator chose in a session, newest first; repetitions are no choices.
///
/// # Errors
/// The database fails.
pub fn choices(db: &mut Db<'_>, session: &SessionId) -> Result<Vec<Grant>, Error> {
    let rows = grants::table
        .filter(grants::session.eq(session.as_str()).and(grants::repeats.is_null()))
        .order(grants::code_expires_at.desc())
        .limit(CHOICES)
        .select(Row::as_select())
        .load::<Row>(db.connection()?)?;
    rows.into_iter().map(Grant::try_from).collect()
}

/// Revokes everything that the choice made in a flow gave, or the choice that it repeats: there and wherever it was repeated. Answers whether
/// anything was left to revoke.
///
/// # Errors
/// The database fails.
pub fn revoke(tx: &mut Tx<'_>, flow: &FlowId, now: Instant) -> Result<bool, Error> {
    let named = grants::table.filter(grants::flow.eq(flow.as_str())).select(grants::repeats);
    let repeated: Option<String> = named.first(tx.connection()?).optional()?.flatten();
    let choice = repeated.unwrap_or_else(|| flow.to_string());
    alone_with(tx, &choice)?;
    let all = grants::flow.eq(&choice).or(grants::repeats.eq(&choice));
    let revoked = diesel::update(grants::table.filter(all).filter(grants::revoked_at.is_null()))
        .set(grants::revoked_at.eq(stored(now)))
        .execute(tx.connection()?)?;
    Ok(revoked > 0)
}
