//! One thing asked for many times at the same moment: it is given once.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::rt::spawn;
use mandataire::domain::client::{self, AuthMethod, UserinfoFormat};
use mandataire::domain::digest::Digest;
use reqwest::header::{CONTENT_TYPE, COOKIE};
use reqwest::{Client, RequestBuilder};

use crate::clerk::{Journey, browser, form, page, send};
use crate::database::Database;
use crate::office::{Case, Office};
use crate::serve::Serve;
use crate::verify;

/// Submissions of one code of an authenticator.
const CODES: usize = 200;
/// Submissions of everything else.
const MANY: usize = 100;
/// Readings at once that open every connection.
const WAKING: usize = 48;
/// Mediators whose codes and links are sent at once, one after the other: a single attempt may be lucky.
const MEDIATORS: usize = 25;
/// Submissions for every mediator but the first: as many as there are connections, so that they meet in the database and not before.
const MEETING: usize = 8;
/// The secret of a browser: any 43 characters of the right form.
const BROWSER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
/// Where a public service of its own receives codes.
const CALLBACK: &str = "https://service.example/callback";

/// Sends all requests at the same moment: how often each status and target came. Whoever is told 503 was not served.
async fn at_once(requests: Vec<RequestBuilder>) -> BTreeMap<(u16, String), usize> {
    let sent: Vec<_> = requests.into_iter().map(|request| spawn(send(request))).collect();
    let mut answers = BTreeMap::new();
    for one in sent {
        let kind = match one.await.unwrap() {
            Ok(answer) => (answer.status, answer.location),
            Err(trouble) => (503, format!("{trouble:?}")),
        };
        *answers.entry(kind).or_default() += 1;
    }
    eprintln!("{answers:?}");
    answers
}

/// A service whose connections to its database are all open, and a browser with connections to it: the first of many requests would
/// otherwise be done before the others came.
async fn awake(database: &Database, office: &Office) -> (Serve, Client) {
    let (serve, case, http) = (Serve::start(&database.url).await, office.prepares(1).await.remove(0), browser());
    for _ in 0..2 {
        at_once((0..WAKING).map(|_| page(&http, &serve.base, &case, "/home")).collect()).await;
    }
    (serve, http)
}

