//! What a client may ask and take back: revocation (RFC 7009), introspection (RFC 7662), and how a mandate stands.

use serde_json::{Value, json};

use super::Provider;
use super::authorize::ACR;
use super::client_auth::Authenticated;
use super::error::ProtocolError;
use super::params::Params;
use super::standing::look;
use super::token::subject_for;
use crate::credential;
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::event::Kind;
use crate::domain::grant::TOKEN_LIFE;
use crate::domain::id::MandateId;
use crate::domain::mandate::{Mandate, Standing};
use crate::domain::refusal::Refusal;
use crate::store::standing::{self, InProgress};
use crate::store::{Db, Error, grants, journal, mandates, organisations, uses};

/// How a mandate stands for a service.
pub struct MandateStanding {
    /// The mandate.
    pub mandate: Mandate,
    /// Why it cannot be used at all, if it cannot.
    pub refusal: Option<Refusal>,
    /// Now.
    pub now: Instant,
}

impl Provider {
    /// Revokes what a token of this client stands for. Another client's token, or none of ours: nothing happens, and nothing is told.
    ///
    /// # Errors
    /// No token was sent; the database.
    pub async fn revoke(&self, by: &Authenticated, params: &Params) -> Result<(), ProtocolError> {
        let token = only_token(params)?;
        let (hash, now, client) = (credential::token_hash(token), self.clock.now(), by.client.id.clone());
        self.store
            .write(move |tx| {
                let grant = match grants::of_token(tx, &hash) {
                    Ok(grant) if grant.client == client && grant.revoked_at.is_none() => grant,
                    Ok(_) | Err(Error::NotFound) => return Ok(()),
                    Err(error) => return Err(error),
                };
                grants::revoke(tx, &grant.flow, now)?;
                journal::record(tx, &grant.event(Kind::TokenRevoked, now)).map(drop)
            })
            .await
            .map_err(ProtocolError::from)
    }

    /// What a token, or a mandate named by its identifier, is worth now.
    ///
    /// # Errors
    /// The client is not registered for asking, no token was sent; the database.
    pub async fn introspect(&self, by: Authenticated, params: &Params) -> Result<Value, ProtocolError> {
        if !by.client.introspects {
            return Err(ProtocolError::UnauthorizedClient);
        }
        let token = only_token(params)?;
        if let Ok(id) = token.parse::<MandateId>() {
            let standing = self.mandate_standing(&by.client, id).await?;
            return Ok(standing.map_or_else(inactive, |found| of_mandate(&found)));
        }
        let (hash, now, issuer) = (credential::token_hash(token), self.clock.now(), self.issuer.clone());
        let client = by.client;
        self.store
            .read(move |db| match standing::of_token(db, &hash, now) {
                Ok(found) => Ok(of_token(db, &found, &client, &issuer, now)),
                Err(Error::NotFound) => Ok(inactive()),
                Err(error) => Err(error.into()),
            })
            .await
    }

    /// How a mandate stands, for a service that it was used at; nothing for any other.
    ///
    /// # Errors
    /// The client is not registered for asking; the database.
    pub async fn mandate_standing(
        &self,
        client: &Client,
        id: MandateId,
    ) -> Result<Option<MandateStanding>, ProtocolError> {
        if !client.introspects {
            return Err(ProtocolError::UnauthorizedClient);
        }
        let (now, client) = (self.clock.now(), client.id.clone());
        self.store.read(move |db| stands(db, &client, &id, now).map_err(ProtocolError::from)).await
    }
}

fn only_token(params: &Params) -> Result<&str, ProtocolError> {
    if params.any_duplicated() {
        return Err(ProtocolError::InvalidRequest);
    }
    params.one("token").ok().flatten().ok_or(ProtocolError::InvalidRequest)
}

/// RFC 7662 2.2: nothing else is said of a token that is not worth anything.
fn inactive() -> Value {
    json!({ "active": false })
}

fn of_token(db: &Db<'_>, found: &InProgress, client: &Client, issuer: &str, now: Instant) -> Value {
    let InProgress { grant, subject, .. } = found;
    // Only of its own: what other services receive is none of its business.
    if grant.client != client.id || grant.spend(grant.dpop_key.as_deref(), now).is_err() {
        return inactive();
    }
    let Ok(pass) = look(found, now) else { return inactive() };
    let expires = grant.token_expires_at.unwrap_or(now);
    let mut answer = json!({
        "active": true,
        "iss": issuer,
        "aud": client.id,
        "client_id": client.id,
        "sub": subject_for(db, client, subject),
        "scope": grant.scope,
        "token_type": if grant.dpop_key.is_some() { "DPoP" } else { "Bearer" },
        "iat": (expires - TOKEN_LIFE).timestamp(),
        "exp": expires.timestamp(),
        "auth_time": grant.auth_time.timestamp(),
        "acr": ACR,
        "act": { "sub": grant.account.as_str(), "organisation": { "id": grant.organisation.as_str() } },
        "mandate": {
            "id": grant.mandate.as_str(),
            "procedure": grant.procedure.key(),
            "expires_at": pass.expires_at().timestamp(),
        },
        "rep_scope": [grant.procedure.rep_scope()],
    });
    if let (Some(key), Value::Object(members)) = (&grant.dpop_key, &mut answer) {
        members.insert("cnf".to_owned(), json!({ "jkt": key }));
    }
    answer
}

fn of_mandate(found: &MandateStanding) -> Value {
    if found.refusal.is_some() {
        return inactive();
    }
    let live: Vec<_> = found.mandate.live(found.now).map(|part| part.procedure.key()).collect();
    json!({
        "active": true,
        "mandate": { "id": found.mandate.id.as_str(), "procedures": live },
        "exp": found.mandate.expires_at.timestamp(),
    })
}

fn stands(db: &mut Db<'_>, client: &str, id: &MandateId, now: Instant) -> Result<Option<MandateStanding>, Error> {
    let Some(organisation) = uses::holder(db, id, client)? else { return Ok(None) };
    let mandate = mandates::held_by(db, &organisation, id)?;
    let organisation = organisations::find(db, &organisation)?;
    let refusal = match mandate.standing(now) {
        _ if organisation.suspended_at.is_some() => Some(Refusal::OrganisationSuspended),
        Standing::Active => None,
        Standing::Expired => Some(Refusal::MandateExpired),
        Standing::Ended(_) => Some(Refusal::AuthorisationEnded),
    };
    Ok(Some(MandateStanding { mandate, refusal, now }))
}
