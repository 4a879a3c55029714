//! A step: into the restricted archive, or destroyed.

use diesel::prelude::*;

use crate::domain::Instant;
use crate::domain::event::{Journalled, Owner};
use crate::domain::retention::{Passage, Stage, Subject};
use crate::store::schema::{
    accounts, agreements, authenticators, citizen_search, citizens, documents, drafts, erasures, holdings,
    journal_sealed, mandates, outbox, person_keys, recovery_codes, sessions, sign_in_links,
};
use crate::store::{Error, Tx, contacts, journal, stored};

/// Carries a step out, and records it.
///
/// # Errors
/// The database fails; nothing of the step is done then.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Passage>, now: Instant) -> Result<(), Error> {
    let (Passage { subject, to }, events) = change.into_parts();
    let mut entry = None;
    for event in &events {
        entry = Some(journal::record(tx, event)?);
    }
    match &subject {
        Subject::Mandate { id, .. } if to == Stage::Destroyed => destroy_mandates(tx, &[id.to_string()], now),
        Subject::Mandate { id, organisation, citizen } => {
            diesel::update(mandates::table.find(id.as_str()))
                .set(mandates::archived_at.eq(stored(now)))
                .execute(tx.connection()?)?;
            contacts::drop_unserved(tx, organisation, citizen)
        }
        Subject::Person(owner) => {
            match owner {
                Owner::Citizen(id) => archive_citizen(tx, id.as_str(), now)?,
                Owner::Account(id) => archive_account(tx, id.as_str(), now)?,
            }
            match entry {
                Some(entry) if to == Stage::Destroyed => destroy(tx, owner, entry.as_str(), now),
                _ => Ok(()),
            }
        }
    }
}

/// Out of every search and every list; FranceConnect's identifier leads nowhere: whoever comes back begins anew.
fn archive_citizen(tx: &mut Tx<'_>, id: &str, now: Instant) -> Result<(), Error> {
    for holder in holders(tx, id)? {
        let found = citizen_search::organisation.eq(holder).and(citizen_search::citizen.eq(id.to_owned()));
        diesel::delete(citizen_search::table.filter(found)).execute(tx.connection()?)?;
    }
    contacts::drop_all(tx, id)?;
    diesel::update(drafts::table.filter(drafts::citizen.eq(id)))
        .set((drafts::identity.eq(None::<Vec<u8>>), drafts::agreement.eq(None::<Vec<u8>>)))
        .execute(tx.connection()?)?;
    diesel::update(citizens::table.find(id))
        .set((
            citizens::archived_at.eq(stored(now)),
            citizens::sub_index.eq(id.as_bytes()),
            citizens::identity_index.eq(None::<Vec<u8>>),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

fn holders(tx: &mut Tx<'_>, citizen: &str) -> Result<Vec<String>, Error> {
    let theirs = holdings::table.filter(holdings::citizen.eq(citizen.to_owned()));
    Ok(theirs.select(holdings::organisation).load(tx.connection()?)?)
}

/// Nobody signs in with it any more, and its address can be given an account again.
fn archive_account(tx: &mut Tx<'_>, id: &str, now: Instant) -> Result<(), Error> {
    diesel::update(sessions::table.filter(sessions::account.eq(id)))
        .set(sessions::purpose.eq(None::<Vec<u8>>))
        .execute(tx.connection()?)?;
    diesel::delete(sign_in_links::table.filter(sign_in_links::account.eq(id))).execute(tx.connection()?)?;
    diesel::delete(recovery_codes::table.filter(recovery_codes::account.eq(id))).execute(tx.connection()?)?;
    diesel::delete(authenticators::table.filter(authenticators::account.eq(id))).execute(tx.connection()?)?;
    diesel::delete(outbox::table.filter(outbox::account.eq(id))).execute(tx.connection()?)?;
    diesel::update(accounts::table.find(id))
        .set((
            accounts::archived_at.eq(stored(now)),
            accounts::active.eq(false),
            accounts::email_index.eq(id.as_bytes()),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

/// The key, what it sealed, and the salts. The order is the one that the triggers of the journal insist on.
fn destroy(tx: &mut Tx<'_>, owner: &Owner, entry: &str, now: Instant) -> Result<(), Error> {
    let id = owner.as_str();
    diesel::insert_into(erasures::table)
        .values((erasures::owner.eq(id), erasures::entry.eq(entry), erasures::at.eq(stored(now))))
        .execute(tx.connection()?)?;
    diesel::delete(person_keys::table.find(id)).execute(tx.connection()?)?;
    diesel::delete(journal_sealed::table.filter(journal_sealed::owner.eq(id))).execute(tx.connection()?)?;
    // What was read before in this piece of work is worth nothing afterwards.
    tx.keys.retain(|key| key.owner() != id);
    match owner {
        Owner::Citizen(_) => destroy_citizen(tx, id, now),
        Owner::Account(_) => {
            diesel::update(accounts::table.find(id))
                .set((accounts::profile.eq(Vec::<u8>::new()), accounts::destroyed_at.eq(stored(now))))
                .execute(tx.connection()?)?;
            Ok(())
        }
    }
}

fn destroy_citizen(tx: &mut Tx<'_>, id: &str, now: Instant) -> Result<(), Error> {
    for holder in holders(tx, id)? {
        let theirs = mandates::table.filter(mandates::organisation.eq(holder).and(mandates::citizen.eq(id.to_owned())));
        let all: Vec<String> = theirs.select(mandates::id).load(tx.connection()?)?;
        destroy_mandates(tx, &all, now)?;
    }
    diesel::delete(holdings::table.filter(holdings::citizen.eq(id))).execute(tx.connection()?)?;
    diesel::update(citizens::table.find(id))
        .set((
            citizens::identity.eq(Vec::<u8>::new()),
            // What public services knew them by.
            citizens::subject.eq(id),
            citizens::destroyed_at.eq(stored(now)),
        ))
        .execute(tx.connection()?)?;
    Ok(())
}

/// The texts go; that there was a mandate, and for what, stays.
fn destroy_mandates(tx: &mut Tx<'_>, ids: &[String], now: Instant) -> Result<(), Error> {
    diesel::delete(agreements::table.filter(agreements::mandate.eq_any(ids))).execute(tx.connection()?)?;
    diesel::delete(documents::table.filter(documents::mandate.eq_any(ids))).execute(tx.connection()?)?;
    let fresh = mandates::table.filter(mandates::id.eq_any(ids).and(mandates::archived_at.is_null()));
    diesel::update(fresh).set(mandates::archived_at.eq(stored(now))).execute(tx.connection()?)?;
    diesel::update(mandates::table.filter(mandates::id.eq_any(ids)))
        // Whoever has a name and a birthdate to try could recognise them by the hash of the text.
        .set((mandates::destroyed_at.eq(stored(now)), mandates::document.eq(vec![0; 32])))
        .execute(tx.connection()?)?;
    Ok(())
}
