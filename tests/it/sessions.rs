//! Sessions: how long they last, what ends them, and what they may do meanwhile.

use chrono::TimeDelta;
use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::mediator::Membership;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;

use crate::on_each_backend;
use crate::world::service::browser;

const QUARTER: i64 = 15 * 60;

/// Where an answer leads, as path and query.
fn target(page: &Page) -> String {
    let location = page.location().unwrap_or_else(|| panic!("a redirect: {} {}", page.status, page.text()));
    location.query().map_or(location.path().to_owned(), |query| format!("{}?{query}", location.path()))
}

on_each_backend! {
    async fn after_a_quarter_of_an_hour_asleep_every_page_and_every_act_asks_for_a_code(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let form = ana.sees(&format!("/mandates/{}/revocation", opened.mandate)).await;
        let form = form.form("/mandates/").unwrap().with("reason", "citizen_asked");
        world.after(QUARTER - 1);
        assert_eq!(ana.gets("/home").await.status, 200);
        world.after(QUARTER);
        for path in ["/home", "/citizens", "/mandates/new"] {
            assert_eq!(target(&ana.gets(path).await), format!("/code?next={path}"));
        }
        let answer = ana.browser.submit(&form).await.unwrap();
        assert_eq!(target(&answer), format!("/code?next=/mandates/{}/revocation", opened.mandate));
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 0);
        assert_eq!(ana.steps_up(&ana.wrong_code().await).await.status, 422);
        assert_eq!(target(&ana.gets("/home").await), "/code?next=/home", "a wrong code wakes nobody");
        let page = ana.sees("/citizens").await;
        assert_eq!(ana.wakes_up(page).await.url.path(), "/citizens");
        assert_eq!(world.count(Kind::CodeAccepted).await, 2, "the opening's and this one");
    }

    /// A form sent to an address that shows no page leads to one all the same.
    async fn after_the_code_people_land_on_a_page(world) {
        let ana = world.mediator("Ana Silva").await;
        let csrf = world.csrf(&ana.browser).await;
        let person = "/citizens/cit_01J9ZC7TQ4N8V6XKB2E5RWAHGM".to_owned();
        let phone = format!("{person}/phone");
        world.after(QUARTER);
        for (path, page) in [("/mandates/drafts", "/mandates/new"), ("/organisation", "/home"), (phone.as_str(), person.as_str())] {
            let answer = world.posts(&ana.browser, path, &[("csrf", &csrf)], &[]).await;
            assert_eq!(answer.headers["location"].to_str().unwrap(), format!("/code?next={page}"), "{path}");
        }
        let page = ana.sees("/code?next=/home").await;
        assert_eq!(ana.wakes_up(page).await.status, 200);
    }

    async fn an_auditor_lands_on_the_journal(world) {
        let auditor = world.auditor("Aude Nom").await;
        world.after(QUARTER);
        let page = auditor.sees("/code").await;
        assert_eq!(auditor.wakes_up(page).await.url.path(), "/journal/purpose");
    }

    async fn f15_a_session_ends_after_twelve_hours_whatever_happens(world) {
        let ana = world.mediator("Ana Silva").await;
        let begun = world.now();
        world.after(11 * 3_600);
        let page = ana.sees("/home").await;
        ana.wakes_up(page).await;
        assert_eq!(ana.gets("/home").await.status, 200);
        let left = begun + TimeDelta::hours(12) - world.now();
        world.after(left.num_seconds() - 1);
        assert_eq!(target(&ana.gets("/home").await), "/code?next=/home");
        world.after(1);
        assert_eq!(target(&ana.gets("/home").await), "/sign-in");
        assert_eq!(target(&ana.gets("/code").await), "/sign-in");
    }

    async fn f15_signing_out_ends_the_session_for_whoever_copied_the_cookie(world) {
        let ana = world.mediator("Ana Silva").await;
        let thief = ana.browser.copy();
        assert_eq!(thief.get(ana.at("/home")).await.unwrap().status, 200);
        ana.signs_out().await;
        assert_eq!(target(&thief.get(ana.at("/home")).await.unwrap()), "/sign-in");
        assert!(ana.browser.cookie(&ana.url("/"), "mandataire-session").is_none());
        assert_eq!(world.count(Kind::SignedOut).await, 1);
    }

    /// The secret changes when somebody signs in or enrols, not with every code: an answer that is lost would sign people out.
    async fn a_code_or_a_confirmation_sent_twice_signs_nobody_out(world) {
        let ana = world.mediator("Ana Silva").await;
        let code = ana.fresh_code().await;
        assert_eq!(ana.steps_up(&code).await.status, 303);
        assert_eq!(ana.steps_up(&code).await.status, 422, "the code itself works once");
        let recap = ana.reaches_the_recap("josephine", &[Logement], Month).await;
        let form = ana.fills_in(&recap).await;
        let lost = ana.browser.copy();
        assert_eq!(lost.submit(&form).await.unwrap().status, 303);
        let again = ana.sends(&form).await;
        assert!(again.url.path().starts_with("/mandates/mdt_"), "{}", again.text());
        assert_eq!(world.count(Kind::MandateOpened).await, 1);
        assert_eq!(world.rows("sessions", "1 = 1"), 1);
    }

    async fn f15_a_deactivated_account_is_out_at_its_next_request(world) {
        let ana = world.mediator("Ana Silva").await;
        assert_eq!(ana.gets("/home").await.status, 200);
        world.deactivates(&ana).await;
        assert_eq!(target(&ana.gets("/home").await), "/sign-in");
        assert_eq!(world.count(Kind::AccountDeactivated).await, 1);
        world.database.execute("update accounts set active = true").unwrap();
        assert_eq!(target(&ana.gets("/home").await), "/sign-in", "what was ended does not come back");
    }

    /// Even where nobody ended its sessions: the account is read with each of them.
    async fn f15_a_session_of_an_inactive_account_is_none(world) {
        let denis = world.auditor("Denis Roux").await;
        assert!(denis.is_signed_in().await);
        world.database.execute("update accounts set active = false").unwrap();
        assert!(!denis.is_signed_in().await);
        assert_eq!(denis.sees("/journal").await.url.path(), "/sign-in");
    }

    async fn a_suspended_organisation_stops_at_the_next_request(world) {
        let ana = world.mediator("Ana Silva").await;
        let mia = world.manager("Mia Roux").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        world.suspends_the_organisation().await;
        let mandate = format!("/mandates/{}", opened.mandate);
        for path in ["/home", "/citizens", &mandate] {
            for actor in [&ana, &mia] {
                let page = actor.gets(path).await;
                assert_eq!(page.status, 403, "{path}");
                assert!(page.text().contains("Votre structure est suspendue"), "{}", page.text());
            }
        }
        assert_eq!(ana.gets("/mandates/new").await.status, 403);
    }

    async fn a_certification_that_ended_stops_acts_and_not_reading(world) {
        let until = world.now() + TimeDelta::minutes(10);
        let organisation = world.organisation.clone();
        let role = Membership { organisation, mediator: true, manager: false, certified_until: Some(until) };
        let ana = world.enrolled("Ana Silva", &[role], false).await;
        ana.signs_in().await;
        assert_eq!(ana.gets("/mandates/new").await.status, 200);
        world.clock.advance(until - world.now() - TimeDelta::seconds(1));
        assert_eq!(ana.gets("/mandates/new").await.status, 200);
        world.after(1);
        let page = ana.gets("/mandates/new").await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("Votre certification"), "{}", page.text());
        assert_eq!(ana.gets("/home").await.status, 200);
    }

    async fn a_manager_is_not_a_mediator(world) {
        let mia = world.manager("Mia Roux").await;
        assert_eq!(mia.gets("/home").await.status, 200);
        let page = mia.gets("/mandates/new").await;
        assert_eq!(page.status, 403);
        assert!(page.text().contains("Seul un aidant"), "{}", page.text());
        let csrf = world.csrf(&mia.browser).await;
        let fields = [("csrf", csrf.as_str()), ("procedures", "logement"), ("term", "month")];
        assert_eq!(world.posts(&mia.browser, "/mandates/drafts", &fields, &[]).await.status, 403);
        assert_eq!(world.rows("drafts", "1 = 1"), 0);
    }

    async fn a_mediator_of_two_organisations_sees_one_at_a_time_and_never_a_third(world) {
        let (second, third) = (world.another_organisation().await, world.third_organisation().await);
        let roles = [&world.organisation, &second].map(|organisation| Membership {
            organisation: organisation.clone(),
            mediator: true,
            manager: false,
            certified_until: None,
        });
        let ana = world.enrolled("Ana Silva", &roles, false).await;
        ana.signs_in().await;
        let form = ana.sees("/home").await.form("/organisation").expect("a choice of organisations");
        ana.sends(&form.clone().with("organisation", world.organisation.as_str())).await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let mandate = format!("/mandates/{}", opened.mandate);
        assert_eq!(ana.gets(&mandate).await.status, 200);
        let page = ana.sends(&form.clone().with("organisation", second.as_str())).await;
        assert_eq!(page.url.path(), "/home");
        assert_eq!(ana.gets(&mandate).await.status, 404, "it is the other organisation's");
        let chosen = world.count(Kind::OrganisationChosen).await;
        for foreign in [third.as_str(), &format!("org_{}", "0".repeat(26))] {
            assert_eq!(ana.browser.submit(&form.clone().with("organisation", foreign)).await.unwrap().status, 404);
        }
        assert_eq!(ana.browser.submit(&form.clone().with("organisation", "none")).await.unwrap().status, 400);
        assert_eq!(ana.gets(&mandate).await.status, 404, "still in the second");
        assert_eq!(world.count(Kind::OrganisationChosen).await, chosen);
        ana.sends(&form.with("organisation", world.organisation.as_str())).await;
        assert_eq!(ana.gets(&mandate).await.status, 200);
    }

    async fn f20_cookies_are_for_this_host_and_out_of_reach_of_scripts(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let first = browser().get(ana.at("/sign-in")).await.unwrap();
        let page = ana.opens_a_new_link().await;
        let signed_in = ana.presents(&page, &ana.code().await).await;
        let french = ana.sees("/home").await.form("/language").unwrap();
        let french = ana.browser.submit(&french.with("language", "fr")).await.unwrap();
        for (page, name) in
            [(first, "mandataire-browser="), (signed_in, "mandataire-session="), (french, "mandataire-language=")]
        {
            let cookie = page.header("set-cookie").unwrap();
            assert!(cookie.starts_with(name), "{cookie}");
            for attribute in ["; HttpOnly", "; SameSite=Lax", "; Path=/"] {
                assert!(cookie.contains(attribute), "{attribute}: {cookie}");
            }
            for attribute in ["Domain", "Secure", "Expires"] {
                assert!(!cookie.contains(attribute), "{attribute}: {cookie}");
            }
        }
    }
}
