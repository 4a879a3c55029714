//! We are a client of FranceConnect: what we ask, whom we recognise, and what we remember of the platform.
mod callback;
mod down;
mod encryption;
mod endpoints;
mod jose;
mod keys;
mod limits;
mod platform;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use mandataire::clock::{Clock, Random};
use mandataire::domain::citizen::{Gender, Identity};
use mandataire::oidc::http;
use mandataire::oidc::relying_party::{Algorithm, Callback, Fault, Identified, Patience, RelyingParty, Settings};
use serde_json::{Value, json};
use url::Url;

use crate::hostile::{ACCESS_TOKEN, CLIENT, Hostile, SECRET, Signer};

/// A citizen born in France, with a name in use.
pub(crate) fn angela() -> Value {
    json!({
        "sub": format!("{}v1", "4c".repeat(32)),
        "given_name": "Angela Claire Louise", "family_name": "DUBOIS", "preferred_username": "MARTIN",
        "birthdate": "1962-08-24", "idp_birthdate": "1962-08-24", "gender": "female",
        "birthplace": "75107", "birthcountry": "99100", "email": "angela.dubois@example.fr",
    })
}

/// The same with other claims; `null` removes one.
fn citizen(changes: Value) -> Value {
    let mut claims = angela();
    let Value::Object(changes) = changes else { return claims };
    for (name, value) in changes {
        claims[name] = value;
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

/// A stub, our client of it, and their common clock.
struct World {
    fc: Hostile,
    rp: RelyingParty,
    clock: Clock,
}

fn clock() -> Clock {
    Clock::manual(DateTime::from_timestamp(1_795_000_000, 0).unwrap())
}

fn settings(issuer: &str) -> Settings {
    Settings {
        name: "franceconnect".to_owned(),
        label: "FranceConnect".to_owned(),
        issuer: issuer.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: SECRET.into(),
        redirect_uri: "http://127.0.0.1:8080/franceconnect/callback".to_owned(),
        post_logout_redirect_uri: "http://127.0.0.1:8080/franceconnect/logged-out".to_owned(),
        scopes: ["openid", "identite_pivot", "idp_birthdate"].map(str::to_owned).to_vec(),
        acr: "eidas1".to_owned(),
        algorithm: Algorithm::Es256,
        pkce: false,
        secret_in_header: false,
        decryption: None,
        logout: true,
        // Most tests make one outage after the other.
        patience: Patience { outages: u32::MAX, ..Patience::default() },
        development: true,
    }
}

impl World {
    fn new() -> Self {
        Self::with(|_| ())
    }

    /// With other settings, and a stub that signs accordingly.
    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(change, http::TIMEOUT)
    }

    /// Waits two seconds for an answer, instead of five.
    fn impatient() -> Self {
        Self::build(|_| (), Duration::from_secs(2))
    }

    fn build(change: impl FnOnce(&mut Settings), timeout: Duration) -> Self {
        let clock = clock();
        let mut wanted = settings("");
        change(&mut wanted);
        let signer = if wanted.algorithm == Algorithm::Es256 { Signer::es256() } else { Signer::rs256() };
        let fc = Hostile::start(&clock, signer);
        wanted.issuer.clone_from(&fc.issuer);
        let http = http::Client::with_timeout(&Url::parse(&fc.issuer).unwrap(), timeout).unwrap();
        let rp = RelyingParty::with_client(wanted, clock.clone(), http).unwrap();
        Self { fc, rp, clock }
    }

    /// A whole sign-in, from the first redirect to the identity.
    async fn identify(&self) -> Result<Identified, Fault> {
        let started = self.rp.start(&Random::system()).await?;
        self.fc.nonce(&started.nonce);
        let identified = self.rp.identify(&self.callback(), &started.nonce, started.verifier.as_deref()).await;
        identified.map_err(|failed| failed.fault)
    }

    /// The same for a sign-in that must fail.
    async fn refused(&self) -> &'static str {
        self.identify().await.unwrap_err().code()
    }

    fn callback(&self) -> Callback {
        Callback { code: "a-code".to_owned(), iss: Some(self.fc.issuer.clone()) }
    }
}

async fn identity(claims: Value) -> Identity {
    let world = World::new();
    world.fc.citizen(claims);
    world.identify().await.unwrap().identity
}

