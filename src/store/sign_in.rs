//! Sign-in links: sent by e-mail, used once, by the browser that asked, within ten minutes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use diesel::prelude::*;

use super::schema::sign_in_links;
use super::{Db, Error, Tx, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::id::AccountId;

/// How long a link works.
pub const LIFE: TimeDelta = TimeDelta::minutes(10);
/// Links for one address within a quarter of an hour; the next ones are not sent.
pub const PER_ADDRESS: i64 = 3;

/// A link that was asked for.
#[derive(Debug, Clone)]
pub struct Link {
    /// Whose it is; none for an address nobody has.
    pub account: Option<AccountId>,
    /// SHA-256 of the secret of the browser that asked.
    pub browser_hash: Vec<u8>,
    /// Until when it works.
    pub expires_at: Instant,
    /// Whether it was used, or a newer one was sent.
    pub used: bool,
}

/// A request for a link, whether or not anybody has the address.
pub struct Request<'a> {
    /// SHA-256 of the link's secret.
    pub token_hash: &'a [u8],
    /// The account of the address, if there is one.
    pub account: Option<&'a AccountId>,
    /// Blind index of the address.
    pub email_index: &'a [u8],
    /// SHA-256 of the browser's secret.
    pub browser_hash: &'a [u8],
}

/// Makes this transaction the only one about the links of an address until it ends.
fn lock(tx: &mut Tx<'_>, email_index: &[u8]) -> Result<(), Error> {
    tx.connection()?.lock(&format!("sign_in|{}", URL_SAFE_NO_PAD.encode(email_index)))
}

/// Writes a request for a link; older links of the address stop working. False if the address asked too often: nothing is written.
///
/// # Errors
/// The database fails.
pub fn request(tx: &mut Tx<'_>, request: &Request<'_>, now: Instant) -> Result<bool, Error> {
    use sign_in_links::dsl;
    lock(tx, request.email_index)?;
    let recent: i64 = dsl::sign_in_links
        .filter(dsl::email_index.eq(request.email_index))
        .filter(dsl::created_at.gt(stored(now - TimeDelta::minutes(15))))
        .count()
        .get_result(tx.connection()?)?;
    if recent >= PER_ADDRESS {
        return Ok(false);
    }
    diesel::update(dsl::sign_in_links.filter(dsl::email_index.eq(request.email_index)).filter(dsl::used_at.is_null()))
        .set(dsl::used_at.eq(stored(now)))
        .execute(tx.connection()?)?;
    diesel::insert_into(dsl::sign_in_links)
        .values((
            dsl::token_hash.eq(request.token_hash),
            dsl::account.eq(request.account.map(AccountId::as_str)),
            dsl::email_index.eq(request.email_index),
            dsl::browser_hash.eq(request.browser_hash),
            dsl::created_at.eq(stored(now)),
            dsl::expires_at.eq(stored(now + LIFE)),
        ))
        .execute(tx.connection()?)?;
    Ok(true)
}

/// A link by the hash of its secret.
///
/// # Errors
/// The database fails.
pub fn find(db: &mut Db<'_>, token_hash: &[u8]) -> Result<Option<Link>, Error> {
    use sign_in_links::dsl;
    type Row = (Option<String>, Vec<u8>, chrono::NaiveDateTime, Option<chrono::NaiveDateTime>);
    let row: Option<Row> = dsl::sign_in_links
        .find(token_hash)
        .select((dsl::account, dsl::browser_hash, dsl::expires_at, dsl::used_at))
        .first(db.connection()?)
        .optional()?;
    row.map(|(account, browser_hash, expires_at, used_at)| {
        Ok(Link {
            account: account.map(|id| parsed(&id, "sign_in_links.account")).transpose()?,
            browser_hash,
            expires_at: read_back(expires_at),
            used: used_at.is_some(),
        })
    })
    .transpose()
}

/// The same, alone until the transaction ends: whoever presents the link next finds it as this one leaves it.
///
/// # Errors
/// The database fails.
pub fn find_locked(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<Option<Link>, Error> {
    use sign_in_links::dsl;
    let index: Option<Vec<u8>> =
        dsl::sign_in_links.find(token_hash).select(dsl::email_index).first(tx.connection()?).optional()?;
    let Some(index) = index else { return Ok(None) };
    lock(tx, &index)?;
    find(tx, token_hash)
}

/// Spends a link: true for the one caller that did.
///
/// # Errors
/// The database fails.
pub fn spend(tx: &mut Tx<'_>, token_hash: &[u8], now: Instant) -> Result<bool, Error> {
    use sign_in_links::dsl;
    let row = dsl::sign_in_links.find(token_hash).filter(dsl::used_at.is_null());
    Ok(diesel::update(row).set(dsl::used_at.eq(stored(now))).execute(tx.connection()?)? == 1)
}
