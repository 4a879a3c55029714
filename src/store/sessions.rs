//! Browser sessions, kept on the server: they end when we say so.

use chrono::TimeDelta;
use diesel::prelude::*;

use super::accounts::{BELONGING, COLUMNS, Roles, Row as AccountRow, belonging};
use super::organisations::Row as OrganisationRow;
use super::schema::{accounts as account_rows, memberships, organisations, person_keys as key_rows, sessions};
use super::vault::Place;
use super::{Db, Error, Tx, mandates, parsed, person_keys, read_back, stored};
use crate::domain::Instant;
use crate::domain::assurance::Authentication;
use crate::domain::id::{AccountId, EntryId, OrganisationId, SessionId};
use crate::domain::mediator::{Account, Membership};
use crate::domain::organisation::Organisation;

/// A session lives at most this long.
pub const LIFE: TimeDelta = TimeDelta::hours(12);
/// Without a request for this long, a fresh code is asked for.
pub const IDLE: TimeDelta = TimeDelta::minutes(15);
/// A session is marked as seen at most this often: a page is not worth a write.
pub const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A session and whoever holds it.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its identifier (not the secret of the cookie).
    pub id: SessionId,
    /// Who signed in.
    pub account: Account,
    /// Their organisations.
    pub memberships: Vec<(Membership, Organisation)>,
    /// The organisation chosen.
    pub organisation: Option<OrganisationId>,
    /// The token every form carries.
    pub csrf: String,
    /// When it began.
    pub created_at: Instant,
    /// The last request, to the minute.
    pub seen_at: Instant,
    /// The last code accepted; none while an authenticator is being enrolled.
    pub code_at: Option<Instant>,
    /// What code that was.
    pub authentication: Authentication,
    /// Why the auditor reads, once declared.
    pub purpose: Option<Declared>,
}

/// Why an auditor reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The entry that says so, sealed.
    pub entry: EntryId,
    /// In words.
    pub text: String,
}

impl Session {
    /// Whether a fresh code is needed before anything else.
    #[must_use]
    pub fn is_idle(&self, now: Instant) -> bool {
        !crate::domain::runs(now, self.seen_at + IDLE)
    }
}

/// A session about to be made.
pub struct New<'a> {
    /// Its identifier.
    pub id: &'a SessionId,
    /// SHA-256 of the cookie's secret.
    pub token_hash: &'a [u8],
    /// Whose it is.
    pub account: &'a AccountId,
    /// The organisation chosen at first.
    pub organisation: Option<&'a OrganisationId>,
    /// The token of its forms.
    pub csrf: &'a str,
    /// The code accepted, if one was.
    pub code_at: Option<Instant>,
    /// What code that was.
    pub authentication: Authentication,
}

/// Writes a new session.
///
/// # Errors
/// The database fails.
pub fn create(tx: &mut Tx<'_>, new: &New<'_>, now: Instant) -> Result<(), Error> {
    tx.insert(diesel::insert_into(sessions::table).values((
        sessions::id.eq(new.id.to_string()),
        sessions::token_hash.eq(new.token_hash.to_vec()),
        sessions::account.eq(new.account.to_string()),
        sessions::organisation.eq(new.organisation.map(ToString::to_string)),
        sessions::csrf.eq(new.csrf.to_owned()),
        sessions::created_at.eq(stored(now)),
        sessions::seen_at.eq(stored(now)),
        sessions::code_at.eq(new.code_at.map(stored)),
        sessions::authentication.eq(new.authentication.code()),
        sessions::expires_at.eq(stored(now + LIFE)),
    )))?;
    // How long the account is kept counts from here, and the session goes away before.
    tx.update(
        diesel::update(account_rows::table.find(new.account.to_string())).set(account_rows::contact_at.eq(stored(now))),
    )
}

#[derive(Queryable)]
struct Row {
    id: String,
    organisation: Option<String>,
    csrf: String,
    created_at: chrono::NaiveDateTime,
    seen_at: chrono::NaiveDateTime,
    code_at: Option<chrono::NaiveDateTime>,
    authentication: String,
    purpose: Option<Vec<u8>>,
    declared: Option<String>,
    account: AccountRow,
}

/// An organisation of the account, if it has any, and its roles there.
type Beside = (Option<Roles>, Option<OrganisationRow>);

const fn place(row: &str) -> Place<'_> {
    Place { table: "sessions", column: "purpose", row }
}

