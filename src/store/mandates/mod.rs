//! Mandates and their authorisations: reading. What changes them is in [`write`].

mod beside;
mod write;

use std::collections::HashMap;

use diesel::prelude::*;

use super::schema::{authorisations, mandates};
use super::{Db, Error, Tx, parsed, read_back, stored};
pub use beside::{agreed_at, document};
pub use write::{end_presence, open, save};

use crate::domain::Instant;
use crate::domain::digest::Digest;
use crate::domain::id::{AuthorisationId, CitizenId, MandateId, OrganisationId, SessionId};
use crate::domain::mandate::{Authorisation, Ending, EndingKind, Mandate};

#[derive(Queryable, Selectable)]
#[diesel(table_name = mandates)]
pub(super) struct Row {
    id: String,
    organisation: String,
    citizen: String,
    draft: String,
    opened_by: String,
    opened_at: chrono::NaiveDateTime,
    expires_at: chrono::NaiveDateTime,
    term: String,
    session: Option<String>,
    document: Vec<u8>,
    assurance: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = authorisations)]
pub(super) struct AuthorisationRow {
    id: String,
    mandate: String,
    procedure: String,
    ended_at: Option<chrono::NaiveDateTime>,
    ended_kind: Option<String>,
    ended_by: Option<String>,
    reason: Option<String>,
}

fn digest(bytes: &[u8]) -> Result<Digest, Error> {
    bytes.try_into().map(Digest::from_bytes).map_err(|_| Error::Corrupt("a digest"))
}

impl AuthorisationRow {
    fn ending(&self) -> Result<Option<Ending>, Error> {
        let (Some(at), Some(kind)) = (self.ended_at, &self.ended_kind) else { return Ok(None) };
        let kind = EndingKind::ALL.into_iter().find(|one| one.code() == kind);
        Ok(Some(Ending {
            at: read_back(at),
            kind: kind.ok_or(Error::Corrupt("authorisations.ended_kind"))?,
            by: self.ended_by.as_deref().map(|id| parsed(id, "authorisations.ended_by")).transpose()?,
            reason: self.reason.as_deref().map(|code| parsed(code, "authorisations.reason")).transpose()?,
        }))
    }
}

impl TryFrom<AuthorisationRow> for Authorisation {
    type Error = Error;
    fn try_from(row: AuthorisationRow) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(&row.id, "authorisations.id")?,
            procedure: parsed(&row.procedure, "authorisations.procedure")?,
            ended: row.ending()?,
        })
    }
}

pub(super) fn complete(row: &Row, authorisations: Vec<Authorisation>) -> Result<Mandate, Error> {
    Ok(Mandate {
        id: parsed(&row.id, "mandates.id")?,
        organisation: parsed(&row.organisation, "mandates.organisation")?,
        citizen: parsed(&row.citizen, "mandates.citizen")?,
        draft: parsed(&row.draft, "mandates.draft")?,
        opened_by: parsed(&row.opened_by, "mandates.opened_by")?,
        opened_at: read_back(row.opened_at),
        expires_at: read_back(row.expires_at),
        term: parsed(&row.term, "mandates.term")?,
        session: row.session.as_deref().map(|id| parsed(id, "mandates.session")).transpose()?,
        authorisations,
        document: digest(&row.document)?,
        assurance: parsed(&row.assurance, "mandates.assurance")?,
    })
}

/// The authorisations of some mandates. Most often there is one mandate: a statement for one is prepared once, a statement for a
/// list anew each time.
fn parts(db: &mut Db<'_>, rows: &[Row]) -> Result<Vec<AuthorisationRow>, Error> {
    let all = authorisations::table.select(AuthorisationRow::as_select());
    Ok(match rows {
        [] => Vec::new(),
        [one] => all.filter(authorisations::mandate.eq(&one.id)).load(db.connection()?)?,
        many => {
            let ids = many.iter().map(|row| row.id.as_str());
            all.filter(authorisations::mandate.eq_any(ids)).load(db.connection()?)?
        }
    })
}

/// Mandates with their authorisations, in two queries.
fn assemble(db: &mut Db<'_>, rows: Vec<Row>) -> Result<Vec<Mandate>, Error> {
    let parts = parts(db, &rows)?;
    together(rows, parts)
}

/// Mandates, each read once for each of its authorisations.
pub(super) fn grouped(read: Vec<(Row, AuthorisationRow)>) -> Result<Vec<Mandate>, Error> {
    let (mut rows, parts): (Vec<Row>, Vec<AuthorisationRow>) = read.into_iter().unzip();
    rows.sort_by(|one, other| one.id.cmp(&other.id));
    rows.dedup_by(|one, other| one.id == other.id);
    together(rows, parts)
}

fn together(rows: Vec<Row>, parts: Vec<AuthorisationRow>) -> Result<Vec<Mandate>, Error> {
    let mut of: HashMap<String, Vec<Authorisation>> = HashMap::new();
    for part in parts {
        of.entry(part.mandate.clone()).or_default().push(part.try_into()?);
    }
    rows.into_iter()
        .map(|row| {
            let mut parts = of.remove(&row.id).unwrap_or_default();
            parts.sort_by_key(|one| one.procedure);
            complete(&row, parts)
        })
        .collect()
}

fn only(mut found: Vec<Mandate>) -> Result<Mandate, Error> {
    found.pop().ok_or(Error::NotFound)
}

