//! The questions: who acted for this person, when and for what; what did this organisation, mediator, service or procedure do.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::activity_pages::{ActivityPage, Count, UseRow};
use super::chart::{Chart, Step};
use super::handler::{Choices, choices, facts};
use super::reading;
use super::search::{day, names_a_client};
use crate::domain::civil;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AccountId, CitizenId, OrganisationId};
use crate::domain::procedure::Procedure;
use crate::store::audit::{self, Field, Part, Search, Tally};
use crate::store::journal::Entry;
use crate::store::sessions::Session;
use crate::store::{Db, organisations};
use crate::web::extract::Query;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;

/// Uses shown below the figures; the list of the journal has them all.
const USES: i64 = 20;
/// Days looked at where no period is given.
const PERIOD: i32 = 30;
/// Longest period, in days.
const LONGEST: i32 = 3_700;

/// The question as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// What it is about: an identifier, the key of a procedure, or nothing.
    pub of: String,
    /// First day.
    pub from: String,
    /// Last day, included.
    pub to: String,
    /// What one bar stands for.
    pub step: String,
}

/// The question as understood.
struct Question {
    of: Option<(Field, String)>,
    first: i32,
    last: i32,
    step: Step,
}

/// What an identifier is about: its beginning says so; whatever else it is, is a client.
fn about(text: &str) -> Option<(Field, String)> {
    let field = match text {
        _ if text.parse::<CitizenId>().is_ok() => Field::Citizen,
        _ if text.parse::<OrganisationId>().is_ok() => Field::Organisation,
        _ if text.parse::<AccountId>().is_ok() => Field::Actor,
        _ if text.parse::<Procedure>().is_ok() => Field::Procedure,
        _ if names_a_client(text) => Field::Client,
        _ => return None,
    };
    Some((field, text.to_owned()))
}

fn understood(asked: &Asked, today: i32, screen: &Screen) -> Result<Question, Errors> {
    let wrong = |field| Err(Errors::on(field, screen.t().journal_filter_invalid()));
    let of = match asked.of.trim() {
        "" => None,
        text => match about(text) {
            Some(of) => Some(of),
            None => return wrong("of"),
        },
    };
    let last = if asked.to.trim().is_empty() { Some(today) } else { day(&asked.to) };
    let Some(last) = last else { return wrong("to") };
    let first = if asked.from.trim().is_empty() { Some(last - PERIOD + 1) } else { day(&asked.from) };
    match first {
        Some(first) if first <= last && last - first < LONGEST => {
            let step = Step::ALL.into_iter().find(|one| one.code() == asked.step).unwrap_or(Step::Day);
            Ok(Question { of, first, last, step: step.that_fits(first, last) })
        }
        _ => wrong("from"),
    }
}

/// What was read of the journal.
struct Answer {
    tallies: Vec<Tally>,
    uses: Vec<Entry>,
    name: Option<String>,
    choices: Choices,
}

fn read(db: &mut Db<'_>, question: &Question) -> Result<Answer, Problem> {
    let of = question.of.as_ref().map(|(field, value)| (*field, value.as_str()));
    let tallies = audit::tallies(db, of, question.first, question.last)?;
    let mut search = Search {
        from: Some(civil::begins(question.first, civil::FIGURES)),
        until: Some(civil::begins(question.last + 1, civil::FIGURES)),
        ..Search::default()
    };
    search.with.insert(Field::Kind, Kind::Use.code().to_owned());
    search.with.extend(question.of.clone());
    let uses = audit::page(db, &search, &Part::First, USES)?;
    let name = match of {
        // An organisation's name is nobody's secret; a mediator's or a citizen's is not said here.
        Some((Field::Organisation, id)) => {
            let id = id.parse().map_err(|_| Problem::Malformed("identifier"))?;
            organisations::find(db, &id).ok().map(|one| one.name)
        }
        _ => None,
    };
    Ok(Answer { tallies, uses, name, choices: choices(db)? })
}

