//! Witnesses: ours, run as another organisation runs it, and ones that forget, lie or say nothing.

#[cfg(unix)]
mod attacks;
mod ours;
mod shown;

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use actix_web::web::Data;
use mandataire::app::witness::{Witness, server};
use mandataire::clock::Clock;
use mandataire::journal::Fault;
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::leaf::{Hash, leaf_hash};
use mandataire::journal::note::{Note, Purpose, Signer, Verifier};
use mandataire::journal::tree::{Frontier, Nodes};
use mandataire::journal::witness::Submission;
use url::Url;

const ORIGIN: &str = "log.example.fr/log";

/// A folder of one test, removed afterwards.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("witness_{:032x}", mandataire::clock::Random::system().u128()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn log_key() -> Signer {
    Signer::new(ORIGIN, Purpose::Note, &[9; 32]).unwrap()
}

pub(crate) fn witness_key(seed: u8) -> Signer {
    Signer::new(&format!("w{seed}.example.org"), Purpose::Cosignature, &[seed; 32]).unwrap()
}

fn looks_at() -> Vec<(String, Vec<Verifier>)> {
    vec![(ORIGIN.to_owned(), vec![log_key().verifier().clone()])]
}

/// A witness of our log that remembers in this folder.
pub(crate) fn witness(folder: &Path, seed: u8) -> Data<Witness> {
    Data::new(Witness::open(witness_key(seed), Clock::system(), folder, looks_at()).unwrap())
}

/// On a port of this machine.
pub(crate) fn runs(witness: Data<Witness>) -> (Url, actix_web::dev::ServerHandle) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = server(witness, listener, None).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    (address.parse().unwrap(), handle)
}

/// Leaves of our own: of the history with this salt, which parts from that with salt 0 after so many.
#[derive(Debug, Clone, Copy)]
struct Leaves {
    salt: u8,
    common: u64,
}

impl Leaves {
    fn over(self, leaves: std::ops::Range<u64>) -> Hash {
        let mut tree = Frontier::default();
        for leaf in leaves {
            let salt = if leaf < self.common { 0 } else { self.salt };
            tree.push(leaf_hash(&[salt], &[u8::try_from(leaf % 251).unwrap(); 32]));
        }
        tree.root()
    }

    /// Its checkpoint, and the body that offers it to who knows `old` leaves.
    fn offered(self, old: u64, size: u64) -> String {
        let root = self.over(0..size);
        let next = Checkpoint { origin: ORIGIN.to_owned(), size, root, extensions: Vec::new() };
        let proof = { self }.consistency(old, size).unwrap();
        Submission { old, proof, note: next.sign(&log_key(), 7) }.text()
    }
}

impl Nodes for Leaves {
    type Error = Fault;
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, Fault> {
        let first = index << height;
        Ok(self.over(first..first + (1 << height)))
    }
}

/// A tree of leaves of our own, and its checkpoint.
fn tree(size: u64, salt: u8) -> Checkpoint {
    let root = Leaves { salt, common: 0 }.over(0..size);
    Checkpoint { origin: ORIGIN.to_owned(), size, root, extensions: Vec::new() }
}

/// The proof from one size of the tree with this salt to another.
fn proof(old: u64, new: u64, salt: u8) -> Vec<Hash> {
    Leaves { salt, common: 0 }.consistency(old, new).unwrap()
}

fn body(old: u64, next: &Checkpoint) -> String {
    let salt = u8::from(next.root != tree(next.size, 0).root);
    Submission { old, proof: proof(old, next.size, salt), note: next.sign(&log_key(), 7) }.text()
}

/// Made without the system's authorities: a hundred of them would take their time.
fn client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).build().unwrap()
}

/// Status, kind and body of an answer.
async fn post(address: &Url, body: String) -> (u16, String, String) {
    posted(&client(), address, body).await
}

async fn posted(client: &reqwest::Client, address: &Url, body: String) -> (u16, String, String) {
    let answer = client.post(format!("{address}add-checkpoint")).body(body).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (answer.status().as_u16(), kind, answer.text().await.unwrap())
}

