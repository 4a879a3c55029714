//! The recap: the last look, the declaration, the code, and the mandate is open.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::opening_pages::{RecapPage, RefusedPage, ReplacedLine};
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AuthorisationId, DraftId, MandateId};
use crate::domain::mandate::draft::{Draft, LIFE, Stage};
use crate::domain::mandate::open::{self, Declaration, Ids};
use crate::domain::mandate::{Mandate, Standing};
use crate::domain::mediator::Mediator;
use crate::domain::refusal::Refusal;
use crate::store::{Tx, drafts, journal, mandates, sessions};
use crate::web::extract::Id;
use crate::web::form::{Form, Nothing};
use crate::web::moment::birthdate;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::public::step_up;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;
use crate::web::texts::Texts;

/// `GET /mandates/drafts/{drf}`: whatever comes next for this draft.
///
/// # Errors
/// Not of this session: not found; too old.
pub async fn form(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    id: Id<DraftId>,
) -> Result<HttpResponse, Problem> {
    show(&app, screen, mediator, id.0, StatusCode::OK, Ticked::default(), Errors::none()).await
}

/// The boxes ticked.
#[derive(Default, Clone, Copy)]
struct Ticked {
    in_front: bool,
    informed: bool,
}

async fn show(
    app: &App,
    screen: Screen,
    mediator: Mediator,
    id: DraftId,
    status: StatusCode,
    ticked: Ticked,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let (draft, held) = app
        .store
        .read({
            let mediator = mediator.clone();
            move |db| {
                let draft = drafts::of_session(db, mediator.session(), &id)?;
                let held = match &draft.citizen {
                    Some(person) => mandates::holding(db, &draft.organisation, std::slice::from_ref(&person.id))?,
                    None => Vec::new(),
                };
                Ok::<_, Problem>((draft, held))
            }
        })
        .await?;
    draft.bound_to(&mediator)?;
    match &draft.stage {
        Stage::Opened(mandate) => return Ok(see_other(&format!("/mandates/{mandate}"))),
        Stage::Cancelled => return Ok(see_other("/home")),
        Stage::Refused => return Ok(screen.page(|shell| RefusedPage { shell })),
        Stage::Started | Stage::Identified | Stage::Agreed(_) => draft.alive(now)?,
    }
    match &draft.stage {
        Stage::Agreed(agreement) => {
            let agreed = agreement.at;
            let page = recap(&draft, &held, &mediator, agreed, now, &screen).ok_or(Refusal::NotIdentified)?;
            Ok(screen.page_with(status, |shell| RecapPage {
                shell,
                in_front: ticked.in_front,
                informed: ticked.informed,
                errors,
                ..page
            }))
        }
        // Nothing says that the provider's session was closed: its warning stays.
        Stage::Identified => Ok(see_other(&format!("/franceconnect/logged-out?state={}&open=yes", draft.id))),
        _ => Ok(see_other("/mandates/new")),
    }
}

fn recap(
    draft: &Draft,
    held: &[Mandate],
    mediator: &Mediator,
    agreed: Instant,
    now: Instant,
    screen: &Screen,
) -> Option<RecapPage> {
    let person = draft.citizen.as_ref()?;
    let live = held.iter().flat_map(|old| old.authorisations.iter().map(move |part| (old, part)));
    let replaced = live
        .filter(|(old, part)| {
            draft.procedures.contains(&part.procedure) && old.standing_of(part, now) == Standing::Active
        })
        .map(|(old, part)| ReplacedLine {
            procedure: screen.t().procedure(part.procedure).long.to_owned(),
            ends: screen.moment(old.expires_at),
        });
    Some(RecapPage {
        shell: screen.shell.clone(),
        draft: draft.id.to_string(),
        citizen: person.identity.full_name(),
        birthdate: birthdate(&person.identity.birthdate, screen.t()),
        organisation: mediator.organisation().name.clone(),
        procedures: draft.procedures.iter().copied().collect(),
        term: draft.term,
        ends: screen.moment(draft.term.end(now)),
        agreed: screen.moment(agreed),
        deadline: screen.moment(draft.created_at + LIFE),
        replaced: replaced.collect(),
        in_front: false,
        informed: false,
        errors: Errors::none(),
    })
}

/// The declaration and the code.
#[derive(Deserialize)]
pub struct Confirmation {
    #[serde(default)]
    in_front: String,
    #[serde(default)]
    informed: String,
    #[serde(default)]
    code: String,
}

