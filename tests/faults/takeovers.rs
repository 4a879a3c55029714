//! Two processes serve from one database: one of them gives positions and signs, and when it dies the other one takes over. Where a
//! database is a file, one process has it, and there is nobody to take over.

use std::cell::Cell;
use std::time::{Duration, Instant};

use mandataire::app::evidence::{self, Known};
use mandataire::clock::Random;
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::note::{Purpose, Signer, Verifier};
use reqwest::Client;

use crate::chance::{Chance, setting};
use crate::clerk::{Journey, browser};
use crate::database::Database;
use crate::office::{Case, Office};
use crate::serve::Serve;
use crate::verify;

/// From the kill on, a fact that is written after it is signed within this.
const TAKEN_OVER: Duration = Duration::from_secs(5);
/// After this, nobody will take over any more.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked at what is signed.
const LOOK: Duration = Duration::from_millis(25);
/// Between two facts.
const PACE: Duration = Duration::from_millis(50);
/// Openings for one takeover: more than are begun before the kill.
const OPENINGS: usize = 64;

/// The journal, as somebody sees it who is no node.
struct Journal<'d> {
    database: &'d Database,
    key: Verifier,
}

impl Journal<'_> {
    /// Entries that are there, signed or not.
    fn entries(&self) -> u64 {
        u64::try_from(self.database.number("select count(*) from journal_entries")).expect("a count")
    }

    /// The node whose turn it is.
    fn holder(&self) -> String {
        self.database.texts("select holder as value from journal_sequencer").remove(0)
    }

    /// How many entries the last checkpoint covers, as a node serves it.
    async fn covered(&self, http: &Client, node: &Serve) -> u64 {
        let answer = http.get(format!("{}/log/checkpoint", node.base)).send().await.expect("it is answered");
        if answer.status().as_u16() == 404 {
            return 0;
        }
        let signed = answer.text().await.expect("a checkpoint");
        Checkpoint::open(&signed, &self.key).expect("a checkpoint by the key of every node").size
    }

    /// Waits until so many entries are signed.
    async fn covers(&self, node: &Serve, entries: u64) {
        let (http, began) = (browser(), Instant::now());
        loop {
            let covered = self.covered(&http, node).await;
            if covered >= entries {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{covered} entries are signed, not {entries}, after {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Everything is signed, without a gap, and it is the history that every machine remembers; how many entries.
    async fn is_one_history(&self, office: &Office, known: Known) -> u64 {
        let verdict = office.store().read(move |db| evidence::database::verify_within(db, &known, 1)).await;
        let verdict = verdict.unwrap_or_else(|trouble| panic!("no verdict: {trouble}"));
        assert!(verdict.findings.is_empty() && !verdict.more, "{:#?}", verdict.findings);
        let entries = self.entries();
        assert_eq!((verdict.size, verdict.covered), (entries, entries), "entries are not signed");
        assert_eq!(self.database.number("select count(*) from journal_pending"), 0, "entries have no position");
        let gaps = "select max(position) + 1 - count(*) from journal_positions";
        assert_eq!(self.database.number(gaps), 0, "positions have no entry");
        entries
    }
}

#[actix_web::test]
async fn when_the_node_that_signs_is_killed_another_one_takes_over_within_five_seconds() {
    let Some(database) = Database::postgres() else { return };
    let (takeovers, mut chance) = (setting("FAULT_TAKEOVERS", 3_usize), Chance::new("takeovers"));
    let office = Office::new(&database.location).await;
    let signer = Signer::new("faults.example.fr/log", Purpose::Note, &Random::system().bytes()).expect("a key");
    let journal = Journal { database: &database, key: signer.verifier().clone() };
    let mut known = Known { keys: vec![journal.key.clone()], ..Known::default() };
    let mut signs = Serve::signing(&database.url, &signer.secret()).await;
    // The second one comes when the first one has signed: so it is known whose turn it is.
    journal.covers(&signs, journal.entries().max(1)).await;
    let mut waits = Serve::signing(&database.url, &signer.secret()).await;
    let (mut times, mut journeys) = (Vec::new(), joins(&waits, office.prepares(OPENINGS).await).await);
    for _ in 0..takeovers {
        let (cases, holder) = (office.prepares(OPENINGS).await, journal.holder());
        let moment = Duration::from_millis(500 + chance.below(1_001));
        let (took, written) = takes_over(&journal, &mut signs, &waits, cases, moment).await;
        assert_ne!(journal.holder(), holder, "the dead one has its turn still");
        // It may have signed a tree that it had no time to publish.
        known.keep(&signs.signed()).expect("the memory of the dead one");
        times.push(took);
        journeys.extend(written);
        std::mem::swap(&mut signs, &mut waits);
        waits.again().await;
    }
    journal.covers(&waits, journal.entries()).await;
    for node in [&mut signs, &mut waits] {
        assert_eq!(node.readiness().await, (200, "ready\n".to_owned()), "nothing keeps a node from signing");
        node.kill();
        known.keep(&node.signed()).expect("the memory of a node");
    }
    let entries = journal.is_one_history(&office, known).await;
    let opened = journeys.len();
    eprintln!("{takeovers} takeovers, {opened} openings, {entries} entries, signed again after {times:?}");
    verify::holds(&database, &office, &journeys).await;
    assert!(times.iter().all(|took| *took <= TAKEN_OVER), "signed again after {times:?}");
}

/// A node that joins says that it cannot sign until it has seen the other one sign; what was written meanwhile.
async fn joins(node: &Serve, cases: Vec<Case>) -> Vec<Journey> {
    let cannot = |(_, told): &(u16, String)| told.contains("this node cannot sign yet");
    let told = |wanted: bool| async move {
        let began = Instant::now();
        while cannot(&node.readiness().await) != wanted {
            assert!(began.elapsed() < PATIENCE, "it has not said {wanted} after {PATIENCE:?}");
            tokio::time::sleep(LOOK).await;
        }
    };
    told(true).await;
    assert!(!node.signed().exists(), "what the database says of earlier is not believed");
    let over = Cell::new(false);
    let knows = async {
        told(false).await;
        over.set(true);
    };
    tokio::join!(knows, writes(node, cases, &over)).1
}

/// The node that signs is killed while facts are written through the one that waits: how long until that one has signed a fact that was
/// written after the kill, and what was written.
async fn takes_over(
    journal: &Journal<'_>,
    signs: &mut Serve,
    waits: &Serve,
    cases: Vec<Case>,
    moment: Duration,
) -> (Duration, Vec<Journey>) {
    let (holder, over) = (journal.holder(), Cell::new(false));
    let kill = async {
        tokio::time::sleep(moment).await;
        assert_eq!(journal.holder(), holder, "somebody took the turn of a node that lives");
        let killed = Instant::now();
        signs.kill();
        // Whatever covers more entries than there are now covers one that was written after the kill.
        let written = journal.entries();
        journal.covers(waits, written + 1).await;
        let took = killed.elapsed();
        over.set(true);
        took
    };
    tokio::join!(kill, writes(waits, cases, &over))
}

/// Somebody at a counter of a node that lives, who is never told to come again.
async fn writes(node: &Serve, cases: Vec<Case>, over: &Cell<bool>) -> Vec<Journey> {
    let (http, mut done) = (browser(), Vec::new());
    for case in cases {
        if over.get() {
            break;
        }
        let mut journey = Journey::of(case);
        while !journey.is_over() {
            journey.goes_on(&http, &node.base).await.expect("a node that lives serves");
            tokio::time::sleep(PACE).await;
        }
        done.push(journey);
    }
    done
}
