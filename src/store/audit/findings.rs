//! Findings: the entry is the finding, the row says where it is.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::domain::event::Journalled;
pub use crate::domain::finding::Finding;
use crate::domain::id::{CitizenId, EntryId, FindingId};
use crate::domain::refusal::Refusal;
use crate::store::schema::findings::{self, dsl};
use crate::store::schema::{erasures, inquiries, journal_entries, mandates, signals};
use crate::store::{Db, Error, Tx, citizens, journal, parsed, read_back, stored};

type Row = (String, String, chrono::NaiveDateTime, String, String);

fn finding((id, account, at, about, entry): Row) -> Result<(Finding, EntryId), Error> {
    let finding = Finding {
        id: parsed(&id, "findings.id")?,
        account: parsed(&account, "findings.account")?,
        at: read_back(at),
        about,
    };
    Ok((finding, parsed(&entry, "findings.entry")?))
}

/// Whom a text is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// No citizen.
    Nobody,
    /// One whose data are kept, and stay until the transaction ends.
    Citizen(CitizenId),
    /// One whose data were destroyed.
    Erased,
}

impl Whom {
    /// Whose key seals what is written: a citizen's, or nobody's.
    ///
    /// # Errors
    /// Nothing is written about who was erased.
    pub fn kept(self) -> Result<Option<CitizenId>, Refusal> {
        match self {
            Self::Citizen(citizen) => Ok(Some(citizen)),
            Self::Nobody => Ok(None),
            Self::Erased => Err(Refusal::PersonErased),
        }
    }
}

/// Whom a text about something is about.
///
/// # Errors
/// The database fails.
pub fn whom(tx: &mut Tx<'_>, about: &str) -> Result<Whom, Error> {
    let Some(citizen) = behind(tx, about)? else { return Ok(Whom::Nobody) };
    if citizens::stays(tx, &citizen)? {
        return Ok(Whom::Citizen(parsed(&citizen, "citizens.id")?));
    }
    let erased: i64 = erasures::table.filter(erasures::owner.eq(&citizen)).count().get_result(tx.connection()?)?;
    Ok(if erased > 0 { Whom::Erased } else { Whom::Nobody })
}

/// The members of an entry that may lead to a citizen.
const NAMED: [&str; 8] =
    ["citizen", "mandate", "inquiry", "signal", "about", "named", "filter_citizen", "filter_mandate"];

/// The citizen behind an identifier.
fn behind(db: &mut Db<'_>, about: &str) -> Result<Option<String>, Error> {
    match about.split_once('_').map_or("", |(kind, _)| kind) {
        "cit" => Ok(Some(about.to_owned())),
        "mdt" => Ok(mandates::table.find(about).select(mandates::citizen).first(db.connection()?).optional()?),
        "inq" => Ok(inquiries::table.find(about).select(inquiries::citizen).first(db.connection()?).optional()?),
        "sig" => {
            let subject = signals::table.find(about).select(signals::subject).first::<String>(db.connection()?);
            let mandate = subject.optional()?.filter(|subject| subject.starts_with("mdt_"));
            mandate.map_or(Ok(None), |mandate| behind(db, &mandate))
        }
        "ent" => {
            let clear = journal_entries::table.find(about).select(journal_entries::clear);
            let clear: Option<Vec<u8>> = clear.first(db.connection()?).optional()?;
            let fields: BTreeMap<String, String> =
                clear.and_then(|clear| serde_json::from_slice(&clear).ok()).unwrap_or_default();
            // Whatever it names, but another entry: that would have no end.
            let named = NAMED.into_iter().filter_map(|member| fields.get(member)).flat_map(|ids| ids.split(' '));
            for id in named.filter(|id| !id.starts_with("ent_")) {
                if let Some(citizen) = behind(db, id)? {
                    return Ok(Some(citizen));
                }
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Whose acts something is about, if an account's.
///
/// # Errors
/// The database fails.
pub fn acts(db: &mut Db<'_>, about: &str) -> Result<Option<String>, Error> {
    let account = match about.split_once('_').map_or("", |(kind, _)| kind) {
        "acc" => Some(about.to_owned()),
        "sig" => signals::table.find(about).select(signals::subject).first(db.connection()?).optional()?,
        "inq" => inquiries::table.find(about).select(inquiries::asked_by).first(db.connection()?).optional()?,
        "ent" => {
            let entry = journal_entries::table.find(about).select(journal_entries::actor);
            entry.first::<Option<String>>(db.connection()?).optional()?.flatten()
        }
        _ => None,
    };
    Ok(account)
}

/// Writes a finding.
///
/// # Errors
/// The database fails.
pub fn record(tx: &mut Tx<'_>, change: Journalled<Finding>) -> Result<Finding, Error> {
    let (finding, events) = change.into_parts();
    for event in &events {
        let entry = journal::record(tx, event)?;
        diesel::insert_into(findings::table)
            .values((
                dsl::id.eq(finding.id.as_str()),
                dsl::account.eq(finding.account.as_str()),
                dsl::at.eq(stored(finding.at)),
                dsl::about.eq(&finding.about),
                dsl::entry.eq(entry.as_str()),
            ))
            .execute(tx.connection()?)?;
    }
    Ok(finding)
}

/// The newest findings with the entry that holds each, about one thing or about anything, or those older than one.
///
/// # Errors
/// The database fails.
pub fn findings(
    db: &mut Db<'_>,
    about: Option<&str>,
    after: Option<&FindingId>,
    limit: i64,
) -> Result<Vec<(Finding, EntryId)>, Error> {
    let mut query = findings::table.order(dsl::id.desc()).limit(limit).into_boxed();
    if let Some(about) = about {
        query = query.filter(dsl::about.eq(about.to_owned()));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.lt(after.as_str()));
    }
    query.load::<Row>(db.connection()?)?.into_iter().map(finding).collect()
}

/// One finding.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &FindingId) -> Result<(Finding, EntryId), Error> {
    finding(findings::table.find(id.as_str()).first::<Row>(db.connection()?)?)
}
