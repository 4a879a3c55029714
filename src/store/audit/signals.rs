//! Signals: looked for a day at a time once the day is over, kept, sent to the organisation, answered.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use super::{Field, Part, Search, page};
use crate::domain::event::{Journalled, Kind};
use crate::domain::id::{AccountId, EntryId, OrganisationId, SignalId};
use crate::domain::signal::{self, Fact, Found, Signal, Thresholds};
use crate::domain::{Instant, civil};
use crate::store::journal::{self, Entry};
use crate::store::schema::journal_digest;
use crate::store::schema::signals::{self, dsl};
use crate::store::vouched::Trust;
use crate::store::{Db, Error, Store, Tx, organisations, parsed, read_back, stored};

/// Entries of one kind, organisation and day that the rules look at.
const LOOKED_AT: i64 = 5_000;
/// Organisations in one transaction.
const TOGETHER: i64 = 50;

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

/// Looks at every day that is over, fully searchable and not yet looked at; at most `days` of them. Answers how many signals there are.
///
/// # Errors
/// The database fails.
pub async fn raise_due(store: &Store, limits: Thresholds, now: Instant, days: usize) -> Result<usize, Error> {
    let mut raised = 0;
    for _ in 0..days {
        let Some(day) = store.read(move |db| due(db, now)).await? else { break };
        raised += look_at_a_day(store, day, limits, now).await?;
        store
            .write(move |tx| {
                let done = journal_digest::signals_day.eq(day);
                diesel::update(journal_digest::table).set(done).execute(tx.connection()?).map(drop).map_err(Error::from)
            })
            .await?;
    }
    Ok(raised)
}

/// The next day to look at: the one before today at first, then each after the last.
fn due(db: &mut Db<'_>, now: Instant) -> Result<Option<i32>, Error> {
    let last: Option<i32> = journal_digest::table.select(journal_digest::signals_day).first(db.connection()?)?;
    let yesterday = civil::day(now, civil::FIGURES) - 1;
    let day = last.map_or(yesterday, |last| last + 1);
    let over = civil::begins(day + 1, civil::FIGURES);
    let searched = super::coverage(db, &Trust::default(), now)?;
    // The copy reaches beyond the day, or to the newest entry: identifiers hold milliseconds.
    let reached = |at: Instant, to: Instant| to >= over || to.timestamp_millis() >= at.timestamp_millis();
    let pending = searched.newest.is_some_and(|(_, at)| searched.searched_to.is_none_or(|to| !reached(at, to)));
    Ok((day <= yesterday && !pending).then_some(day))
}

/// Looks at one day of every organisation; what is found is kept once, however often a day is looked at.
///
/// # Errors
/// The database fails.
pub async fn look_at_a_day(store: &Store, day: i32, limits: Thresholds, now: Instant) -> Result<usize, Error> {
    let (mut raised, mut after) = (0, None);
    loop {
        let from: Option<OrganisationId> = after.take();
        let (found, last) = store
            .write(move |tx| {
                let organisations = organisations::list(tx, from.as_ref(), TOGETHER)?;
                let mut found = 0;
                for one in &organisations {
                    found += look(tx, &one.id, one.zone.parse().unwrap_or(civil::FIGURES), day, &limits, now)?;
                }
                Ok::<_, Error>((found, organisations.into_iter().last()))
            })
            .await?;
        raised += found;
        let Some(last) = last else { return Ok(raised) };
        after = Some(last.id);
    }
}

fn look(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    zone: chrono_tz::Tz,
    day: i32,
    limits: &Thresholds,
    now: Instant,
) -> Result<usize, Error> {
    let mut facts = Vec::new();
    for kind in [Kind::MandateOpened, Kind::Use, Kind::UseRefused] {
        facts.extend(of_a_day(tx, organisation, kind, day, day)?);
    }
    facts.sort_by_key(|fact| fact.at);
    let mut found: Vec<(i32, Found)> = Vec::new();
    found.extend(signal::of_a_day(&facts, zone, limits).into_iter().map(|one| (day, one)));
    let outcome_days = i32::try_from(limits.outcome_days).unwrap_or(i32::MAX);
    let earlier = day.saturating_sub(outcome_days);
    let uses = of_a_day(tx, organisation, Kind::Use, earlier, earlier)?;
    if !uses.is_empty() {
        let said = of_a_day(tx, organisation, Kind::OutcomeRecorded, earlier, day)?;
        let said: BTreeSet<String> = said.into_iter().filter_map(|fact| fact.used).collect();
        found.extend(signal::without_outcome(&uses, &said).into_iter().map(|one| (earlier, one)));
    }
    let mut raised = 0;
    for (day, one) in found {
        raised += usize::from(raise(tx, organisation, day, one, limits, now)?);
    }
    Ok(raised)
}

fn of_a_day(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    kind: Kind,
    first: i32,
    last: i32,
) -> Result<Vec<Fact>, Error> {
    let search = Search {
        from: Some(civil::begins(first, civil::FIGURES)),
        until: Some(civil::begins(last.saturating_add(1), civil::FIGURES)),
        with: BTreeMap::from([(Field::Organisation, organisation.to_string()), (Field::Kind, kind.code().to_owned())]),
    };
    let (mut facts, mut after) = (Vec::new(), None);
    loop {
        let found = page(db, &search, &Part::Forward(after.take()), LOOKED_AT)?;
        facts.extend(found.iter().map(fact));
        // One that is missed would accuse somebody, or nobody.
        match found.last() {
            Some(last) if i64::try_from(found.len()).is_ok_and(|count| count == LOOKED_AT) => {
                after = Some(last.id.clone());
            }
            _ => return Ok(facts),
        }
    }
}

fn fact(entry: &Entry) -> Fact {
    let mut clear: BTreeMap<String, String> = serde_json::from_slice(&entry.clear).unwrap_or_default();
    let mut take = |name: &str| clear.remove(name);
    Fact {
        kind: entry.kind,
        at: entry.at,
        actor: take("actor").and_then(|id| id.parse().ok()),
        mandate: take("mandate").and_then(|id| id.parse().ok()),
        used: take("use"),
    }
}

fn raise(
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
