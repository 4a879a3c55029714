//! What a use rests on is read again at the code exchange and at the identity: whatever ended in between stops it.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Present;

use super::beginning;
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::Service;

/// The uses refused, and those issued.
async fn counted(world: &World) -> (usize, usize) {
    (world.count(Kind::UseRefused).await, world.count(Kind::Use).await)
}

/// The code gives nothing any more, and that is recorded.
async fn stops_the_code(world: &World, service: &Service, code: &str, what: &str) {
    let before = counted(world).await;
    let answer = service.exchanges(code).await;
    assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_grant"), "{what}");
    assert_eq!(counted(world).await, (before.0 + 1, before.1), "{what}");
}

/// The access token gives nothing any more, and that is recorded.
async fn stops_the_token(world: &World, service: &Service, token: &str, what: &str) {
    let before = counted(world).await;
    let answer = service.asks_identity(token).await;
    assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_token"), "{what}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
    assert!(!answer.body.contains("LEMOINE"), "{what}");
    assert_eq!(counted(world).await, (before.0 + 1, before.1), "{what}");
}

const PAST: &str = "'2026-01-01 00:00:00'";

/// What ends, how, how it is put back, and the reason that is recorded.
fn endings(other: &str, own: &str) -> Vec<(String, String, &'static str)> {
    let row = |spoil: String, repair: &str, reason| (spoil, repair.to_owned(), reason);
    vec![
        row(
            format!("update authorisations set ended_at = {PAST}, ended_kind = 'revoked' where procedure = 'logement'"),
            "update authorisations set ended_at = null, ended_kind = null",
            "authorisation_ended",
        ),
        row(
            format!("update mandates set expires_at = {PAST}"),
            "update mandates set expires_at = '2027-01-01 00:00:00'",
            "mandate_expired",
        ),
        row("update accounts set active = false".to_owned(), "update accounts set active = true", "account_inactive"),
        row("update accounts set terms = null".to_owned(), "", "terms_not_accepted"),
        row(
            format!("update memberships set certified_until = {PAST}"),
            "update memberships set certified_until = null",
            "not_certified",
        ),
        row(
            "update memberships set mediator = false, manager = true".to_owned(),
            "update memberships set mediator = true, manager = false",
            "not_a_mediator",
        ),
        row(
            format!("update organisations set suspended_at = {PAST}"),
            "update organisations set suspended_at = null",
            "organisation_suspended",
        ),
        row(
            format!("update memberships set organisation = '{other}'"),
            &format!("update memberships set organisation = '{own}'"),
            "not_a_member",
        ),
        row(format!("update sessions set ended_at = {PAST}"), "update sessions set ended_at = null", "session_ended"),
        row(
            format!("update sessions set expires_at = {PAST}"),
            "update sessions set expires_at = '2027-01-01 00:00:00'",
            "session_ended",
        ),
    ]
}

on_each_backend! {
    async fn b16_b17_c06_whatever_ends_in_between_stops_the_use(world) {
        let (ana, service, opened) = beginning(&world).await;
        let other = world.another_organisation().await;
        let terms = world.database.texts("select terms as value from accounts")[0].clone();
        for (spoil, mut repair, reason) in endings(other.as_str(), world.organisation.as_str()) {
            if repair.is_empty() {
                repair = format!("update accounts set terms = '{terms}'");
            }
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            world.database.execute(&spoil).unwrap();
            stops_the_code(&world, &service, &code, reason).await;
            let refused = |entries: Vec<serde_json::Value>| entries.iter().filter(|entry| entry["reason"] == reason).count();
            let seen = refused(world.entries(Kind::UseRefused).await);
            world.database.execute(&repair).unwrap();
            let replay = service.exchanges(&code).await;
            assert_eq!(replay.status, 400, "{reason}: a code that was refused stays spent");

            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let token = service.takes_a_token(&code).await;
            world.database.execute(&spoil).unwrap();
            stops_the_token(&world, &service, &token, reason).await;
            assert_eq!(refused(world.entries(Kind::UseRefused).await), seen + 1, "{reason}");
            world.database.execute(&repair).unwrap();
            stops_the_token(&world, &service, &token, "a token that was refused stays dead").await;
        }
        assert_eq!(counted(&world).await.1, 0);
    }

    async fn b16_a_revocation_at_the_counter_counts_at_once_and_for_its_procedure_alone(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let other = ana.gets_a_code(&service, &opened.citizen, Justice).await;
        ana.revokes(&opened.mandate, Some(Logement)).await;
        stops_the_code(&world, &service, &code, "revoked").await;
        let token = service.takes_a_token(&other).await;
        ana.revokes(&opened.mandate, None).await;
        stops_the_token(&world, &service, &token, "revoked").await;
    }

    async fn b16_the_term_ends_to_the_second(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let end = world.now() + chrono::TimeDelta::seconds(10);
        world.database.execute(&format!("update mandates set expires_at = '{}'", end.format("%F %T%.6f"))).unwrap();
        world.after(9);
        let token = service.takes_a_token(&code).await;
        world.after(1);
        stops_the_token(&world, &service, &token, "expired").await;
    }

    async fn b17_signing_out_stops_the_use(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        ana.signs_out().await;
        stops_the_code(&world, &service, &code, "signed out").await;
        stops_the_token(&world, &service, &token, "signed out").await;
    }

    async fn a_mandate_for_the_time_of_a_presence_serves_its_own_session_alone(world) {
        let (ana, service, _) = beginning(&world).await;
        let opened = ana.opens_a_mandate_for("bernard", &[Logement], Present).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        assert_eq!(service.exchanges(&code).await.status, 200);
        let bruno = world.mediator("Bruno Hoarau").await;
        let page = bruno.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        assert!(page.link(&path).is_none(), "nobody else is offered it");
        let form = page.form(&format!("{}/cancellation", page.url.path())).unwrap();
        let refused = bruno.browser.submit(&form.aimed_at(&path).with("procedure", "logement")).await.unwrap();
        assert_eq!(refused.status, 403);
        assert_eq!(world.entries(Kind::UseRefused).await[0]["reason"], "presence_ended");
    }
}
