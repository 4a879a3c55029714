//! The link: ten minutes, once, in the browser that asked, and only a person's click uses it.

use mandataire::domain::event::Kind;

use super::{REFUSED, refused, seen};
use crate::on_each_backend;
use crate::world::service::browser;

on_each_backend! {
    async fn f01_a_link_works_for_ten_minutes_and_not_a_second_longer(world) {
        let (ana, bo) = (
            world.mediator_of(&world.organisation, "Ana Silva").await,
            world.mediator_of(&world.organisation, "Bo Martin").await,
        );
        let (first, second) = (ana.opens_a_new_link().await, bo.opens_a_new_link().await);
        world.after(10 * 60 - 1);
        assert_eq!(ana.presents(&first, &ana.code().await).await.status, 303);
        world.after(1);
        refused(&bo.presents(&second, &bo.code().await).await);
        assert!(!bo.is_signed_in().await);
        assert_eq!(world.count(Kind::SignedIn).await, 1);
        assert_eq!(world.count(Kind::SignInRefused).await, 1);
    }

    async fn f01_a_link_works_once(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        assert_eq!(ana.presents(&page, &ana.code().await).await.status, 303);
        ana.signs_out().await;
        let again = ana.browser.follow(ana.newest_link().await.unwrap()).await.unwrap();
        refused(&ana.presents(&again, &ana.fresh_code().await).await);
        assert!(!ana.is_signed_in().await);
        assert_eq!(world.rows("sessions", "ended_at is null"), 0);
    }

    async fn f01_an_older_link_stops_working_when_a_newer_one_is_sent(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let older = ana.opens_a_new_link().await;
        world.after(1);
        let newer = ana.opens_a_new_link().await;
        refused(&ana.presents(&older, &ana.code().await).await);
        assert_eq!(ana.presents(&newer, &ana.code().await).await.status, 303);
    }

    async fn f02_looking_at_a_link_consumes_nothing_however_often_and_whoever_looks(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        ana.asks_for_a_link().await;
        let link = ana.newest_link().await.unwrap();
        let path = link.trim_start_matches(&world.base).to_owned();
        let before = world.database.contents();
        let scanner = browser();
        for browser in [&scanner, &ana.browser] {
            for method in ["GET", "HEAD", "GET", "OPTIONS"] {
                let answer = world.asks(browser, method, &path).await;
                assert!(answer.status < 500, "{method} {}", answer.status);
            }
        }
        assert_eq!(world.database.contents(), before);
        let page = ana.browser.follow(link).await.unwrap();
        assert_eq!(ana.presents(&page, &ana.code().await).await.status, 303);
    }

    async fn f03_a_link_is_useless_in_another_browser_even_with_the_right_code(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        ana.asks_for_a_link().await;
        let link = ana.newest_link().await.unwrap();
        let thief = browser();
        let page = thief.follow(&link).await.unwrap();
        let form = page.form("/sign-in/link").unwrap().with("code", &ana.code().await);
        refused(&thief.submit(&form).await.unwrap());
        assert_eq!(world.rows("sessions", "1 = 1"), 0);
        assert_eq!(world.count(Kind::SignInRefused).await, 1);
        let page = ana.browser.follow(link).await.unwrap();
        assert_eq!(ana.presents(&page, &ana.code().await).await.status, 303);
    }

    async fn a_wrong_code_is_counted_and_leaves_the_link_usable(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        let again = ana.presents(&page, &ana.wrong_code().await).await;
        refused(&again);
        assert_eq!(world.rows("authenticators", "failures = 1"), 1);
        assert_eq!(world.entries(Kind::SignInRefused).await[0]["actor"], ana.account.as_str());
        assert_eq!(ana.presents(&again, &ana.code().await).await.status, 303);
        assert_eq!(world.rows("authenticators", "failures = 0"), 1);
    }

    /// A wrong code, a link nobody sent, somebody else's link, an old one, an inactive account: one page.
    async fn f06_every_failure_at_the_link_shows_the_same_page(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let bo = world.mediator_of(&world.organisation, "Bo Martin").await;
        let (page, gone) = (ana.opens_a_new_link().await, bo.opens_a_new_link().await);
        let wrong = ana.presents(&page, &ana.wrong_code().await).await;
        world.deactivates(&bo).await;
        let inactive = bo.presents(&gone, &bo.code().await).await;
        let form = page.form("/sign-in/link").unwrap().with("code", &ana.code().await);
        let unknown = ana.browser.submit(&form.with("token", &world.random.token())).await.unwrap();
        world.after(600);
        let old = ana.presents(&page, &ana.code().await).await;
        assert!(wrong.text().contains(REFUSED));
        for other in [inactive, unknown, old] {
            assert_eq!(seen(&other), seen(&wrong));
        }
        assert_eq!(world.rows("sessions", "1 = 1"), 0);
        assert_eq!(world.count(Kind::SignInRefused).await, 4);
    }

    async fn f14_the_cookie_a_thief_prepared_is_worth_nothing_after_the_sign_in(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let prepared = world.random.token();
        ana.browser.set_cookie(&ana.url("/"), &format!("mandataire-session={prepared}; Path=/"));
        ana.signs_in().await;
        let now = ana.browser.cookie(&ana.url("/"), "mandataire-session").unwrap();
        assert_ne!(now, prepared);
        let thief = browser();
        thief.set_cookie(&ana.url("/"), &format!("mandataire-session={prepared}; Path=/"));
        assert_eq!(thief.get(ana.at("/home")).await.unwrap().location().unwrap().path(), "/sign-in");
    }
}
