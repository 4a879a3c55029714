//! A pretend public service, a client of the pretend FranceConnect: shows what such a service receives.

use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use askama::Template;
use chrono::TimeDelta;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded;

use super::{jws, site};
use crate::clock::{Clock, Random};

/// What people read.
pub const NAME: &str = "Caisse d'aide au logement — démonstration";

const COOKIE: &str = "public_service_session";
const SESSION: TimeDelta = TimeDelta::minutes(30);
const SCOPES: &str = "openid profile birth email idp_birthdate";

/// Everything the pretend public service is told at its start.
#[derive(Clone)]
pub struct Settings {
    /// Its own origin, without a slash at the end.
    pub origin: String,
    /// The issuer of the pretend FranceConnect.
    pub franceconnect: String,
    /// Its `client_id` there.
    pub client_id: String,
    /// Its `client_secret` there.
    pub client_secret: String,
    /// Where its present comes from.
    pub clock: Clock,
    /// Where its secrets come from.
    pub random: Random,
}

/// Where FranceConnect sends people back after sign-in: to be registered there.
#[must_use]
pub fn redirect_uri(origin: &str) -> String {
    format!("{origin}/callback")
}

/// Where FranceConnect sends people back after logout: to be registered there.
#[must_use]
pub fn logout_uri(origin: &str) -> String {
    format!("{origin}/logged-out")
}

/// Serves on a listener that is already bound.
///
/// # Errors
/// If no HTTP client can be made, or the listener cannot be used.
pub fn serve(listener: TcpListener, settings: Settings) -> std::io::Result<Server> {
    listener.set_nonblocking(true)?;
    let office = Data::new(Office { http: site::http_client()?, sessions: Mutex::default(), settings });
    let server = HttpServer::new(move || App::new().app_data(office.clone()).configure(routes))
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(server)
}

fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::get().to(home))
        .route("/site.css", web::get().to(site::style))
        .route("/sign-in", web::post().to(sign_in))
        .route("/callback", web::get().to(callback))
        .route("/account", web::get().to(account))
        .route("/identity.json", web::get().to(identity))
        .route("/sign-out", web::post().to(sign_out))
        .route("/logged-out", web::get().to(logged_out));
}

struct Office {
    settings: Settings,
    http: reqwest::Client,
    sessions: Mutex<site::Shelf<Session>>,
}

#[derive(Clone)]
enum Session {
    SigningIn { state: String, nonce: String },
    SignedIn { id_token: String, claims: Value },
    SigningOut { state: String },
}

#[derive(Template)]
#[template(path = "demo/public_service/home.html")]
struct Home;

#[derive(Template)]
#[template(path = "demo/public_service/account.html")]
struct Account<'a> {
    name: &'a str,
    claims: &'a [(&'static str, &'static str, String)],
}

#[derive(Template)]
#[template(path = "demo/public_service/notice.html")]
struct Notice<'a> {
    title: &'a str,
    message: &'a str,
}

fn notice(status: StatusCode, title: &str, message: &str) -> HttpResponse {
    site::page(status, &Notice { title, message })
}

async fn home() -> HttpResponse {
    site::page(StatusCode::OK, &Home)
}

async fn sign_in(office: Data<Office>) -> HttpResponse {
    let (settings, random) = (&office.settings, &office.settings.random);
    let (id, state, nonce) = (random.token(), random.token(), random.token());
    let target = site::with_query(
        &format!("{}/authorize", settings.franceconnect),
        &[
            ("client_id", &settings.client_id),
            ("response_type", "code"),
            ("redirect_uri", &redirect_uri(&settings.origin)),
            ("scope", SCOPES),
            ("state", &state),
            ("nonce", &nonce),
            ("acr_values", "eidas1"),
            ("prompt", "login"),
        ],
    );
    office.sessions().put(&id, Session::SigningIn { state, nonce }, settings.clock.now(), SESSION);
    let mut response = site::see_other(&target);
    match response.add_cookie(&site::session_cookie(COOKIE, id, &settings.origin)) {
        Ok(()) => response,
        Err(_) => notice(StatusCode::INTERNAL_SERVER_ERROR, "Erreur", "La session n'a pas pu être ouverte."),
    }
}

