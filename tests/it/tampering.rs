//! What whoever owns the database can do to the journal, one thing at a time: each is found, and said where.
//!
//! A sample by default. `TAMPERINGS=30 UNTOUCHED=1000 cargo test --test it tampering` is the whole: more than five thousand on each
//! database, in seven to forty minutes where the code is optimised.

mod acts;
mod hand;
mod named;

use std::collections::BTreeMap;
use std::sync::Arc;

use mandataire::app::evidence::{Known, Trouble, Verdict, database};
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::domain::event::{Event, Kind, Owner};
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::journal::note::{Purpose, Signer};
use mandataire::journal::verify::{Damage, Mark};
use mandataire::store::{Error, audit, journal, log};
use mandataire::web::state::Signing;

use crate::on_each_backend;
use crate::retention::erased;
use crate::world::World;
use acts::{Act, Chance, Scene, Where};
use hand::Hand;
use named::{located, locates};

/// Entries of the journal.
const SIZE: usize = 1_000;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn signer(seed: u8) -> Signer {
    Signer::new("log.example.fr/log", Purpose::Note, &[seed; 32]).unwrap()
}

fn witness() -> Signer {
    Signer::new("witness.example.org/w", Purpose::Cosignature, &[77; 32]).unwrap()
}

/// Where the sequencer remembers what it signed.
fn remembered(world: &World) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("tampering_{}", world.organisation))
}

/// The service's sequencer, on a disk of its own.
fn sequencer(world: &World) -> Sequencer {
    let file = remembered(world);
    let (store, clock) = (world.app.store.clone(), world.clock.clone());
    Sequencer::new(store, clock, signer(9), &file, Arc::new(Signing::default()), &world.random).unwrap()
}

async fn all_signed(node: &mut Sequencer) {
    while node.step().await.unwrap() != Step::Idle {}
}

/// So many entries of several kinds, some with a sealed part.
async fn happens(world: &World, about: &(Owner, Owner), count: usize) {
    let (now, (citizen, account)) = (world.now(), about.clone());
    let written = world.app.store.write(move |tx| {
        for number in 0..count {
            let (Owner::Citizen(id), Owner::Account(who)) = (&citizen, &account) else { unreachable!() };
            let event = match number % 5 {
                0 => Event::new(Kind::CitizenRead, now).by(who).about(id),
                1 => Event::new(Kind::Use, now).by(who).about(id).at_client("franceconnect").for_procedure(Logement),
                2 => {
                    let purpose = vec![("purpose", format!("inquiry number {number}"))];
                    Event::new(Kind::PurposeDeclared, now).by(who).sealed_for(account.clone(), purpose)
                }
                3 => {
                    let declared = vec![("declared", "yes".to_owned())];
                    Event::new(Kind::MandateOpened, now).by(who).about(id).sealed_for(citizen.clone(), declared)
                }
                _ => Event::new(Kind::TermsAccepted, now).by(who).fact("version", "1"),
            };
            journal::record(tx, &event)?;
        }
        Ok::<_, Error>(())
    });
    written.await.unwrap();
}

/// An authority timestamps the last checkpoint, if there is one: that is an entry.
async fn timestamped(world: &World) -> usize {
    let Some(last) = world.app.store.read(log::latest).await.unwrap() else { return 0 };
    world.timestamped(last.size).await;
    1
}

/// What auditors search holds every entry.
pub(crate) async fn searchable(world: &World) {
    let now = world.now();
    while world.app.store.write(move |tx| audit::digest(tx, now)).await.unwrap().more {}
}

/// Whoever the entries are about.
async fn people(world: &World) -> (Owner, Owner) {
    let ana = world.mediator("Ana Silva").await;
    let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
    (Owner::Citizen(opened.citizen), Owner::Account(ana.account.clone()))
}

/// So many persons whose data was destroyed: whoever comes back begins anew.
async fn destroyed(world: &World, count: usize) {
    let ana = world.mediator("Ada Sellier").await;
    let (olga, omar) = (world.officer("Olga Prudhomme").await, world.officer("Omar Sage").await);
    for _ in 0..count {
        let opened = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let asked = olga.asks_to_erase(opened.citizen.as_str(), "person_asked").await;
        let request = asked.url.path().trim_start_matches("/office/erasures/").to_owned();
        assert_eq!(omar.approves(&request).await.status, 303);
    }
}

