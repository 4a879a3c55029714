//! Errors of the protocol, as a client reads them. Descriptions are fixed: nothing of the request comes back.

use crate::domain::refusal::Refusal;
use crate::oidc::keys::Fault;
use crate::store::Error;

/// An error of the token or userinfo endpoint (RFC 6749 5.2, RFC 6750 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// Malformed request.
    InvalidRequest,
    /// The body is too large, or was cut.
    Unreadable,
    /// The body is no form.
    NotAForm,
    /// The client is unknown, or did not authenticate.
    InvalidClient {
        /// Whether it tried the `Authorization` header: the answer then names the scheme.
        basic: bool,
    },
    /// The code is unknown, expired, used, another's, or what it stands for no longer stands.
    InvalidGrant,
    /// The proof of possession is missing, or is not accepted (RFC 9449 5).
    InvalidProof,
    /// The client may not ask this.
    UnauthorizedClient,
    /// The authorisation request sent ahead is refused, with the code that the browser would have brought (RFC 9126 2.3).
    Pushed(&'static str),
    /// Another grant than `authorization_code`.
    UnsupportedGrantType,
    /// No bearer token at all (RFC 6750 3: the challenge bears no code then).
    MissingToken,
    /// The access token is expired, used, or what it stands for no longer stands: the journal knows whose it was.
    InvalidToken,
    /// The access token is none of ours. The client reads the same answer.
    UnknownToken,
    /// Too many refusals from one source.
    TooMany,
    /// The service cannot answer now.
    Unavailable,
}

impl ProtocolError {
    /// The `error` code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest | Self::Unreadable | Self::NotAForm => "invalid_request",
            Self::InvalidClient { .. } => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidProof => "invalid_dpop_proof",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::Pushed(code) => code,
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::MissingToken | Self::InvalidToken | Self::UnknownToken => "invalid_token",
            Self::TooMany | Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::InvalidProof
            | Self::Pushed(_)
            | Self::UnsupportedGrantType => 400,
            Self::UnauthorizedClient => 403,
            Self::InvalidClient { .. } | Self::MissingToken | Self::InvalidToken | Self::UnknownToken => 401,
            Self::TooMany => 429,
            Self::Unreadable => 413,
            Self::NotAForm => 415,
            Self::Unavailable => 503,
        }
    }

    /// The fixed description.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest => "The request is malformed.",
            Self::Unreadable => "The body is too large.",
            Self::NotAForm => "The body must be application/x-www-form-urlencoded.",
            Self::InvalidClient { .. } => "The client is unknown or did not authenticate.",
            Self::InvalidGrant => "The authorization code is not accepted.",
            Self::InvalidProof => "The proof of possession is missing or not accepted.",
            Self::UnauthorizedClient => "The client is not registered for this.",
            Self::Pushed(_) => "The authorization request is not accepted.",
            Self::UnsupportedGrantType => "Only authorization_code is supported.",
            Self::MissingToken => "A bearer token is needed.",
            Self::InvalidToken | Self::UnknownToken => "The access token is not accepted.",
            Self::TooMany => "Too many requests were refused. Wait three minutes.",
            Self::Unavailable => "The service cannot answer now.",
        }
    }
}

impl From<Error> for ProtocolError {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a protocol endpoint could not reach the database");
        Self::Unavailable
    }
}

impl From<Fault> for ProtocolError {
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "a token could not be signed");
        Self::Unavailable
    }
}

/// Why a use in progress is refused: a rule, or the database.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A rule.
    Refused(Refusal),
    /// The database.
    Store(Error),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_error_is_described_by_a_sentence_of_its_own() {
        let errors = [
            ProtocolError::InvalidRequest,
            ProtocolError::Unreadable,
            ProtocolError::NotAForm,
            ProtocolError::InvalidClient { basic: true },
            ProtocolError::InvalidGrant,
            ProtocolError::InvalidProof,
            ProtocolError::UnauthorizedClient,
            ProtocolError::Pushed("invalid_scope"),
            ProtocolError::UnsupportedGrantType,
            ProtocolError::MissingToken,
            ProtocolError::InvalidToken,
            ProtocolError::TooMany,
            ProtocolError::Unavailable,
        ];
        let said: BTreeSet<&str> = errors.into_iter().map(ProtocolError::description).collect();
        assert_eq!(said.len(), errors.len());
        assert!(said.iter().all(|text| text.contains(' ') && text.ends_with('.')), "{said:?}");
    }

    #[test]
    fn a_token_that_ended_and_one_that_never_was_are_answered_alike() {
        let answer = |error: ProtocolError| (error.code(), error.status(), error.description());
        assert_eq!(answer(ProtocolError::InvalidToken), answer(ProtocolError::UnknownToken));
        let basic = |basic| answer(ProtocolError::InvalidClient { basic });
        assert_eq!(basic(true), basic(false));
    }
}
