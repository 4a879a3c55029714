//! An ID token of ours that a client shows again (`id_token_hint`, OpenID Connect Core 3.1.2.1): whom the request is about.

use serde::Deserialize;

use super::Provider;
use super::error::ProtocolError;
use super::params::Params;
use crate::domain::client::Client;
use crate::domain::id::{CitizenId, FlowId};
use crate::store::{Error, clients, grants};

/// What the token of a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// There is none.
    Absent,
    /// We did not sign it for this client.
    NotOurs,
    /// It is ours, and nothing is known of its sign-in any more.
    Forgotten,
    /// It is about a citizen.
    About {
        /// Who was signed in.
        citizen: CitizenId,
        /// The sign-in in which the mediator chose them.
        choice: FlowId,
    },
}

impl Hint {
    /// The sign-in in which the mediator chose, if the token says one.
    #[must_use]
    pub fn choice(&self) -> Option<FlowId> {
        match self {
            Self::About { choice, .. } => Some(choice.clone()),
            _ => None,
        }
    }
}

/// What is read in the token.
#[derive(Deserialize)]
pub(super) struct Shown {
    /// The sign-in that it was given in.
    pub(super) sid: Option<String>,
}

impl Provider {
    /// What the token of a request says, expired or not.
    ///
    /// # Errors
    /// The database.
    pub async fn hint(&self, client: &Client, params: &Params) -> Result<Hint, ProtocolError> {
        let Ok(Some(token)) = params.one("id_token_hint") else { return Ok(Hint::Absent) };
        let (id, now) = (client.id.clone(), self.clock.now());
        let secrets = self.store.read(move |db| clients::secrets(db, &id, now).map_err(ProtocolError::from)).await?;
        let Some(shown) = self.read_hint(client, &secrets, token) else { return Ok(Hint::NotOurs) };
        let Some(flow) = shown.sid.and_then(|sid| sid.parse::<FlowId>().ok()) else { return Ok(Hint::NotOurs) };
        self.store
            .read(move |db| match grants::of_flow(db, &flow) {
                Ok(grant) => Ok(Hint::About { citizen: grant.citizen, choice: grant.repeats.unwrap_or(flow) }),
                Err(Error::NotFound) => Ok(Hint::Forgotten),
                Err(error) => Err(ProtocolError::from(error)),
            })
            .await
    }
}