#[actix_web::test]
async fn a_citizen_born_in_france_is_identified() {
    let world = World::new();
    let identified = world.identify().await.unwrap();
    assert_eq!(identified.issuer, world.fc.issuer);
    assert_eq!(identified.subject, angela()["sub"].as_str().unwrap());
    assert_eq!(identified.acr.code(), "eidas1");
    assert_eq!(identified.id_token.split('.').count(), 3);
    let identity = identified.identity;
    assert_eq!(identity.given_name, "Angela Claire Louise");
    assert_eq!(identity.family_name, "DUBOIS");
    assert_eq!(identity.preferred_username.as_deref(), Some("MARTIN"));
    assert_eq!(identity.birthdate.as_str(), "1962-08-24");
    assert_eq!(identity.gender, Gender::Female);
    assert_eq!(identity.birthplace.unwrap().as_str(), "75107");
    assert_eq!(identity.birthcountry.as_str(), "99100");
    assert_eq!(identity.email, "angela.dubois@example.fr");
}

#[actix_web::test]
async fn the_presumed_born_keep_the_birthdate_of_their_identity_provider() {
    let day = identity(citizen(json!({"birthdate": "1992-11-01", "idp_birthdate": "1992-11-00"}))).await;
    assert_eq!(day.birthdate.as_str(), "1992-11-00");
    let month = identity(citizen(json!({"birthdate": "1992-01-01", "idp_birthdate": "1992-00-00"}))).await;
    assert_eq!(month.birthdate.as_str(), "1992-00-00");
    // FranceConnect+ has no `idp_birthdate`, and leaves `birthdate` as it was.
    let plus = identity(citizen(json!({"birthdate": "1992-00-00", "idp_birthdate": null}))).await;
    assert_eq!(plus.birthdate.as_str(), "1992-00-00");
}

#[actix_web::test]
async fn people_born_abroad_have_no_birthplace() {
    for birthplace in [json!(""), json!("Québec"), Value::Null] {
        let abroad = identity(citizen(json!({"birthplace": birthplace, "birthcountry": "99401"}))).await;
        assert_eq!(abroad.birthplace, None);
        assert_eq!(abroad.birthcountry.as_str(), "99401");
    }
}

#[actix_web::test]
async fn people_born_in_corsica_keep_its_letters() {
    for place in ["2A004", "2B033"] {
        let corsican = identity(citizen(json!({"birthplace": place}))).await;
        assert_eq!(corsican.birthplace.unwrap().as_str(), place);
    }
}

#[actix_web::test]
async fn an_unspecified_gender_and_no_name_in_use_are_no_obstacle() {
    let person = identity(citizen(json!({"gender": "unspecified", "preferred_username": null}))).await;
    assert_eq!((person.gender, person.preferred_username), (Gender::Unspecified, None));
}

#[actix_web::test]
async fn names_are_kept_byte_for_byte() {
    let name = "Zoe\u{301} N\u{2019}Guye\u{302}\u{303}n \u{202e}\u{200d}\u{1f642}";
    assert_eq!(identity(citizen(json!({"given_name": name, "family_name": "NULL"}))).await.given_name, name);
}

#[actix_web::test]
async fn an_identity_with_holes_is_refused_without_a_new_attempt() {
    let holes = [
        json!({"email": null}),
        json!({"birthplace": ""}),
        json!({"birthplace": "None"}),
        json!({"birthcountry": null}),
        json!({"birthdate": null, "idp_birthdate": null}),
        json!({"idp_birthdate": "1992-00-12"}),
        json!({"gender": "F"}),
        json!({"given_name": ""}),
        json!({"family_name": "x".repeat(257)}),
    ];
    let world = World::new();
    for hole in holes {
        world.fc.citizen(citizen(hole.clone()));
        let fault = world.identify().await.unwrap_err();
        assert_eq!((fault.code(), fault.retry()), ("incomplete", false), "{hole}");
    }
}

#[actix_web::test]
async fn rs256_serves_where_it_was_registered() {
    let world = World::with(|settings| settings.algorithm = Algorithm::Rs256);
    world.identify().await.unwrap();
}

#[actix_web::test]
async fn a_higher_level_than_asked_is_welcome() {
    let world = World::with(|settings| settings.acr = "eidas2".to_owned());
    world.fc.id_token(|token| token.payload["acr"] = json!("eidas3"));
    assert_eq!(world.identify().await.unwrap().acr.code(), "eidas3");
}

fn query(url: &Url) -> BTreeMap<String, String> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let unique: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(pairs.len(), unique.len(), "a parameter is repeated in {url}");
    unique
}

