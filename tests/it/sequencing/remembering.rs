//! What a machine knows of what was signed, and what it does where it knows nothing.

use mandataire::app::sequencer::{Step, Trouble};

use super::{Disk, all_signed, examined, happens, looks_on, node};
use crate::on_each_backend;
use crate::world::World;

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
        world.database.execute("update journal_sequencer set holder = ''").unwrap();
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
    world.database.execute("update journal_sequencer set holder = ''").unwrap();
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
