//! Looking for what asks for an explanation: a day at a time, once it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::signals::{raise, said};
use super::{Field, Part, Search, page};
use crate::domain::event::Kind;
use crate::domain::id::OrganisationId;
use crate::domain::signal::{self, Day, Fact, Found, Thresholds};
use crate::domain::{Instant, civil};
use crate::store::journal::Entry;
use crate::store::outbox::{self, Message};
use crate::store::schema::journal_digest;
use crate::store::vouched::Trust;
use crate::store::{Db, Error, Store, Tx, accounts, organisations};

/// Entries of one kind, organisation and day that the rules look at.
const LOOKED_AT: i64 = 5_000;
/// People of an organisation that are written to.
const TOLD: i64 = 20;
/// Organisations in one transaction.
const TOGETHER: i64 = 50;

/// What an organisation is written about questions to be answered until an instant: the subject and the text.
pub type Letter = Arc<dyn Fn(Instant) -> (String, String) + Send + Sync>;

/// Looks at every day that is over, fully searchable and not yet looked at; at most `days` of them. Answers how many signals there are.
///
/// # Errors
/// The database fails.
pub async fn raise_due(
    store: &Store,
    limits: Thresholds,
    letter: Letter,
    now: Instant,
    days: usize,
) -> Result<usize, Error> {
    let mut raised = 0;
    for _ in 0..days {
        let Some(day) = store.read(move |db| due(db, now)).await? else { break };
        raised += look_at_a_day(store, day, limits, letter.clone(), now).await?;
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

/// Looks at one day of every organisation; what is found is kept once, however often a day is looked at. Who answers for an organisation
/// is written to.
///
/// # Errors
/// The database fails.
pub async fn look_at_a_day(
    store: &Store,
    day: i32,
    limits: Thresholds,
    letter: Letter,
    now: Instant,
) -> Result<usize, Error> {
    let (mut raised, mut after) = (0, None);
    loop {
        let (from, letter): (Option<OrganisationId>, _) = (after.take(), letter.clone());
        let (found, last) = store
            .write(move |tx| {
                let organisations = organisations::list(tx, from.as_ref(), TOGETHER)?;
                let mut found = 0;
                for one in &organisations {
                    let raised = look(tx, &one.id, one.zone.parse().unwrap_or(civil::FIGURES), day, &limits, now)?;
                    // Nobody of one that is suspended could read it.
                    if !raised.is_empty() && one.suspended_at.is_none() {
                        tell(tx, &one.id, &raised, letter(now + limits.answer_time()), now)?;
                    }
                    found += raised.len();
                }
                Ok::<_, Error>((found, organisations.into_iter().last()))
            })
            .await?;
        raised += found;
        let Some(last) = last else { return Ok(raised) };
        after = Some(last.id);
    }
}

/// Writes to who answers for an organisation.
fn tell(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    subjects: &[String],
    (subject, text): (String, String),
    now: Instant,
) -> Result<(), Error> {
    // Whoever all of it is about does not answer.
    let without =
        subjects.first().filter(|first| subjects.iter().all(|one| one == *first)).cloned().unwrap_or_default();
    for account in accounts::answerable(tx, organisation, &without, TOLD)? {
        let message = Message { to: account.email.to_string(), subject: subject.clone(), text: text.clone() };
        outbox::put(tx, &account.id, &message, now)?;
    }
    Ok(())
}

/// Raises what a day asks; answers what each of it is about.
fn look(
    tx: &mut Tx<'_>,
    organisation: &OrganisationId,
    zone: chrono_tz::Tz,
    day: i32,
    limits: &Thresholds,
    now: Instant,
) -> Result<Vec<String>, Error> {
    let begins = |day: i32| civil::begins(day, civil::FIGURES);
    let (begun, over) = (begins(day), begins(day.saturating_add(1)));
    let mut facts = Vec::new();
    for kind in [Kind::MandateOpened, Kind::Use, Kind::UseRefused] {
        facts.extend(happened(tx, organisation, kind, begun - limits.lead(), over)?);
    }
    facts.sort_by_key(|fact| fact.at);
    let looked_at = Day { begins: begun, zone, said: said(tx, organisation, day.saturating_sub(1))? };
    let mut found: Vec<(i32, Found)> = Vec::new();
    found.extend(signal::of_a_day(&facts, &looked_at, limits).into_iter().map(|one| (day, one)));
    let outcome_days = i32::try_from(limits.outcome_days).unwrap_or(i32::MAX);
    let earlier = day.saturating_sub(outcome_days);
    let uses = happened(tx, organisation, Kind::Use, begins(earlier), begins(earlier.saturating_add(1)))?;
    if !uses.is_empty() {
        let said = happened(tx, organisation, Kind::OutcomeRecorded, begins(earlier), over)?;
        let said: BTreeSet<String> = said.into_iter().filter_map(|fact| fact.used).collect();
        found.extend(signal::without_outcome(&uses, &said).into_iter().map(|one| (earlier, one)));
    }
    let today = within(organisation, Kind::PhoneRecorded, begun, over);
    if !page(tx, &today, &Part::First, 1)?.is_empty() {
        let since = begun - TimeDelta::days(i64::from(limits.phone_days) - 1);
        let recorded = happened(tx, organisation, Kind::PhoneRecorded, since, over)?;
        found.extend(signal::shared_phones(&recorded, begun, limits).into_iter().map(|one| (day, one)));
    }
    let mut raised = Vec::new();
    for (day, one) in found {
        let about = one.subject.clone();
        if raise(tx, organisation, day, one, limits, now)? {
            raised.push(about);
        }
    }
    Ok(raised)
}

fn within(organisation: &OrganisationId, kind: Kind, from: Instant, until: Instant) -> Search {
    Search {
        from: Some(from),
        until: Some(until),
        with: BTreeMap::from([(Field::Organisation, organisation.to_string()), (Field::Kind, kind.code().to_owned())]),
    }
}

fn happened(
    db: &mut Db<'_>,
    organisation: &OrganisationId,
    kind: Kind,
    from: Instant,
    until: Instant,
) -> Result<Vec<Fact>, Error> {
    let search = within(organisation, kind, from, until);
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
        phone: take("phone"),
        citizen: take("citizen"),
    }
}
