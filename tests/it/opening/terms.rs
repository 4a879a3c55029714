//! How long a mandate works: the exact instant of its end, and the time of a presence.

use chrono::TimeDelta;
use mandataire::domain::Instant;
use mandataire::domain::event::Kind;
use mandataire::domain::id::CitizenId;
use mandataire::domain::mandate::{EndingKind, Standing};
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::{self, Day, Month, Present, Year};

use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::Actor;

/// Whether the lists and the pages of the organisation say that the citizen has a live mandate: all of them, or none.
async fn works(actor: &Actor, citizen: &CitizenId) -> bool {
    let row = format!("/citizens/{citizen}");
    let active = actor.sees("/citizens?tab=active").await.link(&row).is_some();
    let ended = actor.sees("/citizens?tab=ended").await.link(&row).is_some();
    let page = actor.sees(&row).await;
    let mandate = page.link("/mandates/mdt_").expect("a mandate");
    let mandate = actor.sees(mandate.path()).await;
    let stoppable = mandate.link(&format!("{}/revocation", mandate.url.path())).is_some();
    assert_eq!((active, ended, stoppable), (active, !active, active), "{}", mandate.text());
    active
}

/// Stays awake until an instant: a page every ten minutes.
async fn stays_until(world: &World, actor: &Actor, instant: Instant) {
    while world.now() + TimeDelta::minutes(10) < instant {
        world.after(600);
        assert_eq!(actor.sees("/home").await.url.path(), "/home");
    }
    world.until(instant);
}

async fn refused_everywhere_after(world: &World, term: Term) {
    let ana = world.mediator("Ana Silva").await;
    let opened = ana.opens_a_mandate_for("josephine", &[Logement], term).await;
    let end = term.end(world.now());
    world.until(end - TimeDelta::seconds(60));
    ana.signs_in().await;
    assert!(world.now() < end - TimeDelta::seconds(1));
    for (second, live) in [(-1, true), (0, false), (1, false)] {
        world.until(end + TimeDelta::seconds(second));
        assert_eq!(works(&ana, &opened.citizen).await, live, "{second}");
    }
}

