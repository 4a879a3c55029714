//! Uses of mandates at public services.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::db::MultiBackend;
use super::schema::uses;
use super::{Db, Error, Tx, journal, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::event::Journalled;
use crate::domain::id::{AccountId, CitizenId, MandateId, OrganisationId, UseId};
use crate::domain::outcome::{Outcome, Use};
use crate::domain::procedure::Procedure;

type Matching<'q> = uses::BoxedQuery<'q, MultiBackend>;

#[derive(Queryable, Selectable)]
#[diesel(table_name = uses)]
struct Row {
    id: String,
    mandate: String,
    authorisation: String,
    organisation: String,
    citizen: String,
    account: String,
    client: String,
    procedure: String,
    at: chrono::NaiveDateTime,
    outcome: Option<String>,
    outcome_by: Option<String>,
}

impl TryFrom<Row> for Use {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(&row.id, "uses.id")?,
            mandate: parsed(&row.mandate, "uses.mandate")?,
            authorisation: parsed(&row.authorisation, "uses.authorisation")?,
            organisation: parsed(&row.organisation, "uses.organisation")?,
            citizen: parsed(&row.citizen, "uses.citizen")?,
            account: parsed(&row.account, "uses.account")?,
            client: row.client,
            procedure: parsed(&row.procedure, "uses.procedure")?,
            at: read_back(row.at),
            outcome: row.outcome.map(|code| parsed(&code, "uses.outcome")).transpose()?,
            outcome_by: row.outcome_by.map(|id| parsed(&id, "uses.outcome_by")).transpose()?,
        })
    }
}

/// Writes a use.
///
/// # Errors
/// The database fails.
pub fn issue(tx: &mut Tx<'_>, change: Journalled<Use>) -> Result<Use, Error> {
    let used = journal::unpack(tx, change)?;
    tx.insert(diesel::insert_into(uses::table).values((
        uses::id.eq(used.id.to_string()),
        uses::mandate.eq(used.mandate.to_string()),
        uses::authorisation.eq(used.authorisation.to_string()),
        uses::organisation.eq(used.organisation.to_string()),
        uses::citizen.eq(used.citizen.to_string()),
        uses::account.eq(used.account.to_string()),
        uses::client.eq(used.client.clone()),
        uses::procedure.eq(used.procedure.key()),
        uses::at.eq(stored(used.at)),
    )))?;
    Ok(used)
}

/// Writes the outcome of a use, once.
///
/// # Errors
/// [`Error::Conflict`] if one was recorded in the meantime.
pub fn save_outcome(tx: &mut Tx<'_>, change: Journalled<Use>, now: Instant) -> Result<Use, Error> {
    let used = journal::unpack(tx, change)?;
    let changed = diesel::update(uses::table.find(used.id.as_str()).filter(uses::outcome.is_null()))
        .set((
            uses::outcome.eq(used.outcome.map(Outcome::code)),
            uses::outcome_at.eq(stored(now)),
            uses::outcome_by.eq(used.outcome_by.as_ref().map(AccountId::as_str)),
        ))
        .execute(tx.connection()?)?;
    if changed == 1 { Ok(used) } else { Err(Error::Conflict) }
}

/// Whose mandate it is and for what it was used at this client, if it ever was.
///
/// # Errors
/// The database fails.
pub fn at_client(
    db: &mut Db<'_>,
    mandate: &MandateId,
    client: &str,
) -> Result<Option<(OrganisationId, BTreeSet<Procedure>)>, Error> {
    let found: Vec<(String, String)> = uses::table
        .filter(uses::mandate.eq(mandate.as_str()).and(uses::client.eq(client)))
        .select((uses::organisation, uses::procedure))
        .distinct()
        .load(db.connection()?)?;
    let Some((organisation, _)) = found.first() else { return Ok(None) };
    let organisation = parsed(organisation, "uses.organisation")?;
    let procedures = found.iter().map(|(_, key)| parsed(key, "uses.procedure")).collect::<Result<_, _>>()?;
    Ok(Some((organisation, procedures)))
}

/// A use in this organisation.
///
/// # Errors
/// There is none, or it is another organisation's.
pub fn held_by(db: &mut Db<'_>, organisation: &OrganisationId, id: &UseId) -> Result<Use, Error> {
    uses::table
        .find(id.as_str())
        .filter(uses::organisation.eq(organisation.as_str()))
        .select(Row::as_select())
        .first::<Row>(db.connection()?)?
        .try_into()
}

/// The uses of a mandate older than `after`, newest first.
///
/// # Errors
/// The database fails.
pub fn of_mandate(
    db: &mut Db<'_>,
    mandate: &MandateId,
    after: Option<&UseId>,
    limit: usize,
) -> Result<Vec<Use>, Error> {
    page(db, uses::table.filter(uses::mandate.eq(mandate.as_str())).into_boxed(), after, limit)
}

fn page(db: &mut Db<'_>, query: Matching<'_>, after: Option<&UseId>, limit: usize) -> Result<Vec<Use>, Error> {
    let query = match after {
        Some(after) => query.filter(uses::id.lt(after.as_str().to_owned())),
        None => query,
    };
    let rows = query
        .order(uses::id.desc())
        .limit(super::rows(limit))
        .select(Row::as_select())
        .load::<Row>(db.connection()?)?;
    rows.into_iter().map(Use::try_from).collect()
}

/// The uses of a citizen's mandates in one organisation older than `after`, newest first.
///
/// # Errors
/// The database fails.
pub fn of_citizen(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
    after: Option<&UseId>,
    limit: usize,
) -> Result<Vec<Use>, Error> {
    let theirs = uses::organisation.eq(organisation.as_str()).and(uses::citizen.eq(citizen.as_str()));
    page(db, uses::table.filter(theirs).into_boxed(), after, limit)
}

/// A mediator's own uses since an instant whose outcome is not known, newest first.
///
/// # Errors
/// The database fails.
pub fn awaiting_outcome(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    account: &AccountId,
    since: Instant,
    limit: i64,
) -> Result<Vec<Use>, Error> {
    let rows = uses::table
        .filter(uses::organisation.eq(organisation.as_str()).and(uses::account.eq(account.as_str())))
        .filter(uses::at.ge(stored(since)).and(uses::outcome.is_null()))
        .order(uses::at.desc())
        .limit(limit)
        .select(Row::as_select())
        .load::<Row>(db.connection()?)?;
    rows.into_iter().map(Use::try_from).collect()
}
