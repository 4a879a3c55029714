//! What services give back and ask: revocation, introspection, the standing of a mandate.

use mandataire::domain::client::{AuthMethod, Client, UserinfoFormat};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term;

use super::beginning;
use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
use crate::world::service::{Answer, Service};

/// A client did not prove who it is.
const UNPROVEN: (Kind, &str) = (Kind::SecurityRefused, "client_authentication");
/// A request that is refused whoever sends it.
const MALFORMED: (Kind, &str) = (Kind::SecurityRefused, "malformed_request");

/// What an entry says of a service that names what is not its own.
const NOT_THEIRS: (Kind, &str) = (Kind::SecurityRefused, "unknown_token");

/// A service that may ask.
async fn asking(world: &World) -> Service {
    let service = world.plain_service().await;
    let id = format!("{}_asks", service.client.id);
    world.registered(Client { id, introspects: true, userinfo: UserinfoFormat::Json, ..service.client }).await
}

async fn token(ana: &Actor, service: &Service, opened: &Opened) -> String {
    let code = ana.gets_a_code(service, &opened.citizen, Logement).await;
    service.takes_a_token(&code).await
}

async fn uses(ana: &Actor, service: &Service, opened: &Opened) {
    let token = token(ana, service, opened).await;
    assert_eq!(service.asks_identity(&token).await.status, 200);
}

async fn introspected(service: &Service, token: &str) -> serde_json::Value {
    let answer = service.posts_as_itself("/introspection", &[("token", token)]).await;
    assert_eq!(
        (answer.status, &answer.headers["cache-control"]),
        (200, &"no-store".parse().unwrap()),
        "{}",
        answer.body
    );
    answer.json()
}

async fn standing(service: &Service, mandate: &str, language: &str) -> Answer {
    service
        .sends(|http, base| {
            http.get(format!("{base}/api/mandates/{mandate}/standing"))
                .basic_auth(&service.client.id, Some(&service.secret))
                .header("accept-language", language)
        })
        .await
}