on_each_backend! {
    /// J01: valid if and only if now < T, on every screen.
    async fn j01_a_mandate_works_until_its_last_second_and_no_longer(world) {
        refused_everywhere_after(&world, Month).await;
    }

    /// J02: the night of 27 to 28 March 2027 has 23 hours; a day's mandate has 24.
    async fn j02_a_day_is_twenty_four_hours_when_summer_time_begins(world) {
        world.until("2027-03-27T12:00:00Z".parse().unwrap());
        refused_everywhere_after(&world, Day).await;
    }

    /// J04: 365 days from 29 February 2028 end on 28 February 2029, to the second; and the page says so in civil time.
    async fn j04_a_year_from_the_twenty_ninth_of_february_is_365_days(world) {
        world.until("2028-02-29T09:00:00Z".parse().unwrap());
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Year).await;
        let mandate = world.mandate(&world.organisation, &opened.mandate).await;
        assert_eq!(mandate.opened_at.date_naive().to_string(), "2028-02-29");
        assert_eq!(mandate.expires_at.date_naive().to_string(), "2029-02-28");
        assert_eq!(mandate.expires_at - mandate.opened_at, TimeDelta::days(365));
        let page = ana.sees(&format!("/mandates/{}", opened.mandate)).await;
        assert!(page.text().contains("mercredi 28 février 2029 à 10:"), "{}", page.text());
    }

    /// J02: the hour that the clocks show twice is told apart.
    async fn j02_the_hour_shown_twice_is_told_apart(world) {
        world.until("2026-11-30T00:00:00Z".parse().unwrap());
        // 31 October 2027, 02:30, an hour before and an hour after the clocks went back.
        for (end, zone) in [("2027-10-31T00:30:00Z", "UTC+02:00"), ("2027-10-31T01:30:00Z", "UTC+01:00")] {
            let end: Instant = end.parse().unwrap();
            world.database.execute("update organisations set zone = 'Europe/Paris'").unwrap();
            let ana = world.mediator(&format!("Ana {}", zone.replace(['+', ':'], ""))).await;
            let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
            let at = match world.database.backend {
                crate::world::Backend::Sqlite => end.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
                crate::world::Backend::Postgres => end.naive_utc().to_string(),
            };
            let sql = format!("update mandates set expires_at = '{at}' where id = '{}'", opened.mandate);
            world.database.execute(&sql).unwrap();
            assert_eq!(world.mandate(&world.organisation, &opened.mandate).await.expires_at, end);
            let page = ana.sees(&format!("/mandates/{}", opened.mandate)).await;
            assert!(page.text().contains("02:30") && page.text().contains(zone), "{}", page.text());
        }
    }

    /// "While present" lasts sixty minutes at most.
    async fn a_presence_lasts_sixty_minutes_at_most(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Present).await;
        let mandate = world.mandate(&world.organisation, &opened.mandate).await;
        assert_eq!(mandate.expires_at, mandate.opened_at + TimeDelta::minutes(60));
        assert!(mandate.session.is_some());
        stays_until(&world, &ana, mandate.expires_at - TimeDelta::seconds(1)).await;
        assert!(works(&ana, &opened.citizen).await);
        world.after(1);
        assert!(!works(&ana, &opened.citizen).await);
    }

    /// It ends with the session; mandates with another term do not.
    async fn a_presence_ends_at_sign_out(world) {
        let ana = world.mediator("Ana Silva").await;
        let lasting = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Present).await;
        ana.signs_out().await;
        let mandate = world.mandate(&world.organisation, &opened.mandate).await;
        assert_eq!(mandate.standing(world.now()), Standing::Ended(EndingKind::PresenceEnded));
        let entries = world.entries(Kind::PresenceEnded).await;
        assert_eq!(entries.len(), 2, "one per authorisation");
        assert!(entries.iter().all(|entry| entry["mandate"] == opened.mandate.as_str()));
        let lasting = world.mandate(&world.organisation, &lasting.mandate).await;
        assert_eq!(lasting.standing(world.now()), Standing::Active);
        ana.signs_in().await;
        assert!(!works(&ana, &opened.citizen).await);
        assert_eq!(world.count(Kind::PresenceEnded).await, 2);
    }

    /// It ends with the account: whoever is reactivated later does not find it again.
    async fn a_presence_ends_when_the_account_is_deactivated(world) {
        let ana = world.mediator("Ana Silva").await;
        let lasting = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Present).await;
        world.deactivates(&ana).await;
        let entries = world.entries(Kind::PresenceEnded).await;
        assert_eq!((entries.len(), &entries[0]["mandate"]), (1, &opened.mandate.as_str().into()));
        for (id, standing) in
            [(&opened.mandate, Standing::Ended(EndingKind::PresenceEnded)), (&lasting.mandate, Standing::Active)]
        {
            assert_eq!(world.mandate(&world.organisation, id).await.standing(world.now()), standing);
        }
    }

    /// It ends when the mediator sleeps; a code wakes the session, not the mandate.
    async fn a_presence_ends_with_idleness(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Present).await;
        world.after(14 * 60 + 59);
        assert!(works(&ana, &opened.citizen).await);
        world.after(15 * 60 + 60);
        let page = ana.sees("/home").await;
        assert_eq!(page.url.path(), "/code");
        ana.wakes_up(page).await;
        assert!(!works(&ana, &opened.citizen).await);
        assert_eq!(world.count(Kind::PresenceEnded).await, 1);
    }

    /// It is used in the session it was opened in: not by a colleague, not by the same mediator elsewhere.
    async fn a_presence_is_used_in_its_own_session_only(world) {
        let (ana, bea) = (world.mediator("Ana Silva").await, world.mediator("Bea Roche").await);
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Present).await;
        let elsewhere = ana.on_another_machine();
        elsewhere.signs_in().await;
        for who in [&bea, &elsewhere] {
            let choice = who.comes_from(&service.request()).await;
            let path = format!("{}/citizens/{}", choice.url.path(), opened.citizen);
            let form = choice.form("/sign-out").expect("a form").with("procedure", "logement").aimed_at(&path);
            assert_eq!(who.browser.submit(&form).await.unwrap().status, 403);
        }
        assert_eq!(world.reasons(Kind::UseRefused).await, ["presence_ended"; 2]);
        assert!(!ana.gets_a_code(&service, &opened.citizen, Logement).await.is_empty());
    }
}
