//! Findings: the entry is the finding, the row says where it is.

use diesel::prelude::*;

use crate::domain::event::Journalled;
pub use crate::domain::finding::Finding;
use crate::domain::id::{EntryId, FindingId};
use crate::store::schema::findings::{self, dsl};
use crate::store::{Db, Error, Tx, journal, parsed, read_back, stored};

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
