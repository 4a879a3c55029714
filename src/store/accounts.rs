//! The people who sign in, and their roles.

mod members;

pub use members::*;

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::organisations::Row as OrganisationRow;
use super::schema::{accounts, memberships, organisations, person_keys};
use super::vault::{PersonKey, Place, Vault};
use super::{Db, Error, Tx, journal, parsed, person_keys as keys, read_back, stored};
use crate::domain::Instant;
use crate::domain::event::Journalled;
use crate::domain::id::{AccountId, OrganisationId};
use crate::domain::mediator::{Account, Email, Membership};
use crate::domain::organisation::Organisation;

#[derive(Serialize, Deserialize)]
struct Profile {
    email: String,
    name: String,
}

/// The columns of an account with its wrapped key, as every query here selects them.
#[derive(Queryable)]
pub(super) struct Row {
    id: String,
    profile: Vec<u8>,
    auditor: bool,
    officer: bool,
    active: bool,
    terms: Option<String>,
    wrapped: Vec<u8>,
}

pub(super) type Columns = (
    accounts::id,
    accounts::profile,
    accounts::auditor,
    accounts::officer,
    accounts::active,
    accounts::terms,
    person_keys::wrapped,
);
pub(super) const COLUMNS: Columns = (
    accounts::id,
    accounts::profile,
    accounts::auditor,
    accounts::officer,
    accounts::active,
    accounts::terms,
    person_keys::wrapped,
);

const fn place(row: &str) -> Place<'_> {
    Place { table: "accounts", column: "profile", row }
}

impl Row {
    pub(super) fn open(self, vault: &Vault) -> Result<Account, Error> {
        let key = vault.unwrap_key(&self.id, &self.wrapped)?;
        let plain = vault.open(&key, place(&self.id), &self.profile)?;
        let profile: Profile = serde_json::from_slice(&plain).map_err(|_| Error::Corrupt("accounts.profile"))?;
        Ok(Account {
            id: parsed(&self.id, "accounts.id")?,
            email: parsed(&profile.email, "accounts.profile.email")?,
            name: profile.name,
            auditor: self.auditor,
            officer: self.officer,
            active: self.active,
            terms: self.terms,
        })
    }
}

/// What an account may do in an organisation, and the organisation, as every query selects them.
pub(super) type Belonging = (Roles, OrganisationRow);
pub(super) type Roles = (bool, bool, Option<chrono::NaiveDateTime>);
pub(super) type BelongingColumns = (
    (memberships::mediator, memberships::manager, memberships::certified_until),
    <organisations::table as Table>::AllColumns,
);
pub(super) const BELONGING: BelongingColumns =
    ((memberships::mediator, memberships::manager, memberships::certified_until), organisations::all_columns);

pub(super) fn belonging(row: Belonging) -> Result<(Membership, Organisation), Error> {
    let ((mediator, manager, certified_until), organisation) = row;
    let organisation = Organisation::try_from(organisation)?;
    let certified_until = certified_until.map(read_back);
    Ok((Membership { organisation: organisation.id.clone(), mediator, manager, certified_until }, organisation))
}

fn seal(vault: &Vault, key: &PersonKey, account: &Account) -> Result<Vec<u8>, Error> {
    let profile = Profile { email: account.email.to_string(), name: account.name.clone() };
    let plain = serde_json::to_vec(&profile).map_err(|_| Error::Corrupt("accounts.profile"))?;
    vault.seal(key, place(account.id.as_str()), &plain)
}

fn email_index(vault: &Vault, email: &Email) -> Vec<u8> {
    vault.index("accounts.email", email.as_str())
}

/// The blind index under which an address is known here.
#[must_use]
pub fn index_of(db: &Db<'_>, email: &Email) -> Vec<u8> {
    email_index(db.vault, email)
}

/// The account of an address.
///
/// # Errors
/// The database fails.
pub fn by_email(db: &mut Db<'_>, email: &Email) -> Result<Option<Account>, Error> {
    let row = accounts::table
        .inner_join(person_keys::table.on(person_keys::owner.eq(accounts::id)))
        .filter(accounts::email_index.eq(email_index(db.vault, email)))
        .select(COLUMNS)
        .first::<Row>(db.connection()?)
        .optional()?;
    row.map(|row| row.open(db.vault)).transpose()
}

/// One account.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &AccountId) -> Result<Account, Error> {
    let row: Row = accounts::table
        .inner_join(person_keys::table.on(person_keys::owner.eq(accounts::id)))
        .filter(accounts::id.eq(id.as_str()))
        .select(COLUMNS)
        .first(db.connection()?)?;
    row.open(db.vault)
}

