//! The authorisation request: each thing that can be wrong with one, and what is answered then.

use mandataire::domain::client::{AuthMethod, SigningAlgorithm, UserinfoFormat};
use mandataire::domain::event::Kind;

use super::{flows, refused_by_redirect, refused_on_a_page};
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::{answered, browser};

const STATE: &str = "0123456789abcdef0123456789abcdef";

/// The host of a redirect URI.
fn host(registered: &str) -> &str {
    registered.trim_start_matches("https://").split('/').next().unwrap()
}

/// A02: redirect URIs that begin or end like the registered one, or lead out of its path once somebody decodes them.
fn resembling(registered: &str) -> Vec<String> {
    let host = host(registered);
    let ends =
        ["/", "/more", "/..", "/../evil", "/%2e%2e/evil", "/..%2fevil", "/..;/evil", "/%252e%252e/evil", "%252f"];
    let mut all: Vec<String> = ends.iter().map(|end| format!("{registered}{end}")).collect();
    all.extend([
        registered.replace(host, &format!("{host}.evil.example")),
        registered.replace(host, &format!("evil.{host}")),
        registered.replace(host, &format!("evil{host}")),
        registered.replace("/callback", "/%2e%2e/callback"),
        registered.replace("/callback", "/./callback"),
        registered.replace("/callback", "/x/../callback"),
        registered.replace("/callback", "/%63allback"),
        registered.trim_end_matches("callback").to_owned(),
        format!("{registered}.evil"),
        format!("https://evil.example/{registered}"),
        "javascript:alert(1)".to_owned(),
        "//evil.example/callback".to_owned(),
    ]);
    all
}

/// A03: the registered redirect URI in another spelling.
fn spelt_otherwise(registered: &str) -> Vec<String> {
    let host = host(registered);
    let mut all: Vec<String> =
        ["/", "#fragment", "#", "?", "?added=1", "\t", " ", "%20", "%2f", "@evil.example", "\\", "/\t"]
            .iter()
            .map(|end| format!("{registered}{end}"))
            .collect();
    all.extend([
        registered.replace(host, &format!("{host}:443")),
        registered.replace(host, &format!("{host}:8443")),
        registered.replace(host, &format!("user@{host}")),
        registered.replace(host, &format!("{host}@evil.example")),
        registered.replace(host, &format!("{host}\\@evil.example")),
        registered.replace(host, &format!("{host}/\t/evil.example")),
        registered.replace(host, &format!("{host}.")),
        registered.replace(host, &host.to_uppercase()),
        registered.replace(host, &host.replace('e', "\u{435}")),
        registered.replace(host, &format!("xn--{host}")),
        registered.replace("https:", "http:"),
        registered.replace("https:", "HTTPS:"),
        registered.replace("//", "\\\\"),
        registered.replace("callback", "Callback"),
        format!(" {registered}"),
    ]);
    all
}

/// Each of these redirect URIs is refused on a page.
async fn none_is_a_redirect_uri(world: &World, forged: impl FnOnce(&str) -> Vec<String>) {
    let (service, somebody) = (world.franceconnect_client().await, browser());
    for uri in forged(service.redirect_uri()) {
        refused_on_a_page(world, &somebody, &service.request_with(&[("redirect_uri", &uri)])).await;
    }
}

