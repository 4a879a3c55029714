//! What in the journal asks the organisation for an explanation: it sees it first, and answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use serde::Deserialize;

use crate::domain::id::SignalId;
use crate::domain::mediator::Member;
use crate::domain::refusal::Refusal;
use crate::store::audit::{self, Seen};
use crate::store::{accounts, citizens, contacts};
use crate::web::auditor::signal_pages::SignalRow;
use crate::web::auditor::signals::{PAGE, pages, row};
use crate::web::extract::{After, Id, Query};
use crate::web::form::Form;
use crate::web::moment::Moment;
use crate::web::parts::{Errors, Pages};
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::shell::Shell;
use crate::web::state::App;

/// People named who share a number, at most.
const PEOPLE: usize = 20;

/// `/signals`
#[derive(Debug, Template)]
#[template(path = "counter/signals.html")]
pub struct OwnSignalsPage {
    /// Frame.
    pub shell: Shell,
    /// Signals, the latest first.
    pub rows: Vec<SignalRow>,
    /// Other pages.
    pub pages: Pages,
}

/// `/signals/{sig}`
#[derive(Debug, Template)]
#[template(path = "counter/signal.html")]
pub struct OwnSignalPage {
    /// Frame.
    pub shell: Shell,
    /// The signal.
    pub row: SignalRow,
    /// Who has the number that it is about: `cit_…`, full name.
    pub people: Vec<(String, String)>,
    /// Whether there are more of them.
    pub more: bool,
    /// When it was answered.
    pub answered: Option<Moment>,
    /// Whether it is about whoever reads, and somebody else must answer.
    pub others: bool,
    /// What was typed.
    pub answer: String,
    /// Field `answer`.
    pub errors: Errors,
}

/// `GET /signals`
///
/// # Errors
/// The database.
pub async fn list(
    app: Data<App>,
    screen: Screen,
    member: Member,
    after: Query<After<SignalId>>,
) -> Result<HttpResponse, Problem> {
    let (now, after) = (app.clock.now(), after.0.after);
    let (later, seen) = (after.is_some(), Seen::By(member.organisation().id.clone()));
    let read = app.store.read(move |db| audit::signals(db, &seen, after.as_ref(), PAGE + 1).map_err(Problem::from));
    let mut found = read.await?;
    let pages = pages("/signals", later, &mut found, |(one, _)| one.id.to_string());
    let rows = found.iter().map(|(one, _)| row(one, now, &screen)).collect();
    Ok(screen.page(|shell| OwnSignalsPage { shell, rows, pages }))
}

/// `GET /signals/{sig}`
///
/// # Errors
/// Another organisation's: not found.
pub async fn show(app: Data<App>, screen: Screen, member: Member, id: Id<SignalId>) -> Result<HttpResponse, Problem> {
    one(&app, screen, &member, id.0, String::new(), Errors::none()).await
}

async fn one(
    app: &App,
    screen: Screen,
    member: &Member,
    id: SignalId,
    answer: String,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let (organisation, account) = (member.organisation().id.clone(), member.account().id.clone());
    let read = app.store.read(move |db| {
        let (signal, _) = audit::find_signal(db, &id)?;
        if signal.organisation != organisation {
            return Err(Problem::NotFound);
        }
        let others = signal.is_about(&account) && !accounts::is_alone(db, &organisation, &account)?;
        let sharing = contacts::sharing(db, &organisation, &signal.found.subject, PEOPLE + 1, now)?;
        Ok::<_, Problem>((signal, others, citizens::find_many(db, &sharing)?))
    });
    let (signal, others, people) = read.await?;
    let more = people.len() > PEOPLE;
    let people = people.iter().take(PEOPLE).map(|one| (one.id.to_string(), one.identity.full_name())).collect();
    let answered = signal.answered.as_ref().map(|(at, _)| screen.moment(*at));
    let row = row(&signal, now, &screen);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(screen.page_with(status, |shell| OwnSignalPage { shell, row, people, more, answered, others, answer, errors }))
}

/// The organisation's answer.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    answer: String,
}

/// `POST /signals/{sig}/answer`
///
/// # Errors
/// Another organisation's: not found; answered already.
pub async fn answer(
    app: Data<App>,
    screen: Screen,
    member: Member,
    id: Id<SignalId>,
    form: Form<Answer>,
) -> Result<HttpResponse, Problem> {
    let (now, typed, signal, by) = (app.clock.now(), form.0.answer.clone(), id.0.clone(), member.clone());
    let outcome = app
        .store
        .write(move |tx| {
            let (found, _) = audit::find_signal_locked(tx, &signal)?;
            if found.organisation != by.organisation().id {
                return Err(Problem::NotFound);
            }
            let whom = audit::whom(tx, &found.found.subject)?.kept()?;
            let alone = accounts::is_alone(tx, &by.organisation().id, &by.account().id)?;
            match found.answer(&by, alone, whom, &typed, now) {
                Ok(change) => audit::answer(tx, change).map(|_| Ok(())).map_err(Problem::from),
                Err(Refusal::PurposeNeeded) => Ok(Err(())),
                Err(refusal) => Err(refusal.into()),
            }
        })
        .await?;
    if outcome.is_ok() {
        return Ok(see_other(&format!("/signals/{}", id.0)));
    }
    let errors = Errors::on("answer", screen.t().signal_answer_wrong());
    one(&app, screen, &member, id.0, form.0.answer, errors).await
}
