//! Messages waiting to be sent. Written in the transaction that wants them; sent later, by somebody else.

use chrono::TimeDelta;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::schema::{outbox, person_keys as key_rows};
use super::vault::Place;
use super::{Db, Error, Tx, parsed, person_keys, read_back, stored};
use crate::domain::Instant;
use crate::domain::id::{AccountId, MessageId};

/// Attempts after which a message is given up.
pub const ATTEMPTS: i32 = 8;

/// A message to a person who signs in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// Address.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// A message and how far it has come.
pub struct Waiting {
    /// Its identifier.
    pub id: MessageId,
    /// The message.
    pub message: Message,
    /// When it was written.
    pub created_at: Instant,
    /// Attempts so far.
    pub attempts: i32,
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "outbox", column: "content", row }
}

/// Puts a message into the outbox.
///
/// # Errors
/// The database fails.
pub fn put(tx: &mut Tx<'_>, account: &AccountId, message: &Message, now: Instant) -> Result<(), Error> {
    let id = MessageId::new(now, u128::from_le_bytes(tx.random.bytes()));
    let key = person_keys::of(tx, account.as_str())?;
    let plain = serde_json::to_vec(message).map_err(|_| Error::Corrupt("outbox.content"))?;
    let content = tx.vault.seal(&key, place(id.as_str()), &plain)?;
    tx.insert(diesel::insert_into(outbox::table).values((
        outbox::id.eq(id.to_string()),
        outbox::account.eq(account.to_string()),
        outbox::content.eq(content),
        outbox::created_at.eq(stored(now)),
        outbox::attempts.eq(0),
        outbox::next_attempt_at.eq(stored(now)),
    )))
}

type Row = (String, String, Vec<u8>, chrono::NaiveDateTime, i32, Vec<u8>);
type Columns = (outbox::id, outbox::account, outbox::content, outbox::created_at, outbox::attempts, key_rows::wrapped);
const COLUMNS: Columns =
    (outbox::id, outbox::account, outbox::content, outbox::created_at, outbox::attempts, key_rows::wrapped);

fn opened(db: &Db<'_>, (id, account, content, created_at, attempts, wrapped): Row) -> Result<Waiting, Error> {
    let key = db.vault.unwrap_key(&account, &wrapped)?;
    let plain = db.vault.open(&key, place(&id), &content)?;
    Ok(Waiting {
        id: parsed(&id, "outbox.id")?,
        message: serde_json::from_slice(&plain).map_err(|_| Error::Corrupt("outbox.content"))?,
        created_at: read_back(created_at),
        attempts,
    })
}

/// Takes the messages that are due, at most `limit`: nobody else gets them for a minute.
///
/// # Errors
/// The database fails.
pub fn take_due(tx: &mut Tx<'_>, limit: i64, now: Instant) -> Result<Vec<Waiting>, Error> {
    tx.connection()?.lock("outbox")?;
    let rows: Vec<Row> = outbox::table
        .inner_join(key_rows::table.on(key_rows::owner.eq(outbox::account)))
        .filter(outbox::sent_at.is_null().and(outbox::failed_at.is_null()))
        .filter(outbox::next_attempt_at.le(stored(now)))
        .order(outbox::next_attempt_at)
        .limit(limit)
        .select(COLUMNS)
        .load(tx.connection()?)?;
    let ids: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    diesel::update(outbox::table.filter(outbox::id.eq_any(ids)))
        .set(outbox::next_attempt_at.eq(stored(now + TimeDelta::minutes(1))))
        .execute(tx.connection()?)?;
    rows.into_iter().map(|row| opened(tx, row)).collect()
}

/// The message went out.
///
/// # Errors
/// The database fails.
pub fn sent(tx: &mut Tx<'_>, id: &MessageId, now: Instant) -> Result<(), Error> {
    tx.update(diesel::update(outbox::table.find(id.to_string())).set(outbox::sent_at.eq(stored(now))))
}

/// The message did not go out: later again, each time twice as late, or given up.
///
/// # Errors
/// The database fails.
pub fn failed(tx: &mut Tx<'_>, id: &MessageId, attempts: i32, now: Instant) -> Result<(), Error> {
    let next = now + TimeDelta::seconds(15 << attempts.clamp(0, ATTEMPTS));
    let given_up = (attempts + 1 >= ATTEMPTS).then(|| stored(now));
    tx.update(diesel::update(outbox::table.find(id.to_string())).set((
        outbox::attempts.eq(attempts + 1),
        outbox::next_attempt_at.eq(stored(next)),
        outbox::failed_at.eq(given_up),
    )))
}

/// The newest messages, for the page of the demonstration.
///
/// # Errors
/// The database fails.
pub fn newest(db: &mut Db<'_>, limit: i64) -> Result<Vec<Waiting>, Error> {
    let rows: Vec<Row> = outbox::table
        .inner_join(key_rows::table.on(key_rows::owner.eq(outbox::account)))
        .order(outbox::id.desc())
        .limit(limit)
        .select(COLUMNS)
        .load(db.connection()?)?;
    rows.into_iter().map(|row| opened(db, row)).collect()
}
