//! Today's work, the list of people.

use actix_web::HttpResponse;
use actix_web::web::Data;
use chrono::{NaiveTime, TimeDelta, TimeZone};
use serde::Deserialize;

use super::pages::{AwaitedUse, CitizensPage, EndingMandate, Tab, TodayPage};
use crate::domain::Instant;
use crate::domain::citizen::{SHORTEST_SEARCH, search_words};
use crate::domain::id::{CitizenId, UseId};
use crate::domain::mandate::Mandate;
use crate::domain::mediator::{Mediator, Member};
use crate::domain::outcome::{Outcome, Use};
use crate::store::citizens::{Citizen, Cursor};
use crate::store::{citizens, mandates, uses};
use crate::web::context::Current;
use crate::web::extract::{Id, Query};
use crate::web::form::Form;
use crate::web::parts::Pages;
use crate::web::present::{Names, SOON, live_titles, row};
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// People on a page.
pub const PAGE: usize = 25;
/// Lines of today's work.
const TODAY: i64 = 20;

/// Midnight of today in the organisation's zone. Where midnight does not exist, the day begins an hour later.
fn midnight(now: Instant, zone: chrono_tz::Tz) -> Instant {
    let day = now.with_timezone(&zone).date_naive();
    let candidates = [NaiveTime::MIN, NaiveTime::from_hms_opt(1, 0, 0).unwrap_or(NaiveTime::MIN)];
    let begins = candidates.into_iter().find_map(|time| zone.from_local_datetime(&day.and_time(time)).earliest());
    begins.map_or(now - TimeDelta::days(1), |local| local.to_utc())
}

/// `GET /home`
///
/// # Errors
/// The database.
pub async fn today(
    app: Data<App>,
    screen: Screen,
    member: Member,
    request: actix_web::HttpRequest,
) -> Result<HttpResponse, Problem> {
    let (now, can_open) = (app.clock.now(), is_mediator(&request));
    let since = midnight(now, screen.zone());
    let (awaited, ending, people, names) = app
        .store
        .read(move |db| {
            let organisation = &member.organisation().id;
            let awaited = uses::awaiting_outcome(db, organisation, &member.account().id, since, TODAY)?;
            let ending = mandates::ending_between(db, organisation, now, now + SOON, TODAY)?;
            let ids: Vec<CitizenId> =
                awaited.iter().map(|one| &one.citizen).chain(ending.iter().map(|one| &one.citizen)).cloned().collect();
            let people = citizens::find_many(db, &ids)?;
            let names = Names::of(db, &awaited)?;
            Ok::<_, Problem>((awaited, ending, people, names))
        })
        .await?;
    // Of somebody who was erased, nothing is left to show.
    let known = |id: &CitizenId| people.iter().any(|one| one.id == *id);
    let uses = awaited.iter().filter(|used| known(&used.citizen));
    let uses = uses.map(|used| awaited_use(used, &people, &names, &screen)).collect();
    let ending = ending.iter().map(|one| ending_mandate(one, &people, now, &screen)).collect();
    Ok(screen.page(|shell| TodayPage { shell, can_open, uses, ending }))
}

pub(super) fn is_mediator(request: &actix_web::HttpRequest) -> bool {
    crate::web::context::current(request).is_some_and(|current: Current| current.mediator.is_ok())
}

fn name_of(people: &[Citizen], id: &CitizenId) -> String {
    people.iter().find(|one| one.id == *id).map(|one| one.identity.full_name()).unwrap_or_default()
}

fn awaited_use(used: &Use, people: &[Citizen], names: &Names, screen: &Screen) -> AwaitedUse {
    AwaitedUse {
        id: used.id.to_string(),
        at: screen.moment(used.at),
        citizen: name_of(people, &used.citizen),
        citizen_id: used.citizen.to_string(),
        procedure: screen.t().procedure(used.procedure).short.to_owned(),
        service: names.client(&used.client),
    }
}

fn ending_mandate(mandate: &Mandate, people: &[Citizen], now: Instant, screen: &Screen) -> EndingMandate {
    EndingMandate {
        id: mandate.id.to_string(),
        citizen: name_of(people, &mandate.citizen),
        procedures: live_titles(std::iter::once(mandate), now, screen.t()),
        ends: screen.moment(mandate.expires_at),
    }
}

