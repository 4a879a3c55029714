//! Rendering: the frame of a page for this request, and the answer it becomes.

use std::future::{Ready, ready};

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use chrono_tz::Tz;

use super::assets;
use super::context::{self, Browser, Current};
use super::headers;
use super::moment::Moment;
use super::policy::{is_return, page_of};
use super::problem::Problem;
use super::shell::{Person, Shell};
use super::state::App;
use super::texts::{Language, Texts, texts};
use crate::domain::Instant;

/// What a handler renders with.
pub struct Screen {
    /// The frame.
    pub shell: Shell,
    zone: Tz,
    /// Where forms on this page may lead besides ourselves.
    form_targets: Vec<String>,
}

impl Screen {
    /// The frame for a request.
    #[must_use]
    pub fn of(request: &HttpRequest, app: &App) -> Self {
        let current = context::current(request);
        let language = context::language(request);
        let csrf = match &current {
            Some(current) => Some(current.session.csrf.clone()),
            None => request.extensions().get::<Browser>().map(Browser::csrf),
        };
        let zone = current.as_ref().and_then(Current::organisation).and_then(|one| one.zone.parse().ok());
        let shell = Shell {
            t: texts(language),
            language,
            csrf,
            path: address(request),
            service_name: app.settings.name.clone(),
            contact: app.settings.contact.clone(),
            stylesheet: assets::STYLESHEET_URL,
            person: current.as_ref().map(person),
            notice: None,
            demo: app.settings.demo,
        };
        Self { shell, zone: zone.unwrap_or(Tz::Europe__Paris), form_targets: Vec::new() }
    }

    /// The texts.
    #[must_use]
    pub const fn t(&self) -> &'static Texts {
        self.shell.t
    }

    /// An instant in the organisation's time.
    #[must_use]
    pub const fn moment(&self, at: Instant) -> Moment {
        Moment(at, self.zone)
    }

    /// The organisation's time zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// In another language than the browser's.
    #[must_use]
    pub const fn in_language(mut self, language: Language) -> Self {
        self.shell.language = language;
        self.shell.t = texts(language);
        self
    }

    /// With a sentence about what was just done.
    #[must_use]
    pub fn with_notice(mut self, notice: &str) -> Self {
        self.shell.notice = Some(notice.to_owned());
        self
    }

    /// Forms on this page may end, after redirects, at this origin.
    #[must_use]
    pub fn with_form_target(mut self, origin: String) -> Self {
        self.form_targets.push(origin);
        self
    }

    /// A page.
    pub fn page<T: Template>(self, make: impl FnOnce(Shell) -> T) -> HttpResponse {
        self.page_with(StatusCode::OK, make)
    }

    /// The page of a form that was refused.
    pub fn refused<T: Template>(self, make: impl FnOnce(Shell) -> T) -> HttpResponse {
        self.page_with(StatusCode::UNPROCESSABLE_ENTITY, make)
    }

    /// A page with a status.
    pub fn page_with<T: Template>(self, status: StatusCode, make: impl FnOnce(Shell) -> T) -> HttpResponse {
        let policy = headers::content_security_policy(&self.form_targets);
        match make(self.shell).render() {
            Ok(html) => HttpResponse::build(status)
                .content_type("text/html; charset=utf-8")
                .insert_header((header::CONTENT_SECURITY_POLICY, policy))
                .body(html),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                HttpResponse::InternalServerError().finish()
            }
        }
    }
}

/// Where a change of language comes back to: this page, or the page of the form that was refused.
fn address(request: &HttpRequest) -> String {
    match (request.method(), request.path()) {
        // The form of an opening is shown at these too; a provider's code is of no use twice, and has no place in a form.
        (&Method::POST, "/mandates/drafts") => "/mandates/new".to_owned(),
        (&Method::POST, "/office/erasures") => "/office/erasures/new".to_owned(),
        (&Method::POST, "/office/holds") => "/office/holds/new".to_owned(),
        (&Method::POST, path) if path.ends_with("/approval") => path.trim_end_matches("/approval").to_owned(),
        (_, path) if is_return(path) => "/mandates/new".to_owned(),
        (&Method::GET, path) if keeps_its_query(path) && !request.query_string().is_empty() => {
            format!("{path}?{}", request.query_string())
        }
        (_, path) => page_of(request.method(), path).to_owned(),
    }
}

/// Whether the query of a page is ours: what a service sent to another address is not written back.
fn keeps_its_query(path: &str) -> bool {
    let plain =
        ["/sign-in/link", "/code", "/citizens", "/journal", "/journal/activity", "/journal/findings", "/office"];
    plain.contains(&path) || path.ends_with("/revocation")
}

fn person(current: &Current) -> Person {
    let ready = current.session.code_at.is_some() && current.session.account.accepted_terms();
    Person {
        name: current.session.account.name.clone(),
        organisation: current.organisation().map(|one| one.name.clone()),
        organisations: current
            .session
            .memberships
            .iter()
            .map(|(_, one)| (one.id.to_string(), one.name.clone()))
            .collect(),
        member: ready && current.member.is_ok(),
        mediator: ready && current.mediator.is_ok(),
        manager: ready && current.member.as_ref().is_ok_and(crate::domain::mediator::Member::is_manager),
        auditor: ready && current.session.account.auditor,
        officer: ready && current.session.account.officer,
    }
}

impl FromRequest for Screen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.app_data::<Data<App>>().map(|app| Self::of(request, app)).ok_or(Problem::NotFound))
    }
}

/// To another page of ours: 303, so that a POST is never sent again (RFC 9110 15.4.4).
#[must_use]
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// An answer with a cookie.
///
/// # Errors
/// The cookie cannot be written.
pub fn with_cookie(mut response: HttpResponse, cookie: &Cookie<'_>) -> Result<HttpResponse, Problem> {
    response.add_cookie(cookie).map_err(|_| Problem::Malformed("cookie"))?;
    Ok(response)
}