#[actix_web::test]
async fn the_request_holds_franceconnects_parameters_and_no_other() {
    let world = World::new();
    let started = world.rp.start(&Random::system()).await.unwrap();
    let mut query = query(&started.url);
    let mut take = |name: &str| query.remove(name).unwrap();
    assert_eq!(take("response_type"), "code");
    assert_eq!(take("client_id"), CLIENT);
    assert_eq!(take("redirect_uri"), "http://127.0.0.1:8080/franceconnect/callback");
    assert_eq!(take("scope"), "openid identite_pivot idp_birthdate");
    assert_eq!(take("acr_values"), "eidas1");
    assert_eq!(take("prompt"), "login");
    assert_eq!(take("state"), started.state);
    assert_eq!(take("nonce"), started.nonce);
    assert!(query.is_empty(), "{query:?}");
    // FranceConnect refuses a nonce of less than 22 characters.
    assert_eq!((started.state.len(), started.nonce.len(), started.verifier), (43, 43, None));
    assert!(started.url.as_str().starts_with(&format!("{}/authorize?", world.fc.issuer)));
    let other = world.rp.start(&Random::system()).await.unwrap();
    assert!(other.state != started.state && other.nonce != started.nonce);
}

#[actix_web::test]
async fn the_secret_goes_in_the_body_and_the_access_token_in_the_header() {
    let world = World::new();
    world.identify().await.unwrap();
    let [token] = world.fc.seen("/token").try_into().ok().unwrap();
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(token.body.as_bytes()).into_owned().collect();
    let sent: Vec<&str> = form.keys().map(String::as_str).collect();
    assert_eq!(sent, ["client_id", "client_secret", "code", "grant_type", "redirect_uri"]);
    assert_eq!(form.get("client_secret").unwrap(), SECRET);
    assert_eq!((token.authorization, token.accept_encoding), (None, None));
    let [userinfo] = world.fc.seen("/userinfo").try_into().ok().unwrap();
    assert_eq!(userinfo.authorization.unwrap(), format!("Bearer {ACCESS_TOKEN}"));
}

#[actix_web::test]
async fn pkce_is_a_switch() {
    let world = World::with(|settings| settings.pkce = true);
    let started = world.rp.start(&Random::system()).await.unwrap();
    let query = query(&started.url);
    assert_eq!(query.get("code_challenge_method").unwrap(), "S256");
    world.fc.nonce(&started.nonce);
    let verifier = started.verifier.as_deref();
    let without = world.rp.identify(&world.callback(), &started.nonce, None).await.unwrap_err().fault;
    assert_eq!(without.code(), "refused_verifier");
    world.rp.identify(&world.callback(), &started.nonce, verifier).await.unwrap();
    let [token] = world.fc.seen("/token").try_into().ok().unwrap();
    assert!(token.body.ends_with(&format!("&code_verifier={}", verifier.unwrap())));
    assert_eq!(query.get("code_challenge").unwrap(), &crate::hostile::sha256(verifier.unwrap()));
}

#[actix_web::test]
async fn the_sign_out_names_the_token_however_old() {
    let world = World::new();
    let token = world.identify().await.unwrap().id_token;
    world.clock.advance(TimeDelta::days(2));
    let url = world.rp.logout_url(&token, "a state & more").await.unwrap().unwrap();
    assert!(url.as_str().starts_with(&format!("{}/session/end?", world.fc.issuer)));
    let mut query = query(&url);
    assert_eq!(query.remove("id_token_hint").unwrap(), token);
    assert_eq!(query.remove("state").unwrap(), "a state & more");
    assert_eq!(query.remove("post_logout_redirect_uri").unwrap(), "http://127.0.0.1:8080/franceconnect/logged-out");
    assert!(query.is_empty(), "{query:?}");
    assert_eq!(world.rp.logout_url("no.token", "s").await.unwrap_err().code(), "refused_form");
}

#[actix_web::test]
async fn any_thread_may_identify() {
    fn crosses_threads(_: &impl Send) {}
    let world = World::new();
    let (random, callback) = (Random::system(), world.callback());
    crosses_threads(&world.rp.start(&random));
    crosses_threads(&world.rp.identify(&callback, "a nonce", None));
    crosses_threads(&world.rp.logout_url("a token", "a state"));
}

#[actix_web::test]
async fn nothing_printed_holds_a_secret_or_a_name() {
    let world = World::new();
    let started = world.rp.start(&Random::system()).await.unwrap();
    let identified = world.identify().await.unwrap();
    let printed = format!("{started:?} {identified:?} {:?} {:?} {:?}", world.rp, world.callback(), settings("x"));
    for secret in [SECRET, "DUBOIS", "Angela", "a-code", &started.nonce, &identified.id_token, &identified.subject] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
    let failed = world.rp.identify(&world.callback(), "", None).await.unwrap_err();
    assert_eq!(format!("{failed:?}"), "Failed { fault: Refused(Nonce), .. }");
    for said in ["Started", "Identified", "eidas1", "RelyingParty", "Callback", &world.fc.issuer] {
        assert!(printed.contains(said), "{said} is not in {printed}");
    }
}
