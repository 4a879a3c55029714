//! Who identified: by issuer and subject, and by nothing else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;

use super::{COLUMNS, Row, identity_bytes, opened, place};
use crate::domain::Instant;
use crate::domain::citizen::Identity;
use crate::domain::id::CitizenId;
use crate::store::schema::{citizens, person_keys as key_rows};
use crate::store::vault::Vault;
use crate::store::{Error, Tx, parsed, person_keys, stored};

/// Who identified: a known citizen, or a new one.
pub struct Recognised {
    /// The pseudonym here.
    pub id: CitizenId,
    /// Whether the provider sent another identity than last time under the same subject.
    pub changed: bool,
    /// Another citizen with this very identity, under another subject. They stay apart: only people can tell whether they are one.
    pub also: Option<CitizenId>,
}

/// Under which a person is found again whose identity came under another subject.
pub(super) fn identity_index(vault: &Vault, identity: &Identity) -> Vec<u8> {
    vault.index("citizens.identity", &identity.pivot())
}

/// Another citizen with this identity: the one known longest.
fn also(tx: &mut Tx<'_>, id: Option<&str>, index: &[u8]) -> Result<Option<CitizenId>, Error> {
    // Two who come at the same moment see each other.
    tx.connection()?.lock(&format!("identity|{}", URL_SAFE_NO_PAD.encode(index)))?;
    let found: Option<String> = citizens::table
        .filter(citizens::identity_index.eq(index).and(citizens::id.ne(id.unwrap_or_default())))
        .order(citizens::id)
        .select(citizens::id)
        .first(tx.connection()?)
        .optional()?;
    found.map(|id| parsed(&id, "citizens.id")).transpose()
}

/// Finds the citizen of an issuer and subject, or makes one. The key is (issuer, subject), never an address or a name.
///
/// # Errors
/// The database fails.
pub fn recognise(
    tx: &mut Tx<'_>,
    issuer: &str,
    subject: &str,
    identity: &Identity,
    now: Instant,
) -> Result<Recognised, Error> {
    let index = tx.vault.index("citizens.sub", &format!("{issuer} {subject}"));
    let who = identity_index(tx.vault, identity);
    tx.connection()?.lock(&format!("citizen|{}", URL_SAFE_NO_PAD.encode(&index)))?;
    let known: Option<Row> = citizens::table
        .inner_join(key_rows::table.on(key_rows::owner.eq(citizens::id)))
        .filter(citizens::issuer.eq(issuer).and(citizens::sub_index.eq(&index)))
        .select(COLUMNS)
        .first(tx.connection()?)
        .optional()?;
    if let Some(row) = known {
        let citizen = opened(tx.vault, row)?;
        let changed = citizen.identity != *identity;
        // What was the same the last time was said then.
        let also = if changed { also(tx, Some(citizen.id.as_str()), &who)? } else { None };
        return Ok(Recognised { changed, also, id: citizen.id });
    }
    let also = also(tx, None, &who)?;
    let id = CitizenId::new(now, u128::from_le_bytes(tx.random.bytes()));
    let key = person_keys::make(tx, id.as_str(), now)?;
    let sealed = tx.vault.seal(&key, place(id.as_str()), &identity_bytes(identity)?)?;
    tx.insert(diesel::insert_into(citizens::table).values((
        citizens::id.eq(id.to_string()),
        citizens::issuer.eq(issuer.to_owned()),
        citizens::sub_index.eq(index),
        citizens::subject.eq(tx.random.token()),
        citizens::identity.eq(sealed),
        citizens::created_at.eq(stored(now)),
        citizens::identity_index.eq(who),
    )))?;
    Ok(Recognised { id, changed: false, also })
}
