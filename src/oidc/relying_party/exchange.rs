//! The code against the tokens (RFC 6749 §4.1.3).
//!
//! Not by the library: it reads the ID token together with the answer, leniently, and keeps neither the token's own text nor
//! the status of the answer. Both matter here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openidconnect::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use openidconnect::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use openidconnect::{HttpRequest, HttpResponse};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::{Fault, Outage, Refused, RelyingParty, Step, json};

/// The longest code that is passed on. FranceConnect's have 43 characters.
pub const LONGEST_CODE: usize = 1024;

/// What a code was worth.
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_uri: Option<String>,
}

impl RelyingParty {
    pub(super) async fn exchange(&self, code: &str, verifier: Option<&str>) -> Result<Tokens, Fault> {
        if code.is_empty() || code.len() > LONGEST_CODE {
            return Err(Refused::Code.into());
        }
        let provider = self.provider().await?;
        let endpoint = provider.metadata.token_endpoint().ok_or_else(|| missing("token_endpoint"))?;
        let mut request = Request::new(self.form(code, verifier));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint.url().as_str().parse().map_err(|_| missing("token_endpoint"))?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if self.0.settings.secret_in_header {
            request.headers_mut().insert(AUTHORIZATION, self.basic()?);
        }
        self.tokens(request).await
    }

    /// `client_secret_basic`. RFC 6749 2.3.1: name and secret are form-encoded before they are joined, so that a colon stays one.
    fn basic(&self) -> Result<HeaderValue, Fault> {
        let settings = &self.0.settings;
        let encoded = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
        let (id, secret) = (encoded(&settings.client_id), encoded(settings.client_secret.expose_secret()));
        let joined = Zeroizing::new(format!("{}:{}", *id, *secret));
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(joined.as_bytes())));
        let mut value = HeaderValue::from_str(&value).map_err(|_| missing("a name and a secret that can be sent"))?;
        // What prints headers prints this one as `Sensitive`.
        value.set_sensitive(true);
        Ok(value)
    }

    /// The secret is in it by `client_secret_post` alone: FranceConnect knows no other method for services.
    fn form(&self, code: &str, verifier: Option<&str>) -> Vec<u8> {
        let settings = &self.0.settings;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &settings.redirect_uri);
        if !settings.secret_in_header {
            form.append_pair("client_id", &settings.client_id)
                .append_pair("client_secret", settings.client_secret.expose_secret());
        }
        if let Some(verifier) = verifier {
            form.append_pair("code_verifier", verifier);
        }
        form.finish().into_bytes()
    }

    async fn tokens(&self, request: HttpRequest) -> Result<Tokens, Fault> {
        let unavailable = |cause: Outage| Fault::unavailable(Step::Token, cause);
        let response = self.0.http.send(request).await.map_err(|error| unavailable(error.into()))?;
        if !is_of_type(response.headers(), "application/json") {
            return Err(unavailable(Outage::ContentType));
        }
        if response.status() != StatusCode::OK {
            return Err(refusal(&response));
        }
        let answer: Answer = json::read(response.body()).map_err(|error| unavailable(error.into()))?;
        if !answer.token_type.is_some_and(|name| name.eq_ignore_ascii_case("Bearer")) {
            return Err(missing("the token type Bearer"));
        }
        // RFC 6750 §2.1: what may stand in an Authorization header.
        let access_token = answer
            .access_token
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| missing("an access token"))?;
        let id_token = answer.id_token.ok_or_else(|| missing("an ID token"))?;
        Ok(Tokens { access_token, id_token })
    }
}

/// RFC 6749 §5.2. FranceConnect puts its own error code and an incident number in `error_uri`: its support asks for it.
fn refusal(response: &HttpResponse) -> Fault {
    let Ok(refusal) = json::read::<Refusal>(response.body()) else {
        return Fault::unavailable(Step::Token, Outage::Status(response.status().as_u16()));
    };
    if let Some(uri) = &refusal.error_uri {
        let uri: String = uri.chars().filter(char::is_ascii_graphic).take(200).collect();
        tracing::warn!(error_uri = uri, "FranceConnect's token endpoint refused a request");
    }
    match refusal.error.as_str() {
        "invalid_grant" => Refused::Code.into(),
        "invalid_client" | "unauthorized_client" => Refused::Client.into(),
        _ => Refused::Request.into(),
    }
}

fn missing(what: &'static str) -> Fault {
    Fault::unavailable(Step::Token, Outage::Missing(what))
}

/// Whether an answer declares this media type, parameters apart.
pub(super) fn is_of_type(headers: &HeaderMap, expected: &str) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case(expected))
}
