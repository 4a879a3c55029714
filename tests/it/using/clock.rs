//! Clocks that jump, tokens that must not be of the future, and years that surprise programs.

use chrono::TimeDelta;
use mandataire::app::monitoring::obstacle;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::{Day, Year};
use mandataire::store::Time;

use super::{access_token, beginning};
use crate::on_each_backend;
use crate::world::Backend;
use crate::world::service::claims;

on_each_backend! {
    /// J05: what was spent, ended or presented too late stays so when the clock goes back an hour.
    async fn j05_a_clock_that_goes_back_revives_nothing(world) {
        let (ana, service, opened) = beginning(&world).await;
        let ended = ana.opens_a_mandate_for("bernard", &[Logement], Day).await;
        // Spent: a code, its token, the code of the authenticator, a session, a link.
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        assert_eq!(service.asks_identity(&token).await.status, 200);
        let left = ana.on_another_machine();
        left.signs_in().await;
        let cookie = left.browser.cookie(&world.base.parse().unwrap(), "mandataire-session").unwrap();
        let link = left.newest_link().await.unwrap();
        left.signs_out().await;
        // Presented too late, and ended before the token was used.
        let late = ana.gets_a_code(&service, &opened.citizen, Justice).await;
        world.after(31);
        assert_eq!(service.exchanges(&late).await.status, 400);
        let stopped = access_token(&service.exchanges(&ana.gets_a_code(&service, &ended.citizen, Logement).await).await);
        ana.revokes(&ended.mandate, None).await;
        let typed = ana.code().await;

        world.clock.advance(TimeDelta::hours(-1));
        for (spent, what) in [(&code, "a code that gave a token"), (&late, "a code that came too late")] {
            assert_eq!(service.exchanges(spent).await.status, 400, "{what}");
        }
        for (dead, what) in [(&token, "a token that was used"), (&stopped, "a token whose mandate was ended")] {
            assert_eq!(service.asks_identity(dead).await.status, 401, "{what}");
        }
        left.browser.set_cookie(&world.base.parse().unwrap(), &format!("mandataire-session={cookie}; Path=/"));
        assert!(!left.is_signed_in().await, "a session that was left");
        let page = left.browser.follow(&link).await.unwrap();
        if page.form("/sign-in/link").is_some() {
            assert!(left.presents(&page, &typed).await.location().is_none(), "a link that was used");
        }
        assert!(!left.is_signed_in().await);
        assert_eq!(ana.steps_up(&ana.code().await).await.location(), None, "a code of a step that is past");
        assert!(world.mandate(&world.organisation, &ended.mandate).await.live(world.now()).next().is_none());
        assert_eq!(world.count(Kind::Use).await, 1);
    }

    /// J05: a day too far, everything short-lived is over; what was presented meanwhile stays over once the clock is right again.
    async fn j05_a_clock_that_jumps_a_day_ahead_ends_what_is_short(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = access_token(&service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Justice).await).await);
        world.clock.advance(TimeDelta::days(1));
        assert_eq!(service.exchanges(&code).await.status, 400);
        assert_eq!(service.asks_identity(&token).await.status, 401);
        assert!(!ana.is_signed_in().await);
        world.clock.advance(TimeDelta::days(-1));
        assert_eq!(service.exchanges(&code).await.status, 400);
        assert_eq!(service.asks_identity(&token).await.status, 401);
        assert_eq!(world.count(Kind::Use).await, 0);
    }

    /// J05: a node whose clock is more than five seconds from the database's gets no requests. SQLite has no clock of its own: there,
    /// what was recorded last is not of the future.
    async fn j05_a_node_whose_clock_is_wrong_is_not_ready(world) {
        let on_postgres = world.database.backend == Backend::Postgres;
        for (ahead, ready, on_sqlite) in [
            (0, true, true),
            (4, true, true),
            (-4, true, true),
            (6, false, true),
            (-6, false, false),
            (60, false, true),
            (-60, false, false),
            (-3_600, false, false),
            (86_400, false, true),
        ] {
            let right = match world.app.store.time().await.unwrap() {
                Time::Server(theirs) => theirs,
                Time::Recorded(newest) => newest.unwrap(),
            };
            world.until(right + TimeDelta::seconds(ahead));
            let ready = if on_postgres { ready } else { on_sqlite };
            assert_eq!(obstacle(&world.app).await.is_none(), ready, "{ahead} s");
        }
    }

    /// J06: FranceConnect has no tolerance: `iat` is never after now, `exp` is a minute later, and there is no `nbf`.
    async fn j06_a_token_is_never_of_the_future(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        for millis in [1, 499, 500, 999, 1_000] {
            world.clock.advance(TimeDelta::milliseconds(millis));
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let answer = service.exchanges(&code).await;
            let identity = service.asks_identity(&access_token(&answer)).await;
            let now = world.now().timestamp_millis();
            for token in [answer.json()["id_token"].as_str().unwrap(), identity.body.as_str()] {
                let told = claims(token);
                let (iat, exp) = (told["iat"].as_i64().unwrap(), told["exp"].as_i64().unwrap());
                assert!(iat * 1_000 <= now && now < exp * 1_000, "{told}");
                assert_eq!((exp - iat, told.get("nbf")), (60, None));
                assert!(told["auth_time"].as_i64().is_none_or(|at| at <= iat), "{told}");
            }
        }
    }

    /// J07: the second after which 32 bits are not enough, and a year of two digits that is a leap year to careless programs.
    async fn j07_years_that_surprise_programs(world) {
        for (name, instant) in [("Ana Silva", "2038-01-19T03:13:30Z"), ("Bea Roche", "2100-02-28T23:58:30Z")] {
            world.until(instant.parse().unwrap());
            let ana = world.mediator(name).await;
            let opened = ana.opens_a_mandate_for("josephine", &[Logement], Year).await;
            let mandate = world.mandate(&world.organisation, &opened.mandate).await;
            assert_eq!(mandate.expires_at - mandate.opened_at, TimeDelta::days(365));
            let service = world.plain_service().await;
            let answer = service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Logement).await).await;
            let told = claims(answer.json()["id_token"].as_str().unwrap());
            assert_eq!(told["mandate"]["expires_at"], mandate.expires_at.timestamp());
            assert_eq!(told["exp"], world.now().timestamp() + 60);
            assert_eq!(service.asks_identity(&access_token(&answer)).await.status, 200);
            let year = mandate.expires_at.format("%Y").to_string();
            let page = ana.sees(&format!("/mandates/{}", opened.mandate)).await;
            assert!(page.text().contains(&year), "{}", page.text());
        }
    }
}
