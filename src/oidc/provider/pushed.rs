//! Authorisation requests sent ahead by the client itself (RFC 9126): checked before the browser comes, which then brings only a name.

use chrono::TimeDelta;
use url::form_urlencoded::Serializer;

use super::Provider;
use super::authorize::{self, Around, Rejection};
use super::client_auth::Authenticated;
use super::error::ProtocolError;
use super::params::Params;
use crate::credential;
use crate::domain::client::Client;
use crate::domain::id::FlowId;
use crate::store::{Error, pushed};

/// What every name begins with (RFC 9126 2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// How long the browser may take to bring it.
pub const LIFE: TimeDelta = TimeDelta::seconds(60);
/// What authenticates the client, and is no part of its request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

impl Provider {
    /// Checks and keeps a request; answers its name.
    ///
    /// # Errors
    /// The request is refused; the database.
    pub async fn push(
        &self,
        by: &Authenticated,
        params: &Params,
        proof: Option<&str>,
    ) -> Result<String, ProtocolError> {
        let mut request = params.without(&CREDENTIALS);
        if !matches!(request.one("request_uri"), Ok(None)) {
            return Err(ProtocolError::InvalidRequest);
        }
        if let Some(key) = proof {
            // RFC 9449 10.1: a proof says the same as `dpop_jkt`, and they must agree.
            match request.one("dpop_jkt") {
                Ok(None) => request = request.with("dpop_jkt", key),
                Ok(Some(named)) if named == key => {}
                _ => return Err(ProtocolError::InvalidProof),
            }
        }
        self.check_pushed(&by.client, &request).await?;
        let (token, now, client) = (self.random.token(), self.clock.now(), by.client.id.clone());
        let hash = credential::token_hash(&token);
        let text = request.text();
        self.store
            .write(move |tx| pushed::keep(tx, &hash, &client, &text, now + LIFE).map_err(ProtocolError::from))
            .await?;
        Ok(format!("{PREFIX}{token}"))
    }

    /// The same checks as when a browser brings it, except who is signed in there.
    async fn check_pushed(&self, client: &Client, request: &Params) -> Result<(), ProtocolError> {
        if request.one("client_id") != Ok(Some(client.id.as_str())) {
            return Err(ProtocolError::InvalidRequest);
        }
        let hint = self.hint(client, request).await?;
        let now = self.clock.now();
        let id = FlowId::new(now, self.random.u128());
        let around = Around { browser: [0; 32], signed_in: true, id, now, hint: &hint, pushed: true };
        match authorize::check(request, client, around) {
            Ok(_) => Ok(()),
            Err(Rejection::Page(_)) => Err(ProtocolError::InvalidRequest),
            Err(Rejection::Redirect { error, .. }) => Err(ProtocolError::Pushed(error)),
        }
    }

    /// The request behind a name that a browser brings, taken for good; nothing if the browser brings a whole request.
    ///
    /// # Errors
    /// The name is unknown, too old, taken before or another client's: a page, because nothing of it can be believed. The database.
    pub async fn pushed(&self, client: &Client, params: &Params) -> Result<Result<Option<Params>, Rejection>, Error> {
        let Ok(Some(name)) = params.one("request_uri") else { return Ok(Ok(None)) };
        let Some(token) = name.strip_prefix(PREFIX) else { return Ok(Ok(None)) };
        let (hash, now, client) = (credential::token_hash(token), self.clock.now(), client.id.clone());
        let request = self.store.write(move |tx| {
            let request = pushed::find(tx, &hash, &client, now)?;
            if pushed::take(tx, &hash)? { Ok(request) } else { Err(Error::NotFound) }
        });
        match request.await {
            Ok(request) => Ok(Ok(Params::parse(&request))),
            Err(Error::NotFound) => Ok(Err(Rejection::Page("request_uri"))),
            Err(error) => Err(error),
        }
    }
}

impl Params {
    fn without(&self, names: &[&str]) -> Self {
        Self(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).cloned().collect())
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    fn text(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
