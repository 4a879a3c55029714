//! The connection to PostgreSQL is cut around COMMIT: written or not, nobody knows, and the same request sent again finds out.

use std::time::{Duration, Instant};

use crate::chance::{Chance, setting};
use crate::clerk::{Clerk, until_done, waiting};
use crate::database::Database;
use crate::office::Office;
use crate::proxy::Proxy;
use crate::serve::Serve;
use crate::verify;

/// Openings prepared at a time.
const ROUND: usize = 64;
/// A round is over within this.
const PATIENCE: Duration = Duration::from_mins(2);

#[actix_web::test]
async fn after_a_cut_around_commit_the_same_request_gives_exactly_one_mandate() {
    let Some(database) = Database::postgres() else { return };
    let cuts = setting("FAULT_CUTS", 200);
    let office = Office::new(&database.location).await;
    let proxy = Proxy::before(&database.url, Chance::new("cuts"));
    let mut serve = Serve::start(&proxy.url(&database.url)).await;
    let (began, mut clerks) = (Instant::now(), Clerk::all(&serve.base));
    proxy.cuts(cuts);
    while proxy.made() < cuts {
        let queue = waiting(office.prepares(ROUND).await);
        let working = until_done(clerks, &queue, PATIENCE);
        clerks = working.await;
    }
    let unavailable: usize = clerks.iter().map(|clerk| clerk.unavailable).sum();
    let lost: usize = clerks.iter().map(|clerk| clerk.lost).sum();
    let journeys: Vec<_> = clerks.into_iter().flat_map(|clerk| clerk.done).collect();
    eprintln!("{} cuts, {} openings, {unavailable} answers 503, {:?}", proxy.made(), journeys.len(), began.elapsed());
    verify::holds(&database, &office, &journeys).await;
    assert_eq!(lost, 0, "a request was not answered at all");
    assert!(unavailable > 0 && proxy.made() == cuts, "the cuts reached nobody");
    assert!(serve.is_alive());
}
