//! How long everything is kept: in use, in the archive, destroyed; what is over; holds; two officers; and what is left afterwards.

#[cfg(test)]
mod afterwards;
#[cfg(test)]
mod erasing;
#[cfg(test)]
pub(crate) mod proof;
#[cfg(test)]
mod written;

pub(crate) use proof::erased;

use std::time::{Duration, Instant};

use actix_web::rt::spawn;
use chrono::{Months, TimeDelta};
use mandataire::app::retention::{Line, nightly};
use mandataire::config;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::{Day, Month};
use mandataire::store::{Error, leases};

use crate::on_each_backend;
use crate::world::World;
use crate::world::everything::declares_a_purpose;

fn years_pass(world: &World, years: u32) {
    world.until(world.now().checked_add_months(Months::new(12 * years)).unwrap() + TimeDelta::days(1));
}

fn line<'l>(lines: &'l [Line], what: &str) -> Option<&'l Line> {
    lines.iter().find(|line| line.what == what)
}

on_each_backend! {
    async fn a_person_is_archived_after_three_years_and_destroyed_after_six(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        let (citizen, mandate) = (&opened.citizen, &opened.mandate);
        ana.notes_the_phone(citizen, "0612345678").await;
        world.until(world.now() + TimeDelta::days(1));
        let ended = world.now();
        world.until(ended.checked_add_months(Months::new(36)).unwrap() - TimeDelta::minutes(10));
        ana.signs_in().await;
        assert!(line(&world.retention(false).await, "citizens").is_none(), "not a minute early");
        world.after(660);
        let lines = world.retention(false).await;
        assert_eq!((line(&lines, "citizens").unwrap().archived, line(&lines, "mandates").unwrap().archived), (1, 1));
        assert_eq!(world.rows("citizen_search", &format!("citizen = '{citizen}'")), 0, "no search leads there");
        assert_eq!((world.rows("contacts", "true"), world.rows("phones", "true")), (0, 0), "nobody calls there");
        assert_eq!(world.rows("citizens", &format!("id = '{citizen}' and identity_index is not null")), 0);
        assert_eq!(world.rows("person_keys", &format!("owner = '{citizen}'")), 1, "an inquiry may still open it");
        for path in [format!("/citizens/{citizen}"), format!("/mandates/{mandate}"), format!("/mandates/{mandate}/document")] {
            assert_eq!(ana.gets(&path).await.status, 404, "{path}");
        }
        assert!(!ana.sees("/citizens?tab=ended&q=lemoine").await.body.contains("LEMOINE"));
        let again = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        assert_ne!(&again.citizen, citizen, "who comes back begins anew");
        years_pass(&world, 3);
        ana.signs_in().await;
        let lines = world.retention(false).await;
        assert_eq!((line(&lines, "citizens").unwrap().destroyed, line(&lines, "mandates").unwrap().destroyed), (1, 1));
        for (table, column) in [("person_keys", "owner"), ("journal_sealed", "owner"), ("citizen_search", "citizen"), ("holdings", "citizen"), ("contacts", "citizen")] {
            assert_eq!(world.rows(table, &format!("{column} = '{citizen}'")), 0, "{table}");
        }
        for table in ["agreements", "documents"] {
            assert_eq!(world.rows(table, &format!("mandate = '{mandate}'")), 0, "{table}");
        }
        assert_eq!((world.rows("citizens", &format!("id = '{citizen}'")), world.rows("mandates", &format!("id = '{mandate}'"))), (1, 1), "a pseudonym stays");
        assert_eq!(world.rows("documents", &format!("mandate = '{}'", again.mandate)), 1, "the newer one is only archived");
        let said = world.entries(Kind::PersonDestroyed).await;
        assert!(said.iter().any(|entry| entry["citizen"] == citizen.as_str() && entry["ground"] == "retention"));
        assert!(world.retention(false).await.is_empty(), "what is done needs no doing");
    }

    async fn whoever_no_longer_signs_in_is_archived_then_destroyed(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let bruno = world.mediator("Bruno Hoarau").await;
        years_pass(&world, 2);
        bruno.signs_in().await;
        years_pass(&world, 1);
        bruno.signs_in().await;
        let lines = world.retention(false).await;
        assert_eq!(line(&lines, "accounts").unwrap().archived, 1);
        let of_ana = format!("id = '{}'", ana.account);
        assert_eq!(world.rows("accounts", &format!("{of_ana} and not active")), 1);
        ana.asks_for_a_link().await;
        assert!(ana.newest_link().await.is_none(), "her address is nobody's");
        assert_eq!(world.rows("authenticators", &format!("account = '{}'", ana.account)), 0);
        years_pass(&world, 2);
        bruno.signs_in().await;
        years_pass(&world, 1);
        bruno.signs_in().await;
        world.retention(false).await;
        assert_eq!(world.rows("person_keys", &format!("owner = '{}'", ana.account)), 0);
        assert_eq!(world.rows("accounts", &of_ana), 1, "whom the journal names stays a pseudonym");
        assert_eq!(world.rows("mandates", &format!("id = '{}' and opened_by = '{}'", opened.mandate, ana.account)), 1);
        let auditor = world.auditor("Denis Roux").await;
        assert_eq!(declares_a_purpose(&auditor).await.status, 200);
    }

    async fn who_identified_and_never_had_a_mandate_is_gone_within_days(world) {
        let ana = world.mediator("Ana Silva").await;
        let list = ana.starts_an_opening(&[Justice], Month).await;
        ana.citizen_identifies(&list, "bernard").await;
        world.after(6 * 86_400);
        assert!(line(&world.retention(false).await, "citizens_without_mandate").is_none());
        world.after(2 * 86_400);
        let lines = world.retention(false).await;
        assert_eq!(line(&lines, "citizens_without_mandate").unwrap().destroyed, 1);
        assert_eq!(world.rows("citizens", "destroyed_at is null"), 0);
    }

    /// Tried first, then done: the same figures, and nothing changes by trying.
    async fn a_dry_run_says_what_a_run_does(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        service.exchanges(&code).await;
        ana.signs_out().await;
        ana.signs_in().await;
        ana.starts_an_opening(&[Justice], Month).await;
        years_pass(&world, 7);
        let count = |table| world.rows(table, "1 = 1");
        let before = ["journal_entries", "grants", "flows", "drafts", "person_keys", "leases"].map(count);
        let tried = world.retention(true).await;
        assert_eq!(["journal_entries", "grants", "flows", "drafts", "person_keys", "leases"].map(count), before);
        let done = world.retention(false).await;
        assert_eq!(tried, done, "rows that wait for others to go are counted, and those that go with an account are not");
        for what in ["mandates", "citizens", "accounts", "grants", "flows", "drafts", "sessions"] {
            assert!(line(&done, what).is_some(), "{what}");
        }
        assert_eq!((count("grants"), count("flows"), count("sign_in_links")), (0, 0, 0));
        let run = &world.entries(Kind::RetentionRun).await[0];
        assert_eq!((run["destroyed"].as_str(), run["archived"].as_str()), (Some("3"), Some("0")), "{run}");
    }

    /// One node runs; another one takes over when it says nothing for two minutes.
    /// A service that runs looks whether the night has come: once each night, and what is due is done.
    async fn every_night_what_is_due_is_done_once(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        let (store, location) = (world.app.store.clone(), world.database.location.clone());
        let (looks, set) = (Duration::from_millis(10), config::Retention::default());
        let nights = spawn(nightly(store, world.clock.clone(), world.random.clone(), set, location, looks));
        let archived = format!("archived_at is not null and id = '{}'", opened.citizen);
        let ran = async |runs: usize| {
            let until = Instant::now() + Duration::from_secs(30);
            while world.count(Kind::RetentionRun).await < runs {
                assert!(Instant::now() < until, "the night does not come");
                actix_web::rt::time::sleep(looks).await;
            }
            // It looks on, and the night is over.
            actix_web::rt::time::sleep(looks * 20).await;
            assert_eq!(world.count(Kind::RetentionRun).await, runs);
        };
        ran(1).await;
        assert_eq!(world.rows("citizens", &archived), 0);
        years_pass(&world, 3);
        ran(2).await;
        assert_eq!(world.rows("citizens", &archived), 1);
        world.after(24 * 3_600);
        ran(3).await;
        nights.abort();
    }

    async fn one_node_runs_at_a_time(world) {
        let now = world.now();
        let until = now + TimeDelta::minutes(2);
        let taken = world.app.store.write(move |tx| leases::take(tx, "retention", "another node", until, now));
        assert!(taken.await.unwrap());
        let periods = (&mandataire::config::Retention::default()).into();
        let run = mandataire::app::retention::Run::new(world.app.store.clone(), world.clock.clone(), &world.random, periods, false);
        assert!(run.report().await.unwrap().is_none());
        assert_eq!(world.count(Kind::RetentionRun).await, 0);
        world.after(120);
        assert!(run.report().await.unwrap().is_some());
        let done = world.app.store.read(|db| leases::done_at(db, "retention")).await;
        let done: Result<_, Error> = done;
        assert_eq!(done.unwrap(), Some(world.now()));
    }

    async fn j10_a_purge_beside_uses_takes_nothing_that_lives(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        ana.gets_a_code(&service, &opened.citizen, Logement).await;
        world.after(8 * 86_400);
        ana.signs_in().await;
        let mut codes = Vec::new();
        for _ in 0..5 {
            codes.push(ana.gets_a_code(&service, &opened.citizen, Logement).await);
        }
        let opening = ana.comes_from(&service.request()).await;
        let used: Vec<_> = codes
            .into_iter()
            .map(|code| {
                let service = service.clone();
                spawn(async move {
                    let token = service.takes_a_token(&code).await;
                    service.asks_identity(&token).await.status
                })
            })
            .collect();
        let lines = world.retention(false).await;
        for status in used {
            assert_eq!(status.await.unwrap(), 200);
        }
        assert_eq!((line(&lines, "grants").unwrap().purged, line(&lines, "flows").unwrap().purged), (1, 1), "the old ones");
        assert_eq!(world.count(Kind::Use).await, 5);
        assert_eq!(ana.gets(opening.url.path()).await.status, 200, "the sign-in under way goes on");
        assert!(ana.is_signed_in().await);
    }

    /// Source address and port of an identification and of a use, closed, for 36 months.
    async fn traces_are_sealed_and_kept_for_three_years(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let of_both = format!("citizen = '{}' and account = '{}'", opened.citizen, ana.account);
        assert_eq!(world.rows("traces", &of_both), 2);
        let sealed = world.hex("source");
        assert!(world.database.texts(&format!("select {sealed} as value from traces")).iter().all(|hex| !hex.contains("3132372e302e302e31")));
        years_pass(&world, 2);
        assert!(line(&world.retention(false).await, "traces").is_none());
        years_pass(&world, 1);
        assert_eq!(line(&world.retention(false).await, "traces").unwrap().purged, 2);
    }
}
