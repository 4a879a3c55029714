//! What others are said to have said of the journal: witnesses, and the authority that timestamps.

use std::collections::{BTreeMap, HashSet};

use super::database::Rows;
use super::findings::Findings;
use super::{Found, Known};
use crate::journal::note::{Note, Purpose, are_lines};
use crate::journal::verify::Damage::{Added, Altered, Missing};
use crate::store::Error;
use crate::store::examine::{self, Timestamp};

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

/// The timestamps that are kept are those of which an entry says so.
pub(super) fn timestamps<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<(), Error> {
    let place = |size: i64| format!("the timestamp at {size}");
    let kept = kept(rows, said)?;
    // Asked after the rows: whoever wrote one wrote its entry in the same transaction.
    let told = rows.ask(examine::told)?;
    let sizes: HashSet<i64> = told.timestamps.iter().map(|(size, ..)| *size).collect();
    for one in kept.iter().filter(|one| !told.timestamps.contains(one)) {
        let damage = if sizes.contains(&one.0) { Altered } else { Added };
        said.say(Found::in_place(damage, place(one.0)));
    }
    for one in told.timestamps.iter().filter(|one| !kept.contains(one)) {
        let size = one.0;
        // It may have come since.
        let now = rows.ask(move |db| examine::timestamps(db, size.saturating_sub(1)))?;
        let mut now = now.iter().filter(|row| row.0 == size).peekable();
        if now.peek().is_none() {
            said.say(Found::in_place(Missing, place(size)));
        } else if !now.any(|row| row == one) {
            said.say(Found::in_place(Altered, place(size)));
        }
    }
    Ok(())
}

/// The timestamps that are kept.
fn kept<R: Rows>(rows: &mut R, said: &mut Findings) -> Result<HashSet<Timestamp>, Error> {
    let (mut kept, mut after, mut sizes) = (HashSet::new(), i64::MIN, HashSet::new());
    loop {
        let page = rows.ask(move |db| examine::timestamps(db, after))?;
        let Some((last, ..)) = page.last() else { return Ok(kept) };
        // One that is no number, which SQLite can hold, is said where such values are looked for: no other way leads beyond it.
        after = if *last > after { *last } else { i64::MAX };
        for one in page {
            if !sizes.insert(one.0) {
                said.say(Found::in_place(Added, format!("the timestamp at {}", one.0)));
            }
            kept.insert(one);
        }
    }
}
