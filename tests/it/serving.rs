//! The real program, started as an operator starts it: what it refuses, what it answers over TLS, what signals do to it.
#![expect(clippy::unwrap_used, reason = "a test ends where its scene cannot be set")]

mod process;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::web::Data;
use chrono::{TimeDelta, Utc};
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::app::witness::{Witness, server};
use mandataire::clock::{Clock, Random};
use mandataire::domain::event::{Event, Kind};
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::{Location, Store, journal};
use process::{Folder, HalfSent, certificate, fetch, fetch_over_tls, monitoring, spent};

/// What the program says when it does not start.
fn refusal(folder: &Folder, extra: &str) -> String {
    let output = folder.command(extra, &["serve"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn serve_does_not_start_on_a_schema_that_is_not_its_own() {
    let folder = Folder::new("schema");
    assert!(refusal(&folder, "").contains("run `mandataire migrate`"));
    let location = Location::parse(&folder.database()).unwrap();
    Store::migrate(&location).unwrap();
    Store::revert(&location).unwrap();
    assert!(refusal(&folder, "").contains("run `mandataire migrate`"));
    Store::migrate(&location).unwrap();
    let newest = "(select max(version) from __diesel_schema_migrations)";
    folder.execute(&format!("update __diesel_schema_migrations set version = '9999' where version = {newest}"));
    assert!(
        refusal(&folder, "").contains("by a newer version of the program: run that one"),
        "as many, but not the same"
    );
    folder.execute(&format!("delete from __diesel_schema_migrations where version = {newest}"));
    assert!(refusal(&folder, "").contains("run `mandataire migrate`"));
    folder.execute("insert into __diesel_schema_migrations (version) values ('9999')");
    assert!(refusal(&folder, "").contains("by a newer version of the program: run that one"));
}

#[test]
fn serve_does_not_start_with_a_certificate_that_cannot_be_used() {
    let folder = Folder::migrated("certificate");
    let (one, other) = (certificate(), certificate());
    let tls = folder.tls(&one.0, &other.1);
    assert!(refusal(&folder, &tls).contains("do not belong together"));
    let tls = folder.tls("nothing", &other.1);
    assert!(refusal(&folder, &tls).contains("tls.certificate_file holds no certificate"));
    let tls = folder.tls(&one.0, "nothing");
    assert!(refusal(&folder, &tls).contains("tls.key_file holds no private key"));
}

/// A witness that answers anything but its signature: the log says so, and so do the figures and `/readyz`; what happens is signed all the same.
#[test]
fn a_witness_that_lies_is_said_wherever_an_operator_looks() {
    let folder = Folder::migrated("witness");
    let liar = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let at = liar.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in liar.incoming() {
            let mut stream = stream.unwrap();
            let read = stream.read(&mut [0; 4096]).unwrap();
            let said = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nyes");
            assert!(read > 0 && said.is_ok());
        }
    });
    let key = folder.secret("journal.key", &log_key().secret(), 0o600);
    let witness = Signer::new("w1.example.org", Purpose::Cosignature, &[3; 32]).unwrap();
    let journal = format!(
        "[journal]\nkey_file = '{}'\nwitnesses = ['{}@http://{at}']\nwitness_every = 1\n",
        key.display(),
        witness.verifier()
    );
    let running = folder.serve(&(journal + &monitoring(0)));
    let create = ["admin", "organisation", "create", "Maison de Houdan", "--siret", "73282932000074"];
    assert!(folder.ask(&create).status.success());
    running.says("the journal is not witnessed");
    running.says("what the witness answered is not its signature");
    let asked = running.monitoring.clone().unwrap();
    let (status, body) = fetch(&asked, "/readyz");
    assert_eq!(status, 200);
    assert!(body.starts_with("ready\n") && body.contains("w1.example.org: what the witness answered"), "{body}");
    let figures = fetch(&asked, "/metrics").1;
    assert!(figures.contains("journal_witness_alarm{witness=\"w1.example.org\"} 1"), "{figures}");
    assert!(figures.contains("journal_witness_failures_total{witness=\"w1.example.org\"}"), "{figures}");
    let until = Instant::now() + Duration::from_secs(30);
    while fetch(&running.address, "/log/checkpoint").0 != 200 {
        assert!(Instant::now() < until, "{}", running.said());
        std::thread::sleep(Duration::from_millis(50));
    }
    let said = folder.command(
        &format!("[journal]\nkey_file = '{}'\nwitnesses = ['{}@http://{at}']\n", key.display(), log_key().verifier()),
        &["check-config"],
    );
    let refused = String::from_utf8({ said }.output().unwrap().stderr).unwrap();
    assert!(refused.contains("that is the key of a log, not of a witness"), "{refused}");
}

/// The journal of an installation, as it was signed two hours ago.
async fn signed_long_ago(folder: &Folder, remembers: &Path) {
    let (random, clock) = (Random::system(), Clock::manual(Utc::now() - TimeDelta::hours(2)));
    let location = Location::parse(&folder.database()).unwrap();
    let store = Store::open(&location, 1, &random.bytes(), random.clone()).unwrap();
    let event = Event::new(Kind::TermsAccepted, clock.now()).fact("version", "1");
    store.write(move |tx| journal::record(tx, &event)).await.unwrap();
    let node = Sequencer::new(store, clock, log_key(), remembers, Arc::default(), &random);
    let mut node = node.unwrap();
    while node.step().await.unwrap() != Step::Idle {}
}

/// A witness that nobody hears from, and that is there again.
#[actix_web::test]
async fn a_witness_that_is_silent_is_said_wherever_an_operator_looks() {
    let folder = Folder::migrated("silent");
    let key = folder.secret("journal.key", &log_key().secret(), 0o600);
    let remembers = key.with_file_name("signed");
    signed_long_ago(&folder, &remembers).await;
    let at = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let witness = Signer::new("w1.example.org", Purpose::Cosignature, &[3; 32]).unwrap();
    let journal = format!(
        "[journal]\nkey_file = '{}'\nsigned_file = '{}'\nwitnesses = ['{}@http://{at}']\nwitness_every = 1\n",
        key.display(),
        remembers.display(),
        witness.verifier()
    );
    let running = folder.serve(&(journal + &monitoring(0)));
    running.says("the journal is not witnessed");
    running.says("silent since");
    let asked = running.monitoring.clone().unwrap();
    let (status, body) = fetch(&asked, "/readyz");
    assert!(status == 200 && body.starts_with("ready\n") && body.contains("w1.example.org: silent since"), "{body}");
    let alarm = "journal_witness_alarm{witness=\"w1.example.org\"}";
    assert!(fetch(&asked, "/metrics").1.contains(&format!("{alarm} 1")));
    let looks_at = vec![(log_key().verifier().name().to_owned(), vec![log_key().verifier().clone()])];
    let kept = crate::witnessing::Folder::new();
    let witness = Witness::open(witness, Clock::system(), &kept.0, looks_at).unwrap();
    actix_web::rt::spawn(server(Data::new(witness), TcpListener::bind(at).unwrap(), None).unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    // Asked from another thread: this one is the witness's.
    let answer = async |path: &'static str| {
        let asked = asked.clone();
        actix_web::rt::task::spawn_blocking(move || fetch(&asked, path).1).await.unwrap()
    };
    while answer("/readyz").await != "ready\n" {
        assert!(Instant::now() < until, "{}", running.said());
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(answer("/metrics").await.contains(&format!("{alarm} 0")));
    running.says("the journal is witnessed again");
}

fn log_key() -> Signer {
    Signer::new("mandataire.example.fr/log", Purpose::Note, &[9; 32]).unwrap()
}

#[test]
fn serve_says_that_the_demonstrations_mails_are_not_for_it_and_that_an_address_is_taken() {
    let folder = Folder::migrated("taken");
    let running = folder.serve("");
    let taken = refusal(&folder, &format!("listen = '{}'\n", running.address));
    assert!(taken.contains("cannot listen on"), "{taken}");
    let page = folder.command("", &["serve"]).env("MANDATAIRE_MAIL__MODE", "page").output().unwrap();
    assert!(String::from_utf8(page.stderr).unwrap().contains("mail.mode is \"page\" outside development: write smtp"));
}

#[test]
fn a_new_certificate_is_served_after_a_hangup_and_a_broken_one_changes_nothing() {
    let folder = Folder::migrated("reload");
    let (first, second) = (certificate(), certificate());
    let running = folder.serve(&folder.tls(&first.0, &first.1));
    assert_eq!(fetch_over_tls(&running, "/sign-in", &first.0), Some(200));
    assert_eq!(fetch_over_tls(&running, "/sign-in", &second.0), None, "not this one yet");
    folder.tls("nothing", &second.1);
    running.signal("HUP");
    running.says("the certificate stays as it was");
    assert_eq!(fetch_over_tls(&running, "/sign-in", &first.0), Some(200));
    folder.tls(&second.0, &second.1);
    running.signal("HUP");
    running.says("the certificate was read again");
    assert_eq!(fetch_over_tls(&running, "/sign-in", &second.0), Some(200));
    assert_eq!(fetch_over_tls(&running, "/sign-in", &first.0), None);
}

#[test]
fn i13_the_operators_questions_are_answered_apart_and_hold_no_address() {
    let folder = Folder::migrated("monitoring");
    let running = folder.serve(&monitoring(0));
    let asked = running.monitoring.as_deref().unwrap();
    assert_eq!(fetch(asked, "/livez"), (200, "alive\n".to_owned()));
    assert_eq!(fetch(asked, "/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(fetch(&running.address, "/sign-in/link?token=a-secret-token").0, 200);
    assert_eq!(fetch(&running.address, "/sign-in").0, 200);
    let figures = fetch(asked, "/metrics").1;
    let line = "http_requests_total{route=\"/sign-in\",method=\"GET\",status=\"200\"} 1";
    assert!(figures.contains(line), "{figures}");
    assert!(figures.contains("http_request_seconds_bucket{route=\"/sign-in\",le=\"5\"} 1"), "{figures}");
    assert!(figures.contains("database_connections"), "{figures}");
    assert!(!figures.contains("a-secret-token"));
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(fetch(&running.address, path).0, 404, "{path}");
    }
    assert_eq!(fetch(asked, "/sign-in").0, 404);
    assert!(!running.said().contains("a-secret-token"));
}

#[test]
fn asked_to_stop_it_says_that_it_is_not_ready_answers_what_comes_and_goes() {
    let folder = Folder::migrated("drain");
    let running = folder.serve(&monitoring(2));
    let asked = running.monitoring.clone().unwrap();
    running.signal("TERM");
    running.says("asked to stop");
    assert_eq!(fetch(&asked, "/readyz"), (503, "stopping\n".to_owned()));
    assert_eq!(fetch(&running.address, "/sign-in").0, 200, "a balancer that has not noticed yet");
    let (status, took) = spent(running);
    assert!(status.success(), "{status}");
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(12), "{took:?}");
}

/// Whoever read the log has gone: every line of it fails from then on.
#[test]
fn a_service_whose_log_nobody_reads_answers_and_stops() {
    let folder = Folder::migrated("unheard");
    let running = folder.serve_unheard("");
    for _ in 0..3 {
        assert_eq!(fetch(&running.address, "/sign-in").0, 200);
    }
    running.signal("TERM");
    let (status, took) = spent(running);
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(12), "{took:?}");
}

/// The one request under way takes longer than a browser's patience, as with a database that says nothing.
#[test]
fn asked_twice_to_stop_it_waits_for_the_requests_under_way_and_for_nothing_else() {
    let folder = Folder::migrated("twice");
    let running = folder.serve(&monitoring(60));
    let under_way = HalfSent::to(&running.address, "/sign-in");
    running.signal("TERM");
    running.says("asked to stop");
    running.signal("TERM");
    std::thread::sleep(Duration::from_secs(15));
    assert_eq!(under_way.goes_on(), Some(403), "a form without its token");
    let (status, took) = spent(running);
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(6), "{took:?}");
}

