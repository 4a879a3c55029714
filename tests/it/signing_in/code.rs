//! The code: a step once, never an older one, one step of drift, and ten failures lock.

use mandataire::domain::event::Kind;

use super::refused;
use crate::on_each_backend;

on_each_backend! {
    async fn f08_a_code_opens_once_even_with_a_new_link(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        let code = ana.code().await;
        assert_eq!(ana.presents(&page, &code).await.status, 303);
        assert_eq!(ana.steps_up(&code).await.status, 422, "nor within the session");
        ana.signs_out().await;
        let page = ana.opens_a_new_link().await;
        refused(&ana.presents(&page, &code).await);
        assert_eq!(world.count(Kind::SignedIn).await, 1);
        assert_eq!(world.count(Kind::SignInRefused).await, 1);
        assert_eq!(world.count(Kind::CodeRefused).await, 1);
    }

    async fn f08_an_older_code_is_refused_after_a_newer_one(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        assert_eq!(ana.presents(&page, &ana.code_in(30).await).await.status, 303);
        ana.signs_out().await;
        let page = ana.opens_a_new_link().await;
        for seconds in [-30, 0, 30] {
            refused(&ana.presents(&page, &ana.code_in(seconds).await).await);
        }
        assert_eq!(ana.presents(&page, &ana.fresh_code().await).await.status, 422, "its step was used already");
        assert_eq!(ana.presents(&page, &ana.fresh_code().await).await.status, 303);
    }

    async fn f11_one_step_of_drift_is_forgiven_and_never_two(world) {
        let (ana, bo) = (
            world.mediator_of(&world.organisation, "Ana Silva").await,
            world.mediator_of(&world.organisation, "Bo Martin").await,
        );
        let (slow, quick) = (ana.opens_a_new_link().await, bo.opens_a_new_link().await);
        for seconds in [-90, -60, 60, 90] {
            refused(&ana.presents(&slow, &ana.code_in(seconds).await).await);
            refused(&bo.presents(&quick, &bo.code_in(seconds).await).await);
        }
        assert_eq!(ana.presents(&slow, &ana.code_in(-30).await).await.status, 303);
        assert_eq!(bo.presents(&quick, &bo.code_in(30).await).await.status, 303);
    }

    async fn f10_the_code_of_somebody_else_is_refused(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let bo = world.mediator_of(&world.organisation, "Bo Martin").await;
        let page = ana.opens_a_new_link().await;
        refused(&ana.presents(&page, &bo.code().await).await);
        assert!(!ana.is_signed_in().await);
    }

    async fn f09_ten_failures_lock_even_the_right_code_until_it_is_released(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let page = ana.opens_a_new_link().await;
        for failures in 1..=10 {
            assert_eq!(world.count(Kind::FactorLocked).await, 0, "before failure {failures}");
            refused(&ana.presents(&page, &ana.wrong_code().await).await);
        }
        assert_eq!(world.count(Kind::FactorLocked).await, 1);
        // The lock closes the link: nobody goes on guessing with it.
        refused(&ana.presents(&page, &ana.code().await).await);
        world.after(8 * 60);
        let page = ana.opens_a_new_link().await;
        refused(&ana.presents(&page, &ana.code().await).await);
        refused(&ana.presents(&page, &ana.code().await).await);
        assert_eq!(world.rows("sessions", "1 = 1"), 0);
        let mut reasons = world.reasons(Kind::SignInRefused).await;
        reasons.sort();
        assert_eq!(reasons[..10], ["code_refused"; 10]);
        assert_eq!(reasons[10..], ["factor_locked", "sign_in_failed", "sign_in_failed"]);
        world.releases(&ana).await;
        let page = ana.opens_a_new_link().await;
        assert_eq!(ana.presents(&page, &ana.fresh_code().await).await.status, 303);
        assert_eq!(world.count(Kind::FactorReleased).await, 1);
    }

    async fn f09_failures_within_a_session_lock_too(world) {
        let ana = world.mediator("Ana Silva").await;
        for _ in 0..10 {
            assert_eq!(ana.steps_up(&ana.wrong_code().await).await.status, 422);
        }
        let page = ana.steps_up(&ana.fresh_code().await).await;
        assert_eq!(page.status, 422);
        assert!(page.text().contains("votre application est bloquée"), "{}", page.text());
        assert_eq!(world.count(Kind::FactorLocked).await, 1);
        assert_eq!(world.count(Kind::CodeRefused).await, 11);
        assert_eq!(world.count(Kind::CodeAccepted).await, 0);
    }
}