/// Accounts by identifier, at most `limit`, after `after`.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, after: Option<&AccountId>, limit: i64) -> Result<Vec<Account>, Error> {
    let mut query = accounts::table
        .inner_join(person_keys::table.on(person_keys::owner.eq(accounts::id)))
        .filter(accounts::archived_at.is_null())
        .select(COLUMNS)
        .order(accounts::id)
        .limit(limit)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(accounts::id.gt(after.as_str()));
    }
    query.load::<Row>(db.connection()?)?.into_iter().map(|row| row.open(db.vault)).collect()
}

/// The names of some accounts, in one query.
///
/// # Errors
/// The database fails.
pub fn names(db: &mut Db<'_>, ids: &[AccountId]) -> Result<HashMap<AccountId, String>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = accounts::table
        .inner_join(person_keys::table.on(person_keys::owner.eq(accounts::id)))
        .filter(accounts::id.eq_any(ids.iter().map(AccountId::as_str)))
        .filter(accounts::archived_at.is_null())
        .select(COLUMNS)
        .load(db.connection()?)?;
    rows.into_iter().map(|row| row.open(db.vault).map(|account| (account.id, account.name))).collect()
}

/// Writes a new account with its key, or a new role of a known one.
///
/// # Errors
/// The database fails.
pub fn create(
    tx: &mut Tx<'_>,
    account: Account,
    membership: Option<&Membership>,
    now: Instant,
) -> Result<Account, Error> {
    let known = accounts::table.find(account.id.as_str()).count().get_result::<i64>(tx.connection()?)? > 0;
    if known {
        diesel::update(accounts::table.find(account.id.as_str()))
            .set((accounts::auditor.eq(account.auditor), accounts::officer.eq(account.officer)))
            .execute(tx.connection()?)?;
    } else {
        let key = keys::make(tx, account.id.as_str(), now)?;
        let profile = seal(tx.vault, &key, &account)?;
        diesel::insert_into(accounts::table)
            .values((
                accounts::id.eq(account.id.as_str()),
                accounts::email_index.eq(email_index(tx.vault, &account.email)),
                accounts::profile.eq(profile),
                accounts::auditor.eq(account.auditor),
                accounts::officer.eq(account.officer),
                accounts::active.eq(account.active),
                accounts::terms.eq(account.terms.as_deref()),
                accounts::created_at.eq(stored(now)),
            ))
            .execute(tx.connection()?)?;
    }
    if let Some(membership) = membership {
        enrol(tx, &account.id, membership, now)?;
    }
    // The key exists now: the entry can seal the name.
    journal::unpack(tx, account.create(membership, now))
}

fn enrol(tx: &mut Tx<'_>, account: &AccountId, membership: &Membership, now: Instant) -> Result<(), Error> {
    let row = memberships::table.find((account.as_str(), membership.organisation.as_str()));
    // A new role is added to the others; only a mediator's brings a certification.
    let changed = diesel::update(row)
        .set((
            membership.mediator.then_some(memberships::mediator.eq(true)),
            membership.mediator.then_some(memberships::certified_until.eq(membership.certified_until.map(stored))),
            membership.manager.then_some(memberships::manager.eq(true)),
        ))
        .execute(tx.connection()?)?;
    if changed > 0 {
        return Ok(());
    }
    diesel::insert_into(memberships::table)
        .values((
            memberships::account.eq(account.as_str()),
            memberships::organisation.eq(membership.organisation.as_str()),
            memberships::mediator.eq(membership.mediator),
            memberships::manager.eq(membership.manager),
            memberships::certified_until.eq(membership.certified_until.map(stored)),
            memberships::created_at.eq(stored(now)),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

/// Writes a change of an account.
///
/// # Errors
/// The database fails.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Account>) -> Result<Account, Error> {
    let account = journal::unpack(tx, change)?;
    diesel::update(accounts::table.find(account.id.as_str()))
        .set((accounts::active.eq(account.active), accounts::terms.eq(account.terms.as_deref())))
        .execute(tx.connection()?)?;
    Ok(account)
}

/// The organisations of an account, with what it may do in each, by name.
///
/// # Errors
/// The database fails.
pub fn memberships(db: &mut Db<'_>, account: &AccountId) -> Result<Vec<(Membership, Organisation)>, Error> {
    let rows: Vec<Belonging> = memberships::table
        .inner_join(organisations::table)
        .filter(memberships::account.eq(account.as_str()))
        .order((organisations::name, organisations::id))
        .select(BELONGING)
        .load(db.connection()?)?;
    rows.into_iter().map(belonging).collect()
}

/// What an account may do in one organisation.
///
/// # Errors
/// Nothing.
pub fn membership(
    db: &mut Db<'_>,
    account: &AccountId,
    organisation: &OrganisationId,
) -> Result<(Membership, Organisation), Error> {
    let all = memberships(db, account)?;
    all.into_iter().find(|(_, one)| one.id == *organisation).ok_or(Error::NotFound)
}
