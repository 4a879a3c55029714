//! Forged requests: every form needs its own token and our own pages, and looking changes nothing.

use mandataire::domain::event::Kind;
use mandataire::web::routes::{self, Listed};

use crate::access::cast::Cast;
use crate::on_each_backend;
use crate::world::actor::Actor;

/// Requests that carry the right token, and say themselves that another site sent them.
const FOREIGN: [(&str, &str); 4] = [
    ("origin", "https://evil.example"),
    ("origin", "http://127.0.0.1:1"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
];

/// Somebody whom nothing but the forgery keeps out.
fn entitled<'c>(cast: &'c Cast, route: &Listed) -> &'c Actor {
    match route.policy.as_str() {
        "Enrolling" => &cast.enrolling,
        "Auditor" | "Purposeful" => &cast.auditor,
        "Officer" => &cast.officer,
        _ => &cast.mediator,
    }
}

on_each_backend! {
    /// F16, F17: all forms, each without a token, with the token of somebody else and of an anonymous browser, twice the right
    /// one, and the right one from elsewhere.
    async fn f16_a_forged_form_is_refused_recorded_and_changes_nothing(world) {
        let cast = Cast::of(&world).await;
        let (stranger, nobody) = (world.csrf(&cast.stranger.browser).await, world.csrf(&cast.anonymous).await);
        let all = routes::all();
        let forms: Vec<_> =
            all.listed().iter().filter(|route| route.method == "POST" && route.policy != "Machine").collect();
        assert!(forms.len() > 15, "{}", forms.len());
        for route in forms {
            let actor = entitled(&cast, route);
            let own = world.csrf(&actor.browser).await;
            let (path, given) = (cast.ours.fill(route.path), cast.ours.fields(route.path));
            let fields: Vec<_> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let with = |tokens: &[&str]| {
                let tokens = tokens.iter().map(|token| ("csrf", (*token).to_owned()));
                let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned()));
                fields.chain(tokens).collect::<Vec<_>>()
            };
            let mut forged =
                vec![(with(&[]), None), (with(&[""]), None), (with(&[&stranger]), None), (with(&[&nobody]), None)];
            forged.push((with(&[&own, &stranger]), None));
            forged.extend(FOREIGN.map(|header| (with(&[&own]), Some(header))));
            let (before, count) = (world.database.contents(), world.count(Kind::SecurityRefused).await);
            let total = forged.len();
            for (fields, header) in forged {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let answer = world.posts(&actor.browser, &path, &fields, header.as_slice()).await;
                assert_eq!(answer.status, 403, "{} {fields:?} {header:?}", route.path);
            }
            assert_eq!(world.database.contents(), before, "{}", route.path);
            assert_eq!(world.count(Kind::SecurityRefused).await, count + total, "{}", route.path);
        }
        let reasons = world.entries(Kind::SecurityRefused).await;
        assert!(reasons.iter().all(|entry| entry["reason"] == "forged_form"));
    }

    /// Under `Referrer-Policy: no-referrer`, a browser says "null" of our own pages too: then the token decides.
    async fn f16_our_own_form_may_come_from_a_null_origin(world) {
        let ana = world.mediator("Ana Silva").await;
        let csrf = world.csrf(&ana.browser).await;
        for (token, status) in [(csrf.as_str(), 303), ("", 403)] {
            let fields = [("csrf", token), ("language", "en")];
            let headers = [("origin", "null"), ("sec-fetch-site", "same-origin")];
            assert_eq!(world.posts(&ana.browser, "/language", &fields, &headers).await.status, status, "{token:?}");
        }
    }

    /// F17: before anybody is signed in, a form belongs to the browser that asked for it.
    async fn f17_a_form_of_another_browser_signs_nobody_in(world) {
        let ana = world.mediator_of(&world.organisation, "Ana Silva").await;
        let thief = crate::world::service::browser();
        let stolen = world.csrf(&thief).await;
        let here = world.csrf(&ana.browser).await;
        assert_ne!(stolen, here);
        for path in ["/sign-in", "/sign-in/link", "/language"] {
            let fields = [("csrf", stolen.as_str()), ("email", ana.email.as_str()), ("language", "en")];
            assert_eq!(world.posts(&ana.browser, path, &fields, &[]).await.status, 403, "{path}");
        }
        assert!(ana.newest_link().await.is_none());
    }

    /// The protocol's own returns are GET by its nature (a request at /authorize, FranceConnect's answers): they change
    /// something only with the parameters they come with, which their own stories bring.
    async fn f16_looking_at_every_page_changes_nothing_but_the_journal(world) {
        let cast = Cast::of(&world).await;
        let all = routes::all();
        for actor in [&cast.mediator, &cast.manager, &cast.auditor, &cast.silent_auditor, &cast.enrolling] {
            // The first request of a minute marks the session as seen.
            world.csrf(&actor.browser).await;
            let before = world.database.contents();
            for route in all.listed().iter().filter(|route| route.method == "GET") {
                for method in ["GET", "HEAD"] {
                    let answer = world.asks(&actor.browser, method, &cast.ours.fill(route.path)).await;
                    assert!(answer.status < 500, "{method} {}: {}", route.path, answer.status);
                }
                assert_eq!(world.database.contents(), before, "{}", route.path);
            }
        }
    }
}
