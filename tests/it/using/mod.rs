//! Using a mandate at a public service.

mod answers;
mod assertion;
mod authorize;
mod choice;
mod clock;
pub(crate) mod id_token;
mod inquiries;
mod keys;
mod limits;
pub(crate) mod logout;
mod parallel;
mod profile;
mod proof;
mod pushed;
mod registration;
mod settings;
mod silent;
mod standing;
mod token;
mod userinfo;

use mandataire::demo::browser::{Browser, Page};
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;

use crate::on_each_backend;
use crate::world::World;
use crate::world::actor::{Actor, Opened};
pub(crate) use crate::world::service::access_token;
use crate::world::service::{Service, answered, claims};

/// What most of these stories begin with: a mediator, FranceConnect, and a mandate for two procedures.
pub(crate) async fn beginning(world: &World) -> (Actor, Service, Opened) {
    let ana = world.mediator("Ana Silva").await;
    let service = world.franceconnect_client().await;
    let opened = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
    (ana, service, opened)
}

/// How many sign-ins at services have begun.
pub(crate) fn flows(world: &World) -> i64 {
    world.database.number("select count(*) from flows")
}

/// How many codes were given.
pub(crate) fn codes(world: &World) -> i64 {
    world.database.number("select count(*) from grants")
}

/// A request is refused on a page: no redirect, nothing begins, one entry says so.
pub(crate) async fn refused_on_a_page(world: &World, browser: &Browser, request: &str) {
    let before = (world.count(Kind::SecurityRefused).await, flows(world));
    let page = browser.get(request).await.unwrap();
    assert_eq!(page.status, 400, "{request}");
    assert!(page.headers.get("location").is_none(), "{request}");
    assert_eq!((world.count(Kind::SecurityRefused).await, flows(world)), (before.0 + 1, before.1), "{request}");
    says_nothing_of(world, request).await;
}

/// A request is refused by a redirect with this error: nothing begins, one entry says so.
pub(crate) async fn refused_by_redirect(
    world: &World,
    browser: &Browser,
    service: &Service,
    request: &str,
    error: &str,
) -> Page {
    let before = (world.count(Kind::SecurityRefused).await, flows(world));
    let page = browser.get(request).await.unwrap();
    let short: String = request.chars().skip(world.base.len()).take(300).collect();
    assert_eq!(page.status, 303, "{short}");
    let target = page.location().unwrap();
    assert!(target.as_str().starts_with(service.redirect_uri()), "{short}: {target}");
    assert_eq!(answered(&page, "error").as_deref(), Some(error), "{short}");
    assert_eq!(answered(&page, "iss").as_deref(), Some(world.base.as_str()), "{short}");
    assert_eq!(answered(&page, "code"), None, "{short}");
    assert_eq!((world.count(Kind::SecurityRefused).await, flows(world)), (before.0 + 1, before.1), "{short}");
    says_nothing_of(world, request).await;
    page
}

/// The last refusal that was written repeats nothing of a request but who the client is.
async fn says_nothing_of(world: &World, request: &str) {
    let entry = world.entries(Kind::SecurityRefused).await.pop().expect("an entry").to_string();
    let url = url::Url::parse(request).unwrap();
    for (name, value) in url.query_pairs().filter(|(name, value)| name != "client_id" && value.len() >= 8) {
        assert!(!entry.contains(value.as_ref()), "{name} in {entry}");
    }
}

on_each_backend! {
    /// The identity arrives byte for byte, once, and the ID token says who acts.
    async fn a_mandate_is_used_once_per_code(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request()).await;
        let back = ana.chooses(&page, &opened.citizen, Logement).await;
        assert_eq!(back.status, 303);
        assert_eq!(answered(&back, "iss").as_deref(), Some(world.base.as_str()));
        assert_eq!(answered(&back, "state").as_deref(), Some("0123456789abcdef0123456789abcdef"));
        let token = service.exchanges(&answered(&back, "code").unwrap()).await;
        assert_eq!(token.status, 200, "{}", token.body);
        let id_token = claims(token.json()["id_token"].as_str().unwrap());
        assert_eq!(id_token["act"]["sub"], ana.account.as_str());
        assert_eq!(id_token["mandate"]["id"], opened.mandate.as_str());
        let identity = service.asks_identity(&access_token(&token)).await;
        assert_eq!(identity.status, 200, "{}", identity.body);
        assert_eq!(identity.json()["sub"], id_token["sub"]);
        assert_eq!(world.count(Kind::Use).await, 1);
    }
}
