//! Where an organisation can call its citizens: sealed numbers, and the pseudonyms that the journal knows them by.

use diesel::prelude::*;

use super::schema::{contacts, phones};
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, person_keys, rows, stored};
use crate::domain::Instant;
use crate::domain::event::Journalled;
use crate::domain::id::{CitizenId, OrganisationId, PhoneId};
use crate::domain::phone::{Contact, Phone};

fn row(organisation: &OrganisationId, citizen: &CitizenId) -> String {
    format!("{organisation} {citizen}")
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "contacts", column: "number", row }
}

/// Where the organisation can call a citizen, if it knows.
///
/// # Errors
/// The database fails.
pub fn find(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
) -> Result<Option<(PhoneId, Phone)>, Error> {
    let theirs = contacts::table.find((organisation.as_str(), citizen.as_str()));
    let known = theirs.select((contacts::phone, contacts::number));
    let Some((id, sealed)): Option<(String, Vec<u8>)> = known.first(db.connection()?).optional()? else {
        return Ok(None);
    };
    let key = person_keys::of(db, citizen.as_str())?;
    let number = db.vault.open(&key, place(&row(organisation, citizen)), &sealed)?;
    let number = std::str::from_utf8(&number).map_err(|_| Error::Corrupt("contacts.number"))?;
    Ok(Some((parsed(&id, "contacts.phone")?, parsed(number, "contacts.number")?)))
}

/// The citizens whom the organisation calls at one number, the first `limit` of them.
///
/// # Errors
/// The database fails.
pub fn sharing(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    phone: &str,
    limit: usize,
) -> Result<Vec<CitizenId>, Error> {
    let found: Vec<String> = contacts::table
        .filter(contacts::phone.eq(phone).and(contacts::organisation.eq(organisation.as_str())))
        .order(contacts::citizen)
        .limit(rows(limit))
        .select(contacts::citizen)
        .load(db.connection()?)?;
    found.iter().map(|id| parsed(id, "contacts.citizen")).collect()
}

/// Makes this transaction the only one about the organisation's numbers: none goes while it is written down for somebody else.
fn lock(tx: &mut Tx<'_>, organisation: &str) -> Result<(), Error> {
    tx.connection()?.lock(&format!("phones|{organisation}"))
}

/// What the journal knows a number of the organisation by: the same for as long as anybody there has it, and for a while longer.
///
/// # Errors
/// The database fails.
pub fn pseudonym(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    phone: &Phone,
    now: Instant,
) -> Result<PhoneId, Error> {
    lock(tx, organisation.as_str())?;
    let index = tx.vault.index("phones", &format!("{organisation} {}", phone.as_str()));
    let known = phones::table.filter(phones::number_index.eq(&index)).select(phones::id);
    if let Some(id) = known.first::<String>(tx.connection()?).optional()? {
        let touched = diesel::update(phones::table.find(&id)).set(phones::at.eq(stored(now)));
        // The purge may just have taken it.
        return if touched.execute(tx.connection()?)? == 1 { parsed(&id, "phones.id") } else { Err(Error::Conflict) };
    }
    let id = PhoneId::new(now, u128::from_le_bytes(tx.random.bytes()));
    diesel::insert_into(phones::table)
        .values((phones::id.eq(id.as_str()), phones::number_index.eq(index), phones::at.eq(stored(now))))
        .execute(tx.connection()?)?;
    Ok(id)
}

/// Writes down where a citizen can be called, or that it is no longer known.
///
/// # Errors
/// The database fails.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Contact>) -> Result<Contact, Error> {
    let contact = journal::unpack(tx, change)?;
    let Contact { organisation, citizen, phone } = &contact;
    diesel::delete(contacts::table.find((organisation.as_str(), citizen.as_str()))).execute(tx.connection()?)?;
    if let Some((id, number)) = phone {
        let key = person_keys::of(tx, citizen.as_str())?;
        let sealed = tx.vault.seal(&key, place(&row(organisation, citizen)), number.as_str().as_bytes())?;
        diesel::insert_into(contacts::table)
            .values((
                contacts::organisation.eq(organisation.as_str()),
                contacts::citizen.eq(citizen.as_str()),
                contacts::phone.eq(id.as_str()),
                contacts::number.eq(sealed),
            ))
            .execute(tx.connection()?)?;
    }
    Ok(contact)
}

/// Nobody calls somebody who goes: their numbers go, with the pseudonyms that nobody else has.
pub(super) fn drop_all(tx: &mut Tx<'_>, citizen: &str) -> Result<(), Error> {
    let theirs = contacts::table.filter(contacts::citizen.eq(citizen.to_owned()));
    let known: Vec<(String, String)> = theirs
        .clone()
        .order(contacts::organisation)
        .select((contacts::organisation, contacts::phone))
        .load(tx.connection()?)?;
    for (organisation, _) in &known {
        lock(tx, organisation)?;
    }
    diesel::delete(theirs).execute(tx.connection()?)?;
    let had = phones::table.filter(phones::id.eq_any(known.into_iter().map(|(_, phone)| phone)));
    let shared = contacts::table.filter(contacts::phone.eq(phones::id));
    diesel::delete(had.filter(diesel::dsl::not(diesel::dsl::exists(shared)))).execute(tx.connection()?)?;
    Ok(())
}
