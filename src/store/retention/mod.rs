//! Carrying the retention out, batch by batch: what is due is found by its identifier, which begins with its instant.

mod passage;
mod purge;

use chrono::{Months, TimeDelta};
use diesel::prelude::*;

pub use passage::save;
pub use purge::{Over, Purged, count, purge};

use super::schema::{accounts, citizens, drafts, grants, holdings, mandates, sessions};
use super::{Db, Error, Tx, holds, parsed, read_back, stored};
use crate::domain::Instant;
use crate::domain::event::Owner;
use crate::domain::id::{AccountId, CitizenId, MandateId, OrganisationId};
use crate::domain::mandate::draft;
use crate::domain::retention::{Keeping, Kept, Stage, Subject, Verdict};

/// What one transaction looks at, at most.
const BATCH: i64 = 50;
/// A month counted back from a day may be shorter than the same one counted forward to it.
const MARGIN: TimeDelta = TimeDelta::days(4);

/// What a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Mandates, with their agreements and documents.
    Mandates,
    /// Citizens who had a mandate.
    Citizens,
    /// Citizens who identified and never had one: kept for as many days, then destroyed.
    Unserved {
        /// Days.
        days: u32,
    },
    /// Those who sign in.
    Accounts,
}

impl Data {
    /// Its name in a report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mandates => "mandates",
            Self::Citizens => "citizens",
            Self::Unserved { .. } => "citizens_without_mandate",
            Self::Accounts => "accounts",
        }
    }
}

/// What a batch did, and where the next one begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Went into the restricted archive.
    pub archived: usize,
    /// Were destroyed.
    pub destroyed: usize,
    /// Kept by a hold.
    pub held: usize,
    /// Left because something is under way.
    pub busy: usize,
    /// Accounts among them: rows of theirs went too.
    pub accounts: Vec<String>,
    /// The last one looked at; nothing if there is no more.
    pub next: Option<String>,
}

/// The identifiers of a table after another one and before an instant: still in use, or in the archive and not destroyed.
macro_rules! candidates {
    ($db:expr, $table:ident, $from:expr, $after:expr, $before:expr) => {{
        let mut query = $table::table
            .select($table::id)
            .filter($table::id.gt($after.to_owned()).and($table::id.lt($before)))
            .order($table::id)
            .limit(BATCH)
            .into_boxed();
        query = match $from {
            Stage::InUse => query.filter($table::archived_at.is_null()),
            _ => query.filter($table::destroyed_at.is_null().and($table::archived_at.is_not_null())),
        };
        query.load::<String>($db.connection()?)?
    }};
}

/// One batch: looks at what stands at `from`, from `after` on, and carries out what the periods ask for.
///
/// # Errors
/// The database fails; nothing of the batch is done then.
pub fn batch(
    tx: &mut Tx<'_>,
    data: Data,
    from: Stage,
    keeping: Keeping,
    after: Option<&str>,
    now: Instant,
) -> Result<Batch, Error> {
    let months = match from {
        Stage::InUse => keeping.in_use,
        _ => Months::new(keeping.in_use.as_u32() + keeping.archive.as_u32()),
    };
    // Nothing ended before it began, nor is anything kept from before the calendar.
    let Some(before) = now.checked_sub_months(months).map(|at| at + MARGIN) else { return Ok(Batch::default()) };
    let after = after.unwrap_or_default();
    let found: Vec<String> = match data {
        Data::Mandates => candidates!(tx, mandates, from, after, MandateId::new(before, 0).to_string()),
        Data::Citizens => candidates!(tx, citizens, from, after, CitizenId::new(before, 0).to_string()),
        Data::Accounts => candidates!(tx, accounts, from, after, AccountId::new(before, 0).to_string()),
        Data::Unserved { days } => unserved(tx, after, now - TimeDelta::days(i64::from(days)))?,
    };
    let mut batch = Batch::default();
    if i64::try_from(found.len()).is_ok_and(|found| found == BATCH) {
        batch.next = found.last().cloned();
    }
    for id in found {
        let kept = match data {
            Data::Mandates => mandate(tx, &id, now)?,
            Data::Citizens | Data::Unserved { .. } => citizen(tx, &id, data, now)?,
            Data::Accounts => account(tx, &id, now)?,
        };
        match kept.map_or(Verdict::Stays, |kept| kept.verdict(keeping, now)) {
            Verdict::Stays => {}
            Verdict::Held => batch.held += 1,
            Verdict::Busy => batch.busy += 1,
            Verdict::Goes(change) => {
                let counted =
                    if change.value().to == Stage::Destroyed { &mut batch.destroyed } else { &mut batch.archived };
                *counted += 1;
                save(tx, change, now)?;
                if data == Data::Accounts {
                    batch.accounts.push(id);
                }
            }
        }
    }
    Ok(batch)
}

