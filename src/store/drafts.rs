//! Drafts of mandates: openings in progress.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};

use super::citizens::{self, identity_bytes, identity_from};
use super::organisations::{procedures, procedures_text};
use super::schema::{drafts, person_keys as key_rows};
use super::vault::Place;
use super::{Db, Error, Tx, journal, parsed, person_keys, read_back, stored};
use crate::domain::Instant;
use crate::domain::agreement::{Agreement, Method};
use crate::domain::assurance::Assurance;
use crate::domain::digest::Digest;
use crate::domain::event::Journalled;
use crate::domain::id::{DraftId, SessionId};
use crate::domain::mandate::draft::{Draft, Person, Stage};

/// What the identification must bring back.
pub struct Expected<'a> {
    /// The provider it must come back from.
    pub provider: &'a str,
    /// SHA-256 of the `state` sent.
    pub state_hash: &'a [u8],
    /// The `nonce` sent.
    pub nonce: &'a str,
    /// The PKCE verifier, where the provider takes one.
    pub verifier: Option<&'a str>,
}

/// A draft that waits for a provider.
#[derive(Debug)]
pub struct Waiting {
    /// The draft.
    pub draft: Draft,
    /// The nonce sent.
    pub nonce: String,
    /// The PKCE verifier, if there is one.
    pub verifier: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredAgreement {
    id: String,
    at: Instant,
    language: String,
    text: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = drafts)]
struct Row {
    id: String,
    account: String,
    session: String,
    organisation: String,
    procedures: String,
    term: String,
    created_at: chrono::NaiveDateTime,
    stage: String,
    nonce: Option<String>,
    verifier: Option<String>,
    citizen: Option<String>,
    identity: Option<Vec<u8>>,
    agreement: Option<Vec<u8>>,
    mandate: Option<String>,
    assurance: Option<String>,
}

const fn identity_place(row: &str) -> Place<'_> {
    Place { table: "drafts", column: "identity", row }
}

const fn agreement_place(row: &str) -> Place<'_> {
    Place { table: "drafts", column: "agreement", row }
}

fn stage(row: &Row, agreement: Option<Agreement>) -> Result<Stage, Error> {
    Ok(match (row.stage.as_str(), agreement, &row.mandate) {
        ("started", ..) => Stage::Started,
        ("identified", ..) => Stage::Identified,
        ("agreed", Some(agreement), _) => Stage::Agreed(agreement),
        ("refused", ..) => Stage::Refused,
        ("cancelled", ..) => Stage::Cancelled,
        ("opened", _, Some(mandate)) => Stage::Opened(parsed(mandate, "drafts.mandate")?),
        _ => return Err(Error::Corrupt("drafts.stage")),
    })
}

/// A row, and the wrapped key of its citizen if there is one: read together, because every step of an opening begins with them.
type Found = (Row, Option<Vec<u8>>);

/// Every draft, with what [`Found`] holds.
macro_rules! found {
    () => {
        drafts::table
            .left_join(key_rows::table.on(drafts::citizen.eq(key_rows::owner.nullable())))
            .select((Row::as_select(), key_rows::wrapped.nullable()))
    };
}

fn opened(db: &mut Db<'_>, (row, wrapped): &Found) -> Result<Draft, Error> {
    let key = match (&row.citizen, wrapped) {
        (Some(owner), Some(wrapped)) => Some(person_keys::unwrapped(db, owner, wrapped)?),
        (Some(_), None) => return Err(Error::NotFound),
        (None, _) => None,
    };
    let open = |place, sealed: &Option<Vec<u8>>| match (&key, sealed) {
        (Some(key), Some(sealed)) => db.vault.open(key, place, sealed).map(Some),
        _ => Ok(None),
    };
    let identity = open(identity_place(&row.id), &row.identity)?.map(|plain| identity_from(&plain)).transpose()?;
    let agreement = open(agreement_place(&row.id), &row.agreement)?.map(|plain| agreement_from(&plain)).transpose()?;
    let citizen = match (&row.citizen, identity) {
        (Some(id), Some(identity)) => {
            let assurance = row.assurance.as_deref().map(|code| parsed(code, "drafts.assurance")).transpose()?;
            // One that began before levels were kept: the least that is accepted.
            let assurance = assurance.unwrap_or(Assurance::Low);
            Some(Person { id: parsed(id, "drafts.citizen")?, identity, assurance })
        }
        _ => None,
    };
    Ok(Draft {
        stage: stage(row, agreement)?,
        id: parsed(&row.id, "drafts.id")?,
        account: parsed(&row.account, "drafts.account")?,
        session: parsed(&row.session, "drafts.session")?,
        organisation: parsed(&row.organisation, "drafts.organisation")?,
        procedures: procedures(&row.procedures)?,
        term: parsed(&row.term, "drafts.term")?,
        created_at: read_back(row.created_at),
        citizen,
    })
}

