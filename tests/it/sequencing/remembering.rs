//! What a machine knows of what was signed, and what it does where it knows nothing.

use std::time::Duration;

use mandataire::app::sequencer::{Sequencer, Step, Trouble};

use super::{Disk, all_signed, beats, examined, happens, looks_on, node, node_with};
use crate::on_each_backend;
use crate::world::World;

const NOBODY: &str = "update journal_sequencer set holder = ''";
const CHECKPOINTS: &str = "select count(*) from journal_checkpoints";

fn cannot_write(step: &Result<Step, Trouble>) -> bool {
    step.as_ref().is_err_and(|trouble| trouble.to_string().contains("cannot be written"))
}

on_each_backend! {
    /// A database that was restored onto a new machine looks whole: only what the machine remembers says whether it is.
    async fn h11_a_machine_that_remembers_nothing_signs_nothing_until_it_is_told(world) {
        let (old, new) = (Disk::new(&world), Disk::new(&world));
        let mut before = node(&world, &old);
        happens(&world, 30).await;
        all_signed(&mut before).await;
        drop(before);
        world.database.execute(NOBODY).unwrap();
        let signed = world.database.number(CHECKPOINTS);
        happens(&world, 5).await;
        let mut after = node(&world, &new);
        for _ in 0..3 {
            let trouble = after.step().await.unwrap_err().to_string();
            assert!(trouble.contains("this machine does not remember it"), "{trouble}");
        }
        assert_eq!(world.database.number(CHECKPOINTS), signed);
        assert!(!new.signed().exists(), "what the database says is not believed later either");
        // The file of the old machine is brought.
        std::fs::copy(old.signed(), new.signed()).unwrap();
        all_signed(&mut node(&world, &new)).await;
        assert_eq!(world.database.number(CHECKPOINTS), signed + 1);
        assert_eq!(examined(&world).await.findings, []);
    }

    /// A service starts with an empty database, and a backup is put in its place while it runs.
    async fn h11_a_backup_under_a_machine_that_runs_is_not_believed(world) {
        let (old, new) = (Disk::new(&world), Disk::new(&world));
        world.database.execute("delete from journal_pending").unwrap();
        let mut empty = node(&world, &new);
        assert_eq!(empty.step().await.unwrap(), Step::Idle);
        world.database.execute(NOBODY).unwrap();
        happens(&world, 30).await;
        all_signed(&mut node(&world, &old)).await;
        world.database.execute(NOBODY).unwrap();
        happens(&world, 5).await;
        assert!(matches!(signs_nothing(&world, &mut empty, &new).await, Trouble::Unremembered(30)));
    }

    /// Whoever signed last may have had another key: it is asked whether this one ever signed.
    async fn h11_an_earlier_checkpoint_by_this_key_is_enough(world) {
        let (old, foreign, new) = (Disk::new(&world), Disk::new(&world), Disk::new(&world));
        happens(&world, 10).await;
        all_signed(&mut node(&world, &old)).await;
        let ours = signed(&world);
        world.database.execute(NOBODY).unwrap();
        happens(&world, 10).await;
        all_signed(&mut node_with(&world, &foreign, 8)).await;
        world.database.execute(NOBODY).unwrap();
        happens(&world, 10).await;
        assert!(matches!(signs_nothing(&world, &mut node(&world, &new), &new).await, Trouble::Unremembered(size) if size == ours));
        world.database.execute(NOBODY).unwrap();
        all_signed(&mut node_with(&world, &Disk::new(&world), 7)).await;
    }
}

/// Leaves under the last checkpoint.
fn signed(world: &World) -> u64 {
    u64::try_from(world.database.number("select max(size) from journal_checkpoints")).unwrap()
}

/// Why this node signs nothing; and that it does not.
async fn signs_nothing(world: &World, node: &mut Sequencer, disk: &Disk) -> Trouble {
    let signed = world.database.number(CHECKPOINTS);
    let trouble = node.step().await.unwrap_err();
    assert_eq!(world.database.number(CHECKPOINTS), signed);
    assert!(!disk.signed().exists(), "it believes it now");
    trouble
}

/// A backup that is newer than what was there, and short of what was signed: it grows, and nobody is alive in it.
#[actix_web::test]
async fn h11_a_newer_backup_is_not_taken_for_a_node_that_signs() {
    let Some(world) = World::on_postgres().await else { return };
    let (old, new) = (Disk::new(&world), Disk::new(&world));
    let (mut before, mut after) = (node(&world, &old), node(&world, &new));
    happens(&world, 30).await;
    all_signed(&mut before).await;
    for _ in 0..3 {
        assert_eq!(after.step().await.unwrap(), Step::Elsewhere, "it is not known yet that the holder in it is dead");
    }
    happens(&world, 5).await;
    all_signed(&mut before).await;
    beats(&world);
    for _ in 0..4 {
        assert_eq!(after.step().await.unwrap(), Step::Elsewhere);
    }
    world.database.execute(NOBODY).unwrap();
    assert!(
        matches!(signs_nothing(&world, &mut after, &new).await, Trouble::Unremembered(size) if size == signed(&world))
    );
    // Another one, while it leaves the work to others.
    let mut again = node(&world, &old);
    happens(&world, 5).await;
    all_signed(&mut again).await;
    world.database.execute(NOBODY).unwrap();
    for _ in 0..3 {
        assert!(matches!(signs_nothing(&world, &mut after, &new).await, Trouble::Left(_)));
    }
}

/// A node that joins others learns from what they sign, and not from what was signed before anybody looked.
#[actix_web::test]
async fn a_node_that_joins_remembers_what_it_sees_being_signed() {
    let Some(world) = World::on_postgres().await else { return };
    let (one_disk, other_disk) = (Disk::new(&world), Disk::new(&world));
    let (mut one, mut other) = (node(&world, &one_disk), node(&world, &other_disk));
    all_signed(&mut one).await;
    assert_eq!(other.step().await.unwrap(), Step::Elsewhere);
    assert!(!other_disk.signed().exists());
    looks_on(&world, &mut one, &mut other).await;
    let kept = |disk: &Disk| std::fs::read_to_string(disk.signed()).unwrap();
    assert_eq!(kept(&other_disk), kept(&one_disk));
    drop(one);
    world.database.execute(NOBODY).unwrap();
    happens(&world, 3).await;
    all_signed(&mut other).await;
    assert_eq!(examined(&world).await.findings, []);
}

/// A holder whose own disk fails leaves the turn to another node at once: the journal waits for no single machine.
#[actix_web::test]
async fn a_holder_that_cannot_remember_is_replaced_at_once() {
    let Some(world) = World::on_postgres().await else { return };
    let (one_disk, other_disk) = (Disk::new(&world), Disk::new(&world));
    let (mut one, mut other) = (node(&world, &one_disk), node(&world, &other_disk));
    all_signed(&mut one).await;
    looks_on(&world, &mut one, &mut other).await;
    // It counts on from where it finds its own name.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(one.step().await.unwrap(), Step::Idle);
    std::fs::remove_dir_all(&one_disk.0).unwrap();
    happens(&world, 5).await;
    for _ in 0..3 {
        assert!(cannot_write(&one.step().await), "nobody took over yet: the alarm stays");
    }
    assert_eq!(other.step().await.unwrap(), Step::Signed);
    let again = one.step().await;
    assert!(cannot_write(&again), "it says so as long as it lasts, and takes nothing back: {again:?}");
    assert_eq!(other.step().await.unwrap(), Step::Idle);
    assert_eq!(examined(&world).await.findings, []);
}