/// What the reader knows: the keys, and the last checkpoint that the machine remembers.
async fn known(world: &World) -> Known {
    let last = world.app.store.read(log::latest).await.unwrap().unwrap();
    let kept = vec![Mark { size: last.size, root: last.root, foreign: true }];
    Known { keys: vec![signer(9).verifier().clone()], witnesses: vec![witness().verifier().clone()], kept }
}

async fn said(world: &World, known: &Known) -> Result<Verdict, Trouble> {
    let known = known.clone();
    world.app.store.read(move |db| database::verify_within(db, &known, 1)).await
}

async fn verdict(world: &World, known: &Known) -> Verdict {
    said(world, known).await.unwrap_or_else(|trouble| panic!("no verdict: {trouble}"))
}

/// A journal of a thousand entries, twenty-five at a checkpoint, some cosigned or timestamped, and five entries that wait.
async fn journal_of(world: &World) -> Scene {
    destroyed(world, 4).await;
    let about = people(world).await;
    let mut node = sequencer(world);
    all_signed(&mut node).await;
    let mut size = usize::try_from(world.database.number("select count(*) from journal_positions")).unwrap();
    while size < SIZE {
        let more = (SIZE - size).min(25);
        world.after(2);
        let first = if size % 4 == 0 { timestamped(world).await } else { 0 };
        happens(world, &about, more - first).await;
        all_signed(&mut node).await;
        size += more;
    }
    for note in world.database.texts("select note as value from journal_checkpoints order by size desc limit 6") {
        let text = format!("{}\n", note.split_once("\n\n").unwrap().0);
        let line = witness().line(Purpose::Cosignature, &text, 1_795_251_700);
        let of: String = text.lines().nth(1).unwrap().to_owned();
        let name = witness().verifier().name().to_owned();
        let sql = format!("insert into journal_cosignatures (size, witness, line) values ({of}, '{name}', '{line}')");
        world.database.execute(&sql).unwrap();
    }
    searchable(world).await;
    happens(world, &about, 5).await;
    std::fs::remove_file(remembered(world)).unwrap();
    Scene::of(Hand::on(&world.database))
}

