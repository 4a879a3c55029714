//! Pages of the pretend FranceConnect.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use super::citizens::Citizen;
use crate::demo::site;

/// What there is to see at the root.
#[derive(Template)]
#[template(path = "demo/franceconnect/home.html")]
pub(super) struct Home<'a> {
    pub(super) citizens: &'a [Citizen],
    pub(super) replayable: bool,
}

/// The list of ways to sign in.
#[derive(Template)]
#[template(path = "demo/franceconnect/list.html")]
pub(super) struct List<'a> {
    pub(super) uid: &'a str,
    pub(super) service: &'a str,
    pub(super) citizens: &'a [Citizen],
    pub(super) mandataire: bool,
    pub(super) message: Option<&'a str>,
}

/// "You are going to continue as": shown before every return to a service, and alone when the session was still open.
#[derive(Template)]
#[template(path = "demo/franceconnect/consent.html")]
pub(super) struct Consent<'a> {
    pub(super) uid: &'a str,
    pub(super) service: &'a str,
    pub(super) name: &'a str,
    pub(super) by_mandate: bool,
}

/// The answer to a code presented twice.
#[derive(Template)]
#[template(path = "demo/franceconnect/replay.html")]
pub(super) struct Replay<'a> {
    pub(super) status: u16,
    pub(super) error: &'a str,
}

/// Nothing is left of the session, and no service asked for the person back.
#[derive(Template)]
#[template(path = "demo/franceconnect/logged_out.html")]
pub(super) struct LoggedOut;

#[derive(Template)]
#[template(path = "demo/franceconnect/error.html")]
struct ErrorPage<'a> {
    code: &'a str,
    message: &'a str,
    back: Option<&'a str>,
}

/// A page that ends the journey at FranceConnect, with one of its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Halt {
    pub(super) status: StatusCode,
    /// FranceConnect's code: `Y` and six or seven characters.
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Return to the service, as an error.
    pub(super) back: Option<String>,
}

impl Halt {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into(), back: None }
    }

    pub(super) fn session_lost() -> Self {
        Self::new("Y190001", "Votre session a expiré ou n'existe pas dans ce navigateur.")
    }

    pub(super) fn broken() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, ..Self::new("Y000000", "Une erreur technique est survenue.") }
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.message)
    }
}

impl ResponseError for Halt {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        site::page(self.status, &ErrorPage { code: self.code, message: &self.message, back: self.back.as_deref() })
    }
}
