//! The web platform: headers, methods, limits, redirects, languages, and a database that does not answer.

use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::Month;
use mandataire::web::assets;
use mandataire::web::routes;

use crate::access::cast::Cast;
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::{Answer, browser};

/// What no answer may show of the inside.
const INTERNALS: [&str; 12] = [
    "panicked",
    "thread '",
    "src/",
    ".rs:",
    "diesel",
    "actix",
    "SQLITE",
    "sqlite",
    "PostgreSQL",
    "relation \"",
    "no such table",
    "stack backtrace",
];

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The headers of every answer of ours, whatever it says.
fn armoured(what: &str, answer: &Answer) {
    assert_eq!(header(answer, "x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header(answer, "x-frame-options"), "DENY", "{what}");
    assert_eq!(header(answer, "referrer-policy"), "no-referrer", "{what}");
    assert_eq!(header(answer, "cross-origin-opener-policy"), "same-origin", "{what}");
    assert_eq!(header(answer, "cross-origin-resource-policy"), "same-origin", "{what}");
    assert_eq!(header(answer, "permissions-policy"), "camera=(), geolocation=(), microphone=()", "{what}");
    let policy = header(answer, "content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{what}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'; base-uri 'none'"), "{what}: {policy}");
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
    for absent in ["access-control-allow-origin", "server", "x-powered-by"] {
        assert!(!answer.headers.contains_key(absent), "{what}: {absent}");
    }
    let cached = header(answer, "cache-control");
    let found = answer.status == 200;
    let public = what.contains("/assets/") || what.contains("/jwks") || what.contains("/.well-known/");
    assert!(
        if found && public { cached.starts_with("public, max-age=") } else { cached == "no-store" },
        "{what}: {cached}"
    );
}

fn discreet(what: &str, answer: &Answer) {
    for word in INTERNALS {
        assert!(!answer.body.contains(word), "{what} shows {word}: {}", answer.body);
    }
}

on_each_backend! {
    async fn i10_every_answer_of_every_route_carries_the_headers(world) {
        let cast = Cast::of(&world).await;
        let all = routes::all();
        for (name, browser, own, _) in cast.everybody() {
            for route in all.listed() {
                let (what, path) = (format!("{} {} as {name}", route.method, route.path), own.fill(route.path));
                // A form without its token: every form has an answer, and nobody is signed out.
                let answer = world.asks(browser, route.method, &path).await;
                armoured(&what, &answer);
                discreet(&what, &answer);
                assert!(answer.status < 500, "{what}: {}", answer.status);
            }
        }
        for path in ["/nowhere", "/.env", "/metrics", "/health", "/debug", "/assets/../Cargo.toml", "/assets/style.css"] {
            let answer = world.asks(&cast.mediator.browser, "GET", path).await;
            assert_eq!(answer.status, 404, "I05, I13: {path}");
            armoured(path, &answer);
            assert!(answer.body.contains("Cette page n’existe pas"), "{path}");
        }
    }

    async fn i12_methods_that_no_route_has_are_refused_and_head_answers_without_a_body(world) {
        let ana = world.mediator("Ana Silva").await;
        world.csrf(&ana.browser).await;
        let before = world.database.contents();
        for path in ["/home", "/sign-in", "/mandates/new"] {
            for method in ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW"] {
                let answer = world.asks(&ana.browser, method, path).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                armoured(method, &answer);
            }
            let (get, head) =
                (world.asks(&ana.browser, "GET", path).await, world.asks(&ana.browser, "HEAD", path).await);
            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        }
        assert_eq!(world.asks(&ana.browser, "GET", "/organisation").await.status, 405);
        let overriding = [("x-http-method-override", "POST"), ("x-original-url", "/sign-out")];
        world.posts(&ana.browser, "/home", &[], &overriding).await;
        assert!(ana.is_signed_in().await, "I09");
        assert_eq!(world.database.contents(), before);
    }

    async fn i06_oversize_requests_are_refused(world) {
        let ana = world.mediator("Ana Silva").await;
        let csrf = world.csrf(&ana.browser).await;
        let long = "x".repeat(70_000);
        for path in ["/language", "/sign-in", "/mandates/drafts", "/token", "/authorize", "/userinfo", "/session/end"] {
            let answer = world.posts(&ana.browser, path, &[("csrf", &csrf), ("long", &long)], &[]).await;
            assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        }
        let many: Vec<_> = std::iter::once(("csrf", csrf.as_str())).chain((0..1_000).map(|_| ("a", "b"))).collect();
        assert_eq!(world.posts(&ana.browser, "/language", &many, &[]).await.status, 400);
        for path in ["/citizens?q=", "/authorize?state=", "/sign-in/link?token="] {
            let answer = world.asks(&ana.browser, "GET", &format!("{path}{}", "x".repeat(20_000))).await;
            assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        }
        let huge = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200_000));
        assert!(refuses(&world, huge.as_bytes()), "a URL of 200 kB");
        let headers = (0..1_000).fold(String::new(), |headers, at| headers + &format!("X-{at}: 1\r\n"));
        assert!(refuses(&world, format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n").as_bytes()), "1,000 headers");
        assert_eq!(ana.gets("/home").await.status, 200, "and the service goes on");
    }

    async fn i08_ambiguous_requests_are_refused(world) {
        for (what, request) in [
            ("two lengths", "POST /language HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            ("a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n"),
            ("a NUL in the line", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("no HTTP", "HELLO\r\n\r\n"),
        ] {
            assert!(refuses(&world, request.as_bytes()), "{what}");
        }
    }

    async fn i15_what_is_no_text_or_no_identifier_is_refused_and_never_a_fault(world) {
        let ana = world.mediator("Ana Silva").await;
        let csrf = world.csrf(&ana.browser).await;
        for path in [
            "/citizens?q=a%00b",
            "/citizens?q=%ff%fe",
            "/citizens?after=%00",
            "/citizens?q=a&q=b",
            "/citizens/%00",
            "/citizens/cit_%ff",
            "/citizens/-1",
            "/mandates/99999999999999999999999999",
            "/mandates/mdt_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
            "/mandates/..%2f..%2fetc%2fpasswd",
            "/agreements/%00",
            "/agreements/%f0%28",
            "/sign-in/link?token=%00",
            "/sign-in/link?token=a&token=b",
            "/franceconnect/callback?state=a&state=b",
            "/franceconnect/logged-out?state=%00",
            "/code?next=%00&next=b",
        ] {
            let answer = world.asks(&ana.browser, "GET", path).await;
            assert!(answer.status < 500, "{path}: {}", answer.status);
            discreet(path, &answer);
        }
        for (path, fields) in [
            ("/sign-in/link", vec![("token", "a\0b"), ("code", "1")]),
            ("/code", vec![("code", "1"), ("code", "2")]),
            ("/code", vec![("code", "\u{202e}123456")]),
            ("/language", vec![("language", "fr"), ("language", "en")]),
            ("/organisation", vec![("organisation", "org_\0")]),
            ("/mandates/drafts", vec![("term", "month"), ("term", "year"), ("procedures", "logement")]),
            ("/mandates/drafts", vec![("term", "9999999999999999999999"), ("procedures", "NaN")]),
        ] {
            let fields: Vec<_> = fields.into_iter().chain([("csrf", csrf.as_str())]).collect();
            let answer = world.posts(&ana.browser, path, &fields, &[]).await;
            assert!((400..500).contains(&answer.status), "{path} {fields:?}: {}", answer.status);
        }
        assert_eq!(world.rows("drafts", "1 = 1"), 0);
    }

    async fn i01_next_never_leads_away(world) {
        let ana = world.mediator("Ana Silva").await;
        let csrf = world.csrf(&ana.browser).await;
        for evil in [
            "//evil.example",
            "//evil",
            "/\\evil.example",
            "https://evil.example/",
            "/%5cevil.example",
            "/%2f/evil.example",
            "/@evil.example",
            "javascript:alert(1)",
            "/\tevil",
            "/a\r\nLocation: https://evil.example",
            "home",
        ] {
            let fields = [("csrf", csrf.as_str()), ("language", "fr"), ("next", evil)];
            let answer = world.posts(&ana.browser, "/language", &fields, &[]).await;
            assert_eq!((answer.status, header(&answer, "location")), (303, "/"), "{evil:?}");
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", evil).finish();
            let form = ana.gets(&format!("/code?{query}")).await.form("/code").unwrap();
            let form = form.with("next", evil).with("code", &ana.fresh_code().await);
            assert_eq!(ana.browser.submit(&form).await.unwrap().location().unwrap().as_str(), ana.at("/home"), "{evil:?}");
        }
        let fields = [("csrf", csrf.as_str()), ("language", "en"), ("next", "/citizens")];
        assert_eq!(header(&world.posts(&ana.browser, "/language", &fields, &[]).await, "location"), "/citizens");
    }

    async fn the_language_is_kept_in_a_cookie_and_a_foreign_one_is_ignored(world) {
        let ana = world.mediator("Ana Silva").await;
        assert!(ana.sees("/home").await.body.contains("<html lang=\"fr\">"));
        let form = ana.sees("/home").await.form("/language").unwrap();
        ana.sends(&form.clone().with("language", "en")).await;
        assert!(ana.sees("/home").await.body.contains("<html lang=\"en\">"));
        assert_eq!(ana.browser.submit(&form.with("language", "../../etc")).await.unwrap().status, 400);
        for strange in ["de", "\"><script>", "%00"] {
            ana.browser.set_cookie(&ana.url("/"), &format!("mandataire-language={strange}; Path=/"));
            let page = ana.sees("/home").await;
            assert!(page.body.contains("<html lang=\"fr\">") && !page.body.contains("<script"), "{strange}");
        }
    }

    async fn assets_are_whole_and_for_ever(world) {
        for (path, kind, content) in [
            (assets::STYLESHEET_URL, "text/css; charset=utf-8", assets::STYLESHEET),
            (assets::FAVICON_URL, "image/svg+xml", assets::FAVICON),
        ] {
            let answer = world.asks(&browser(), "GET", path).await;
            assert_eq!((answer.status, header(&answer, "content-type"), answer.body.as_str()), (200, kind, content));
            assert!(!answer.headers.contains_key("set-cookie"), "{path}");
        }
    }

    /// I18: the page has a reference and nothing of the inside; what was begun is undone.
    async fn a_database_that_fails_gives_a_page_with_a_reference_and_nothing_half_done(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let path = format!("/mandates/{}/revocation", opened.mandate);
        let form = ana.sees(&path).await.form(&path).unwrap().with("reason", "citizen_asked");
        let before = world.database.contents();
        // The last write of the act fails: the entry of the journal.
        world.database.execute("alter table journal_entries rename to elsewhere").unwrap();
        let page = ana.browser.submit(&form).await.unwrap();
        world.database.execute("alter table elsewhere rename to journal_entries").unwrap();
        unavailable(&Answer { status: page.status, headers: page.headers.clone(), body: page.body.clone() });
        assert_eq!(world.database.contents(), before);
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 0);
        // Nobody can even be recognised.
        world.database.execute("alter table sessions rename to elsewhere").unwrap();
        let answers = [
            world.asks(&ana.browser, "GET", "/home").await,
            world.posts(&ana.browser, &path, &[], &[]).await,
        ];
        world.database.execute("alter table elsewhere rename to sessions").unwrap();
        answers.iter().for_each(unavailable);
        assert_eq!(ana.sends(&form).await.status, 200);
        assert_eq!(world.count(Kind::AuthorisationRevoked).await, 1, "asked again, it is done");
    }
}

fn unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.body.contains("Le service n’est pas disponible"), "{}", answer.body);
    assert!(answer.body.contains("<code class=\"reference\">"), "{}", answer.body);
    armoured("503", answer);
    discreet("503", answer);
}

/// Whether bytes on the wire are answered with a refusal, or not at all.
fn refuses(world: &World, request: &[u8]) -> bool {
    let line = world.writes(request);
    line.is_empty() || line.starts_with("HTTP/1.1 4") || line.starts_with("HTTP/1.0 4")
}
