//! The first page, as the page of the auditor reads it: the newest that match, and their entries.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::TimeDelta;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure;
use mandataire::store::audit::{self, Field, Part, Search};
use mandataire::store::{Error, Store};

use crate::Outcome;
use crate::generate::{ACTORS, CITIZENS, CLIENTS, MANDATES, ORGANISATIONS, last};
use crate::page::Desk;

/// Entries of a page, and the one more that says whether there is another.
const PAGE: i64 = 51;
/// The most that a first page may take, in milliseconds.
const LIMIT: f64 = 50.0;

/// What is as fast in one journal as in another differs by no more.
const ALIKE: f64 = 0.2;

/// Words of a field: common ones, ordinary ones, rare ones.
fn words(field: Field) -> Vec<String> {
    let spread = |prefix: &str, width: usize, (count, first): (i64, i64)| {
        let places = [0, 1, 2, count / 50, count / 10, count / 4, count / 2, count - count / 10, count - 2, count - 1];
        places.iter().map(|at| format!("{prefix}{:0>width$}", first + at)).collect()
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
        Field::Organisation => spread("org_", 26, ORGANISATIONS),
        Field::Actor => spread("acc_", 26, ACTORS),
        Field::Client => spread("", 0, CLIENTS),
        Field::Citizen => spread("cit_", 26, CITIZENS),
        Field::Mandate => spread("mdt_", 26, MANDATES),
    }
}

/// How long one journal took for the questions of a line, in milliseconds, the shortest first; and what it found.
#[derive(Default)]
struct Took {
    all: Vec<f64>,
    found: usize,
}

impl Took {
    fn at(&self, hundredth: usize) -> f64 {
        self.all.get(self.all.len().saturating_sub(1) * hundredth / 100).copied().unwrap_or_default()
    }
}

/// One line of the table.
struct Line {
    name: String,
    /// For each journal.
    took: Vec<Took>,
}

impl Line {
    /// How much longer the last journal takes than the first.
    fn ratio(&self, hundredth: usize) -> f64 {
        match self.took.as_slice() {
            [first, .., last] => last.at(hundredth) / first.at(hundredth),
            _ => 1.0,
        }
    }

    fn is_slow(&self) -> bool {
        self.took.iter().any(|one| one.at(99) >= LIMIT)
    }
}

/// Whoever can be asked for the first page of a search.
pub(crate) trait Answers {
    /// Answers how many entries are on it.
    async fn first(&mut self, search: &Search) -> Outcome<usize>;
}

impl Answers for Store {
    async fn first(&mut self, search: &Search) -> Outcome<usize> {
        let search = search.clone();
        let read = move |db: &mut mandataire::store::Db<'_>| audit::page(db, &search, &Part::First, PAGE);
        Ok(self.read::<_, _, Error>(read).await?.len())
    }
}

impl Answers for Desk {
    async fn first(&mut self, search: &Search) -> Outcome<usize> {
        self.page(search)
    }
}

async fn measured(all: &mut [impl Answers], name: String, searches: Vec<Search>, queries: usize) -> Outcome<Line> {
    let mut took: Vec<Took> = all.iter().map(|_| Took::default()).collect();
    for (turn, search) in searches.iter().cycle().take(queries.max(searches.len())).enumerate() {
        let mut asked: Vec<_> = all.iter_mut().zip(&mut took).collect();
        if turn % 2 == 1 {
            // Whoever is asked first finds the machine as the other left it.
            asked.reverse();
        }
        for (one, took) in asked {
            let began = Instant::now();
            took.found += one.first(search).await?;
            took.all.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    for one in &mut took {
        one.all.sort_by(f64::total_cmp);
    }
    Ok(Line { name, took })
}

/// Measures every filter, every pair, and each filter within a month; says whether all were fast enough.
pub(crate) async fn all(journals: &mut [impl Answers], queries: usize) -> Outcome<bool> {
    let everything = vec![Search::default()];
    let mut lines = vec![measured(journals, "everything".to_owned(), everything, queries).await?];
    let with = |pairs: &[(Field, &String)]| {
        pairs.iter().map(|(field, word)| (*field, (*word).clone())).collect::<BTreeMap<_, _>>()
    };
    for (at, one) in Field::ALL.into_iter().enumerate() {
        let first = words(one);
        let alone = |word| Search { with: with(&[(one, word)]), ..Search::default() };
        lines.push(measured(journals, format!("{one:?}"), first.iter().map(alone).collect(), queries).await?);
        let month = |word| Search {
            from: Some(last() - TimeDelta::days(400)),
            until: Some(last() - TimeDelta::days(370)),
            ..alone(word)
        };
        lines
            .push(measured(journals, format!("{one:?} in a month"), first.iter().map(month).collect(), queries).await?);
        for other in Field::ALL.into_iter().skip(at + 1) {
            let second = words(other);
            let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (a, b)));
            let searches = pairs.map(|(a, b)| Search { with: with(&[(one, a), (other, b)]), ..Search::default() });
            lines.push(measured(journals, format!("{one:?} + {other:?}"), searches.collect(), queries).await?);
        }
    }
    report(&lines);
    Ok(!lines.iter().any(Line::is_slow))
}

/// The table, and what follows from it.
fn report(lines: &[Line]) {
    println!("| search | found | p50 ms | ratio | p99 ms | ratio | most ms |\n|---|--:|--:|--:|--:|--:|--:|");
    for line in lines {
        let each = |value: &dyn Fn(&Took) -> String| line.took.iter().map(value).collect::<Vec<_>>().join(" / ");
        let at = |hundredth| each(&|one| format!("{:.2}", one.at(hundredth)));
        let (found, p50, p99, most) = (each(&|one| one.found.to_string()), at(50), at(99), at(100));
        let (middle, end) = (line.ratio(50), line.ratio(99));
        println!("| {} | {found} | {p50} | {middle:.2} | {p99} | {end:.2} | {most} |", line.name);
    }
    let slow: Vec<_> = lines.iter().filter(|line| line.is_slow()).map(|line| line.name.as_str()).collect();
    println!("\n{} searches, {} slower than {LIMIT} ms at p99: {}", lines.len(), slow.len(), slow.join(", "));
    for hundredth in [50, 99] {
        let alike = lines.iter().filter(|line| (line.ratio(hundredth) - 1.0).abs() <= ALIKE).count();
        let mut ratios: Vec<f64> = lines.iter().map(|line| line.ratio(hundredth)).collect();
        ratios.sort_by(f64::total_cmp);
        let [least, middle, most] =
            [0, ratios.len() / 2, ratios.len() - 1].map(|at| ratios.get(at).copied().unwrap_or(1.0));
        println!(
            "p{hundredth}, the last journal for the first: {least:.2} to {most:.2}, in the middle {middle:.2}; within 20 % for {alike}"
        );
    }
}