/// What is looked for.
#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    tab: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

/// What a search asks for, checked.
pub struct Asked {
    /// As typed.
    pub query: String,
    /// Folded words; empty without a search.
    pub words: Vec<String>,
    /// Typed, but too short to search.
    pub too_short: bool,
    /// Where the page begins.
    pub after: Option<Cursor>,
}

/// Reads a search: at least three characters, at most eighty.
///
/// # Errors
/// A cursor that is none.
pub fn asked(query: &str, after: &str) -> Result<Asked, Problem> {
    let query: String = query.trim().chars().take(80).collect();
    let words = search_words(&query);
    let letters: usize = words.iter().map(|word| word.chars().count()).sum();
    let too_short = !query.is_empty() && letters < SHORTEST_SEARCH;
    let after = if after.is_empty() { None } else { Some(cursor(after).ok_or(Problem::Malformed("cursor"))?) };
    Ok(Asked { query, words, too_short, after })
}

fn cursor(text: &str) -> Option<Cursor> {
    let (micros, citizen) = text.split_once('.')?;
    let opened_at = Instant::from_timestamp_micros(micros.parse().ok()?)?;
    Some(Cursor { opened_at, citizen: citizen.parse().ok()? })
}

/// The addresses of the pages around this one.
#[must_use]
pub fn pages(base: &str, fields: &[(&str, &str)], after: Option<&Cursor>, next: Option<Cursor>) -> Pages {
    let address = |more: Option<String>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(more.map(|after| ("after", after)));
        let query = query.finish();
        if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") }
    };
    Pages {
        first: after.map(|_| address(None)),
        next: next.map(|next| address(Some(format!("{}.{}", next.opened_at.timestamp_micros(), next.citizen)))),
    }
}

/// `GET /citizens`
///
/// # Errors
/// A malformed cursor; the database.
pub async fn list(
    app: Data<App>,
    screen: Screen,
    member: Member,
    search: Query<Search>,
) -> Result<HttpResponse, Problem> {
    let Search { tab, q, after } = search.0;
    let asked = asked(&q, &after)?;
    let (tab, listed_tab) = match tab.as_str() {
        "ended" => (Tab::Ended, citizens::Tab::Ended),
        _ => (Tab::Active, citizens::Tab::Active),
    };
    let now = app.clock.now();
    let Asked { query, words, too_short, after } = asked;
    let cursor = after.clone();
    let (listed, held) = if too_short {
        (citizens::Listed { lines: Vec::new(), next: None }, Vec::new())
    } else {
        app.store
            .read(move |db| {
                let organisation = &member.organisation().id;
                let listed = citizens::list(db, organisation, listed_tab, &words, cursor.as_ref(), PAGE, now)?;
                let ids: Vec<_> = listed.lines.iter().map(|one| one.citizen.id.clone()).collect();
                let held = mandates::holding(db, organisation, &ids)?;
                Ok::<_, Problem>((listed, held))
            })
            .await?
    };
    let rows = listed.lines.iter().map(|one| row(one, &held, now, &screen)).collect();
    let key = if tab == Tab::Ended { "ended" } else { "" };
    let pages = pages("/citizens", &[("tab", key), ("q", &query)], after.as_ref(), listed.next);
    Ok(screen.page(|shell| CitizensPage { shell, tab, query, too_short, rows, pages }))
}

/// What came of a use.
#[derive(Deserialize)]
pub struct OutcomeForm {
    outcome: String,
}

/// `POST /uses/{use}/outcome`. The same one said again by the same mediator is answered as at first.
///
/// # Errors
/// Not of this organisation: not found; known already.
pub async fn outcome(
    app: Data<App>,
    mediator: Mediator,
    id: Id<UseId>,
    form: Form<OutcomeForm>,
) -> Result<HttpResponse, Problem> {
    let outcome: Outcome = form.0.outcome.parse().map_err(|_| Problem::Malformed("outcome"))?;
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            let used = uses::held_by(tx, &mediator.organisation().id, &id.0)?;
            if !used.holds(&mediator, outcome) {
                uses::save_outcome(tx, used.record(&mediator, outcome, now)?, now)?;
            }
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(see_other("/home"))
}
