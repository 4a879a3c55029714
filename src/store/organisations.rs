//! Organisations.

use std::collections::BTreeSet;

use diesel::prelude::*;

use super::schema::organisations;
use super::{Db, Error, Tx, journal, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::event::Journalled;
use crate::domain::id::OrganisationId;
use crate::domain::organisation::Organisation;
use crate::domain::procedure::Procedure;

#[derive(Queryable)]
pub(super) struct Row {
    id: String,
    name: String,
    siret: String,
    address: String,
    zone: String,
    procedures: String,
    suspended_at: Option<chrono::NaiveDateTime>,
    _created_at: chrono::NaiveDateTime,
}

impl TryFrom<Row> for Organisation {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(&row.id, "organisations.id")?,
            name: row.name,
            siret: parsed(&row.siret, "organisations.siret")?,
            address: row.address,
            zone: row.zone,
            procedures: procedures(&row.procedures)?,
            suspended_at: row.suspended_at.map(read_back),
        })
    }
}

/// A set of procedures from its column: keys separated by spaces.
pub(super) fn procedures(text: &str) -> Result<BTreeSet<Procedure>, Error> {
    text.split_whitespace().map(|key| parsed(key, "procedures")).collect()
}

/// A set of procedures for its column.
pub(super) fn procedures_text(set: &BTreeSet<Procedure>) -> String {
    set.iter().map(|one| one.key()).collect::<Vec<_>>().join(" ")
}

/// Writes a new organisation.
///
/// # Errors
/// [`Error::Conflict`] if the SIRET is taken.
pub fn create(tx: &mut Tx<'_>, change: Journalled<Organisation>, now: Instant) -> Result<Organisation, Error> {
    let organisation = journal::unpack(tx, change)?;
    diesel::insert_into(organisations::table)
        .values((
            organisations::id.eq(organisation.id.as_str()),
            organisations::name.eq(&organisation.name),
            organisations::siret.eq(organisation.siret.to_string()),
            organisations::address.eq(&organisation.address),
            organisations::zone.eq(&organisation.zone),
            organisations::procedures.eq(procedures_text(&organisation.procedures)),
            organisations::suspended_at.eq(organisation.suspended_at.map(stored)),
            organisations::created_at.eq(stored(now)),
        ))
        .execute(tx.connection()?)?;
    Ok(organisation)
}

/// Writes a change of an organisation.
///
/// # Errors
/// The database fails.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Organisation>) -> Result<Organisation, Error> {
    let organisation = journal::unpack(tx, change)?;
    diesel::update(organisations::table.find(organisation.id.as_str()))
        .set((
            organisations::suspended_at.eq(organisation.suspended_at.map(stored)),
            organisations::procedures.eq(procedures_text(&organisation.procedures)),
        ))
        .execute(tx.connection()?)?;
    Ok(organisation)
}

/// One organisation.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &OrganisationId) -> Result<Organisation, Error> {
    organisations::table.find(id.as_str()).first::<Row>(db.connection()?)?.try_into()
}

/// Organisations by identifier, at most `limit`, after `after`.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, after: Option<&OrganisationId>, limit: i64) -> Result<Vec<Organisation>, Error> {
    let mut query = organisations::table.order(organisations::id).limit(limit).into_boxed();
    if let Some(after) = after {
        query = query.filter(organisations::id.gt(after.as_str()));
    }
    query.load::<Row>(db.connection()?)?.into_iter().map(Organisation::try_from).collect()
}
