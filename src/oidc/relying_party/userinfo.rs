//! The identity: a second token, signed for us, about the person of the ID token.

use openidconnect::HttpResponse;
use openidconnect::http::header::{ACCEPT, AUTHORIZATION};
use openidconnect::http::{HeaderValue, Request, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::callback::{SKEW, has_begun, plausible_subject};
use super::exchange::is_of_type;
use super::{Fault, Outage, Refused, RelyingParty, Step, json};
use crate::domain::Instant;
use crate::domain::citizen::{Claims, Identity};

const JWT: &str = "application/jwt";

#[derive(Deserialize)]
pub(super) struct Userinfo {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<i64>,
    nbf: Option<i64>,
    sub: Option<String>,
    /// Only an ID token says this.
    nonce: Option<IgnoredAny>,
    /// Only a logout token says this.
    events: Option<IgnoredAny>,
    given_name: Option<String>,
    family_name: Option<String>,
    preferred_username: Option<String>,
    birthdate: Option<String>,
    idp_birthdate: Option<String>,
    gender: Option<String>,
    birthplace: Option<String>,
    birthcountry: Option<String>,
    email: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Some(Vec<String>),
}

impl Audience {
    fn is_only(&self, client: &str) -> bool {
        match self {
            Self::One(name) => name == client,
            Self::Some(names) => matches!(names.as_slice(), [name] if name == client),
        }
    }
}

impl RelyingParty {
    /// Asks at once: the access token lives 60 seconds.
    pub(super) async fn userinfo(&self, access_token: &str, subject: &str) -> Result<Identity, Fault> {
        let response = self.ask(access_token).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(Refused::AccessToken.into()),
            other => return Err(Fault::unavailable(Step::Userinfo, Outage::Status(other.as_u16()))),
        }
        // An unsigned answer is not a lesser answer: anybody on the way could have written it.
        if !is_of_type(response.headers(), JWT) {
            return Err(Refused::NotUserinfo.into());
        }
        let token = String::from_utf8(response.into_body()).map_err(|_| Refused::Form)?;
        let vouched = self.vouched(&self.unsealed(token)?).await?;
        let userinfo: Userinfo = json::read(&vouched.payload).map_err(|_| Refused::Form)?;
        self.check(&userinfo, subject, self.0.clock.now())?;
        Ok(Identity::try_from(userinfo.into_claims())?)
    }

    async fn ask(&self, access_token: &str) -> Result<HttpResponse, Fault> {
        let unavailable = |cause: Outage| Fault::unavailable(Step::Userinfo, cause);
        let provider = self.provider().await?;
        let endpoint = provider.metadata.userinfo_endpoint().map(|address| address.url().as_str().parse());
        let Some(Ok(address)) = endpoint else { return Err(unavailable(Outage::Missing("userinfo_endpoint"))) };
        let mut bearer = HeaderValue::from_str(&format!("Bearer {access_token}"))
            .map_err(|_| unavailable(Outage::Missing("an access token")))?;
        bearer.set_sensitive(true);
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = address;
        request.headers_mut().insert(AUTHORIZATION, bearer);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(JWT));
        self.0.http.send(request).await.map_err(|error| unavailable(error.into()))
    }

    pub(super) fn check(&self, userinfo: &Userinfo, subject: &str, now: Instant) -> Result<(), Refused> {
        let settings = &self.0.settings;
        if userinfo.nonce.is_some() || userinfo.events.is_some() {
            return Err(Refused::NotUserinfo);
        }
        if userinfo.iss.as_ref() != Some(&settings.issuer) {
            return Err(Refused::Issuer);
        }
        if !userinfo.aud.as_ref().is_some_and(|audience| audience.is_only(&settings.client_id)) {
            return Err(Refused::Audience);
        }
        if userinfo.exp.is_none_or(|second| second <= (now - SKEW).timestamp()) {
            return Err(Refused::Expired);
        }
        if !has_begun(userinfo.nbf, now) {
            return Err(Refused::Times);
        }
        let theirs = plausible_subject(userinfo.sub.as_deref().unwrap_or_default())?;
        if theirs == subject { Ok(()) } else { Err(Refused::OtherSubject) }
    }
}

impl Userinfo {
    /// FranceConnect writes 01 for the unknown month or day of a birth. What the first identity provider wrote is in
    /// `idp_birthdate`, and only that finds the person again when we are the identity provider.
    pub(super) fn into_claims(self) -> Claims {
        Claims {
            given_name: self.given_name,
            family_name: self.family_name,
            preferred_username: self.preferred_username,
            birthdate: self.idp_birthdate.filter(|date| !date.is_empty()).or(self.birthdate),
            gender: self.gender,
            birthplace: self.birthplace,
            birthcountry: self.birthcountry,
            email: self.email,
        }
    }
}
