//! The token endpoint: a code becomes an ID token and an access token, once.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};

use super::Provider;
use super::client_auth::Authenticated;
use super::error::{ProtocolError, Stopped};
use super::params::Params;
use super::standing::pass;
use crate::credential;
use crate::domain::Instant;
use crate::domain::agreement::Method;
use crate::domain::client::{Client, SigningAlgorithm};
use crate::domain::digest::Digest;
use crate::domain::event::{Event, Kind};
use crate::domain::grant::{Grant, Presented, TOKEN_LIFE};
use crate::domain::mandate::Mandate;
use crate::domain::mandate::exercise::Pass;
use crate::domain::refusal::Refusal;
use crate::store::standing::{self, InProgress};
use crate::store::{Db, Error, Tx, grants, journal};

/// The answer of the token endpoint (OpenID Connect Core 3.1.3.3).
#[derive(Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    id_token: String,
    scope: String,
}

/// What the transaction decided.
struct Redeemed {
    found: InProgress,
    pass: Pass,
    subject: String,
}

impl Provider {
    /// Exchanges a code.
    ///
    /// # Errors
    /// As RFC 6749 5.2 says; one answer for everything that is wrong with the code.
    pub async fn exchange(
        &self,
        by: Authenticated,
        params: &Params,
        proof: Option<String>,
    ) -> Result<TokenResponse, ProtocolError> {
        let one = |name| params.one(name).map_err(|_| ProtocolError::InvalidRequest);
        if params.any_duplicated() {
            return Err(ProtocolError::InvalidRequest);
        }
        match one("grant_type")? {
            Some("authorization_code") => {}
            Some(_) => return Err(ProtocolError::UnsupportedGrantType),
            None => return Err(ProtocolError::InvalidRequest),
        }
        let code = one("code")?.ok_or(ProtocolError::InvalidRequest)?;
        let redirect_uri = one("redirect_uri")?.unwrap_or_default().to_owned();
        let challenge =
            one("code_verifier")?.map(|verifier| URL_SAFE_NO_PAD.encode(Digest::of(verifier.as_bytes()).as_bytes()));
        let (code_hash, now, access_token) = (credential::token_hash(code), self.clock.now(), self.random.token());
        let token_hash = credential::token_hash(&access_token);
        let Authenticated { client, secret } = by;
        if client.dpop && proof.is_none() {
            return Err(ProtocolError::InvalidProof);
        }
        let (presented_by, bound, presented) = (client.clone(), proof.is_some(), secret.clone());
        let redeemed = self
            .store
            .decide(move |tx| {
                let with = Presented {
                    client: &presented_by.id,
                    redirect_uri: &redirect_uri,
                    challenge: challenge.as_deref(),
                    proof: proof.as_deref(),
                };
                redeem(tx, (&presented_by, &presented), &with, &code_hash, &token_hash, now)
            })
            .await??;
        let claims = self.id_token(&client, &redeemed, &access_token, now);
        Ok(TokenResponse {
            // With HS256 the key is the secret it presented: during a rotation, the one it still uses.
            id_token: self.keys.sign(client.algorithm, &secret, &claims)?,
            access_token,
            token_type: if bound { "DPoP" } else { "Bearer" },
            expires_in: TOKEN_LIFE.num_seconds(),
            scope: client.still(&redeemed.found.grant.scope),
        })
    }

