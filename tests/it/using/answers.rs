//! How every answer travels: redirects, what they leak, and who may read them.

use mandataire::demo::browser::Page;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};

use super::{access_token, beginning};
use crate::on_each_backend;
use crate::source::rust_files;
use crate::world::World;
use crate::world::actor::Actor;
use crate::world::refused::{hold_none_of, reasons_of};
use crate::world::service::{Answer, Service, answered, browser};

/// The answers of a whole use, from a machine where nobody is signed in, and of what else leads back to a service.
async fn a_whole_use(world: &World, ana: &Actor, service: &Service) -> Vec<Page> {
    let desk = ana.on_another_machine();
    let asked = desk.browser.follow(service.request()).await.unwrap();
    let link = desk.opens_a_new_link().await;
    let code = desk.fresh_code().await;
    let signed_in = desk.sends(&link.form("/sign-in/link").unwrap().with("code", &code)).await;
    assert!(signed_in.url.path().starts_with("/provider/"), "{}", signed_in.url);
    let citizen = signed_in.link(&format!("{}/citizens/", signed_in.url.path())).unwrap();
    let procedures = desk.sees(citizen.path()).await;
    let choice = procedures.form(citizen.path()).unwrap().with("procedure", "logement");
    let chosen = desk.browser.submit(&choice).await.unwrap();
    assert!(answered(&chosen, "code").is_some());
    let again = desk.browser.submit(&choice).await.unwrap();
    let begun = desk.comes_from(&service.request()).await;
    let cancelled = begun.form(&format!("{}/cancellation", begun.url.path())).unwrap();
    let cancelled = desk.browser.submit(&cancelled).await.unwrap();
    let refused = desk.browser.get(service.request_with(&[("prompt", "none")])).await.unwrap();
    let nobody = desk.browser.get(service.request_with(&[("client_id", "unknown")])).await.unwrap();
    let left = desk.browser.get(world.at("/session/end")).await.unwrap();
    let gone = desk.signs_out().await;
    vec![asked, link, signed_in, procedures, chosen, again, begun, cancelled, refused, nobody, left, gone]
}

/// Any website asks from a browser that has a session here.
async fn from_a_website(world: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
    let headers = [("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    world.posts(&browser(), path, fields, &headers).await
}

on_each_backend! {
    /// 307 and 308 would send a form on, with what it holds.
    async fn a27_every_redirect_is_a_303(world) {
        let (ana, service, _) = beginning(&world).await;
        let pages = a_whole_use(&world, &ana, &service).await;
        let passed = pages.iter().flat_map(|page| page.hops.iter().map(|hop| hop.status));
        let stopped = pages.iter().filter(|page| page.header("location").is_some()).map(|page| page.status);
        let statuses: Vec<_> = passed.chain(stopped).collect();
        assert!(statuses.len() > 8 && statuses.iter().all(|status| *status == 303), "{statuses:?}");
        let posted = service.sends(|http, base| http.post(format!("{base}/authorize")).form(&service.parameters())).await;
        assert_eq!(posted.status, 303);
        for file in rust_files(&["src"]) {
            for other in ["TEMPORARY_REDIRECT", "PERMANENT_REDIRECT", "TemporaryRedirect", "PermanentRedirect", "StatusCode::FOUND", "MOVED_PERMANENTLY"] {
                assert!(!file.code.contains(other), "{other} in {}", file.path);
            }
        }
    }

    async fn a28_no_answer_leaks_where_it_came_from(world) {
        let (ana, service, _) = beginning(&world).await;
        let foreign = |url: &String| url.contains("//") && !url.starts_with(&world.base);
        for page in a_whole_use(&world, &ana, &service).await {
            assert_eq!(page.header("referrer-policy"), Some("no-referrer"), "{}", page.url);
            assert_eq!(page.header("cache-control"), Some("no-store"), "{}", page.url);
            assert!(!page.attributes("src").iter().chain(&page.attributes("href")).any(foreign), "{}", page.url);
        }
    }

    async fn b14_no_website_reads_an_answer_and_nothing_keeps_it(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = access_token(&service.exchanges(&ana.gets_a_code(&service, &opened.citizen, Justice).await).await);
        let (id, secret) = (service.client.id.as_str(), service.secret.as_str());
        let exchange = [
            ("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", service.redirect_uri()),
            ("client_id", id), ("client_secret", secret),
        ];
        let before = world.journal().await;
        let answers = [
            (from_a_website(&world, "/token", &exchange).await, 200),
            (from_a_website(&world, "/token", &exchange).await, 400),
            (from_a_website(&world, "/token", &exchange[..3]).await, 401),
            (from_a_website(&world, "/userinfo", &[("access_token", &token)]).await, 200),
            (from_a_website(&world, "/userinfo", &[("access_token", &token)]).await, 401),
            (from_a_website(&world, "/userinfo", &[]).await, 401),
        ];
        for (answer, status) in answers {
            assert_eq!(answer.status, status, "{}", answer.body);
            assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{:?}", answer.headers);
            assert_eq!(answer.headers["cache-control"], "no-store");
        }
        // The journal has what any other request of this kind leaves there: asking without a token is no refusal (RFC 6750 3).
        let written = world.written_since(&before).await;
        let expected = [
            (Kind::CodeReplayed, "code_replayed"), (Kind::SecurityRefused, "client_authentication"),
            (Kind::Use, ""), (Kind::UseRefused, "token_used"),
        ];
        assert_eq!(reasons_of(&written), expected.map(|(kind, reason)| ((kind.code(), reason), 1)).into());
        hold_none_of(&written, &[&code, &token, secret, "evil.example"]);
        for path in ["/token", "/userinfo", "/authorize", "/session/end"] {
            let preflight = service.sends(|http, base| {
                http.request(reqwest::Method::OPTIONS, format!("{base}{path}"))
                    .header("origin", "https://evil.example")
                    .header("access-control-request-method", "POST")
                    .header("access-control-request-headers", "authorization")
            }).await;
            assert!(preflight.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}");
            assert_eq!(preflight.headers["cache-control"], "no-store", "{path}");
        }
    }
}
