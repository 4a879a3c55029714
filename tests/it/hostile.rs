//! A FranceConnect that can be told to misbehave: every document and token it answers passes through a closure of the test.
//! Left alone, it answers as FranceConnect does.
mod jwe;
mod jwt;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use mandataire::clock::Clock;
use serde_json::{Value, json};

pub(crate) use jwe::{Jwe, Recipient};
pub(crate) use jwt::{Jwt, Signer, at_hash, base64url, sha256};

pub(crate) const CLIENT: &str = "mandataire-client";
pub(crate) const SECRET: &str = "a client secret of more than thirty-two characters";
pub(crate) const ACCESS_TOKEN: &str = "an-opaque-access-token-of-forty-three-chars";

/// An answer before it is sent.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
}

impl Reply {
    fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status: 200, headers, body: body.into(), delay: Duration::ZERO }
    }

    pub(crate) fn content_type(&mut self, value: &str) {
        self.headers = vec![("content-type", value.to_owned())];
    }
}

/// A request that was received.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) accept_encoding: Option<String>,
    pub(crate) body: String,
}

type Alter<T> = Box<dyn Fn(&mut T) + Send>;
/// What becomes of a signed token on its way out: which one it is, and its text.
type Seal = Box<dyn Fn(Token, String) -> String + Send>;
type Rewrite = Box<dyn Fn(&str, &mut Reply) + Send>;

/// One of the two tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Id,
    Userinfo,
}

/// Everything that a test may change, and what was seen.
struct State {
    issuer: String,
    clock: Clock,
    signer: Signer,
    nonce: String,
    claims: Value,
    discovery: Alter<Value>,
    jwks: Alter<Value>,
    token: Alter<Value>,
    id_token: Alter<Jwt>,
    userinfo: Alter<Jwt>,
    seal: Seal,
    reply: Rewrite,
    seen: Vec<Seen>,
}

/// The stub. It stops when it is dropped.
pub(crate) struct Hostile {
    pub(crate) issuer: String,
    state: Arc<Mutex<State>>,
    server: ServerHandle,
}

impl Drop for Hostile {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

macro_rules! alterations {
    ($($name:ident: $what:ty),*) => {$(
        pub(crate) fn $name(&self, alter: impl Fn(&mut $what) + Send + 'static) {
            self.state.lock().unwrap().$name = Box::new(alter);
        }
    )*};
}

impl Hostile {
    alterations!(discovery: Value, jwks: Value, token: Value, id_token: Jwt, userinfo: Jwt);

    /// On a port of its own of the loopback, signing with `signer`.
    pub(crate) fn start(clock: &Clock, signer: Signer) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let issuer = format!("http://{}/api/v2", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            issuer: issuer.clone(),
            clock: clock.clone(),
            signer,
            nonce: String::new(),
            claims: crate::relying_party::angela(),
            discovery: Box::new(|_| ()),
            jwks: Box::new(|_| ()),
            token: Box::new(|_| ()),
            id_token: Box::new(|_| ()),
            userinfo: Box::new(|_| ()),
            seal: Box::new(|_, token| token),
            reply: Box::new(|_, _| ()),
            seen: Vec::new(),
        }));
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { issuer, state, server: handle }
    }

    /// Encrypts the tokens, or some of them.
    pub(crate) fn seal(&self, seal: impl Fn(Token, String) -> String + Send + 'static) {
        self.state.lock().unwrap().seal = Box::new(seal);
    }

    /// Alters the answers themselves: the first argument is the path after the issuer.
    pub(crate) fn reply(&self, alter: impl Fn(&str, &mut Reply) + Send + 'static) {
        self.state.lock().unwrap().reply = Box::new(alter);
    }

    /// The citizen who signs in.
    pub(crate) fn citizen(&self, claims: Value) {
        self.state.lock().unwrap().claims = claims;
    }

    /// The nonce that was received at the authorization endpoint.
    pub(crate) fn nonce(&self, nonce: &str) {
        nonce.clone_into(&mut self.state.lock().unwrap().nonce);
    }

    /// Signs with another key from now on.
    pub(crate) fn rotate(&self, signer: Signer) {
        self.state.lock().unwrap().signer = signer;
    }

    pub(crate) fn signer(&self) -> Signer {
        self.state.lock().unwrap().signer.clone()
    }

    /// The requests received on a path, in order.
    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        self.state.lock().unwrap().seen.iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// How many requests were received in all.
    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().seen.len()
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, state: web::Data<Mutex<State>>) -> HttpResponse {
    let reply = {
        let mut state = state.lock().unwrap();
        let path = request.path().trim_start_matches("/api/v2").to_owned();
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        state.seen.push(Seen {
            path: path.clone(),
            authorization: header("authorization"),
            accept_encoding: header("accept-encoding"),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        let mut reply = state.honest(&path);
        (state.reply)(&path, &mut reply);
        reply
    };
    actix_web::rt::time::sleep(reply.delay).await;
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for header in reply.headers {
        response.insert_header(header);
    }
    response.body(reply.body)
}

fn document(mut value: Value, alter: &Alter<Value>) -> Reply {
    alter(&mut value);
    Reply::new("application/json; charset=utf-8", value.to_string())
}

impl State {
    fn honest(&self, path: &str) -> Reply {
        match path {
            "/.well-known/openid-configuration" => document(self.metadata(), &self.discovery),
            "/jwks" => document(json!({"keys": [self.signer.jwk("key-1")]}), &self.jwks),
            "/token" => document(self.tokens(), &self.token),
            "/userinfo" => Reply::new("application/jwt", (self.seal)(Token::Userinfo, self.userinfo().compact())),
            _ => Reply::new("text/html", "<p>?"),
        }
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/jwks"),
            "end_session_endpoint": at("/session/end"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "acr_values_supported": ["eidas1"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn tokens(&self) -> Value {
        let now = self.clock.now().timestamp();
        let mut id_token = self.jwt(json!({
            "iss": self.issuer, "aud": CLIENT, "sub": self.claims["sub"], "nonce": self.nonce, "acr": "eidas1",
            "auth_time": now, "iat": now, "exp": now + 60,
        }));
        (self.id_token)(&mut id_token);
        json!({
            "access_token": ACCESS_TOKEN, "expires_in": 60, "id_token": (self.seal)(Token::Id, id_token.compact()),
            "scope": "openid identite_pivot", "token_type": "Bearer",
        })
    }

    fn userinfo(&self) -> Jwt {
        let now = self.clock.now().timestamp();
        let mut payload = self.claims.clone();
        for (name, value) in
            [("iss", json!(self.issuer)), ("aud", json!(CLIENT)), ("iat", json!(now)), ("exp", json!(now + 60))]
        {
            payload[name] = value;
        }
        let mut userinfo = self.jwt(payload);
        (self.userinfo)(&mut userinfo);
        userinfo
    }

    fn jwt(&self, payload: Value) -> Jwt {
        let alg = if matches!(self.signer, Signer::Rs256(_)) { "RS256" } else { "ES256" };
        Jwt {
            header: json!({"alg": alg, "kid": "key-1"}),
            payload,
            header_text: None,
            payload_text: None,
            signer: self.signer.clone(),
            spelled: |text| text,
        }
    }
}
