//! What an operator is told of the logins of PostgreSQL when `serve` starts, and that two of them are enough to serve and to sign.

use std::time::{Duration, Instant};

use mandataire::clock::Random;
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::Store;

use crate::database::Database;
use crate::roles::Roles;
use crate::serve::Serve;

const CHECKPOINTS: &str = "select count(*) from journal_checkpoints";
const PATIENCE: Duration = Duration::from_secs(30);

fn key() -> Signer {
    Signer::new("rights.example.fr/log", Purpose::Note, &Random::system().bytes()).expect("a key")
}

/// Waits until something is signed.
async fn is_signed(database: &Database) {
    let began = Instant::now();
    while database.number(CHECKPOINTS) == 0 {
        assert!(began.elapsed() < PATIENCE, "nothing is signed after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// One login writes and one signs, neither can do the other's work, and nobody has anything to say about them.
#[actix_web::test]
async fn h12_one_login_serves_and_another_one_signs() {
    let Some(roles) = Roles::new() else { return };
    // A setting of one of them does not make it another database.
    let signs = roles.url("sequencer") + "%20-cdatestyle%3DGerman%20-ctimezone%3DAsia/Tokyo";
    let node = Serve::signing_as(&roles.url("service"), &signs, &key().secret()).await;
    is_signed(&roles.owner).await;
    assert_eq!(node.readiness().await, (200, "ready\n".to_owned()));
    let told = node.told();
    assert!(!told.contains("role of"), "{told}");
}

/// With the first login alone everything is written and nothing is signed: the second one is no ornament.
#[actix_web::test]
async fn h12_without_the_login_that_signs_nothing_is_signed() {
    let Some(roles) = Roles::new() else { return };
    let node = Serve::signing(&roles.url("service"), &key().secret()).await;
    let began = Instant::now();
    let told = loop {
        let (_, told) = node.readiness().await;
        if told.contains("the journal is not signed") {
            break told;
        }
        assert!(began.elapsed() < PATIENCE, "{told}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(told.starts_with("ready"), "{told}");
    assert_eq!(roles.owner.number(CHECKPOINTS), 0);
}

/// Who starts with the owner's login is told so, whichever of the two it is.
#[actix_web::test]
async fn h11_rights_that_are_too_wide_are_said_at_the_start() {
    let Some(roles) = Roles::new() else { return };
    let owner = roles.owner.url.clone();
    let alone = Serve::start(&owner).await.told();
    assert!(
        alone.contains("the role of database.url may change tables of the journal that only grow (journal_entries,"),
        "{alone}"
    );
    let both = Serve::signing_as(&owner, &owner, &key().secret()).await.told();
    for sentence in [
        "the role of database.sequencer_url may change tables",
        "the role of database.url may sign the journal",
        "the role of database.sequencer_url may write entries",
    ] {
        assert!(both.contains(sentence), "{sentence}: {both}");
    }
}

/// A login for another database would sign another journal.
#[actix_web::test]
async fn h11_a_login_of_another_database_is_refused_at_the_start() {
    let (Some(roles), Some(other)) = (Roles::new(), Database::postgres()) else { return };
    Store::migrate(&other.location).unwrap();
    let told = Serve::refuses(&roles.url("service"), &other.url, &key().secret());
    assert!(
        told.contains("database.sequencer_url: this is another server, database or schema than that of database.url"),
        "{told}"
    );
}
