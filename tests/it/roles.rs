//! PostgreSQL: whoever serves, signs or audits can do that, and nothing else. SQLite has no roles.

use mandataire::app::cosigning::{self, Cosigner};
use mandataire::app::evidence::{Known, database};
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::clock::Random;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::journal::{self, Filter};
use mandataire::store::{Db, Error, Schema, Store, examine, log};

use crate::witnessing::{Folder, runs, witness, witness_key};
use crate::world::World;
use crate::world::database::Database;
use crate::world::roles::Roles;

/// The tables that only grow, and a column of each.
const GROW: [(&str, &str); 7] = [
    ("journal_entries", "kind"),
    ("journal_sealed", "owner"),
    ("journal_positions", "entry"),
    ("journal_tiles", "root"),
    ("journal_checkpoints", "note"),
    ("journal_cosignatures", "line"),
    ("journal_timestamps", "reply"),
];

fn refused(database: &Database, sql: &str) {
    let error = database.execute(sql).expect_err(sql).to_string();
    assert!(error.contains("permission denied") || error.contains("must be owner"), "{sql}: {error}");
}

fn signer() -> Signer {
    Signer::new("log.example.fr/log", Purpose::Note, &[9; 32]).unwrap()
}

async fn signs(store: &Store, world: &World) {
    let file = std::env::temp_dir().join(format!("roles_{:032x}", world.random.u128()));
    let node =
        Sequencer::new(store.clone(), world.clock.clone(), signer(), &file, std::sync::Arc::default(), &world.random);
    let mut node = node.unwrap();
    while node.step().await.unwrap() != Step::Idle {}
    std::fs::remove_file(file).unwrap();
}