/// `admin` reads a secret as `serve` does.
#[test]
fn the_secret_of_a_client_is_private_and_drawn_by_a_machine() {
    let folder = Folder::migrated("client");
    let register = |text: &str, mode| {
        let file = folder.secret("client.secret", text, mode);
        let words = ["admin", "client", "register", "--name", "S", "--redirect-uri", "https://s.example.fr/back"];
        let mut command = folder.command("", &words);
        command.args(["--client-id", "service", "--client-secret-file"]).arg(file).output().unwrap()
    };
    let drawn = mandataire::clock::Random::system().token();
    for (text, mode, why) in [
        (drawn.as_str(), 0o644, "which every account of this machine may open; run chmod 600"),
        ("0123456789abcdef0123456789abcdef", 0o600, "names a file that holds a made-up secret: write the path"),
        ("short", 0o600, "does not hold 32 or more characters without spaces: write the path"),
    ] {
        let output = register(text, mode);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.starts_with("--client-secret-file ") && said.contains(why), "{said}");
    }
    let output = register(&drawn, 0o600);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_files_of_sqlite_are_for_their_owner_alone() {
    let folder = Folder::migrated("mode");
    let running = folder.serve("development = true\n");
    let files = ["mandataire.db", "mandataire.db-shm", "mandataire.db-wal"];
    assert_eq!(folder.modes(), files.map(|name| (name.to_owned(), 0o600)));
    running.says("development is true with an https public_url");
}