/// A link and a code, sent from the browser that asked for the link.
fn link(http: &Client, base: &str, token: &str, secret: &str, code: &str) -> RequestBuilder {
    let csrf = Digest::of(format!("csrf {secret}").as_bytes()).to_string();
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    http.post(format!("{base}/sign-in/link"))
        .header(COOKIE, format!("mandataire-browser={secret}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.extend_pairs([("csrf", csrf.as_str()), ("token", token), ("code", code)]).finish())
}

/// How many answers had a status and a target.
fn how_many(answers: &BTreeMap<(u16, String), usize>, status: u16, target: &str) -> usize {
    answers.get(&(status, target.to_owned())).copied().unwrap_or_default()
}

/// Nothing but this status and the one success. 503 is for those who waited too long for their turn: nothing was decided about them.
fn otherwise(answers: &BTreeMap<(u16, String), usize>, refused: u16) {
    let other = answers.keys().filter(|(status, _)| !matches!(status, 200 | 303 | 503) && *status != refused);
    assert_eq!(other.count(), 0, "{answers:?}");
    let (all, unserved) = (answers.values().sum::<usize>(), answers.iter().filter(|((status, _), _)| *status == 503));
    let unserved: usize = unserved.map(|(_, count)| count).sum();
    assert!(2 * unserved < all - 1, "most of those who came second learned why: {answers:?}");
}

/// An entry of the journal, counted.
fn entries(kind: &str, actor: &Case) -> String {
    format!("select count(*) from journal_entries where kind = '{kind}' and actor = '{}'", actor.account)
}

/// An opening that is over, and its mandate stays open.
async fn opened(serve: &Serve, office: &Office) -> Journey {
    let mut journey = Journey::of(Case { ends: false, ..office.prepares(1).await.remove(0) });
    while !journey.is_over() {
        journey.goes_on(&browser(), &serve.base).await.expect("it works");
    }
    journey
}

on_each_backend! {
    async fn one_code_of_an_authenticator_is_accepted_once(database) {
        let office = Office::new(&database.location).await;
        let (serve, http) = awake(&database, &office).await;
        for (at, here) in office.prepares(MEDIATORS).await.into_iter().enumerate() {
            let many = if at == 0 { CODES } else { MEETING };
            let (there, code) = (office.elsewhere(&here).await, here.code());
            // Two sessions of one mediator, one code.
            let both = [&here, &there].into_iter().cycle().take(many);
            let submit = |case| form(&http, &serve.base, case, "/code", &[("code", &code)]);
            let answers = at_once(both.map(submit).collect()).await;
            assert_eq!(how_many(&answers, 303, "/home"), 1, "{answers:?}");
            otherwise(&answers, 422);
            assert_eq!(database.number(&entries("code_accepted", &here)), 1);
            assert_eq!(database.number(&entries("factor_locked", &here)), 0, "it was the right code");
        }
    }

    async fn one_link_signs_in_once(database) {
        let office = Office::new(&database.location).await;
        let (serve, http) = awake(&database, &office).await;
        for (at, case) in office.prepares(MEDIATORS).await.into_iter().enumerate() {
            let many = if at == 0 { MANY } else { MEETING };
            let ((token, secret), code) = (office.link(&case).await, case.code());
            let enter = || link(&http, &serve.base, &token, &secret, &code);
            let answers = at_once(std::iter::repeat_with(enter).take(many).collect()).await;
            assert_eq!(how_many(&answers, 303, "/home"), 1, "{answers:?}");
            otherwise(&answers, 422);
            assert_eq!(database.number(&entries("signed_in", &case)), 1);
            // The one that was there before, and the new one.
            let sessions = format!("select count(*) from sessions where account = '{}'", case.account);
            assert_eq!(database.number(&sessions), 2);
        }
    }

    async fn one_draft_becomes_one_mandate(database) {
        let office = Office::new(&database.location).await;
        let (serve, http) = awake(&database, &office).await;
        let mut journey = Journey::of(Case { ends: false, ..office.prepares(1).await.remove(0) });
        journey.goes_on(&http, &serve.base).await.expect("the citizen agrees");
        let requests = (0..MANY).map(|_| journey.confirmation(&http, &serve.base)).collect();
        let answers = at_once(requests).await;
        let mandates = answers.keys().filter(|(status, _)| *status == 303);
        assert_eq!(mandates.count(), 1, "everybody is told of the same mandate: {answers:?}");
        otherwise(&answers, 303);
        journey.confirms(&http, &serve.base).await.expect("and so is who asks later");
        verify::holds(&database, &office, &[journey]).await;
    }

    async fn one_authorisation_code_gives_one_token(database) {
        let office = Office::new(&database.location).await;
        let client = client::Client {
            auth_method: AuthMethod::Basic,
            userinfo: UserinfoFormat::Jwt,
            ..client::Client::usual("service".to_owned(), "Service".to_owned(), vec![CALLBACK.to_owned()])
        };
        let secret = office.registers(&client).await;
        let (serve, http) = awake(&database, &office).await;
        let journey = opened(&serve, &office).await;
        let code = code_for(&serve, &journey, &database.texts("select id as value from citizens")[0]).await;
        let exchange = || {
            let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
            http.post(format!("{}/token", serve.base)).basic_auth("service", Some(&secret)).form(&fields)
        };
        let answers = at_once(std::iter::repeat_with(exchange).take(MANY).collect()).await;
        assert_eq!(how_many(&answers, 200, ""), 1, "{answers:?}");
        otherwise(&answers, 400);
        assert_eq!(database.number("select count(*) from grants where token_hash is not null"), 1);
        // Whoever brings a code twice may have stolen it: what it gave is dead.
        assert_eq!(database.number("select count(*) from grants where revoked_at is null"), 0);
    }
}

/// Comes from the service, chooses the citizen and a procedure: the code.
async fn code_for(serve: &Serve, journey: &Journey, citizen: &str) -> String {
    let (http, case) = (browser(), &journey.case);
    let with_cookies = |request: RequestBuilder| {
        let cookies = format!("mandataire-session={}; mandataire-browser={BROWSER}", case.cookie);
        let (client, request) = request.build_split();
        let mut request = request.expect("a request");
        request.headers_mut().insert(COOKIE, cookies.parse().unwrap());
        RequestBuilder::from_parts(client, request)
    };
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("client_id", "service"), ("response_type", "code"), ("redirect_uri", CALLBACK)])
        .extend_pairs([("scope", "openid profile"), ("state", "a-state-of-the-service"), ("nonce", "a-nonce")])
        .finish();
    let asked = send(with_cookies(page(&http, &serve.base, case, &format!("/authorize?{query}")))).await;
    let asked = asked.expect("the service is heard");
    assert!(asked.location.starts_with("/provider/"), "{asked:?}");
    let path = format!("{}/citizens/{citizen}", asked.location);
    let chosen = form(&http, &serve.base, case, &path, &[("procedure", "logement")]);
    let chosen = send(with_cookies(chosen.timeout(Duration::from_secs(10)))).await.expect("a choice is heard");
    let target = url::Url::parse(&chosen.location).unwrap_or_else(|_| panic!("a code: {chosen:?}"));
    let code = target.query_pairs().find(|(name, _)| name == "code").map(|(_, value)| value.into_owned());
    code.unwrap_or_else(|| panic!("a code: {target}"))
}
