//! Registered clients of the provider role.

mod settings;

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use zeroize::Zeroizing;

use super::organisations::{procedures, procedures_text};
use super::schema::clients;
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::digest::Digest;
use crate::domain::event::Journalled;
use crate::domain::procedure::Procedure;

#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Queryable, Selectable)]
#[diesel(table_name = clients)]
pub(super) struct Row {
    id: String,
    name: String,
    redirect_uris: String,
    logout_uris: String,
    auth_method: String,
    algorithm: String,
    userinfo: String,
    franceconnect: bool,
    pkce: String,
    scopes: String,
    procedures: Option<String>,
    keys: Option<String>,
    pushed: bool,
    dpop: bool,
    introspects: bool,
    silent: bool,
    acr: String,
    vocabulary: String,
    binds: Option<String>,
    withheld: Option<String>,
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
            pkce: parsed(&row.pkce, "clients.pkce")?,
            scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
            procedures: row.procedures.as_deref().map(procedures).transpose()?,
            keys: row.keys,
            pushed: row.pushed,
            dpop: row.dpop,
            introspects: row.introspects,
            silent: row.silent,
            acr: row.acr.split_whitespace().map(str::to_owned).collect(),
            vocabulary: parsed(&row.vocabulary, "clients.vocabulary")?,
            binds: row.binds.as_deref().map(procedures).transpose()?.unwrap_or_default(),
            withheld: row.withheld.as_deref().map(procedures).transpose()?.unwrap_or_default(),
        })
    }
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "clients", column: "secret", row }
}

const fn previous_place(row: &str) -> Place<'_> {
    Place { table: "clients", column: "previous", row }
}

/// Registers a client with its secret.
///
/// # Errors
/// [`Error::Conflict`] if the identifier is taken.
pub fn register(tx: &mut Tx<'_>, change: Journalled<Client>, secret: &str, now: Instant) -> Result<Client, Error> {
    alone(tx)?;
    let client = journal::unpack(tx, change)?;
    let sealed = tx.vault.seal(tx.vault.system(), place(&client.id), secret.as_bytes())?;
    diesel::insert_into(clients::table)
        .values((
            clients::id.eq(&client.id),
            clients::secret.eq(sealed),
            clients::secret_hash.eq(Digest::of(secret.as_bytes()).as_bytes().as_slice()),
            clients::created_at.eq(stored(now)),
            settings::of(&client),
        ))
        .execute(tx.connection()?)?;
    withhold(tx)?;
    Ok(client)
}

/// A client whose registration is about to change, alone with all of them until the transaction ends.
///
/// # Errors
/// There is none.
pub fn locked(tx: &mut Tx<'_>, id: &str) -> Result<Client, Error> {
    alone(tx)?;
    find(tx, id)?.ok_or(Error::NotFound)
}

fn alone(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.connection()?.lock("clients")
}

/// Changes the registration of a client.
///
/// # Errors
/// The database fails.
pub fn change(tx: &mut Tx<'_>, change: Journalled<Client>) -> Result<Client, Error> {
    alone(tx)?;
    let client = journal::unpack(tx, change)?;
    diesel::update(clients::table.find(&client.id)).set(settings::of(&client)).execute(tx.connection()?)?;
    withhold(tx)?;
    Ok(client)
}

/// Writes with each client which procedures are bound to others: whoever uses one reads nothing more than its client. Clients are few,
/// and registered one after the other.
fn withhold(tx: &mut Tx<'_>) -> Result<(), Error> {
    let rows: Vec<(String, Option<String>)> =
        clients::table.select((clients::id, clients::binds)).load(tx.connection()?)?;
    let read = |(id, binds): (String, Option<String>)| {
        Ok::<_, Error>((id, binds.as_deref().map(procedures).transpose()?.unwrap_or_default()))
    };
    let all = rows.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let bound: BTreeSet<Procedure> = all.iter().flat_map(|(_, binds)| binds).copied().collect();
    for (id, binds) in all {
        let withheld: BTreeSet<_> = bound.difference(&binds).copied().collect();
        let withheld = (!withheld.is_empty()).then(|| procedures_text(&withheld));
        diesel::update(clients::table.find(id)).set(clients::withheld.eq(withheld)).execute(tx.connection()?)?;
    }
    Ok(())
}

