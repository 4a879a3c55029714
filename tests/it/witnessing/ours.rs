//! Our side: who is asked to cosign, what is kept of the answer, and what is said of who is silent, lies or forgot.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::{App as ActixApp, HttpResponse, HttpServer, web};
use chrono::TimeDelta;
use mandataire::app::cosigning::{Cosigner, Rounds, Step, Trouble};
use mandataire::app::evidence::{Known, database, proving};
use mandataire::app::sequencer::{self, Sequencer};
use mandataire::app::witness::server;
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::id::EntryId;
use mandataire::journal::Fault;
use mandataire::journal::note::{Note, Purpose};
use mandataire::journal::proof::Proof;
use mandataire::journal::witness::Submission;
use mandataire::store::vouched::{self, Trust};
use mandataire::store::{Db, journal, log};
use mandataire::web::state::Signing;
use url::Url;

use super::{Folder, body, log_key, runs, tree, witness, witness_key};
use crate::on_each_backend;
use crate::world::World;

const SILENCE: TimeDelta = TimeDelta::minutes(15);

/// A server that answers every submission with this.
fn answers(with: fn() -> HttpResponse) -> Url {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let app = move || ActixApp::new().default_service(web::to(move || async move { with() }));
    actix_web::rt::spawn(HttpServer::new(app).workers(1).listen(listener).unwrap().run());
    address.parse().unwrap()
}

pub(super) fn asks(world: &World, seed: u8, address: &Url) -> Cosigner {
    let key = witness_key(seed).verifier().clone();
    Cosigner::new(world.app.store.clone(), world.clock.clone(), key, address).unwrap()
}

/// So many entries, all signed.
pub(super) async fn happens(world: &World, folder: &Folder, count: usize) {
    let now = world.now();
    let written = world.app.store.write(move |tx| {
        let one = || Event::new(Kind::TermsAccepted, now).fact("version", "1");
        (0..count).try_for_each(|_| journal::record(tx, &one()).map(drop))
    });
    written.await.unwrap();
    world.database.execute("update journal_sequencer set holder = ''").unwrap();
    let (store, shown) = (world.app.store.clone(), Arc::new(Signing::default()));
    let signed = folder.0.join("signed");
    let mut node = Sequencer::new(store, world.clock.clone(), log_key(), &signed, shown, &world.random).unwrap();
    while node.step().await.unwrap() != sequencer::Step::Idle {}
}

pub(super) fn size(world: &World) -> u64 {
    u64::try_from(world.database.number("select max(size) from journal_checkpoints")).unwrap()
}

fn trust(seeds: &[u8], needed: usize) -> Trust {
    let witnesses = seeds.iter().map(|seed| witness_key(*seed).verifier().clone()).collect();
    Trust { witnesses, needed, silence: SILENCE }
}

/// How far so many of these witnesses vouch.
async fn covered(world: &World, seeds: &[u8], needed: usize) -> Option<u64> {
    let (trust, now) = (trust(seeds, needed), world.now());
    let found = world.app.store.read(move |db| vouched::standing(db, &trust, now)).await.unwrap();
    found.to.map(|(size, _)| size)
}

/// The proof of the fifth entry, as far as so many of these witnesses cosigned; and whether there is one so far.
async fn proves(world: &World, seeds: &[u8], wanted: usize) -> (Proof, bool) {
    let trust = trust(seeds, 1);
    let made = world.app.store.read(move |db| {
        // Those of one millisecond are listed in any order.
        let listed = journal::list_forward(db, &journal::Filter::default(), None, 1_000)?;
        let fifth = listed.into_iter().find(|entry| log::position(db, &entry.id).is_ok_and(|at| at == Some(4)));
        let entry: EntryId = fifth.unwrap().id;
        proving::prove(db, &entry, &trust, wanted)
    });
    made.await.unwrap()
}

fn known(seeds: &[u8]) -> Known {
    Known { keys: vec![log_key().verifier().clone()], witnesses: trust(seeds, 1).witnesses, kept: Vec::new() }
}

