//! The database is gone, and comes back.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::clerk::{Clerk, Journey, Trouble, browser, page, send, until_done, until_trouble, waiting};
use crate::database::Database;
use crate::office::Office;
use crate::proxy::Proxy;
use crate::serve::Serve;
use crate::verify;

/// After the database is back, everything that was under way is done within this.
const RECOVERED: Duration = Duration::from_secs(30);
/// Openings under way.
const OPENINGS: usize = 48;

#[actix_web::test]
async fn without_its_database_the_service_answers_503_and_recovers_by_itself() {
    let Some(database) = Database::postgres() else { return };
    gone_and_back(&database, Proxy::is_gone, Duration::from_secs(5)).await;
}

/// A machine without power and a cut cable close no connection.
#[actix_web::test]
async fn with_a_silent_database_the_service_answers_503_and_recovers_by_itself() {
    let Some(database) = Database::postgres() else { return };
    gone_and_back(&database, Proxy::is_silent, Duration::from_secs(20)).await;
}

/// While clerks work the database goes: each is told 503 within `patience`, and so is whoever asks then. Nothing is done in half.
async fn gone_and_back(database: &Database, is_gone: fn(&Proxy, bool), patience: Duration) {
    let office = Office::new(&database.location).await;
    let proxy = Proxy::before(&database.url, Chance::new("gone"));
    let mut serve = Serve::start(&proxy.url(&database.url)).await;
    let (watched, queue, http) =
        (office.prepares(1).await.remove(0), waiting(office.prepares(OPENINGS).await), browser());
    let goes = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        is_gone(&proxy, true);
        Instant::now()
    };
    let (clerks, since) = tokio::join!(until_trouble(Clerk::all(&serve.base), &queue), goes);
    assert!(since.elapsed() < patience, "an answer took {:?}", since.elapsed());
    assert!(clerks.iter().all(|clerk| clerk.unavailable == 1 && clerk.lost == 0), "each was answered 503");
    let (contents, entries) = (database.contents(), database.number("select count(*) from journal_entries"));
    let mut journey = Journey::of(watched.clone());
    for path in ["/home", "/mandates/new"] {
        let began = Instant::now();
        let answer = send(page(&http, &serve.base, &watched, path)).await;
        assert_eq!(answer.unwrap_err(), Trouble::Unavailable, "{path}");
        assert!(began.elapsed() < patience, "an answer took {:?}", began.elapsed());
        assert_eq!(journey.goes_on(&http, &serve.base).await, Err(Trouble::Unavailable));
        assert!(began.elapsed() < 2 * patience, "two answers took {:?}", began.elapsed());
    }
    assert_eq!(serve.readiness().await.0, 503);
    // Not every page needs the database.
    let answer = http.get(format!("{}/sign-in", serve.base)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(database.contents(), contents, "something was done in half");
    assert_eq!(database.number("select count(*) from journal_entries"), entries);
    is_gone(&proxy, false);
    let back = Instant::now();
    while journey.goes_on(&http, &serve.base).await.is_err() {
        assert!(back.elapsed() < RECOVERED, "it does not recover");
    }
    let first = back.elapsed();
    let clerks = until_done(clerks, &queue, RECOVERED).await;
    let mut journeys: Vec<_> = clerks.into_iter().flat_map(|clerk| clerk.done).collect();
    eprintln!("{first:?} after the database was back it worked, {:?} after it everything was done", back.elapsed());
    while !journey.is_over() {
        journey.goes_on(&http, &serve.base).await.expect("it works again");
    }
    journeys.push(journey);
    verify::holds(database, &office, &journeys).await;
    serve.is_ready_again(RECOVERED).await;
    assert!(serve.is_alive(), "nobody restarted it");
}

/// Somebody moves the file away, and puts another in its place: what would be written into the first one is said not to be.
#[actix_web::test]
async fn without_its_file_the_service_answers_503_and_goes_on_when_it_is_put_back() {
    let database = Database::sqlite();
    let office = Office::new(&database.location).await;
    let case = office.prepares(1).await.remove(0);
    let (mut serve, http) = (Serve::start(&database.url).await, browser());
    let file = PathBuf::from(database.url.trim_start_matches("sqlite:"));
    let aside = file.with_extension("aside");
    let (contents, mut journey) = (database.contents(), Journey::of(case));
    assert_eq!(serve.readiness().await, (200, "ready\n".to_owned()));
    fs::rename(&file, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            fs::copy(&aside, &file).unwrap();
        }
        assert_eq!(journey.goes_on(&http, &serve.base).await, Err(Trouble::Unavailable), "replaced: {replaced}");
        assert_eq!(serve.readiness().await, (503, "the database cannot be used\n".to_owned()), "replaced: {replaced}");
        assert_eq!(file.exists(), replaced, "nobody makes a new one");
    }
    fs::rename(&aside, &file).unwrap();
    assert_eq!(database.contents(), contents, "something was done in half");
    serve.is_ready_again(RECOVERED).await;
    while !journey.is_over() {
        journey.goes_on(&http, &serve.base).await.expect("it works again");
    }
    verify::holds(&database, &office, &[journey]).await;
    assert!(serve.is_alive(), "nobody restarted it");
}
