//! Requests to erase somebody before their time, and what carries a decision out.

use diesel::prelude::*;

use super::schema::{erasure_requests as requests, holdings};
use super::{Db, Error, Tx, citizens, journal, mandates, parsed, read_back, retention, stored};
use crate::domain::Instant;
use crate::domain::erasure::{Approved, Decided, Decision, LIFE, Request};
use crate::domain::event::Journalled;
use crate::domain::id::{AccountId, CitizenId, ErasureId, OrganisationId};
use crate::domain::mandate::revoke::Reason;
use crate::domain::officer::Officer;

type Row = (
    String,
    String,
    String,
    String,
    String,
    chrono::NaiveDateTime,
    Option<String>,
    Option<String>,
    Option<chrono::NaiveDateTime>,
);

fn read(
    (id, citizen, ground, asked_by, asked_in, asked_at, decision, decided_by, decided_at): Row,
) -> Result<Request, Error> {
    let decided = match (decision, decided_at) {
        (Some(code), Some(at)) => {
            let decision = Decision::ALL.into_iter().find(|one| one.code() == code);
            let decision = decision.ok_or(Error::Corrupt("erasure_requests.decision"))?;
            let by = decided_by.map(|id| parsed(&id, "erasure_requests.decided_by")).transpose()?;
            Some(Decided { decision, at: read_back(at), by })
        }
        _ => None,
    };
    Ok(Request {
        id: parsed(&id, "erasure_requests.id")?,
        citizen: parsed(&citizen, "erasure_requests.citizen")?,
        ground: parsed(&ground, "erasure_requests.ground")?,
        asked_by: parsed(&asked_by, "erasure_requests.asked_by")?,
        asked_in: parsed(&asked_in, "erasure_requests.asked_in")?,
        asked_at: read_back(asked_at),
        decided,
    })
}

/// Writes a new request.
///
/// # Errors
/// [`Error::Conflict`] if one about this citizen waits already.
pub fn ask(tx: &mut Tx<'_>, change: Journalled<Request>) -> Result<Request, Error> {
    let request = journal::unpack(tx, change)?;
    diesel::insert_into(requests::table)
        .values((
            requests::id.eq(request.id.as_str()),
            requests::citizen.eq(request.citizen.as_str()),
            requests::ground.eq(request.ground.code()),
            requests::asked_by.eq(request.asked_by.as_str()),
            requests::asked_in.eq(request.asked_in.as_str()),
            requests::asked_at.eq(stored(request.asked_at)),
        ))
        .execute(tx.connection()?)?;
    Ok(request)
}

/// Writes what became of a request.
///
/// # Errors
/// [`Error::Conflict`] if something became of it in the meantime.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Request>) -> Result<Request, Error> {
    let request = journal::unpack(tx, change)?;
    let Some(Decided { decision, at, by }) = &request.decided else { return Ok(request) };
    let changed = diesel::update(requests::table.find(request.id.as_str()).filter(requests::decided_at.is_null()))
        .set((
            requests::decision.eq(decision.code()),
            requests::decided_by.eq(by.as_ref().map(AccountId::as_str)),
            requests::decided_at.eq(stored(*at)),
        ))
        .execute(tx.connection()?)?;
    if changed == 1 { Ok(request) } else { Err(Error::Conflict) }
}

/// Carries a decision out: what still runs is stopped, and the person is destroyed.
///
/// # Errors
/// The database fails.
pub fn carry_out(tx: &mut Tx<'_>, approved: Approved, officer: &Officer, now: Instant) -> Result<Request, Error> {
    let Approved { request, passage, reason } = approved;
    let request = save(tx, request)?;
    stop(tx, &request.citizen, Some(&officer.account().id), reason, now)?;
    retention::save(tx, passage, now)?;
    Ok(request)
}

/// Ends every mandate of a citizen that still runs: codes and tokens given for them are worth nothing, because both are read again with
/// the mandate. Their rows are left alone: a use holds its own before it waits for the mandate.
pub(super) fn stop(
    tx: &mut Tx<'_>,
    citizen: &CitizenId,
    by: Option<&AccountId>,
    reason: Reason,
    now: Instant,
) -> Result<(), Error> {
    for holder in holders(tx, citizen)? {
        for mandate in mandates::holding_locked(tx, &holder, citizen)? {
            mandates::save(tx, mandate.erased(by, reason, now))?;
        }
    }
    Ok(())
}

fn holders(db: &mut Db<'_>, citizen: &CitizenId) -> Result<Vec<OrganisationId>, Error> {
    let theirs = holdings::table.filter(holdings::citizen.eq(citizen.as_str())).select(holdings::organisation);
    let found: Vec<String> = theirs.order(holdings::organisation).load(db.connection()?)?;
    found.iter().map(|id| parsed(id, "holdings.organisation")).collect()
}

/// One request.
///
/// # Errors
/// There is none.
pub fn find(db: &mut Db<'_>, id: &ErasureId) -> Result<Request, Error> {
    read(requests::table.find(id.as_str()).first(db.connection()?)?)
}

/// The same, alone with its citizen until the transaction ends.
///
/// # Errors
/// There is none.
pub fn find_locked(tx: &mut Tx<'_>, id: &ErasureId) -> Result<Request, Error> {
    let citizen = find(tx, id)?.citizen;
    // What organisations hold comes first, then the person: an opening takes them in this order too.
    for holder in holders(tx, &citizen)? {
        mandates::holding_locked(tx, &holder, &citizen)?;
    }
    citizens::lock(tx, citizen.as_str())?;
    find(tx, id)
}

/// Whether one about this citizen waits.
///
/// # Errors
/// The database fails.
pub fn is_waiting(db: &mut Db<'_>, citizen: &CitizenId) -> Result<bool, Error> {
    let waiting = requests::table.filter(requests::citizen.eq(citizen.as_str()).and(requests::decided_at.is_null()));
    Ok(waiting.count().get_result::<i64>(db.connection()?)? > 0)
}

/// Requests older than `after`, the latest first.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, after: Option<&ErasureId>, limit: usize) -> Result<Vec<Request>, Error> {
    let mut query = requests::table.order(requests::id.desc()).limit(super::rows(limit)).into_boxed();
    if let Some(after) = after {
        query = query.filter(requests::id.lt(after.as_str().to_owned()));
    }
    query.load::<Row>(db.connection()?)?.into_iter().map(read).collect()
}

/// Ends the requests that nobody decided in time, of one citizen or of all, at most a hundred; answers how many.
///
/// # Errors
/// The database fails.
pub fn expire(tx: &mut Tx<'_>, citizen: Option<&CitizenId>, now: Instant) -> Result<usize, Error> {
    let old = requests::decided_at.is_null().and(requests::asked_at.le(stored(now - LIFE)));
    let mut query = requests::table.filter(old).order(requests::id).limit(100).into_boxed();
    if let Some(citizen) = citizen {
        query = query.filter(requests::citizen.eq(citizen.as_str().to_owned()));
    }
    let over = query.load::<Row>(tx.connection()?)?;
    let mut many = 0;
    for row in over {
        if let Some(expired) = read(row)?.expire(now) {
            save(tx, expired)?;
            many += 1;
        }
    }
    Ok(many)
}
