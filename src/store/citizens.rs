//! Citizens: their sealed identity, and the lists of one organisation.

mod recognise;

pub use recognise::{Recognised, recognise};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::schema::{citizen_search, citizens, holdings, person_keys as key_rows};
use super::vault::{PersonKey, Place, Vault};
use super::{Db, Error, Tx, parsed, read_back, search, stored};
use crate::domain::Instant;
use crate::domain::citizen::{Claims, Identity, LONGEST_BEGINNING, beginning};
use crate::domain::id::{CitizenId, OrganisationId};
use crate::domain::mandate::SHOWN_AFTER_END;

/// Words of a search; the others are not looked at.
const WORDS: usize = 3;

#[derive(Serialize, Deserialize)]
struct Stored {
    given_name: String,
    family_name: String,
    preferred_username: Option<String>,
    birthdate: String,
    gender: String,
    birthplace: Option<String>,
    birthcountry: String,
    email: String,
}

/// An identity as the bytes that are sealed.
pub(super) fn identity_bytes(identity: &Identity) -> Result<Vec<u8>, Error> {
    let stored = Stored {
        given_name: identity.given_name.clone(),
        family_name: identity.family_name.clone(),
        preferred_username: identity.preferred_username.clone(),
        birthdate: identity.birthdate.as_str().to_owned(),
        gender: identity.gender.as_str().to_owned(),
        birthplace: identity.birthplace.as_ref().map(|place| place.as_str().to_owned()),
        birthcountry: identity.birthcountry.as_str().to_owned(),
        email: identity.email.clone(),
    };
    serde_json::to_vec(&stored).map_err(|_| Error::Corrupt("citizens.identity"))
}

/// An identity from its bytes.
pub(super) fn identity_from(bytes: &[u8]) -> Result<Identity, Error> {
    let stored: Stored = serde_json::from_slice(bytes).map_err(|_| Error::Corrupt("citizens.identity"))?;
    let claims = Claims {
        given_name: Some(stored.given_name),
        family_name: Some(stored.family_name),
        preferred_username: stored.preferred_username,
        birthdate: Some(stored.birthdate),
        gender: Some(stored.gender),
        birthplace: stored.birthplace,
        birthcountry: Some(stored.birthcountry),
        email: Some(stored.email),
    };
    Identity::try_from(claims).map_err(|_| Error::Corrupt("citizens.identity"))
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "citizens", column: "identity", row }
}

/// A citizen as stored.
#[derive(Debug, Clone)]
pub struct Citizen {
    /// The pseudonym here.
    pub id: CitizenId,
    /// The identifier public services receive as `sub`.
    pub subject: String,
    /// The identity of the last opening.
    pub identity: Identity,
}

/// A citizen in a list.
pub struct Line {
    /// The citizen.
    pub citizen: Citizen,
    /// When the last mandate ends or ended.
    pub last_end: Instant,
}

type Row = (String, String, Vec<u8>, Vec<u8>);
type Columns = (citizens::id, citizens::subject, citizens::identity, key_rows::wrapped);
const COLUMNS: Columns = (citizens::id, citizens::subject, citizens::identity, key_rows::wrapped);

fn opened(vault: &Vault, (id, subject, identity, wrapped): Row) -> Result<Citizen, Error> {
    unsealed(vault, (id, subject, &identity, &wrapped))
}

/// A citizen from what was read together with something else.
pub(super) fn unsealed(
    vault: &Vault,
    (id, subject, identity, wrapped): (String, String, &[u8], &[u8]),
) -> Result<Citizen, Error> {
    let key = vault.unwrap_key(&id, wrapped)?;
    let identity = identity_from(&vault.open(&key, place(&id), identity)?)?;
    Ok(Citizen { id: parsed(&id, "citizens.id")?, subject, identity })
}

/// Makes this transaction the only one that opens for a citizen, or takes them out of use, until it ends.
pub(super) fn lock(tx: &mut Tx<'_>, id: &str) -> Result<(), Error> {
    tx.connection()?.lock(&format!("person|{id}"))
}

/// The same; and whether their data can still be read. What was read of them before this may be of a key that is gone.
///
/// # Errors
/// The database fails.
pub fn stays(tx: &mut Tx<'_>, id: &str) -> Result<bool, Error> {
    lock(tx, id)?;
    let key = key_rows::table.find(id).select(key_rows::owner).first::<String>(tx.connection()?);
    Ok(key.optional()?.is_some())
}

/// Keeps the identity of today and makes it searchable for the organisation; `first` says that it holds no mandate of theirs yet.
pub(super) fn update(
    tx: &mut Tx<'_>,
    key: &PersonKey,
    id: &CitizenId,
    identity: &Identity,
    organisation: &OrganisationId,
    first: bool,
) -> Result<(), Error> {
    let sealed = tx.vault.seal(key, place(id.as_str()), &identity_bytes(identity)?)?;
    let who = recognise::identity_index(tx.vault, identity);
    lock(tx, id.as_str())?;
    // Archived or erased since they identified: nothing is opened for them.
    let present = citizens::table.filter(citizens::id.eq(id.to_string()).and(citizens::archived_at.is_null()));
    tx.update_one(diesel::update(present).set((citizens::identity.eq(sealed), citizens::identity_index.eq(who))))?;
    search::add(tx, organisation, id, identity, first)
}

