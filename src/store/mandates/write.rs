//! Writing mandates: an opening, an ending.

use diesel::prelude::*;

use super::beside::document_place;
use crate::domain::Instant;
use crate::domain::agreement::Agreement;
use crate::domain::event::Journalled;
use crate::domain::id::{AuthorisationId, CitizenId, OrganisationId, SessionId};
use crate::domain::mandate::document::{Document, VERSION};
use crate::domain::mandate::open::Opening;
use crate::domain::mandate::revoke::Reason;
use crate::domain::mandate::{Ending, Mandate};
use crate::store::schema::{agreements, authorisations, documents, holdings, mandates};
use crate::store::vault::{PersonKey, Place};
use crate::store::{Error, Tx, citizens, drafts, journal, person_keys, stored};

/// Ends the mandates that live in a browser session ("while present"): it was closed, or slept.
///
/// # Errors
/// The database fails.
pub fn end_presence(tx: &mut Tx<'_>, session: &SessionId, now: Instant) -> Result<(), Error> {
    for mandate in super::of_session(tx, session)? {
        // Read again under its lock: a revocation may have come first.
        let mandate = super::held_by_locked(tx, &mandate.organisation, &mandate.id)?;
        save(tx, mandate.presence_ended(session, now))?;
    }
    Ok(())
}

/// Writes an opening: the draft used, the mandate, its authorisations, those that leave their place, the agreement, the document, and
/// the entries of the journal.
///
/// # Errors
/// [`Error::Conflict`] if another opening took a place in the meantime; nothing is written then.
pub fn open(tx: &mut Tx<'_>, change: Journalled<Opening>) -> Result<Mandate, Error> {
    let (opening, events) = change.into_parts();
    let Opening { draft, mandate, person, agreement, document, closed } = opening;
    drafts::write(tx, &draft)?;
    for (id, ending) in &closed {
        end(tx, id, ending)?;
    }
    insert(tx, &mandate)?;
    let key = person_keys::of(tx, person.id.as_str())?;
    let holding = holdings::table.find((mandate.organisation.as_str(), person.id.as_str()));
    let first = holding.count().get_result::<i64>(tx.connection()?)? == 0;
    citizens::update(tx, &key, &person.id, &person.identity, &mandate.organisation, first)?;
    insert_agreement(tx, &key, &mandate, &agreement)?;
    insert_document(tx, &key, &mandate, &document)?;
    if first {
        insert_holding(tx, &mandate)?;
    } else {
        refresh(tx, &mandate.organisation, &mandate.citizen, Some(mandate.opened_at))?;
    }
    for event in &events {
        journal::record(tx, event)?;
    }
    Ok(mandate)
}

fn insert(tx: &mut Tx<'_>, mandate: &Mandate) -> Result<(), Error> {
    tx.insert(diesel::insert_into(mandates::table).values((
        mandates::id.eq(mandate.id.to_string()),
        mandates::organisation.eq(mandate.organisation.to_string()),
        mandates::citizen.eq(mandate.citizen.to_string()),
        mandates::draft.eq(mandate.draft.to_string()),
        mandates::opened_by.eq(mandate.opened_by.to_string()),
        mandates::opened_at.eq(stored(mandate.opened_at)),
        mandates::expires_at.eq(stored(mandate.expires_at)),
        mandates::term.eq(mandate.term.key()),
        mandates::session.eq(mandate.session.as_ref().map(ToString::to_string)),
        mandates::document.eq(mandate.document.as_bytes().to_vec()),
        mandates::assurance.eq(mandate.assurance.code()),
    )))?;
    for authorisation in &mandate.authorisations {
        tx.insert(diesel::insert_into(authorisations::table).values((
            authorisations::id.eq(authorisation.id.to_string()),
            authorisations::mandate.eq(mandate.id.to_string()),
            authorisations::organisation.eq(mandate.organisation.to_string()),
            authorisations::citizen.eq(mandate.citizen.to_string()),
            authorisations::procedure.eq(authorisation.procedure.key()),
        )))?;
    }
    Ok(())
}

fn agreement_place(row: &str) -> Place<'_> {
    Place { table: "agreements", column: "text", row }
}

