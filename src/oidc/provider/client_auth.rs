//! Who a client is (RFC 6749 2.3.1, RFC 7523): one method, the registered one. A secret is compared in constant time; an assertion is
//! accepted once.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Provider;
use super::assertion::{ASSERTION_TYPE, claimed_client};
use super::error::ProtocolError;
use super::params::Params;
use crate::credential;
use crate::domain::client::{AuthMethod, Client};
use crate::store::clients;

/// A client that proved who it is.
pub struct Authenticated {
    /// The client.
    pub client: Client,
    /// The secret that it presented; empty if it signed instead.
    pub(super) secret: Zeroizing<Vec<u8>>,
}

/// What a client presented.
struct Credentials {
    id: String,
    /// A secret, or an assertion.
    proof: Zeroizing<String>,
    method: AuthMethod,
}

fn decoded(text: &str) -> String {
    // RFC 6749 2.3.1: both parts are form-encoded before they are joined.
    let whole = format!("x={text}");
    url::form_urlencoded::parse(whole.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id), decoded(secret)))
}

fn credentials(params: &Params, header: Option<&str>) -> Result<Credentials, ProtocolError> {
    let given = |name| params.one(name).map_err(|_| ProtocolError::InvalidRequest);
    let (id, secret) = (given("client_id")?, given("client_secret")?);
    let presented = |id: String, proof: String, method| Credentials { id, proof: Zeroizing::new(proof), method };
    match (header, secret, given("client_assertion")?) {
        (Some(header), None, None) => {
            let (named, secret) = basic(header).ok_or(ProtocolError::InvalidClient { basic: true })?;
            if id.is_some_and(|id| id != named) {
                return Err(ProtocolError::InvalidRequest);
            }
            Ok(presented(named, secret, AuthMethod::Basic))
        }
        (None, Some(secret), None) => {
            let id = id.ok_or(ProtocolError::InvalidClient { basic: false })?;
            Ok(presented(id.to_owned(), secret.to_owned(), AuthMethod::Post))
        }
        (None, None, Some(assertion)) if given("client_assertion_type")? == Some(ASSERTION_TYPE) => {
            let named = claimed_client(assertion).ok_or(ProtocolError::InvalidClient { basic: false })?;
            // RFC 7521 4.2: a `client_id` beside it must name the same client.
            if id.is_some_and(|id| id != named) {
                return Err(ProtocolError::InvalidClient { basic: false });
            }
            Ok(presented(named, assertion.to_owned(), AuthMethod::PrivateKey))
        }
        (None, None, _) => Err(ProtocolError::InvalidClient { basic: false }),
        // RFC 6749 2.3: not more than one method in a request.
        _ => Err(ProtocolError::InvalidRequest),
    }
}

impl Provider {
    /// Authenticates a client at the endpoint of this path. Unknown client, wrong secret, wrong method: one answer, and as much work
    /// for each.
    ///
    /// # Errors
    /// It did not authenticate; the database.
    pub async fn authenticate(
        &self,
        params: &Params,
        header: Option<&str>,
        path: &str,
    ) -> Result<Authenticated, ProtocolError> {
        let Credentials { id, proof, method } = credentials(params, header)?;
        let refused = ProtocolError::InvalidClient { basic: method == AuthMethod::Basic };
        let now = self.clock.now();
        let found = self.store.read(move |db| clients::with_secrets(db, &id, now).map_err(ProtocolError::from)).await?;
        if method == AuthMethod::PrivateKey {
            let client = found.map(|(client, _)| client).filter(|client| client.auth_method == method);
            let client = client.ok_or(refused)?;
            let asserted = self.is_asserted(&proof, &client, path).await?;
            return if asserted { Ok(Authenticated { client, secret: Zeroizing::default() }) } else { Err(refused) };
        }
        let given = credential::token_hash(&proof);
        let (client, expected) = found.map_or((None, vec![vec![0; 32]]), |(client, secrets)| (Some(client), secrets));
        // Each is compared, whichever is right.
        let right = expected.iter().filter(|one| credential::same(one, &given)).count() != 0;
        let client = client.filter(|client| right && client.auth_method == method).ok_or(refused)?;
        Ok(Authenticated { client, secret: Zeroizing::new(proof.as_bytes().to_vec()) })
    }
}
