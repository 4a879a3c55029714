//! Everything that happened to one mandate, from the citizen's agreement to the last outcome, each event in a sentence.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use super::handler::facts;
use super::pages::Head;
use super::reading;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{EntryId, MandateId};
use crate::domain::mandate::revoke::Reason;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::store::Db;
use crate::store::audit::{self, Story};
use crate::store::journal::Entry;
use crate::store::sessions::Session;
use crate::web::counter::pages::reason as ending;
use crate::web::extract::{After, Id, Query};
use crate::web::moment::Moment;
use crate::web::parts::Pages;
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::shell::Shell;
use crate::web::state::App;
use crate::web::texts::Texts;

/// Events on the page.
const EVENTS: i64 = 200;

/// One event.
#[derive(Debug, Clone)]
pub struct Told {
    /// `ent_…`
    pub entry: String,
    /// When.
    pub at: Moment,
    /// Its kind.
    pub kind: &'static str,
    /// What happened.
    pub sentence: String,
    /// Who acted, `acc_…`.
    pub actor: Option<String>,
}

/// `/journal/mandates/{mandate}`
#[derive(Debug, Template)]
#[template(path = "auditor/timeline.html")]
pub struct TimelinePage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// `mdt_…`
    pub mandate: String,
    /// `org_…`
    pub organisation: Option<String>,
    /// `cit_…`
    pub citizen: Option<String>,
    /// The events, oldest first.
    pub events: Vec<Told>,
    /// The beginning, and what follows.
    pub pages: Pages,
}

/// `GET /journal/mandates/{mdt}`
///
/// # Errors
/// No entry is about it; the database.
pub async fn show(
    app: Data<App>,
    screen: Screen,
    session: Session,
    id: Id<MandateId>,
    after: Query<After<EntryId>>,
) -> Result<HttpResponse, Problem> {
    let mandate = id.0.to_string();
    let event = Event::new(Kind::JournalRead, app.clock.now())
        .by(&session.account.id)
        .fact("page", "timeline")
        .fact("filter_mandate", &mandate);
    let after = after.0.after;
    let goes_on = after.is_some();
    let read = move |db: &mut Db<'_>| Ok(audit::of_mandate(db, &id.0, after, EVENTS)?);
    let (Story { entries, next }, coverage) = reading::recorded(&app, &session, event, read).await?;
    let opening = entries.iter().find(|entry| entry.kind == Kind::MandateOpened);
    // Whoever goes on has seen the opening.
    let named = opening.or_else(|| entries.first().filter(|_| goes_on)).ok_or(Problem::NotFound)?;
    let mut named = facts(&named.clear);
    let (organisation, citizen) = (named.remove("organisation"), named.remove("citizen"));
    let address = format!("/journal/mandates/{mandate}");
    let next = next.map(|last| format!("{address}?after={last}"));
    let pages = Pages { first: goes_on.then_some(address), next };
    let head = reading::head(&coverage, &session, &screen);
    let events = entries.iter().map(|entry| told(entry, &screen)).collect();
    Ok(screen.page(|shell| TimelinePage { shell, head, mandate, organisation, citizen, events, pages }))
}

fn told(entry: &Entry, screen: &Screen) -> Told {
    let mut facts = facts(&entry.clear);
    let t = screen.t();
    Told {
        entry: entry.id.to_string(),
        at: screen.moment(entry.at),
        kind: t.kind(entry.kind),
        sentence: sentence(entry.kind, &facts, t),
        actor: facts.remove("actor"),
    }
}

/// What happened, in a sentence.
fn sentence(kind: Kind, facts: &BTreeMap<String, String>, t: &Texts) -> String {
    let fact = |name: &str| facts.get(name).cloned().unwrap_or_default();
    let title =
        |key: &str| key.parse::<Procedure>().map_or_else(|_| key.to_owned(), |one| t.procedure(one).short.to_owned());
    let procedure = || title(&fact("procedure"));
    let reason = || {
        let code = fact("reason");
        match Refusal::ALL.iter().find(|one| one.code() == code) {
            Some(refusal) => t.refusal(*refusal).to_owned(),
            None if code.parse::<Reason>().is_ok() => ending(&code, t).to_owned(),
            None => code,
        }
    };
    match kind {
        Kind::CitizenIdentified => t.told_identified().to_owned(),
        Kind::IdentityChanged => t.told_identity_changed().to_owned(),
        Kind::AgreementGiven => t.told_agreed().to_owned(),
        Kind::AgreementRefused => t.told_disagreed().to_owned(),
        Kind::MandateOpened => {
            let procedures = fact("procedures").split_whitespace().map(title).collect::<Vec<_>>().join(", ");
            let term = fact("term").parse().map_or_else(|_| fact("term"), |one| t.term(one).to_owned());
            t.told_opened(procedures, term)
        }
        Kind::AuthorisationReplaced => t.told_replaced(procedure()),
        Kind::AuthorisationRevoked => t.told_revoked(procedure(), reason()),
        Kind::RevocationRefused => t.told_revocation_refused(reason()),
        Kind::PresenceEnded => t.told_presence_ended(procedure()),
        Kind::Use => t.told_used(procedure(), fact("client")),
        Kind::UseRefused => t.told_use_refused(reason()),
        Kind::OpeningRefused => t.told_opening_refused(reason()),
        Kind::CodeReplayed => t.told_replayed(fact("client")),
        Kind::TokenRevoked => t.told_token_revoked(fact("client")),
        Kind::OutcomeRecorded => {
            let outcome = match fact("outcome").as_str() {
                "done" => t.outcome_done(),
                "not_done" => t.outcome_not_done(),
                _ => t.outcome_handed_back(),
            };
            t.told_outcome(procedure(), outcome)
        }
        Kind::MandateRead => t.told_read().to_owned(),
        other => format!("{}.", t.kind(other)),
    }
}
