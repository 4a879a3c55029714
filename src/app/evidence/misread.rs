//! Rows that the database holds in another form than it is asked for.

use super::Found;
use super::database::Rows;
use super::findings::Findings;
use crate::journal::verify::Damage::Altered;
use crate::store::Error;
use crate::store::examine::{self, Looked};

/// All of them.
pub(super) fn all<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let mut from = Looked::default();
    loop {
        let (next, odd) = rows.ask(move |db| examine::misread(db, from))?;
        for (table, name) in odd {
            said.say(Found::of(Altered, &name, table));
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}
