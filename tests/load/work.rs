//! What is measured: opening a mandate, using one, looking at pages. Each as a browser does it, request by request.

use std::sync::Arc;

use mandataire::domain::event::Kind;

use crate::generate::{CLIENT, CLIENT_SECRET, REDIRECT};
use crate::http::{Connection, Outcome, expect};
use crate::inquire;
use crate::measure::Operation;
use crate::people;
use crate::seats::Seats;
use crate::stub;

/// From the form to the open mandate: seven requests of the browser, two of the service to FranceConnect.
pub(crate) fn open(seats: &Arc<Seats>, issuer: &str) -> Arc<Operation> {
    let (seats, issuer) = (seats.clone(), issuer.to_owned());
    Arc::new(move |_, browser| opened(&seats, &issuer, browser))
}

fn opened(seats: &Seats, issuer: &str, browser: &mut Connection) -> Outcome<()> {
    let seat = seats.next();
    let (cookies, csrf) = (seat.cookies.as_str(), ("csrf", seat.csrf.as_str()));
    expect(200, browser.get("/mandates/new", cookies)?, "the form")?;
    let form = [csrf, ("procedures", "logement"), ("procedures", "argent"), ("term", "month")];
    let gone = expect(303, browser.post("/mandates/drafts", cookies, &form)?, "the form sent")?;
    let code = stub::code(gone.parameter("nonce")?, seats.newcomer());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", code.as_str()), ("state", gone.parameter("state")?), ("iss", issuer)])
        .finish();
    let back = browser.get(&format!("/franceconnect/callback?{query}"), cookies)?;
    let back = expect(303, back, "the callback")?;
    let out = format!("/franceconnect/logged-out?state={}", back.parameter("state")?);
    let agreement = expect(303, browser.get(&out, cookies)?, "the sign-out")?;
    let page = expect(200, browser.get(agreement.path(), cookies)?, "the agreement")?;
    let shown = page.hidden("shown")?;
    let answer = [csrf, ("language", "fr"), ("shown", shown), ("unprotected", "yes"), ("decision", "agree")];
    let recap = expect(303, browser.post(agreement.path(), cookies, &answer)?, "the answer")?;
    expect(200, browser.get(recap.path(), cookies)?, "the recap")?;
    let code = seat.code()?;
    let confirmation = [csrf, ("in_front", "yes"), ("informed", "yes"), ("code", code.as_str())];
    expect(303, browser.post(recap.path(), cookies, &confirmation)?, "the confirmation").map(drop)
}

/// A service at which mandates are used.
pub(crate) struct Party {
    pub(crate) id: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) redirect: &'static str,
    /// Whether its secret travels in a header.
    pub(crate) basic: bool,
}

/// FranceConnect, as it uses us: HS256, with the secret in the form.
pub(crate) const FRANCECONNECT: Party = Party { id: CLIENT, secret: CLIENT_SECRET, redirect: REDIRECT, basic: false };

/// From the request of a public service to the identity it receives: six requests.
pub(crate) fn exercise(seats: &Arc<Seats>) -> Arc<Operation> {
    let seats = seats.clone();
    Arc::new(move |_, browser| exercised(&seats, &FRANCECONNECT, browser, &mut |_| Ok(())).map(drop))
}

/// A use; `done` is called after each request, with its name. Answers the ID token.
pub(crate) fn exercised(
    seats: &Seats,
    party: &Party,
    browser: &mut Connection,
    done: &mut dyn FnMut(&'static str) -> Outcome<()>,
) -> Outcome<String> {
    let seat = seats.next();
    let live = seats.live_of(seat)?;
    let cookies = seat.cookies.as_str();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", party.id),
            ("response_type", "code"),
            ("redirect_uri", party.redirect),
            ("scope", "openid profile email birth"),
            ("state", "0123456789abcdef0123456789abcdef"),
            ("nonce", "fedcba9876543210fedcba9876543210"),
            ("acr_values", "eidas1"),
        ])
        // Any other service than FranceConnect would get a new code, which works once in thirty seconds.
        .extend_pairs((!party.basic).then_some(("prompt", "login")))
        .finish();
    let flow = expect(303, browser.get(&format!("/authorize?{query}"), cookies)?, "the request")?;
    done("GET /authorize")?;
    expect(200, browser.get(flow.path(), cookies)?, "the citizens")?;
    done("GET /provider/{flow}")?;
    let choice = format!("{}/citizens/{}", flow.path(), live.citizen);
    expect(200, browser.get(&choice, cookies)?, "the procedures")?;
    done("GET /provider/{flow}/citizens/{citizen}")?;
    let form = [("csrf", seat.csrf.as_str()), ("procedure", live.procedure)];
    let chosen = expect(303, browser.post(&choice, cookies, &form)?, "the choice")?;
    done("POST /provider/{flow}/citizens/{citizen}")?;
    let mut exchange = vec![
        ("grant_type", "authorization_code"),
        ("code", chosen.parameter("code")?),
        ("redirect_uri", party.redirect),
    ];
    if !party.basic {
        exchange.extend([("client_id", party.id), ("client_secret", party.secret)]);
    }
    let tokens = expect(200, browser.post("/token", &inquire::authorization(party), &exchange)?, "the token")?;
    done("POST /token")?;
    let tokens: serde_json::Value = serde_json::from_slice(&tokens.body).map_err(|error| error.to_string())?;
    let text = |name: &str| tokens[name].as_str().ok_or_else(|| format!("no {name}"));
    let bearer = format!("authorization: Bearer {}\r\n", text("access_token")?);
    let identity = expect(200, browser.get("/userinfo", &bearer)?, "the identity")?;
    done("GET /userinfo")?;
    if !identity.text().contains("\"birthdate\"") {
        return Err("no identity".to_owned());
    }
    Ok(text("id_token")?.to_owned())
}

/// A page that its thread asks for again and again.
fn page(
    seats: &Arc<Seats>,
    address: impl Fn(&Seats, usize) -> Outcome<String> + Send + Sync + 'static,
) -> Arc<Operation> {
    let seats = seats.clone();
    Arc::new(move |thread, browser| {
        let path = address(&seats, thread)?;
        let reader = if path.starts_with("/journal") { &seats.auditor } else { seats.of_thread(thread) };
        expect(200, browser.get(&path, &reader.cookies)?, &path).map(drop)
    })
}

/// The pages, with their names in the table.
pub(crate) fn pages(seats: &Arc<Seats>) -> Vec<(&'static str, Arc<Operation>)> {
    let citizen = |seats: &Seats, thread: usize| {
        // All of the organisation's, one after the other.
        seats.next();
        Ok(format!("/citizens/{}", seats.live_of(seats.of_thread(thread))?.citizen))
    };
    let search = |seats: &Seats, thread: usize| {
        let (place, kind) = (people::organisation(thread % seats.live.len()), Kind::MandateOpened.code());
        Ok(format!("/journal?organisation={place}&kind={kind}"))
    };
    vec![
        ("home", page(seats, |_, _| Ok("/home".to_owned()))),
        ("citizens", page(seats, |_, _| Ok("/citizens".to_owned()))),
        ("citizen", page(seats, citizen)),
        ("journal search", page(seats, search)),
    ]
}

/// Any page of nothing but bytes.
pub(crate) fn bare() -> Arc<Operation> {
    Arc::new(|_, browser| expect(200, browser.get("/", "")?, "the bare page").map(drop))
}
