//! The journal's rows: written in the transaction of the fact, never changed.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;

use super::db::MultiBackend;
use super::schema::{journal_entries, journal_sealed, journal_search};
use super::vault::Place;
use super::{Db, Error, Tx, parsed, person_keys, read_back, stored};
use crate::domain::event::{Event, Journalled, Kind};
use crate::domain::id::{AccountId, CitizenId, EntryId, MandateId, OrganisationId};
use crate::domain::procedure::Procedure;
use crate::domain::{Instant, instant_text};
use crate::journal::{bundle, leaf};

/// Records a fact that changes nothing else: a sign-in, a reading, a refusal.
///
/// # Errors
/// The database fails; then the act around it is undone too.
pub fn record(tx: &mut Tx<'_>, event: &Event) -> Result<EntryId, Error> {
    let id = EntryId::new(event.at, u128::from_le_bytes(tx.random.bytes()));
    let clear = leaf::clear(&clear_fields(&id, event, &instant_text(event.at)));
    let sealed = seal(tx, &id, event)?;
    let commitment =
        sealed.as_ref().map_or(leaf::NOTHING_SEALED, |part| leaf::commitment(&part.salt, &part.ciphertext));
    if clear.len() > bundle::LONGEST_CLEAR {
        // It could never be published.
        return Err(Error::Corrupt("an entry longer than any"));
    }
    let leaf = leaf::leaf_hash(&clear, &commitment);
    let text = |id: &str| id.to_owned();
    tx.insert(diesel::insert_into(journal_entries::table).values((
        journal_entries::id.eq(id.to_string()),
        journal_entries::at.eq(stored(event.at)),
        journal_entries::kind.eq(event.kind.code()),
        journal_entries::organisation.eq(event.organisation.as_ref().map(|id| text(id.as_str()))),
        journal_entries::actor.eq(event.actor.as_ref().map(|id| text(id.as_str()))),
        journal_entries::citizen.eq(event.citizen.as_ref().map(|id| text(id.as_str()))),
        journal_entries::mandate.eq(event.mandate.as_ref().map(|id| text(id.as_str()))),
        journal_entries::client.eq(event.client.clone()),
        journal_entries::clear.eq(clear),
        journal_entries::commitment.eq(commitment.to_vec()),
        journal_entries::leaf.eq(leaf.to_vec()),
    )))?;
    if let Some(part) = sealed {
        tx.insert(diesel::insert_into(journal_sealed::table).values((
            journal_sealed::entry.eq(id.to_string()),
            journal_sealed::owner.eq(part.owner),
            journal_sealed::salt.eq(part.salt.to_vec()),
            journal_sealed::ciphertext.eq(part.ciphertext),
        )))?;
    }
    Ok(id)
}

/// The instant of the newest entry.
pub(super) fn newest(db: &mut Db<'_>) -> Result<Option<Instant>, Error> {
    let newest = journal_entries::table.order(journal_entries::id.desc()).select(journal_entries::at);
    let at: Option<chrono::NaiveDateTime> = newest.first(db.connection()?).optional()?;
    Ok(at.map(read_back))
}

/// Takes a new state apart: its facts are recorded, the state is answered for its own tables.
pub(super) fn unpack<T>(tx: &mut Tx<'_>, change: Journalled<T>) -> Result<T, Error> {
    let (value, events) = change.into_parts();
    for event in &events {
        record(tx, event)?;
    }
    Ok(value)
}

fn clear_fields<'a>(id: &'a EntryId, event: &'a Event, at: &'a str) -> BTreeMap<&'a str, &'a str> {
    let named = [
        ("actor", event.actor.as_ref().map(AccountId::as_str)),
        ("subject", event.subject.as_ref().map(AccountId::as_str)),
        ("organisation", event.organisation.as_ref().map(OrganisationId::as_str)),
        ("citizen", event.citizen.as_ref().map(CitizenId::as_str)),
        ("mandate", event.mandate.as_ref().map(MandateId::as_str)),
        ("procedure", event.procedure.map(Procedure::key)),
        ("client", event.client.as_deref()),
    ];
    let mut fields: BTreeMap<&str, &str> = event.facts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fields.extend(named.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    fields.extend([("id", id.as_str()), ("at", at), ("kind", event.kind.code())]);
    fields
}

struct Sealed {
    owner: String,
    salt: [u8; 32],
    ciphertext: Vec<u8>,
}

fn seal(tx: &mut Tx<'_>, id: &EntryId, event: &Event) -> Result<Option<Sealed>, Error> {
    let Some((owner, values)) = &event.private else { return Ok(None) };
    let fields: BTreeMap<&str, &str> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let plain = leaf::clear(&fields);
    let key = person_keys::of(tx, owner.as_str())?;
    let ciphertext = tx.vault.seal(&key, place(id.as_str()), &plain)?;
    Ok(Some(Sealed { owner: owner.as_str().to_owned(), salt: tx.random.bytes(), ciphertext }))
}

const fn place(row: &str) -> Place<'_> {
    Place { table: "journal_sealed", column: "ciphertext", row }
}

