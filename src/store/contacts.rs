//! Where an organisation can call its citizens: sealed numbers, and the pseudonyms that the journal knows them by.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::schema::{contacts, holdings, mandates, phones};
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, person_keys, rows, stored};
use crate::domain::Instant;
use crate::domain::event::Journalled;
use crate::domain::id::{CitizenId, OrganisationId, PhoneId};
use crate::domain::mandate::SHOWN_AFTER_END;
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
    let theirs = contacts::organisation.eq(organisation.as_str()).and(contacts::citizen.eq(citizen.as_str()));
    let known = contacts::table.filter(theirs.and(contacts::number.is_not_null()));
    let known = known.select((contacts::phone, contacts::number.assume_not_null()));
    let Some((id, sealed)): Option<(String, Vec<u8>)> = known.first(db.connection()?).optional()? else {
        return Ok(None);
    };
    let key = person_keys::of(db, citizen.as_str())?;
    let number = db.vault.open(&key, place(&row(organisation, citizen)), &sealed)?;
    let number = std::str::from_utf8(&number).map_err(|_| Error::Corrupt("contacts.number"))?;
    Ok(Some((parsed(&id, "contacts.phone")?, parsed(number, "contacts.number")?)))
}

/// The citizens on the organisation's screens whom it calls at one number, the first `limit` of them.
///
/// # Errors
/// The database fails.
pub fn sharing(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    phone: &str,
    limit: usize,
    now: Instant,
) -> Result<Vec<CitizenId>, Error> {
    let shown = holdings::table
        .filter(holdings::organisation.eq(organisation.as_str()).and(holdings::citizen.eq(contacts::citizen)))
        .filter(holdings::last_end.gt(stored(now - SHOWN_AFTER_END)));
    let found: Vec<String> = contacts::table
        .filter(contacts::phone.eq(phone).and(contacts::organisation.eq(organisation.as_str())))
        .filter(contacts::number.is_not_null().and(exists(shown)))
        .order(contacts::citizen)
        .limit(rows(limit))
        .select(contacts::citizen)
        .load(db.connection()?)?;
    found.iter().map(|id| parsed(id, "contacts.citizen")).collect()
}

/// What the journal knows a number of the organisation by: the same for as long as anybody there has it, and for a while longer. Comes
/// before the lock on a person: whoever takes a person out comes to their numbers last.
///
/// # Errors
/// The database fails.
pub fn pseudonym(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    phone: &Phone,
    now: Instant,
) -> Result<PhoneId, Error> {
    let index = tx.vault.index("phones", &format!("{organisation} {}", phone.as_str()));
    // Two who write a new number down at the same moment know it by one name.
    tx.connection()?.lock(&format!("phone|{}", URL_SAFE_NO_PAD.encode(&index)))?;
    let known = phones::table.filter(phones::number_index.eq(&index));
    // The purge leaves what was touched just now.
    let touched = diesel::update(known).set(phones::at.eq(stored(now))).execute(tx.connection()?)?;
    if touched == 1 {
        return parsed(&known.select(phones::id).first::<String>(tx.connection()?)?, "phones.id");
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
    let theirs = contacts::organisation.eq(organisation.as_str()).and(contacts::citizen.eq(citizen.as_str()));
    diesel::update(contacts::table.filter(theirs))
        .set(contacts::number.eq(None::<Vec<u8>>))
        .execute(tx.connection()?)?;
    if let Some((id, number)) = phone {
        let key = person_keys::of(tx, citizen.as_str())?;
        let sealed = tx.vault.seal(&key, place(&row(organisation, citizen)), number.as_str().as_bytes())?;
        let same = contacts::table.find((organisation.as_str(), citizen.as_str(), id.as_str()));
        diesel::delete(same).execute(tx.connection()?)?;
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

/// Nobody calls somebody who goes: their numbers go, with what the journal knew them by, unless somebody else has or had the number.
pub(super) fn drop_all(tx: &mut Tx<'_>, citizen: &str) -> Result<(), Error> {
    drop_those(tx, None, citizen)
}

/// An organisation whose last mandate of a citizen went into the archive has no reason to call them.
pub(super) fn drop_unserved(tx: &mut Tx<'_>, organisation: &OrganisationId, citizen: &CitizenId) -> Result<(), Error> {
    let kept = mandates::table
        .filter(mandates::organisation.eq(organisation.to_string()).and(mandates::citizen.eq(citizen.to_string())))
        .filter(mandates::archived_at.is_null());
    if kept.count().get_result::<i64>(tx.connection()?)? > 0 {
        return Ok(());
    }
    drop_those(tx, Some(organisation.as_str()), citizen.as_str())
}

fn drop_those(tx: &mut Tx<'_>, organisation: Option<&str>, citizen: &str) -> Result<(), Error> {
    let theirs = contacts::table.filter(contacts::citizen.eq(citizen)).order(contacts::phone);
    let mut had: Vec<(String, String)> =
        theirs.select((contacts::organisation, contacts::phone)).load(tx.connection()?)?;
    had.retain(|(holder, _)| organisation.is_none_or(|one| one == holder));
    for (holder, phone) in &had {
        diesel::delete(contacts::table.find((holder, citizen, phone))).execute(tx.connection()?)?;
        // Whoever is writing it down for somebody else comes first: the next statement sees that.
        let row = phones::table.find(phone);
        diesel::update(row).set(phones::at.eq(phones::at)).execute(tx.connection()?)?;
        let others = contacts::table.filter(contacts::phone.eq(phones::id));
        diesel::delete(phones::table.filter(phones::id.eq(phone).and(not(exists(others)))))
            .execute(tx.connection()?)?;
    }
    Ok(())
}