fn agreement_from(bytes: &[u8]) -> Result<Agreement, Error> {
    let stored: StoredAgreement = serde_json::from_slice(bytes).map_err(|_| Error::Corrupt("drafts.agreement"))?;
    Ok(Agreement {
        id: parsed(&stored.id, "drafts.agreement")?,
        at: stored.at,
        method: Method::InPerson,
        language: parsed(&stored.language, "drafts.agreement")?,
        digest: Digest::of(stored.text.as_bytes()),
        text: stored.text,
    })
}

/// Writes a new draft with what the provider must bring back.
///
/// # Errors
/// The database fails.
pub fn start(tx: &mut Tx<'_>, draft: &Draft, expected: &Expected<'_>) -> Result<(), Error> {
    tx.insert(diesel::insert_into(drafts::table).values((
        drafts::id.eq(draft.id.to_string()),
        drafts::account.eq(draft.account.to_string()),
        drafts::session.eq(draft.session.to_string()),
        drafts::organisation.eq(draft.organisation.to_string()),
        drafts::procedures.eq(procedures_text(&draft.procedures)),
        drafts::term.eq(draft.term.key()),
        drafts::created_at.eq(stored(draft.created_at)),
        drafts::stage.eq("started"),
        drafts::state_hash.eq(expected.state_hash.to_vec()),
        drafts::nonce.eq(expected.nonce.to_owned()),
        drafts::verifier.eq(expected.verifier.map(str::to_owned)),
        drafts::provider.eq(expected.provider.to_owned()),
    )))
}

/// Takes the draft that waits for this `state` of this provider in this session: nobody can take it a second time.
///
/// # Errors
/// There is none, it is another session's, it waits for another provider, or it was taken.
pub fn take_waiting(tx: &mut Tx<'_>, session: &SessionId, provider: &str, state_hash: &[u8]) -> Result<Waiting, Error> {
    let mine = found!()
        .filter(drafts::state_hash.eq(state_hash).and(drafts::session.eq(session.as_str())))
        .filter(drafts::provider.eq(provider));
    let found: Found = mine.first(tx.connection()?)?;
    let row = &found.0;
    let taken = diesel::update(drafts::table.find(&row.id).filter(drafts::state_hash.eq(state_hash)))
        .set((
            drafts::state_hash.eq(None::<Vec<u8>>),
            drafts::nonce.eq(None::<String>),
            drafts::verifier.eq(None::<String>),
        ))
        .execute(tx.connection()?)?;
    if taken != 1 {
        return Err(Error::NotFound);
    }
    let nonce = row.nonce.clone().ok_or(Error::Corrupt("drafts.nonce"))?;
    let verifier = row.verifier.clone();
    Ok(Waiting { draft: opened(tx, &found)?, nonce, verifier })
}

/// A draft of this session.
///
/// # Errors
/// There is none, or it is another session's.
pub fn of_session(db: &mut Db<'_>, session: &SessionId, id: &DraftId) -> Result<Draft, Error> {
    let mine = found!().filter(drafts::id.eq(id.as_str()).and(drafts::session.eq(session.as_str())));
    let found: Found = mine.first(db.connection()?)?;
    opened(db, &found)
}

