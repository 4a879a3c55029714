//! A public service of a story: a registered client, and what it does at our endpoints.

use mandataire::clock::{Clock, Random};
use mandataire::demo::browser::{Browser, Page};
use mandataire::demo::franceconnect;
use mandataire::domain::client::{AuthMethod, Client, SigningAlgorithm, UserinfoFormat};
use mandataire::store::clients;
use serde_json::Value;
use url::Url;

use super::{OUR_SECRET, World};

/// How the pretend FranceConnect is set up.
pub(super) fn franceconnect_settings(
    origin: &str,
    base: &str,
    clock: &Clock,
    random: &Random,
) -> franceconnect::Settings {
    let service = |name: &str, id: &str, secret: &str, redirect: String, logout: String| franceconnect::Service {
        name: name.to_owned(),
        id: id.to_owned(),
        secret: secret.to_owned(),
        redirect_uri: redirect,
        logout_uri: logout,
        rep_scope: Vec::new(),
    };
    let (redirect, logout) = (format!("{base}/franceconnect/callback"), format!("{base}/franceconnect/logged-out"));
    franceconnect::Settings {
        origin: origin.to_owned(),
        mandataire: base.to_owned(),
        our_client: service("Mandataire", "mandataire", OUR_SECRET, redirect, logout),
        identity_provider_client: franceconnect::Credentials { id: "unused".to_owned(), secret: "u".repeat(40) },
        service_client: service(
            "Unused",
            "unused",
            &"u".repeat(40),
            format!("{base}/unused"),
            format!("{base}/unused"),
        ),
        clock: clock.clone(),
        random: random.clone(),
    }
}

/// A registered service.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) client: Client,
    pub(crate) secret: String,
    base: String,
    http: reqwest::Client,
}

/// An answer of an endpoint.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The `error` code.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

impl World {
    /// A service registered as FranceConnect is: HS256, secret in the form, JSON, nonce and state required.
    pub(crate) async fn franceconnect_client(&self) -> Service {
        self.service(SigningAlgorithm::Hs256, AuthMethod::Post, UserinfoFormat::Json, true).await
    }

    /// A service of its own, with ES256 and signed identity.
    pub(crate) async fn plain_service(&self) -> Service {
        self.service(SigningAlgorithm::Es256, AuthMethod::Basic, UserinfoFormat::Jwt, false).await
    }

    /// A registered service.
    pub(crate) async fn service(
        &self,
        algorithm: SigningAlgorithm,
        auth_method: AuthMethod,
        userinfo: UserinfoFormat,
        franceconnect: bool,
    ) -> Service {
        let id = format!("client_{:08x}", self.random.u128() & 0xffff_ffff);
        let (name, redirect_uri) = (format!("Service {id}"), format!("https://{id}.example/callback"));
        let client = Client {
            logout_uris: vec![format!("https://{id}.example/logged-out")],
            auth_method,
            algorithm,
            userinfo,
            franceconnect,
            ..Client::usual(id, name, vec![redirect_uri])
        };
        self.registered(client).await
    }

    /// A service registered with exactly these settings.
    pub(crate) async fn registered(&self, client: Client) -> Service {
        mandataire::oidc::keys::ensure(&self.app.store, client.algorithm, self.now()).await.unwrap();
        self.app.provider.keys.refresh(&self.app.store).await.unwrap();
        let (secret, now, registered) = (self.random.token(), self.now(), client.clone());
        let given = secret.clone();
        self.app.store.write(move |tx| clients::register(tx, registered.register(now), &given, now)).await.unwrap();
        let http = reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
        Service { client, secret, base: self.base.clone(), http: http.build().unwrap() }
    }
}

impl Service {
    /// The same service, which asks the node that listens there.
    pub(crate) fn at_node(&self, address: &str) -> Self {
        Self { base: address.to_owned(), ..self.clone() }
    }

    /// Its redirect URI.
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.client.redirect_uris[0]
    }

    /// The parameters of a usual request.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let pairs = [
            ("client_id", self.client.id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", self.redirect_uri()),
            ("scope", "openid profile email birth"),
            ("state", "0123456789abcdef0123456789abcdef"),
            ("nonce", "fedcba9876543210fedcba9876543210"),
            ("acr_values", "eidas1"),
            ("prompt", "login"),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }

    /// The usual request, with these parameters changed or added; an empty value removes one.
    pub(crate) fn request_with(&self, changed: &[(&str, &str)]) -> String {
        let mut parameters = self.parameters();
        for (name, value) in changed {
            parameters.retain(|(known, _)| known != name);
            if !value.is_empty() {
                parameters.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        self.request_of(&parameters)
    }

    /// A request with exactly these parameters.
    pub(crate) fn request_of(&self, parameters: &[(String, String)]) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{}/authorize?{query}", self.base)
    }

    /// The usual request.
    pub(crate) fn request(&self) -> String {
        self.request_with(&[])
    }

    /// Posts a form to an endpoint, authenticated as registered.
    pub(crate) async fn token_with(&self, fields: &[(&str, &str)]) -> Answer {
        let mut form: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut request = self.http.post(format!("{}/token", self.base));
        match self.client.auth_method {
            AuthMethod::Basic => request = request.basic_auth(&self.client.id, Some(&self.secret)),
            AuthMethod::Post => form.extend([
                ("client_id".to_owned(), self.client.id.clone()),
                ("client_secret".to_owned(), self.secret.clone()),
            ]),
            AuthMethod::PrivateKey => {}
        }
        answer(request.form(&form)).await
    }

    /// Exchanges a code.
    pub(crate) async fn exchanges(&self, code: &str) -> Answer {
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", self.redirect_uri())];
        self.token_with(&fields).await
    }

    /// Exchanges a code for an access token.
    pub(crate) async fn takes_a_token(&self, code: &str) -> String {
        access_token(&self.exchanges(code).await)
    }

    /// Asks for the identity.
    pub(crate) async fn asks_identity(&self, access_token: &str) -> Answer {
        answer(self.http.get(format!("{}/userinfo", self.base)).bearer_auth(access_token)).await
    }

    /// Any request of a machine.
    pub(crate) async fn sends(
        &self,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> Answer {
        answer(request(&self.http, &self.base)).await
    }
}

/// Sends a request and reads the answer.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.timeout(std::time::Duration::from_secs(10)).send().await.expect("the endpoint answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.text().await.unwrap_or_default() }
}

/// The claims of a signed token, unverified.
pub(crate) fn claims(token: &str) -> Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).expect("a token has three parts");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// What an answer to a redirect URI carries.
pub(crate) fn answered(page: &Page, name: &str) -> Option<String> {
    let location: Url = page.location()?;
    location.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// A browser.
pub(crate) fn browser() -> Browser {
    Browser::new().unwrap()
}

/// A token endpoint's access token.
pub(crate) fn access_token(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().unwrap().to_owned()
}
