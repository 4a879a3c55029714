//! Every refusal leaves one entry in the journal: the one its own transaction wrote, or the one written here, once the answer is
//! known. One source causes only so many: beyond that it is told to wait, and the journal does not grow at its will.

use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::ServiceResponse;
use actix_web::web::Data;
use governor::DefaultKeyedRateLimiter;

use super::context;
use super::policy::is_return;
use super::problem::Problem;
use super::state::{App, keyed_limiter};
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id;
use crate::domain::refusal::Refusal;
use crate::store::journal;

/// Refusals that one account, or one address, may cause at once. A whole office behind one address stays far below.
const BURST: NonZeroU32 = NonZeroU32::new(300).unwrap();
/// How long it waits for another one afterwards.
const EVERY: Duration = Duration::from_secs(10);
/// How often the journal says of the same one that it was told to wait.
const ALARM_EVERY: Duration = Duration::from_hours(1);

/// What each account and each address may still cause.
pub struct Budget {
    refusals: DefaultKeyedRateLimiter<String>,
    alarms: DefaultKeyedRateLimiter<String>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { refusals: keyed_limiter(EVERY, BURST), alarms: keyed_limiter(ALARM_EVERY, NonZeroU32::MIN) }
    }
}

impl Budget {
    /// Forgets whoever has caused nothing for a while.
    pub fn forget_the_quiet(&self) {
        self.refusals.retain_recent();
        self.alarms.retain_recent();
    }
}

/// Writes that a request was refused.
///
/// # Errors
/// [`Problem::TooMany`] instead of a further entry, once the source has caused too many; the database.
pub async fn record(app: &App, request: &HttpRequest, event: Event) -> Result<(), Problem> {
    let account = context::current(request).map(|current| current.session.account.id);
    let source = account.as_ref().map_or_else(|| context::source(request, &app.settings), ToString::to_string);
    if app.budget.refusals.check_key(&source).is_ok() {
        return written(app, event).await;
    }
    if app.budget.alarms.check_key(&source).is_ok() {
        tracing::warn!("a source of many refused requests is told to wait");
        let alarm = Event::new(Kind::SecurityRefused, event.at).fact("reason", "too_many_refusals");
        written(app, account.map_or(alarm.clone(), |account| alarm.by(&account))).await?;
    }
    Err(Problem::TooMany)
}

async fn written(app: &App, event: Event) -> Result<(), Problem> {
    metrics::counter!("refusals_total", "kind" => event.kind.code()).increment(1);
    app.store.write(move |tx| journal::record(tx, &event).map(drop).map_err(Problem::from)).await
}

/// Looks at an answer on its way out: a refusal that nobody recorded is recorded now, or the answer is another one.
pub async fn watched(response: ServiceResponse) -> ServiceResponse {
    let Some(app) = response.request().app_data::<Data<App>>().cloned() else { return response };
    let Some(event) = event(&response, app.clock.now()) else { return response };
    let request = response.request().clone();
    match record(&app, &request, event).await {
        Ok(()) => response,
        Err(problem) => response.error_response(problem),
    }
}

fn event(response: &ServiceResponse, now: Instant) -> Option<Event> {
    let request = response.request();
    let route = request.match_pattern()?;
    let (kind, reason) = match response.response().error()?.as_error::<Problem>()? {
        Problem::Refused(refusal) => (kind(*refusal, &route), refusal.code().to_owned()),
        Problem::Malformed(part) => (Kind::SecurityRefused, format!("malformed_{part}")),
        Problem::Forged => (Kind::SecurityRefused, "forged_form".to_owned()),
        // Somebody else's, or a guess: nobody comes by chance to an identifier that is not theirs.
        Problem::NotFound => (Kind::SecurityRefused, "not_found".to_owned()),
        _ => return None,
    };
    let named: Vec<&str> = request.match_info().iter().map(|(_, value)| value).filter(|one| id::is_one(one)).collect();
    let mut event = Event::new(kind, now).fact("reason", reason).fact("route", format!("{} {route}", request.method()));
    if !named.is_empty() {
        event = event.fact("named", named.join(" "));
    }
    let Some(current) = context::current(request) else { return Some(event) };
    let event = event.by(&current.session.account.id);
    Some(match current.organisation() {
        Some(organisation) => event.within(&organisation.id),
        None => event,
    })
}

/// Under which kind an auditor looks for a refusal.
fn kind(refusal: Refusal, route: &str) -> Kind {
    match refusal {
        Refusal::FlowNotYours | Refusal::FlowUsed | Refusal::DraftNotYours | Refusal::OtherOrganisation => {
            Kind::SecurityRefused
        }
        _ if route.starts_with("/provider/") => Kind::UseRefused,
        _ if route.ends_with("/revocation") => Kind::RevocationRefused,
        _ if is_return(route) || ["/mandates/", "/agreements/"].iter().any(|part| route.starts_with(part)) => {
            Kind::OpeningRefused
        }
        _ => Kind::ActRefused,
    }
}
