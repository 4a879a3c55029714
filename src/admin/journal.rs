//! Reading the journal at the command line: the same questions as on the pages. Nothing about a person is in the answers, and each
//! reading is an entry with its purpose.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Desk, Failure, output};
use crate::cli::{Activity, Entries, Purpose, Story};
use crate::domain::civil;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AccountId, CitizenId, OrganisationId};
use crate::domain::procedure::Procedure;
use crate::journal::{line, listing};
use crate::store::audit::{self, CHUNK, Coverage, Field, Part, Pending, Proofs, Search};
use crate::store::journal::{self, Entry};
use crate::store::{Db, Error};

/// Days looked at where no period is given.
const PERIOD: i32 = 30;
/// Entries of a story.
const EVENTS: i64 = 10_000;

/// What says that the journal is read, and why.
pub(super) fn reading(desk: &Desk, purpose: Purpose) -> Event {
    let event = Event::new(Kind::JournalRead, desk.clock.now());
    event.fact("channel", "command_line").fact("purpose", purpose.purpose.code())
}

/// Writes that it is.
pub(super) async fn reads(desk: &Desk, reading: Event) -> Result<(), Failure> {
    Ok(desk.store.write(move |tx| journal::record(tx, &reading).map(drop)).await?)
}

/// Reads, and records it: nothing is answered unless that is written.
pub(super) async fn recorded<T, F>(
    desk: &Desk,
    purpose: Purpose,
    facts: Vec<(&'static str, String)>,
    read: F,
) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce(&mut Db<'_>) -> Result<T, Error> + Send + 'static,
{
    let now = desk.clock.now();
    audit::catch_up(&desk.store, now).await?;
    let event = facts.into_iter().fold(reading(desk, purpose), |event, (name, value)| event.fact(name, value));
    let trust = desk.trust.clone();
    let read = desk.store.read(move |db| Ok::<_, Error>((read(db)?, audit::coverage(db, &trust, now)?)));
    let (found, coverage) = read.await?;
    reads(desk, event).await?;
    // Beside the answer, which a program may read. Where nobody reads it, nothing is lost.
    drop(writeln!(io::stderr(), "{}", covered(&coverage)));
    Ok(found)
}

/// How much of the journal an answer covers.
fn covered(coverage: &Coverage) -> String {
    let known = |what: Option<u64>| what.map_or_else(|| "not known".to_owned(), |figure| figure.to_string());
    let pending = match coverage.pending {
        Some(Pending { count, or_more: true }) => format!("{count} or more"),
        pending => known(pending.map(|pending| pending.count)),
    };
    let witnessed = coverage.witnessed_to.map_or_else(|| "nothing".to_owned(), |at| at.to_rfc3339());
    format!(
        "complete to position {} of {}, pending {pending}, witnessed to {witnessed}, erased {}",
        known(coverage.searched),
        known(coverage.position),
        known(coverage.erased)
    )
}

pub(super) async fn list(desk: &Desk, asked: Entries) -> Result<(), Failure> {
    let with: BTreeMap<Field, String> = [
        (Field::Kind, asked.kind.map(|kind| kind.code().to_owned())),
        (Field::Organisation, asked.organisation.map(|id| id.to_string())),
        (Field::Actor, asked.mediator.map(|id| id.to_string())),
        (Field::Mandate, asked.mandate.map(|id| id.to_string())),
        (Field::Citizen, asked.citizen.map(|id| id.to_string())),
        (Field::Client, asked.service),
        (Field::Procedure, asked.procedure.map(|one| one.key().to_owned())),
    ]
    .into_iter()
    .filter_map(|(field, value)| value.map(|value| (field, value)))
    .collect();
    let mut facts: Vec<_> = with.iter().map(|(field, value)| (fact(*field), value.clone())).collect();
    facts.extend(asked.from.map(|at| ("filter_from", at.to_rfc3339())));
    facts.extend(asked.to.map(|at| ("filter_to", at.to_rfc3339())));
    let search = Search { from: asked.from, until: asked.to, with };
    let (part, limit) = (Part::Forward(asked.after), i64::from(asked.limit));
    if asked.csv || asked.proofs {
        let read = move |db: &mut Db<'_>| {
            let proofs = if asked.proofs { Proofs::begin(db)? } else { Proofs::default() };
            Ok((proofs, audit::identifiers(db, &search, &part, limit)?))
        };
        let (proofs, ids) = recorded(desk, asked.purpose, facts, read).await?;
        return taken(desk, proofs, &ids, asked.csv).await;
    }
    let read = move |db: &mut Db<'_>| audit::page(db, &search, &part, limit);
    let entries = recorded(desk, asked.purpose, facts, read).await?;
    say(&entries, asked.output.json, "no entry matches");
    Ok(())
}

/// A list as a file, read and written so many entries at a time.
async fn taken(desk: &Desk, mut proofs: Proofs, ids: &[String], csv: bool) -> Result<(), Failure> {
    print!("{}", if csv { line::csv_head() } else { listing::head(proofs.note(), ids.len() as u64) });
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        let read = move |db: &mut Db<'_>| proofs.of(db, &chunk).map(|listed| (proofs, listed));
        let (next, listed) = desk.store.read::<_, _, Error>(read).await?;
        proofs = next;
        for one in &listed {
            print!("{}", if csv { line::csv(one) } else { listing::line(one) });
        }
    }
    Ok(())
}

