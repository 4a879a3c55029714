//! Who is at work in an organisation.

use diesel::dsl::auto_type;
use diesel::prelude::*;

use super::{COLUMNS, Row};
use crate::domain::id::{AccountId, OrganisationId};
use crate::domain::mediator::Account;
use crate::store::schema::{accounts, memberships, person_keys};
use crate::store::{Db, Error};

/// The accounts of an organisation, by identifier, at most `limit`.
///
/// # Errors
/// The database fails.
pub fn of_organisation(db: &mut Db<'_>, organisation: &OrganisationId, limit: i64) -> Result<Vec<Account>, Error> {
    let rows: Vec<Row> = accounts::table
        .inner_join(person_keys::table.on(person_keys::owner.eq(accounts::id)))
        .inner_join(memberships::table)
        .filter(memberships::organisation.eq(organisation.as_str()).and(accounts::archived_at.is_null()))
        .select(COLUMNS)
        .order(accounts::id)
        .limit(limit)
        .load(db.connection()?)?;
    rows.into_iter().map(|row| row.open(db.vault)).collect()
}

/// At work: invited only, is not.
#[auto_type]
fn is_at_work() -> _ {
    accounts::active.eq(true).and(accounts::archived_at.is_null()).and(accounts::terms.is_not_null())
}

/// Whether nobody else of an organisation is at work there.
///
/// # Errors
/// The database fails.
pub fn is_alone(db: &mut Db<'_>, organisation: &OrganisationId, account: &AccountId) -> Result<bool, Error> {
    let others = memberships::table
        .inner_join(accounts::table)
        .filter(memberships::organisation.eq(organisation.as_str()).and(memberships::account.ne(account.as_str())))
        .filter(is_at_work());
    Ok(others.select(memberships::account).first::<String>(db.connection()?).optional()?.is_none())
}

/// Those who answer for an organisation: its managers at work, at most `limit`; or, where there is none, whoever is at work there. Whoever
/// may not answer is left out, unless alone.
///
/// # Errors
/// The database fails.
pub fn answerable(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    without: &str,
    limit: i64,
) -> Result<Vec<Account>, Error> {
    // Managers before others, and whoever may not answer after all of them: those who are like the first are asked.
    let rows: Vec<(Row, bool)> = accounts::table
        .inner_join(person_keys::table.on(person_keys::owner.eq(accounts::id)))
        .inner_join(memberships::table)
        .filter(memberships::organisation.eq(organisation.as_str()))
        .filter(is_at_work())
        .order((accounts::id.eq(without), memberships::manager.desc(), accounts::id))
        .select((COLUMNS, memberships::manager))
        .limit(limit)
        .load(db.connection()?)?;
    let like = |(row, manager): &(Row, bool)| (*manager, row.id == without);
    let Some(first) = rows.first().map(like) else { return Ok(Vec::new()) };
    rows.into_iter().take_while(|row| like(row) == first).map(|(row, _)| row.open(db.vault)).collect()
}
