//! Signals that came before the auditors, with the organisation's answer; and what auditors found.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::entry::sealed;
use super::reading::{self, auditor};
use super::signal_pages::{FindingRow, FindingsPage, SignalPage, SignalRow, SignalsPage};
use crate::domain::event::{Event, Kind};
use crate::domain::finding::{self, Finding};
use crate::domain::id::{self, FindingId, SignalId};
use crate::domain::refusal::Refusal;
use crate::domain::signal::{Rule, Signal};
use crate::domain::{Instant, auditor as words, civil};
use crate::store::audit::{self, Seen};
use crate::store::sessions::Session;
use crate::web::extract::{After, Id, Query};
use crate::web::form::Form;
use crate::web::moment;
use crate::web::parts::{Errors, Pages};
use crate::web::problem::Problem;
use crate::web::public::step_up;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;
use crate::web::texts::Texts;

/// Signals or findings on a page.
pub const PAGE: i64 = 50;

/// A signal in words.
#[must_use]
pub fn row(signal: &Signal, now: Instant, screen: &Screen) -> SignalRow {
    let (t, found) = (screen.t(), &signal.found);
    let (badge, state) = if signal.answered.is_some() {
        ("live", t.signal_answered())
    } else if signal.is_before_auditors(now) {
        ("revoked", t.signal_unanswered())
    } else {
        ("ending", t.signal_awaited())
    };
    SignalRow {
        id: signal.id.to_string(),
        organisation: signal.organisation.to_string(),
        rule: t.rule(found.rule),
        sentence: sentence(signal, screen, t),
        subject: found.subject.clone(),
        since: civil::date(civil::day(found.first, civil::FIGURES)).to_string(),
        date: civil::date(signal.day).to_string(),
        day: moment::date(civil::date(signal.day), t),
        until: screen.moment(signal.answer_until),
        badge,
        state,
    }
}

/// What was found, and how one would find it again.
fn sentence(signal: &Signal, screen: &Screen, t: &Texts) -> String {
    let found = &signal.found;
    let (times, first, last) = (found.times, screen.moment(found.first).short(t), screen.moment(found.last).short(t));
    match found.rule {
        Rule::OutsideHours => t.rule_outside_hours_says(times, first, last),
        Rule::ManyOpenings => t.rule_many_openings_says(times, first, last),
        Rule::ManyUses => t.rule_many_uses_says(times, first, last),
        Rule::RefusedAgain => t.rule_refused_again_says(times, first, last),
        Rule::SoonAfterOpening => t.rule_soon_after_opening_says(times, first, last),
        Rule::NoOutcome => t.rule_no_outcome_says(times, first, last),
        Rule::SharedPhone => t.rule_shared_phone_says(times, first, last),
    }
}

/// Takes the surplus off a page of signals, and says where the rest is.
pub fn pages<T>(base: &str, later: bool, found: &mut Vec<T>, id: impl Fn(&T) -> String) -> Pages {
    let more = i64::try_from(found.len()).is_ok_and(|all| all > PAGE);
    found.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| more).map(|one| format!("{base}?after={}", id(one)));
    Pages { first: later.then(|| base.to_owned()), next }
}

/// `GET /journal/signals`
///
/// # Errors
/// The database.
pub async fn list(
    app: Data<App>,
    screen: Screen,
    session: Session,
    after: Query<After<SignalId>>,
) -> Result<HttpResponse, Problem> {
    let (now, after) = (app.clock.now(), after.0.after);
    let event = Event::new(Kind::JournalRead, now).by(&session.account.id).fact("page", "signals");
    let later = after.is_some();
    let (mut found, coverage) = reading::recorded(&app, &session, event, move |db| {
        Ok(audit::signals(db, &Seen::ByAuditors(now), after.as_ref(), PAGE + 1)?)
    })
    .await?;
    let pages = pages("/journal/signals", later, &mut found, |(one, _)| one.id.to_string());
    let rows = found.iter().map(|(one, _)| row(one, now, &screen)).collect();
    let head = reading::head(&coverage, &session, &screen);
    Ok(screen.page(|shell| SignalsPage { shell, head, rows, pages }))
}

