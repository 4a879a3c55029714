//! One entry of the journal in detail.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::handler::facts;
use super::pages::{EntryPage, Fact};
use super::reading;
use super::search::Typed;
use crate::domain::event::{Event, Kind};
use crate::domain::id::EntryId;
use crate::domain::language::Language;
use crate::domain::mandate::revoke::Reason;
use crate::domain::refusal::Refusal;
use crate::journal::leaf;
use crate::journal::line::hex;
use crate::store::sessions::Session;
use crate::store::{Db, journal, log};
use crate::web::counter::pages::reason as ending;
use crate::web::extract::Id;
use crate::web::office::pages::{ground, hold_ground};
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;
use crate::web::texts::Texts;

/// `GET /journal/{ent}`: one entry in detail.
///
/// # Errors
/// There is none.
pub async fn show(app: Data<App>, screen: Screen, session: Session, id: Id<EntryId>) -> Result<HttpResponse, Problem> {
    let event = Event::new(Kind::JournalRead, app.clock.now()).by(&session.account.id).fact("entry", id.0.as_str());
    let ((entry, purpose, position), coverage) = reading::recorded(&app, &session, event, move |db| {
        let entry = journal::find(db, &id.0)?;
        // What an auditor declared is for auditors to read. What is sealed for a citizen is not.
        let purpose = if entry.kind == Kind::PurposeDeclared { sealed(db, &id.0, "purpose") } else { None };
        let position = log::position(db, &id.0)?;
        Ok((entry, purpose, position))
    })
    .await?;
    let head = reading::head(&coverage, &session, &screen);
    let sealed = entry.commitment != leaf::NOTHING_SEALED;
    let (at, kind, t) = (screen.moment(entry.at), screen.t().kind(entry.kind).to_owned(), screen.t());
    Ok(screen.page(|shell| EntryPage {
        shell,
        head,
        id: entry.id.to_string(),
        position,
        at,
        kind,
        facts: facts(&entry.clear).into_iter().map(|(name, value)| fact(&name, value, t)).collect(),
        purpose,
        canonical: String::from_utf8_lossy(&entry.clear).into_owned(),
        leaf_hash: hex(&entry.leaf),
        commitment: sealed.then(|| hex(&entry.commitment)),
    }))
}

/// A fact in words, and what its code means.
fn fact(name: &str, value: String, t: &'static Texts) -> Fact {
    let meaning = match name {
        "kind" => Kind::from_code(&value).map(|kind| t.kind(kind)),
        "procedure" => value.parse().ok().map(|one| t.procedure(one).long),
        "reason" => reason(&value, t),
        "ground" | "purpose" => match value.as_str() {
            "retention" => Some(t.meaning_retention()),
            "restored" => Some(t.meaning_restored()),
            code => (code.parse().map(|one| ground(one, t)))
                .or_else(|_| code.parse().map(|one| hold_ground(one, t)))
                .or_else(|_| code.parse().map(|one| t.ground(one)))
                .ok(),
        },
        "rule" => value.parse().ok().map(|one| t.rule(one)),
        "term" => value.parse().ok().map(|one| t.term(one)),
        "language" => value.parse().ok().map(|one| match one {
            Language::Fr => t.meaning_fr(),
            Language::En => t.meaning_en(),
        }),
        "method" if value == "in_person" => Some(t.meaning_in_person()),
        "role" => match value.as_str() {
            "mediator" => Some(t.meaning_mediator()),
            "manager" => Some(t.meaning_manager()),
            "auditor" => Some(t.meaning_auditor()),
            "officer" => Some(t.meaning_officer()),
            _ => None,
        },
        "outcome" => match value.as_str() {
            "done" => Some(t.outcome_done()),
            "not_done" => Some(t.outcome_not_done()),
            "handed_back" => Some(t.outcome_handed_back()),
            _ => None,
        },
        _ => None,
    };
    let link = link(name, &value);
    Fact { name: t.fact(name).to_owned(), value, meaning: meaning.map(str::to_owned), link }
}

/// Why something was refused, or ended.
fn reason(code: &str, t: &'static Texts) -> Option<&'static str> {
    if let Some(refusal) = Refusal::ALL.iter().find(|one| one.code() == code) {
        return Some(t.refusal(*refusal));
    }
    if code.parse::<Reason>().is_ok() {
        return Some(ending(code, t));
    }
    match code {
        "forged_form" | "past_the_proxy" => Some(t.meaning_forged_form()),
        "not_found" => Some(t.meaning_not_found()),
        "too_many_refusals" | "too_many_requests" => Some(t.meaning_too_many()),
        "client_authentication" | "grant_type" => Some(t.meaning_client()),
        "unknown_token" | "unknown_code" => Some(t.meaning_unknown_token()),
        _ if code.starts_with("malformed_") => Some(t.meaning_malformed()),
        _ if code.starts_with("authorize_") => Some(t.meaning_authorize()),
        _ if code.starts_with("logout_") => Some(t.meaning_logout()),
        _ => None,
    }
}

/// Where more about an identifier is found; nowhere for most facts.
fn link(name: &str, value: &str) -> String {
    match name {
        "organisation" | "citizen" => format!("/journal?{name}={value}"),
        "actor" | "subject" | "mediator" => format!("/journal?mediator={value}"),
        "mandate" => format!("/journal/mandates/{value}"),
        "procedure" => format!("/journal?procedure={value}"),
        "client" => Typed { service: value.to_owned(), ..Typed::default() }.address(None),
        "entry" => format!("/journal/{value}"),
        "inquiry" => format!("/journal/inquiries/{value}"),
        "signal" => format!("/journal/signals/{value}"),
        _ => String::new(),
    }
}

/// One text in the sealed part of an entry; nothing if its key was destroyed.
pub(super) fn sealed(db: &mut Db<'_>, id: &EntryId, name: &str) -> Option<String> {
    let sealed = journal::sealed_part(db, id).ok().flatten()?;
    serde_json::from_slice::<BTreeMap<String, String>>(&sealed).ok()?.remove(name)
}