on_each_backend! {
    async fn a01_unknown_or_missing_client_is_a_page(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        for client in ["", "unknown", "client_00000000"] {
            refused_on_a_page(&world, &somebody, &service.request_with(&[("client_id", client)])).await;
        }
    }

    async fn a02_a_redirect_uri_that_resembles_a_registered_one_is_a_page(world) {
        none_is_a_redirect_uri(&world, resembling).await;
    }

    async fn a03_a_redirect_uri_in_another_spelling_is_a_page(world) {
        none_is_a_redirect_uri(&world, spelt_otherwise).await;
        let (service, somebody) = (world.franceconnect_client().await, browser());
        refused_on_a_page(&world, &somebody, &service.request_with(&[("redirect_uri", "")])).await;
    }

    /// A service that read the first `code` it finds would take the attacker's.
    async fn a04_a_redirect_uri_that_carries_an_answer_is_a_page(world) {
        none_is_a_redirect_uri(&world, |registered| {
            let answers = ["?code=x", "?state=y", "?iss=z", "?code=x&state=y&iss=z", "?error=x", "%3fcode=x", "&code=x", "#code=x"];
            answers.map(|answer| format!("{registered}{answer}")).to_vec()
        }).await;
    }

    async fn a05_the_redirect_uri_of_another_client_is_a_page(world) {
        let (service, other, somebody) = (world.franceconnect_client().await, world.plain_service().await, browser());
        let theirs = other.redirect_uri().to_owned();
        refused_on_a_page(&world, &somebody, &service.request_with(&[("redirect_uri", &theirs)])).await;
    }

    async fn a06_only_a_code_is_answered(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        let without = service.request_with(&[("response_type", "")]);
        refused_by_redirect(&world, &somebody, &service, &without, "invalid_request").await;
        for kind in ["token", "id_token", "code id_token", "code token", "code id_token token", "none", "CODE"] {
            let request = service.request_with(&[("response_type", kind)]);
            refused_by_redirect(&world, &somebody, &service, &request, "unsupported_response_type").await;
        }
    }

    async fn a07_an_answer_comes_in_the_query(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        for mode in ["fragment", "form_post", "web_message", "jwt", "query.jwt", "QUERY"] {
            let request = service.request_with(&[("response_mode", mode)]);
            let page = refused_by_redirect(&world, &somebody, &service, &request, "invalid_request").await;
            assert_eq!(answered(&page, "state").as_deref(), Some(STATE));
        }
    }

    async fn a08_a_parameter_sent_twice_is_refused(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        for (name, value) in service.parameters() {
            let mut twice = service.parameters();
            twice.push((name.clone(), value));
            let request = service.request_of(&twice);
            if name == "client_id" || name == "redirect_uri" {
                refused_on_a_page(&world, &somebody, &request).await;
            } else {
                let page = refused_by_redirect(&world, &somebody, &service, &request, "invalid_request").await;
                assert_eq!(answered(&page, "state").is_some(), name != "state");
            }
        }
        // RFC 6749 3.1: also what nobody looks at.
        for name in ["display", "campaign"] {
            let mut twice = service.parameters();
            twice.extend(["one", "other"].map(|value| (name.to_owned(), value.to_owned())));
            refused_by_redirect(&world, &somebody, &service, &service.request_of(&twice), "invalid_request").await;
        }
    }

    async fn a09_parameters_come_one_way_and_a_form_is_as_good_as_an_address(world) {
        let service = world.franceconnect_client().await;
        let both = service.sends(|http, _| http.post(service.request()).form(&service.parameters())).await;
        assert_eq!((both.status, flows(&world)), (400, 0));
        // Another value of one of them: nobody guesses which counts.
        for (name, value) in [("client_id", "another"), ("redirect_uri", "https://evil.example/"), ("scope", "openid"), ("claims", "{}")] {
            let mixed = service.sends(|http, _| http.post(service.request()).form(&[(name, value)])).await;
            assert_eq!((mixed.status, mixed.headers.get("location"), flows(&world)), (400, None, 0), "{name}");
        }
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["authorize_parameters"; 5]);
        let posted = service.sends(|http, base| http.post(format!("{base}/authorize")).form(&service.parameters())).await;
        assert_eq!((posted.status, flows(&world)), (303, 1));
        assert!(posted.headers["location"].to_str().unwrap().starts_with("/provider/flw_"));
    }

    async fn a10_the_scope_must_hold_openid_and_be_of_a_sane_length(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        let many = format!("openid{}", " a".repeat(5_000));
        for scope in ["", "profile", "OpenID profile", "openidprofile", &many] {
            let request = service.request_with(&[("scope", scope)]);
            refused_by_redirect(&world, &somebody, &service, &request, "invalid_scope").await;
        }
    }

    async fn a12_what_would_be_fetched_or_trusted_is_not_supported(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        let listens = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listens.set_nonblocking(true).unwrap();
        let inside = format!("http://{}/request.jwt", listens.local_addr().unwrap());
        let logo = format!("{{\"logo_uri\":\"{inside}\",\"jwks_uri\":\"{inside}\"}}");
        for (name, value, error) in [
            ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
            ("request_uri", "http://169.254.169.254/", "request_uri_not_supported"),
            ("request_uri", &inside, "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"),
            ("registration", &logo, "registration_not_supported"),
        ] {
            let request = service.request_with(&[(name, value)]);
            refused_by_redirect(&world, &somebody, &service, &request, error).await;
        }
        assert_eq!(listens.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody was called");
    }

    async fn a13_franceconnect_sends_a_state_of_a_sane_length(world) {
        let (service, other, somebody) = (world.franceconnect_client().await, world.plain_service().await, browser());
        let long = "x".repeat(10_000);
        for state in ["", "short", &"x".repeat(21), &"x".repeat(1_025), &long] {
            let page = refused_by_redirect(&world, &somebody, &service, &service.request_with(&[("state", state)]), "invalid_request").await;
            assert!(answered(&page, "state").is_none_or(|echoed| echoed == state && echoed.len() <= 1_024));
        }
        let request = other.request_with(&[("state", &long)]);
        let page = refused_by_redirect(&world, &somebody, &other, &request, "invalid_request").await;
        assert_eq!(answered(&page, "state"), None, "what is too long is not echoed");
    }

    async fn a14_franceconnect_sends_a_nonce_of_a_sane_length(world) {
        let (service, other, somebody) = (world.franceconnect_client().await, world.plain_service().await, browser());
        let long = "x".repeat(10_000);
        for nonce in ["", "0", &"x".repeat(21), &"x".repeat(1_025), &long] {
            refused_by_redirect(&world, &somebody, &service, &service.request_with(&[("nonce", nonce)]), "invalid_request").await;
        }
        refused_by_redirect(&world, &somebody, &other, &other.request_with(&[("nonce", &long)]), "invalid_request").await;
    }

    async fn a13_a_hostile_state_comes_back_percent_encoded(world) {
        let (service, somebody) = (world.plain_service().await, browser());
        let hostile = "a\r\nSet-Cookie: x=y\"<script>&code=z";
        let request = service.request_with(&[("state", hostile), ("prompt", "none")]);
        let page = refused_by_redirect(&world, &somebody, &service, &request, "login_required").await;
        assert_eq!(answered(&page, "state").as_deref(), Some(hostile));
        let location = page.header("location").unwrap();
        assert!(!location.contains(['<', '"', '\r', '\n']), "{location}");
        assert!(page.header("set-cookie").is_none_or(|cookie| !cookie.starts_with("x=")));
    }

    async fn a15_without_a_page_nothing_can_be_chosen(world) {
        let (service, ana) = (world.franceconnect_client().await, world.mediator("Ana Silva").await);
        for (visitor, prompt, error) in [
            (&browser(), "none", "login_required"),
            (&ana.browser, "none", "interaction_required"),
            (&ana.browser, "none login", "invalid_request"),
            (&ana.browser, "please", "invalid_request"),
        ] {
            let request = service.request_with(&[("prompt", prompt)]);
            refused_by_redirect(&world, visitor, &service, &request, error).await;
        }
    }

    async fn a17_a_max_age_is_a_number_of_seconds(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        for max_age in ["-1", "9223372036854775808", "soon", "1.5"] {
            let request = service.request_with(&[("max_age", max_age)]);
            refused_by_redirect(&world, &somebody, &service, &request, "invalid_request").await;
        }
    }

    async fn a18_an_essential_level_that_we_do_not_have_is_refused(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        for acr in [r#"{"essential":true,"value":"eidas2"}"#, r#"{"essential":true,"values":["eidas2","eidas3"]}"#] {
            let claims = format!(r#"{{"id_token":{{"acr":{acr}}}}}"#);
            let request = service.request_with(&[("claims", &claims)]);
            refused_by_redirect(&world, &somebody, &service, &request, "unmet_authentication_requirements").await;
        }
        // Asked for, but not essential: the sign-in goes on, and says the level we have (`b18_an_id_token_holds_exactly_this`).
        let voluntary = r#"{"id_token":{"acr":{"essential":false,"values":["eidas2"]}}}"#;
        for changed in [("claims", voluntary), ("acr_values", "eidas2"), ("acr_values", "eidas3 eidas2")] {
            let before = flows(&world);
            let page = somebody.get(service.request_with(&[changed])).await.unwrap();
            assert!(page.header("location").unwrap().starts_with("/provider/"), "{changed:?}");
            assert_eq!(flows(&world), before + 1);
        }
    }

    async fn a19_a_claims_request_is_small_json_that_some_mandate_can_meet(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        let nested = format!("{}1{}", r#"{"id_token":"#.repeat(1_000), "}".repeat(1_000));
        let large = format!(r#"{{"id_token":{{"x":"{}"}}}}"#, "x".repeat(10_000));
        let scope = |values: &str| format!(r#"{{"id_token":{{"rep_scope":{{"essential":true,"values":{values}}}}}}}"#);
        let wrong = [scope("\"Logement\""), scope("[1]"), scope("{}"), r#"{"id_token":{"rep_scope":[]}}"#.to_owned()];
        let malformed = ["{".to_owned(), "[]".to_owned(), "1".to_owned(), r#"{"id_token":1}"#.to_owned(), deep, nested, large];
        for claims in malformed.into_iter().chain(wrong) {
            let request = service.request_with(&[("claims", &claims)]);
            refused_by_redirect(&world, &somebody, &service, &request, "invalid_request").await;
        }
        // Our own key is not FranceConnect's label, and a label has one spelling.
        for unknown in [scope("[\"logement\"]"), scope("[\"Famille-Scolarite\"]"), scope("[\"Everything\",\"\"]")] {
            let request = service.request_with(&[("claims", &unknown)]);
            refused_by_redirect(&world, &somebody, &service, &request, "access_denied").await;
        }
        let huge = service.request_with(&[("claims", &"x".repeat(20_000))]);
        refused_on_a_page(&world, &somebody, &huge).await;
        let million = [("client_id", service.client.id.clone()), ("claims", "x".repeat(1_000_000))];
        let begun = flows(&world);
        let answer = service.sends(|http, base| http.post(format!("{base}/authorize")).form(&million)).await;
        assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
        assert_eq!((answer.headers.get("location"), flows(&world)), (None, begun));
    }

    async fn a20_a_challenge_is_s256_or_nothing(world) {
        let (service, somebody) = (world.plain_service().await, browser());
        let right = "a".repeat(43);
        for (challenge, method) in [
            (right.as_str(), "plain"), (&right, ""), (&right, "s256"), ("", "S256"), ("short", "S256"),
            (&"a".repeat(44), "S256"), (&"+".repeat(43), "S256"),
        ] {
            let request = service.request_with(&[("code_challenge", challenge), ("code_challenge_method", method)]);
            refused_by_redirect(&world, &somebody, &service, &request, "invalid_request").await;
        }
    }

    async fn a21_a_hint_that_we_did_not_sign_for_this_client_is_refused(world) {
        use jsonwebtoken::{EncodingKey, Header};
        let (service, somebody) = (world.franceconnect_client().await, browser());
        let other = world.service(SigningAlgorithm::Hs256, AuthMethod::Post, UserinfoFormat::Json, false).await;
        let claims = |audience: &str| serde_json::json!({ "iss": world.base, "aud": audience, "sub": "x", "exp": 1, "sid": "flw_00000000000000000000000000" });
        let signed = |audience: &str, secret: &str| {
            jsonwebtoken::encode(&Header::default(), &claims(audience), &EncodingKey::from_secret(secret.as_bytes())).unwrap()
        };
        let (mine, theirs) = (service.client.id.as_str(), other.client.id.as_str());
        let genuine = signed(mine, &service.secret);
        let payload = genuine.split('.').nth(1).unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{payload}.");
        for hint in [unsigned.as_str(), "junk", &signed(mine, "another secret"), &signed(theirs, &other.secret)] {
            let request = service.request_with(&[("id_token_hint", hint)]);
            refused_by_redirect(&world, &somebody, &service, &request, "invalid_request").await;
        }
        // Ours, of a sign-in that nobody knows any more.
        let request = service.request_with(&[("id_token_hint", &genuine)]);
        refused_by_redirect(&world, &somebody, &service, &request, "login_required").await;
    }

    async fn no_refusal_writes_anything_of_the_request(world) {
        let (service, somebody) = (world.franceconnect_client().await, browser());
        for (name, value) in [("redirect_uri", "https://evil.example/SECRET"), ("claims", "SECRET"), ("scope", "SECRET"), ("request", "SECRET")] {
            let request = service.request_with(&[(name, value)]);
            let page = somebody.get(&request).await.unwrap();
            assert!(!page.body.contains("SECRET") && !page.header("location").unwrap_or_default().contains("SECRET"));
        }
        let entries = world.entries(Kind::SecurityRefused).await;
        assert_eq!(entries.len(), 4);
        for entry in entries {
            let text = entry.to_string();
            assert!(!text.contains("SECRET") && !text.contains(STATE) && !text.contains("fedcba98"), "{text}");
        }
    }
}
