//! Timestamps of RFC 3161, by an authority run here with openssl.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use actix_web::{App as ActixApp, HttpResponse, HttpServer, web};
use chrono::TimeDelta;
use mandataire::app::sequencer::{Sequencer, Step};
use mandataire::app::timestamping::{Timestamper, Trouble};
use mandataire::clock::Random;
use mandataire::domain::event::{Event, Kind};
use mandataire::journal::leaf::sha256;
use mandataire::journal::line::hex;
use mandataire::journal::note::{Purpose, Signer};
use mandataire::store::{journal, vouched};
use mandataire::web::state::Signing;
use serde_json::json;
use url::Url;

use crate::on_each_backend;
use crate::world::World;

const SETTINGS: &str = "
[req]
distinguished_name = name
prompt = no
[name]
CN = authority of a test
[ca]
basicConstraints = critical,CA:true
[tsa]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[reply]
serial = serial
signer_cert = tsa.pem
certs = ca.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
";

/// An authority: its keys and certificates in a folder, removed afterwards.
struct Authority(PathBuf);

impl Drop for Authority {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Whether openssl, run in a folder, says that all is well; and what it says. Without it, nothing is shown: the test fails.
fn openssl(folder: &Path, line: &str) -> (bool, String) {
    let run = Command::new("openssl").args(line.split(' ')).current_dir(folder).output();
    let output = run.expect("openssl is installed; tests/run does it");
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    (output.status.success(), said)
}

impl Authority {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("authority_{:032x}", Random::system().u128()));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("settings"), SETTINGS).unwrap();
        fs::write(folder.join("serial"), "01\n").unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config settings";
        for line in [
            format!("req -x509 {key} -keyout ca.key -out ca.pem -days 2 -extensions ca"),
            format!("req {key} -keyout tsa.key -out tsa.csr -subj /CN=tsa"),
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -set_serial 7 -days 2 -extfile settings -extensions tsa -out tsa.pem"
                .to_owned(),
        ] {
            let (well, said) = openssl(&folder, &line);
            assert!(well, "{said}");
        }
        Self(folder)
    }

    /// On a port of this machine: what `reply` makes of the folder and of the request.
    fn runs(&self, reply: fn(&Path, &[u8]) -> HttpResponse) -> Url {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}/tsa", listener.local_addr().unwrap());
        let folder = Data::new(self.0.clone());
        let answer = move |folder: Data<PathBuf>, body: Bytes| async move { reply(&folder, &body) };
        let app = move || ActixApp::new().app_data(folder.clone()).route("/tsa", web::post().to(answer));
        actix_web::rt::spawn(HttpServer::new(app).workers(1).listen(listener).unwrap().run());
        address.parse().unwrap()
    }
}

/// What openssl makes of the request.
fn replied(folder: &Path, request: &[u8]) -> Vec<u8> {
    fs::write(folder.join("query"), request).unwrap();
    let (well, said) = openssl(folder, "ts -reply -config settings -section reply -queryfile query -out answer");
    assert!(well, "{said}");
    fs::read(folder.join("answer")).unwrap()
}

fn honest(folder: &Path, request: &[u8]) -> HttpResponse {
    HttpResponse::Ok().content_type("application/timestamp-reply").body(replied(folder, request))
}

fn asks(world: &World, address: Url) -> Timestamper {
    let (store, clock, random) = (world.app.store.clone(), world.clock.clone(), world.random.clone());
    Timestamper::new(store, clock, random, address, TimeDelta::hours(24)).unwrap()
}

async fn happens(world: &World, authority: &Authority) {
    let event = Event::new(Kind::TermsAccepted, world.now()).fact("version", "1");
    world.app.store.write(move |tx| journal::record(tx, &event)).await.unwrap();
    world.database.execute("update journal_sequencer set holder = ''").unwrap();
    let signer = Signer::new("log.example.fr/log", Purpose::Note, &[9; 32]).unwrap();
    let (store, shown) = (world.app.store.clone(), Arc::new(Signing::default()));
    let kept = authority.0.join("signed");
    let mut node = Sequencer::new(store, world.clock.clone(), signer, &kept, shown, &world.random).unwrap();
    while node.step().await.unwrap() != Step::Idle {}
}

