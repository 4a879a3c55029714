//! What a service may ask about somebody it knows: for nobody else (`id_token_hint`), and without a page (`prompt=none`).

use mandataire::domain::client::{Client, UserinfoFormat};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{self, Justice, Logement};
use mandataire::domain::term::Term::Month;

use super::{access_token, beginning, codes, refused_by_redirect};
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::service::{Service, answered, claims};

/// A service that registered for answers without a page.
async fn service(world: &World) -> Service {
    let client = world.plain_service().await.client;
    let id = format!("{}_silent", client.id);
    world.registered(Client { id, silent: true, userinfo: UserinfoFormat::Json, ..client }).await
}

/// A mediator, a silent service, and a mandate.
async fn quiet(world: &World) -> (Actor, Service, Opened) {
    let (ana, _, opened) = beginning(world).await;
    let service = service(world).await;
    (ana, service, opened)
}

/// A whole use: the ID token.
async fn uses(ana: &Actor, service: &Service, opened: &Opened, procedure: Procedure) -> String {
    let code = ana.gets_a_code(service, &opened.citizen, procedure).await;
    redeemed(service, &code).await
}

/// A code, and the use that follows: the ID token.
async fn redeemed(service: &Service, code: &str) -> String {
    let token = service.exchanges(code).await;
    assert_eq!(token.status, 200, "{}", token.body);
    assert_eq!(service.asks_identity(&access_token(&token)).await.status, 200);
    token.json()["id_token"].as_str().unwrap().to_owned()
}

fn silent(service: &Service, more: &[(&str, &str)]) -> String {
    service.request_with(&[&[("prompt", "none")], more].concat())
}

/// The code that comes without a page.
async fn code(ana: &Actor, request: &str) -> String {
    let back = ana.browser.get(request).await.unwrap();
    answered(&back, "code").unwrap_or_else(|| panic!("a code: {:?}", back.location()))
}

/// No page, no code: this error.
async fn refused(world: &World, ana: &Actor, service: &Service, more: &[(&str, &str)], error: &str) {
    let before = (codes(world), world.count(Kind::UseRepeated).await);
    refused_by_redirect(world, &ana.browser, service, &silent(service, more), error).await;
    assert_eq!((codes(world), world.count(Kind::UseRepeated).await), before);
}

