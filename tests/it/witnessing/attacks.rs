//! Against a witness: bodies that are none, clients that are slow, and the process killed whenever it pleases.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mandataire::journal::note::Signer;
use url::Url;

use super::{Folder, Leaves, ORIGIN, body, client, log_key, post, runs, tree, witness, witness_key};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// `mandataire witness serve` in a folder, and what it says.
struct Process {
    child: Child,
    address: Url,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn program(folder: &Folder) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mandataire"));
    command.current_dir(&folder.0).stdin(Stdio::null());
    command
}

/// A key made by the program, and a configuration; answers the public key.
fn set_up(folder: &Folder) -> String {
    let made = program(folder).args(["witness", "key", "--name", "w1.example.org", "key"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let file = fs::metadata(folder.0.join("key")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600, "nobody else reads it");
    key
}

fn starts(folder: &Folder) -> Process {
    let at: SocketAddr = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let text = format!(
        "listen = '{at}'\nkey_file = 'key'\nfolder = 'memory'\n[[logs]]\norigin = '{ORIGIN}'\nkeys = ['{}']\n",
        log_key().verifier()
    );
    fs::write(folder.0.join("witness.toml"), text).unwrap();
    let log = fs::File::create(folder.0.join("log")).unwrap();
    let child = program(folder).args(["--config", "witness.toml", "witness", "serve"]).stderr(log).spawn().unwrap();
    let mut process = Process { child, address: format!("http://{at}").parse().unwrap() };
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(at).is_err() {
        let said = fs::read_to_string(folder.0.join("log")).unwrap();
        assert!(process.child.try_wait().unwrap().is_none() && Instant::now() < until, "{said}");
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

/// Killed again and again while it is asked, it knows afterwards whatever it had answered, and cosigns nothing else.
#[actix_web::test]
async fn a_witness_killed_at_any_moment_keeps_its_promises() {
    let folder = Folder::new();
    let key: mandataire::journal::note::Verifier = set_up(&folder).parse().unwrap();
    let (ours, other) = (Leaves { salt: 0, common: 0 }, Leaves { salt: 1, common: 20 });
    let (mut known, mut asked) = (0_u64, 0_u64);
    for turn in 0..8_u64 {
        let mut process = starts(&folder);
        // One more may be on the disk than was answered.
        let (status, kind, said) = post(&process.address, ours.offered(asked + 1, asked + 2)).await;
        assert_eq!((status, kind.as_str()), (409, "text/x.tlog.size"), "{said}");
        let found = said.trim_end().parse::<u64>().unwrap();
        assert!((known..=asked).contains(&found), "it answered {known}, was asked for {asked}, and knows {found}");
        known = found;
        let killer = std::thread::spawn({
            let pid = process.child.id().to_string();
            move || {
                std::thread::sleep(Duration::from_millis(40 + 25 * turn));
                assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            }
        });
        loop {
            asked = known + 25;
            let text = ours.offered(known, asked);
            let sent = client().post(format!("{}add-checkpoint", process.address)).body(text).send().await;
            let Ok(answer) = sent else { break };
            assert_eq!(answer.status(), 200);
            let Ok(line) = answer.text().await else { break };
            let root = ours.over(0..asked);
            let next = mandataire::journal::checkpoint::Checkpoint {
                origin: ORIGIN.to_owned(),
                size: asked,
                root,
                extensions: Vec::new(),
            };
            let note = format!("{}\n{line}", next.text());
            assert!(mandataire::journal::note::Note::parse(&note).is_ok_and(|note| key.check(&note).is_ok()), "{note}");
            known = asked;
        }
        killer.join().unwrap();
        drop(process.child.wait());
    }
    assert!(known > 25, "something was cosigned: {known}");
    let process = starts(&folder);
    assert_eq!(post(&process.address, other.offered(known, known + 1)).await.0 / 100, 4, "another history");
    // Two processes on one memory would forget.
    let second = program(&folder).args(["--config", "witness.toml", "witness", "serve"]).output().unwrap();
    assert!(!second.status.success() && String::from_utf8_lossy(&second.stderr).contains("used by another witness"));
}

/// What is no submission gets a sentence and leaves nothing; nothing is signed for a log that is not looked at, or by a key that is not its own.
#[actix_web::test]
async fn what_is_no_submission_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let (address, _handle) = runs(witness(&folder.0, 1));
    assert_eq!(post(&address, body(0, &tree(40, 0))).await.0, 200);
    let kept = fs::read_dir(&folder.0).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect::<Vec<_>>();
    let next = tree(41, 0);
    let whole = body(40, &next);
    let (proof, note) = whole.split_once("\n\n").unwrap();
    let own = witness_key(1).line(mandataire::journal::note::Purpose::Cosignature, &tree(41, 1).text(), 7);
    let thief = Signer::new(ORIGIN, mandataire::journal::note::Purpose::Note, &[8; 32]).unwrap();
    for (text, status) in [
        (whole.replace("\n41\n", "\n041\n"), 400),
        (whole.replace("\n41\n", "\n18446744073709551616\n"), 400),
        (whole.replace("old 40\n", "old 18446744073709551616\n"), 400),
        (whole.replace("old 40\n", "old\t40\n"), 400),
        (format!("{proof}\n{}\n\n{note}", vec!["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="; 64].join("\n")), 400),
        (format!("{proof}\nAAAA\n\n{note}"), 400),
        (format!("{proof}\n\n{note}\n"), 400),
        (note.to_owned(), 400),
        // A line in the witness's own name that it did not write.
        (format!("{whole}{own}"), 400),
        (format!("old 40\n{proof}\n\n{}", next.sign(&thief, 7)), 400),
        (format!("{proof}\n\n{}", next.sign(&thief, 7)), 403),
        (whole.replace(ORIGIN, "log.example.fr/other"), 404),
        // An older one again, the first one again, the last one said to be the first.
        (body(0, &tree(40, 0)), 409),
        (body(0, &tree(5, 0)), 409),
        (body(5, &tree(40, 0)), 409),
        (format!("old 40\n\n{}", tree(39, 0).sign(&log_key(), 7)), 400),
    ] {
        let answer = post(&address, text.clone()).await;
        assert_eq!((answer.0, answer.2.contains('\u{2014}')), (status, false), "{text}");
    }
    let client = client();
    let at = |path: &str| format!("{address}{path}");
    for (sent, status) in [
        (client.post(at("add-checkpoint")).body(vec![0xff_u8, 0xfe, 0, 1]), 400),
        (client.post(at("add-checkpoint")).body("x".repeat(64 * 1024 + 1)), 413),
        (client.get(at("add-checkpoint")), 404),
        (client.put(at("add-checkpoint")).body(whole.clone()), 404),
        (client.get(at("")), 404),
    ] {
        assert_eq!(sent.send().await.unwrap().status(), status);
    }
    let after =
        fs::read_dir(&folder.0).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap()).collect::<Vec<_>>();
    assert_eq!(after, kept, "nothing of it was remembered");
    assert_eq!(post(&address, whole).await.0, 200, "and the next one is still welcome");
}

/// Two dozen clients that send a byte now and then, or a body that never ends, hold nobody up, and are sent away.
#[actix_web::test]
async fn a_slow_client_is_sent_away_and_holds_nobody_up() {
    let folder = Folder::new();
    let (address, _handle) = runs(witness(&folder.0, 1));
    let to = address.socket_addrs(|| None).unwrap()[0];
    let slow = (0..24).map(|turn| {
        std::thread::spawn(move || {
            let mut stream = TcpStream::connect(to).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (since, mut said) = (Instant::now(), String::new());
            let head = "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 60000\r\n";
            let whole = if turn % 2 == 0 { format!("{head}\r\nold 0\n") } else { head.to_owned() };
            for byte in whole.bytes().chain(std::iter::repeat_n(b'x', 200)) {
                let more = if since.elapsed() > Duration::from_millis(50) { 100 } else { 0 };
                std::thread::sleep(Duration::from_millis(more));
                if stream.write_all(&[byte]).is_err() {
                    break;
                }
            }
            drop(stream.read_to_string(&mut said));
            (said, since.elapsed())
        })
    });
    let slow: Vec<_> = slow.collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let since = Instant::now();
    assert_eq!(post(&address, body(0, &tree(5, 0))).await.0, 200);
    assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    for one in slow {
        let (said, lasted) = tokio::task::spawn_blocking(move || one.join().unwrap()).await.unwrap();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
        assert!(lasted < Duration::from_secs(29), "{lasted:?}");
    }
}