fn rewritable(db: &mut Db<'_>) -> Result<Vec<&'static str>, Error> {
    db.may_rewrite()
}

/// The whole of the service's work is done by a role that can neither change nor take back an entry.
#[actix_web::test]
async fn h11_whoever_serves_writes_the_journal_and_cannot_change_it() {
    let Some(roles) = Roles::new() else { return };
    let service = roles.as_role("service");
    assert_eq!(Store::schema(&service.location).unwrap(), Schema::Current);
    let world = World::served_on(roles.owner.again(), &service.location).await;
    let ana = world.mediator("Ana Silva").await;
    let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
    ana.revokes(&opened.mandate, None).await;
    assert_eq!(world.count(Kind::AuthorisationRevoked).await, 1);
    assert_eq!(world.app.store.read(rewritable).await.unwrap(), Vec::<&str>::new());
    for (table, column) in GROW {
        refused(&service, &format!("update {table} set {column} = {column}"));
        // Whoever was destroyed leaves sealed parts behind that may go: for the others, there is the trigger.
        match table {
            "journal_sealed" => assert!(service.execute("delete from journal_sealed").is_err()),
            _ => refused(&service, &format!("delete from {table}")),
        }
        refused(&service, &format!("truncate {table} cascade"));
        refused(&service, &format!("alter table {table} disable trigger all"));
        refused(&service, &format!("drop table {table} cascade"));
    }
    refused(&service, "insert into journal_positions (position, entry) select 9, id from journal_entries limit 1");
    refused(&service, "insert into journal_checkpoints (size, root, at, note) values (1, '', now(), '')");
    refused(&service, "insert into journal_cosignatures (size, witness, line) values (1, 'w', '')");
    refused(&service, "delete from journal_pending");
    refused(&service, "create table elsewhere (one int)");
    let owned = roles.owner.location.clone();
    let store = Store::open(&owned, 1, &[7; 32], Random::system()).unwrap();
    assert_eq!(store.read(rewritable).await.unwrap().len(), GROW.len(), "the owner can, and is told so");
}

/// Whoever signs has the tree, and nobody's data.
#[actix_web::test]
async fn h12_whoever_signs_writes_the_tree_and_knows_nobody() {
    let Some(roles) = Roles::new() else { return };
    let world = World::served_on(roles.owner.again(), &roles.location("service")).await;
    let ana = world.mediator("Ana Silva").await;
    ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
    let store = Store::open(&roles.location("sequencer"), 2, &Random::system().bytes(), Random::system()).unwrap();
    signs(&store, &world).await;
    assert_eq!(store.read(|db| log::pending(db, 100)).await.unwrap(), 0, "it counts what waits");
    let sequencer = roles.as_role("sequencer");
    let entries = roles.owner.number("select count(*) from journal_entries");
    let size = u64::try_from(entries).unwrap();
    let folder = Folder::new();
    let (address, _handle) = runs(witness(&folder.0, 1));
    let key = witness_key(1).verifier().clone();
    let mut cosigner = Cosigner::new(store.clone(), world.clock.clone(), key, &address).unwrap();
    assert_eq!(
        cosigner.step().await.unwrap(),
        cosigning::Step::Cosigned(size),
        "it asks witnesses, and keeps what they say"
    );
    assert_eq!(roles.owner.number("select count(*) from journal_cosignatures"), 1);
    // What an authority says is an entry too: whoever serves keeps it.
    world.timestamped(size).await;
    assert_eq!(roles.owner.number("select count(*) from journal_timestamps"), 1);
    assert_eq!(roles.owner.number("select max(size) from journal_checkpoints"), entries);
    for table in ["citizens", "person_keys", "accounts", "mandates", "journal_sealed", "signing_keys", "sessions"] {
        refused(&sequencer, &format!("select * from {table}"));
    }
    for (table, column) in GROW {
        refused(&sequencer, &format!("update {table} set {column} = {column}"));
        refused(&sequencer, &format!("delete from {table}"));
    }
    for table in ["journal_entries", "journal_sealed", "journal_pending", "journal_timestamps"] {
        refused(&sequencer, &format!("insert into {table} select * from {table}"));
    }
}

/// Whoever audits verifies everything, reads nobody, and writes nothing.
#[actix_web::test]
async fn h12_whoever_audits_verifies_the_journal_and_has_no_key_to_any_person() {
    let Some(roles) = Roles::new() else { return };
    let world = World::served_on(roles.owner.again(), &roles.location("service")).await;
    let ana = world.mediator("Ana Silva").await;
    ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
    let owner = Store::open(&roles.owner.location, 2, &Random::system().bytes(), Random::system()).unwrap();
    signs(&owner, &world).await;
    let auditor = roles.as_role("auditor");
    let store = Store::open(&auditor.location, 1, &Random::system().bytes(), Random::system()).unwrap();
    let known = Known { keys: vec![signer().verifier().clone()], ..Known::default() };
    let verdict = store.read(move |db| database::verify_within(db, &known, 1)).await;
    let verdict = verdict.unwrap();
    assert_eq!((verdict.findings, verdict.covered), (Vec::new(), verdict.size));
    for table in [
        "citizens",
        "person_keys",
        "accounts",
        "citizen_search",
        "contacts",
        "phones",
        "documents",
        "agreements",
        "drafts",
        "sessions",
        "outbox",
    ] {
        refused(&auditor, &format!("select * from {table}"));
    }
    for (table, column) in GROW {
        refused(&auditor, &format!("update {table} set {column} = {column}"));
        refused(&auditor, &format!("delete from {table}"));
        refused(&auditor, &format!("insert into {table} select * from {table}"));
    }
    // What is sealed stays so, for whoever has all of the journal and any other key.
    let opened = store.read(|db| {
        let ids = journal::list_forward(db, &Filter::default(), None, 1_000)?;
        let ids: Vec<String> = ids.iter().map(|entry| entry.id.to_string()).collect();
        let stands = examine::standing(db, &ids)?;
        Ok::<_, Error>(stands.into_values().flat_map(|one| one.sealed).map(|part| part.opened).collect::<Vec<_>>())
    });
    let opened = opened.await.unwrap();
    assert!(opened.len() > 1 && opened.iter().all(Option::is_none), "{opened:?}");
}