#[derive(Deserialize)]
struct Return {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

async fn callback(office: Data<Office>, request: HttpRequest, answer: Query<Return>) -> HttpResponse {
    let Some((id, Session::SigningIn { state, nonce })) = office.session(&request) else {
        return notice(StatusCode::BAD_REQUEST, "Connexion impossible", "Cette connexion n'a pas commencé ici.");
    };
    let same_state = answer.state.as_ref() == Some(&state);
    if !same_state || answer.iss.as_ref() != Some(&office.settings.franceconnect) {
        return notice(StatusCode::BAD_REQUEST, "Connexion impossible", "La réponse ne correspond pas à la demande.");
    }
    // A sign-in is answered once, whatever comes of it.
    office.sessions().take(&id, office.settings.clock.now());
    if let Some(error) = &answer.error {
        return notice(StatusCode::OK, "Connexion abandonnée", &format!("FranceConnect a répondu : {error}."));
    }
    match office.identify(answer.code.as_deref().unwrap_or_default(), &nonce).await {
        Some(session) => {
            office.sessions().put(&id, session, office.settings.clock.now(), SESSION);
            site::see_other("/account")
        }
        None => notice(StatusCode::BAD_GATEWAY, "Connexion impossible", "La réponse de FranceConnect est refusée."),
    }
}

async fn account(office: Data<Office>, request: HttpRequest) -> HttpResponse {
    let Some((_, Session::SignedIn { claims, .. })) = office.session(&request) else { return site::see_other("/") };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let shown: Vec<_> =
        CLAIMS.into_iter().filter_map(|(name, label)| Some((name, label, text(name)?.to_owned()))).collect();
    let last = text("preferred_username").or_else(|| text("family_name")).unwrap_or_default();
    let name = format!("{} {last}", text("given_name").unwrap_or_default());
    site::page(StatusCode::OK, &Account { name: &name, claims: &shown })
}

/// The claims exactly as they came, for whoever wants to compare bytes.
async fn identity(office: Data<Office>, request: HttpRequest) -> HttpResponse {
    match office.session(&request) {
        Some((_, Session::SignedIn { claims, .. })) => HttpResponse::Ok().json(claims),
        _ => HttpResponse::NotFound().json(Value::Null),
    }
}

async fn sign_out(office: Data<Office>, request: HttpRequest) -> HttpResponse {
    let Some((id, Session::SignedIn { id_token, .. })) = office.session(&request) else { return site::see_other("/") };
    let (settings, state) = (&office.settings, office.settings.random.token());
    let target = site::with_query(
        &format!("{}/session/end", settings.franceconnect),
        &[("id_token_hint", &id_token), ("post_logout_redirect_uri", &logout_uri(&settings.origin)), ("state", &state)],
    );
    office.sessions().put(&id, Session::SigningOut { state }, settings.clock.now(), SESSION);
    site::see_other(&target)
}

async fn logged_out(office: Data<Office>, request: HttpRequest, answer: Query<Return>) -> HttpResponse {
    match office.session(&request) {
        Some((id, Session::SigningOut { state })) if answer.state.as_ref() == Some(&state) => {
            office.sessions().take(&id, office.settings.clock.now());
            notice(StatusCode::OK, "Déconnexion terminée", "La session est fermée ici et chez FranceConnect.")
        }
        _ => notice(StatusCode::BAD_REQUEST, "Déconnexion", "Cette déconnexion n'a pas commencé ici."),
    }
}

/// Claims in the order of the page, with their French names.
const CLAIMS: [(&str, &str); 9] = [
    ("given_name", "Prénoms"),
    ("family_name", "Nom de naissance"),
    ("preferred_username", "Nom d'usage"),
    ("birthdate", "Date de naissance"),
    ("idp_birthdate", "Date de naissance d'origine"),
    ("gender", "Genre"),
    ("birthplace", "Commune de naissance"),
    ("birthcountry", "Pays de naissance"),
    ("email", "Adresse électronique"),
];

impl Office {
    fn sessions(&self) -> MutexGuard<'_, site::Shelf<Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn session(&self, request: &HttpRequest) -> Option<(String, Session)> {
        let id = request.cookie(COOKIE)?.value().to_owned();
        let session = self.sessions().get(&id, self.settings.clock.now())?.clone();
        Some((id, session))
    }

    /// Code to tokens, tokens to claims; every check that a careful service makes.
    async fn identify(&self, code: &str, nonce: &str) -> Option<Session> {
        let settings = &self.settings;
        let jwks = self.text(self.http.get(format!("{}/jwks", settings.franceconnect))).await?;
        let jwks = serde_json::from_str(&jwks).ok()?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &redirect_uri(&settings.origin))
            .append_pair("client_id", &settings.client_id)
            .append_pair("client_secret", &settings.client_secret)
            .finish();
        let request = self.http.post(format!("{}/token", settings.franceconnect));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let tokens: Value = serde_json::from_str(&self.text(request).await?).ok()?;
        let id_token = tokens.get("id_token")?.as_str()?;
        let subject =
            self.ours(id_token, &jwks).filter(|claims| claims.get("nonce").is_some_and(|one| one == nonce))?;
        let access_token = tokens.get("access_token")?.as_str()?;
        let request = self.http.get(format!("{}/userinfo", settings.franceconnect));
        let signed = self.text(request.header(AUTHORIZATION, format!("Bearer {access_token}"))).await?;
        let claims = self.ours(&signed, &jwks).filter(|claims| claims.get("sub") == subject.get("sub"))?;
        Some(Session::SignedIn { id_token: id_token.to_owned(), claims })
    }

    /// The claims of a token that FranceConnect signed for this service and that is still good.
    fn ours(&self, token: &str, jwks: &Value) -> Option<Value> {
        let claims = jws::verify_es256(token, jwks)?;
        let is = |name: &str, value: &str| claims.get(name).is_some_and(|claim| claim == value);
        let alive = self.settings.clock.now().timestamp() < claims.get("exp")?.as_i64()?;
        let good = is("iss", &self.settings.franceconnect) && is("aud", &self.settings.client_id) && alive;
        good.then_some(claims)
    }

    /// The body of a good answer.
    async fn text(&self, request: reqwest::RequestBuilder) -> Option<String> {
        let response = request.send().await.ok()?;
        (response.status().as_u16() == 200).then_some(response)?.text().await.ok()
    }
}
