//! What a handler answers when it cannot do what was asked. The frame around the handlers makes a page of it.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};

use crate::domain::refusal::Refusal;
use crate::oidc::relying_party::Fault;
use crate::store::Error;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub enum Problem {
    /// The request is malformed: which part of it, in a word for the log.
    Malformed(&'static str),
    /// A form without its token, or from another site.
    Forged,
    /// A rule refuses. The journal says so on the way out.
    Refused(Refusal),
    /// A rule refused, and the transaction that asked it recorded why.
    Recorded(Refusal),
    /// Something else comes first: signing in, a code, the terms.
    First(String),
    /// There is no such thing, or it is not yours: the same page.
    NotFound,
    /// Too often.
    TooMany,
    /// FranceConnect could not identify the citizen.
    Identification(Box<Fault>),
    /// The database.
    Store(Error),
}

impl Problem {
    /// Whether it is a fault of ours, to be logged with its source and shown with a reference.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        matches!(self, Self::Store(error) if !matches!(error, Error::NotFound))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Identification(Box::new(fault))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(part) => write!(f, "malformed {part}"),
            Self::Forged => f.write_str("a form without its token, or from another site"),
            Self::Refused(refusal) | Self::Recorded(refusal) => write!(f, "{}", refusal.code()),
            Self::First(_) => f.write_str("something else comes first"),
            Self::NotFound => f.write_str("not found"),
            Self::TooMany => f.write_str("too often"),
            Self::Identification(fault) => write!(f, "identification failed: {}", fault.code()),
            Self::Store(error) => write!(f, "{error}"),
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Forged => StatusCode::FORBIDDEN,
            Self::Refused(refusal) | Self::Recorded(refusal) => refusal_status(*refusal),
            Self::First(_) => StatusCode::SEE_OTHER,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Identification(_) => StatusCode::BAD_GATEWAY,
            Self::Store(Error::Unavailable(_) | Error::Uncertain) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(Error::Conflict) => StatusCode::CONFLICT,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Self::First(path) = self {
            response.insert_header((header::LOCATION, path.as_str()));
        }
        response.finish()
    }
}

/// 403 for what one may not do, 409 for what is no longer possible, 422 for what must be filled in.
const fn refusal_status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::DraftExpired
        | Refusal::DraftUsed
        | Refusal::DraftOutOfOrder
        | Refusal::NotIdentified
        | Refusal::NotAgreed
        | Refusal::AgreementRefused
        | Refusal::AgreementOfAnotherText
        | Refusal::NothingToRevoke
        | Refusal::OutcomeKnown
        | Refusal::PersonHeld
        | Refusal::PersonErased
        | Refusal::ErasureWaiting
        | Refusal::ErasureOver
        | Refusal::FlowExpired
        | Refusal::FlowUsed
        | Refusal::InquiryDecided
        | Refusal::InquiryExpired
        | Refusal::SignalAnswered => StatusCode::CONFLICT,
        Refusal::ExportQuota => StatusCode::TOO_MANY_REQUESTS,
        Refusal::NoProcedure
        | Refusal::NoTerm
        | Refusal::NoReason
        | Refusal::NoGround
        | Refusal::NoSuchPerson
        | Refusal::NotInFront
        | Refusal::NotInformed
        | Refusal::ProtectionNotDeclared
        | Refusal::CodeRefused
        | Refusal::SignInFailed => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::FORBIDDEN,
    }
}
