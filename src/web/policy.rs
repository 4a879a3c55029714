//! Who may call a route. Every route is registered with its policy, and the policy runs before the handler.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};

use super::context::Current;
use super::cookies;
use super::problem::Problem;
use super::public::handler::start;
use super::refusals;
use super::state::App;
use crate::credential;
use crate::domain::Instant;
use crate::domain::refusal::Refusal;
use crate::store::sessions::{self, SEEN_EVERY, Session};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Anybody; forms carry the browser's token.
    Public,
    /// Machines: no session is looked at, no form token is asked for.
    Machine,
    /// Whoever signed in but has no authenticator yet.
    Enrolling,
    /// Whoever signed in, before the terms are accepted and even when idle.
    SignedIn,
    /// Whoever may work: enrolled, the terms accepted, not idle; whatever the role.
    Ready,
    /// A mediator or a manager, in the current organisation.
    Member,
    /// A mediator, in the current organisation.
    Mediator,
    /// An auditor.
    Auditor,
    /// An auditor who declared a purpose.
    Purposeful,
    /// An officer.
    Officer,
}

/// Applies a policy to a request; `page` says whether the address shows a page. A refusal is an answer like a handler's, so that the frame makes a page of it.
///
/// # Errors
/// None of ours.
pub async fn apply<B: MessageBody + 'static>(
    policy: Policy,
    page: bool,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = match admitted(policy, page, &request).await {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(problem) => request.error_response(problem),
    };
    Ok(refusals::watched(response).await)
}

async fn admitted(policy: Policy, page: bool, request: &ServiceRequest) -> Result<(), Problem> {
    if policy == Policy::Machine {
        return Ok(());
    }
    let app = request.app_data::<Data<App>>().cloned().ok_or(Problem::NotFound)?;
    if *request.method() == Method::POST {
        same_site(request, &app)?;
    }
    let now = app.clock.now();
    if let Some(current) = signed_in(request, &app, now).await? {
        // Known to the page of a refusal too, and to its entry in the journal.
        request.extensions_mut().insert(current.clone());
        let back = page_of(request.method(), request.path());
        allowed(policy, &current, back, page || back != request.path(), now)?;
        touch(&app, &current.session, now).await?;
    } else if policy != Policy::Public {
        return Err(Problem::First("/sign-in".to_owned()));
    }
    Ok(())
}

/// A form comes from our own pages: browsers say so in two headers, and neither may say otherwise.
fn same_site(request: &ServiceRequest, app: &App) -> Result<(), Problem> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let site = header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    // Under our own `Referrer-Policy: no-referrer`, browsers write "null" even for our own forms (Fetch 3.2): that says nothing,
    // and the form's token decides.
    let ours = |origin: &str| origin == "null" || origin == app.settings.origin();
    let origin = header(header::ORIGIN.as_str()).is_none_or(ours);
    if site && origin { Ok(()) } else { Err(Problem::Forged) }
}

async fn signed_in(request: &ServiceRequest, app: &App, now: Instant) -> Result<Option<Current>, Problem> {
    let Some(secret) = cookies::secret(request.request(), cookies::session(&app.settings)) else { return Ok(None) };
    let hash = credential::token_hash(&secret);
    let session = app.store.read(move |db| sessions::find(db, &hash, now).map_err(Problem::from)).await?;
    Ok(session.map(|session| Current::new(session, now)))
}

/// Whether people come to this path, or to the route of this pattern, from a provider that identifies citizens.
pub(super) fn is_return(path: &str) -> bool {
    ["/franceconnect/", "/providers/"].iter().any(|part| path.starts_with(part))
}

fn allowed(policy: Policy, current: &Current, path: &str, page: bool, now: Instant) -> Result<(), Problem> {
    let session = &current.session;
    let first = |path: &str| Err(Problem::First(path.to_owned()));
    match policy {
        Policy::Public | Policy::Machine | Policy::SignedIn => return Ok(()),
        Policy::Enrolling if session.code_at.is_none() => return Ok(()),
        Policy::Enrolling => return first(start(session)),
        Policy::Ready | Policy::Member | Policy::Mediator | Policy::Auditor | Policy::Purposeful | Policy::Officer => {}
    }
    if session.code_at.is_none() {
        return first("/enrolment");
    }
    if !session.account.accepted_terms() {
        return first("/terms");
    }
    // Whoever comes back from a provider was busy there; turning them away would leave its session open.
    if session.is_idle(now) && !is_return(path) {
        // An address that only takes forms shows nothing to come back to.
        let next = if page { path } else { start(session) };
        return first(&format!("/code?next={next}"));
    }
    match policy {
        Policy::Member => current.member.as_ref().map(drop).map_err(|refusal| Problem::from(*refusal)),
        Policy::Mediator => current.mediator.as_ref().map(drop).map_err(|refusal| Problem::from(*refusal)),
        Policy::Auditor | Policy::Purposeful if !session.account.auditor => Err(Refusal::NotAMember.into()),
        Policy::Officer if !session.account.officer => Err(Refusal::NotAnOfficer.into()),
        Policy::Purposeful if session.purpose.is_none() => first("/journal/purpose"),
        _ => Ok(()),
    }
}

/// Marks the session as seen, at most once a minute. A session that slept stays asleep until a code wakes it.
async fn touch(app: &App, session: &Session, now: Instant) -> Result<(), Problem> {
    if session.is_idle(now) || now < session.seen_at + SEEN_EVERY {
        return Ok(());
    }
    let id = session.id.clone();
    app.store.write(move |tx| sessions::seen(tx, &id, now).map_err(Problem::from)).await
}

/// The page to come back to after a code: a form that was sent is filled in again on its own page.
pub(super) fn page_of<'p>(method: &Method, path: &'p str) -> &'p str {
    match path {
        _ if *method != Method::POST => path,
        "/mandates/drafts" => "/mandates/new",
        "/office/erasures" => "/office/erasures/new",
        "/office/holds" => "/office/holds/new",
        _ if path.ends_with("/lifting") => "/office",
        _ if path.ends_with("/outcome") => "/home",
        "/journal/export" => "/journal",
        _ => {
            let ends = ["/cancellation", "/approval", "/refusal", "/decision", "/reading", "/answer", "/phone"];
            ends.iter().find_map(|end| path.strip_suffix(end)).unwrap_or(path)
        }
    }
}