/// `POST /mandates/drafts/{drf}`: opens the mandate. A second confirmation answers with the first mandate.
///
/// # Errors
/// Not of this session: not found; a rule refuses; the database.
pub async fn confirm(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    id: Id<DraftId>,
    form: Form<Confirmation>,
) -> Result<HttpResponse, Problem> {
    let ticked = Ticked { in_front: form.0.in_front == "yes", informed: form.0.informed == "yes" };
    let (now, typed) = (app.clock.now(), !form.0.code.trim().is_empty());
    let confirming = Confirming {
        mediator: mediator.clone(),
        draft: id.0.clone(),
        declaration: Declaration { in_front: ticked.in_front, informed: ticked.informed },
        code: form.0.code,
        ids: Ids {
            mandate: MandateId::new(now, app.random.u128()),
            authorisations: (0..10).map(|_| AuthorisationId::new(now, app.random.u128())).collect(),
        },
        now,
    };
    match app.store.write(move |tx| confirming.open(tx)).await? {
        Ok(mandate) => Ok(see_other(&format!("/mandates/{mandate}"))),
        Err(refusal) => match field(refusal) {
            Some(field) => {
                let errors = missing(ticked, typed, (field, refusal), screen.t());
                show(&app, screen, mediator, id.0, StatusCode::UNPROCESSABLE_ENTITY, ticked, errors).await
            }
            None => Err(Problem::Recorded(refusal)),
        },
    }
}

/// Everything that is missing, at once, and not only what was refused first.
fn missing(ticked: Ticked, typed: bool, (field, refusal): (&'static str, Refusal), t: &Texts) -> Errors {
    let mut errors = Errors::none();
    if !ticked.in_front {
        errors = errors.and("in_front", t.refusal(Refusal::NotInFront));
    }
    if !ticked.informed {
        errors = errors.and("informed", t.refusal(Refusal::NotInformed));
    }
    match field {
        _ if !typed => errors.and("code", t.code_missing()),
        "code" => errors.and("code", t.refusal(refusal)),
        _ => errors,
    }
}

/// The field of the recap that a refusal is about.
const fn field(refusal: Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::NotInFront => Some("in_front"),
        Refusal::NotInformed => Some("informed"),
        Refusal::CodeRefused | Refusal::FactorLocked => Some("code"),
        _ => None,
    }
}

struct Confirming {
    mediator: Mediator,
    draft: DraftId,
    declaration: Declaration,
    code: String,
    ids: Ids,
    now: Instant,
}

impl Confirming {
    /// One transaction. A refusal is an answer: it is recorded, and a wrong code is counted.
    fn open(self, tx: &mut Tx<'_>) -> Result<Result<MandateId, Refusal>, Problem> {
        let (mediator, now) = (&self.mediator, self.now);
        let draft = drafts::of_session_locked(tx, mediator.session(), &self.draft)?;
        if let Stage::Opened(mandate) = draft.stage {
            return Ok(Ok(mandate));
        }
        // The code is looked at only when nothing else is missing: a forgotten box does not cost thirty seconds.
        let person = match open::ready(&draft, mediator, self.declaration, now) {
            Ok((person, _)) => person,
            Err(refusal) => return refused(tx, &draft, mediator, refusal, now),
        };
        // A field left empty is no wrong code: it is not counted.
        if self.code.trim().is_empty() {
            return Ok(Err(Refusal::CodeRefused));
        }
        let code = match step_up::present(tx, &mediator.account().id, &self.code, now)? {
            Ok(code) => code,
            // The code's own entry says so.
            Err(refusal) => return Ok(Err(refusal)),
        };
        let held = mandates::holding_locked(tx, &draft.organisation, &person.id)?;
        let opening = open::open(draft, mediator, self.declaration, code, &held, self.ids, now)?;
        let mandate = mandates::open(tx, opening)?;
        // The session keeps its secret: this answer may be lost, and the same confirmation sent again must find its session.
        sessions::awake(tx, mediator.session(), now)?;
        Ok(Ok(mandate.id))
    }
}

fn refused(
    tx: &mut Tx<'_>,
    draft: &Draft,
    mediator: &Mediator,
    refusal: Refusal,
    now: Instant,
) -> Result<Result<MandateId, Refusal>, Problem> {
    let event = Event::new(Kind::OpeningRefused, now)
        .by(&mediator.account().id)
        .within(&draft.organisation)
        .fact("draft", draft.id.as_str())
        .fact("reason", refusal.code());
    journal::record(tx, &event)?;
    Ok(Err(refusal))
}

/// `POST /mandates/drafts/{drf}/cancellation`. A second one is answered as the first.
///
/// # Errors
/// Not of this session: not found; already open.
pub async fn cancel(
    app: Data<App>,
    mediator: Mediator,
    id: Id<DraftId>,
    _form: Form<Nothing>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    app.store
        .write(move |tx| {
            let draft = drafts::of_session_locked(tx, mediator.session(), &id.0)?;
            if !draft.is_given_up_by(&mediator) {
                drafts::save(tx, draft.cancel(&mediator, now)?)?;
            }
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(see_other("/home"))
}
