//! FranceConnect, in this process: it vouches for whomever the code names. The load plays the citizen's browser there.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::web::{Data, Form};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::people;

/// Our name there.
pub(crate) const CLIENT: &str = "mandataire";
/// Our secret there.
pub(crate) const SECRET: &str = "rQQhYcY9PcaFjDYKFOULLjN2VyNQYNG-dBe_XdqUeJk";

struct Stub {
    issuer: String,
    key: EcdsaKeyPair,
}

#[derive(serde::Deserialize)]
struct Exchange {
    code: String,
}

impl Stub {
    fn sign(&self, mut claims: Value) -> String {
        let now = chrono::Utc::now().timestamp();
        let common = json!({ "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60 });
        for (name, value) in common.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let header = json!({ "alg": "ES256", "kid": "stub" });
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("it signs");
        format!("{signed}.{}", encode(signature))
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The code that brings back a citizen, for the sign-in that has this nonce.
pub(crate) fn code(nonce: &str, citizen: usize) -> String {
    format!("{nonce}.{citizen}")
}

/// Starts it in a thread of its own; answers its issuer.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let issuer = format!("http://{}/api/v2", listener.local_addr().expect("an address"));
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let stub = Data::from(Arc::new(Stub { issuer: issuer.clone(), key }));
    std::thread::spawn(move || {
        let make = move || {
            App::new()
                .app_data(stub.clone())
                .route("/api/v2/.well-known/openid-configuration", web::get().to(discovery))
                .route("/api/v2/jwks", web::get().to(keys))
                .route("/api/v2/token", web::post().to(token))
                .route("/api/v2/userinfo", web::get().to(userinfo))
        };
        let server = HttpServer::new(make).workers(1).listen(listener).expect("it listens").run();
        actix_web::rt::System::new().block_on(server)
    });
    issuer
}

async fn discovery(stub: Data<Stub>) -> HttpResponse {
    let at = |path: &str| format!("{}/{path}", stub.issuer);
    HttpResponse::Ok().json(json!({
        "issuer": stub.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "end_session_endpoint": at("session/end"),
        "jwks_uri": at("jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "userinfo_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(stub: Data<Stub>) -> HttpResponse {
    // Uncompressed point: 0x04, then X and Y of 32 bytes each.
    let point = stub.key.public_key().as_ref();
    let (x, y) = (encode(&point[1..33]), encode(&point[33..65]));
    let key = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "stub", "x": x, "y": y });
    HttpResponse::Ok().json(json!({ "keys": [key] }))
}

async fn token(stub: Data<Stub>, exchange: Form<Exchange>) -> HttpResponse {
    let Some((nonce, Ok(citizen))) = exchange.code.split_once('.').map(|(nonce, text)| (nonce, text.parse())) else {
        return HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" }));
    };
    let id_token = stub.sign(json!({ "sub": people::subject(citizen), "nonce": nonce, "acr": "eidas1" }));
    let answer = json!({
        "access_token": citizen.to_string(), "token_type": "Bearer", "expires_in": 60, "id_token": id_token,
    });
    HttpResponse::Ok().json(answer)
}

async fn userinfo(stub: Data<Stub>, request: HttpRequest) -> HttpResponse {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(Ok(citizen)) = header.strip_prefix("Bearer ").map(str::parse) else {
        return HttpResponse::Unauthorized().finish();
    };
    let person = people::claims(citizen);
    let signed = stub.sign(json!({
        "sub": people::subject(citizen),
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birthdate": person.birthdate,
        "gender": person.gender,
        "birthplace": person.birthplace,
        "birthcountry": person.birthcountry,
        "email": person.email,
    }));
    HttpResponse::Ok().content_type("application/jwt").body(signed)
}