/// The live session behind a cookie: not ended, not older than 12 hours, its account active.
///
/// # Errors
/// The database fails.
pub fn find(db: &mut Db<'_>, token_hash: &[u8], now: Instant) -> Result<Option<Session>, Error> {
    let rows: Vec<(Row, Beside)> = sessions::table
        .inner_join(account_rows::table)
        .inner_join(key_rows::table.on(key_rows::owner.eq(account_rows::id)))
        // One after the other: SQLite would make a joined pair whole before it looks for the account's.
        .left_join(memberships::table.on(memberships::account.eq(account_rows::id)))
        .left_join(organisations::table.on(organisations::id.nullable().eq(memberships::organisation.nullable())))
        .filter(sessions::token_hash.eq(token_hash))
        .filter(sessions::ended_at.is_null().and(sessions::expires_at.gt(stored(now))))
        .filter(account_rows::active.eq(true))
        .order((organisations::name, organisations::id))
        .select((
            (
                sessions::id,
                sessions::organisation,
                sessions::csrf,
                sessions::created_at,
                sessions::seen_at,
                sessions::code_at,
                sessions::authentication,
                sessions::purpose,
                sessions::declared,
                COLUMNS,
            ),
            (BELONGING.0.nullable(), BELONGING.1.nullable()),
        ))
        .load(db.connection()?)?;
    // One row for each organisation; the session is the same in all of them.
    let (mut session, mut memberships) = (None, Vec::new());
    for (row, (roles, organisation)) in rows {
        memberships.extend(roles.zip(organisation).map(belonging).transpose()?);
        session = Some(row);
    }
    let Some(row) = session else { return Ok(None) };
    let account = row.account.open(db.vault)?;
    let purpose = match row.purpose.zip(row.declared) {
        Some((sealed, entry)) => {
            let key = person_keys::of(db, account.id.as_str())?;
            let plain = db.vault.open(&key, place(&row.id), &sealed)?;
            let text = String::from_utf8(plain.to_vec()).map_err(|_| Error::Corrupt("sessions.purpose"))?;
            Some(Declared { entry: parsed(&entry, "sessions.declared")?, text })
        }
        None => None,
    };
    Ok(Some(Session {
        id: parsed(&row.id, "sessions.id")?,
        memberships,
        account,
        organisation: row.organisation.map(|id| parsed(&id, "sessions.organisation")).transpose()?,
        csrf: row.csrf,
        created_at: read_back(row.created_at),
        seen_at: read_back(row.seen_at),
        code_at: row.code_at.map(read_back),
        authentication: parsed(&row.authentication, "sessions.authentication")?,
        purpose,
    }))
}

/// Whether a session is still open: not ended, not older than 12 hours.
///
/// # Errors
/// The database fails.
pub fn is_open(db: &mut Db<'_>, id: &SessionId, now: Instant) -> Result<bool, Error> {
    let open = sessions::table
        .find(id.as_str())
        .filter(sessions::ended_at.is_null().and(sessions::expires_at.gt(stored(now))))
        .count()
        .get_result::<i64>(db.connection()?)?;
    Ok(open == 1)
}

/// Marks a session as seen.
///
/// # Errors
/// The database fails.
pub fn seen(tx: &mut Tx<'_>, id: &SessionId, now: Instant) -> Result<(), Error> {
    tx.update(diesel::update(sessions::table.find(id.to_string())).set(sessions::seen_at.eq(stored(now))))
}

/// A fresh code was accepted: the session is awake again. Its secret stays, so that a form sent twice does not sign anybody out.
///
/// # Errors
/// The database fails.
pub fn awake(tx: &mut Tx<'_>, id: &SessionId, now: Instant) -> Result<(), Error> {
    tx.update(diesel::update(sessions::table.find(id.to_string())).set((
        sessions::seen_at.eq(stored(now)),
        sessions::code_at.eq(stored(now)),
        sessions::authentication.eq(Authentication::Code.code()),
    )))
}

/// The enrolment is complete. The session gets a new secret: what may be done with it has grown.
///
/// # Errors
/// The database fails.
pub fn refreshed(tx: &mut Tx<'_>, id: &SessionId, token_hash: &[u8], now: Instant) -> Result<(), Error> {
    tx.update(diesel::update(sessions::table.find(id.to_string())).set((
        sessions::seen_at.eq(stored(now)),
        sessions::code_at.eq(stored(now)),
        sessions::authentication.eq(Authentication::Code.code()),
        sessions::token_hash.eq(token_hash.to_vec()),
    )))
}

/// Chooses the current organisation.
///
/// # Errors
/// The database fails.
pub fn choose(tx: &mut Tx<'_>, id: &SessionId, organisation: &OrganisationId) -> Result<(), Error> {
    tx.update(
        diesel::update(sessions::table.find(id.to_string())).set(sessions::organisation.eq(organisation.to_string())),
    )
}

/// Keeps the purpose an auditor declared, sealed for the auditor, and the entry that says so.
///
/// # Errors
/// The database fails.
pub fn declare(tx: &mut Tx<'_>, id: &SessionId, account: &AccountId, purpose: &Declared) -> Result<(), Error> {
    let key = person_keys::of(tx, account.as_str())?;
    let sealed = tx.vault.seal(&key, place(id.as_str()), purpose.text.as_bytes())?;
    let declared = (sessions::purpose.eq(sealed), sessions::declared.eq(purpose.entry.to_string()));
    tx.update(diesel::update(sessions::table.find(id.to_string())).set(declared))
}

/// Ends a session.
///
/// # Errors
/// The database fails.
pub fn end(tx: &mut Tx<'_>, id: &SessionId, now: Instant) -> Result<(), Error> {
    let row = sessions::table.find(id.to_string()).filter(sessions::ended_at.is_null());
    tx.update(diesel::update(row).set(sessions::ended_at.eq(stored(now))))
}

/// Ends every session of an account, and the mandates that live in one.
///
/// # Errors
/// The database fails.
pub fn end_all(tx: &mut Tx<'_>, account: &AccountId, now: Instant) -> Result<(), Error> {
    let rows = sessions::table.filter(sessions::account.eq(account.to_string()).and(sessions::ended_at.is_null()));
    let open: Vec<String> = rows.clone().select(sessions::id).load(tx.connection()?)?;
    for id in open {
        mandates::end_presence(tx, &parsed(&id, "sessions.id")?, now)?;
    }
    tx.update(diesel::update(rows).set(sessions::ended_at.eq(stored(now))))
}
