//! The token endpoint: a code works once, for its client, for half a minute.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mandataire::domain::digest::Digest;
use mandataire::domain::event::Kind;
use mandataire::domain::procedure::Procedure::Logement;

use super::{beginning, codes};
use crate::on_each_backend;
use crate::world::World;
use crate::world::service::{Answer, answered};

const GRANT: (&str, &str) = ("grant_type", "authorization_code");

/// A code that was spent is presented again.
const REPLAYED: (Kind, &str) = (Kind::CodeReplayed, "code_replayed");
/// Something is presented that is no code of ours.
const UNKNOWN: (Kind, &str) = (Kind::SecurityRefused, "unknown_code");
/// A request that is refused whoever sends it.
const MALFORMED: (Kind, &str) = (Kind::SecurityRefused, "malformed_request");

/// An answer is a refusal with this status and code, and says nothing more than its fixed words.
fn refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.error().as_str()), (status, error), "{}", answer.body);
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["error", "error_description"]);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.headers.get("access-control-allow-origin").is_none());
}

fn tokens(world: &World) -> i64 {
    world.database.number("select count(*) from grants where token_hash is not null")
}

on_each_backend! {
    async fn b01_a_code_presented_again_kills_what_it_gave(world) {
        let (ana, service, opened) = beginning(&world).await;
        for later in [0, 31] {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let token = service.takes_a_token(&code).await;
            world.after(later);
            let secrets = [code.as_str(), &token, &service.secret];
            refused(&world.refuses_once(service.exchanges(&code), REPLAYED, &secrets).await, 400, "invalid_grant");
            let dead = (Kind::UseRefused, "grant_revoked");
            refused(&world.refuses_once(service.asks_identity(&token), dead, &secrets).await, 401, "invalid_token");
        }
    }

    async fn b01_a_replay_after_the_use_is_still_noticed(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        assert_eq!(service.asks_identity(&token).await.status, 200);
        refused(&world.refuses_once(service.exchanges(&code), REPLAYED, &[&code, &token]).await, 400, "invalid_grant");
        assert_eq!(world.count(Kind::Use).await, 1);
    }

    async fn b03_the_credentials_of_another_client_burn_the_code(world) {
        let (ana, service, opened) = beginning(&world).await;
        let thief = world.plain_service().await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let fields = [GRANT, ("code", code.as_str()), ("redirect_uri", service.redirect_uri())];
        let secrets = [code.as_str(), &thief.secret, &service.secret];
        let stolen = (Kind::UseRefused, "code_of_another");
        refused(&world.refuses_once(thief.token_with(&fields), stolen, &secrets).await, 400, "invalid_grant");
        refused(&world.refuses_once(service.exchanges(&code), REPLAYED, &secrets).await, 400, "invalid_grant");
        assert_eq!(world.entries(Kind::UseRefused).await[0]["client"], thief.client.id.as_str(), "who presented it");
        assert_eq!(tokens(&world), 0);
    }

    async fn b04_the_redirect_uri_is_the_one_of_the_request(world) {
        let (ana, service, opened) = beginning(&world).await;
        let near = format!("{}/", service.redirect_uri());
        for uri in [None, Some(""), Some("https://evil.example/"), Some(near.as_str())] {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            let mut fields = vec![GRANT, ("code", code.as_str())];
            fields.extend(uri.map(|uri| ("redirect_uri", uri)));
            let (differs, secrets) = ((Kind::UseRefused, "redirect_differs"), [code.as_str(), &service.secret, "evil.example"]);
            refused(&world.refuses_once(service.token_with(&fields), differs, &secrets).await, 400, "invalid_grant");
            refused(&world.refuses_once(service.exchanges(&code), REPLAYED, &secrets).await, 400, "invalid_grant");
        }
        assert_eq!(tokens(&world), 0);
    }

    async fn b05_a_code_lives_thirty_seconds(world) {
        let (ana, service, opened) = beginning(&world).await;
        for (age, accepted) in [(29, true), (30, false), (31, false)] {
            let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
            world.after(age);
            if accepted {
                let answer = service.exchanges(&code).await;
                assert_eq!(answer.status, 200, "{age} s: {}", answer.body);
            } else {
                let (late, secrets) = ((Kind::UseRefused, "code_expired"), [code.as_str(), &service.secret]);
                refused(&world.refuses_once(service.exchanges(&code), late, &secrets).await, 400, "invalid_grant");
            }
        }
        assert_eq!(tokens(&world), 1, "the one that came in time");
    }

    async fn b06_nothing_near_a_code_is_a_code(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let other = if code.starts_with('a') { "b" } else { "a" };
        let (cut, changed, padded) = (&code[..code.len() - 1], format!("{other}{}", &code[1..]), format!("{code}="));
        let upper = code.to_uppercase();
        for wrong in [cut, changed.as_str(), padded.as_str(), upper.as_str(), "%", "%25", "%00", "*", "' or 1=1 --"] {
            let fields = [GRANT, ("code", wrong), ("redirect_uri", service.redirect_uri())];
            let secrets = [wrong, code.as_str(), &service.secret];
            refused(&world.refuses_once(service.token_with(&fields), UNKNOWN, &secrets).await, 400, "invalid_grant");
        }
        let (null, long) = ([GRANT, ("code", "a\0bcdefg")], "a".repeat(1_000_000));
        refused(&world.refuses_once(service.token_with(&null), MALFORMED, &["bcdefg"]).await, 400, "invalid_request");
        let long = [GRANT, ("code", long.as_str())];
        let answer = world.refuses_once(service.token_with(&long), MALFORMED, &["aaaaaaaa", &service.secret]).await;
        assert_eq!(answer.status, 413);
        assert_eq!(service.exchanges(&code).await.status, 200, "the code itself is untouched");
    }

    async fn b07_the_verifier_is_the_one_of_the_challenge(world) {
        let (ana, _, opened) = beginning(&world).await;
        let service = world.plain_service().await;
        let (right, wrong) = ("v".repeat(43), "w".repeat(43));
        let challenge = URL_SAFE_NO_PAD.encode(Digest::of(right.as_bytes()).as_bytes());
        let with = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
        for (asked, verifier, accepted) in [
            (&with[..], Some(right.as_str()), true),
            (&with[..], Some(wrong.as_str()), false),
            (&with[..], None, false),
            (&[], Some(right.as_str()), false),
        ] {
            let page = ana.comes_from(&service.request_with(asked)).await;
            let code = answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").unwrap();
            let mut fields = vec![GRANT, ("code", code.as_str()), ("redirect_uri", service.redirect_uri())];
            fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
            if accepted {
                let answer = service.token_with(&fields).await;
                assert_eq!(answer.status, 200, "{verifier:?} {}", answer.body);
            } else {
                let (differs, secrets) = ((Kind::UseRefused, "verifier_differs"), [right.as_str(), &wrong, &code, &service.secret]);
                refused(&world.refuses_once(service.token_with(&fields), differs, &secrets).await, 400, "invalid_grant");
            }
        }
        assert_eq!(tokens(&world), 1, "for the right verifier");
    }

    async fn b08_a_client_that_does_not_authenticate_gets_one_answer(world) {
        let (posting, basic) = (world.franceconnect_client().await, world.plain_service().await);
        let url = |base: &str| format!("{base}/token");
        let mut bodies = Vec::new();
        let id = posting.client.id.as_str();
        for (name, secret) in [(id, "wrong"), ("unknown", "wrong"), ("unknown", posting.secret.as_str()), (basic.client.id.as_str(), basic.secret.as_str())] {
            let form = [GRANT, ("code", "x"), ("client_id", name), ("client_secret", secret)];
            let answer = posting.sends(|http, base| http.post(url(base)).form(&form)).await;
            refused(&answer, 401, "invalid_client");
            assert!(answer.headers.get("www-authenticate").is_none());
            bodies.push(answer.body);
        }
        for form in [vec![GRANT, ("code", "x")], vec![GRANT, ("client_id", id)], vec![GRANT, ("client_id", id), ("client_secret", "")]] {
            refused(&posting.sends(|http, base| http.post(url(base)).form(&form)).await, 401, "invalid_client");
        }
        for (name, secret) in [(basic.client.id.as_str(), "wrong"), ("unknown", "x"), (id, posting.secret.as_str())] {
            let answer = basic.sends(|http, base| http.post(url(base)).basic_auth(name, Some(secret)).form(&[GRANT, ("code", "x")])).await;
            refused(&answer, 401, "invalid_client");
            assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
            bodies.push(answer.body);
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        let entries = world.entries(Kind::SecurityRefused).await;
        assert_eq!(entries.len(), 10);
        assert!(entries.iter().all(|entry| !entry.to_string().contains(&posting.secret)));
    }

    async fn b10_one_method_of_authentication_and_never_in_the_address(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let (id, secret) = (service.client.id.clone(), service.secret.clone());
        let form = [GRANT, ("code", &code), ("redirect_uri", service.redirect_uri()), ("client_id", &id), ("client_secret", &secret)];
        let secrets = [code.as_str(), &secret];
        let twice = service.sends(|http, base| http.post(format!("{base}/token")).basic_auth(&id, Some(&secret)).form(&form));
        refused(&world.refuses_once(twice, MALFORMED, &secrets).await, 400, "invalid_request");
        let shown = service.sends(|http, base| http.post(format!("{base}/token?client_id={id}&client_secret={secret}")).form(&form[..3]));
        refused(&world.refuses_once(shown, MALFORMED, &secrets).await, 400, "invalid_request");
        assert_eq!(service.exchanges(&code).await.status, 200);
    }

    async fn b12_no_other_grant_exists(world) {
        let service = world.franceconnect_client().await;
        for grant in ["password", "client_credentials", "refresh_token", "implicit", "urn:ietf:params:oauth:grant-type:device_code"] {
            let fields = [
                ("grant_type", grant), ("refresh_token", "junk-of-a-token"), ("username", "somebody"), ("password", "hunter2"), ("code", "x"),
            ];
            let secrets = ["junk-of-a-token", "somebody", "hunter2", &service.secret];
            let other = (Kind::SecurityRefused, "grant_type");
            refused(&world.refuses_once(service.token_with(&fields), other, &secrets).await, 400, "unsupported_grant_type");
        }
        refused(&world.refuses_once(service.token_with(&[("code", "x")]), MALFORMED, &[&service.secret]).await, 400, "invalid_request");
        assert_eq!((codes(&world), tokens(&world)), (0, 0));
    }

    async fn b12_no_refresh_token_is_given(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let answer = service.exchanges(&code).await.json();
        let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["access_token", "expires_in", "id_token", "scope", "token_type"]);
        assert_eq!((&answer["expires_in"], &answer["token_type"]), (&60.into(), &"Bearer".into()));
    }

    async fn a11_the_answer_lists_the_scopes_that_were_granted(world) {
        let (ana, service, opened) = beginning(&world).await;
        let page = ana.comes_from(&service.request_with(&[("scope", "offline_access openid admin email openid")])).await;
        let code = answered(&ana.chooses(&page, &opened.citizen, Logement).await, "code").unwrap();
        assert_eq!(service.exchanges(&code).await.json()["scope"], "openid email");
    }

    async fn b13_only_a_posted_form_without_doubles_is_read(world) {
        let (ana, service, opened) = beginning(&world).await;
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let right = [GRANT, ("code", code.as_str()), ("redirect_uri", service.redirect_uri())];
        for (name, value) in right {
            let mut twice = right.to_vec();
            twice.push((name, value));
            refused(&service.token_with(&twice).await, 400, "invalid_request");
        }
        let at = |base: &str| format!("{base}/token");
        let json = service.sends(|http, base| http.post(at(base)).header("content-type", "application/json").body("{}")).await;
        assert_eq!(json.status, 415);
        let got = service.sends(|http, base| http.get(format!("{base}/token?code={code}"))).await;
        assert_eq!(got.status, 405);
        for kind in ["multipart/form-data; boundary=x", "text/plain", ""] {
            let other = service.sends(|http, base| http.post(at(base)).header("content-type", kind).body("grant_type=authorization_code")).await;
            refused(&other, 415, "invalid_request");
        }
        assert_eq!(world.reasons(Kind::SecurityRefused).await, ["malformed_request"; 7]);
        let fine = service.exchanges(&code).await;
        assert_eq!((fine.status, &fine.headers["cache-control"]), (200, &"no-store".parse().unwrap()));
        assert!(fine.headers.get("access-control-allow-origin").is_none());
    }

    async fn b15_an_error_repeats_nothing_of_the_request(world) {
        let service = world.franceconnect_client().await;
        for fields in [
            [GRANT, ("code", "<script>'MARK")], [GRANT, ("code", "MARK' union select 1 --")], [("grant_type", "MARK"), ("code", "MARK")],
        ] {
            let answer = service.token_with(&fields).await;
            assert_eq!(answer.status, 400);
            let body = answer.body.to_lowercase();
            for leak in ["mark", "select", "src/", "panicked", "sqlite", "postgres", "diesel", "error_uri"] {
                assert!(!body.contains(leak), "{leak} in {body}");
            }
        }
        assert!(world.entries(Kind::SecurityRefused).await.iter().all(|entry| !entry.to_string().contains("MARK")));
    }
}