on_each_backend! {
    /// Single changes of every table and column, as the owner of the database can make them.
    async fn h11_whatever_is_changed_in_the_journal_is_found_and_located(world) {
        let mut scene = journal_of(&world).await;
        let known = known(&world).await;
        let whole = verdict(&world, &known).await;
        assert_eq!(whole.findings, []);
        assert_eq!((whole.size, whole.covered), (1_000, 1_000));
        assert_eq!(whole.witnessed, [("witness.example.org/w".to_owned(), 1_000)]);
        let mut chance = Chance::new();
        let acts = scene.acts(&mut chance, setting("TAMPERINGS", 2));
        let (mut missed, mut astray, mut misnamed, mut named) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let mut tried = BTreeMap::<&str, usize>::new();
        for Act { what, kind, sql, tables, places, damage } in &acts {
            scene.hand.does(sql);
            let said = said(&world, &known).await;
            scene.hand.restores(tables);
            *tried.entry(*kind).or_default() += 1;
            let said = match said {
                Ok(said) => said,
                Err(trouble) => {
                    missed.push(format!("{what}: {trouble}"));
                    continue;
                }
            };
            let listed = || said.findings.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let is_named = |damage| said.findings.iter().any(|found| found.damage == damage && locates(found, places));
            if said.findings.is_empty() {
                missed.push(what.clone());
            } else if !located(&said.findings, places) {
                astray.push(format!("{what}: {}", listed()));
            } else if let Some(damage) = damage.filter(|damage| !is_named(*damage)) {
                misnamed.push(format!("{what}, not {damage:?}: {}", listed()));
            }
            named += usize::from(damage.is_some());
        }
        println!(
            "{:?}: {} tamperings, {} not found, {} not located, {named} of one kind, {} not named so; {tried:?}",
            world.database.backend, acts.len(), missed.len(), astray.len(), misnamed.len()
        );
        assert_eq!([missed, astray, misnamed], [const { Vec::<String>::new() }; 3]);
        assert_eq!(verdict(&world, &known).await.findings, [], "and everything is as it was");
    }

    /// SQLite keeps any value in any column, and reads some as what they are not.
    async fn h11_what_is_read_as_right_and_never_found_is_noticed(world) {
        let mut scene = journal_of(&world).await;
        let known = known(&world).await;
        for (table, change) in [
            ("journal_search", "citizen = citizen + 4294967296 where citizen is not null"),
            ("journal_search", "kind = kind || 'x'"),
            ("journal_terms", "term = cast(term as blob)"),
            ("journal_days", "entries = entries || 'x'"),
            // Whoever goes from one to the next by these must come to an end.
            ("journal_search", "n = 'x' where n = (select max(n) from journal_search)"),
            ("journal_days", "day = day + 4294967296 where day = (select max(day) from journal_days)"),
            ("journal_terms", "number = number + 4294967296 where number = (select max(number) from journal_terms)"),
            ("journal_checkpoints", "size = 'x' where size = (select max(size) from journal_checkpoints)"),
            ("journal_entries", "kind = cast(kind as blob) where kind = 'journal_timestamped'"),
            ("journal_timestamps", "size = 'x' where size = (select max(size) from journal_timestamps)"),
            ("journal_tiles", "number = 'x' where level = 0 and number = 2"),
            ("erasures", "owner = cast(owner as blob) where owner = (select max(owner) from erasures)"),
            ("erasures", "at = 'x' where owner = (select max(owner) from erasures)"),
            ("erasures", "entry = cast(entry as blob)"),
        ] {
            let sql = format!("update {table} set {change}");
            if world.database.backend == crate::world::Backend::Postgres {
                assert!(world.database.execute(&sql).is_err(), "{sql}");
                continue;
            }
            scene.hand.does(&sql);
            let said = verdict(&world, &known).await;
            let places = [table, "the erasure of"].map(|name| Where::Row(name.to_owned()));
            assert!(located(&said.findings, &places), "{sql}: {:?}", said.findings);
            scene.hand.restores(&[table]);
        }
        // An entry that stands nowhere would never be signed, and stay open to changes.
        scene.hand.does(
            "delete from journal_pending where entry = (select max(id) from journal_entries); \
             insert into journal_positions (position, entry) select null, max(id) from journal_entries",
        );
        let last = world.database.texts("select max(id) as value from journal_entries").remove(0);
        let said = verdict(&world, &known).await;
        assert!(located(&said.findings, &[Where::Entry(last)]), "{:?}", said.findings);
        scene.hand.restores(&["journal_pending", "journal_positions"]);
        // Only what it says to hold is missed.
        scene.hand.does("update journal_digest set settled = ''; delete from journal_search; delete from journal_days");
        let said = verdict(&world, &known).await;
        assert_eq!((said.findings, said.searchable), (Vec::new(), Some(0)));
        scene.hand.does("update journal_digest set settled = '2000 '");
        let said = verdict(&world, &known).await;
        assert!(located(&said.findings, &[Where::Row("journal_digest".to_owned())]), "{:?}", said.findings);
    }

    /// A second entry about a timestamp does not cover another one: the first still says what was there.
    async fn h11_a_timestamp_is_not_exchanged_by_another_entry(world) {
        let mut scene = journal_of(&world).await;
        let known = known(&world).await;
        let size = world.database.number("select max(size) from journal_timestamps");
        scene.hand.does(&format!("delete from journal_timestamps where size = {size}"));
        world.after(1);
        world.timestamped(u64::try_from(size).unwrap()).await;
        let said = verdict(&world, &known).await;
        assert!(located(&said.findings, &[Where::Row(format!("the timestamp at {size}"))]), "{:?}", said.findings);
    }

    /// What is signed is found, whatever stands before it.
    async fn h11_rows_before_the_last_checkpoint_hide_nothing(world) {
        let mut scene = journal_of(&world).await;
        let known = Known { kept: Vec::new(), ..known(&world).await };
        let anew = scene.acts(&mut Chance::new(), 1).into_iter().find(|act| act.kind == "computed anew").unwrap();
        let zero = scene.hand.bytes(&[0; 32]);
        let last = "select max(at) from journal_checkpoints";
        scene.hand.does(&format!(
            "insert into journal_checkpoints (size, root, at, note, previous) \
             select 1000000000 + position, {zero}, ({last}), 'nobody signed this', 0 from journal_positions where position < 600"
        ));
        scene.hand.does(&anew.sql);
        let said = verdict(&world, &known).await;
        assert!(located(&said.findings, &anew.places), "{}: {:?}", anew.what, said.findings.iter().take(9).collect::<Vec<_>>());
        assert_eq!((said.size, said.findings.iter().any(|found| found.place.as_deref() == Some("checkpoint 1000000000"))), (1_000, true));
    }

    /// Entries come, are signed and copied all the time that it is looked at.
    async fn a_journal_at_work_raises_no_alarm(world) {
        let about = people(&world).await;
        let mut node = sequencer(&world);
        happens(&world, &about, 300).await;
        all_signed(&mut node).await;
        searchable(&world).await;
        let known = Known { kept: Vec::new(), ..known(&world).await };
        for run in 0..12 {
            let (store, handle, known) = (world.app.store.clone(), tokio::runtime::Handle::current(), known.clone());
            let looking = tokio::task::spawn_blocking(move || database::verify(&store, handle, &known, 2, |_, _| ()));
            while !looking.is_finished() {
                happens(&world, &about, 7).await;
                timestamped(&world).await;
                node.step().await.unwrap();
                let now = world.now();
                world.app.store.write(move |tx| audit::digest(tx, now)).await.unwrap();
            }
            let said = looking.await.unwrap().unwrap();
            assert_eq!(said.findings, [], "run {run}");
        }
        std::fs::remove_file(remembered(&world)).unwrap();
    }

    /// The data of a person are destroyed after its first bundles were looked at, and before the others are.
    async fn an_erasure_meanwhile_raises_no_alarm(world) {
        let about = people(&world).await;
        let mut node = sequencer(&world);
        happens(&world, &about, 3_000).await;
        all_signed(&mut node).await;
        searchable(&world).await;
        let Owner::Citizen(citizen) = &about.0 else { unreachable!() };
        let known = Known { kept: Vec::new(), ..known(&world).await };
        let (store, handle) = (world.app.store.clone(), tokio::runtime::Handle::current());
        let ((looks, looked_at), (erase, gone)) = (tokio::sync::oneshot::channel(), std::sync::mpsc::channel());
        let looking = tokio::task::spawn_blocking(move || {
            let mut looks = Some(looks);
            database::verify(&store, handle, &known, 1, |_, _| {
                if let Some(looks) = looks.take() {
                    looks.send(()).unwrap();
                    gone.recv().unwrap();
                }
            })
        });
        looked_at.await.unwrap();
        erased(&world, citizen.as_str()).await;
        assert_eq!(world.rows("journal_sealed", &format!("owner = '{citizen}'")), 0);
        erase.send(()).unwrap();
        assert_eq!(looking.await.unwrap().unwrap().findings, []);
        std::fs::remove_file(remembered(&world)).unwrap();
    }

    /// Whoever has the key of the journal too can sign anew. What somebody kept tells.
    async fn h11_a_journal_signed_anew_is_forked_for_whoever_kept_a_checkpoint(world) {
        let mut scene = journal_of(&world).await;
        let known = known(&world).await;
        scene.signs_anew(&signer(9));
        let alone = Known { kept: Vec::new(), ..known.clone() };
        assert_eq!(verdict(&world, &alone).await.findings, [], "nobody who only looks at the database can know");
        let said = verdict(&world, &known).await;
        assert!(said.findings.iter().any(|found| found.damage == Damage::Forked), "{:?}", said.findings);
    }

    /// A whole backup of before.
    async fn h11_a_journal_rolled_back_is_noticed_by_whoever_kept_a_checkpoint(world) {
        let mut scene = journal_of(&world).await;
        let known = known(&world).await;
        let size = scene.rolls_back(400);
        let alone = Known { kept: Vec::new(), ..known.clone() };
        assert_eq!(verdict(&world, &alone).await.findings, [], "a backup is whole");
        let said = verdict(&world, &known).await;
        let rolled: Vec<_> = said.findings.iter().filter(|found| found.damage == Damage::RolledBack).collect();
        assert!(rolled.iter().any(|found| found.positions == Some((size, 1_000))), "{:?}", said.findings);
    }

    /// Journals that nobody touched, as they grow.
    async fn an_untouched_journal_raises_no_alarm(world) {
        let about = people(&world).await;
        let mut node = sequencer(&world);
        let mut chance = Chance::new();
        all_signed(&mut node).await;
        for run in 0..setting("UNTOUCHED", 25) {
            world.after(i64::try_from(chance.below(5)).unwrap());
            // A thousand runs grow slowly: each looks at everything.
            let most = if run < 50 { 40 } else { 4 };
            happens(&world, &about, usize::try_from(chance.below(most)).unwrap()).await;
            // Now and then nothing is signed, or a position is given and not yet signed.
            match chance.below(4) {
                0 => {}
                1 => assert!(world.app.store.write(|tx| log::give_positions(tx, 7)).await.unwrap() <= 7),
                _ => all_signed(&mut node).await,
            }
            if chance.below(2) == 0 {
                searchable(&world).await;
            }
            let known = known(&world).await;
            assert_eq!(verdict(&world, &known).await.findings, [], "run {run}");
        }
        std::fs::remove_file(remembered(&world)).unwrap();
    }
}
