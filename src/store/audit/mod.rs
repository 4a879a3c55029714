//! What auditors ask of the journal: a copy of it made for searching, filled behind the entries, and what auditors do there.

mod copy;
mod coverage;
mod days;
mod digest;
mod exports;
mod figures;
mod findings;
mod inquiries;
mod looking;
mod positions;
mod proofs;
mod searching;
mod signals;
mod story;

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::{journal_search, journal_terms};
use super::{Db, Error, Tx};
use crate::domain::Instant;
use crate::domain::id::{self, EntryId};

pub use copy::{POSITIONS, Run, Words, astray, copied, positioned, reached, term_numbers, terms, unplaced, words};
pub use coverage::{Coverage, Pending, coverage};
pub use days::{Figures, day_after, figures_of};
pub use digest::{Digested, catch_up, digest};
pub use exports::{export, exported_since};
pub use figures::{Tally, tallies};
pub use findings::{Finding, Whom, acts, find as find_finding, findings, record as record_finding, whom};
pub use inquiries::{
    Asked as AskedInquiry, ask, find as find_inquiry, find_locked as find_inquiry_locked, list as inquiries,
    save as save_inquiry,
};
pub use looking::{Letter, look_at_a_day, raise_due};
pub use positions::positions;
pub use proofs::{CHUNK, Proofs};
pub use searching::{count, identifiers, page};
pub use signals::{Answered, Seen, answer, find as find_signal, find_locked as find_signal_locked, list as signals};
pub use story::{Story, of_mandate};

/// What entries are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// `mdt_…`
    Mandate,
    /// `cit_…`
    Citizen,
    /// `acc_…`
    Actor,
    /// The identifier of a client.
    Client,
    /// The key of a procedure.
    Procedure,
    /// `org_…`
    Organisation,
    /// The code of a kind.
    Kind,
}

impl Field {
    /// All of them, those of which an entry tells most first.
    pub const ALL: [Self; 7] =
        [Self::Mandate, Self::Citizen, Self::Actor, Self::Client, Self::Procedure, Self::Organisation, Self::Kind];

    /// What its words begin with in the list of terms. Those that are identifiers of ours say themselves what they are.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Mandate | Self::Citizen | Self::Actor | Self::Organisation => "",
            Self::Client => "client:",
            Self::Procedure => "procedure:",
            Self::Kind => "kind:",
        }
    }

    /// What it is called in the clear part of an entry.
    const fn name(self) -> &'static str {
        match self {
            Self::Mandate => "mandate",
            Self::Citizen => "citizen",
            Self::Actor => "actor",
            Self::Client => "client",
            Self::Procedure => "procedure",
            Self::Organisation => "organisation",
            Self::Kind => "kind",
        }
    }

    fn term(self, value: &str) -> String {
        format!("{}{value}", self.prefix())
    }
}

/// What is searched; an empty search finds everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Entries at or after this instant.
    pub from: Option<Instant>,
    /// Entries before this instant.
    pub until: Option<Instant>,
    /// What they have.
    pub with: BTreeMap<Field, String>,
}

/// Which part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The newest.
    First,
    /// Those older than this one.
    Older(EntryId),
    /// Those newer than this one, the nearest to it.
    Newer(EntryId),
    /// The oldest, or those newer than this one, oldest first.
    Forward(Option<EntryId>),
}

/// Bits of chance beside the milliseconds in a place.
const CHANCE: u32 = 21;

/// Where an instant begins among the places. What is beyond the year 2109 begins after all of them.
fn beginning(at: Instant) -> i64 {
    at.timestamp_millis().clamp(0, i64::MAX >> CHANCE) << CHANCE
}

/// The place that an identifier asks for: its milliseconds, and some of its chance.
fn wanted(entry: &str) -> Result<i64, Error> {
    let (milliseconds, chance) = id::parts(entry).ok_or(Error::Corrupt("journal_search.entry"))?;
    // Its first bits, so that places are in the order of identifiers.
    let chance = i64::try_from(chance >> (id::CHANCE - CHANCE)).unwrap_or(0);
    Ok((i64::try_from(milliseconds).unwrap_or(0) << CHANCE) | chance)
}

/// The number of a word, if any entry has it.
fn number(db: &mut Db<'_>, term: &str) -> Result<Option<i32>, Error> {
    use journal_terms::dsl;
    Ok(dsl::journal_terms.filter(dsl::term.eq(term)).select(dsl::number).first(db.connection()?).optional()?)
}

/// The numbers of what is searched; nothing if no entry has one of the words.
fn numbers(db: &mut Db<'_>, search: &Search) -> Result<Option<Vec<(Field, i32)>>, Error> {
    let mut found = Vec::new();
    for (field, value) in &search.with {
        match number(db, &field.term(value))? {
            Some(number) => found.push((*field, number)),
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// How many entries can be found.
///
/// # Errors
/// The database fails.
pub fn size(db: &mut Db<'_>) -> Result<i64, Error> {
    Ok(journal_search::table.count().get_result(db.connection()?)?)
}

/// The numbers of some words, made where they are new.
fn numbered(tx: &mut Tx<'_>, terms: &std::collections::BTreeSet<String>) -> Result<BTreeMap<String, i32>, Error> {
    use journal_terms::dsl;
    let known: Vec<(String, i32)> =
        dsl::journal_terms.filter(dsl::term.eq_any(terms)).select((dsl::term, dsl::number)).load(tx.connection()?)?;
    let mut known: BTreeMap<String, i32> = known.into_iter().collect();
    let last: Option<i32> = dsl::journal_terms.select(diesel::dsl::max(dsl::number)).first(tx.connection()?)?;
    let missing = terms.iter().filter(|term| !known.contains_key(*term));
    // Number 0 stands for everything in the figures.
    let new: Vec<(String, i32)> = missing.cloned().zip(last.unwrap_or(0) + 1..).collect();
    if !new.is_empty() {
        let rows = new.iter().map(|(term, number)| (dsl::term.eq(term), dsl::number.eq(number))).collect();
        super::db::insert_all!(tx.connection()?, dsl::journal_terms, rows);
    }
    known.extend(new);
    Ok(known)
}
