//! Holds, and erasures that two officers decide.

use actix_web::rt::spawn;
use mandataire::app::retention::Line;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;

use super::{line, years_pass};
use crate::on_each_backend;

on_each_backend! {
    async fn two_officers_erase_somebody_and_everything_of_theirs_stops(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let other = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let (olga, omar) = (world.officer("Olga Prudhomme").await, world.officer("Omar Sage").await);
        assert_eq!(ana.gets("/office").await.status, 403);
        assert!(olga.sees("/office").await.text().contains("Aucune demande"));
        let citizen = opened.citizen.as_str();
        assert_eq!(olga.asks_to_erase("Joséphine", "person_asked").await.status, 422);
        assert_eq!(olga.asks_to_erase("cit_01J9ZC7TQ4N8V6XKB2E5RWAHGM", "person_asked").await.status, 422, "nobody");
        assert_eq!(olga.asks_to_erase(citizen, "because").await.status, 422);
        assert_eq!(world.count(Kind::ErasureRequested).await, 0);
        let asked = olga.asks_to_erase(citizen, "person_asked").await;
        assert_eq!(asked.status, 200, "{}", asked.text());
        let request = asked.url.path().trim_start_matches("/office/erasures/").to_owned();
        assert!(asked.form("/approval").is_none(), "not by the one who asked");
        assert_eq!(olga.asks_to_erase(citizen, "died").await.status, 409, "one at a time");
        // The form of another officer's page, sent by the one who asked.
        let form = omar.sees(asked.url.path()).await.form(&format!("{}/approval", asked.url.path())).unwrap();
        let code = olga.fresh_code().await;
        assert_eq!(olga.forges(&form.clone().with("code", &code)).await.status, 403);
        assert_eq!(omar.sends(&form.clone().with("code", "000000")).await.status, 422);
        assert_eq!(world.rows("person_keys", &format!("owner = '{citizen}'")), 1);
        assert_eq!(omar.approves(&request).await.status, 303);
        assert_eq!(world.rows("person_keys", &format!("owner = '{citizen}'")), 0);
        assert_eq!(world.rows("authorisations", &format!("citizen = '{citizen}' and ended_at is null")), 0);
        for table in ["documents", "agreements"] {
            assert_eq!(world.rows(table, &format!("mandate = '{}'", opened.mandate)), 0, "{table}");
        }
        for path in [format!("/citizens/{citizen}"), format!("/mandates/{}", opened.mandate)] {
            assert_eq!(ana.gets(&path).await.status, 404, "{path}");
        }
        assert_eq!(ana.gets("/home").await.status, 200);
        assert!(!ana.sees("/citizens").await.body.contains("DUBOIS"));
        assert_eq!(ana.gets(&format!("/citizens/{}", other.citizen)).await.status, 200, "nobody else is touched");
        let code = omar.fresh_code().await;
        assert_eq!(omar.browser.submit(&form.with("code", &code)).await.unwrap().status, 409, "once");
        for (kind, by) in [(Kind::ErasureRequested, &olga), (Kind::ErasureApproved, &omar), (Kind::PersonDestroyed, &omar), (Kind::AuthorisationRevoked, &omar)] {
            let entries = world.entries(kind).await;
            assert_eq!((entries.len(), entries[0]["actor"].as_str()), (1, Some(by.account.as_str())), "{kind:?}");
            assert_eq!(entries[0]["citizen"], citizen);
        }
        assert_eq!(olga.asks_to_erase(citizen, "died").await.status, 409, "there is nothing left");
    }

    async fn a_request_is_declined_or_is_over_after_thirty_days(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let (olga, omar) = (world.officer("Olga Prudhomme").await, world.officer("Omar Sage").await);
        let asked = olga.asks_to_erase(opened.citizen.as_str(), "unlawful").await;
        let path = asked.url.path().to_owned();
        let form = omar.sees(&path).await.form(&format!("{path}/refusal")).unwrap();
        assert!(omar.sends(&form).await.text().contains("Déclinée"));
        assert_eq!(omar.sends(&form).await.status, 409);
        let asked = olga.asks_to_erase(opened.citizen.as_str(), "unlawful").await;
        let path = asked.url.path().to_owned();
        let form = omar.sees(&path).await.form(&format!("{path}/approval")).unwrap();
        world.after(30 * 86_400);
        omar.signs_in().await;
        let code = omar.fresh_code().await;
        let late = omar.forges(&form.with("code", &code)).await;
        assert_eq!(late.status, 409, "{}", late.text());
        assert!(omar.sees(&path).await.text().contains("Périmée"));
        world.retention(false).await;
        assert_eq!((world.count(Kind::ErasureDeclined).await, world.count(Kind::ErasureExpired).await), (1, 1));
        assert_eq!(world.count(Kind::PersonDestroyed).await, 0);
    }

    async fn a_hold_stops_the_periods_and_the_officers_until_it_is_lifted(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let (olga, citizen) = (world.officer("Olga Prudhomme").await, opened.citizen.as_str());
        let form = olga.sees("/office/holds/new").await.form("/office/holds").unwrap().with("ground", "litigation");
        assert_eq!(olga.sends(&form.clone().with("person", "Joséphine")).await.status, 422);
        let page = olga.sends(&form.clone().with("person", citizen)).await;
        assert!(page.text().contains(citizen), "{}", page.text());
        assert_eq!(olga.sends(&form.with("person", citizen)).await.status, 409, "held already");
        assert_eq!(olga.asks_to_erase(citizen, "person_asked").await.status, 409);
        years_pass(&world, 7);
        olga.signs_in().await;
        let lines = world.retention(false).await;
        let held = |what| line(&lines, what).map(|line| (line.held, line.archived, line.destroyed));
        assert_eq!((held("citizens"), held("mandates")), (Some((1, 0, 0)), Some((1, 0, 0))));
        let lift = olga.sees("/office").await.form("/lifting").or(olga.sees("/office").await.forms().into_iter().find(|form| form.action().path().ends_with("/lifting"))).unwrap();
        olga.sends(&lift).await;
        olga.sends(&lift).await;
        let lines = world.retention(false).await;
        assert_eq!(line(&lines, "citizens").unwrap().destroyed, 1);
        assert_eq!((world.count(Kind::HoldSet).await, world.count(Kind::HoldLifted).await), (1, 1));
    }

    /// Between the request and its approval somebody needs the data: they stay.
    async fn a_hold_that_is_set_after_the_request_stops_its_approval(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let (olga, omar) = (world.officer("Olga Prudhomme").await, world.officer("Omar Sage").await);
        let citizen = opened.citizen.as_str();
        let asked = olga.asks_to_erase(citizen, "person_asked").await;
        let request = asked.url.path().trim_start_matches("/office/erasures/").to_owned();
        let form = olga.sees("/office/holds/new").await.form("/office/holds").unwrap();
        assert_eq!(olga.sends(&form.with("person", citizen).with("ground", "litigation")).await.status, 200);
        assert_eq!(omar.approves(&request).await.status, 409);
        assert_eq!(world.rows("person_keys", &format!("owner = '{citizen}'")), 1);
    }

    /// Somebody is being identified again when their time is over: the run leaves them to the next.
    async fn who_is_at_the_counter_is_left_to_the_next_run(world) {
        let ana = world.mediator("Ana Silva").await;
        ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        years_pass(&world, 4);
        ana.signs_in().await;
        let list = ana.starts_an_opening(&[Logement], Month).await;
        ana.citizen_identifies(&list, "josephine").await;
        let said = |lines: &[Line]| line(lines, "citizens").map(|line| (line.busy, line.archived));
        assert_eq!(said(&world.retention(false).await), Some((1, 0)));
        world.after(86_400);
        assert_eq!(said(&world.retention(false).await), Some((0, 1)));
    }

    /// A code that was given before, exchanged and used at the very moment of the erasure.
    async fn j10_an_erasure_comes_before_a_use_or_after_it(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let (olga, omar) = (world.officer("Olga Prudhomme").await, world.officer("Omar Sage").await);
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let asked = olga.asks_to_erase(opened.citizen.as_str(), "person_asked").await;
        let path = asked.url.path().to_owned();
        let form = omar.sees(&path).await.form(&format!("{path}/approval")).unwrap();
        let form = form.with("code", &omar.fresh_code().await);
        ana.wakes_up(ana.sees("/home").await).await;
        let mut tokens = Vec::new();
        for _ in 0..4 {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            tokens.push(service.takes_a_token(&code).await);
        }
        let form = form.with("code", &omar.code().await);
        let uses: Vec<_> = tokens
            .iter()
            .cloned()
            .map(|token| {
                let service = service.clone();
                spawn(async move { service.asks_identity(&token).await })
            })
            .collect();
        let erased = omar.browser.submit(&form).await.unwrap();
        assert_eq!(erased.status, 303, "{}", erased.text());
        let mut identified = 0;
        for answer in uses {
            let answer = answer.await.unwrap();
            assert!(matches!(answer.status, 200 | 401), "{} {}", answer.status, answer.body);
            identified += usize::from(answer.status == 200);
        }
        assert_eq!((world.count(Kind::Use).await, world.rows("uses", "1 = 1")), (identified, i64::try_from(identified).unwrap()));
        for token in tokens {
            assert_eq!(service.asks_identity(&token).await.status, 401, "nothing afterwards");
        }
        assert_eq!(world.count(Kind::PersonDestroyed).await, 1);
    }

    /// M11: nobody who was here disappears from what happened.
    async fn m11_no_organisation_and_no_citizen_is_ever_deleted(world) {
        world.everything_happens().await;
        let count = |table| world.rows(table, "1 = 1");
        let before = ["organisations", "citizens", "accounts", "mandates", "authorisations", "uses", "journal_entries"].map(count);
        let names = |world: &crate::world::World| {
            world.database.texts("select cast(id as text) || coalesce(organisation, '') || coalesce(citizen, '') || coalesce(actor, '') as value from journal_entries order by id")
        };
        let told = names(&world);
        years_pass(&world, 7);
        let lines = world.retention(false).await;
        assert!(line(&lines, "citizens").is_some_and(|line| line.destroyed > 0), "{lines:?}");
        let after = ["organisations", "citizens", "accounts", "mandates", "authorisations", "uses"].map(count);
        assert_eq!(after, before[..6]);
        assert_eq!(names(&world)[..told.len()], told, "what was said of them stays as it was said");
        for table in ["organisations", "citizens", "accounts"] {
            assert!(world.database.execute(&format!("delete from {table}")).is_err(), "{table}: what refers to them keeps them");
        }
        let source = std::fs::read_dir(crate::source::root().join("src/store")).unwrap();
        assert!(source.count() > 10);
        for file in crate::source::rust_files(&["src"]) {
            for table in ["organisations", "citizens", "accounts", "mandates", "uses", "journal_entries"] {
                assert!(!file.code.contains(&format!("diesel::delete({table}::")), "{}", file.path);
            }
        }
    }
}
