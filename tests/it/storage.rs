//! The store: what the databases hold, what they do not, and what happens when they fail.

mod schema;

use std::time::{Duration, Instant};

use actix_web::ResponseError;
use actix_web::rt::spawn;
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;
use mandataire::journal::line;
use mandataire::store::{Error, Location, Store, Time, journal, organisations};
use mandataire::web::problem::Problem;

use crate::on_each_backend;
use crate::retention::proof::{holds, rows_as_text};
use crate::world::everything::PEOPLE;
use crate::world::{Backend, World};

/// Everything the database holds, as bytes: the files of SQLite, every row of PostgreSQL as text.
fn raw(world: &World) -> Vec<Vec<u8>> {
    match world.database.backend {
        Backend::Sqlite => {
            let file = world.database.url.trim_start_matches("sqlite:");
            let read = |end: &str| std::fs::read(format!("{file}{end}")).unwrap_or_default();
            vec![read(""), read("-wal")]
        }
        Backend::Postgres => rows_as_text(world, "true").into_iter().map(String::into_bytes).collect(),
    }
}

/// Writes one entry, then refuses or not.
async fn writes(
    store: Store,
    world_now: mandataire::domain::Instant,
    number: usize,
    refuses: bool,
) -> Result<(), Error> {
    let event = Event::new(Kind::SecurityRefused, world_now).fact("reason", format!("write_{number}"));
    store
        .write(move |tx| {
            journal::record(tx, &event)?;
            if refuses { Err(Error::Conflict) } else { Ok(()) }
        })
        .await
}