/// Changes the secret of a client. The one before goes on working until `overlap`, so that the service can change over.
///
/// # Errors
/// The database fails.
pub fn rotate(
    tx: &mut Tx<'_>,
    change: Journalled<Client>,
    secret: &str,
    overlap: Option<Instant>,
) -> Result<Client, Error> {
    let client = journal::unpack(tx, change)?;
    let sealed = tx.vault.seal(tx.vault.system(), place(&client.id), secret.as_bytes())?;
    let before = match overlap {
        Some(_) => {
            let secret = own_secret(tx, &client.id)?;
            Some(tx.vault.seal(tx.vault.system(), previous_place(&client.id), &secret)?)
        }
        None => None,
    };
    diesel::update(clients::table.find(&client.id))
        .set((
            clients::secret.eq(sealed),
            clients::secret_hash.eq(Digest::of(secret.as_bytes()).as_bytes().as_slice()),
            clients::previous.eq(before),
            clients::previous_until.eq(overlap.map(stored)),
        ))
        .execute(tx.connection()?)?;
    Ok(client)
}

/// A client, if it is registered.
///
/// # Errors
/// The database fails.
pub fn find(db: &mut Db<'_>, id: &str) -> Result<Option<Client>, Error> {
    let row = clients::table.find(id).select(Row::as_select()).first::<Row>(db.connection()?).optional()?;
    row.map(Client::try_from).transpose()
}

/// A client, and the hashes of what it may present.
pub type WithSecrets = (Client, Vec<Vec<u8>>);

/// A client, and SHA-256 of the secrets it may present: its own and, during a rotation, the one before. A fast hash is right: the
/// secret is 256 random bits, which nobody guesses.
///
/// # Errors
/// The database fails.
pub fn with_secrets(db: &mut Db<'_>, id: &str, now: Instant) -> Result<Option<WithSecrets>, Error> {
    type Secrets = (Vec<u8>, Option<Vec<u8>>, Option<chrono::NaiveDateTime>);
    let secrets = (clients::secret_hash, clients::previous, clients::previous_until);
    let found: Option<(Row, Secrets)> =
        clients::table.find(id).select((Row::as_select(), secrets)).first(db.connection()?).optional()?;
    let Some((row, (own, previous, until))) = found else { return Ok(None) };
    let mut hashes = vec![own];
    if let Some(before) = still_good(db, id, previous, until, now)? {
        hashes.push(Digest::of(&before).as_bytes().to_vec());
    }
    Ok(Some((row.try_into()?, hashes)))
}

/// The secret before the last rotation, as long as it works.
fn still_good(
    db: &Db<'_>,
    id: &str,
    previous: Option<Vec<u8>>,
    until: Option<chrono::NaiveDateTime>,
    now: Instant,
) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let overlaps = until.is_some_and(|until| crate::domain::runs(now, read_back(until)));
    let sealed = previous.filter(|_| overlaps);
    sealed.map(|sealed| db.vault.open(db.vault.system(), previous_place(id), &sealed)).transpose()
}

/// The secrets themselves, the keys of HS256: its own first, then, during a rotation, the one before.
///
/// # Errors
/// The database fails, or a value was altered.
pub fn secrets(db: &mut Db<'_>, id: &str, now: Instant) -> Result<Vec<Zeroizing<Vec<u8>>>, Error> {
    let own = own_secret(db, id)?;
    let (previous, until) =
        clients::table.find(id).select((clients::previous, clients::previous_until)).first(db.connection()?)?;
    Ok(std::iter::once(own).chain(still_good(db, id, previous, until, now)?).collect())
}

/// The secret that signs what it receives with HS256.
///
/// # Errors
/// The database fails, or the value was altered.
pub fn own_secret(db: &mut Db<'_>, id: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let sealed: Vec<u8> = clients::table.find(id).select(clients::secret).first(db.connection()?)?;
    opened_secret(db, id, &sealed)
}

pub(super) fn opened_secret(db: &Db<'_>, id: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    db.vault.open(db.vault.system(), place(id), sealed)
}

pub(super) fn opened_former_secret(db: &Db<'_>, id: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    db.vault.open(db.vault.system(), previous_place(id), sealed)
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
        clients::table.filter(clients::id.eq_any(ids)).select((clients::id, clients::name)).load(db.connection()?)?;
    Ok(rows.into_iter().collect())
}

/// All clients, by identifier.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, limit: i64) -> Result<Vec<Client>, Error> {
    let rows = clients::table.order(clients::id).limit(limit).select(Row::as_select()).load::<Row>(db.connection()?)?;
    rows.into_iter().map(Client::try_from).collect()
}