on_each_backend! {
    /// What was done at the counter is cosigned, is in the checkpoint that everybody reads, and is proved to whoever knows both keys.
    async fn a_proof_bears_the_witnesses_signature(world) {
        let (disk, folder) = (Folder::new(), Folder::new());
        let (address, _handle) = runs(witness(&folder.0, 1));
        let mut cosigner = asks(&world, 1, &address);
        assert_eq!(cosigner.step().await.unwrap(), Step::Idle, "nothing is signed yet");
        happens(&world, &disk, 300).await;
        assert_eq!(cosigner.step().await.unwrap(), Step::Cosigned(size(&world)));
        assert_eq!(cosigner.step().await.unwrap(), Step::Idle);
        happens(&world, &disk, 270).await;
        let all = size(&world);
        assert_eq!(cosigner.step().await.unwrap(), Step::Cosigned(all));
        let note = reqwest::get(world.at("/log/checkpoint")).await.unwrap().text().await.unwrap();
        let (log, seen) = (log_key().verifier().clone(), witness_key(1).verifier().clone());
        assert!(seen.check(&Note::parse(&note).unwrap()).unwrap().is_some());
        let (proof, as_wanted) = proves(&world, &[1], 1).await;
        assert_eq!((proof.note.as_str(), as_wanted), (note.as_str(), true));
        let read = Proof::parse(&proof.text()).unwrap();
        assert_eq!(read.check_own(&log).unwrap().1.size, all);
        let proved = proving::check(&proof.text(), &known(&[1, 2])).unwrap();
        assert_eq!((proved.witnesses.len(), proved.witnesses[0].0.as_str()), (1, "w1.example.org"));
        let other = witness_key(2).verifier().clone();
        assert_eq!(other.check(&Note::parse(&read.note).unwrap()), Err(Fault::Unsigned));
        // One key under two names, or the log's own under the name of a witness, is nobody else.
        let mut twice = known(&[1, 1]);
        twice.witnesses.push(log);
        assert_eq!(proving::check(&proof.text(), &twice).unwrap().witnesses.len(), 1);
    }

    /// A proof is of the last tree with the signatures that are asked for, not of one a second newer without; if there is none, it is said.
    async fn a_proof_waits_for_nobody_and_prefers_what_is_witnessed(world) {
        let (disk, one, other) = (Folder::new(), Folder::new(), Folder::new());
        let ((first, _one), (second, _other)) = (runs(witness(&one.0, 1)), runs(witness(&other.0, 2)));
        happens(&world, &disk, 270).await;
        let newest = async || proves(&world, &[1, 2], 2).await;
        let both = |note: &str| known(&[1, 2]).witnesses.iter().filter(|key| key.check(&Note::parse(note).unwrap()).is_ok()).count();
        let (proof, as_wanted) = newest().await;
        assert_eq!((both(&proof.note), as_wanted), (0, false));
        let (mut one, mut other) = (asks(&world, 1, &first), asks(&world, 2, &second));
        one.step().await.unwrap();
        other.step().await.unwrap();
        let witnessed = size(&world);
        // The last tile of that tree is full by now.
        happens(&world, &disk, 250).await;
        one.step().await.unwrap();
        happens(&world, &disk, 10).await;
        let log = log_key().verifier().clone();
        let of = |proof: &Proof| proof.check_own(&log).unwrap().1.size;
        let (proof, as_wanted) = newest().await;
        assert_eq!((of(&proof), both(&proof.note), as_wanted), (witnessed, 2, true));
        let (proof, as_wanted) = proves(&world, &[1, 2], 1).await;
        assert!(witnessed < of(&proof) && of(&proof) < size(&world) && as_wanted);
        let (proof, as_wanted) = proves(&world, &[1, 2], 0).await;
        assert_eq!((of(&proof), as_wanted), (size(&world), true));
        assert!(!proves(&world, &[1, 2], 3).await.1, "there are not so many");
    }

    /// Enough of them: as far as the slowest of those that are needed. A line that somebody wrote into the database is nothing.
    async fn coverage_is_what_enough_witnesses_signed(world) {
        let (disk, one, other) = (Folder::new(), Folder::new(), Folder::new());
        let ((first, _one), (second, _other)) = (runs(witness(&one.0, 1)), runs(witness(&other.0, 2)));
        let covered = async |needed: usize| covered(&world, &[1, 2, 3], needed).await;
        happens(&world, &disk, 3).await;
        assert_eq!(covered(1).await, None);
        let (mut one, mut other) = (asks(&world, 1, &first), asks(&world, 2, &second));
        one.step().await.unwrap();
        other.step().await.unwrap();
        let before = size(&world);
        happens(&world, &disk, 3).await;
        one.step().await.unwrap();
        let after = size(&world);
        assert_eq!([covered(0).await, covered(1).await, covered(2).await, covered(3).await], [None, Some(after), Some(before), None]);
        let row = format!("select {after}, 'w3.example.org', min(line) from journal_cosignatures");
        let forged = format!("insert into journal_cosignatures (size, witness, line) {row}");
        world.database.execute(&forged).unwrap();
        assert_eq!(covered(3).await, None);
        let found = world.app.store.read(|db: &mut Db<'_>| Ok::<_, mandataire::store::Error>(database::verify_within(db, &known(&[1, 2, 3]), 2).unwrap()));
        let found = found.await.unwrap();
        let witnessed = [("w1.example.org".to_owned(), after), ("w2.example.org".to_owned(), before)];
        assert_eq!(found.witnessed, witnessed);
        assert!(matches!(found.findings.as_slice(), [forged] if forged.to_string().contains("w3.example.org")), "{:?}", found.findings);
        for sql in ["delete from journal_cosignatures", "update journal_cosignatures set line = 'x'"] {
            assert!(world.database.execute(sql).is_err(), "{sql}");
        }
    }

    /// Killed between writing and answering, a witness is ahead of what we know: it says so, and the next attempt goes on from there.
    async fn a_lost_answer_is_asked_for_again(world) {
        let (disk, folder) = (Folder::new(), Folder::new());
        happens(&world, &disk, 20).await;
        let kept = witness(&folder.0, 1);
        let last = world.app.store.read(log::latest).await.unwrap().unwrap();
        drop(kept.add(&Submission { old: 0, proof: Vec::new(), note: last.note }.text()).unwrap());
        drop(kept);
        let (address, _handle) = runs(witness(&folder.0, 1));
        assert_eq!(asks(&world, 1, &address).step().await.unwrap(), Step::Cosigned(last.size));
        happens(&world, &disk, 20).await;
        assert_eq!(asks(&world, 1, &address).step().await.unwrap(), Step::Cosigned(size(&world)));
    }

    /// A witness that saw another history, or a longer one, says so, and that is an alarm at once.
    async fn another_history_is_an_alarm_at_once(world) {
        let (disk, forked, ahead, same) = (Folder::new(), Folder::new(), Folder::new(), Folder::new());
        happens(&world, &disk, 20).await;
        let all = size(&world);
        for (folder, seed, seen) in [(&forked, 1, 5), (&ahead, 2, all + 1), (&same, 3, all)] {
            let kept = witness(&folder.0, seed);
            kept.add(&body(0, &tree(seen, 0))).unwrap();
            let (address, _handle) = runs(kept);
            let mut cosigner = asks(&world, seed, &address);
            let trouble = cosigner.step().await.unwrap_err();
            match seed {
                2 => assert!(matches!(trouble, Trouble::Ahead { theirs, ours } if theirs == all + 1 && ours == all), "{trouble}"),
                _ => assert!(matches!(trouble, Trouble::Forked(at) if at == seen), "{trouble}"),
            }
            assert!(cosigner.alarm(&trouble, SILENCE).await.is_some());
        }
        assert_eq!(world.database.number("select count(*) from journal_cosignatures"), 0);
    }

    async fn a_lying_witness_is_an_alarm_and_nothing_of_it_is_kept(world) {
        let disk = Folder::new();
        happens(&world, &disk, 3).await;
        // It signs another tree; it signs with another key; it says anything.
        let lies: [fn() -> HttpResponse; 3] = [
            || HttpResponse::Ok().body(witness_key(1).line(Purpose::Cosignature, &tree(3, 1).text(), 7)),
            || HttpResponse::Ok().body(witness_key(2).line(Purpose::Cosignature, &tree(3, 1).text(), 7)),
            || HttpResponse::Ok().body("<html>welcome</html>"),
        ];
        for lie in lies {
            let mut cosigner = asks(&world, 1, &answers(lie));
            let trouble = cosigner.step().await.unwrap_err();
            assert!(matches!(trouble, Trouble::Lied(_)), "{trouble}");
            assert!(cosigner.alarm(&trouble, SILENCE).await.is_some());
        }
        let mut restless = asks(&world, 1, &answers(|| HttpResponse::Conflict().body("1\n")));
        assert!(matches!(restless.step().await.unwrap_err(), Trouble::Forked(1)));
        let mut odd = asks(&world, 1, &answers(|| HttpResponse::Conflict().body("many\n")));
        assert!(matches!(odd.step().await.unwrap_err(), Trouble::Refused(409)));
        let mut endless = asks(&world, 1, &answers(|| HttpResponse::Ok().body("x".repeat(300_000))));
        assert!(matches!(endless.step().await.unwrap_err(), Trouble::Silent(_)));
        let mut elsewhere = asks(&world, 1, &answers(|| HttpResponse::Found().insert_header(("location", "http://127.0.0.1:1/")).finish()));
        assert!(matches!(elsewhere.step().await.unwrap_err(), Trouble::Silent(_)));
        let mut unwilling = asks(&world, 1, &answers(|| HttpResponse::NotFound().finish()));
        let trouble = unwilling.step().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Refused(404)));
        assert_eq!(world.database.number("select count(*) from journal_cosignatures"), 0);
    }

    /// Silence is an alarm once it has lasted; a witness that comes back ends it and cosigns all there is.
    async fn a_silent_witness_is_an_alarm_after_a_while_and_is_welcome_again(world) {
        let (disk, folder) = (Folder::new(), Folder::new());
        happens(&world, &disk, 3).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let at = listener.local_addr().unwrap();
        drop(listener);
        let mut cosigner = asks(&world, 1, &format!("http://{at}").parse().unwrap());
        let trouble = cosigner.step().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Silent(_)), "{trouble}");
        assert_eq!(cosigner.alarm(&trouble, SILENCE).await, None, "not yet");
        world.after(14 * 60);
        happens(&world, &disk, 3).await;
        assert_eq!(cosigner.alarm(&trouble, SILENCE).await, None, "not yet");
        world.after(2 * 60);
        for _ in 0..44 {
            world.after(60);
            happens(&world, &disk, 1).await;
            assert!(matches!(cosigner.step().await.unwrap_err(), Trouble::Silent(_)));
        }
        assert_eq!(covered(&world, &[1], 1).await, None, "an hour without it: signed, and not witnessed");
        let alarm = cosigner.alarm(&trouble, SILENCE).await.unwrap();
        assert!(alarm.starts_with("silent since 2026-11-22T09:00:00") && alarm.contains("could not be reached"), "{alarm}");
        world.app.signing.alarms(cosigner.name(), Some(alarm.clone()));
        assert_eq!(world.app.signing.now().alarms["w1.example.org"], alarm);
        let server = server(witness(&folder.0, 1), TcpListener::bind(at).unwrap(), None).unwrap();
        actix_web::rt::spawn(server);
        assert_eq!(cosigner.step().await.unwrap(), Step::Cosigned(size(&world)));
        assert_eq!(cosigner.alarm(&trouble, SILENCE).await, None, "nothing waits");
        world.app.signing.alarms(cosigner.name(), None);
        assert!(world.app.signing.now().alarms.is_empty());
    }

    /// A witness whose memory was put back from a backup knows less than it signed: it is asked on, and that is an alarm until somebody looked.
    async fn a_witness_that_forgot_is_an_alarm(world) {
        let (disk, folder, backup) = (Folder::new(), Folder::new(), Folder::new());
        let copy = |from: &Folder, to: &Folder| {
            for file in std::fs::read_dir(&from.0).unwrap().map(Result::unwrap) {
                std::fs::copy(file.path(), to.0.join(file.file_name())).unwrap();
            }
        };
        happens(&world, &disk, 10).await;
        let kept = witness(&folder.0, 1);
        let (address, handle) = runs(kept.clone());
        let mut cosigner = asks(&world, 1, &address);
        cosigner.step().await.unwrap();
        copy(&folder, &backup);
        happens(&world, &disk, 10).await;
        let before = size(&world);
        cosigner.step().await.unwrap();
        assert_eq!(cosigner.suspicion(), None);
        handle.stop(true).await;
        drop(kept);
        let (address, _handle) = runs(witness(&backup.0, 1));
        happens(&world, &disk, 10).await;
        let mut cosigner = asks(&world, 1, &address);
        assert_eq!(cosigner.step().await.unwrap(), Step::Cosigned(size(&world)));
        let alarm = cosigner.suspicion().unwrap();
        assert!(alarm.contains(&format!("had cosigned a tree of {before} entries")), "{alarm}");
    }

    /// Whoever owns the database puts something in the place of the next signature, so that it seems to be there: that is an alarm at once.
    async fn what_stands_in_the_place_of_a_signature_is_an_alarm(world) {
        let (disk, folder) = (Folder::new(), Folder::new());
        let (address, _handle) = runs(witness(&folder.0, 1));
        happens(&world, &disk, 3).await;
        let all = size(&world);
        let row = format!("insert into journal_cosignatures (size, witness, line) values ({all}, 'w1.example.org', 'x')");
        world.database.execute(&row).unwrap();
        let mut cosigner = asks(&world, 1, &address);
        let trouble = cosigner.step().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Occupied(size) if size == all), "{trouble}");
        assert!(cosigner.alarm(&trouble, SILENCE).await.is_some());
        assert_eq!(covered(&world, &[1], 1).await, None);
        happens(&world, &disk, 3).await;
        assert_eq!(cosigner.step().await.unwrap(), Step::Cosigned(size(&world)));
        assert_eq!(covered(&world, &[1], 1).await, Some(size(&world)));
    }

    /// Several are asked for one checkpoint, though newer ones come meanwhile; who knows more than that begins the next round.
    async fn witnesses_are_asked_for_the_same_checkpoint(world) {
        let (disk, one, other) = (Folder::new(), Folder::new(), Folder::new());
        let ((first, _one), (second, _other)) = (runs(witness(&one.0, 1)), runs(witness(&other.0, 2)));
        let rounds = Arc::new(Rounds::of(std::time::Duration::from_hours(1)));
        let (mut one, mut other) = (asks(&world, 1, &first).in_rounds(rounds.clone()), asks(&world, 2, &second).in_rounds(rounds));
        happens(&world, &disk, 3).await;
        let before = size(&world);
        assert_eq!(one.step().await.unwrap(), Step::Cosigned(before));
        happens(&world, &disk, 3).await;
        assert_eq!((other.step().await.unwrap(), one.step().await.unwrap()), (Step::Cosigned(before), Step::Idle));
        asks(&world, 2, &second).step().await.unwrap();
        assert_eq!((other.step().await.unwrap(), one.step().await.unwrap()), (Step::Idle, Step::Cosigned(size(&world))));
    }

    /// A witness that takes the connection and never answers is given up after a few seconds; meanwhile the journal is signed.
    async fn a_witness_that_never_answers_holds_nothing_up(world) {
        let disk = Folder::new();
        happens(&world, &disk, 3).await;
        let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut cosigner = asks(&world, 1, &format!("http://{}", silent.local_addr().unwrap()).parse().unwrap());
        let before = size(&world);
        let signs = async {
            happens(&world, &disk, 300).await;
            std::time::Instant::now()
        };
        let waits = async { (cosigner.step().await, std::time::Instant::now()) };
        let (signed, (step, given_up)) = tokio::join!(signs, waits);
        assert!(matches!(step.unwrap_err(), Trouble::Silent(_)));
        assert!(signed < given_up && size(&world) == before + 300);
    }
}