/// What a walk stops at; empty fields do not filter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Entries at or after this instant.
    pub from: Option<Instant>,
    /// Entries before this instant.
    pub until: Option<Instant>,
    /// One kind.
    pub kind: Option<Kind>,
    /// One organisation.
    pub organisation: Option<OrganisationId>,
    /// One actor.
    pub actor: Option<AccountId>,
    /// One mandate.
    pub mandate: Option<MandateId>,
}

/// An entry as a list shows it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its identifier.
    pub id: EntryId,
    /// When the fact happened.
    pub at: Instant,
    /// What happened.
    pub kind: Kind,
    /// The clear part, canonical.
    pub clear: Vec<u8>,
    /// Commitment to the sealed part.
    pub commitment: Vec<u8>,
    /// Leaf hash.
    pub leaf: Vec<u8>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = journal_entries)]
struct Row {
    id: String,
    at: chrono::NaiveDateTime,
    kind: String,
    clear: Vec<u8>,
    commitment: Vec<u8>,
    leaf: Vec<u8>,
}

impl TryFrom<Row> for Entry {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(&row.id, "journal_entries.id")?,
            at: read_back(row.at),
            kind: Kind::from_code(&row.kind).ok_or(Error::Corrupt("journal_entries.kind"))?,
            clear: row.clear,
            commitment: row.commitment,
            leaf: row.leaf,
        })
    }
}

type Matching<'q> = journal_entries::BoxedQuery<'q, MultiBackend>;

/// Entries that match, oldest first, at most `limit`, newer than `after`: a walk through the journal itself. What auditors search is
/// [`super::audit`]'s; here every entry on the way is read.
///
/// # Errors
/// The database fails.
pub fn list_forward(
    db: &mut Db<'_>,
    filter: &Filter,
    after: Option<&EntryId>,
    limit: i64,
) -> Result<Vec<Entry>, Error> {
    use journal_entries::dsl;
    let mut query = matching(filter);
    if let Some(after) = after {
        query = query.filter(dsl::id.gt(after.as_str()));
    }
    loaded(db, query.order(dsl::id.asc()).limit(limit))
}

fn loaded(db: &mut Db<'_>, query: Matching<'_>) -> Result<Vec<Entry>, Error> {
    query.select(Row::as_select()).load::<Row>(db.connection()?)?.into_iter().map(Entry::try_from).collect()
}

fn matching(filter: &Filter) -> Matching<'_> {
    use journal_entries::dsl;
    let mut query = dsl::journal_entries.into_boxed();
    // Identifiers begin with their instant: the period is a range of identifiers, and needs no index of its own.
    if let Some(from) = filter.from {
        query = query.filter(dsl::id.ge(EntryId::new(from, 0).to_string()));
    }
    if let Some(until) = filter.until {
        query = query.filter(dsl::id.lt(EntryId::new(until, 0).to_string()));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(dsl::kind.eq(kind.code()));
    }
    if let Some(organisation) = &filter.organisation {
        query = query.filter(dsl::organisation.eq(organisation.as_str()));
    }
    if let Some(actor) = &filter.actor {
        query = query.filter(dsl::actor.eq(actor.as_str()));
    }
    if let Some(mandate) = &filter.mandate {
        query = query.filter(dsl::mandate.eq(mandate.as_str()));
    }
    query
}

/// These entries, in this order; one that is not there is left out.
///
/// # Errors
/// The database fails.
pub fn of_ids(db: &mut Db<'_>, ids: &[String]) -> Result<Vec<Entry>, Error> {
    use journal_entries::dsl;
    let found = loaded(db, dsl::journal_entries.filter(dsl::id.eq_any(ids.to_vec())).into_boxed())?;
    let mut found: BTreeMap<String, Entry> = found.into_iter().map(|entry| (entry.id.to_string(), entry)).collect();
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The entries at these places of what is searched; one that is not there is left out.
///
/// # Errors
/// The database fails.
pub fn placed(db: &mut Db<'_>, places: &[i64]) -> Result<HashMap<i64, Entry>, Error> {
    let rows =
        journal_search::table.inner_join(journal_entries::table.on(journal_entries::id.eq(journal_search::entry)));
    let rows: Vec<(i64, Row)> = rows
        .filter(journal_search::n.eq_any(places))
        .select((journal_search::n, Row::as_select()))
        .load(db.connection()?)?;
    rows.into_iter().map(|(place, row)| Ok((place, row.try_into()?))).collect()
}

/// One entry.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &EntryId) -> Result<Entry, Error> {
    journal_entries::table.find(id.as_str()).select(Row::as_select()).first::<Row>(db.connection()?)?.try_into()
}

/// The sealed part of an entry, opened; nothing if it has none.
///
/// # Errors
/// The person's key is gone, or the value was altered.
pub fn sealed_part(db: &mut Db<'_>, id: &EntryId) -> Result<Option<Vec<u8>>, Error> {
    use journal_sealed::dsl;
    let row: Option<(String, Vec<u8>)> = dsl::journal_sealed
        .find(id.as_str())
        .select((dsl::owner, dsl::ciphertext))
        .first(db.connection()?)
        .optional()?;
    let Some((owner, ciphertext)) = row else { return Ok(None) };
    let key = person_keys::of(db, &owner)?;
    Ok(Some(db.vault.open(&key, place(id.as_str()), &ciphertext)?.to_vec()))
}