fn insert_agreement(tx: &mut Tx<'_>, key: &PersonKey, mandate: &Mandate, agreement: &Agreement) -> Result<(), Error> {
    let text = tx.vault.seal(key, agreement_place(agreement.id.as_str()), agreement.text.as_bytes())?;
    tx.insert(diesel::insert_into(agreements::table).values((
        agreements::id.eq(agreement.id.to_string()),
        agreements::mandate.eq(mandate.id.to_string()),
        agreements::given_at.eq(stored(agreement.at)),
        agreements::method.eq(agreement.method.code()),
        agreements::language.eq(agreement.language.code()),
        agreements::body.eq(text),
        agreements::digest.eq(agreement.digest.as_bytes().to_vec()),
    )))
}

fn insert_document(tx: &mut Tx<'_>, key: &PersonKey, mandate: &Mandate, document: &Document) -> Result<(), Error> {
    let text = tx.vault.seal(key, document_place(mandate.id.as_str()), document.text.as_bytes())?;
    tx.insert(diesel::insert_into(documents::table).values((
        documents::mandate.eq(mandate.id.to_string()),
        documents::version.eq(VERSION),
        documents::body.eq(text),
        documents::digest.eq(document.digest.as_bytes().to_vec()),
    )))
}

/// Writes a change of a mandate: the authorisations that ended.
///
/// # Errors
/// The database fails.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Mandate>) -> Result<Mandate, Error> {
    let mandate = journal::unpack(tx, change)?;
    for authorisation in &mandate.authorisations {
        if let Some(ending) = &authorisation.ended {
            end(tx, &authorisation.id, ending)?;
        }
    }
    refresh(tx, &mandate.organisation, &mandate.citizen, None)?;
    Ok(mandate)
}

fn end(tx: &mut Tx<'_>, id: &AuthorisationId, ending: &Ending) -> Result<(), Error> {
    // What has ended stays as it ended.
    tx.update(
        diesel::update(authorisations::table.find(id.to_string()).filter(authorisations::ended_at.is_null())).set((
            authorisations::ended_at.eq(stored(ending.at)),
            authorisations::ended_kind.eq(ending.kind.code()),
            authorisations::ended_by.eq(ending.by.as_ref().map(ToString::to_string)),
            authorisations::reason.eq(ending.reason.map(Reason::code)),
        )),
    )
}

/// Computes again what the lists read of one organisation and citizen.
fn refresh(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
    opened_at: Option<Instant>,
) -> Result<(), Error> {
    type Ends = Vec<(Option<chrono::NaiveDateTime>, chrono::NaiveDateTime)>;
    // Through the mandates: they have an index by citizen, and the ended authorisations have none.
    let ends: Ends = authorisations::table
        .inner_join(mandates::table)
        .filter(mandates::organisation.eq(organisation.as_str()))
        .filter(mandates::citizen.eq(citizen.as_str()))
        .select((authorisations::ended_at, mandates::expires_at))
        .load(tx.connection()?)?;
    let active_until = ends.iter().filter(|(ended, _)| ended.is_none()).map(|(_, expires)| *expires).max();
    let last_end = ends.iter().map(|(ended, expires)| ended.unwrap_or(*expires)).max();
    let last_end = last_end.ok_or(Error::Corrupt("holdings"))?;
    tx.update(diesel::update(holdings::table.find((organisation.to_string(), citizen.to_string()))).set((
        opened_at.map(|at| holdings::last_opened_at.eq(stored(at))),
        holdings::active_until.eq(active_until),
        holdings::last_end.eq(last_end),
    )))
}

/// What the lists read, of a first mandate.
fn insert_holding(tx: &mut Tx<'_>, mandate: &Mandate) -> Result<(), Error> {
    tx.insert(diesel::insert_into(holdings::table).values((
        holdings::organisation.eq(mandate.organisation.to_string()),
        holdings::citizen.eq(mandate.citizen.to_string()),
        holdings::last_opened_at.eq(stored(mandate.opened_at)),
        holdings::active_until.eq(stored(mandate.expires_at)),
        holdings::last_end.eq(stored(mandate.expires_at)),
    )))
}
