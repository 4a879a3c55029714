//! Signing out, asked by a client (OpenID Connect RP-Initiated Logout 1.0). It ends the connection to that client, not the mediator's
//! own session.

use url::Url;
use zeroize::Zeroizing;

use super::Provider;
use super::error::ProtocolError;
use super::hint::Shown;
use super::params::Params;
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::id::FlowId;
use crate::store::{Db, Error, clients, grants};

/// What comes of a request to sign out.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// Back to the client at once: FranceConnect ends its own session only when the browser comes back.
    Return(Url),
    /// Done, and nowhere to go back to.
    Done,
    /// No hint: the person is asked.
    Ask,
    /// Refused, with a word for the log: a page, and nothing is ended.
    Refuse(&'static str),
}

/// The audience of a token that is not verified yet: it only says whose key to verify it with.
fn claimed_audience(token: &str) -> Option<String> {
    use base64::Engine;
    let payload = token.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    value.get("aud")?.as_str().map(str::to_owned)
}

type Secrets = Vec<Zeroizing<Vec<u8>>>;

fn known(db: &mut Db<'_>, id: &str, now: Instant) -> Result<Option<(Client, Secrets)>, Error> {
    let Some(client) = clients::find(db, id)? else { return Ok(None) };
    let secrets = clients::secrets(db, id, now)?;
    Ok(Some((client, secrets)))
}

impl Provider {
    pub(super) fn read_hint(&self, client: &Client, secrets: &Secrets, token: &str) -> Option<Shown> {
        let read = |secret: &Zeroizing<Vec<u8>>| {
            self.keys.read_hint(token, client.algorithm, secret, &self.issuer, &client.id)
        };
        secrets.iter().find_map(read)
    }

    /// Decides what comes of a request to sign out, and ends what the hint names.
    ///
    /// # Errors
    /// The database.
    pub async fn end_session(&self, params: &Params) -> Result<Decision, ProtocolError> {
        if params.any_duplicated() {
            return Ok(Decision::Refuse("duplicated"));
        }
        let one = |name| params.one(name).ok().flatten();
        let (hint, target) = (one("id_token_hint"), one("post_logout_redirect_uri"));
        let Some(hint) = hint else {
            // Without a hint nobody is known: no redirect, and the person decides.
            return Ok(if target.is_some() { Decision::Refuse("target_without_hint") } else { Decision::Ask });
        };
        let Some(audience) = claimed_audience(hint) else { return Ok(Decision::Refuse("hint")) };
        if one("client_id").is_some_and(|id| id != audience) {
            return Ok(Decision::Refuse("client"));
        }
        let now = self.clock.now();
        let found = self.store.read(move |db| known(db, &audience, now).map_err(ProtocolError::from)).await?;
        let Some((client, secrets)) = found else { return Ok(Decision::Refuse("client")) };
        let Some(read) = self.read_hint(&client, &secrets, hint) else { return Ok(Decision::Refuse("hint")) };
        let decision = match target {
            None => Decision::Done,
            Some(target) if client.logout_uris.iter().any(|known| known == target) => match Url::parse(target) {
                Ok(url) => Decision::Return(with_state(url, one("state"))),
                Err(_) => Decision::Refuse("target"),
            },
            Some(_) => Decision::Refuse("target"),
        };
        if !matches!(decision, Decision::Refuse(_)) {
            self.end_connection(read).await?;
        }
        Ok(decision)
    }

    async fn end_connection(&self, hint: Shown) -> Result<(), ProtocolError> {
        let Some(flow) = hint.sid.and_then(|sid| sid.parse::<FlowId>().ok()) else { return Ok(()) };
        let now = self.clock.now();
        self.store.write(move |tx| grants::revoke(tx, &flow, now).map(drop).map_err(ProtocolError::from)).await
    }
}

fn with_state(mut url: Url, state: Option<&str>) -> Url {
    if let Some(state) = state {
        url.query_pairs_mut().append_pair("state", state);
    }
    url
}