#[actix_web::test]
async fn a_witness_answers_as_the_specification_says() {
    let folder = Folder::new();
    let (address, _handle) = runs(witness(&folder.0, 1));
    let cosigned = |answer: &(u16, String, String), next: &Checkpoint| {
        assert_eq!(answer.0, 200, "{answer:?}");
        let note = Note::parse(&format!("{}\n{}", next.text(), answer.2)).unwrap();
        assert!(witness_key(1).verifier().check(&note).unwrap().is_some());
    };
    cosigned(&post(&address, body(0, &tree(5, 0))).await, &tree(5, 0));
    cosigned(&post(&address, body(5, &tree(300, 0))).await, &tree(300, 0));
    cosigned(&post(&address, body(300, &tree(300, 0))).await, &tree(300, 0));
    for (text, status) in [
        (String::new(), 400),
        (body(5, &tree(300, 0)).replacen("old 5", "old 301", 1), 400),
        (body(300, &tree(301, 0)).replace("\n301\n", "\n302\n"), 403),
        (body(300, &Checkpoint { origin: "other".to_owned(), ..tree(301, 0) }), 404),
        (body(300, &tree(301, 1)), 422),
        (format!("old 300\n\n{}", tree(301, 0).sign(&log_key(), 7)), 422),
        ("x".repeat(70_000), 413),
    ] {
        assert_eq!(post(&address, text.clone()).await.0, status, "{text}");
    }
    // A rollback, and a fork of the same size: the size known is said.
    for (old, next) in [(5, tree(300, 0)), (0, tree(4, 0)), (300, tree(300, 1))] {
        let known = (409, "text/x.tlog.size".to_owned(), "300\n".to_owned());
        assert_eq!(post(&address, body(old, &next)).await, known);
    }
    let figures = reqwest::get(format!("{address}metrics")).await.unwrap().text().await.unwrap();
    assert!(figures.contains("witness_cosigned_total 3\nwitness_refused_total 9\n"), "{figures}");
    assert!(figures.contains("witness_size{origin=\"log.example.fr/log\"} 300\n"), "{figures}");
    assert_eq!(reqwest::get(format!("{address}livez")).await.unwrap().status(), 200);
}

/// A hundred at once, of two histories that part after ten leaves, each with a proof that holds: one of them is cosigned, and is on the disk.
#[actix_web::test]
async fn a_hundred_at_once_get_one_history() {
    let folder = Folder::new();
    let kept = witness(&folder.0, 1);
    let (address, handle) = runs(kept.clone());
    assert_eq!(post(&address, body(0, &tree(10, 0))).await.0, 200);
    let client = client();
    let requests = (0..100_u64).map(|turn| {
        let history = Leaves { salt: u8::from(turn % 2 == 1), common: 10 };
        let (client, address, text) = (client.clone(), address.clone(), history.offered(10, 11 + turn / 2));
        tokio::spawn(async move { posted(&client, &address, text).await })
    });
    let mut answers = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        answers.push(request.await.unwrap());
    }
    let count = |status: u16| answers.iter().filter(|one| one.0 == status).count();
    assert_eq!(
        (count(200), count(409)),
        (1, 99),
        "all said to come from ten leaves, and one went on from there: {answers:?}"
    );
    let won = answers.iter().position(|one| one.0 == 200).unwrap();
    let size = 11 + won as u64 / 2;
    // From there, the other history is offered with a proof that would hold: it is none of what was cosigned.
    let (same, other) = [(won % 2 == 1), (won % 2 == 0)].map(|odd| Leaves { salt: u8::from(odd), common: 10 }).into();
    assert_eq!(post(&address, other.offered(size, size)).await.0, 409);
    assert_eq!(post(&address, other.offered(size, size + 1)).await.0, 422);
    handle.stop(true).await;
    drop(kept);
    let (address, _handle) = runs(witness(&folder.0, 1));
    assert_eq!(post(&address, other.offered(size, size + 1)).await.0, 422);
    assert_eq!(post(&address, same.offered(size, size + 1)).await.0, 200);
}

/// Killed after it wrote and before it answered: it knows. And nobody else may use its folder meanwhile, or change what it holds.
#[actix_web::test]
async fn a_witness_remembers_what_it_promised() {
    let folder = Folder::new();
    let first = witness(&folder.0, 1);
    let open = |seed: u8| Witness::open(witness_key(seed), Clock::system(), &folder.0, looks_at());
    assert!(open(1).is_err_and(|said| said.contains("used by another witness")));
    // The answer is lost.
    drop(first.add(&body(0, &tree(40, 0))).unwrap());
    drop(first);
    assert!(open(2).is_err_and(|said| said.contains("cosigned by this key")), "another key's memory");
    let (address, _handle) = runs(witness(&folder.0, 1));
    assert_eq!(post(&address, body(0, &tree(41, 1))).await, (409, "text/x.tlog.size".to_owned(), "40\n".to_owned()));
    assert_eq!(post(&address, body(40, &tree(41, 1))).await.0, 422);
    assert_eq!(post(&address, body(40, &tree(41, 0))).await.0, 200);
    let key_of_a_log = Witness::open(log_key(), Clock::system(), &Folder::new().0, looks_at());
    assert!(key_of_a_log.is_err_and(|said| said.contains("not of a witness")));
}

/// What cannot be kept is not promised.
#[actix_web::test]
async fn a_witness_that_cannot_write_signs_nothing() {
    let folder = Folder::new();
    let (address, _handle) = runs(witness(&folder.0, 1));
    assert_eq!(post(&address, body(0, &tree(5, 0))).await.0, 200);
    std::fs::remove_dir_all(&folder.0).unwrap();
    let answer = post(&address, body(5, &tree(6, 0))).await;
    assert_eq!((answer.0, answer.2.contains('\u{2014}')), (500, false), "{answer:?}");
}