/// `GET /journal/signals/{sig}`
///
/// # Errors
/// There is none, or the organisation still has time to answer: not found.
pub async fn show(app: Data<App>, screen: Screen, session: Session, id: Id<SignalId>) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let event =
        Event::new(Kind::JournalRead, now).by(&session.account.id).fact("page", "signal").fact("signal", id.0.as_str());
    let ((signal, answer, findings), coverage) = reading::recorded(&app, &session, event, move |db| {
        let (signal, entry) = audit::find_signal(db, &id.0)?;
        if !signal.is_before_auditors(now) {
            return Err(Problem::NotFound);
        }
        let answer = entry.and_then(|entry| sealed(db, &entry, "text"));
        let findings = audit::findings(db, Some(signal.id.as_str()), None, PAGE)?;
        Ok((signal, answer, findings))
    })
    .await?;
    let head = reading::head(&coverage, &session, &screen);
    let answered = signal.answered.as_ref().map(|(at, by)| (by.to_string(), screen.moment(*at)));
    let row = row(&signal, now, &screen);
    let findings = findings.iter().map(|(one, entry)| (entry.to_string(), screen.moment(one.at))).collect();
    Ok(screen.page(|shell| SignalPage { shell, head, row, answer, answered, findings }))
}

/// Where the list of findings begins, and what a new one would be about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Written {
    /// An identifier of ours.
    pub about: String,
    /// What was found.
    pub text: String,
    /// A fresh code.
    pub code: String,
    /// The last finding of the page before.
    pub after: String,
}

/// `GET /journal/findings`
///
/// # Errors
/// A malformed cursor; the database.
pub async fn findings(
    app: Data<App>,
    screen: Screen,
    session: Session,
    written: Query<Written>,
) -> Result<HttpResponse, Problem> {
    listed(&app, screen, &session, written.0, Errors::none()).await
}

async fn listed(
    app: &App,
    screen: Screen,
    session: &Session,
    written: Written,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let after: Option<FindingId> = match written.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::Malformed("cursor"))?),
    };
    let event = Event::new(Kind::JournalRead, app.clock.now()).by(&session.account.id).fact("page", "findings");
    let later = after.is_some();
    let (mut found, coverage) = reading::recorded(app, session, event, move |db| {
        let found = audit::findings(db, None, after.as_ref(), PAGE + 1)?;
        let mut texts = Vec::new();
        for (finding, entry) in found {
            let text = sealed(db, &entry, "text");
            texts.push((finding, entry, text));
        }
        Ok(texts)
    })
    .await?;
    let pages = pages("/journal/findings", later, &mut found, |(one, ..)| one.id.to_string());
    let rows = found.into_iter().map(|(finding, entry, text)| FindingRow {
        entry: entry.to_string(),
        account: finding.account.to_string(),
        at: screen.moment(finding.at),
        about: finding.about,
        text,
    });
    let (rows, head) = (rows.collect(), reading::head(&coverage, session, &screen));
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(screen.page_with(status, |shell| FindingsPage { shell, head, written, errors, rows, pages }))
}

/// `POST /journal/findings`
///
/// # Errors
/// The database.
pub async fn record(
    app: Data<App>,
    screen: Screen,
    session: Session,
    form: Form<Written>,
) -> Result<HttpResponse, Problem> {
    let (auditor, now, t) = (auditor(&session)?, app.clock.now(), screen.t());
    let written = Written { after: String::new(), ..form.0 };
    let (about, text) = (written.about.trim().to_owned(), words::text(&written.text));
    let mut errors = Errors::none();
    if !id::is_one(&about) || !finding::ABOUT.iter().any(|prefix| about.starts_with(prefix)) {
        errors = errors.and("about", t.finding_about_wrong());
    }
    if text.is_err() {
        errors = errors.and("text", t.signal_answer_wrong());
    }
    let text = text.unwrap_or_default();
    if !errors.is_empty() {
        return listed(&app, screen, &session, written, errors).await;
    }
    let (finding, code) = (FindingId::new(now, app.random.u128()), written.code.clone());
    let outcome = app
        .store
        .write(move |tx| {
            let acts = audit::acts(tx, &about)?;
            // Nobody spends a code on what they may not sign.
            Finding::signable_by(&auditor, acts.as_deref())?;
            let whom = match audit::whom(tx, &about)?.kept() {
                Ok(whom) => whom,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let fresh = match step_up::present(tx, auditor.account(), &code, now)? {
                Ok(fresh) => fresh,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let signed = Finding::record(finding, &auditor, &fresh, (about, whom, acts.as_deref()), &text, now)?;
            audit::record_finding(tx, signed)?;
            Ok::<_, Problem>(Ok(()))
        })
        .await?;
    match outcome {
        Ok(()) => Ok(see_other("/journal/findings")),
        Err(refusal) => {
            let field = if refusal == Refusal::PersonErased { "about" } else { "code" };
            let errors = Errors::on(field, screen.t().refusal(refusal));
            listed(&app, screen, &session, written, errors).await
        }
    }
}