/// A citizen of whom the organisation holds a mandate, ended at most a year ago.
///
/// # Errors
/// There is none, or not of this organisation.
pub fn held_by(db: &mut Db<'_>, organisation: &OrganisationId, id: &CitizenId, now: Instant) -> Result<Citizen, Error> {
    let row: Row = holdings::table
        .inner_join(citizens::table)
        .inner_join(key_rows::table.on(key_rows::owner.eq(citizens::id)))
        .filter(holdings::organisation.eq(organisation.as_str()).and(holdings::citizen.eq(id.as_str())))
        .filter(holdings::last_end.gt(stored(now - SHOWN_AFTER_END)).and(citizens::archived_at.is_null()))
        .select(COLUMNS)
        .first(db.connection()?)?;
    opened(db.vault, row)
}

/// One citizen, for the identity of a use.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &CitizenId) -> Result<Citizen, Error> {
    let row: Row = citizens::table
        .inner_join(key_rows::table.on(key_rows::owner.eq(citizens::id)))
        .filter(citizens::id.eq(id.as_str()))
        .select(COLUMNS)
        .first(db.connection()?)?;
    opened(db.vault, row)
}

/// Several citizens, in one query.
///
/// # Errors
/// The database fails.
pub fn find_many(db: &mut Db<'_>, ids: &[CitizenId]) -> Result<Vec<Citizen>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Row> = citizens::table
        .inner_join(key_rows::table.on(key_rows::owner.eq(citizens::id)))
        .filter(citizens::id.eq_any(ids.iter().map(CitizenId::as_str)).and(citizens::archived_at.is_null()))
        .select(COLUMNS)
        .load(db.connection()?)?;
    rows.into_iter().map(|row| opened(db.vault, row)).collect()
}

/// Which citizens a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// With a live authorisation.
    Active,
    /// Without, ended at most a year ago.
    Ended,
}

/// A position in a list: the last row of the page before.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// Its last opening.
    pub opened_at: Instant,
    /// Its citizen.
    pub citizen: CitizenId,
}

/// A page of a list.
pub struct Listed {
    /// The citizens, the one with the newest mandate first.
    pub lines: Vec<Line>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// The citizens of an organisation whose names begin with the words asked for (all of them if there are none).
///
/// # Errors
/// The database fails.
pub fn list(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    tab: Tab,
    words: &[String],
    after: Option<&Cursor>,
    limit: usize,
    now: Instant,
) -> Result<Listed, Error> {
    let mut query = holdings::table
        .inner_join(citizens::table)
        .inner_join(key_rows::table.on(key_rows::owner.eq(citizens::id)))
        .filter(holdings::organisation.eq(organisation.as_str()).and(citizens::archived_at.is_null()))
        .order((holdings::last_opened_at.desc(), holdings::citizen.desc()))
        .limit(super::rows(limit + 1))
        .select((COLUMNS, holdings::last_opened_at, holdings::last_end))
        .into_boxed();
    query = match tab {
        Tab::Active => query.filter(holdings::active_until.gt(stored(now))),
        Tab::Ended => query
            .filter(holdings::active_until.is_null().or(holdings::active_until.le(stored(now))))
            .filter(holdings::last_end.gt(stored(now - SHOWN_AFTER_END))),
    };
    for word in words.iter().take(WORDS) {
        let token = search::token(db.vault, organisation, beginning(word, LONGEST_BEGINNING));
        let found = citizen_search::table
            .filter(citizen_search::organisation.eq(organisation.as_str()).and(citizen_search::token.eq(token)))
            .select(citizen_search::citizen);
        query = query.filter(holdings::citizen.eq_any(found));
    }
    if let Some(Cursor { opened_at, citizen }) = after {
        let earlier = holdings::last_opened_at.lt(stored(*opened_at));
        let same = holdings::last_opened_at.eq(stored(*opened_at)).and(holdings::citizen.lt(citizen.to_string()));
        query = query.filter(earlier.or(same));
    }
    let mut rows: Vec<(Row, chrono::NaiveDateTime, chrono::NaiveDateTime)> = query.load(db.connection()?)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = match rows.last().filter(|_| more) {
        Some(((id, ..), at, _)) => Some(Cursor { opened_at: read_back(*at), citizen: parsed(id, "citizens.id")? }),
        None => None,
    };
    let line = |(row, _, end)| opened(db.vault, row).map(|citizen| Line { citizen, last_end: read_back(end) });
    let mut lines = rows.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
    // The index holds beginnings of six characters at most: the rest of a longer word is compared here.
    lines.retain(|line| line.citizen.identity.answers_to(words));
    Ok(Listed { lines, next })
}
