//! Around every handler: the browser's secret, the headers, and a page for every problem.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};
use tracing_actix_web::RequestId;

use super::context::{self, Browser};
use super::cookies;
use super::headers;
use super::problem::Problem;
use super::public::pages::ProblemPage;
use super::refusals;
use super::screen::Screen;
use super::state::App;
use super::texts::Texts;
use crate::domain::event::{Event, Kind};

/// When to come back after too many requests, in seconds.
pub const RETRY_AFTER: &str = "180";

/// Surrounds a request.
///
/// # Errors
/// None of ours: a problem becomes a page.
pub async fn around<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<Data<App>>().cloned().ok_or(Problem::NotFound)?;
    let browser = Browser::of(request.request(), &app);
    request.extensions_mut().insert(browser.clone());
    let (began, method) = (Instant::now(), request.method().clone());
    let response = if context::came_by_the_door(request.request(), &app.settings) {
        next.call(request).await?.map_into_boxed_body()
    } else {
        let event = Event::new(Kind::SecurityRefused, app.clock.now()).fact("reason", "past_the_proxy");
        let refused = refusals::record(&app, request.request(), event).await;
        request.error_response(refused.err().unwrap_or(Problem::Forged))
    };
    counted(&response, &method, began);
    let mut response = presented(response, &app);
    let html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let redirect = response.status() == StatusCode::SEE_OTHER;
    if browser.fresh && (html || redirect) {
        let cookie = cookies::made(&app.settings, cookies::browser(&app.settings), browser.cookie());
        response.response_mut().add_cookie(&cookie)?;
    }
    headers::complete(response.headers_mut(), app.settings.secure());
    Ok(response)
}

/// Figures by route, never by address: an address may hold a token.
fn counted(response: &ServiceResponse, method: &Method, began: Instant) {
    let route = response.request().match_pattern().unwrap_or_else(|| "none".to_owned());
    let method = if matches!(*method, Method::GET | Method::POST | Method::HEAD) {
        method.to_string()
    } else {
        "other".to_owned()
    };
    let status = response.status().as_str().to_owned();
    metrics::counter!("http_requests_total", "route" => route.clone(), "method" => method, "status" => status)
        .increment(1);
    metrics::histogram!("http_request_seconds", "route" => route).record(began.elapsed().as_secs_f64());
}

/// A problem without a page gets one.
fn presented(response: ServiceResponse, app: &App) -> ServiceResponse {
    let status = response.status();
    let bare = !response.headers().contains_key(header::CONTENT_TYPE);
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
    let reference = reference(&response);
    match problem {
        Some(fault) if fault.is_fault() => tracing::error!(reference, problem = %fault, "a request failed"),
        Some(Problem::First(_)) | None => {}
        Some(problem) => tracing::info!(reference, %problem, "a request was refused"),
    }
    let foreign = response.response().error().is_some() && problem.is_none();
    if !(status.is_client_error() || status.is_server_error()) || !(bare || foreign) {
        return response;
    }
    let screen = Screen::of(response.request(), app);
    let t = screen.t();
    let words = problem.and_then(|problem| words(problem, response.request().path(), t));
    let mut page: HttpResponse = screen.page_with(status, |shell| {
        let mut page = ProblemPage::new(shell, status.as_u16(), reference);
        if let Some(sentence) = words {
            page.sentence = sentence;
        }
        page
    });
    if status == StatusCode::TOO_MANY_REQUESTS {
        page.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER));
    }
    response.into_response(page)
}

/// The sentence of a rule that refused, or of an address that a citizen was given.
fn words(problem: &Problem, path: &str, t: &Texts) -> Option<String> {
    match problem {
        Problem::Refused(refusal) | Problem::Recorded(refusal) => Some(t.refusal(*refusal).to_owned()),
        Problem::NotFound if path.starts_with("/agreements/") => Some(t.agreement_gone().to_owned()),
        _ => None,
    }
}

/// What the page shows and the log holds: the first letters of the request's identifier.
fn reference(response: &ServiceResponse) -> String {
    let id = response.request().extensions().get::<RequestId>().map(ToString::to_string);
    id.unwrap_or_default().chars().filter(|c| *c != '-').take(12).collect::<String>().to_uppercase()
}
