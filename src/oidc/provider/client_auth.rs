//! Who a client is (RFC 6749 2.3.1): one method, the registered one, and a secret compared in constant time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Provider;
use super::error::ProtocolError;
use super::params::Params;
use crate::credential;
use crate::domain::client::{AuthMethod, Client};
use crate::store::clients;

/// What a client presented.
struct Credentials {
    id: String,
    secret: String,
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
    match (header, id, secret) {
        // RFC 6749 2.3: not more than one method in a request.
        (Some(_), _, Some(_)) => Err(ProtocolError::InvalidRequest),
        (Some(header), id, None) => {
            let (named, secret) = basic(header).ok_or(ProtocolError::InvalidClient { basic: true })?;
            if id.is_some_and(|id| id != named) {
                return Err(ProtocolError::InvalidRequest);
            }
            Ok(Credentials { id: named, secret, method: AuthMethod::Basic })
        }
        (None, Some(id), Some(secret)) => {
            Ok(Credentials { id: id.to_owned(), secret: secret.to_owned(), method: AuthMethod::Post })
        }
        (None, ..) => Err(ProtocolError::InvalidClient { basic: false }),
    }
}

impl Provider {
    /// Authenticates a client. Unknown client, wrong secret, wrong method: one answer, and as much work for each.
    ///
    /// # Errors
    /// It did not authenticate; the database.
    pub async fn authenticate(&self, params: &Params, header: Option<&str>) -> Result<Client, ProtocolError> {
        let Credentials { id, secret, method } = credentials(params, header)?;
        let refused = ProtocolError::InvalidClient { basic: method == AuthMethod::Basic };
        let given = credential::token_hash(&secret);
        let found = self
            .store
            .read(move |db| Ok::<_, ProtocolError>((clients::find(db, &id)?, clients::secret_hash(db, &id)?)))
            .await?;
        let expected = found.1.unwrap_or_else(|| vec![0; 32]);
        let right = credential::same(&expected, &given);
        found.0.filter(|client| right && client.auth_method == method).ok_or(refused)
    }
}