    fn id_token(&self, client: &Client, redeemed: &Redeemed, access_token: &str, now: Instant) -> Value {
        let Redeemed { found: InProgress { grant, organisation, mandate, .. }, pass, subject } = redeemed;
        // OpenID Connect Core 3.1.3.6: the left half of the hash; all our algorithms use SHA-256.
        let digest = Digest::of(access_token.as_bytes());
        let at_hash =
            URL_SAFE_NO_PAD.encode(digest.as_bytes().first_chunk::<16>().map_or(&[][..], |half| half.as_slice()));
        let mut claims = json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": client.id,
            "iat": now.timestamp(),
            "exp": (now + TOKEN_LIFE).timestamp(),
            "auth_time": grant.auth_time.timestamp(),
            "acr": grant.acr,
            "amr": grant.authentication.methods(),
            "at_hash": at_hash,
            "sid": grant.flow.as_str(),
            // RFC 8693 4.1: who acts for the subject.
            "act": {
                "sub": pass.account().as_str(),
                "organisation": {
                    "id": organisation.id.as_str(),
                    "name": organisation.name,
                    "siret": organisation.siret.to_string(),
                },
            },
            "mandate": {
                "id": pass.mandate().as_str(),
                "procedure": pass.procedure().key(),
                "expires_at": pass.expires_at().timestamp(),
                "agreement": agreement(mandate),
            },
            "rep_scope": [client.vocabulary.word(pass.procedure())],
        });
        if let (Some(nonce), Value::Object(members)) = (&grant.nonce, &mut claims) {
            members.insert("nonce".to_owned(), json!(nonce));
        }
        claims
    }
}

/// How the citizen agreed, and how sure one was of who they are: the assurance of the agreement.
#[must_use]
pub fn agreement(mandate: &Mandate) -> Value {
    json!({ "acr": mandate.assurance.code(), "method": Method::InPerson.code() })
}

type Outcome = Result<Redeemed, ProtocolError>;

/// One transaction. What is refused is recorded, and the code is spent whatever else was wrong.
fn redeem(
    tx: &mut Tx<'_>,
    (client, secret): (&Client, &[u8]),
    with: &Presented<'_>,
    code_hash: &[u8; 32],
    token_hash: &[u8; 32],
    now: Instant,
) -> Result<Outcome, ProtocolError> {
    let found = match standing::of_code(tx, code_hash, now) {
        Ok(found) => found,
        Err(Error::NotFound) => {
            let event = Event::new(Kind::SecurityRefused, now).at_client(&client.id).fact("reason", "unknown_code");
            journal::record(tx, &event)?;
            return Ok(Err(ProtocolError::InvalidGrant));
        }
        Err(error) => return Err(error.into()),
    };
    let fits = found.grant.redeem(with, now).map_err(Stopped::Refused);
    match fits.and_then(|()| pass(tx, &found, now)) {
        Ok(pass) => {
            // Only HS256 signs with a secret; whoever changes over is answered with the one that it still uses.
            let secret = (client.algorithm == SigningAlgorithm::Hs256).then(|| Digest::of(secret));
            grants::redeem(tx, code_hash, &grants::Token { hash: token_hash, proof: with.proof, secret }, now)?;
            let subject = subject_for(tx, client, &found.subject);
            Ok(Ok(Redeemed { found, pass, subject }))
        }
        Err(Stopped::Refused(refusal)) => {
            grants::revoke(tx, &found.grant.flow, now)?;
            if found.grant.code_used_at.is_none() {
                grants::burn_code(tx, code_hash, now)?;
            }
            journal::record(tx, &refused(&found.grant, client, refusal, now))?;
            Ok(Err(ProtocolError::InvalidGrant))
        }
        Err(Stopped::Store(error)) => Err(error.into()),
    }
}

/// What the journal says of a use that stopped.
pub(super) fn refused(grant: &Grant, client: &Client, refusal: Refusal, now: Instant) -> Event {
    let kind = if refusal == Refusal::CodeReplayed { Kind::CodeReplayed } else { Kind::UseRefused };
    // Whoever presented it may not be whom it was given to.
    grant.event(kind, now).at_client(&client.id).fact("reason", refusal.code())
}

/// The identifier of a citizen for a client: for FranceConnect the random one made once per citizen, for others one derived from it,
/// so that no two clients can compare notes (OpenID Connect Core 8.1).
pub(super) fn subject_for(db: &Db<'_>, client: &Client, subject: &str) -> String {
    if client.franceconnect {
        return subject.to_owned();
    }
    URL_SAFE_NO_PAD.encode(db.vault().index("pairwise", &format!("{} {subject}", client.id)))
}