/// The same, alone until the transaction ends: two confirmations follow one another.
///
/// # Errors
/// There is none, or it is another session's.
pub fn of_session_locked(tx: &mut Tx<'_>, session: &SessionId, id: &DraftId) -> Result<Draft, Error> {
    tx.connection()?.lock(&format!("draft|{id}"))?;
    of_session(tx, session, id)
}

/// The draft a citizen's screen belongs to.
///
/// # Errors
/// There is none.
pub fn of_agreement(db: &mut Db<'_>, agreement_hash: &[u8]) -> Result<Draft, Error> {
    let found: Found = found!().filter(drafts::agreement_hash.eq(agreement_hash)).first(db.connection()?)?;
    opened(db, &found)
}

/// The same, alone until the transaction ends.
///
/// # Errors
/// There is none.
pub fn of_agreement_locked(tx: &mut Tx<'_>, agreement_hash: &[u8]) -> Result<Draft, Error> {
    let found = of_agreement(tx, agreement_hash)?;
    tx.connection()?.lock(&format!("draft|{}", found.id))?;
    let draft = of_agreement(tx, agreement_hash)?;
    // Whoever is erased meanwhile agrees to nothing.
    match &draft.citizen {
        Some(citizen) if !citizens::stays(tx, citizen.id.as_str())? => Err(Error::NotFound),
        _ => Ok(draft),
    }
}

/// Hands out the secret of the citizen's screen.
///
/// # Errors
/// The database fails.
pub fn offer_agreement(tx: &mut Tx<'_>, draft: &DraftId, agreement_hash: &[u8]) -> Result<(), Error> {
    tx.update(
        diesel::update(drafts::table.find(draft.to_string())).set(drafts::agreement_hash.eq(agreement_hash.to_vec())),
    )
}

/// Writes a change of a draft.
///
/// # Errors
/// The database fails.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Draft>) -> Result<Draft, Error> {
    let draft = journal::unpack(tx, change)?;
    write(tx, &draft)?;
    Ok(draft)
}

pub(super) fn write(tx: &mut Tx<'_>, draft: &Draft) -> Result<(), Error> {
    let (mut identity, mut agreement) = (None, None);
    // What a mandate was opened with is kept with the mandate, and nowhere else.
    if let Some(person) = draft.citizen.as_ref().filter(|_| !matches!(draft.stage, Stage::Opened(_))) {
        let key = person_keys::of(tx, person.id.as_str())?;
        let bytes = identity_bytes(&person.identity)?;
        identity = Some(tx.vault.seal(&key, identity_place(draft.id.as_str()), &bytes)?);
        if let Stage::Agreed(given) = &draft.stage {
            let bytes = agreement_bytes(given)?;
            agreement = Some(tx.vault.seal(&key, agreement_place(draft.id.as_str()), &bytes)?);
        }
    }
    let (stage, mandate) = match &draft.stage {
        Stage::Started => ("started", None),
        Stage::Identified => ("identified", None),
        Stage::Agreed(_) => ("agreed", None),
        Stage::Refused => ("refused", None),
        Stage::Cancelled => ("cancelled", None),
        Stage::Opened(mandate) => ("opened", Some(mandate.to_string())),
    };
    tx.update(diesel::update(drafts::table.find(draft.id.to_string())).set((
        drafts::stage.eq(stage),
        drafts::mandate.eq(mandate),
        drafts::citizen.eq(draft.citizen.as_ref().map(|person| person.id.to_string())),
        drafts::identity.eq(identity),
        drafts::assurance.eq(draft.citizen.as_ref().map(|person| person.assurance.code())),
        drafts::agreement.eq(agreement),
    )))
}

fn agreement_bytes(given: &Agreement) -> Result<Vec<u8>, Error> {
    let stored = StoredAgreement {
        id: given.id.to_string(),
        at: given.at,
        language: given.language.code().to_owned(),
        text: given.text.clone(),
    };
    serde_json::to_vec(&stored).map_err(|_| Error::Corrupt("drafts.agreement"))
}