on_each_backend! {
    /// The same citizen, mandate and procedure; a page would have said so, and now the journal does.
    async fn a_choice_is_repeated_without_a_page_and_the_journal_says_so(world) {
        let (ana, service, opened) = quiet(&world).await;
        let first = claims(&uses(&ana, &service, &opened, Justice).await);
        world.after(60);
        let again = claims(&redeemed(&service, &code(&ana, &silent(&service, &[])).await).await);
        for name in ["sub", "act", "mandate", "rep_scope", "auth_time"] {
            assert_eq!(again[name], first[name], "{name}");
        }
        assert_ne!(again["sid"], first["sid"]);
        let [entry] = world.entries(Kind::UseRepeated).await.try_into().unwrap();
        assert_eq!((entry["citizen"].as_str(), entry["mandate"].as_str()), (Some(opened.citizen.as_str()), Some(opened.mandate.as_str())));
        assert_eq!((entry["procedure"].as_str(), entry["actor"].as_str()), (Some("justice"), Some(ana.account.as_str())));
        assert_eq!(entry["client"], service.client.id.as_str());
        assert_eq!(world.count(Kind::Use).await, 2, "and each use is in it, as ever");
    }

    async fn without_the_setting_or_a_choice_a_page_is_needed(world) {
        let (ana, service, opened) = quiet(&world).await;
        let (usual, franceconnect) = (world.plain_service().await, world.franceconnect_client().await);
        refused(&world, &ana, &service, &[], "interaction_required").await;
        for other in [&usual, &franceconnect] {
            let code = ana.gets_a_code(other, &opened.citizen, Logement).await;
            assert_eq!(other.exchanges(&code).await.status, 200);
            refused(&world, &ana, other, &[], "interaction_required").await;
        }
        refused(&world, &ana, &service, &[], "interaction_required").await;
        let stranger = crate::world::service::browser();
        refused_by_redirect(&world, &stranger, &service, &silent(&service, &[]), "login_required").await;
        refused(&world, &ana, &service, &[("prompt", "none login")], "invalid_request").await;
    }

    /// A quarter of an hour after the choice, and a repetition makes no choice younger; nor is a session kept awake by it.
    async fn a_choice_counts_for_a_quarter_of_an_hour_and_so_does_the_code(world) {
        let (ana, service, opened) = quiet(&world).await;
        let hint = uses(&ana, &service, &opened, Logement).await;
        world.after(14 * 60);
        code(&ana, &silent(&service, &[])).await;
        world.after(60);
        refused(&world, &ana, &service, &[], "login_required").await;
        // A new code wakes the session, and not the choice.
        ana.wakes_up(ana.sees("/code").await).await;
        refused(&world, &ana, &service, &[], "interaction_required").await;
        refused(&world, &ana, &service, &[("id_token_hint", &hint)], "interaction_required").await;
        uses(&ana, &service, &opened, Logement).await;
        code(&ana, &silent(&service, &[])).await;
        world.after(2);
        refused(&world, &ana, &service, &[("max_age", "1")], "login_required").await;
    }

    /// Whom? A page would ask; a token of the service says it.
    async fn a21_a_hint_says_which_choice_and_nobody_elses(world) {
        let (ana, service, josephine) = quiet(&world).await;
        let bernard = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let first = uses(&ana, &service, &josephine, Logement).await;
        let second = uses(&ana, &service, &bernard, Logement).await;
        refused(&world, &ana, &service, &[], "interaction_required").await;
        for hint in [&first, &second] {
            let again = redeemed(&service, &code(&ana, &silent(&service, &[("id_token_hint", hint)])).await).await;
            assert_eq!(claims(&again)["sub"], claims(hint)["sub"]);
            // A token that came without a page speaks of the same choice.
            let third = redeemed(&service, &code(&ana, &silent(&service, &[("id_token_hint", &again)])).await).await;
            assert_eq!(claims(&third)["sub"], claims(hint)["sub"]);
        }
        let bruno = world.mediator("Bruno Hoarau").await;
        refused(&world, &bruno, &service, &[("id_token_hint", &first)], "login_required").await;
        ana.signs_out().await;
        ana.signs_in().await;
        refused(&world, &ana, &service, &[("id_token_hint", &first)], "login_required").await;
        let theirs = uses(&ana, &self::service(&world).await, &josephine, Logement).await;
        refused(&world, &ana, &service, &[("id_token_hint", &theirs)], "invalid_request").await;
        let payload = first.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
        let altered = format!("{}AAAA", &second[..second.len() - 4]);
        for wrong in [unsigned.as_str(), &altered, "junk"] {
            refused(&world, &ana, &service, &[("id_token_hint", wrong)], "invalid_request").await;
        }
    }

    /// With a page too: the mediator is offered nobody but whom the token is about.
    async fn a21_a_hint_of_one_citizen_gives_no_code_for_another(world) {
        let (ana, service, josephine) = quiet(&world).await;
        let bernard = ana.opens_a_mandate_for("bernard", &[Logement], Month).await;
        let hint = uses(&ana, &service, &josephine, Logement).await;
        let given = codes(&world);
        let page = ana.comes_from(&service.request_with(&[("id_token_hint", &hint)])).await;
        let flow = page.url.path().split("/citizens/").next().unwrap().to_owned();
        assert_eq!(page.url.path(), format!("{flow}/citizens/{}", josephine.citizen));
        let other = format!("{flow}/citizens/{}", bernard.citizen);
        assert_eq!(ana.gets(&other).await.status, 403);
        let form = page.form(page.url.path()).unwrap().with("procedure", "logement");
        assert_eq!(ana.browser.submit(&form.clone().aimed_at(&other)).await.unwrap().status, 403);
        assert_eq!((codes(&world), world.reasons(Kind::UseRefused).await), (given, vec!["citizen_not_asked".to_owned(); 2]));
        assert!(answered(&ana.browser.submit(&form).await.unwrap(), "code").is_some());
        // Nothing can be chosen for them here: the service is told, and the mediator learns nothing.
        let elsewhere = world.another_organisation().await;
        let bruno = world.mediator_of(&elsewhere, "Bruno Hoarau").await;
        bruno.signs_in().await;
        let flow = bruno.browser.get(service.request_with(&[("id_token_hint", &hint)])).await.unwrap();
        let page = bruno.gets(flow.location().unwrap().path()).await;
        let page = match page.header("location") {
            Some(code) if code.starts_with("/code") => {
                bruno.wakes_up(bruno.sees("/code").await).await;
                bruno.gets(flow.location().unwrap().path()).await
            }
            _ => page,
        };
        assert_eq!(answered(&page, "error").as_deref(), Some("login_required"), "{}", page.text());
        assert!(!page.body.contains("LEMOINE"));
        assert_eq!(codes(&world), given + 1);
    }

    /// The mandate is asked again, and gives no more than then.
    async fn nothing_is_repeated_outside_the_mandate(world) {
        let (ana, service, opened) = quiet(&world).await;
        let narrow = ana.comes_from(&service.request_with(&[("scope", "openid email")])).await;
        let back = ana.chooses(&narrow, &opened.citizen, Logement).await;
        redeemed(&service, &answered(&back, "code").unwrap()).await;
        refused(&world, &ana, &service, &[], "consent_required").await;
        let same = [("scope", "openid")];
        code(&ana, &silent(&service, &same)).await;
        let other = format!(r#"{{"id_token":{{"rep_scope":{{"values":["{}"]}}}}}}"#, Justice.rep_scope());
        refused(&world, &ana, &service, &[same[0], ("claims", &other)], "interaction_required").await;
        let under_way = code(&ana, &silent(&service, &same)).await;
        ana.revokes(&opened.mandate, Some(Logement)).await;
        refused(&world, &ana, &service, &same, "consent_required").await;
        assert_eq!(service.exchanges(&under_way).await.error(), "invalid_grant", "nor by a code that is on its way");
    }

    async fn whoever_may_not_choose_repeats_nothing(world) {
        let (ana, service, opened) = quiet(&world).await;
        uses(&ana, &service, &opened, Logement).await;
        code(&ana, &silent(&service, &[])).await;
        let table = "update memberships set mediator = ";
        let (no, yes) = match world.database.backend {
            crate::world::Backend::Sqlite => ("0", "1"),
            crate::world::Backend::Postgres => ("false", "true"),
        };
        world.database.execute(&format!("{table}{no}")).unwrap();
        refused(&world, &ana, &service, &[], "interaction_required").await;
        world.database.execute(&format!("{table}{yes}")).unwrap();
        world.suspends_the_organisation().await;
        refused(&world, &ana, &service, &[], "interaction_required").await;
    }

    /// What ends at the service, or was stolen on the way, is not begun again.
    async fn a_choice_that_was_given_back_is_not_repeated(world) {
        let (ana, service, opened) = quiet(&world).await;
        for way in ["sign-out", "sign-out of a repetition", "replay of a repetition"] {
            let hint = uses(&ana, &service, &opened, Logement).await;
            let repeated = code(&ana, &silent(&service, &[("id_token_hint", &hint)])).await;
            let again = redeemed(&service, &repeated).await;
            let out = |hint: &str| ana.at(&format!("/session/end?id_token_hint={hint}"));
            match way {
                "sign-out" => assert_eq!(ana.browser.get(out(&hint)).await.unwrap().status, 200),
                "sign-out of a repetition" => assert_eq!(ana.browser.get(out(&again)).await.unwrap().status, 200),
                _ => assert_eq!(service.exchanges(&repeated).await.error(), "invalid_grant"),
            }
            refused(&world, &ana, &service, &[], "interaction_required").await;
            refused(&world, &ana, &service, &[("id_token_hint", &again)], "interaction_required").await;
        }
    }

    /// A request sent ahead wants no page either.
    async fn a_request_sent_ahead_may_be_silent(world) {
        let (ana, service, opened) = quiet(&world).await;
        let hint = uses(&ana, &service, &opened, Logement).await;
        let mut fields = service.parameters();
        fields.retain(|(name, _)| name != "prompt");
        fields.extend([("prompt", "none"), ("id_token_hint", &hint)].map(|(name, value)| (name.to_owned(), value.to_owned())));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let sent = service.posts_as_itself("/par", &fields).await.json();
        let brings = [("client_id", service.client.id.as_str()), ("request_uri", sent["request_uri"].as_str().unwrap())];
        let brings = brings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        redeemed(&service, &code(&ana, &service.request_of(&brings)).await).await;
        assert_eq!(world.count(Kind::UseRepeated).await, 1);
    }
}
