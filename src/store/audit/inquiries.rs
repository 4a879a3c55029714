//! Inquiries: who asked whom a pseudonym stands for, and what came of it.

use diesel::prelude::*;

use crate::domain::event::Journalled;
use crate::domain::id::{AccountId, EntryId, InquiryId};
use crate::domain::inquiry::{Decision, Inquiry};
use crate::store::schema::inquiries::{self, dsl};
use crate::store::{Db, Error, Tx, citizens, journal, parsed, read_back, stored};

#[derive(Queryable)]
struct Row {
    id: String,
    citizen: String,
    asked_by: String,
    asked_at: chrono::NaiveDateTime,
    ground: String,
    entry: String,
    decided_by: Option<String>,
    decided_at: Option<chrono::NaiveDateTime>,
    approved: Option<bool>,
}

/// An inquiry, and the entry whose sealed part says why.
pub type Asked = (Inquiry, EntryId);

impl TryFrom<Row> for Asked {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let decision = match (row.decided_by, row.decided_at, row.approved) {
            (Some(by), Some(at), Some(approved)) => {
                Some(Decision { by: parsed(&by, "inquiries.decided_by")?, at: read_back(at), approved })
            }
            _ => None,
        };
        let inquiry = Inquiry {
            id: parsed(&row.id, "inquiries.id")?,
            citizen: parsed(&row.citizen, "inquiries.citizen")?,
            asked_by: parsed(&row.asked_by, "inquiries.asked_by")?,
            asked_at: read_back(row.asked_at),
            ground: parsed(&row.ground, "inquiries.ground")?,
            decision,
        };
        Ok((inquiry, parsed(&row.entry, "inquiries.entry")?))
    }
}

/// Writes a new inquiry. A pseudonym of nobody is not asked about, and nobody is erased meanwhile.
///
/// # Errors
/// There is no such citizen.
pub fn ask(tx: &mut Tx<'_>, change: Journalled<Inquiry>) -> Result<Inquiry, Error> {
    let (inquiry, events) = change.into_parts();
    if !citizens::stays(tx, inquiry.citizen.as_str())? {
        return Err(Error::NotFound);
    }
    let mut entry = None;
    for event in &events {
        entry = Some(journal::record(tx, event)?);
    }
    let entry = entry.ok_or(Error::Corrupt("inquiries.entry"))?;
    diesel::insert_into(inquiries::table)
        .values((
            dsl::id.eq(inquiry.id.as_str()),
            dsl::citizen.eq(inquiry.citizen.as_str()),
            dsl::asked_by.eq(inquiry.asked_by.as_str()),
            dsl::asked_at.eq(stored(inquiry.asked_at)),
            dsl::ground.eq(inquiry.ground.code()),
            dsl::entry.eq(entry.as_str()),
        ))
        .execute(tx.connection()?)?;
    Ok(inquiry)
}

/// Writes a decision, once.
///
/// # Errors
/// [`Error::Conflict`] if somebody else decided in the meantime.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Inquiry>) -> Result<Inquiry, Error> {
    let inquiry = journal::unpack(tx, change)?;
    let decision = inquiry.decision.as_ref();
    let changed = diesel::update(inquiries::table.find(inquiry.id.as_str()).filter(dsl::decided_at.is_null()))
        .set((
            dsl::decided_by.eq(decision.map(|one| one.by.as_str())),
            dsl::decided_at.eq(decision.map(|one| stored(one.at))),
            dsl::approved.eq(decision.map(|one| one.approved)),
        ))
        .execute(tx.connection()?)?;
    if changed == 1 { Ok(inquiry) } else { Err(Error::Conflict) }
}

/// One inquiry.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &InquiryId) -> Result<Asked, Error> {
    inquiries::table.find(id.as_str()).first::<Row>(db.connection()?)?.try_into()
}

/// One inquiry, alone with it until the transaction ends.
///
/// # Errors
/// There is none.
pub fn find_locked(tx: &mut Tx<'_>, id: &InquiryId) -> Result<Asked, Error> {
    tx.connection()?.lock(&format!("inquiry|{id}"))?;
    find(tx, id)
}

/// The newest inquiries, or those older than one; of one auditor, or of all.
///
/// # Errors
/// The database fails.
pub fn list(
    db: &mut Db<'_>,
    asked_by: Option<&AccountId>,
    after: Option<&InquiryId>,
    limit: i64,
) -> Result<Vec<Asked>, Error> {
    let mut query = inquiries::table.order(dsl::id.desc()).limit(limit).into_boxed();
    if let Some(account) = asked_by {
        query = query.filter(dsl::asked_by.eq(account.as_str()));
    }
    if let Some(after) = after {
        query = query.filter(dsl::id.lt(after.as_str()));
    }
    query.load::<Row>(db.connection()?)?.into_iter().map(Asked::try_from).collect()
}
