//! Signals: kept, sent to the organisation, answered.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::domain::Instant;
use crate::domain::event::Journalled;
use crate::domain::id::{AccountId, EntryId, OrganisationId, SignalId};
use crate::domain::signal::{self, Found, Signal, Thresholds};
use crate::store::journal;
use crate::store::schema::signals::{self, dsl};
use crate::store::{Db, Error, Tx, parsed, read_back, stored};

#[derive(Queryable)]
struct Row {
    id: String,
    rule: String,
    organisation: String,
    subject: String,
    day: i32,
    times: i32,
    first_at: chrono::NaiveDateTime,
    last_at: chrono::NaiveDateTime,
    raised_at: chrono::NaiveDateTime,
    answer_until: chrono::NaiveDateTime,
    answered_at: Option<chrono::NaiveDateTime>,
    answered_by: Option<String>,
    answer_entry: Option<String>,
}

/// A signal, and the entry whose sealed part is the answer.
pub type Answered = (Signal, Option<EntryId>);

impl TryFrom<Row> for Answered {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self, Error> {
        let answered = match (row.answered_at, row.answered_by) {
            (Some(at), Some(by)) => Some((read_back(at), parsed(&by, "signals.answered_by")?)),
            _ => None,
        };
        let signal = Signal {
            id: parsed(&row.id, "signals.id")?,
            organisation: parsed(&row.organisation, "signals.organisation")?,
            day: row.day,
            found: Found {
                rule: parsed(&row.rule, "signals.rule")?,
                subject: row.subject,
                times: u32::try_from(row.times).unwrap_or(0),
                first: read_back(row.first_at),
                last: read_back(row.last_at),
            },
            raised_at: read_back(row.raised_at),
            answer_until: read_back(row.answer_until),
            answered,
        };
        let entry = row.answer_entry.map(|id| parsed(&id, "signals.answer_entry")).transpose()?;
        Ok((signal, entry))
    }
}

pub(super) type Said = BTreeMap<(signal::Rule, String), (Instant, Instant)>;

/// What was found on a day.
pub(super) fn said(db: &mut Db<'_>, organisation: &OrganisationId, day: i32) -> Result<Said, Error> {
    let rows = dsl::signals.filter(dsl::organisation.eq(organisation.as_str()).and(dsl::day.eq(day)));
    let rows: Vec<Row> = rows.load(db.connection()?)?;
    let found = rows.into_iter().map(|row| Answered::try_from(row).map(|(signal, _)| signal.found));
    found.map(|found| found.map(|one| ((one.rule, one.subject), (one.first, one.last)))).collect()
}

/// Raises one, unless it was said of that day already.
pub(super) fn raise(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    day: i32,
    found: Found,
    limits: &Thresholds,
    now: Instant,
) -> Result<bool, Error> {
    tx.connection()?.lock(&format!("signals|{organisation}"))?;
    let same = dsl::signals
        .filter(dsl::organisation.eq(organisation.as_str()).and(dsl::rule.eq(found.rule.code())))
        .filter(dsl::subject.eq(&found.subject).and(dsl::day.eq(day)))
        .select(dsl::id)
        .first::<String>(tx.connection()?)
        .optional()?;
    if same.is_some() {
        return Ok(false);
    }
    let id = SignalId::new(now, u128::from_le_bytes(tx.random.bytes()));
    let signal = journal::unpack(tx, Signal::raise(id, organisation.clone(), day, found, limits, now))?;
    diesel::insert_into(signals::table)
        .values((
            dsl::id.eq(signal.id.as_str()),
            dsl::rule.eq(signal.found.rule.code()),
            dsl::organisation.eq(signal.organisation.as_str()),
            dsl::subject.eq(&signal.found.subject),
            dsl::day.eq(day),
            dsl::times.eq(i32::try_from(signal.found.times).unwrap_or(i32::MAX)),
            dsl::first_at.eq(stored(signal.found.first)),
            dsl::last_at.eq(stored(signal.found.last)),
            dsl::raised_at.eq(stored(signal.raised_at)),
            dsl::answer_until.eq(stored(signal.answer_until)),
        ))
        .execute(tx.connection()?)?;
    Ok(true)
}

/// Whose list of signals.
#[derive(Debug, Clone)]
pub enum Seen {
    /// The organisation's own: all of them.
    By(OrganisationId),
    /// The auditors': those answered, and those whose time to answer is over at this instant.
    ByAuditors(Instant),
}

/// The newest signals, or those older than one.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, seen: &Seen, after: Option<&SignalId>, limit: i64) -> Result<Vec<Answered>, Error> {
    let mut query = signals::table.order(dsl::id.desc()).limit(limit).into_boxed();
    query = match seen {
        Seen::By(organisation) => query.filter(dsl::organisation.eq(organisation.to_string())),
        Seen::ByAuditors(now) => query.filter(dsl::answered_at.is_not_null().or(dsl::answer_until.le(stored(*now)))),
    };
    if let Some(after) = after {
        query = query.filter(dsl::id.lt(after.to_string()));
    }
    query.load::<Row>(db.connection()?)?.into_iter().map(Answered::try_from).collect()
}

/// One signal.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &SignalId) -> Result<Answered, Error> {
    signals::table.find(id.as_str()).first::<Row>(db.connection()?)?.try_into()
}

/// One signal, alone with it until the transaction ends.
///
/// # Errors
/// There is none.
pub fn find_locked(tx: &mut Tx<'_>, id: &SignalId) -> Result<Answered, Error> {
    tx.connection()?.lock(&format!("signal|{id}"))?;
    find(tx, id)
}

/// Writes the answer, once.
///
/// # Errors
/// [`Error::Conflict`] if somebody else answered in the meantime.
pub fn answer(tx: &mut Tx<'_>, change: Journalled<Signal>) -> Result<Signal, Error> {
    let (signal, events) = change.into_parts();
    let mut entry = None;
    for event in &events {
        entry = Some(journal::record(tx, event)?.to_string());
    }
    let (at, by): (Option<Instant>, Option<AccountId>) = signal.answered.clone().unzip();
    let changed = diesel::update(signals::table.find(signal.id.as_str()).filter(dsl::answered_at.is_null()))
        .set((
            dsl::answered_at.eq(at.map(stored)),
            dsl::answered_by.eq(by.map(|by| by.to_string())),
            dsl::answer_entry.eq(entry),
        ))
        .execute(tx.connection()?)?;
    if changed == 1 { Ok(signal) } else { Err(Error::Conflict) }
}