fn unserved(db: &mut Db<'_>, after: &str, before: Instant) -> Result<Vec<String>, Error> {
    let served = holdings::table.filter(holdings::citizen.eq(citizens::id)).select(holdings::organisation);
    let never = citizens::table
        .filter(citizens::destroyed_at.is_null().and(citizens::archived_at.is_null()))
        .filter(citizens::id.gt(after.to_owned()).and(citizens::id.lt(CitizenId::new(before, 0).to_string())))
        .filter(diesel::dsl::not(diesel::dsl::exists(served)));
    Ok(never.select(citizens::id).order(citizens::id).limit(BATCH).load(db.connection()?)?)
}

type At = Option<chrono::NaiveDateTime>;

const fn stage(archived_at: At, destroyed_at: At) -> Stage {
    match (archived_at, destroyed_at) {
        (_, Some(_)) => Stage::Destroyed,
        (Some(_), None) => Stage::Archived,
        (None, None) => Stage::InUse,
    }
}

fn mandate(tx: &mut Tx<'_>, id: &str, now: Instant) -> Result<Option<Kept>, Error> {
    let holder: String = mandates::table.find(id).select(mandates::organisation).first(tx.connection()?)?;
    let (id, organisation): (MandateId, OrganisationId) =
        (parsed(id, "mandates.id")?, parsed(&holder, "mandates.organisation")?);
    // Alone with its citizen: a use or an ending comes before or after, never in between.
    let mandate = super::mandates::held_by_locked(tx, &organisation, &id)?;
    let at: (At, At) = mandates::table
        .find(id.as_str())
        .select((mandates::archived_at, mandates::destroyed_at))
        .first(tx.connection()?)?;
    let citizen = mandate.citizen.as_str();
    Ok(Some(Kept {
        stage: stage(at.0, at.1),
        last: mandate.last_end(),
        held: holds::is_held(tx, citizen)?,
        busy: is_busy(tx, citizen, now)?,
        subject: Subject::Mandate { id, organisation, citizen: mandate.citizen.clone() },
    }))
}

fn citizen(tx: &mut Tx<'_>, id: &str, data: Data, now: Instant) -> Result<Option<Kept>, Error> {
    let theirs = holdings::table.filter(holdings::citizen.eq(id.to_owned()));
    let holders: Vec<String> =
        theirs.clone().select(holdings::organisation).order(holdings::organisation).load(tx.connection()?)?;
    for holder in &holders {
        tx.connection()?.lock(&format!("holding|{holder}|{id}"))?;
    }
    super::citizens::lock(tx, id)?;
    // Read after the locks: another organisation may just have opened.
    let last: At = theirs.select(diesel::dsl::max(holdings::last_end)).first(tx.connection()?)?;
    let (created, archived, destroyed): (chrono::NaiveDateTime, At, At) = citizens::table
        .find(id)
        .select((citizens::created_at, citizens::archived_at, citizens::destroyed_at))
        .first(tx.connection()?)?;
    let last = match (data, last) {
        (Data::Unserved { .. }, None) => created,
        (Data::Citizens, Some(last)) => last,
        _ => return Ok(None),
    };
    Ok(Some(Kept {
        subject: Subject::Person(Owner::Citizen(parsed(id, "citizens.id")?)),
        stage: stage(archived, destroyed),
        last: read_back(last),
        held: holds::is_held(tx, id)?,
        busy: is_busy(tx, id, now)?,
    }))
}

/// Whether an opening, a code or a token is under way for a citizen.
fn is_busy(db: &mut Db<'_>, citizen: &str, now: Instant) -> Result<bool, Error> {
    let code = grants::code_used_at.is_null().and(grants::code_expires_at.gt(stored(now)));
    let token = grants::token_used_at.is_null().and(grants::token_expires_at.gt(stored(now)).assume_not_null());
    let given: i64 = grants::table
        .filter(grants::citizen.eq(citizen).and(grants::revoked_at.is_null()))
        .filter(code.or(token))
        .count()
        .get_result(db.connection()?)?;
    let opening: i64 = drafts::table
        .filter(drafts::citizen.eq(citizen).and(drafts::created_at.gt(stored(now - draft::LIFE))))
        .filter(drafts::stage.eq_any(["identified", "agreed"]))
        .count()
        .get_result(db.connection()?)?;
    Ok(given + opening > 0)
}

fn account(tx: &mut Tx<'_>, id: &str, now: Instant) -> Result<Option<Kept>, Error> {
    super::citizens::lock(tx, id)?;
    let (created, contact, archived, destroyed): (chrono::NaiveDateTime, At, At, At) = accounts::table
        .find(id)
        .select((accounts::created_at, accounts::contact_at, accounts::archived_at, accounts::destroyed_at))
        .first(tx.connection()?)?;
    let open: i64 = sessions::table
        .filter(sessions::account.eq(id).and(sessions::ended_at.is_null()))
        .filter(sessions::expires_at.gt(stored(now)))
        .count()
        .get_result(tx.connection()?)?;
    Ok(Some(Kept {
        subject: Subject::Person(Owner::Account(parsed(id, "accounts.id")?)),
        stage: stage(archived, destroyed),
        last: read_back(contact.unwrap_or(created)),
        held: holds::is_held(tx, id)?,
        busy: open > 0,
    }))
}
