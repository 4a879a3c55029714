//! Holds: whose data stay, whatever else is decided.

use diesel::prelude::*;

use super::schema::{accounts, citizens, holds};
use super::{Db, Error, Tx, journal, parsed, read_back, stored};
use crate::domain::erasure::{Hold, Standing};
use crate::domain::event::{Journalled, Owner};
use crate::domain::id::HoldId;

type Row = (String, String, String, String, chrono::NaiveDateTime, Option<String>, Option<chrono::NaiveDateTime>);

fn read((id, person, ground, set_by, set_at, lifted_by, lifted_at): Row) -> Result<Hold, Error> {
    Ok(Hold {
        id: parsed(&id, "holds.id")?,
        person: owner(&person)?,
        ground: parsed(&ground, "holds.ground")?,
        set_by: parsed(&set_by, "holds.set_by")?,
        set_at: read_back(set_at),
        lifted: match (lifted_by, lifted_at) {
            (Some(by), Some(at)) => Some((parsed(&by, "holds.lifted_by")?, read_back(at))),
            _ => None,
        },
    })
}

/// Whose identifier it is.
pub(super) fn owner(text: &str) -> Result<Owner, Error> {
    text.parse().map(Owner::Citizen).or_else(|_| parsed(text, "an owner").map(Owner::Account))
}

/// Whether a hold keeps a person's data.
pub(super) fn is_held(db: &mut Db<'_>, person: &str) -> Result<bool, Error> {
    let set = holds::table.filter(holds::person.eq(person).and(holds::lifted_at.is_null()));
    Ok(set.count().get_result::<i64>(db.connection()?)? > 0)
}

/// What is known of a person where a hold or an erasure is decided; nothing if there is nobody.
///
/// # Errors
/// The database fails.
pub fn standing(db: &mut Db<'_>, person: &Owner) -> Result<Option<Standing>, Error> {
    let destroyed: Option<Option<chrono::NaiveDateTime>> = match person {
        Owner::Citizen(id) => {
            citizens::table.find(id.as_str()).select(citizens::destroyed_at).first(db.connection()?).optional()?
        }
        Owner::Account(id) => {
            accounts::table.find(id.as_str()).select(accounts::destroyed_at).first(db.connection()?).optional()?
        }
    };
    let Some(destroyed) = destroyed else { return Ok(None) };
    Ok(Some(Standing { destroyed: destroyed.is_some(), held: is_held(db, person.as_str())? }))
}

/// The same, alone with the person until the transaction ends.
///
/// # Errors
/// The database fails.
pub fn standing_locked(tx: &mut Tx<'_>, person: &Owner) -> Result<Option<Standing>, Error> {
    super::citizens::lock(tx, person.as_str())?;
    standing(tx, person)
}

/// Writes a new hold.
///
/// # Errors
/// [`Error::Conflict`] if the person is held already.
pub fn set(tx: &mut Tx<'_>, change: Journalled<Hold>) -> Result<Hold, Error> {
    let hold = journal::unpack(tx, change)?;
    diesel::insert_into(holds::table)
        .values((
            holds::id.eq(hold.id.as_str()),
            holds::person.eq(hold.person.as_str()),
            holds::ground.eq(hold.ground.code()),
            holds::set_by.eq(hold.set_by.as_str()),
            holds::set_at.eq(stored(hold.set_at)),
        ))
        .execute(tx.connection()?)?;
    Ok(hold)
}

/// Writes that a hold is lifted.
///
/// # Errors
/// The database fails.
pub fn save(tx: &mut Tx<'_>, change: Journalled<Hold>) -> Result<Hold, Error> {
    let hold = journal::unpack(tx, change)?;
    if let Some((by, at)) = &hold.lifted {
        diesel::update(holds::table.find(hold.id.as_str()).filter(holds::lifted_at.is_null()))
            .set((holds::lifted_by.eq(by.as_str()), holds::lifted_at.eq(stored(*at))))
            .execute(tx.connection()?)?;
    }
    Ok(hold)
}

/// A hold, alone with its person until the transaction ends.
///
/// # Errors
/// There is none.
pub fn find_locked(tx: &mut Tx<'_>, id: &HoldId) -> Result<Hold, Error> {
    let person: String = holds::table.find(id.as_str()).select(holds::person).first(tx.connection()?)?;
    super::citizens::lock(tx, &person)?;
    read(holds::table.find(id.as_str()).first(tx.connection()?)?)
}

/// The holds that are set, the latest first.
///
/// # Errors
/// The database fails.
pub fn list(db: &mut Db<'_>, limit: usize) -> Result<Vec<Hold>, Error> {
    let rows: Vec<Row> = holds::table
        .filter(holds::lifted_at.is_null())
        .order(holds::id.desc())
        .limit(super::rows(limit))
        .load(db.connection()?)?;
    rows.into_iter().map(read).collect()
}
