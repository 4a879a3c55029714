//! The index of names: keyed hashes of the beginnings of a citizen's names, different in each organisation.

use diesel::prelude::*;

use super::db::insert_all;
use super::schema::citizen_search;
use super::vault::Vault;
use super::{Error, Tx};
use crate::domain::citizen::Identity;
use crate::domain::id::{CitizenId, OrganisationId};

/// Half of the keyed hash is enough: a false match is sorted out after opening.
pub(super) fn token(vault: &Vault, organisation: &OrganisationId, text: &str) -> Vec<u8> {
    let mut token = vault.index("citizen_search", &format!("{organisation} {text}"));
    token.truncate(16);
    token
}

/// Adds what the organisation's index does not hold yet of a citizen: everything, before the first mandate.
pub(super) fn add(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
    identity: &Identity,
    first: bool,
) -> Result<(), Error> {
    let beginnings = identity.search_beginnings();
    let mut tokens: Vec<_> = beginnings.iter().map(|text| token(tx.vault, organisation, text)).collect();
    if !first {
        let known = known(tx, organisation, citizen, &tokens)?;
        tokens.retain(|token| !known.contains(token));
    }
    let row = |token| {
        (
            citizen_search::organisation.eq(organisation.as_str()),
            citizen_search::token.eq(token),
            citizen_search::citizen.eq(citizen.as_str()),
        )
    };
    insert_all!(tx.connection()?, citizen_search::table, tokens.into_iter().map(row).collect());
    Ok(())
}

/// Which of these the index holds.
fn known(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    citizen: &CitizenId,
    tokens: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Error> {
    // Asked for by name: what an organisation has of one citizen is not found without reading what it has of all.
    let mine = citizen_search::organisation.eq(organisation.as_str()).and(citizen_search::citizen.eq(citizen.as_str()));
    let found = citizen_search::table.filter(mine.and(citizen_search::token.eq_any(tokens)));
    Ok(found.select(citizen_search::token).load(tx.connection()?)?)
}
