//! Rows that questions pass by, or that are read as what they are not.

use super::Found;
use super::database::Rows;
use super::findings::Findings;
use crate::domain::id::EntryId;
use crate::journal::verify::Damage::Altered;
use crate::store::Error;
use crate::store::examine::{self, Looked};

/// All of them.
pub(super) fn all<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let mut from = Looked::default();
    loop {
        let (next, odd) = rows.ask(move |db| examine::misread(db, from))?;
        for (table, name) in odd {
            said.say(match name.as_str() {
                "" => Found::in_place(Altered, table.to_owned()),
                name if name.parse::<EntryId>().is_ok() => Found::of(Altered, name, table),
                name => Found::in_place(Altered, format!("{table} of {name}")),
            });
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}