/// `GET /journal/activity`
///
/// # Errors
/// The database.
pub async fn show(
    app: Data<App>,
    screen: Screen,
    session: Session,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let (asked, now) = (asked.0, app.clock.now());
    let question = match understood(&asked, civil::day(now, civil::FIGURES), &screen) {
        Ok(question) => question,
        Err(errors) => {
            let head = reading::head(&reading::coverage(&app).await?, &session, &screen);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(screen.page_with(status, |shell| ActivityPage::unanswered(shell, head, asked, errors)));
        }
    };
    let mut event = Event::new(Kind::JournalRead, now)
        .by(&session.account.id)
        .fact("page", "activity")
        .fact("filter_from", civil::date(question.first).to_string())
        .fact("filter_to", civil::date(question.last).to_string());
    if let Some((_, value)) = &question.of {
        event = event.fact("about", value);
    }
    let (first, last, step) = (question.first, question.last, question.step);
    let of = question.of.clone();
    let (answer, coverage) = reading::recorded(&app, &session, event, move |db| read(db, &question)).await?;
    let (t, head) = (screen.t(), reading::head(&coverage, &session, &screen));
    let mut kinds: Vec<(Kind, u64)> = Kind::ALL
        .iter()
        .map(|kind| (*kind, answer.tallies.iter().filter(|one| one.kind == *kind).map(|one| one.entries).sum()))
        .filter(|(_, entries)| *entries > 0)
        .collect();
    kinds.sort_by_key(|(_, entries)| std::cmp::Reverse(*entries));
    let (begins, ends) = (civil::date(first).to_string(), civil::date(last).to_string());
    let behind = |kind: Kind| list_address(of.as_ref(), &begins, &ends, kind);
    let counts =
        kinds.iter().map(|(kind, entries)| Count { name: t.kind(*kind), entries: *entries, link: behind(*kind) });
    let uses = answer.uses.iter().map(|entry| use_row(entry, &screen)).collect();
    let chart = Chart::of(&answer.tallies, first, last, step, t);
    let asked = Asked { from: begins.clone(), to: ends.clone(), step: step.code().to_owned(), ..asked };
    let (counts, all) = (counts.collect(), behind(Kind::Use));
    let (organisations, services) = answer.choices;
    let name = answer.name;
    Ok(screen.page(|shell| ActivityPage {
        shell,
        head,
        asked,
        errors: Errors::none(),
        name,
        counts,
        chart,
        uses,
        all,
        organisations,
        services,
    }))
}

/// The list of the journal behind a figure.
fn list_address(of: Option<&(Field, String)>, from: &str, to: &str, kind: Kind) -> String {
    let mut typed = super::search::Typed {
        from: from.to_owned(),
        to: to.to_owned(),
        kind: kind.code().to_owned(),
        ..super::search::Typed::default()
    };
    if let Some((field, value)) = of {
        let place = match field {
            Field::Citizen => &mut typed.citizen,
            Field::Organisation => &mut typed.organisation,
            Field::Actor => &mut typed.mediator,
            Field::Procedure => &mut typed.procedure,
            Field::Mandate => &mut typed.mandate,
            Field::Client | Field::Kind => &mut typed.service,
        };
        place.clone_from(value);
    }
    typed.address(None)
}

fn use_row(entry: &Entry, screen: &Screen) -> UseRow {
    let mut facts = facts(&entry.clear);
    let mut take = |name: &str| facts.remove(name).unwrap_or_default();
    let procedure = take("procedure");
    UseRow {
        entry: entry.id.to_string(),
        at: screen.moment(entry.at),
        mediator: take("actor"),
        organisation: take("organisation"),
        procedure: procedure.parse().map_or(procedure, |one| screen.t().procedure(one).short.to_owned()),
        service: take("client"),
        mandate: take("mandate"),
    }
}
