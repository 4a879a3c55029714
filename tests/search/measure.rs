//! The first page, as the page of the auditor reads it: the newest that match, and their entries.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::TimeDelta;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure;
use mandataire::store::audit::{self, Field, Part, Search};
use mandataire::store::{Error, Store};

use crate::Outcome;
use crate::generate::{ACTORS, CITIZENS, CLIENTS, MANDATES, ORGANISATIONS, citizens};

/// Entries of a page, and the one more that says whether there is another.
const PAGE: i64 = 51;
/// The most that a first page may take, in milliseconds.
const LIMIT: f64 = 50.0;

/// Words of a field: common ones, ordinary ones, rare ones.
fn words(field: Field, entries: i64) -> Vec<String> {
    let spread = |prefix: &str, (count, first): (i64, i64)| {
        let places = [0, 1, 2, count / 50, count / 10, count / 4, count / 2, count - count / 10, count - 2, count - 1];
        places.iter().map(|at| format!("{prefix}{}", first + at)).collect()
    };
    match field {
        Field::Kind => [
            Kind::Use,
            Kind::SignedIn,
            Kind::MandateOpened,
            Kind::UseRefused,
            Kind::CodeReplayed,
            Kind::KeyCreated,
            Kind::OutcomeRecorded,
        ]
        .map(|kind| kind.code().to_owned())
        .to_vec(),
        Field::Procedure => Procedure::ALL.map(|one| one.key().to_owned()).to_vec(),
        Field::Organisation => spread("org_", ORGANISATIONS),
        Field::Actor => spread("acc_", ACTORS),
        Field::Client => spread("", CLIENTS),
        Field::Citizen => spread("cit_", (citizens(entries), CITIZENS)),
        Field::Mandate => spread("mdt_", (citizens(entries) * 2, MANDATES)),
    }
}

/// One line of the table.
struct Line {
    name: String,
    took: Vec<f64>,
    found: usize,
}

impl Line {
    fn at(&self, hundredth: usize) -> f64 {
        self.took.get(self.took.len().saturating_sub(1) * hundredth / 100).copied().unwrap_or_default()
    }
}

async fn measured(store: &Store, name: String, searches: Vec<Search>, queries: usize) -> Outcome<Line> {
    let (mut took, mut found) = (Vec::new(), 0);
    for search in searches.iter().cycle().take(queries.max(searches.len())) {
        let search = search.clone();
        let began = Instant::now();
        let read = move |db: &mut mandataire::store::Db<'_>| audit::page(db, &search, &Part::First, PAGE);
        let page = store.read::<_, _, Error>(read).await?;
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
        found += page.len();
    }
    took.sort_by(f64::total_cmp);
    Ok(Line { name, took, found })
}

/// Measures every filter, every pair, and each filter within a month; says whether all were fast enough.
pub(crate) async fn all(store: &Store, queries: usize) -> Outcome<bool> {
    let newest = store.read::<_, _, Error>(|db| audit::page(db, &Search::default(), &Part::First, 1)).await?;
    let last = newest.first().ok_or("nothing was made")?.at;
    let entries = store.read::<_, _, Error>(audit::size).await?;
    let mut lines = vec![measured(store, "everything".to_owned(), vec![Search::default()], queries).await?];
    let with = |pairs: &[(Field, &String)]| {
        pairs.iter().map(|(field, word)| (*field, (*word).clone())).collect::<BTreeMap<_, _>>()
    };
    for (at, one) in Field::ALL.into_iter().enumerate() {
        let first = words(one, entries);
        let alone = |word| Search { with: with(&[(one, word)]), ..Search::default() };
        lines.push(measured(store, format!("{one:?}"), first.iter().map(alone).collect(), queries).await?);
        let month = |word| Search {
            from: Some(last - TimeDelta::days(400)),
            until: Some(last - TimeDelta::days(370)),
            ..alone(word)
        };
        lines.push(measured(store, format!("{one:?} in a month"), first.iter().map(month).collect(), queries).await?);
        for other in Field::ALL.into_iter().skip(at + 1) {
            let second = words(other, entries);
            let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
            let searches = pairs.map(|(a, b)| Search { with: with(&[(one, a), (other, b)]), ..Search::default() });
            lines.push(measured(store, format!("{one:?} + {other:?}"), searches.collect(), queries).await?);
        }
    }
    println!("| search | queries | found | p50 ms | p99 ms | most ms |\n|---|--:|--:|--:|--:|--:|");
    for line in &lines {
        let (p50, p99, most) = (line.at(50), line.at(99), line.at(100));
        println!("| {} | {} | {} | {p50:.2} | {p99:.2} | {most:.2} |", line.name, line.took.len(), line.found);
    }
    let slow: Vec<_> = lines.iter().filter(|line| line.at(99) >= LIMIT).map(|line| line.name.as_str()).collect();
    println!("\n{} searches, {} slower than {LIMIT} ms at p99: {}", lines.len(), slow.len(), slow.join(", "));
    Ok(slow.is_empty())
}