/// What `admin key` prints: its words, and the keys.
fn keys(folder: &Folder, arguments: &[&str]) -> (String, Vec<serde_json::Value>) {
    let output = folder.command("", &[&["admin", "key"][..], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let shown = folder.command("", &["admin", "key", "show", "--json"]).output().unwrap().stdout;
    (said, String::from_utf8(shown).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn keys_are_rotated_by_command_and_it_says_from_when_they_sign() {
    let folder = Folder::migrated("keys");
    assert!(keys(&folder, &["show"]).0.starts_with("no key yet"));
    let (said, first) = keys(&folder, &["rotate"]);
    assert!(said.starts_with("ES256: a new key signs from now"), "{said}");
    assert_eq!(
        (first.len(), &first[0]["state"], &first[0]["leaves_at"]),
        (1, &"active".into(), &serde_json::Value::Null)
    );
    let (said, both) = keys(&folder, &["rotate"]);
    let from = both[0]["signs_from"].as_str().unwrap().to_owned();
    assert!(said.starts_with(&format!("ES256: a new key signs from {from}")), "{said}");
    assert_eq!((both.len(), &both[0]["state"], &both[1]["state"]), (2, &"prepared".into(), &"active".into()));
    let instant = |value: &serde_json::Value| value.as_str().unwrap().parse::<mandataire::domain::Instant>().unwrap();
    assert_eq!((instant(&both[0]["signs_from"]) - instant(&both[0]["created_at"])).num_minutes(), 24 * 60 + 2);
    let (said, same) = keys(&folder, &["rotate"]);
    assert!(
        said.starts_with(&format!("ES256: no new key: the one that was prepared before signs from {from}")),
        "{said}"
    );
    assert_eq!(same, both);
    let (_, urgent) = keys(&folder, &["rotate", "--now"]);
    assert_eq!((urgent.len(), &urgent[0]["state"], &urgent[1]["kid"]), (2, &"prepared".into(), &both[1]["kid"]));
    let wait = |value: &serde_json::Value| (instant(value) - instant(&urgent[0]["created_at"])).num_minutes();
    assert_eq!((wait(&urgent[0]["signs_from"]), wait(&urgent[1]["leaves_at"])), (2, 4));
}
