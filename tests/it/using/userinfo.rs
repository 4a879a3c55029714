//! The identity: issued once, to whoever holds the token, as FranceConnect gave it.

use mandataire::demo::franceconnect::citizens::find;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use serde_json::{Value, json};

use super::{access_token, beginning};
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::service::{Service, answered, claims};

async fn token_for(ana: &Actor, service: &Service, opened: &Opened, scope: &str) -> String {
    let page = ana.comes_from(&service.request_with(&[("scope", scope)])).await;
    let code = answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").unwrap();
    access_token(&service.exchanges(&code).await)
}

fn cookie(ana: &Actor, world: &World) -> String {
    ana.browser.cookie(&world.base.parse().unwrap(), "mandataire-session").unwrap()
}

on_each_backend! {
    async fn c01_c02_a_token_travels_one_way_and_never_in_the_address(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = token_for(&ana, &service, &opened, "openid").await;
        let at = |base: &str| format!("{base}/userinfo");
        let shown = service.sends(|http, base| http.get(format!("{base}/userinfo?access_token={token}"))).await;
        let both = service.sends(|http, base| http.post(at(base)).bearer_auth(&token).form(&[("access_token", &token)])).await;
        let mixed = service.sends(|http, base| http.get(format!("{base}/userinfo?access_token={token}")).bearer_auth(&token)).await;
        for answer in [shown, both, mixed] {
            assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"));
        }
        let none = service.sends(|http, base| http.get(at(base))).await;
        assert_eq!((none.status, &none.headers["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
        assert_eq!(world.count(Kind::Use).await, 0);
        let posted = service.sends(|http, base| http.post(at(base)).form(&[("access_token", &token)])).await;
        assert_eq!(posted.status, 200, "a form is a way of its own (RFC 6750 2.2)");
    }

    async fn c03_c04_nothing_else_is_an_access_token(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let answer = service.exchanges(&code).await;
        let (id_token, token) = (answer.json()["id_token"].as_str().unwrap().to_owned(), access_token(&answer));
        let foreign = "A".repeat(43);
        let truncated = &token[1..];
        for wrong in [id_token.as_str(), &code, &cookie(&ana, &world), &service.secret, &foreign, truncated] {
            let answer = service.asks_identity(wrong).await;
            assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_token"));
        }
        let entries = world.entries(Kind::SecurityRefused).await;
        assert!(entries.len() == 6 && entries.iter().all(|entry| entry["reason"] == "unknown_token"));
        assert_eq!(service.asks_identity(&token).await.status, 200);
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
    }

    async fn c07_c09_one_identity_per_code_and_nothing_keeps_it(world) {
        let (ana, service, opened) = beginning(&world).await;
        let token = token_for(&ana, &service, &opened, "openid email").await;
        let first = service.asks_identity(&token).await;
        assert_eq!(first.status, 200);
        assert_eq!(first.headers["cache-control"], "no-store");
        assert_eq!(first.headers["vary"], "Authorization");
        for _ in 0..3 {
            assert_eq!(service.asks_identity(&token).await.status, 401);
        }
        let uses = world.entries(Kind::Use).await;
        assert_eq!(uses.len(), 1);
        assert_eq!(uses[0]["client"], service.client.id.as_str());
        assert_eq!((&uses[0]["mandate"], &uses[0]["citizen"]), (&opened.mandate.as_str().into(), &opened.citizen.as_str().into()));
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