on_each_backend! {
    /// A day's checkpoint is timestamped once, and whoever has the two files and the authority's certificate checks it with openssl alone.
    async fn a_checkpoint_a_day_is_timestamped_and_openssl_agrees(world) {
        let authority = Authority::new();
        let asker = asks(&world, authority.runs(honest));
        assert_eq!(asker.step().await.unwrap(), None, "nothing is signed yet");
        happens(&world, &authority).await;
        let first = asker.step().await.unwrap().unwrap();
        assert_eq!(asker.step().await.unwrap(), None, "not twice");
        happens(&world, &authority).await;
        world.after(23 * 3600);
        assert_eq!(asker.step().await.unwrap(), None, "not yet");
        world.after(2 * 3600);
        let second = asker.step().await.unwrap().unwrap();
        world.after(25 * 3600);
        assert_eq!(asker.step().await.unwrap(), None, "nothing new");
        let kept = world.app.store.read(|db| vouched::timestamps(db, 0, 10)).await.unwrap();
        assert_eq!(kept.iter().map(|one| one.size).collect::<Vec<_>>(), [first, second]);
        for one in &kept {
            fs::write(authority.0.join("note"), &one.note).unwrap();
            fs::write(authority.0.join("tsr"), &one.reply).unwrap();
            let verify = "ts -verify -data note -in tsr -CAfile ca.pem";
            let (well, said) = openssl(&authority.0, verify);
            assert!(well && said.contains("Verification: OK"), "{said}");
            fs::write(authority.0.join("note"), one.note.replacen('\n', "\n1", 1)).unwrap();
            assert!(!openssl(&authority.0, verify).0, "another note");
        }
        let entries = world.entries(Kind::JournalTimestamped).await;
        let said: Vec<_> = entries.iter().map(|one| (one["size"].clone(), one["reply"].clone())).collect();
        let expected: Vec<_> = kept.iter().map(|one| (json!(one.size.to_string()), json!(hex(&sha256(&[&one.reply]))))).collect();
        assert_eq!(said, expected, "what is kept is bound by the journal");
        for sql in ["delete from journal_timestamps", "update journal_timestamps set size = size + 1"] {
            assert!(world.database.execute(sql).is_err(), "{sql}");
        }
    }

    /// A reply to something else, a refusal, nothing: none of it is kept.
    async fn what_is_no_answer_is_not_kept(world) {
        let authority = Authority::new();
        happens(&world, &authority).await;
        let replies: [fn(&Path, &[u8]) -> HttpResponse; 6] = [
            // The hash of something else, the nonce of somebody else's request: the last bytes before the end.
            |folder, request| {
                let mut other = request.to_vec();
                other[30] ^= 1;
                HttpResponse::Ok().body(replied(folder, &other))
            },
            |folder, request| {
                let mut other = request.to_vec();
                let at = other.len() - 4;
                other[at] ^= 1;
                HttpResponse::Ok().body(replied(folder, &other))
            },
            |folder, request| HttpResponse::Ok().body(replied(folder, &request[..20])),
            |folder, request| HttpResponse::Ok().body(replied(folder, request)[..300].to_vec()),
            |_, _| HttpResponse::Ok().body("not now"),
            |_, _| HttpResponse::Ok().finish(),
        ];
        for reply in replies {
            let trouble = asks(&world, authority.runs(reply)).step().await.unwrap_err();
            assert!(matches!(trouble, Trouble::Reply(_)), "{trouble}");
        }
        let refused = asks(&world, authority.runs(|_, _| HttpResponse::Forbidden().finish())).step().await.unwrap_err();
        assert!(matches!(refused, Trouble::Refused(403)), "{refused}");
        let failing = asks(&world, authority.runs(|_, _| HttpResponse::BadGateway().finish())).step().await.unwrap_err();
        assert!(matches!(failing, Trouble::Silent(_)), "{failing}");
        assert_eq!(world.database.number("select count(*) from journal_timestamps"), 0);
        assert_eq!(world.count(Kind::JournalTimestamped).await, 0);
    }
}
