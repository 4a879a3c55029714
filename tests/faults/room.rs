//! The disk is full, and has room again.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use mandataire::clock::Random;

use crate::clerk::{Clerk, Journey, Trouble, browser, until_done, until_trouble, waiting};
use crate::database::Database;
use crate::office::Office;
use crate::serve::Serve;
use crate::verify;

/// Openings while the disk fills.
const OPENINGS: usize = 96;
/// After there is room again, everything works within this.
const RECOVERED: Duration = Duration::from_secs(30);

/// A disk of a few megabytes.
struct Disk(PathBuf);

impl Disk {
    /// A file system in memory. None where mounting is not allowed; with `CI` set, that is a failure.
    fn mounted() -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("disk_{:032x}", Random::system().u128()));
        fs::create_dir(&folder).unwrap();
        let mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs"];
        if as_root(&mount, &folder) {
            return Some(Self(folder));
        }
        fs::remove_dir(&folder).unwrap();
        assert!(std::env::var_os("CI").is_none(), "a small disk must be mounted here, as root or with sudo");
        eprintln!("not run: mounting a small disk needs root, or sudo that asks nothing");
        None
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves no room.
    fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        let mut block = vec![0_u8; 65_536];
        // Large blocks first; the last bytes one page at a time.
        for length in [65_536, 4_096, 1] {
            block.truncate(length);
            while file.write_all(&block).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still holds a file there lets go in a moment.
        as_root(&["umount", "--lazy"], &self.0);
        drop(fs::remove_dir(&self.0));
    }
}

/// Runs a command on a folder as root, or with a `sudo` that asks nothing.
fn as_root(command: &[&str], folder: &Path) -> bool {
    let run = |program: &str, arguments: &[&str]| {
        let done = Command::new(program).args(arguments).arg(folder).output();
        done.is_ok_and(|done| done.status.success())
    };
    run(command[0], &command[1..]) || run("sudo", &[&["-n"], command].concat())
}

#[actix_web::test]
async fn on_a_full_disk_the_service_answers_503_and_recovers_by_itself() {
    let Some(disk) = Disk::mounted() else { return };
    let database = Database::sqlite_in(&disk.0);
    let office = Office::new(&database.location).await;
    let (queue, watched) = (waiting(office.prepares(OPENINGS).await), office.prepares(1).await.remove(0));
    let mut serve = Serve::start(&database.url).await;
    let working = until_trouble(Clerk::all(&serve.base), &queue);
    let fills = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        disk.fill();
    };
    let clerks = tokio::join!(working, fills).0;
    assert!(clerks.iter().all(|clerk| clerk.unavailable == 1 && clerk.lost == 0), "each was answered 503");
    let (contents, entries) = (database.contents(), database.number("select count(*) from journal_entries"));
    let (http, mut journey) = (browser(), Journey::of(watched));
    for _ in 0..20 {
        assert_eq!(journey.goes_on(&http, &serve.base).await, Err(Trouble::Unavailable));
    }
    assert_eq!(serve.readiness().await, (503, "the database cannot be used\n".to_owned()));
    let answer = http.get(format!("{}/sign-in", serve.base)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(database.contents(), contents, "something was done in half");
    assert_eq!(database.number("select count(*) from journal_entries"), entries);
    disk.empty();
    let room = Instant::now();
    // Before anybody comes: a service that is not ready is sent nobody.
    serve.is_ready_again(RECOVERED).await;
    let clerks = until_done(clerks, &queue, RECOVERED);
    let mut journeys: Vec<_> = clerks.await.into_iter().flat_map(|clerk| clerk.done).collect();
    eprintln!("{} openings were done {:?} after there was room again", journeys.len(), room.elapsed());
    while !journey.is_over() {
        journey.goes_on(&http, &serve.base).await.expect("it works again");
    }
    journeys.push(journey);
    verify::holds(&database, &office, &journeys).await;
    assert!(serve.is_alive(), "nobody restarted it");
    drop(serve);
}
