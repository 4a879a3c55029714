//! What a client may ask and take back: revocation (RFC 7009), introspection (RFC 7662), and how a mandate stands.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Provider;
use super::client_auth::Authenticated;
use super::error::ProtocolError;
use super::params::Params;
use super::standing::look;
use super::token::{agreement, subject_for};
use crate::credential;
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::event::Kind;
use crate::domain::grant::TOKEN_LIFE;
use crate::domain::id::MandateId;
use crate::domain::mandate::{Mandate, Standing};
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::store::standing::{self, InProgress};
use crate::store::{Db, Error, grants, journal, mandates, organisations, sessions, uses};

/// How a mandate stands for a service.
pub struct MandateStanding {
    /// The mandate.
    pub mandate: Mandate,
    /// The procedures for which it was used at this service, and whether each still stands: what else was agreed is none of its business.
    pub procedures: BTreeMap<Procedure, bool>,
    /// Why it cannot be used there at all, if it cannot.
    pub refusal: Option<Refusal>,
}

impl Provider {
    /// Revokes what a token of this client stands for.
    ///
    /// # Errors
    /// No token was sent, or [`ProtocolError::UnknownToken`]: another client's, or none of ours, of which nothing is told; the database.
    pub async fn revoke(&self, by: &Authenticated, params: &Params) -> Result<(), ProtocolError> {
        let token = only_token(params)?;
        let (hash, now, client) = (credential::token_hash(token), self.clock.now(), by.client.id.clone());
        self.store
            .write(move |tx| {
                let grant = match grants::of_token(tx, &hash) {
                    Ok(grant) if grant.client == client => grant,
                    Ok(_) | Err(Error::NotFound) => return Err(ProtocolError::UnknownToken),
                    Err(error) => return Err(error.into()),
                };
                if grants::revoke(tx, &grant.flow, now)? {
                    journal::record(tx, &grant.event(Kind::TokenRevoked, now))?;
                }
                Ok::<_, ProtocolError>(())
            })
            .await
    }

    /// What a token, or a mandate named by its identifier, is worth now.
    ///
    /// # Errors
    /// The client is not registered for asking, no token was sent, or [`ProtocolError::UnknownToken`]: neither its token nor a mandate used
    /// there, of which nothing is told; the database.
    pub async fn introspect(&self, by: Authenticated, params: &Params) -> Result<Value, ProtocolError> {
        if !by.client.introspects {
            return Err(ProtocolError::UnauthorizedClient);
        }
        let token = only_token(params)?;
        if let Ok(id) = token.parse::<MandateId>() {
            let standing = self.mandate_standing(&by.client, id).await?;
            return match standing {
                Some(found) => Ok(of_mandate(&found)),
                None => Err(ProtocolError::UnknownToken),
            };
        }
        let (hash, now, issuer) = (credential::token_hash(token), self.clock.now(), self.issuer.clone());
        let client = by.client.clone();
        let told = self.store.read(move |db| match standing::of_token(db, &hash, now) {
            // Only of its own: what other services receive is none of its business.
            Ok(found) if found.grant.client == client.id => Ok(Some(of_token(db, &found, &client, &issuer, now))),
            Ok(_) | Err(Error::NotFound) => Ok(None),
            Err(error) => Err(ProtocolError::from(error)),
        });
        told.await?.ok_or(ProtocolError::UnknownToken)
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
        let (now, client) = (self.clock.now(), client.clone());
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
#[must_use]
pub fn inactive() -> Value {
    json!({ "active": false })
}

fn of_token(db: &Db<'_>, found: &InProgress, client: &Client, issuer: &str, now: Instant) -> Value {
    let InProgress { grant, subject, .. } = found;
    if grant.spend(grant.dpop_key.as_deref(), now).is_err() {
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
        "scope": client.still(&grant.scope),
        "token_type": if grant.dpop_key.is_some() { "DPoP" } else { "Bearer" },
        "iat": (expires - TOKEN_LIFE).timestamp(),
        "exp": expires.timestamp(),
        "auth_time": grant.auth_time.timestamp(),
        "acr": grant.acr,
        "act": { "sub": grant.account.as_str(), "organisation": { "id": grant.organisation.as_str() } },
        "mandate": {
            "id": grant.mandate.as_str(),
            "procedure": grant.procedure.key(),
            "expires_at": pass.expires_at().timestamp(),
            "agreement": agreement(&found.mandate),
        },
        "rep_scope": [client.vocabulary.word(grant.procedure)],
    });
    if let (Some(key), Value::Object(members)) = (&grant.dpop_key, &mut answer) {
        members.insert("cnf".to_owned(), json!({ "jkt": key }));
    }
    answer
}

fn of_mandate(found: &MandateStanding) -> Value {
    let MandateStanding { mandate, procedures, refusal } = found;
    if refusal.is_some() {
        return inactive();
    }
    let live: Vec<_> = procedures.iter().filter(|(_, stands)| **stands).map(|(one, _)| one.key()).collect();
    json!({
        "active": true,
        "mandate": {
            "id": mandate.id.as_str(),
            "procedures": live,
            "expires_at": mandate.expires_at.timestamp(),
            "organisation": { "id": mandate.organisation.as_str() },
            "agreement": agreement(mandate),
        },
        "exp": mandate.expires_at.timestamp(),
    })
}

fn stands(db: &mut Db<'_>, client: &Client, id: &MandateId, now: Instant) -> Result<Option<MandateStanding>, Error> {
    let Some((organisation, used)) = uses::at_client(db, id, &client.id)? else { return Ok(None) };
    let mandate = mandates::held_by(db, &organisation, id)?;
    let organisation = organisations::find(db, &organisation)?;
    // "While present" works in its own session only.
    let present = match &mandate.session {
        Some(session) => sessions::is_open(db, session, now)?,
        None => true,
    };
    let served = client.serves();
    let there =
        |procedure: Procedure| used.contains(&procedure) && served.as_ref().is_none_or(|all| all.contains(&procedure));
    let parts: Vec<_> = mandate.authorisations.iter().filter(|part| there(part.procedure)).collect();
    let states = parts.iter().map(|part| mandate.standing_of(part, now));
    let best = states.reduce(|one, other| if one == Standing::Active { one } else { other });
    let refusal = match best {
        None => Some(Refusal::ProcedureNotAsked),
        _ if organisation.suspended_at.is_some() => Some(Refusal::OrganisationSuspended),
        Some(Standing::Active) if present => None,
        Some(Standing::Active) => Some(Refusal::PresenceEnded),
        Some(Standing::Expired) => Some(Refusal::MandateExpired),
        Some(Standing::Ended(_)) => Some(Refusal::AuthorisationEnded),
    };
    let stands = |state: Standing| refusal.is_none() && state == Standing::Active;
    let procedures = parts.iter().map(|part| (part.procedure, stands(mandate.standing_of(part, now)))).collect();
    Ok(Some(MandateStanding { mandate, procedures, refusal }))
}
