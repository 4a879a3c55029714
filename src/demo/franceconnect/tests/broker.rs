//! The face turned to Mandataire, seen from the public service.

use super::*;

/// The list as the public service's visitor sees it.
async fn list(world: &World, browser: &Browser) -> Page {
    let home = browser.get(&world.service).await.unwrap();
    browser.submit_and_follow(&home.form("/sign-in").unwrap()).await.unwrap()
}

fn button(page: &Page) -> crate::demo::browser::Form {
    page.forms().into_iter().find(|form| form.action().path().ends_with("/mandataire")).unwrap()
}

/// Presses "Utiliser Mandataire".
async fn by_mandate(world: &World, browser: &Browser) -> Page {
    let page = list(world, browser).await;
    browser.submit_and_follow(&button(&page)).await.unwrap()
}

#[tokio::test]
async fn an_identity_goes_through_to_the_public_service_byte_for_byte() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    for citizen in &citizens::CITIZENS {
        browser.forget_cookies();
        world.mandataire.script.lock().unwrap().citizen = citizen.key;
        let page = by_mandate(&world, &browser).await;
        let account = browser.submit_and_follow(&page.form("/api/v2/interaction/").unwrap()).await.unwrap();
        assert!(account.text().contains("votre identité est confirmée"), "{}", account.text());
        let received = browser.json(format!("{}/identity.json", world.service)).await.unwrap();
        let identity = citizen.identity();
        for (claim, value) in [
            ("given_name", &identity.given_name),
            ("family_name", &identity.family_name),
            ("idp_birthdate", &identity.birthdate),
            ("birthplace", &identity.birthplace),
            ("birthcountry", &identity.birthcountry),
            ("gender", &identity.gender),
            ("email", &identity.email),
        ] {
            assert_eq!(received[claim], *value, "{} {claim}", citizen.key);
        }
        assert_eq!(received.get("preferred_username").and_then(Value::as_str), identity.preferred_username.as_deref());
    }
}

#[tokio::test]
async fn the_request_is_the_one_franceconnect_sends() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    by_mandate(&world, &browser).await;
    let sent = world.mandataire.last_request();
    assert_eq!(sent.len(), 9);
    let expected = [
        ("client_id", "fc"),
        ("scope", "openid profile email birth"),
        ("response_type", "code"),
        ("acr_values", "eidas1"),
        ("prompt", "login"),
        ("claims", r#"{"id_token":{"rep_scope":{"essential":true,"values":["Logement","Social-Santé"]}}}"#),
    ];
    for (name, value) in expected {
        assert_eq!(sent[name], value);
    }
    assert_eq!(sent["redirect_uri"], callback_uri(&world.settings.origin));
    for secret in ["state", "nonce"] {
        assert!(sent[secret].len() == 64 && sent[secret].bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

#[tokio::test]
async fn logout_passes_by_mandataire_before_the_session_ends() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let page = by_mandate(&world, &browser).await;
    let account = browser.submit_and_follow(&page.form("/api/v2/interaction/").unwrap()).await.unwrap();
    let sign_out = account.form("/sign-out").unwrap();
    let page = browser.submit_and_follow(&sign_out).await.unwrap();
    assert!(page.text().contains("Déconnexion terminée"), "{}", page.text());
    assert!(page.passed(&format!("{}/session/end", world.settings.mandataire)).is_some());
    let sent = world.mandataire.last_request();
    assert!(sent.contains_key("id_token_hint") && sent["state"].len() == 64);
    assert_eq!(list(&world, &browser).await.form("/api/v2/interaction/").unwrap().choices("citizen").len(), 11);
}

#[tokio::test]
async fn an_error_brings_the_person_back_to_the_list() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    world.mandataire.script.lock().unwrap().error = Some("access_denied");
    let page = by_mandate(&world, &browser).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("n'a pas confirmé l'identité (access_denied)"), "{}", page.text());
    world.mandataire.script.lock().unwrap().error = None;
    let page = browser.submit_and_follow(&button(&page)).await.unwrap();
    assert!(page.text().contains("Continuer en tant que Awa DIALLO"));
}

#[tokio::test]
async fn an_answer_that_franceconnect_refuses_stops_on_a_page_with_its_code() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let halted = async |change: fn(&mut stand_in::Script)| {
        browser.forget_cookies();
        let before = world.mandataire.script.lock().unwrap().clone();
        change(&mut world.mandataire.script.lock().unwrap());
        let page = by_mandate(&world, &browser).await;
        *world.mandataire.script.lock().unwrap() = before;
        assert!(page.status >= 400);
        page
    };
    let page = halted(|script| script.rep_scope = vec!["Justice"]).await;
    assert!(page.text().contains("Y600020"));
    let back = page.link(&world.service).unwrap();
    assert!(browser.click(&page, &back).await.unwrap().text().contains("server_error"));
    assert!(halted(|script| script.acr = "eidas2").await.text().contains("Y100018"));
    assert!(halted(|script| script.state = Some("other")).await.text().contains("Y020022"));
    assert!(halted(|script| script.state = Some("")).await.text().contains("Y020021"));
}

#[tokio::test]
async fn a_callback_is_answered_once_and_in_its_own_browser() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let page = by_mandate(&world, &browser).await;
    let callback = page.passed(&callback_uri(&world.settings.origin)).unwrap().clone();
    assert!(browser.get(&callback).await.unwrap().text().contains("Y020022"));
    assert!(Browser::new().unwrap().get(&callback).await.unwrap().text().contains("Y190001"));
}

#[tokio::test]
async fn the_demonstration_can_present_a_code_twice() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    assert!(browser.get(&world.settings.origin).await.unwrap().form("/demonstration/replay").is_none());
    by_mandate(&world, &browser).await;
    let home = browser.get(&world.settings.origin).await.unwrap();
    let page = browser.submit(&home.form("/demonstration/replay").unwrap()).await.unwrap();
    assert_eq!(
        (page.attributes("data-status"), page.attributes("data-error")),
        (vec!["400".into()], vec!["invalid_grant".into()])
    );
}
