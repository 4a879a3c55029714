//! Why a citizen could not be identified: no usable answer, an answer that must be refused, or an identity with holes.

use std::fmt;

use super::json::Malformed;
use crate::domain::citizen::Incomplete;
use crate::oidc::http;

/// What went wrong, without any secret, token, or word about a person: it may be logged and journalled as it is.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The settings cannot work. Only making the relying party says so.
    #[error("FranceConnect cannot be used as configured: {0}")]
    Settings(&'static str),
    /// No answer, or none that can be read.
    #[error("no usable answer from FranceConnect's {step}")]
    Unavailable {
        /// Which request.
        step: Step,
        /// Why its answer is of no use.
        #[source]
        cause: Outage,
    },
    /// An answer that may have been forged, swapped or replayed, or that FranceConnect should not have given.
    #[error("FranceConnect's answer was refused: {0}")]
    Refused(#[from] Refused),
    /// A true answer, about a person whose identity public services would not accept.
    #[error("the identity given by FranceConnect cannot be used")]
    Incomplete(#[from] Incomplete),
}

impl Fault {
    pub(super) fn unavailable(step: Step, cause: impl Into<Outage>) -> Self {
        Self::Unavailable { step, cause: cause.into() }
    }

    /// Whether the person should simply start again. If not, starting again would end the same way.
    #[must_use]
    pub const fn retry(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Refused(refused) => matches!(refused, Refused::Code | Refused::AccessToken | Refused::Expired),
            Self::Settings(_) | Self::Incomplete(_) => false,
        }
    }

    /// A stable word for logs, the journal and alerts: `settings`, `incomplete`, `unavailable_…` or `refused_…`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Unavailable { cause, .. } => cause.code(),
            Self::Refused(refused) => refused.code(),
            Self::Incomplete(_) => "incomplete",
        }
    }
}

/// A request that we make to FranceConnect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its metadata, and its keys with them.
    Discovery,
    /// Its keys alone.
    Keys,
    /// The code against the tokens.
    Token,
    /// The access token against the identity.
    Userinfo,
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Discovery => "discovery",
            Self::Keys => "jwks",
            Self::Token => "token endpoint",
            Self::Userinfo => "userinfo endpoint",
        })
    }
}

/// Why an answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    /// There is none.
    #[error("the provider {0}")]
    Http(#[from] http::Error),
    /// Its status is not the one expected.
    #[error("unexpected status {0}")]
    Status(u16),
    /// It is not JSON, or not the JSON expected.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// It is of another media type.
    #[error("unexpected content type")]
    ContentType,
    /// It lacks something.
    #[error("without {0}")]
    Missing(&'static str),
    /// It names an endpoint that is not at the issuer's own origin.
    #[error("{0} is not at the issuer's origin")]
    Foreign(&'static str),
    /// It holds no key for our algorithm.
    #[error("no usable key")]
    NoKey,
    /// The request made by somebody else, for which this one waited, failed a moment ago.
    #[error("the same request has just failed")]
    JustFailed,
    /// None was made: the provider is left alone for a while.
    #[error("it is left alone for a while")]
    Paused,
}

impl Outage {
    const fn code(&self) -> &'static str {
        match self {
            Self::Http(http::Error::Timeout) => "unavailable_timeout",
            Self::Http(http::Error::Unreachable(_)) => "unavailable_unreachable",
            Self::Http(http::Error::Failing(_)) => "unavailable_failing",
            Self::Http(http::Error::Redirected) => "unavailable_redirected",
            Self::Http(http::Error::TooLarge) => "unavailable_too_large",
            Self::Http(http::Error::Encoded) => "unavailable_encoded",
            Self::Http(http::Error::Setup(_)) => "unavailable_setup",
            Self::Http(http::Error::Foreign) | Self::Foreign(_) => "unavailable_foreign",
            Self::Status(_) => "unavailable_status",
            Self::Malformed(_) => "unavailable_malformed",
            Self::ContentType => "unavailable_content_type",
            Self::Missing(_) => "unavailable_missing",
            Self::NoKey => "unavailable_no_key",
            Self::JustFailed => "unavailable_just_failed",
            Self::Paused => "unavailable_paused",
        }
    }
}

/// The check that an answer did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The `iss` parameter of the callback (RFC 9207).
    #[error("the callback does not come from the issuer that was asked")]
    CallbackIssuer,
    /// The code: unknown, expired, used, or of an impossible form.
    #[error("the code was refused")]
    Code,
    /// The PKCE verifier: absent though PKCE is on, or present though it is off.
    #[error("the code verifier does not fit the settings")]
    Verifier,
    /// Our own name or secret.
    #[error("the client was refused")]
    Client,
    /// Our request, for another reason.
    #[error("the request was refused")]
    Request,
    /// The access token at the userinfo endpoint.
    #[error("the access token was refused")]
    AccessToken,
    /// The discovery document, or a token, is of another issuer.
    #[error("another issuer")]
    Issuer,
    /// A token is not a compact JWS, or JWE where that was agreed, or its content is not the JSON expected.
    #[error("a token of an unacceptable form")]
    Form,
    /// A token is not encrypted, though it is agreed that every token is.
    #[error("a token that is not encrypted")]
    NotEncrypted,
    /// An encrypted token does not open: it is for another key, or was altered.
    #[error("a token that does not open")]
    Decryption,
    /// A token is signed or encrypted with another algorithm than ours.
    #[error("another algorithm")]
    Algorithm,
    /// No key, or more than one, fits a token.
    #[error("no key fits the token")]
    Key,
    /// The signature is wrong.
    #[error("a wrong signature")]
    Signature,
    /// `aud` or `azp` is not us alone.
    #[error("another audience")]
    Audience,
    /// `exp` is past.
    #[error("an expired token")]
    Expired,
    /// `iat`, `nbf` or `exp` are not those of a token just issued.
    #[error("a token that was not just issued")]
    Times,
    /// `nonce` is absent or another one: the code of another flow.
    #[error("another nonce")]
    Nonce,
    /// `acr` is absent, unknown, or lower than what was asked.
    #[error("too low a level of assurance")]
    Level,
    /// `at_hash` is not that of the access token.
    #[error("the access token is not the one the ID token speaks of")]
    AccessTokenHash,
    /// `sub` is absent, or is not 1 to 255 printable ASCII characters.
    #[error("an unacceptable subject")]
    Subject,
    /// The userinfo is about somebody else than the ID token.
    #[error("another subject")]
    OtherSubject,
    /// The userinfo is not signed, or is a token made for something else.
    #[error("not a signed userinfo")]
    NotUserinfo,
}

impl Refused {
    const fn code(self) -> &'static str {
        match self {
            Self::CallbackIssuer => "refused_callback_issuer",
            Self::Code => "refused_code",
            Self::Verifier => "refused_verifier",
            Self::Client => "refused_client",
            Self::Request => "refused_request",
            Self::AccessToken => "refused_access_token",
            Self::Issuer => "refused_issuer",
            Self::Form => "refused_form",
            Self::NotEncrypted => "refused_not_encrypted",
            Self::Decryption => "refused_decryption",
            Self::Algorithm => "refused_algorithm",
            Self::Key => "refused_key",
            Self::Signature => "refused_signature",
            Self::Audience => "refused_audience",
            Self::Expired => "refused_expired",
            Self::Times => "refused_times",
            Self::Nonce => "refused_nonce",
            Self::Level => "refused_level",
            Self::AccessTokenHash => "refused_at_hash",
            Self::Subject => "refused_subject",
            Self::OtherSubject => "refused_other_subject",
            Self::NotUserinfo => "refused_not_userinfo",
        }
    }
}
