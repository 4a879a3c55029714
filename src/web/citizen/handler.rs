//! The citizen's own act at the counter. No session is asked for: the address is the key, and it works for one draft.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::pages::{AgreementPage, DonePage};
use crate::credential;
use crate::domain::Instant;
use crate::domain::digest::Digest;
use crate::domain::id::AgreementId;
use crate::domain::language::Language;
use crate::domain::mandate::draft::{Answer, Stage};
use crate::domain::refusal::Refusal;
use crate::store::{Db, drafts, journal, organisations};
use crate::web::context;
use crate::web::document::Document;
use crate::web::extract::Id;
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

fn text(db: &mut Db<'_>, hash: &[u8], language: Language, now: Instant) -> Result<String, Problem> {
    let draft = drafts::of_agreement(db, hash)?;
    draft.alive(now)?;
    if draft.stage != Stage::Identified {
        return Err(Refusal::DraftUsed.into());
    }
    let organisation = organisations::find(db, &draft.organisation)?;
    Ok(draft.text(&organisation.name, language)?)
}

fn show(
    mut screen: Screen,
    status: StatusCode,
    token: String,
    text: &str,
    unprotected: bool,
    errors: Errors,
) -> HttpResponse {
    // Nothing of the mediator's is on the citizen's screen.
    screen.shell.person = None;
    let (document, digest) = (Document::read(text), Digest::of(text.as_bytes()).to_string());
    screen.page_with(status, |shell| AgreementPage { shell, token, document, digest, unprotected, errors })
}

/// `GET /agreements/{token}`
///
/// # Errors
/// No draft waits for an answer at this address.
pub async fn form(app: Data<App>, screen: Screen, token: Id<String>) -> Result<HttpResponse, Problem> {
    let (hash, now, language) = (credential::token_hash(&token.0), app.clock.now(), screen.shell.language);
    let text = app.store.read(move |db| text(db, &hash, language, now)).await?;
    Ok(show(screen, StatusCode::OK, token.0, &text, false, Errors::none()))
}

/// What the citizen answers.
#[derive(Deserialize)]
pub struct Answered {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    unprotected: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    shown: String,
}

/// `POST /agreements/{token}`
///
/// # Errors
/// No draft waits for an answer at this address.
pub async fn answer(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    token: Id<String>,
    form: Form<Answered>,
) -> Result<HttpResponse, Problem> {
    let here = context::current(&request).map(|current| current.session.id);
    let agrees = match form.0.decision.as_str() {
        "agree" => true,
        "refuse" => false,
        _ => return Err(Problem::Malformed("decision")),
    };
    let answer = Answer {
        agrees,
        declares_no_protection: form.0.unprotected == "yes",
        language: form.0.language.parse().map_err(|_| Problem::Malformed("language"))?,
        shown: form.0.shown,
    };
    let language = answer.language;
    let (id, now) = (AgreementId::new(app.clock.now(), app.random.u128()), app.clock.now());
    let hash = credential::token_hash(&token.0);
    let answered = app
        .store
        .write(move |tx| {
            let draft = drafts::of_agreement_locked(tx, &hash)?;
            if draft.holds(&answer) {
                return Ok(Ok((draft.id, draft.session)));
            }
            let organisation = organisations::find(tx, &draft.organisation)?;
            let of_draft = draft.clone();
            match draft.answered(&answer, &organisation.name, id, now) {
                Ok(answered) => {
                    let draft = drafts::save(tx, answered)?;
                    Ok(Ok((draft.id, draft.session)))
                }
                // The refusal is an answer: it is recorded with the draft, which only this transaction knows.
                Err(refusal) => {
                    journal::record(tx, &of_draft.answer_refused(refusal, now))?;
                    Ok::<_, Problem>(Err(refusal))
                }
            }
        })
        .await?;
    match answered {
        // The machine of the counter goes on with the recap; another screen has nothing more to show.
        Ok((draft, session)) if here.as_ref() == Some(&session) => Ok(see_other(&format!("/mandates/drafts/{draft}"))),
        Ok(_) => Ok(screen.in_language(language).page(|shell| DonePage { shell, agreed: agrees })),
        Err(Refusal::ProtectionNotDeclared) => {
            let errors = Errors::on("unprotected", screen.t().refusal(Refusal::ProtectionNotDeclared));
            let text = app.store.read(move |db| text(db, &hash, language, now)).await?;
            let screen = screen.in_language(language);
            Ok(show(screen, StatusCode::UNPROCESSABLE_ENTITY, token.0, &text, false, errors))
        }
        Err(refusal) => Err(Problem::Recorded(refusal)),
    }
}
