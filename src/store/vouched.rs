//! Who vouches for the journal besides us: cosignatures of witnesses, timestamps of an authority. Nothing here is ever changed.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::log::{self, Published};
use super::schema::{journal_checkpoints, journal_cosignatures, journal_timestamps};
use super::{Db, Error, Tx, journal, read_back, stored};
use crate::domain::Instant;
use crate::domain::event::Event;
use crate::journal::note::Verifier;
use crate::journal::witness::cosignature;

fn number(size: u64) -> Result<i64, Error> {
    i64::try_from(size).map_err(|_| Error::Corrupt("a position"))
}

fn count(size: i64) -> Result<u64, Error> {
    u64::try_from(size).map_err(|_| Error::Corrupt("a position"))
}

/// Whom to believe about the journal besides us.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The witnesses.
    pub witnesses: Vec<Verifier>,
    /// How many of them must have cosigned.
    pub needed: usize,
    /// How long one may cosign nothing while something is signed.
    pub silence: TimeDelta,
}

/// Lines of one witness that are looked at, the last first: whoever owns the database can write some that do not hold.
const TRIED: i64 = 8;
/// Checkpoints of each witness that are looked at for enough lines, the last first.
const TRIED_CHECKPOINTS: i64 = 32;

/// The last tree that a witness cosigned, if there is one. The signature is checked anew.
///
/// # Errors
/// The database fails.
pub fn cosigned(db: &mut Db<'_>, witness: &Verifier) -> Result<Option<Published>, Error> {
    use journal_cosignatures::dsl;
    let lines: Vec<(i64, String)> = dsl::journal_cosignatures
        .filter(dsl::witness.eq(witness.name()))
        .order(dsl::size.desc())
        .limit(TRIED)
        .select((dsl::size, dsl::line))
        .load(db.connection()?)?;
    for (size, line) in lines {
        if let Some(published) = published(db, size)?
            && cosignature(&published.note, &line, witness).is_ok()
        {
            return Ok(Some(published));
        }
    }
    Ok(None)
}

/// The largest tree with fewer leaves than this one that each witness signed, in any order.
///
/// # Errors
/// The database fails.
pub fn cosigned_before(db: &mut Db<'_>, size: u64) -> Result<Vec<i64>, Error> {
    use journal_cosignatures::dsl;
    let last = dsl::journal_cosignatures.filter(dsl::size.lt(number(size)?)).group_by(dsl::witness);
    let last: Vec<Option<i64>> = last.select(diesel::dsl::max(dsl::size)).load(db.connection()?)?;
    Ok(last.into_iter().flatten().collect())
}

/// When the first tree larger than this one was signed.
///
/// # Errors
/// The database fails.
pub fn signed_after(db: &mut Db<'_>, size: u64) -> Result<Option<Instant>, Error> {
    use journal_checkpoints::dsl;
    let later = dsl::journal_checkpoints.filter(dsl::size.gt(number(size)?)).order(dsl::size).select(dsl::at);
    Ok(later.first(db.connection()?).optional()?.map(read_back))
}

/// Since when a witness has cosigned nothing of what is signed; nothing if it has cosigned all there is.
///
/// # Errors
/// The database fails.
pub fn behind_since(db: &mut Db<'_>, witness: &Verifier) -> Result<Option<Instant>, Error> {
    let size = cosigned(db, witness)?.map_or(0, |last| last.size);
    signed_after(db, size)
}

/// Keeps a cosignature. Answers the line that is there: another one, if this witness has one under this tree already.
///
/// # Errors
/// The database fails.
pub fn cosign(tx: &mut Tx<'_>, size: u64, witness: &str, line: &str) -> Result<String, Error> {
    use journal_cosignatures::dsl;
    tx.connection()?.lock("journal_cosignatures")?;
    let size = number(size)?;
    let there: Option<String> =
        dsl::journal_cosignatures.find((size, witness)).select(dsl::line).first(tx.connection()?).optional()?;
    if let Some(there) = there {
        return Ok(there);
    }
    let row = (dsl::size.eq(size), dsl::witness.eq(witness), dsl::line.eq(line));
    diesel::insert_into(dsl::journal_cosignatures).values(row).execute(tx.connection()?)?;
    Ok(line.to_owned())
}

/// How far the journal is vouched for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vouched {
    /// The tree that enough witnesses cosigned, or one that it begins: its leaves, and when it was signed.
    pub to: Option<(u64, Instant)>,
    /// The witnesses that cosigned nothing for longer than they may, and since when.
    pub silent: Vec<(String, Instant)>,
}

/// How far enough witnesses vouch for the journal, and which of them are silent.
///
/// # Errors
/// The database fails.
pub fn standing(db: &mut Db<'_>, trust: &Trust, now: Instant) -> Result<Vouched, Error> {
    let (mut reached, mut silent) = (Vec::new(), Vec::new());
    for witness in &trust.witnesses {
        let last = cosigned(db, witness)?;
        let since = signed_after(db, last.as_ref().map_or(0, |last| last.size))?;
        silent.extend(
            since.filter(|since| now - *since >= trust.silence).map(|since| (witness.name().to_owned(), since)),
        );
        reached.extend(last.map(|last| (last.size, last.at)));
    }
    reached.sort_unstable_by(|one, other| other.cmp(one));
    let to = trust.needed.checked_sub(1).and_then(|place| reached.get(place).copied());
    Ok(Vouched { to, silent })
}

