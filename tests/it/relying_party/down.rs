//! A provider that is down is left alone for a while.

use chrono::TimeDelta;
use mandataire::clock::Random;
use mandataire::oidc::relying_party::Patience;

use super::World;

const PAUSE: i64 = 30;

/// With the patience of `serve`.
fn patient() -> World {
    World::with(|settings| settings.patience = Patience::default())
}

impl World {
    fn tokens_fail(&self, status: u16) {
        self.fc.reply(move |path, reply| {
            if path == "/token" {
                reply.status = status;
            }
        });
    }

    fn everything_fails(&self) {
        self.fc.reply(|_, reply| reply.status = 503);
    }

    /// The code of the fault with which a sign-in starts, if it does not.
    async fn starts(&self) -> Result<(), &'static str> {
        self.rp.start(&Random::system()).await.map(drop).map_err(|fault| fault.code())
    }
}

#[actix_web::test]
async fn after_three_outages_nothing_is_asked_until_the_pause_is_over() {
    let world = patient();
    world.tokens_fail(503);
    for _ in 0..3 {
        assert!(!world.rp.is_paused());
        assert_eq!(world.refused().await, "unavailable_failing");
    }
    let before = world.fc.requests();
    assert!(world.rp.is_paused());
    assert_eq!(world.starts().await, Err("unavailable_paused"));
    let failed = world.rp.identify(&world.callback(), "a nonce", None).await.unwrap_err();
    assert_eq!((failed.fault.code(), failed.fault.retry()), ("unavailable_paused", true));
    world.clock.advance(TimeDelta::seconds(PAUSE - 1));
    assert_eq!(world.starts().await, Err("unavailable_paused"));
    assert_eq!(world.fc.requests(), before, "it was left alone");
    world.clock.advance(TimeDelta::seconds(1));
    assert!(!world.rp.is_paused());
    assert_eq!(world.starts().await, Ok(()));
}

#[actix_web::test]
async fn one_request_tries_after_the_pause() {
    let world = patient();
    world.everything_fails();
    for _ in 0..3 {
        assert_eq!(world.starts().await, Err("unavailable_failing"));
    }
    world.clock.advance(TimeDelta::seconds(PAUSE));
    let before = world.fc.requests();
    let (a, b, c) = tokio::join!(world.starts(), world.starts(), world.starts());
    let mut outcomes = [a, b, c];
    outcomes.sort_unstable();
    assert_eq!(outcomes, [Err("unavailable_failing"), Err("unavailable_paused"), Err("unavailable_paused")]);
    assert_eq!(world.fc.requests(), before + 1, "one tried for all");
    assert_eq!(world.starts().await, Err("unavailable_paused"), "another pause");
    world.fc.reply(|_, _| ());
    world.clock.advance(TimeDelta::seconds(PAUSE));
    world.identify().await.unwrap();
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn a_provider_on_trial_is_left_alone_at_the_next_outage() {
    let world = patient();
    world.tokens_fail(503);
    for _ in 0..3 {
        world.refused().await;
    }
    world.clock.advance(TimeDelta::seconds(PAUSE));
    assert_eq!(world.refused().await, "unavailable_failing", "its metadata answer, its tokens do not");
    assert!(world.rp.is_paused());
}

#[actix_web::test]
async fn refusals_are_answers() {
    let world = patient();
    world.fc.reply(|path, reply| {
        if path == "/token" {
            reply.status = 400;
            reply.body = br#"{"error":"invalid_grant"}"#.to_vec();
        }
    });
    for _ in 0..10 {
        assert_eq!(world.refused().await, "refused_code");
    }
    for _ in 0..3 {
        world.tokens_fail(503);
        world.refused().await;
        world.refused().await;
        world.fc.reply(|_, _| ());
        world.identify().await.unwrap();
    }
    assert!(!world.rp.is_paused(), "never three in a row");
}

#[actix_web::test]
async fn what_is_known_is_not_refreshed_during_a_pause() {
    let world = patient();
    world.identify().await.unwrap();
    world.clock.advance(TimeDelta::seconds(601));
    world.everything_fails();
    for outage in 1..=3 {
        assert_eq!(world.starts().await, Ok(()), "old metadata serve");
        assert_eq!(world.rp.is_paused(), outage == 3);
        world.clock.advance(TimeDelta::seconds(if outage < 3 { 60 } else { 1 }));
    }
    assert_eq!(world.starts().await, Err("unavailable_paused"), "nobody is sent to a provider that is down");
}
