//! The words a service registered, what is bound to it, and how sure it may be of who acted and who agreed.

use mandataire::domain::client::{Client, Vocabulary};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::store::clients;
use serde_json::{Value, json};

use super::{beginning, refused_by_redirect};
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::service::{Service, answered, claims};

/// How some services call two factors.
const PROFILE: &str = "https://refeds.org/profile/mfa";

async fn changed(world: &World, service: &Service, change: impl FnOnce(&mut Client)) -> Service {
    let (mut client, now) = (service.client.clone(), world.now());
    change(&mut client);
    let written = client.clone().changed(&["a setting"], now);
    world.app.store.write(move |tx| clients::change(tx, written)).await.unwrap();
    let mut after = service.clone();
    after.client = client;
    after
}

async fn used(ana: &Actor, service: &Service, opened: &Opened, asked: &[(&str, &str)]) -> Value {
    let page = ana.comes_from(&service.request_with(asked)).await;
    let code = answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").unwrap();
    let token = service.exchanges(&code).await;
    assert_eq!(token.status, 200, "{}", token.body);
    claims(token.json()["id_token"].as_str().unwrap())
}

fn wanted(member: &str, value: &Value) -> String {
    json!({ "id_token": { member: value } }).to_string()
}

on_each_backend! {
    async fn a_procedure_bound_to_a_service_is_used_nowhere_else(world) {
        let (ana, fc, opened) = beginning(&world).await;
        let (one, other) = (world.plain_service().await, world.plain_service().await);
        let late = ana.gets_a_code(&other, &opened.citizen, Logement).await;
        let one = changed(&world, &one, |client| client.binds = [Logement].into()).await;
        assert_eq!(other.exchanges(&late).await.error(), "invalid_grant", "not even with a code given before");
        let page = ana.comes_from(&other.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap();
        let before = world.count(Kind::UseRefused).await;
        assert_eq!(ana.sends(&form.with("procedure", "logement")).await.status, 403);
        let reasons = world.reasons(Kind::UseRefused).await;
        assert_eq!((reasons.len(), reasons.last().map(String::as_str)), (before + 1, Some("procedure_not_asked")));
        assert!(answered(&ana.chooses(&page, &opened.citizen, Justice).await, "code").is_some());
        let only = wanted("rep_scope", &json!({ "values": [Logement.rep_scope()] }));
        refused_by_redirect(&world, &ana.browser, &fc, &fc.request_with(&[("claims", &only)]), "access_denied").await;
        assert_eq!(used(&ana, &one, &opened, &[]).await["mandate"]["procedure"], "logement");
        // A service registered later is no exception, and two may share what is bound.
        let newcomer = world.plain_service().await;
        refused_by_redirect(&world, &ana.browser, &newcomer, &newcomer.request_with(&[("claims", &only)]), "access_denied").await;
        let newcomer = changed(&world, &newcomer, |client| client.binds = [Logement].into()).await;
        used(&ana, &newcomer, &opened, &[]).await;
        for service in [&one, &newcomer] {
            changed(&world, service, |client| client.binds.clear()).await;
        }
        used(&ana, &other, &opened, &[]).await;
        assert_eq!(world.count(Kind::ClientChanged).await, 4);
    }

    async fn a_service_names_procedures_in_its_own_words(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        let keys = changed(&world, &service, |client| client.vocabulary = Vocabulary::Keys).await;
        let asked = wanted("rep_scope", &json!({ "values": ["logement", "Justice"] }));
        let told = used(&ana, &keys, &opened, &[("claims", &asked)]).await;
        assert_eq!(told["rep_scope"], json!(["logement"]));
        let foreign = wanted("rep_scope", &json!({ "values": ["Logement"] }));
        refused_by_redirect(&world, &ana.browser, &keys, &keys.request_with(&[("claims", &foreign)]), "access_denied").await;
        let labels = changed(&world, &keys, |client| client.vocabulary = Vocabulary::FranceConnect).await;
        assert_eq!(used(&ana, &labels, &opened, &[("claims", &foreign)]).await["rep_scope"], json!(["Logement"]));
    }

    async fn a_service_asks_how_sure_we_are_in_its_own_words(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        let service = changed(&world, &service, |client| client.acr = ["eidas1", PROFILE].map(str::to_owned).into()).await;
        let essential = |word: &str| wanted("acr", &json!({ "essential": true, "value": word }));
        for (asked, told) in [
            (vec![("acr_values", "")], "eidas1"),
            (vec![("acr_values", "eidas3")], "eidas1"),
            (vec![("acr_values", &*format!("eidas3 {PROFILE} eidas1"))], PROFILE),
            (vec![("acr_values", "eidas1"), ("claims", &*essential(PROFILE))], PROFILE),
            (vec![("claims", &*wanted("acr", &json!({ "values": ["gold"] })))], "eidas1"),
        ] {
            assert_eq!(used(&ana, &service, &opened, &asked).await["acr"], told, "{asked:?}");
        }
        let unmet = "unmet_authentication_requirements";
        let high = essential("eidas3");
        refused_by_redirect(&world, &ana.browser, &service, &service.request_with(&[("claims", &high)]), unmet).await;
        let few = changed(&world, &service, |client| client.acr = vec![PROFILE.to_owned()]).await;
        let usual = essential("eidas1");
        refused_by_redirect(&world, &ana.browser, &few, &few.request_with(&[("claims", &usual)]), unmet).await;
        assert_eq!(used(&ana, &few, &opened, &[]).await["acr"], PROFILE);
    }

    async fn how_the_mediator_signed_in_is_told(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        assert_eq!(used(&ana, &service, &opened, &[]).await["amr"], json!(["mail", "otp"]));
        world.database.execute("update sessions set authentication = 'recovery'").unwrap();
        assert_eq!(used(&ana, &service, &opened, &[]).await["amr"], json!(["mail", "mfa"]));
        // A code of the device, typed later, counts from then on.
        let code = ana.fresh_code().await;
        assert_eq!(ana.steps_up(&code).await.status, 303);
        assert_eq!(used(&ana, &service, &opened, &[]).await["amr"], json!(["mail", "otp"]));
    }

    async fn what_a_service_may_no_longer_have_stops_at_once(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        let token = || async {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            service.takes_a_token(&code).await
        };
        let told = claims(&service.asks_identity(&token().await).await.body);
        assert!(told["email"].is_string() && told["birthcountry"].is_string(), "{told}");
        let granted = token().await;
        changed(&world, &service, |client| { client.scopes.remove("email"); }).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        assert_eq!(service.exchanges(&code).await.json()["scope"], "openid profile birth");
        let told = claims(&service.asks_identity(&granted).await.body);
        assert!(told["email"].is_null() && told["birthcountry"].is_string(), "{told}");
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let page = ana.comes_from(&service.request()).await;
        let left = ana.comes_from(&service.request()).await;
        let cancels = left.forms().into_iter().find(|form| form.action().path().ends_with("/cancellation")).unwrap();
        let moved = vec!["https://elsewhere.example/callback".to_owned()];
        let granted = token().await;
        changed(&world, &service, |client| client.redirect_uris = moved).await;
        assert_eq!(service.asks_identity(&granted).await.status, 401);
        assert_eq!(service.exchanges(&code).await.error(), "invalid_grant");
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap();
        assert_eq!(ana.sends(&form.with("procedure", "logement")).await.status, 403, "nobody is sent there any more");
        assert_eq!(ana.sends(&cancels).await.status, 403, "nor with an error");
        let reasons = world.reasons(Kind::UseRefused).await;
        assert_eq!(reasons, ["redirect_differs"; 4]);
    }
}
