//! The smallest provider that could be Mandataire: hands out one citizen's identity, without asking anybody.

use std::sync::Arc;

use actix_web::web::{Form, Query};
use serde_json::json;

use super::*;
use crate::demo::jws::sign_hs256;
use actix_web::{HttpRequest, HttpResponse};

/// How the next sign-in goes.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) citizen: &'static str,
    pub(super) rep_scope: Vec<&'static str>,
    pub(super) error: Option<&'static str>,
    pub(super) state: Option<&'static str>,
    pub(super) acr: &'static str,
}

#[derive(Default)]
struct Seen {
    requests: Vec<BTreeMap<String, String>>,
    used: bool,
}

#[derive(Clone)]
pub(super) struct StandIn {
    origin: String,
    clock: Clock,
    pub(super) script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Seen>>,
}

type Parameters = BTreeMap<String, String>;

impl StandIn {
    pub(super) fn new(origin: &str, clock: Clock) -> Self {
        let script = Script { citizen: "awa", rep_scope: vec!["Logement"], error: None, state: None, acr: "eidas1" };
        let script = Arc::new(Mutex::new(script));
        Self { origin: origin.to_owned(), clock, script, seen: Arc::default() }
    }

    /// The parameters of the last browser request.
    pub(super) fn last_request(&self) -> Parameters {
        self.seen.lock().unwrap().requests.last().unwrap().clone()
    }

    pub(super) fn serve(&self, listener: TcpListener) -> Server {
        listener.set_nonblocking(true).unwrap();
        let data = Data::new(self.clone());
        let routes = |app: &mut web::ServiceConfig| {
            app.route("/authorize", web::get().to(authorize))
                .route("/token", web::post().to(token))
                .route("/userinfo", web::get().to(userinfo))
                .route("/session/end", web::get().to(end));
        };
        let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(routes));
        server.workers(1).disable_signals().listen(listener).unwrap().run()
    }
}

async fn authorize(own: Data<StandIn>, query: Query<Parameters>) -> HttpResponse {
    let (script, mut seen) = (own.script.lock().unwrap().clone(), own.seen.lock().unwrap());
    let state = script.state.unwrap_or(&query["state"]);
    let result = script.error.map_or(("code", "the-code"), |error| ("error", error));
    let target = site::with_query(&query["redirect_uri"], &[result, ("state", state), ("iss", &own.origin)]);
    seen.requests.push(query.into_inner());
    seen.used = false;
    site::see_other(&target)
}

async fn token(own: Data<StandIn>, form: Form<Parameters>) -> HttpResponse {
    let (script, mut seen) = (own.script.lock().unwrap().clone(), own.seen.lock().unwrap());
    assert_eq!(form.len(), 5);
    if seen.used || form["code"] != "the-code" {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    }
    seen.used = true;
    let now = own.clock.now().timestamp();
    let claims = json!({
        "iss": own.origin, "sub": "cit", "aud": form["client_id"], "exp": now + 60, "iat": now, "auth_time": now,
        "nonce": seen.requests.last().unwrap()["nonce"], "acr": script.acr, "amr": ["pwd", "otp"],
        "rep_scope": script.rep_scope,
    });
    let id_token = sign_hs256(&claims, &form["client_secret"]);
    HttpResponse::Ok().json(json!({ "access_token": "the-token", "token_type": "Bearer", "id_token": id_token }))
}

async fn userinfo(own: Data<StandIn>, request: HttpRequest) -> HttpResponse {
    assert_eq!(request.headers().get("authorization").unwrap(), "Bearer the-token");
    let identity = citizens::find(own.script.lock().unwrap().citizen).unwrap().identity();
    HttpResponse::Ok().json(json!({
        "sub": "cit", "given_name": identity.given_name, "family_name": identity.family_name, "email": identity.email,
        "preferred_username": identity.preferred_username, "birthdate": identity.birthdate, "gender": identity.gender,
        "birthplace": identity.birthplace, "birthcountry": identity.birthcountry,
    }))
}

async fn end(own: Data<StandIn>, query: Query<Parameters>) -> HttpResponse {
    let target = site::with_query(&query["post_logout_redirect_uri"], &[("state", &query["state"])]);
    own.seen.lock().unwrap().requests.push(query.into_inner());
    site::see_other(&target)
}