/// The last tree with more than `index` leaves that at least `wanted` of the witnesses cosigned, if there is one not far below where that
/// many of them are.
///
/// # Errors
/// The database fails.
pub fn last_witnessed(db: &mut Db<'_>, trust: &Trust, wanted: usize, index: u64) -> Result<Option<Published>, Error> {
    use journal_cosignatures::dsl;
    let mut reached = Vec::new();
    for witness in &trust.witnesses {
        reached.extend(cosigned(db, witness)?.map(|last| last.size));
    }
    reached.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
    let Some(most) = wanted.checked_sub(1).and_then(|place| reached.get(place)) else { return Ok(None) };
    let (least, most) = (number(index)?, number(*most)?);
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for witness in &trust.witnesses {
        let lines = dsl::journal_cosignatures.filter(dsl::witness.eq(witness.name()));
        let near = lines.filter(dsl::size.gt(least).and(dsl::size.le(most))).order(dsl::size.desc());
        let sizes: Vec<i64> = near.limit(TRIED_CHECKPOINTS).select(dsl::size).load(db.connection()?)?;
        for size in sizes {
            *counts.entry(size).or_default() += 1;
        }
    }
    for (size, _) in counts.into_iter().rev().filter(|(_, count)| *count >= wanted) {
        let Some(published) = published(db, size)? else { continue };
        let lines = log::cosignatures(db, published.size)?.concat();
        let signed = |witness: &&Verifier| cosignature(&published.note, &lines, witness).is_ok();
        if trust.witnesses.iter().filter(signed).count() >= wanted {
            return Ok(Some(published));
        }
    }
    Ok(None)
}

fn published(db: &mut Db<'_>, size: i64) -> Result<Option<Published>, Error> {
    use journal_checkpoints::dsl;
    let row: Option<(i64, Vec<u8>, chrono::NaiveDateTime, String)> = journal_checkpoints::table
        .find(size)
        .select((dsl::size, dsl::root, dsl::at, dsl::note))
        .first(db.connection()?)
        .optional()?;
    row.map(Published::try_from).transpose()
}

/// A timestamp of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    /// Leaves of the tree.
    pub size: u64,
    /// When it was received.
    pub at: Instant,
    /// The note that it is of.
    pub note: String,
    /// The reply of the authority.
    pub reply: Vec<u8>,
}

/// The last one: its tree, and when it was received.
///
/// # Errors
/// The database fails.
pub fn last_timestamp(db: &mut Db<'_>) -> Result<Option<(u64, Instant)>, Error> {
    use journal_timestamps::dsl;
    let last = dsl::journal_timestamps.order(dsl::size.desc()).select((dsl::size, dsl::at));
    let last: Option<(i64, chrono::NaiveDateTime)> = last.first(db.connection()?).optional()?;
    last.map(|(size, at)| Ok((count(size)?, read_back(at)))).transpose()
}

/// Keeps a timestamp and the entry that says so, unless this tree has one.
///
/// # Errors
/// The database fails.
pub fn keep_timestamp(tx: &mut Tx<'_>, size: u64, reply: &[u8], event: &Event) -> Result<(), Error> {
    use journal_timestamps::dsl;
    tx.connection()?.lock("journal_timestamps")?;
    let size = number(size)?;
    let there: Option<i64> = dsl::journal_timestamps.find(size).select(dsl::size).first(tx.connection()?).optional()?;
    if there.is_none() {
        let row = (dsl::size.eq(size), dsl::at.eq(stored(event.at)), dsl::reply.eq(reply));
        diesel::insert_into(dsl::journal_timestamps).values(row).execute(tx.connection()?)?;
        journal::record(tx, event)?;
    }
    Ok(())
}

/// Timestamps of trees larger than this one, the smallest first.
///
/// # Errors
/// The database fails.
pub fn timestamps(db: &mut Db<'_>, from: u64, limit: i64) -> Result<Vec<Timestamp>, Error> {
    use journal_timestamps::dsl;
    let rows: Vec<(i64, chrono::NaiveDateTime, String, Vec<u8>)> = dsl::journal_timestamps
        .inner_join(journal_checkpoints::table.on(journal_checkpoints::size.eq(dsl::size)))
        .filter(dsl::size.gt(number(from)?))
        .order(dsl::size)
        .limit(limit)
        .select((dsl::size, dsl::at, journal_checkpoints::note, dsl::reply))
        .load(db.connection()?)?;
    rows.into_iter()
        .map(|(size, at, note, reply)| Ok(Timestamp { size: count(size)?, at: read_back(at), note, reply }))
        .collect()
}
