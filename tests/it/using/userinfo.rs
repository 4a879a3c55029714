//! The identity: issued once, to whoever holds the token, as FranceConnect gave it.

use mandataire::demo::franceconnect::citizens::find;
use mandataire::domain::client::{AuthMethod, SigningAlgorithm, UserinfoFormat};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use serde_json::{Value, json};

use super::logout::{end, signed};
use super::settings::is_signed_with;
use super::{access_token, beginning};
use crate::hostile::ACCESS_TOKEN;
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::service::{Service, answered, claims};

async fn token_for(ana: &Actor, service: &Service, opened: &Opened, scope: &str) -> String {
    let page = ana.comes_from(&service.request_with(&[("scope", scope)])).await;
    let code = answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").unwrap();
    service.takes_a_token(&code).await
}

fn cookie(ana: &Actor, world: &World) -> String {
    ana.browser.cookie(&world.base.parse().unwrap(), "mandataire-session").unwrap()
}

on_each_backend! {
    async fn c01_a_token_in_the_address_is_refused_and_not_used(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = token_for(&ana, &service, &opened, "openid").await;
        let shown = service.sends(|http, base| http.get(format!("{base}/userinfo?access_token={token}"))).await;
        let mixed = service.sends(|http, base| http.get(format!("{base}/userinfo?access_token={token}")).bearer_auth(&token)).await;
        for answer in [shown, mixed] {
            assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
        }
        let none = service.sends(|http, base| http.get(format!("{base}/userinfo"))).await;
        assert_eq!((none.status, &none.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
        let entries = world.entries(Kind::SecurityRefused).await;
        assert_eq!((world.count(Kind::Use).await, entries.len()), (0, 2));
        assert!(!format!("{entries:?}").contains(&token));
        assert_eq!(service.asks_identity(&token).await.status, 200, "it was not used up");
    }

    async fn c02_a_token_travels_one_way(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = token_for(&ana, &service, &opened, "openid").await;
        let at = |base: &str| format!("{base}/userinfo");
        let both = service.sends(|http, base| http.post(at(base)).bearer_auth(&token).form(&[("access_token", &token)])).await;
        let different = service.sends(|http, base| http.post(at(base)).bearer_auth("another").form(&[("access_token", &token)])).await;
        let twice = service.sends(|http, base| http.post(at(base)).form(&[("access_token", &token), ("access_token", &token)])).await;
        for answer in [both, different, twice] {
            assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
        }
        let entries = world.entries(Kind::SecurityRefused).await;
        assert_eq!((world.count(Kind::Use).await, entries.len()), (0, 3));
        assert!(!format!("{entries:?}").contains(&token));
        let posted = service.sends(|http, base| http.post(at(base)).form(&[("access_token", &token)])).await;
        assert_eq!(posted.status, 200, "a form is a way of its own (RFC 6750 2.2)");
    }

    async fn c03_nothing_else_is_an_access_token(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let answer = service.exchanges(&code).await;
        let (id_token, token) = (answer.json()["id_token"].as_str().unwrap().to_owned(), access_token(&answer));
        let logout = signed(&service.secret, &service.client.id, &world.base);
        let truncated = &token[1..];
        for wrong in [id_token.as_str(), &code, &cookie(&ana, &world), &service.secret, &logout, truncated] {
            let answer = service.asks_identity(wrong).await;
            assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_token"));
        }
        let entries = world.entries(Kind::SecurityRefused).await;
        assert!(entries.len() == 6 && entries.iter().all(|entry| entry["reason"] == "unknown_token"));
        assert!(!format!("{entries:?}").contains(truncated));
        assert_eq!(service.asks_identity(&token).await.status, 200);
    }

    /// Ours are random and ours alone: no other issuer's is known here, and what a token gives names the client it was given to.
    async fn c04_a_token_of_another_issuer_is_unknown_and_one_of_another_client_stays_its_own(world) {
        let (ana, service, opened) = beginning(&world).await;
        let (mine, theirs) = (world.plain_service().await, world.plain_service().await);
        let elsewhere = signed("another secret", &service.client.id, "https://evil.example");
        for wrong in ["A".repeat(43), ACCESS_TOKEN.to_owned(), elsewhere] {
            let answer = service.asks_identity(&wrong).await;
            assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_token"));
        }
        assert_eq!((world.reasons(Kind::SecurityRefused).await, world.count(Kind::Use).await), (vec!["unknown_token".to_owned(); 3], 0));
        let token = token_for(&ana, &mine, &opened, "openid").await;
        let told = claims(&theirs.asks_identity(&token).await.body);
        assert_eq!(told["aud"], mine.client.id.as_str(), "whoever brings it");
        assert_eq!(world.entries(Kind::Use).await[0]["client"], mine.client.id.as_str());
    }

    /// Nothing is issued, and the attempt is written down.
    async fn c06_a_mandate_that_ended_after_the_token_gives_no_identity(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = token_for(&ana, &service, &opened, "openid").await;
        ana.revokes(&opened.mandate, Some(Logement)).await;
        assert_eq!(service.asks_identity(&token).await.status, 401);
        let again = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let token = token_for(&ana, &service, &again, "openid").await;
        let now = world.now().format("%F %T%.6f");
        world.database.execute(&format!("update mandates set expires_at = '{now}' where id = '{}'", again.mandate)).unwrap();
        assert_eq!(service.asks_identity(&token).await.status, 401);
        assert_eq!(world.reasons(Kind::UseRefused).await, ["authorisation_ended", "mandate_expired"]);
        let entries = format!("{:?}", world.entries(Kind::UseRefused).await);
        assert!(!entries.contains(&token) && !entries.contains("LEMOINE"));
        assert_eq!(world.count(Kind::Use).await, 0);
    }

    async fn c05_a_token_lives_sixty_seconds(world) {
        let (ana, service, opened) = beginning(&world).await;
        for (age, status) in [(59, 200), (60, 401), (61, 401)] {
            let token = token_for(&ana, &service, &opened, "openid").await;
            world.after(age);
            let answer = service.asks_identity(&token).await;
            assert_eq!(answer.status, status, "{age} s");
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        }
        assert_eq!(world.reasons(Kind::UseRefused).await, ["token_expired"; 2]);
    }

    /// By a sign-out, or because its code was presented again.
    async fn c05_a_token_that_was_revoked_is_dead(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let replayed = service.takes_a_token(&code).await;
        assert_eq!(service.exchanges(&code).await.status, 400);
        let answer = service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Logement).await).await;
        let hint = answer.json()["id_token"].as_str().unwrap().to_owned();
        assert_eq!(ana.browser.get(end(&world.base, &[("id_token_hint", &hint)])).await.unwrap().status, 200);
        for token in [replayed, access_token(&answer)] {
            let answer = service.asks_identity(&token).await;
            assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_token"));
            assert_eq!(answer.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
            assert!(!format!("{:?}", world.entries(Kind::UseRefused).await).contains(&token));
        }
        assert_eq!((world.reasons(Kind::UseRefused).await, world.count(Kind::Use).await), (vec!["grant_revoked".to_owned(); 2], 0));
    }

    async fn an_identity_is_signed_with_the_secret_of_whoever_asked_for_that(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.service(SigningAlgorithm::Hs256, AuthMethod::Basic, UserinfoFormat::Jwt, false).await;
        let token = token_for(&ana, &service, &opened, "openid").await;
        let identity = service.asks_identity(&token).await.body;
        assert!(is_signed_with(&identity, &service.secret) && !is_signed_with(&identity, ""));
    }

    async fn c07_one_identity_per_code(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = token_for(&ana, &service, &opened, "openid email").await;
        assert_eq!(service.asks_identity(&token).await.status, 200);
        for reason in ["token_used", "grant_revoked", "grant_revoked"] {
            let again = service.asks_identity(&token);
            let again = world.refuses_once(again, (Kind::UseRefused, reason), &[&token, "LEMOINE"]).await;
            assert_eq!((again.status, again.error().as_str()), (401, "invalid_token"));
        }
        let uses = world.entries(Kind::Use).await;
        assert_eq!(uses.len(), 1);
        assert_eq!(uses[0]["client"], service.client.id.as_str());
        assert_eq!((&uses[0]["mandate"], &uses[0]["citizen"]), (&opened.mandate.as_str().into(), &opened.citizen.as_str().into()));
    }

    async fn c09_nothing_on_the_way_keeps_an_identity(world) {
        let (ana, json, opened) = beginning(&world).await;
        let jwt = world.plain_service().await;
        for service in [&json, &jwt] {
            let token = token_for(&ana, service, &opened, "openid email").await;
            let shown = service.sends(|http, base| http.get(format!("{base}/userinfo?access_token={token}")));
            let shown = world.refuses_once(shown, (Kind::SecurityRefused, "malformed_request"), &[&token]).await;
            let first = service.asks_identity(&token).await;
            let second = world.refuses_once(service.asks_identity(&token), (Kind::UseRefused, "token_used"), &[&token]).await;
            for (answer, status) in [(shown, 400), (first, 200), (second, 401)] {
                assert_eq!(answer.status, status);
                assert_eq!(answer.headers["cache-control"], "no-store", "{status}");
                assert_eq!(answer.headers["vary"], "Authorization", "{status}");
            }
        }
    }

    async fn c08_a_scope_gives_its_claims_and_no_others(world) {
        let (ana, service, opened) = beginning(&world).await;
        for (scope, expected) in [
            ("openid", vec![]),
            ("openid email", vec!["email"]),
            ("openid birth", vec!["birthcountry", "birthplace"]),
            ("openid gender", vec!["gender"]),
            ("openid given_name", vec!["given_name"]),
            ("openid preferred_username", vec!["preferred_username"]),
            ("openid idp_birthdate", vec!["birthdate"]),
            ("openid profile", vec!["birthdate", "family_name", "gender", "given_name", "preferred_username"]),
            ("openid identite_pivot", vec!["birthcountry", "birthdate", "birthplace", "family_name", "gender", "given_name"]),
        ] {
            let token = token_for(&ana, &service, &opened, scope).await;
            let answer = service.asks_identity(&token).await.json();
            let names: Vec<_> = answer.as_object().unwrap().keys().filter(|name| *name != "sub").collect();
            assert_eq!(names, expected, "{scope}");
        }
    }

    async fn a_signed_identity_says_for_whom_and_until_when(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        let token = token_for(&ana, &service, &opened, "openid email").await;
        let answer = service.asks_identity(&token).await;
        let (now, mut told) = (world.now().timestamp(), claims(&answer.body));
        told.as_object_mut().unwrap().remove("sub").unwrap();
        let expected = json!({
            "iss": world.base, "aud": service.client.id, "iat": now, "exp": now + 60, "email": "josephine@usagers.example.fr",
        });
        assert_eq!(told, expected);
    }

    /// Partial birthdates, no birthplace abroad, names in every script: as they came, through the vault and back.
    async fn every_civil_status_arrives_byte_for_byte(world) {
        let (ana, service, _) = beginning(&world).await;
        for key in ["bernard", "awa", "sami", "anghjula", "camille", "guilhem", "leila", "anh"] {
            let opened = ana.opens_a_mandate_for(key, &[Logement], Month).await;
            let token = token_for(&ana, &service, &opened, "openid profile email birth").await;
            let mut told = service.asks_identity(&token).await.json();
            told.as_object_mut().unwrap().remove("sub").unwrap();
            let given = find(key).unwrap().identity();
            let mut expected = json!({
                "given_name": given.given_name, "family_name": given.family_name, "birthdate": given.birthdate,
                "gender": given.gender, "birthplace": given.birthplace, "birthcountry": given.birthcountry, "email": given.email,
            });
            if let Some(name) = given.preferred_username {
                expected["preferred_username"] = Value::String(name);
            }
            assert_eq!(told, expected, "{key}");
        }
    }
}
