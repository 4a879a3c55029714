//! Registered clients of the provider role.

use std::collections::HashMap;

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::schema::clients;
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, stored};
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::digest::Digest;
use crate::domain::event::Journalled;

#[derive(Queryable, Selectable)]
#[diesel(table_name = clients)]
struct Row {
    id: String,
    name: String,
    redirect_uris: String,
    logout_uris: String,
    auth_method: String,
    algorithm: String,
    userinfo: String,
    franceconnect: bool,
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

impl TryFrom<Row> for Client {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            name: row.name,
            redirect_uris: lines(&row.redirect_uris),
            logout_uris: lines(&row.logout_uris),
            auth_method: parsed(&row.auth_method, "clients.auth_method")?,
            algorithm: parsed(&row.algorithm, "clients.algorithm")?,
            userinfo: parsed(&row.userinfo, "clients.userinfo")?,
            franceconnect: row.franceconnect,
        })
    }
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "clients", column: "secret", row }
}

/// Registers a client with its secret.
///
/// # Errors
/// [`Error::Conflict`] if the identifier is taken.
pub fn register(tx: &mut Tx<'_>, change: Journalled<Client>, secret: &str, now: Instant) -> Result<Client, Error> {
    let client = journal::unpack(tx, change)?;
    let sealed = tx.vault.seal(tx.vault.system(), place(&client.id), secret.as_bytes())?;
    diesel::insert_into(clients::table)
        .values((
            clients::id.eq(&client.id),
            clients::name.eq(&client.name),
            clients::redirect_uris.eq(client.redirect_uris.join("\n")),
            clients::logout_uris.eq(client.logout_uris.join("\n")),
            clients::secret.eq(sealed),
            clients::secret_hash.eq(Digest::of(secret.as_bytes()).as_bytes().as_slice()),
            clients::auth_method.eq(client.auth_method.code()),
            clients::algorithm.eq(client.algorithm.code()),
            clients::userinfo.eq(client.userinfo.code()),
            clients::franceconnect.eq(client.franceconnect),
            clients::created_at.eq(stored(now)),
        ))
        .execute(tx.connection)?;
    Ok(client)
}

/// Changes the secret of a client.
///
/// # Errors
/// The database fails.
pub fn rotate(tx: &mut Tx<'_>, change: Journalled<Client>, secret: &str) -> Result<Client, Error> {
    let client = journal::unpack(tx, change)?;
    let sealed = tx.vault.seal(tx.vault.system(), place(&client.id), secret.as_bytes())?;
    diesel::update(clients::table.find(&client.id))
        .set((clients::secret.eq(sealed), clients::secret_hash.eq(Digest::of(secret.as_bytes()).as_bytes().as_slice())))
        .execute(tx.connection)?;
    Ok(client)
}

/// A client, if it is registered.
///
/// # Errors
/// The database fails.
pub fn find(db: &mut Db<'_>, id: &str) -> Result<Option<Client>, Error> {
    let row = clients::table.find(id).select(Row::as_select()).first::<Row>(db.connection).optional()?;
    row.map(Client::try_from).transpose()
}

/// SHA-256 of the secret of a client. A fast hash is right: the secret is 256 random bits, which nobody guesses.
///
/// # Errors
/// The database fails.
pub fn secret_hash(db: &mut Db<'_>, id: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(clients::table.find(id).select(clients::secret_hash).first(db.connection).optional()?)
}

/// The secret itself: the key of HS256.
///
/// # Errors
/// The database fails, or the value was altered.
pub fn secret(db: &mut Db<'_>, id: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let sealed: Vec<u8> = clients::table.find(id).select(clients::secret).first(db.connection)?;
    db.vault.open(db.vault.system(), place(id), &sealed)
}

/// The names of clients.
///
/// # Errors
/// The database fails.
pub fn names(db: &mut Db<'_>, ids: &[String]) -> Result<HashMap<String, String>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> =
        clients::table.filter(clients::id.eq_any(ids)).select((clients::id, clients::name)).load(db.connection)?;
    Ok(rows.into_iter().collect())
}

/// All clients, by identifier.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, limit: i64) -> Result<Vec<Client>, Error> {
    let rows = clients::table.order(clients::id).limit(limit).select(Row::as_select()).load::<Row>(db.connection)?;
    rows.into_iter().map(Client::try_from).collect()
}
