//! The sequencer: every entry in the tree, the tree signed, and nothing signed that contradicts what was.

mod remembering;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use mandataire::app::sequencer::{Sequencer, Step, Trouble};
use mandataire::clock::Clock;
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::note::{Purpose, Signer, Verifier};
use mandataire::journal::tile::{Edge, Row, Tile};
use mandataire::journal::verify::{Audit, Mark, Report, recompute};
use mandataire::store::{Error, journal, log};
use mandataire::web::state::Signing;
use reqwest::Response;

use crate::on_each_backend;
use crate::world::{Backend, World};

const ORIGIN: &str = "log.example.fr/log";

/// A node's own disk.
pub(crate) struct Disk(PathBuf);

impl Disk {
    pub(crate) fn new(world: &World) -> Self {
        let folder = std::env::temp_dir().join(format!("disk_{:032x}", world.random.u128()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn signed(&self) -> PathBuf {
        self.0.join("signed")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn key(seed: u8) -> Signer {
    Signer::new(ORIGIN, Purpose::Note, &[seed; 32]).unwrap()
}

pub(crate) fn verifier() -> Verifier {
    key(9).verifier().clone()
}

fn node_at(world: &World, disk: &Disk, clock: Clock, seed: u8) -> Sequencer {
    let shown = Arc::new(Signing::default());
    Sequencer::new(world.app.store.clone(), clock, key(seed), &disk.signed(), shown, &world.random).unwrap()
}

/// One that signs with the key of this seed.
fn node_with(world: &World, disk: &Disk, seed: u8) -> Sequencer {
    node_at(world, disk, world.clock.clone(), seed)
}

pub(crate) fn node(world: &World, disk: &Disk) -> Sequencer {
    node_with(world, disk, 9)
}

/// The holder counts: what it does each second, without waiting for it.
fn beats(world: &World) {
    world.database.execute("update journal_sequencer set beat = beat + 1").unwrap();
}

/// A node that remembers nothing sees another one live and sign.
async fn looks_on(world: &World, works: &mut Sequencer, waits: &mut Sequencer) {
    for _ in 0..3 {
        assert_eq!(waits.step().await.unwrap(), Step::Elsewhere);
        beats(world);
    }
    assert_eq!(waits.step().await.unwrap(), Step::Elsewhere);
    happens(world, 1).await;
    all_signed(works).await;
    assert_eq!(waits.step().await.unwrap(), Step::Elsewhere);
}

/// Steps until nothing waits.
pub(crate) async fn all_signed(node: &mut Sequencer) {
    for _ in 0..1_000 {
        if node.step().await.unwrap() == Step::Idle {
            return;
        }
    }
    panic!("it never ends");
}

/// So many entries.
pub(crate) async fn happens(world: &World, count: usize) {
    let now = world.now();
    let written = world.app.store.write(move |tx| {
        (0..count)
            .try_for_each(|_| journal::record(tx, &Event::new(Kind::TermsAccepted, now).fact("version", "1")).map(drop))
    });
    written.await.unwrap();
}

async fn file(world: &World, path: &str) -> Response {
    reqwest::get(world.at(&format!("/log/{path}"))).await.unwrap()
}

async fn bytes(world: &World, path: &str) -> Vec<u8> {
    let answer = file(world, path).await;
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

/// What a stranger with the public key finds in the public files, and every checkpoint that was ever published.
async fn examined(world: &World) -> Report {
    let note = String::from_utf8(bytes(world, "checkpoint").await).unwrap();
    let last = Checkpoint::open(&note, &verifier()).unwrap();
    let notes = world.database.texts("select note as value from journal_checkpoints order by size");
    let marks = notes.iter().map(|note| {
        let Checkpoint { size, root, .. } = Checkpoint::open(note, &verifier()).unwrap();
        Mark { size, root, foreign: false }
    });
    let mut audit = Audit::new(marks);
    while let Some(tile) = Tile::within(Row::Hashes(0), audit.size() / 256, last.size) {
        let entries = bytes(world, &Tile { row: Row::Entries, ..tile }.to_string()).await;
        audit.take(recompute(audit.size(), &entries, Some(&bytes(world, &tile.to_string()).await)));
        if !tile.is_full() {
            break;
        }
    }
    let report = audit.finish();
    assert_eq!((report.size, report.covered, report.root), (last.size, last.size, last.root));
    report
}

/// What whoever owns the database can do to it: the guards taken away, then put back.
pub(crate) fn forces(world: &World, tables: &[&str], sql: &str) {
    let around = |sqlite: fn(&str) -> String, postgres: fn(&str) -> String| {
        let each = tables
            .iter()
            .map(|table| if world.database.backend == Backend::Sqlite { sqlite(table) } else { postgres(table) });
        each.collect::<String>()
    };
    let off = around(
        |table| format!("drop trigger {table}_no_update; drop trigger {table}_no_delete;"),
        |table| format!("alter table {table} disable trigger all;"),
    );
    let on = around(
        |table| {
            let guard = |act| {
                format!("create trigger {table}_no_{act} before {act} on {table} begin select raise(abort, 'no'); end;")
            };
            guard("update") + &guard("delete")
        },
        |table| format!("alter table {table} enable trigger all;"),
    );
    let keys = if world.database.backend == Backend::Sqlite { "pragma foreign_keys = off;" } else { "" };
    world.database.execute(&format!("{keys}{off}{sql};{on}")).unwrap();
}

const POSITIONS: &str = "select count(*) from journal_positions";

on_each_backend! {
    /// An act at the counter is in a tree that a stranger can check, with the public files and the public key alone.
    async fn an_act_is_in_a_signed_tree_that_a_stranger_can_check(world) {
        assert_eq!(file(&world, "checkpoint").await.status(), 404);
        let disk = Disk::new(&world);
        let mut node = node(&world, &disk);
        let ana = world.mediator("Ana Silva").await;
        ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        all_signed(&mut node).await;
        let report = examined(&world).await;
        assert_eq!(report.findings, []);
        assert_eq!(report.size, u64::try_from(world.database.number("select count(*) from journal_entries")).unwrap());
        assert_eq!(world.database.number("select count(*) from journal_pending"), 0);
        let checkpoint = String::from_utf8(bytes(&world, "checkpoint").await).unwrap();
        let said = Checkpoint::signed_at(&checkpoint, &verifier()).unwrap().unwrap();
        assert_eq!(i64::try_from(said).unwrap(), world.now().timestamp());
        assert_eq!(std::fs::read_to_string(disk.signed()).unwrap(), checkpoint);
    }

    async fn tiles_are_served_as_the_tree_has_them_and_as_the_format_says(world) {
        let disk = Disk::new(&world);
        let mut node = node(&world, &disk);
        happens(&world, 700).await;
        all_signed(&mut node).await;
        assert_eq!(examined(&world).await.findings, []);
        let size = u64::try_from(world.database.number(POSITIONS)).unwrap();
        let leaves = world.app.store.read(move |db| log::leaves(db, 0, 2_000)).await.unwrap();
        let (mut edge, mut files) = (Edge::default(), Vec::new());
        for leaf in &leaves {
            edge.push(*leaf, |tile, hashes| files.push((tile, hashes.concat())));
        }
        files.extend(edge.partials());
        assert_eq!(files.len(), 4, "two full ones, one that is not, and one above");
        for (tile, kept) in files {
            assert_eq!(bytes(&world, &tile.to_string()).await, kept, "{tile}");
        }
        // A narrower one, as an older checkpoint had it.
        assert_eq!(bytes(&world, "tile/0/000.p/3").await, leaves[..3].concat());
        let full = file(&world, "tile/0/000").await;
        let header = |name| full.headers()[name].to_str().unwrap().to_owned();
        assert!(header("cache-control").contains("immutable"));
        assert_eq!(header("content-type"), "application/octet-stream");
        let again = reqwest::Client::new().get(world.at("/log/tile/0/000")).header("if-none-match", header("etag"));
        assert_eq!(again.send().await.unwrap().status(), 304);
        let checkpoint = file(&world, "checkpoint").await;
        assert_eq!(checkpoint.headers()["cache-control"], "public, max-age=1");
        assert_eq!(checkpoint.headers()["content-type"], "text/plain; charset=utf-8");
        let last = size % 256;
        let absent = [
            "tile/0/003", &format!("tile/0/002.p/{}", last + 1), "tile/0/002", "tile/2/000.p/1", "tile/entries/003.p/1", "tile/1/000",
            "tile/0/0", "tile/x/000", "tile/", "tile/0/000.p/0", "tile/0/x999/x999/x999/x999/x999/x999/x999", "tile/64/000", "tile/8/0/000",
        ];
        for path in absent {
            assert_eq!(file(&world, path).await.status(), 404, "{path}");
        }
        assert_eq!(world.database.number(POSITIONS), i64::try_from(size).unwrap());
        all_signed(&mut node).await;
        assert_eq!(world.database.number(POSITIONS), i64::try_from(size).unwrap(), "who asks for what is not there leaves no entry");
    }

    /// Two nodes that both believe to be the one: every entry has one position, and all that was signed is one history.
    async fn h11_two_sequencers_at_once_sign_one_history(world) {
        let (one_disk, other_disk) = (Disk::new(&world), Disk::new(&world));
        let mut one = node(&world, &one_disk);
        all_signed(&mut one).await;
        std::fs::copy(one_disk.signed(), other_disk.signed()).unwrap();
        let mut other = node(&world, &other_disk);
        for round in 0..12 {
            happens(&world, 40 + round).await;
            if world.database.backend == Backend::Postgres {
                let nobody = "update journal_sequencer set holder = ''";
                world.database.execute(nobody).unwrap();
            }
            let (here, there) = tokio::join!(one.step(), other.step());
            assert!(here.is_ok() && there.is_ok(), "{here:?} {there:?}");
        }
        world.database.execute("update journal_sequencer set holder = ''").unwrap();
        all_signed(&mut one).await;
        let report = examined(&world).await;
        assert_eq!(report.findings, []);
        assert!(report.agreed > 1);
        let entries = world.database.number("select count(*) from journal_entries");
        assert_eq!(world.database.number("select count(distinct entry) from journal_positions"), entries);
        assert_eq!(world.database.number("select max(position) + 1 from journal_positions"), entries);
    }

    /// A database restored from a backup has forgotten what was signed; the node has not.
    async fn h11_a_restore_that_lost_entries_is_noticed_and_nothing_is_signed(world) {
        let disk = Disk::new(&world);
        let mut before = node(&world, &disk);
        happens(&world, 300).await;
        all_signed(&mut before).await;
        let signed = u64::try_from(world.database.number(POSITIONS)).unwrap();
        forces(
            &world,
            &["journal_checkpoints", "journal_tiles", "journal_positions", "journal_entries"],
            "delete from journal_checkpoints; delete from journal_tiles; delete from journal_positions where position >= 100; \
             delete from journal_entries where id not in (select entry from journal_positions); \
             update journal_sequencer set holder = ''",
        );
        happens(&world, 50).await;
        let mut after = node(&world, &disk);
        for _ in 0..2 {
            let trouble = after.step().await.unwrap_err();
            assert!(matches!(trouble, Trouble::RolledBack { signed: had, found: 100 } if had == signed), "{trouble}");
        }
        assert_eq!(world.database.number("select count(*) from journal_checkpoints"), 0);
        // Even when as many came again, they are others.
        happens(&world, 400).await;
        world.app.store.write(|tx| log::give_positions(tx, 4_000)).await.unwrap();
        let trouble = after.step().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Forked(size) if size == signed), "{trouble}");
        assert_eq!(world.database.number("select count(*) from journal_checkpoints"), 0);
    }

    async fn h11_a_changed_entry_is_noticed_and_nothing_is_signed(world) {
        let disk = Disk::new(&world);
        happens(&world, 20).await;
        all_signed(&mut node(&world, &disk)).await;
        let signed = world.database.number("select max(size) from journal_checkpoints");
        // Whoever changes the bytes must change the hash beside them too.
        let other = "(select clear from journal_entries order by id limit 1)";
        let leaf = "(select leaf from journal_entries order by id limit 1)";
        let last = "(select entry from journal_positions order by position desc limit 1)";
        forces(&world, &["journal_entries"], &format!("update journal_entries set clear = {other}, leaf = {leaf} where id = {last}"));
        happens(&world, 1).await;
        world.database.execute("update journal_sequencer set holder = ''").unwrap();
        let trouble = node(&world, &disk).step().await.unwrap_err();
        assert!(matches!(trouble, Trouble::Forked(size) if i64::try_from(size).unwrap() == signed), "{trouble}");
        assert_eq!(world.database.number("select max(size) from journal_checkpoints"), signed);
    }

    /// What says how far the journal is signed cannot be changed or taken back by whoever has the service's password.
    async fn the_tree_is_append_only(world) {
        let disk = Disk::new(&world);
        happens(&world, 300).await;
        all_signed(&mut node(&world, &disk)).await;
        for table in ["journal_positions", "journal_tiles", "journal_checkpoints"] {
            let column = if table == "journal_tiles" { "level" } else if table == "journal_positions" { "position" } else { "size" };
            assert!(world.database.execute(&format!("delete from {table}")).is_err(), "{table}");
            assert!(world.database.execute(&format!("update {table} set {column} = {column} + 5000")).is_err(), "{table}");
        }
        if world.database.backend == Backend::Sqlite {
            let again = "insert or replace into journal_checkpoints select size, root, at, 'x' from journal_checkpoints";
            assert!(world.database.execute(again).is_err());
        }
    }

    async fn a_clock_that_goes_back_takes_no_checkpoint_with_it(world) {
        let disk = Disk::new(&world);
        happens(&world, 3).await;
        all_signed(&mut node(&world, &disk)).await;
        world.database.execute("update journal_sequencer set holder = ''").unwrap();
        let early = Clock::manual(world.now() - chrono::TimeDelta::hours(3));
        happens(&world, 3).await;
        all_signed(&mut node_at(&world, &disk, early, 9)).await;
        assert_eq!(world.database.number("select count(*) from journal_checkpoints"), 2);
        assert_eq!(world.database.number("select count(distinct at) from journal_checkpoints"), 1);
        assert_eq!(examined(&world).await.findings, []);
    }
}

/// A node that dies is replaced within five seconds, and until then nobody else works.
#[actix_web::test]
async fn a_dead_holder_is_replaced_within_five_seconds() {
    let Some(world) = World::on_postgres().await else { return };
    let (one_disk, other_disk) = (Disk::new(&world), Disk::new(&world));
    let (mut one, mut other) = (node(&world, &one_disk), node(&world, &other_disk));
    all_signed(&mut one).await;
    looks_on(&world, &mut one, &mut other).await;
    let kept = std::fs::read_to_string(other_disk.signed()).unwrap();
    assert!(Checkpoint::open(&kept, &verifier()).is_ok(), "who does not work remembers what was signed");
    happens(&world, 5).await;
    drop(one);
    let died = Instant::now();
    while other.step().await.unwrap() != Step::Signed {
        assert!(died.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(died.elapsed() > Duration::from_secs(2), "a holder that is only slow keeps its place");
    assert_eq!(examined(&world).await.findings, []);
}

/// On PostgreSQL an entry can become visible after one with a later identifier: it is not passed by.
#[actix_web::test]
async fn an_entry_committed_late_gets_its_position_too() {
    let Some(world) = World::on_postgres().await else { return };
    let disk = Disk::new(&world);
    let mut node = node(&world, &disk);
    all_signed(&mut node).await;
    let (go_on, waits) = mpsc::channel::<()>();
    let (written, ready) = tokio::sync::oneshot::channel();
    let (early, store) = (world.now(), world.app.store.clone());
    let late = tokio::spawn(async move {
        let held = store.write(move |tx| {
            let id = journal::record(tx, &Event::new(Kind::TermsAccepted, early).fact("version", "late"))?;
            let _ = written.send(());
            let _ = waits.recv();
            Ok::<_, Error>(id)
        });
        held.await.unwrap()
    });
    ready.await.unwrap();
    world.after(60);
    happens(&world, 3).await;
    all_signed(&mut node).await;
    let before = world.database.number(POSITIONS);
    go_on.send(()).unwrap();
    let id = late.await.unwrap();
    all_signed(&mut node).await;
    let place = world.database.number(&format!("select position from journal_positions where entry = '{id}'"));
    assert_eq!((place, world.database.number(POSITIONS)), (before, before + 1));
    assert_eq!(examined(&world).await.findings, []);
}