on_each_backend! {
    async fn nothing_about_a_person_is_readable_in_the_database(world) {
        world.everything_happens().await;
        let (dump, url) = (raw(&world), world.database.url.clone());
        assert!(dump.iter().any(|part| holds(part, b"Maison France services")), "the organisation is in the open: {url}");
        for person in PEOPLE.iter().chain(&["Nadia Belkacem", "MARCHAND", "Claire Petit"]) {
            let hex = line::hex(person.as_bytes());
            for part in &dump {
                assert!(!holds(part, person.as_bytes()), "{person}");
                // PostgreSQL shows bytes in hexadecimal: what is not sealed would be readable there.
                assert!(world.database.backend == Backend::Sqlite || !holds(part, hex.as_bytes()), "{person} in bytes");
            }
        }
    }

    async fn no_token_or_code_is_kept_as_it_was_given(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        let base = world.base.parse().unwrap();
        let cookies = ["mandataire-session", "mandataire-browser"].map(|name| ana.browser.cookie(&base, name).unwrap());
        let [session, browser] = &cookies;
        for part in raw(&world) {
            for secret in [&code, &token, &service.secret, session, browser] {
                assert!(!holds(&part, secret.as_bytes()), "{secret}");
            }
        }
    }

    /// Whoever writes in the database cannot make one person appear under another's name.
    async fn a_sealed_value_moved_to_another_row_does_not_open(world) {
        let ana = world.mediator("Ana Silva").await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let two = ana.opens_a_mandate_for("bernard", &[Justice], Month).await;
        let copy = |table: &str, column: &str, key: &str, from: &str, to: &str| {
            format!("update {table} set {column} = (select {column} from {table} where {key} = '{from}') where {key} = '{to}'")
        };
        let (from, to) = (one.citizen.as_str(), two.citizen.as_str());
        let moved = [
            (copy("documents", "text", "mandate", one.mandate.as_str(), two.mandate.as_str()), format!("/mandates/{}/document", two.mandate)),
            (copy("citizens", "identity", "id", from, to), format!("/citizens/{to}")),
            (copy("person_keys", "wrapped", "owner", to, from), format!("/citizens/{from}")),
        ];
        for (sql, path) in moved {
            assert_eq!(ana.gets(&path).await.status, 200, "{path}");
            world.database.execute(&sql).unwrap();
            let page = ana.gets(&path).await;
            assert_eq!(page.status, 500, "{path}");
            assert!(!page.body.contains("LEMOINE") && !page.body.contains("DUBOIS") && !page.body.contains("CONNOR"), "{path}");
        }
        let bruno = world.mediator("Bruno Hoarau").await;
        world.database.execute(&copy("accounts", "profile", "id", ana.account.as_str(), bruno.account.as_str())).unwrap();
        let page = bruno.gets("/home").await;
        assert!(page.status == 500 && !page.body.contains("Ana Silva"), "{}", page.status);
    }

    /// A probe is no request: it does not wait for those that keep every connection busy.
    async fn a_database_answers_while_every_connection_is_busy(world) {
        let store = world.app.store.clone();
        let pool = 4;
        let (taken, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let busy: Vec<_> = (0..pool).map(|_| {
            let (store, taken) = (store.clone(), taken.clone());
            spawn(async move {
                store.read(move |_| {
                    taken.send(()).unwrap();
                    std::thread::sleep(Duration::from_secs(2));
                    Ok::<_, Error>(())
                }).await
            })
        }).collect();
        for _ in 0..pool {
            begun.recv().await.unwrap();
        }
        assert_eq!((store.load().connections, store.load().idle), (4, 0));
        let asked = Instant::now();
        let told = store.time().await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        let of_its_own = matches!(told, Time::Server(_));
        assert_eq!(of_its_own, world.database.backend == Backend::Postgres, "a server has a clock of its own");
        for one in busy {
            one.await.unwrap().unwrap();
        }
    }

    /// Writes that wait together share one commit on SQLite: each still stands or falls alone.
    async fn a_write_that_fails_takes_no_other_with_it(world) {
        let now = world.now();
        let waiting: Vec<_> = (0..64).map(|number| spawn(writes(world.app.store.clone(), now, number, number % 3 == 0))).collect();
        for (number, written) in waiting.into_iter().enumerate() {
            assert_eq!(written.await.unwrap().is_err(), number % 3 == 0, "{number}");
        }
        let mut found: Vec<_> = world.entries(Kind::SecurityRefused).await.iter().map(|entry| entry["reason"].to_string()).collect();
        found.sort();
        let mut expected: Vec<_> = (0..64).filter(|number| number % 3 != 0).map(|number| format!("\"write_{number}\"")).collect();
        expected.sort();
        assert_eq!(found, expected);
    }

    async fn a_write_that_panics_leaves_the_store_as_it_was(world) {
        let (store, now) = (world.app.store.clone(), world.now());
        let beside: Vec<_> = (0..8).map(|number| spawn(writes(store.clone(), now, number, false))).collect();
        let panicked = store.write(move |tx| -> Result<(), Error> {
            journal::record(tx, &Event::new(Kind::SecurityRefused, now).fact("reason", "panicked"))?;
            panic!("on purpose")
        });
        assert!(matches!(panicked.await, Err(Error::Unavailable(_))));
        for written in beside {
            written.await.unwrap().unwrap();
        }
        writes(store, now, 8, false).await.unwrap();
        let entries = world.entries(Kind::SecurityRefused).await;
        assert!(entries.len() == 9 && entries.iter().all(|entry| entry["reason"] != "panicked"));
    }

    /// A statement that the database refuses in the middle of a write undoes the whole write.
    async fn a_refused_statement_leaves_nothing_of_its_write(world) {
        let (now, organisation) = (world.now(), world.organisation.clone());
        let refused = world.app.store.write(move |tx| {
            journal::record(tx, &Event::new(Kind::SecurityRefused, now))?;
            let twin = mandataire::store::organisations::find(tx, &organisation)?;
            mandataire::store::organisations::create(tx, twin.create(now), now).map(drop)
        });
        assert!(matches!(refused.await, Err(Error::Conflict)));
        assert_eq!((world.count(Kind::SecurityRefused).await, world.count(Kind::OrganisationCreated).await), (0, 1));
    }

    async fn two_openings_at_once_leave_one_live_authorisation_each(world) {
        let (ana, bruno) = (world.mediator("Ana Silva").await, world.mediator("Bruno Hoarau").await);
        for round in 0..5 {
            let one = ana.reaches_the_recap("josephine", &[Logement, Justice], Month).await;
            let two = bruno.reaches_the_recap("josephine", &[Justice, Logement], Month).await;
            let (one, two) = (ana.fills_in(&one).await, bruno.fills_in(&two).await);
            let (one, two) = (one.with("code", &ana.code().await), two);
            let (one, two) = tokio::join!(ana.browser.submit(&one), bruno.browser.submit(&two));
            for answer in [one.unwrap(), two.unwrap()] {
                assert!(matches!(answer.status, 303 | 409), "round {round}: {} {}", answer.status, answer.text());
            }
            let live = "select procedure || ' ' || cast(count(*) as text) as value from authorisations where ended_at is null group by procedure order by 1";
            assert_eq!(world.database.texts(live), ["justice 1", "logement 1"], "round {round}");
        }
        let opened = i64::try_from(world.count(Kind::MandateOpened).await).unwrap();
        assert_eq!(world.database.number("select count(*) from mandates"), opened);
        let ended = world.database.number("select count(*) from authorisations where ended_kind = 'replaced'");
        let recorded = i64::try_from(world.count(Kind::AuthorisationReplaced).await).unwrap();
        assert_eq!(recorded, ended, "each replacement is recorded once");
    }

    async fn a_database_that_fails_is_said_with_503_and_then_all_is_well_again(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let asked = service.request().trim_start_matches(&world.base).to_owned();
        let tables = [("flows", "client", asked.as_str()), ("clients", "name", &asked), ("sessions", "csrf", "/home")];
        for (table, column, path) in tables {
            world.database.execute(&format!("alter table {table} rename column {column} to gone")).unwrap();
            let page = ana.gets(path).await;
            assert_eq!(page.status, 503, "{table}");
            assert!(!page.body.contains(table) && !page.body.contains("gone"), "no word of the database is shown");
            if table == "clients" {
                let token = service.exchanges(&code).await;
                assert_eq!((token.status, token.error().as_str()), (503, "temporarily_unavailable"));
            }
            world.database.execute(&format!("alter table {table} rename column gone to {column}")).unwrap();
        }
        assert_eq!(service.exchanges(&code).await.status, 200);
        assert_eq!(ana.comes_from(&service.request()).await.status, 200);
    }
}

#[test]
fn an_outcome_that_nobody_knows_is_said_with_503() {
    for error in [Error::Uncertain, Error::Unavailable("x".to_owned())] {
        assert_eq!(Problem::from(error).status_code().as_u16(), 503);
    }
}

/// Only PostgreSQL's connections can be lost, and making one costs more than a page.
#[actix_web::test]
async fn a_connection_that_served_well_serves_again_and_a_lost_one_is_replaced() {
    let Some(world) = World::on_postgres().await else { return };
    let name = format!("lent_{:08x}", world.random.u128() & 0xffff_ffff);
    let location = Location::parse(&format!("{}&application_name={name}", world.database.url)).unwrap();
    let store = Store::open(&location, 1, crate::world::MASTER_KEY, world.random.clone()).unwrap();
    let of_ours = format!("from pg_stat_activity where application_name = '{name}'");
    let connections = || world.database.texts(&format!("select pid::text as value {of_ours}"));
    let read = || store.read(|db| organisations::list(db, None, 10).map(|list| list.len()));
    let first = connections();
    assert_eq!(first.len(), 1);
    for _ in 0..3 {
        assert_eq!(read().await.unwrap(), 1);
        store.write(|_| Ok::<_, Error>(())).await.unwrap();
        // A refusal is no fault of the connection.
        assert!(store.write(|_| Err::<(), _>(Error::NotFound)).await.is_err());
        assert_eq!(connections(), first);
    }
    world.database.execute(&format!("select pg_terminate_backend(pid) {of_ours}")).unwrap();
    assert!(matches!(read().await, Err(Error::Unavailable(_))), "it was lost while nobody used it");
    assert_eq!(read().await.unwrap(), 1);
    assert_ne!(connections(), first);
}