/// A mandate of this organisation.
///
/// # Errors
/// There is none, or it is another organisation's.
pub fn held_by(db: &mut Db<'_>, organisation: &OrganisationId, id: &MandateId) -> Result<Mandate, Error> {
    let rows = mandates::table
        .inner_join(authorisations::table)
        .filter(mandates::id.eq(id.as_str()).and(mandates::organisation.eq(organisation.as_str())))
        .select((Row::as_select(), AuthorisationRow::as_select()))
        .load(db.connection()?)?;
    only(grouped(rows)?)
}

/// A mandate of this organisation that its screens still show.
///
/// # Errors
/// There is none, it is another organisation's, or it ended more than a year ago.
pub fn shown(db: &mut Db<'_>, organisation: &OrganisationId, id: &MandateId, now: Instant) -> Result<Mandate, Error> {
    let found = held_by(db, organisation, id)?;
    let archived = mandates::table.find(id.as_str()).filter(mandates::archived_at.is_not_null());
    let archived: i64 = archived.count().get_result(db.connection()?)?;
    if found.is_shown(now) && archived == 0 { Ok(found) } else { Err(Error::NotFound) }
}

/// The same as [`held_by`], alone with its organisation and citizen until the transaction ends: uses, endings and openings follow one another.
///
/// # Errors
/// There is none, or it is another organisation's.
pub fn held_by_locked(tx: &mut Tx<'_>, organisation: &OrganisationId, id: &MandateId) -> Result<Mandate, Error> {
    let citizen: String = mandates::table
        .find(id.as_str())
        .filter(mandates::organisation.eq(organisation.as_str()))
        .select(mandates::citizen)
        .first(tx.connection()?)?;
    lock(tx, organisation, &citizen)?;
    held_by(tx, organisation, id)
}

fn lock(tx: &mut Tx<'_>, organisation: &OrganisationId, citizen: &str) -> Result<(), Error> {
    tx.connection()?.lock(&format!("holding|{organisation}|{citizen}"))
}

/// All mandates of an organisation and a citizen, newest first, at most `limit`.
///
/// # Errors
/// The database fails.
pub fn of_citizen(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
    limit: usize,
) -> Result<Vec<Mandate>, Error> {
    let rows = mandates::table
        .filter(mandates::organisation.eq(organisation.as_str()).and(mandates::citizen.eq(citizen.as_str())))
        .order((mandates::opened_at.desc(), mandates::id.desc()))
        .limit(super::rows(limit))
        .select(Row::as_select())
        .load(db.connection()?)?;
    assemble(db, rows)
}

/// The mandates of several citizens that still hold a place, for a list: each with the authorisations that have not ended.
///
/// # Errors
/// The database fails.
pub fn holding(db: &mut Db<'_>, organisation: &OrganisationId, citizens: &[CitizenId]) -> Result<Vec<Mandate>, Error> {
    let open = authorisations::table
        .inner_join(mandates::table)
        .filter(authorisations::organisation.eq(organisation.as_str()).and(authorisations::ended_at.is_null()))
        .select((Row::as_select(), AuthorisationRow::as_select()));
    grouped(match citizens {
        [] => Vec::new(),
        // A statement for one is prepared once, a statement for a list anew each time.
        [one] => open.filter(authorisations::citizen.eq(one.as_str())).load(db.connection()?)?,
        many => {
            let many = many.iter().map(CitizenId::as_str);
            open.filter(authorisations::citizen.eq_any(many)).load(db.connection()?)?
        }
    })
}

/// Demands that an authorisation is still open, and stays so until the transaction ends: uses and endings follow one another. If it ended
/// in the meantime, nothing is kept ([`Error::Conflict`] at the end).
pub fn demand_open(tx: &mut Tx<'_>, authorisation: &AuthorisationId) {
    let open = authorisations::id.eq(authorisation.to_string()).and(authorisations::ended_at.is_null());
    tx.demand(authorisations::table.filter(open).select(authorisations::id).for_share());
}

/// The mandates of one citizen that still hold a place, alone with them until the transaction ends.
///
/// # Errors
/// The database fails.
pub fn holding_locked(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
) -> Result<Vec<Mandate>, Error> {
    lock(tx, organisation, citizen.as_str())?;
    holding(tx, organisation, std::slice::from_ref(citizen))
}

/// Mandates of an organisation that end between two instants and still hold a place, soonest first.
///
/// # Errors
/// The database fails.
pub fn ending_between(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    from: Instant,
    until: Instant,
    limit: i64,
) -> Result<Vec<Mandate>, Error> {
    let open = authorisations::table
        .filter(authorisations::mandate.eq(mandates::id).and(authorisations::ended_at.is_null()))
        .select(authorisations::id);
    let rows = mandates::table
        .filter(mandates::organisation.eq(organisation.as_str()))
        .filter(mandates::expires_at.gt(stored(from)).and(mandates::expires_at.lt(stored(until))))
        .filter(diesel::dsl::exists(open))
        .order((mandates::expires_at, mandates::id))
        .limit(limit)
        .select(Row::as_select())
        .load(db.connection()?)?;
    assemble(db, rows)
}

/// The mandates that live in a browser session ("while present").
///
/// # Errors
/// The database fails.
pub fn of_session(db: &mut Db<'_>, session: &SessionId) -> Result<Vec<Mandate>, Error> {
    let rows = mandates::table
        .filter(mandates::session.eq(session.as_str()))
        .select(Row::as_select())
        .load(db.connection()?)?;
    assemble(db, rows)
}
