//! From the request to the code: who may choose, for whom, for what, and how often.

use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement, Papiers};
use mandataire::domain::term::Term::Month;

use super::{beginning, codes, flows};
use crate::on_each_backend;
use crate::refusals::words;
use crate::world::service::{answered, browser, claims};

fn rep_scope(values: &str) -> String {
    format!(r#"{{"id_token":{{"rep_scope":{{"essential":true{values}}}}}}}"#)
}

on_each_backend! {
    /// Browsers apply `form-action` to the redirects after a form: a code typed on the way may lead straight back to the service.
    async fn the_pages_that_ask_for_a_code_may_lead_to_the_service_that_waits(world) {
        let ana = world.mediator("Ana Silva").await;
        ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let service = world.franceconnect_client().await;
        let origin = url::Url::parse(service.redirect_uri()).unwrap().origin().ascii_serialization();
        let leads_there = |page: &Page| {
            let policy = page.header("content-security-policy").unwrap().to_owned();
            policy.contains(&format!("form-action 'self' {origin};"))
        };
        world.after(16 * 60);
        let asked = ana.browser.follow(&service.request()).await.unwrap();
        assert_eq!(asked.url.path(), "/code");
        assert!(leads_there(&asked));
        assert!(leads_there(&ana.sends(&asked.form("/code").unwrap().with("code", "000000")).await));
        assert!(!leads_there(&ana.sees("/code?next=/home").await));
        ana.signs_out().await;
        ana.browser.follow(&service.request()).await.unwrap();
        let link = ana.opens_a_new_link().await;
        assert!(leads_there(&link));
        assert!(leads_there(&ana.presents(&link, "000000").await));
    }

    /// The request that FranceConnect sends, with every form of `rep_scope` that it has.
    async fn franceconnects_own_request_is_answered(world) {
        let (ana, service, opened) = beginning(&world).await;
        let hex = "0123456789abcdef".repeat(4);
        for values in [r#","values":[]"#, "", r#","values":null"#, r#","values":["Logement"]"#, r#","values":["Logement","Inconnu"]"#] {
            let request = service.request_with(&[("claims", &rep_scope(values)), ("state", &hex), ("nonce", &hex)]);
            let page = ana.comes_from(&request).await;
            let back = ana.chooses(&page, &opened.citizen, Logement).await;
            assert_eq!(answered(&back, "state").as_deref(), Some(hex.as_str()), "{values}");
            let token = service.exchanges(&answered(&back, "code").unwrap()).await;
            let id_token = claims(token.json()["id_token"].as_str().unwrap());
            assert_eq!(id_token["rep_scope"], serde_json::json!(["Logement"]), "{values}");
            assert_eq!(id_token["nonce"], hex.as_str());
        }
    }

    /// The page says so, and the flow stays open.
    async fn choosing_nothing_is_said_in_the_page(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap();
        let refused = ana.browser.submit(&form).await.unwrap();
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains("Choisissez une démarche."), "{}", refused.text());
        assert!(answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").is_some());
    }

    async fn m04_a_procedure_outside_the_request_is_not_offered_and_a_forged_choice_is_refused(world) {
        let (ana, service, opened) = beginning(&world).await;
        let request = service.request_with(&[("claims", &rep_scope(r#","values":["Justice","Social-Santé"]"#))]);
        let page = ana.comes_from(&request).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap();
        assert_eq!(form.choices("procedure"), ["justice"]);
        for (forged, reason) in [("logement", "procedure_not_asked"), ("papiers", "authorisation_ended")] {
            let refused = ana.browser.submit(&form.clone().with("procedure", forged)).await.unwrap();
            assert_eq!(refused.status, 403, "{forged}");
            let last = world.entries(Kind::UseRefused).await;
            let entry = last.iter().find(|entry| entry["procedure"] == forged).unwrap();
            assert_eq!(entry["reason"], reason);
            assert_eq!(entry["citizen"], opened.citizen.as_str());
        }
        assert_eq!((codes(&world), world.count(Kind::UseRefused).await), (0, 2));
        // The flow stays open: another choice, or the way back.
        let page = ana.sees(page.url.path()).await;
        let back = ana.browser.submit(&page.form(&format!("{}/cancellation", page.url.path())).unwrap()).await.unwrap();
        assert_eq!(back.status, 303);
        assert_eq!(answered(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        assert!(answered(&back, "state").is_some());
        assert_eq!(ana.browser.submit(&form.with("procedure", "justice")).await.unwrap().status, 409);
        assert_eq!(codes(&world), 0);
    }

    async fn a16_a_code_older_than_a_quarter_of_an_hour_is_asked_for_again(world) {
        let (ana, service, opened) = beginning(&world).await;
        world.after(10 * 60);
        ana.sees("/home").await;
        world.after(6 * 60);
        let page = ana.browser.follow(service.request()).await.unwrap();
        assert!(page.form("/code").is_some(), "a fresh code is asked for: {}", page.text());
        let flow = page.url.query_pairs().find(|(name, _)| name == "next").unwrap().1.into_owned();
        let choice = ana.gets(&format!("{flow}/citizens/{}", opened.citizen)).await;
        assert!(choice.header("location").unwrap().starts_with("/code"), "no way around it");
        // Going back to the service instead of typing a code changes nothing in the session.
        let session = "select id || coalesce(cast(code_at as text), '') || coalesce(cast(ended_at as text), '') as value from sessions";
        let before = world.database.texts(session);
        let code = page.form("/code").unwrap().without("code").without("next");
        let back = ana.browser.submit(&code.aimed_at(&format!("{flow}/cancellation"))).await.unwrap();
        assert_eq!(answered(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(world.database.texts(session), before);
        // With the code, the same request goes on, and says when.
        let page = ana.comes_from(&service.request()).await;
        let typed = world.now().timestamp();
        let back = ana.chooses(&page, &opened.citizen, Logement).await;
        let token = service.exchanges(&answered(&back, "code").unwrap()).await;
        assert_eq!(claims(token.json()["id_token"].as_str().unwrap())["auth_time"], typed);
    }

    async fn a16_a17_another_service_that_wants_a_fresh_code_gets_one(world) {
        let (ana, _, _) = beginning(&world).await;
        let service = world.plain_service().await;
        world.after(2);
        for changed in [("prompt", "login"), ("max_age", "0"), ("max_age", "1")] {
            let page = ana.browser.follow(service.request_with(&[("prompt", ""), changed])).await.unwrap();
            assert!(page.form("/code").is_some(), "{changed:?}");
        }
        let page = ana.browser.follow(service.request_with(&[("prompt", "")])).await.unwrap();
        assert!(page.form("/code").is_none(), "nothing was asked of the last code");
    }

    async fn whoever_is_not_signed_in_comes_back_to_the_request_and_only_once(world) {
        let (ana, service, opened) = beginning(&world).await;
        ana.signs_out().await;
        let page = ana.browser.follow(service.request()).await.unwrap();
        assert_eq!(page.url.path(), "/sign-in");
        let page = ana.signs_in().await;
        assert!(page.url.path().starts_with("/provider/flw_"), "{}", page.url);
        let back = ana.chooses(&page, &opened.citizen, Logement).await;
        assert!(answered(&back, "code").is_some());
        ana.signs_out().await;
        assert_eq!(ana.signs_in().await.url.path(), "/home", "a request that was answered is forgotten");
    }

    async fn a24_a_flow_belongs_to_one_browser(world) {
        let (ana, service, opened) = beginning(&world).await;
        let bruno = world.mediator("Bruno Hoarau").await;
        let flow = ana.comes_from(&service.request()).await.url.path().to_owned();
        let own = bruno.comes_from(&service.request()).await;
        let path = format!("{flow}/citizens/{}", opened.citizen);
        assert_eq!(bruno.gets(&flow).await.status, 403);
        assert_eq!(bruno.gets(&path).await.status, 403);
        let cancel = own.form(&format!("{}/cancellation", own.url.path())).unwrap();
        for stolen in [cancel.clone().aimed_at(&path).with("procedure", "logement"), cancel.aimed_at(&format!("{flow}/cancellation"))] {
            assert_eq!(bruno.browser.submit(&stolen).await.unwrap().status, 403);
        }
        let entries = world.entries(Kind::SecurityRefused).await;
        assert_eq!(entries.len(), 4);
        assert!(entries.iter().all(|entry| entry["reason"] == "flow_not_yours" && entry["actor"] == bruno.account.as_str()));
        assert_eq!(codes(&world), 0);
        assert!(answered(&ana.chooses(&ana.sees(&flow).await, &opened.citizen, Logement).await, "code").is_some());
        // Nor is one taken up that a stranger began, and that nobody has looked at yet.
        let stranger = crate::world::service::browser();
        let begun = stranger.get(service.request()).await.unwrap().location().unwrap().path().to_owned();
        assert!(begun.starts_with("/provider/flw_"), "{begun}");
        assert_eq!(bruno.gets(&begun).await.status, 403);
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["flow_not_yours"; 5]);
    }

    /// Whoever signs out gives the flow up: the next sign-in leads to the day, not to a page that refuses.
    async fn a24_a_flow_that_was_taken_up_belongs_to_that_mediator_and_session(world) {
        let (ana, service, _) = beginning(&world).await;
        let flow = ana.comes_from(&service.request()).await.url.path().to_owned();
        ana.signs_out().await;
        assert_eq!(ana.signs_in().await.url.path(), "/home");
        assert_eq!(ana.gets(&flow).await.status, 403, "another session of the same mediator");
        ana.signs_out().await;
        let mut bruno = world.mediator_of(&world.organisation, "Bruno Hoarau").await;
        bruno.browser = ana.browser.clone();
        assert_eq!(bruno.signs_in().await.url.path(), "/home");
        assert_eq!(bruno.gets(&flow).await.status, 403, "another mediator in the same browser");
        assert_eq!(world.count(Kind::SecurityRefused).await, 2);
    }

    async fn a24_a_choice_without_the_token_of_the_form_is_forged(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap().with("procedure", "logement");
        for forged in [form.clone().without("csrf"), form.clone().with("csrf", "0"), form.clone().also("csrf", "0")] {
            assert_eq!(ana.browser.submit(&forged).await.unwrap().status, 403);
        }
        assert_eq!((codes(&world), world.count(Kind::SecurityRefused).await), (0, 3));
        assert!(answered(&ana.browser.submit(&form).await.unwrap(), "code").is_some());
    }

    async fn a25_another_kind_of_identifier_names_nothing(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let flow = page.url.path().trim_start_matches("/provider/flw_").to_owned();
        for wrong in [format!("/provider/drf_{flow}"), format!("/provider/{}", opened.mandate), "/provider/1".to_owned(), "/provider/flw_00000000000000000000000000".to_owned(), format!("/mandates/drafts/flw_{flow}")] {
            let page = world.refuses_once(ana.gets(&wrong), (Kind::SecurityRefused, "not_found"), &[]).await;
            assert_eq!((page.status, page.location()), (404, None), "{wrong}");
        }
        assert!(answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").is_some(), "the flow is untouched");
    }

    async fn a26_a_flow_gives_one_code(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap().with("procedure", "logement");
        let code = answered(&ana.browser.submit(&form).await.unwrap(), "code").unwrap();
        let (used, secrets) = ((Kind::SecurityRefused, "flow_used"), [code.as_str(), form.value("csrf").unwrap()]);
        let again = form.clone().with("procedure", "justice");
        let second = world.refuses_once(ana.browser.submit(&again), used, &secrets).await.unwrap();
        assert_eq!((second.status, codes(&world)), (409, 1));
        let back = world.refuses_once(ana.gets(page.url.path()), used, &secrets).await;
        assert_eq!((back.status, answered(&back, "code")), (409, None));
    }

    async fn a_flow_lives_ten_minutes(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let path = format!("{}/citizens/{}", page.url.path(), opened.citizen);
        let form = ana.sees(&path).await.form(&path).unwrap().with("procedure", "logement");
        world.after(10 * 60);
        assert_eq!(ana.browser.submit(&form).await.unwrap().status, 409);
        assert_eq!(codes(&world), 0);
    }

    async fn m01_a_citizen_of_another_organisation_is_as_unknown_as_nobody(world) {
        let (ana, service, own) = beginning(&world).await;
        let elsewhere = world.another_organisation().await;
        let bruno = world.mediator_of(&elsewhere, "Bruno Hoarau").await;
        bruno.signs_in().await;
        let theirs = bruno.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let page = ana.comes_from(&service.request()).await;
        assert!(!page.body.contains(theirs.citizen.as_str()) && !page.body.contains("CONNOR"));
        let own = format!("{}/citizens/{}", page.url.path(), own.citizen);
        let form = ana.sees(&own).await.form(&own).unwrap().with("procedure", "logement");
        let mut bodies = Vec::new();
        for citizen in [theirs.citizen.as_str(), "cit_00000000000000000000000000"] {
            let path = format!("{}/citizens/{citizen}", page.url.path());
            let read = ana.gets(&path).await;
            let forged = ana.browser.submit(&form.clone().aimed_at(&path)).await.unwrap();
            assert_eq!((read.status, forged.status), (404, 404), "{citizen}");
            bodies.push((words(&read), words(&forged)));
        }
        assert_eq!(bodies[0], bodies[1]);
        let guesses = world.entries(Kind::SecurityRefused).await;
        assert_eq!(guesses.len(), 4);
        for guess in guesses {
            assert!(guess.get("citizen").is_none(), "somebody's guess is not recorded as a citizen: {guess}");
            assert_eq!(guess["reason"], "not_found");
        }
        assert_eq!(codes(&world), 0);
    }

    async fn a22_a_hint_preselects_nobody(world) {
        let (ana, service, _) = beginning(&world).await;
        ana.opens_a_mandate_for("bernard", &[Papiers, Justice], Month).await;
        let (plain, hinted) = (
            ana.comes_from(&service.request()).await,
            ana.comes_from(&service.request_with(&[("login_hint", "CONNOR")])).await,
        );
        assert_eq!(plain.text(), hinted.text());
        let nobody = browser().follow(service.request_with(&[("login_hint", "CONNOR")])).await.unwrap();
        assert!(!nobody.body.contains("CONNOR"));
    }

    async fn a23_the_choice_cannot_be_framed(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let procedures = ana.sees(&format!("{}/citizens/{}", page.url.path(), opened.citizen)).await;
        for answer in [&page, &procedures, &ana.chooses(&page, &opened.citizen, Logement).await] {
            assert!(answer.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
            assert_eq!(answer.header("x-frame-options"), Some("DENY"));
            assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        }
        assert_eq!(flows(&world), 1);
    }

    /// Known labels that no mandate of the organisation meets: the service is told before anybody chooses.
    async fn a19_a_procedure_that_no_mandate_gives_is_refused_before_any_choice(world) {
        let (ana, service, _) = beginning(&world).await;
        let request = service.request_with(&[("claims", &rep_scope(r#","values":["Papier-Citoyenneté-Elections"]"#))]);
        let begun = ana.browser.get(&request).await.unwrap();
        let back = ana.gets(begun.location().unwrap().path()).await;
        assert_eq!((back.status, answered(&back, "error").as_deref()), (303, Some("access_denied")));
        assert!(back.location().unwrap().as_str().starts_with(service.redirect_uri()));
        assert!(answered(&back, "state").is_some() && answered(&back, "iss").is_some());
        let entries = world.entries(Kind::UseRefused).await;
        assert_eq!((codes(&world), entries.len(), &entries[0]["reason"]), (0, 1, &"procedure_not_asked".into()));
        assert_eq!(ana.gets(begun.location().unwrap().path()).await.status, 409, "the flow is over");
    }
}