const fn fact(field: Field) -> &'static str {
    match field {
        Field::Mandate => "filter_mandate",
        Field::Citizen => "filter_citizen",
        Field::Actor => "filter_mediator",
        Field::Client => "filter_client",
        Field::Procedure => "filter_procedure",
        Field::Organisation => "filter_organisation",
        Field::Kind => "filter_kind",
    }
}

/// The clear parts as they are, or a line each.
fn say(entries: &[Entry], json: bool, none: &str) {
    if json {
        for entry in entries {
            println!("{}", String::from_utf8_lossy(&entry.clear));
        }
        return;
    }
    let row =
        |entry: &Entry| json!({ "at": entry.at.to_rfc3339(), "kind": entry.kind.code(), "id": entry.id.as_str() });
    output::many(false, &entries.iter().map(row).collect::<Vec<Value>>(), none);
}

pub(super) async fn mandate(desk: &Desk, asked: Story) -> Result<(), Failure> {
    let id = asked.id;
    let facts = vec![("page", "timeline".to_owned()), ("filter_mandate", id.to_string())];
    let (after, of, goes_on) = (asked.after.clone(), id.clone(), asked.after.is_some());
    let read = move |db: &mut Db<'_>| audit::of_mandate(db, &of, after, EVENTS);
    let story = recorded(desk, asked.purpose, facts, read).await?;
    say(&story.entries, asked.output.json, if goes_on { "nothing follows" } else { "no entry is about this mandate" });
    if let Some(last) = story.next {
        // Beside the answer, which a program may read. Where nobody reads it, nothing is lost.
        drop(writeln!(io::stderr(), "it goes on: journal mandate {id} --purpose … --after {last}"));
    }
    Ok(())
}

/// What an identifier is about; whatever is none of ours is a client.
fn about(text: String) -> (Field, String) {
    let field = match text.as_str() {
        one if one.parse::<CitizenId>().is_ok() => Field::Citizen,
        one if one.parse::<OrganisationId>().is_ok() => Field::Organisation,
        one if one.parse::<AccountId>().is_ok() => Field::Actor,
        one if one.parse::<Procedure>().is_ok() => Field::Procedure,
        _ => Field::Client,
    };
    (field, text)
}

pub(super) async fn activity(desk: &Desk, asked: Activity) -> Result<(), Failure> {
    let last = asked.to.map_or_else(|| civil::day(desk.clock.now(), civil::FIGURES), civil::number);
    let first = asked.from.map_or(last - PERIOD + 1, civil::number);
    let of = asked.of.map(about);
    let mut facts = vec![
        ("page", "activity".to_owned()),
        ("filter_from", civil::date(first).to_string()),
        ("filter_to", civil::date(last).to_string()),
    ];
    facts.extend(of.iter().map(|(_, value)| ("about", value.clone())));
    let read = move |db: &mut Db<'_>| {
        audit::tallies(db, of.as_ref().map(|(field, value)| (*field, value.as_str())), first, last)
    };
    let tallies = recorded(desk, asked.purpose, facts, read).await?;
    let row = |one: &audit::Tally| json!({ "day": civil::date(one.day).to_string(), "kind": one.kind.code(), "entries": one.entries });
    output::many(asked.output.json, &tallies.iter().map(row).collect::<Vec<Value>>(), "nothing happened");
    Ok(())
}
