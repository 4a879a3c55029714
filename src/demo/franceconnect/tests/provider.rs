//! The face turned to services.

use super::*;
use crate::demo::jws::verify_es256;

async fn code(world: &World, browser: &Browser, citizen: &str) -> String {
    let list = browser.follow(world.authorize("")).await.unwrap();
    let page = choose(browser, &list, citizen).await;
    query(&confirm(browser, &page).await)["code"].clone()
}

#[tokio::test]
async fn a_service_identifies_a_person() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let metadata = browser.json(format!("{}/.well-known/openid-configuration", world.issuer())).await.unwrap();
    assert_eq!(metadata["issuer"], world.issuer());
    let jwks = browser.json(metadata["jwks_uri"].as_str().unwrap()).await.unwrap();
    let list = browser.follow(world.authorize("")).await.unwrap();
    assert!(list.text().contains("ce n'est pas FranceConnect") && !list.text().contains("Utiliser Mandataire"));
    let page = choose(&browser, &list, "awa").await;
    assert!(page.text().contains("Continuer en tant que Awa DIALLO"));
    let back = confirm(&browser, &page).await;
    assert!(back.as_str().starts_with(COUNTER_RETURN));
    let answer = query(&back);
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("some-state", world.issuer().as_str()));

    let (status, tokens) = world.redeem(&answer["code"]).await;
    assert_eq!((status, tokens["expires_in"].as_i64(), tokens.as_object().unwrap().len()), (200, Some(60), 5));
    let claims = verify_es256(tokens["id_token"].as_str().unwrap(), &jwks).unwrap();
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["acr", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sub"]);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);

    let (status, kind, userinfo) = userinfo(&world, tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((status, kind.starts_with("application/jwt")), (200, true));
    let person = verify_es256(&userinfo, &jwks).unwrap();
    assert_eq!((&person["sub"], &person["birthplace"]), (&claims["sub"], &Value::from("")));
    assert_eq!([&person["birthdate"], &person["idp_birthdate"]], ["1980-01-01", "1980-00-00"]);
    assert!(person.get("preferred_username").is_none());
}

async fn userinfo(world: &World, token: &str) -> (u16, String, String) {
    let http = site::http_client().unwrap();
    let request = http.get(format!("{}/userinfo", world.issuer())).header("authorization", format!("Bearer {token}"));
    let response = request.send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.text().await.unwrap())
}

#[tokio::test]
async fn a_code_is_used_once_by_its_service_and_within_thirty_seconds() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let first = code(&world, &browser, "awa").await;
    let wrong_secret = [("client_id", "counter"), ("client_secret", "x"), ("code", &first)];
    assert_eq!(world.call("/token", &wrong_secret).await.0, 401);
    let tokens = world.redeem(&first).await.1;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(userinfo(&world, token).await.0, 200);
    let (status, answer) = world.redeem(&first).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")));
    assert_eq!(userinfo(&world, token).await.0, 401, "the second use revoked what the first gave");

    browser.forget_cookies();
    let second = code(&world, &browser, "awa").await;
    world.wait(TimeDelta::seconds(30));
    assert_eq!(world.redeem(&second).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_token_lives_sixty_seconds_or_until_it_is_revoked() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let mut tokens = Vec::new();
    for _ in 0..2 {
        browser.forget_cookies();
        let code = code(&world, &browser, "awa").await;
        tokens.push(world.redeem(&code).await.1["access_token"].as_str().unwrap().to_owned());
    }
    let form = [("token", tokens[0].as_str()), ("client_id", "counter"), ("client_secret", SECRET)];
    assert_eq!(world.call("/token/revocation", &form).await.0, 200);
    assert_eq!(userinfo(&world, &tokens[0]).await.0, 401);
    world.wait(TimeDelta::seconds(59));
    assert_eq!(userinfo(&world, &tokens[1]).await.0, 200);
    world.wait(TimeDelta::seconds(1));
    assert_eq!(userinfo(&world, &tokens[1]).await.0, 401);
}

#[tokio::test]
async fn an_unknown_parameter_stops_on_a_page() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let page = browser.follow(world.authorize("&code_challenge=x&code_challenge_method=S256")).await.unwrap();
    assert_eq!((page.status, page.hops.len()), (400, 0));
    assert!(page.text().contains("Y030007"));
}

#[tokio::test]
async fn the_next_person_at_the_same_machine_is_taken_for_the_previous_one() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    code(&world, &browser, "awa").await;
    world.wait(TimeDelta::minutes(29));
    let page = browser.follow(world.authorize("")).await.unwrap();
    assert!(page.text().contains("Continuer en tant que Awa DIALLO"));
    assert_eq!(page.forms().len(), 1, "the list is not offered, whatever prompt=login says");
    // The visit prolonged the session.
    world.wait(TimeDelta::minutes(29));
    let page = browser.follow(world.authorize("")).await.unwrap();
    assert!(page.text().contains("Continuer en tant que Awa DIALLO"));
    let other = Browser::new().unwrap();
    assert!(
        other.follow(world.authorize("")).await.unwrap().form("/api/v2/interaction/").unwrap().choices("citizen").len()
            > 8
    );
    world.wait(TimeDelta::minutes(30));
    let list = browser.follow(world.authorize("")).await.unwrap();
    assert_eq!(list.form("/api/v2/interaction/").unwrap().choices("citizen").len(), citizens::CITIZENS.len());
}

#[tokio::test]
async fn logout_ends_the_session_and_returns_the_state() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let code = code(&world, &browser, "awa").await;
    let hint = world.redeem(&code).await.1["id_token"].as_str().unwrap().to_owned();
    world.wait(TimeDelta::minutes(5));
    let end = |parameters: &[(&str, &str)]| site::with_query(&format!("{}/session/end", world.issuer()), parameters);
    let back = ("post_logout_redirect_uri", COUNTER_LOGGED_OUT);
    for refused in [
        end(&[back]),
        end(&[("id_token_hint", "x.y.z"), back]),
        end(&[("id_token_hint", &hint), ("post_logout_redirect_uri", "http://127.0.0.1:1/")]),
        end(&[("id_token_hint", &hint), back, ("foo", "bar")]),
    ] {
        assert_eq!(browser.get(&refused).await.unwrap().status, 400, "{refused}");
    }
    assert_eq!(browser.follow(world.authorize("")).await.unwrap().forms().len(), 1, "still signed in");
    let page = browser.get(end(&[("id_token_hint", &hint), back, ("state", "a b")])).await.unwrap();
    assert_eq!(page.location().unwrap().as_str(), format!("{COUNTER_LOGGED_OUT}?state=a+b"));
    assert!(
        browser
            .follow(world.authorize(""))
            .await
            .unwrap()
            .form("/api/v2/interaction/")
            .unwrap()
            .choices("citizen")
            .len()
            > 8
    );
}

#[tokio::test]
async fn a_person_may_turn_back() {
    let (world, browser) = (World::new(), Browser::new().unwrap());
    let list = browser.follow(world.authorize("")).await.unwrap();
    let cancel = list.forms().pop().unwrap();
    let answer = query(&browser.submit(&cancel).await.unwrap().location().unwrap());
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "some-state"));
    assert_eq!(browser.submit(&cancel).await.unwrap().status, 400, "the sign-in is over");
}
