//! What witnesses are said to have said of the journal.

use std::collections::BTreeMap;

use super::database::Rows;
use super::findings::Findings;
use super::{Found, Known};
use crate::journal::note::{Note, Purpose, are_lines};
use crate::journal::verify::Damage::{Added, Altered};
use crate::store::Error;
use crate::store::examine;

/// How far each known witness vouches.
type Witnessed = Vec<(String, u64)>;

/// What witnesses are said to have said. Answers how far each known one vouches.
pub(super) fn cosignatures<R: Rows>(rows: &mut R, known: &Known, said: &mut Findings) -> Result<Witnessed, Error> {
    let mut witnessed = BTreeMap::new();
    // A page begins after the one before it; what has no order there, which SQLite can hold, is said to be altered and ends it.
    let (mut before, mut after) = (None, None);
    loop {
        let from = after.clone();
        let page = rows.ask(move |db| examine::cosignatures(db, from))?;
        let Some(((size, witness, _), _)) = page.last() else { return Ok(witnessed.into_iter().collect()) };
        let last = Some((*size, witness.clone()));
        if last <= after {
            said.say(Found::in_place(Altered, "journal_cosignatures".to_owned()));
            return Ok(witnessed.into_iter().collect());
        }
        after = last;
        for ((size, witness, line), note) in page {
            let place = || format!("the cosignature of {witness} at {size}");
            let again = before.replace((size, witness.clone())).is_some_and(|before| before == (size, witness.clone()));
            let Some(note) = note.filter(|_| !again) else {
                said.say(Found::in_place(Added, place()));
                continue;
            };
            let names = are_lines(&line) && line.starts_with(&format!("\u{2014} {witness} "));
            let key = known.witnesses.iter().find(|key| key.name() == witness);
            let signed = Note::parse(&format!("{note}{line}"))
                .ok()
                .filter(|_| names)
                .is_some_and(|note| key.is_none_or(|key| key.with(Purpose::Cosignature).check(&note).is_ok()));
            match (signed, key, u64::try_from(size)) {
                (true, Some(_), Ok(size)) => drop(witnessed.insert(witness, size)),
                (true, ..) => {}
                (false, ..) => said.say(Found::in_place(Altered, place())),
            }
        }
    }
}