on_each_backend! {
    async fn c10_a_service_gives_its_own_token_back_and_nobody_elses(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, other) = (asking(&world).await, world.plain_service().await);
        let kept = token(&ana, &service, &opened).await;
        for foreign in [kept.as_str(), "guess"] {
            let fields = [("token", foreign)];
            let answer = world.refuses_once(other.posts_as_itself("/revocation", &fields), NOT_THEIRS, &[foreign]).await;
            assert_eq!(answer.status, 200, "{foreign}");
        }
        let empty = world.refuses_once(other.posts_as_itself("/revocation", &[("token", "")]), MALFORMED, &[&other.secret]).await;
        assert_eq!((empty.status, world.count(Kind::TokenRevoked).await), (400, 0));
        assert_eq!(service.asks_identity(&kept).await.status, 200);
        let given_back = token(&ana, &service, &opened).await;
        for hint in ["access_token", "refresh_token", "nonsense"] {
            let fields = [("token", given_back.as_str()), ("token_type_hint", hint)];
            assert_eq!(service.posts_as_itself("/revocation", &fields).await.status, 200);
        }
        assert_eq!(service.asks_identity(&given_back).await.error(), "invalid_token");
        let entries = world.entries(Kind::TokenRevoked).await;
        assert_eq!((entries.len(), entries[0]["mandate"].as_str()), (1, Some(opened.mandate.as_str())));
        let stranger = [("token", given_back.as_str())];
        let stranger = world.refuses_once(service.posts("/revocation", &stranger, &[]), UNPROVEN, &[&given_back]).await;
        assert_eq!((stranger.status, stranger.error().as_str()), (401, "invalid_client"));
    }

    async fn c11_only_registered_services_ask_and_only_about_what_is_theirs(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, other, mute) = (asking(&world).await, asking(&world).await, world.plain_service().await);
        let asked = token(&ana, &service, &opened).await;
        let (about, secrets) = ([("token", asked.as_str())], [asked.as_str(), &service.secret, &mute.secret]);
        let stranger = world.refuses_once(service.posts("/introspection", &about, &[]), UNPROVEN, &secrets).await;
        assert_eq!((stranger.status, stranger.error().as_str()), (401, "invalid_client"));
        let not_registered = (Kind::SecurityRefused, "unauthorized_client");
        let unregistered = world.refuses_once(mute.posts_as_itself("/introspection", &about), not_registered, &secrets).await;
        assert_eq!((unregistered.status, unregistered.error().as_str()), (403, "unauthorized_client"));
        for (who, what) in [(&other, asked.as_str()), (&service, "guess"), (&other, opened.mandate.as_str())] {
            let told = world.refuses_once(introspected(who, what), NOT_THEIRS, &secrets).await;
            assert_eq!(told.to_string(), "{\"active\":false}");
        }
        let nothing = world.refuses_once(service.posts_as_itself("/introspection", &[]), MALFORMED, &secrets).await;
        assert_eq!((nothing.status, nothing.error().as_str()), (400, "invalid_request"));
    }

    async fn introspection_says_who_acts_under_what_until_it_ends(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = asking(&world).await;
        let asked = token(&ana, &service, &opened).await;
        let answer = introspected(&service, &asked).await;
        assert_eq!(answer["active"], true);
        assert_eq!(answer["act"]["sub"], ana.account.as_str());
        assert_eq!(answer["mandate"]["id"], opened.mandate.as_str());
        assert_eq!(answer["mandate"]["procedure"], "logement");
        assert_eq!(answer["exp"], world.now().timestamp() + 60);
        assert!(!answer.to_string().contains("LEMOINE"));
        let identity = service.asks_identity(&asked).await.json();
        assert_eq!(identity["sub"], answer["sub"]);
        assert_eq!(introspected(&service, &asked).await["active"], false, "used");
        let late = token(&ana, &service, &opened).await;
        world.after(60);
        assert_eq!(introspected(&service, &late).await["active"], false, "too old");
        let ended = token(&ana, &service, &opened).await;
        ana.revokes(&opened.mandate, Some(Logement)).await;
        assert_eq!(introspected(&service, &ended).await["active"], false, "revoked in between");
        assert_eq!(world.count(Kind::Use).await, 1, "asking uses nothing");
    }

    async fn a_service_learns_how_a_mandate_stands_that_was_used_there(world) {
        let (ana, _, opened) = beginning(&world).await;
        let (service, other, mute) = (asking(&world).await, asking(&world).await, world.plain_service().await);
        let mandate = opened.mandate.as_str();
        assert_eq!(standing(&service, mandate, "fr").await.status, 404, "never used there");
        uses(&ana, &service, &opened).await;
        let answer = standing(&service, mandate, "fr").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let said = answer.json();
        assert_eq!((&said["valid"], said["reason"].as_str()), (&true.into(), Some("active")));
        assert_eq!(said["procedures"], serde_json::json!({ "logement": true }), "what else was agreed is not told");
        assert_eq!(said["sentence"], "Le mandat est en cours.");
        let active = introspected(&service, mandate).await;
        assert_eq!((&active["active"], &active["mandate"]["procedures"]), (&true.into(), &serde_json::json!(["logement"])));
        assert_eq!(standing(&other, mandate, "fr").await.status, 404);
        assert_eq!(standing(&mute, mandate, "fr").await.status, 403);
        let path = format!("/api/mandates/{mandate}/standing");
        let stranger = service.sends(|http, base| http.get(format!("{base}{path}"))).await;
        assert_eq!((stranger.status, stranger.headers.contains_key("www-authenticate")), (401, true));
        ana.revokes(&opened.mandate, Some(Logement)).await;
        let said = standing(&service, mandate, "en").await.json();
        assert_eq!((&said["valid"], said["reason"].as_str()), (&false.into(), Some("authorisation_ended")));
        assert_eq!(said["procedures"], serde_json::json!({ "logement": false }), "the mandate itself still holds another");
        assert_eq!(introspected(&service, mandate).await["active"], false);
    }

    async fn a_mandate_stands_as_long_as_one_procedure_used_there_does(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = asking(&world).await;
        for (ended, left, said_of) in [(Logement, "justice", [false, true]), (Justice, "logement", [true, false])] {
            let opened = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Term::Month).await;
            for procedure in [Logement, Justice] {
                let code = ana.gets_a_code(&service, &opened.citizen, procedure).await;
                let token = service.takes_a_token(&code).await;
                assert_eq!(service.asks_identity(&token).await.status, 200);
            }
            let mandate = opened.mandate.as_str();
            ana.revokes(&opened.mandate, Some(ended)).await;
            let said = standing(&service, mandate, "en").await.json();
            assert_eq!((&said["valid"], said["reason"].as_str()), (&true.into(), Some("active")));
            let [logement, justice] = said_of;
            assert_eq!(said["procedures"], serde_json::json!({ "justice": justice, "logement": logement }));
            assert_eq!(introspected(&service, mandate).await["mandate"]["procedures"], serde_json::json!([left]));
            ana.revokes(&opened.mandate, None).await;
        }
    }

    async fn a_service_that_no_longer_serves_a_procedure_learns_nothing_of_it(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = asking(&world).await;
        uses(&ana, &service, &opened).await;
        world.database.execute("update clients set procedures = 'justice' where introspects").unwrap();
        let said = standing(&service, opened.mandate.as_str(), "en").await.json();
        assert_eq!((&said["valid"], said["reason"].as_str()), (&false.into(), Some("procedure_not_asked")));
        assert_eq!(said["procedures"], serde_json::json!({}));
        assert_eq!(introspected(&service, opened.mandate.as_str()).await.to_string(), "{\"active\":false}");
    }

    async fn a_mandate_while_present_stands_as_long_as_its_session(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Term::Present).await;
        let service = asking(&world).await;
        uses(&ana, &service, &opened).await;
        let said = standing(&service, opened.mandate.as_str(), "en").await.json();
        assert_eq!((&said["valid"], said["reason"].as_str()), (&true.into(), Some("active")));
        world.database.execute("update sessions set expires_at = created_at").unwrap();
        let said = standing(&service, opened.mandate.as_str(), "en").await.json();
        assert_eq!((&said["valid"], said["reason"].as_str()), (&false.into(), Some("presence_ended")));
        assert_eq!(said["procedures"], serde_json::json!({ "logement": false }));
    }

    async fn a_suspended_organisation_and_the_term_end_a_mandates_standing(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = asking(&world).await;
        uses(&ana, &service, &opened).await;
        world.suspends_the_organisation().await;
        let said = standing(&service, opened.mandate.as_str(), "en").await.json();
        assert_eq!((&said["valid"], said["reason"].as_str()), (&false.into(), Some("organisation_suspended")));
        assert_eq!(said["procedures"]["logement"], false);
    }

    async fn each_client_asks_with_its_own_way_of_saying_who_it_is(world) {
        let post = world.plain_service().await;
        let id = format!("{}_post", post.client.id);
        let service = world.registered(Client { id, introspects: true, auth_method: AuthMethod::Post, ..post.client }).await;
        let (id, secret) = (service.client.id.clone(), service.secret.clone());
        let fields = [("token", "x"), ("client_id", id.as_str()), ("client_secret", secret.as_str())];
        assert_eq!(service.posts("/introspection", &fields, &[]).await.json()["active"], false);
        assert_eq!(service.posts_as_itself("/introspection", &[("token", "x")]).await.status, 401);
        // The standing of a mandate too: in a form, where the header is not its way.
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Term::Month).await;
        uses(&ana, &service, &opened).await;
        let path = format!("/api/mandates/{}/standing", opened.mandate);
        let said = service.posts(&path, &fields[1..], &[]).await;
        assert_eq!((said.status, &said.json()["valid"]), (200, &true.into()), "{}", said.body);
        assert_eq!(standing(&service, opened.mandate.as_str(), "fr").await.status, 401);
        assert_eq!(service.posts(&path, &[], &[]).await.error(), "invalid_client");
    }
}
