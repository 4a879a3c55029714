//! The public pages, the language, and signing out.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::pages::{AccessibilityPage, HomePage, PrivacyPage};
use crate::domain::event::{Event, Kind};
use crate::domain::id::{FlowId, OrganisationId};
use crate::domain::language::Language;
use crate::domain::mediator::Account;
use crate::store::sessions::{self, Session};
use crate::store::{Error, journal, mandates};
use crate::web::context::Current;
use crate::web::form::{Form, Nothing};
use crate::web::problem::Problem;
use crate::web::provider::pages::SignOutPage;
use crate::web::screen::{Screen, see_other, with_cookie};
use crate::web::state::{App, Settings};
use crate::web::{assets, cookies};

/// `GET /`
pub async fn home(screen: Screen) -> HttpResponse {
    screen.page(|shell| HomePage { shell })
}

/// `GET /privacy`
pub async fn privacy(screen: Screen) -> HttpResponse {
    screen.page(|shell| PrivacyPage { shell })
}

/// `GET /accessibility`
pub async fn accessibility(screen: Screen) -> HttpResponse {
    screen.page(|shell| AccessibilityPage { shell })
}

/// Whatever has no route.
///
/// # Errors
/// Always: not found.
pub async fn nowhere() -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

fn asset(kind: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header(("cache-control", "public, max-age=31536000, immutable"))
        .body(content)
}

/// `GET /assets/style-….css`
pub async fn stylesheet() -> HttpResponse {
    asset("text/css; charset=utf-8", assets::STYLESHEET)
}

/// `GET /assets/favicon-….svg`
pub async fn favicon() -> HttpResponse {
    asset("image/svg+xml", assets::FAVICON)
}

/// A change of language.
#[derive(Deserialize)]
pub struct LanguageForm {
    language: String,
    #[serde(default)]
    next: String,
}

/// `POST /language`
///
/// # Errors
/// A language we do not speak.
pub async fn language(app: Data<App>, form: Form<LanguageForm>) -> Result<HttpResponse, Problem> {
    let language: Language = form.0.language.parse().map_err(|_| Problem::Malformed("language"))?;
    let cookie = cookies::made(&app.settings, cookies::LANGUAGE, language.code().to_owned());
    with_cookie(see_other(&local_path(&form.0.next)), &cookie)
}

/// A page of this site, or `/`. The path holds letters, digits and `-_/` only, so that it cannot name another site.
#[must_use]
pub fn local_path(next: &str) -> String {
    let (path, query) = next.split_once('?').unwrap_or((next, ""));
    let plain =
        |text: &str, marks: &[u8]| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte));
    let local = path.starts_with('/') && !path.starts_with("//") && next.len() <= 2_048;
    if local && plain(path, b"-_/") && plain(query, b"-_=&.%+:") { next.to_owned() } else { "/".to_owned() }
}

/// `GET /sign-out`: asks first.
pub async fn ask_sign_out(screen: Screen) -> HttpResponse {
    screen.page(|shell| SignOutPage { shell })
}

/// `POST /sign-out`
///
/// # Errors
/// The database fails.
pub async fn sign_out(app: Data<App>, session: Session, _form: Form<Nothing>) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            mandates::end_presence(tx, &session.id, now)?;
            sessions::end(tx, &session.id, now)?;
            journal::record(tx, &Event::new(Kind::SignedOut, now).by(&session.account.id))?;
            Ok::<_, Problem>(())
        })
        .await?;
    let mut response = see_other("/");
    // Who leaves also gives up the public service that waits: its flow belonged to this session, and the next one would be refused.
    for name in [cookies::session(&app.settings), PENDING_FLOW] {
        response = with_cookie(response, &cookies::removed(&app.settings, name))?;
    }
    Ok(response)
}

/// A change of the current organisation.
#[derive(Deserialize)]
pub struct OrganisationForm {
    organisation: OrganisationId,
}

/// `POST /organisation`
///
/// # Errors
/// An organisation that is not theirs: not found.
pub async fn organisation(
    app: Data<App>,
    session: Session,
    form: Form<OrganisationForm>,
) -> Result<HttpResponse, Problem> {
    let (chosen, now) = (form.0.organisation, app.clock.now());
    if !session.memberships.iter().any(|(_, one)| one.id == chosen) {
        return Err(Problem::NotFound);
    }
    app.store
        .write(move |tx| {
            sessions::choose(tx, &session.id, &chosen)?;
            let event = Event::new(Kind::OrganisationChosen, now).by(&session.account.id).within(&chosen);
            journal::record(tx, &event).map(drop)
        })
        .await
        .map_err(|error: Error| Problem::from(error))?;
    Ok(see_other("/home"))
}

/// The cookie that remembers a sign-in at a public service while the mediator signs in here.
pub const PENDING_FLOW: &str = "mandataire-flow";

/// The sign-in at a public service that waits in this browser.
#[must_use]
pub fn pending_flow(request: &HttpRequest) -> Option<FlowId> {
    request.cookie(PENDING_FLOW).and_then(|cookie| cookie.value().parse().ok())
}

/// Where somebody goes who has just signed in: on to the public service that waits, or to where their work starts.
#[must_use]
pub fn landing(request: &HttpRequest, start: &str) -> String {
    pending_flow(request).map_or_else(|| start.to_owned(), |flow| format!("/provider/{flow}"))
}

/// The page where somebody's work starts.
#[must_use]
pub fn start(session: &Session) -> &'static str {
    start_of(&session.account, !session.memberships.is_empty())
}

/// The page where the work of an account starts, with or without an organisation.
#[must_use]
pub const fn start_of(account: &Account, member: bool) -> &'static str {
    match account {
        _ if member => "/home",
        Account { auditor: true, .. } => "/journal",
        Account { officer: true, .. } => "/office",
        _ => "/home",
    }
}

/// Sets the session cookie on an answer.
///
/// # Errors
/// The cookie cannot be written.
pub fn with_session(response: HttpResponse, settings: &Settings, token: String) -> Result<HttpResponse, Problem> {
    with_cookie(response, &cookies::made(settings, cookies::session(settings), token))
}

/// Whoever is signed in already does not sign in again.
#[must_use]
pub fn already_in(request: &HttpRequest, current: Option<&Current>) -> Option<HttpResponse> {
    let session = &current?.session;
    session.code_at?;
    Some(see_other(&landing(request, start(session))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_this_site() {
        for page in ["/mandates/mdt_01ABC", "/sign-in/link?token=a-b_c", "/citizens?q=Jos%C3%A9&after=1.cit_0"] {
            assert_eq!(local_path(page), page);
        }
        for evil in [
            "//evil.example",
            "//evil",
            "/\\evil.example",
            "https://evil.example",
            "/%5cevil",
            "/a\r\nb",
            "",
            "home",
            "/a?//b",
            "/a?b\\c",
        ] {
            assert_eq!(local_path(evil), "/", "{evil:?}");
        }
    }
}
