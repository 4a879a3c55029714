//! The userinfo endpoint: the citizen's identity is issued, byte for byte, once. This is the use.

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Provider;
use super::error::{ProtocolError, Stopped};
use super::standing::pass;
use super::token::{refused, subject_for};
use crate::credential;
use crate::domain::Instant;
use crate::domain::citizen::{Identity, PlaceCode};
use crate::domain::client::{Client, SigningAlgorithm, UserinfoFormat};
use crate::domain::grant::TOKEN_LIFE;
use crate::domain::id::UseId;
use crate::domain::outcome::Use;
use crate::store::standing::{self, InProgress};
use crate::store::{Error, Tx, grants, journal, uses};

/// The identity, in the form the client registered for.
pub enum Userinfo {
    /// `application/json`
    Json(Value),
    /// `application/jwt`
    Jwt(String),
}

struct Issued {
    client: Client,
    claims: Value,
    secret: Zeroizing<Vec<u8>>,
}

impl Provider {
    /// Issues the identity that an access token stands for.
    ///
    /// # Errors
    /// The token is not accepted, for whatever reason: one answer.
    pub async fn userinfo(&self, access_token: &str, proof: Option<String>) -> Result<Userinfo, ProtocolError> {
        let (hash, now) = (credential::token_hash(access_token), self.clock.now());
        let id = UseId::new(now, self.random.u128());
        let issued = self.store.decide(move |tx| issue(tx, &hash, proof.as_deref(), id.clone(), now)).await??;
        let Issued { client, mut claims, secret } = issued;
        if client.userinfo == UserinfoFormat::Json {
            return Ok(Userinfo::Json(claims));
        }
        if let Value::Object(members) = &mut claims {
            members.extend([
                ("iss".to_owned(), json!(self.issuer)),
                ("aud".to_owned(), json!(client.id)),
                ("iat".to_owned(), json!(now.timestamp())),
                ("exp".to_owned(), json!((now + TOKEN_LIFE).timestamp())),
            ]);
        }
        Ok(Userinfo::Jwt(self.keys.sign(client.algorithm, &secret, &claims)?))
    }
}

fn issue(
    tx: &mut Tx<'_>,
    token_hash: &[u8; 32],
    proof: Option<&str>,
    id: UseId,
    now: Instant,
) -> Result<Result<Issued, ProtocolError>, ProtocolError> {
    let found = match standing::of_token(tx, token_hash, now) {
        Ok(found) => found,
        Err(Error::NotFound) => return Ok(Err(ProtocolError::UnknownToken)),
        Err(error) => return Err(error.into()),
    };
    let InProgress { grant, client, .. } = &found;
    let fits = grant.spend(proof, now).map_err(Stopped::Refused);
    match fits.and_then(|()| pass(tx, &found, now)) {
        Ok(pass) => {
            grants::spend_token(tx, token_hash, now)?;
            let citizen = found.citizen(tx)?;
            uses::issue(tx, Use::issue(id, &pass, &client.id, now))?;
            let subject = subject_for(tx, client, &citizen.subject);
            let claims = claims(&citizen.identity, &subject, &client.still(&grant.scope));
            // Only HS256 signs with it.
            let signs = client.userinfo == UserinfoFormat::Jwt && client.algorithm == SigningAlgorithm::Hs256;
            let secret = if signs { found.secret(tx)? } else { Zeroizing::default() };
            Ok(Ok(Issued { client: found.client, claims, secret }))
        }
        Err(Stopped::Refused(refusal)) => {
            grants::revoke(tx, &grant.flow, now)?;
            grants::burn_token(tx, token_hash, now)?;
            journal::record(tx, &refused(grant, client, refusal, now))?;
            Ok(Err(ProtocolError::InvalidToken))
        }
        Err(Stopped::Store(error)) => Err(error.into()),
    }
}

/// Which scopes give a claim.
const GIVEN_BY: [(&str, &[&str]); 8] = [
    ("given_name", &["given_name", "profile", "identite_pivot"]),
    ("family_name", &["family_name", "profile", "identite_pivot"]),
    ("preferred_username", &["preferred_username", "profile"]),
    ("birthdate", &["birthdate", "profile", "identite_pivot", "idp_birthdate"]),
    ("gender", &["gender", "profile", "identite_pivot"]),
    ("birthplace", &["birthplace", "birth", "identite_pivot"]),
    ("birthcountry", &["birthcountry", "birth", "identite_pivot"]),
    ("email", &["email"]),
];

/// The claims that the scopes give, as FranceConnect stored and expects them: a partial birthdate stays partial, the birthplace of
/// somebody born abroad is the empty text.
fn claims(identity: &Identity, subject: &str, scope: &str) -> Value {
    let granted = |name: &str| {
        let scopes = GIVEN_BY.iter().find(|(claim, _)| *claim == name).map_or(&[][..], |(_, scopes)| scopes);
        scope.split(' ').any(|one| scopes.contains(&one))
    };
    let values = [
        ("given_name", Some(identity.given_name.as_str())),
        ("family_name", Some(identity.family_name.as_str())),
        ("preferred_username", identity.preferred_username.as_deref()),
        ("birthdate", Some(identity.birthdate.as_str())),
        ("gender", Some(identity.gender.as_str())),
        ("birthplace", Some(identity.birthplace.as_ref().map_or("", PlaceCode::as_str))),
        ("birthcountry", Some(identity.birthcountry.as_str())),
        ("email", Some(identity.email.as_str())),
    ];
    let mut members = Map::from_iter([("sub".to_owned(), json!(subject))]);
    for (name, value) in values {
        if let Some(value) = value.filter(|_| granted(name)) {
            members.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(members)
}
