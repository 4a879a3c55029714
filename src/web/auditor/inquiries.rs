//! Who a pseudonym stands for: asked by one auditor, decided by another, read by the first.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::entry::sealed;
use super::inquiry_pages::{IdentityPage, InquiriesPage, InquiryPage, InquiryRow};
use super::reading::{self, auditor};
use crate::domain::event::{Event, Kind};
use crate::domain::id::{CitizenId, InquiryId};
use crate::domain::inquiry::{Ground, Inquiry, Standing};
use crate::domain::refusal::Refusal;
use crate::domain::{Instant, auditor as words};
use crate::store::sessions::Session;
use crate::store::{audit, citizens, journal};
use crate::web::extract::{After, Id, Query};
use crate::web::form::{Form, Nothing};
use crate::web::moment::birthdate;
use crate::web::parts::{Errors, Pages};
use crate::web::problem::Problem;
use crate::web::public::step_up;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// Inquiries on a page.
const PAGE: i64 = 50;

/// What is asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `cit_…`
    pub citizen: String,
    /// A ground.
    pub ground: String,
    /// The reason in words.
    pub reason: String,
}

fn row(inquiry: &Inquiry, now: Instant, screen: &Screen) -> InquiryRow {
    let t = screen.t();
    let (badge, state) = match inquiry.standing(now) {
        Standing::Waiting => ("ending", t.inquiry_waiting()),
        Standing::Lapsed => ("ended", t.inquiry_lapsed()),
        Standing::Declined => ("revoked", t.inquiry_declined()),
        Standing::Open(_) => ("live", t.inquiry_open()),
        Standing::Closed => ("ended", t.inquiry_closed()),
    };
    InquiryRow {
        id: inquiry.id.to_string(),
        citizen: inquiry.citizen.to_string(),
        asked_by: inquiry.asked_by.to_string(),
        at: screen.moment(inquiry.asked_at),
        ground: t.ground(inquiry.ground),
        badge,
        state,
    }
}

/// `GET /journal/inquiries`
///
/// # Errors
/// The database.
pub async fn list(
    app: Data<App>,
    screen: Screen,
    session: Session,
    after: Query<After<InquiryId>>,
) -> Result<HttpResponse, Problem> {
    listed(&app, screen, &session, after.0.after, Asked::default(), Errors::none()).await
}

async fn listed(
    app: &App,
    screen: Screen,
    session: &Session,
    after: Option<InquiryId>,
    asked: Asked,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let event = Event::new(Kind::JournalRead, now).by(&session.account.id).fact("page", "inquiries");
    let later = after.is_some();
    let (mut found, coverage) =
        reading::recorded(app, session, event, move |db| Ok(audit::inquiries(db, None, after.as_ref(), PAGE + 1)?))
            .await?;
    let more = i64::try_from(found.len()).is_ok_and(|all| all > PAGE);
    found.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let next = found.last().filter(|_| more).map(|(one, _)| format!("/journal/inquiries?after={}", one.id));
    let pages = Pages { first: later.then(|| "/journal/inquiries".to_owned()), next };
    let rows = found.iter().map(|(one, _)| row(one, now, &screen)).collect();
    let head = reading::head(&coverage, session, &screen);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(screen.page_with(status, |shell| InquiriesPage { shell, head, asked, errors, rows, pages }))
}

/// `POST /journal/inquiries`
///
/// # Errors
/// The database.
pub async fn ask(app: Data<App>, screen: Screen, session: Session, form: Form<Asked>) -> Result<HttpResponse, Problem> {
    let (auditor, now, t) = (auditor(&session)?, app.clock.now(), screen.t());
    let asked = form.0;
    let (citizen, ground) = (asked.citizen.trim().parse::<CitizenId>(), asked.ground.parse::<Ground>());
    let reason = words::text(&asked.reason);
    let (Ok(citizen), Ok(ground), Ok(reason)) = (&citizen, &ground, &reason) else {
        let mut errors = Errors::none();
        if citizen.is_err() {
            errors = errors.and("citizen", t.inquiry_citizen_wrong());
        }
        if let Err(refusal) = ground {
            errors = errors.and("ground", t.refusal(refusal));
        }
        if reason.is_err() {
            errors = errors.and("reason", t.signal_answer_wrong());
        }
        return listed(&app, screen, &session, None, asked, errors).await;
    };
    let (citizen, ground, reason) = (citizen.clone(), *ground, reason.clone());
    let id = InquiryId::new(now, app.random.u128());
    let to = format!("/journal/inquiries/{id}");
    app.store
        .write(move |tx| {
            audit::ask(tx, Inquiry::ask(id, citizen, &auditor, ground, &reason, now))?;
            Ok::<_, Problem>(())
        })
        .await?;
    Ok(see_other(&to))
}

/// `GET /journal/inquiries/{inq}`
///
/// # Errors
/// There is none.
pub async fn show(
    app: Data<App>,
    screen: Screen,
    session: Session,
    id: Id<InquiryId>,
) -> Result<HttpResponse, Problem> {
    one(&app, screen, &session, id.0, Errors::none()).await
}

async fn one(
    app: &App,
    screen: Screen,
    session: &Session,
    id: InquiryId,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let (auditor, now) = (auditor(session)?, app.clock.now());
    let event =
        Event::new(Kind::JournalRead, now).by(&session.account.id).fact("page", "inquiry").fact("inquiry", id.as_str());
    let ((inquiry, reason), coverage) = reading::recorded(app, session, event, move |db| {
        let (inquiry, entry) = audit::find_inquiry(db, &id)?;
        Ok((inquiry, sealed(db, &entry, "text")))
    })
    .await?;
    let head = reading::head(&coverage, session, &screen);
    let may_decide = inquiry.decidable_by(&auditor, now).is_ok();
    let may_read = inquiry.read(&auditor, now).is_ok();
    let until = match inquiry.standing(now) {
        Standing::Open(until) => Some(screen.moment(until)),
        _ => None,
    };
    let decided = inquiry.decision.as_ref().map(|one| (one.by.to_string(), screen.moment(one.at)));
    let row = row(&inquiry, now, &screen);
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(screen.page_with(status, |shell| InquiryPage {
        shell,
        head,
        row,
        reason,
        decided,
        until,
        may_decide,
        may_read,
        errors,
    }))
}

/// What the second auditor says.
#[derive(Deserialize)]
pub struct Decided {
    #[serde(default)]
    decision: String,
    #[serde(default)]
    code: String,
}

/// `POST /journal/inquiries/{inq}/decision`
///
/// # Errors
/// One's own inquiry; decided already; too late.
pub async fn decide(
    app: Data<App>,
    screen: Screen,
    session: Session,
    id: Id<InquiryId>,
    form: Form<Decided>,
) -> Result<HttpResponse, Problem> {
    let approved = match form.0.decision.as_str() {
        "approve" => true,
        "decline" => false,
        _ => return Err(Problem::Malformed("decision")),
    };
    let (auditor, now, code, inquiry) = (auditor(&session)?, app.clock.now(), form.0.code, id.0.clone());
    let outcome = app
        .store
        .write(move |tx| {
            let (found, _) = audit::find_inquiry_locked(tx, &inquiry)?;
            // Nobody spends a code on what they may not decide.
            found.decidable_by(&auditor, now)?;
            let fresh = match step_up::present(tx, auditor.account(), &code, now)? {
                Ok(fresh) => fresh,
                Err(refusal) => return Ok(Err(refusal)),
            };
            audit::save_inquiry(tx, found.decide(&auditor, &fresh, approved, now)?)?;
            Ok::<_, Problem>(Ok(()))
        })
        .await?;
    match outcome {
        Ok(()) => Ok(see_other(&format!("/journal/inquiries/{}", id.0))),
        Err(refusal) => wrong_code(&app, screen, &session, id.0, refusal).await,
    }
}

async fn wrong_code(
    app: &App,
    screen: Screen,
    session: &Session,
    id: InquiryId,
    refusal: Refusal,
) -> Result<HttpResponse, Problem> {
    let errors = Errors::on("code", screen.t().refusal(refusal));
    one(app, screen, session, id, errors).await
}

/// `POST /journal/inquiries/{inq}/reading`: the identity. Reading it is an act, each time.
///
/// # Errors
/// Not allowed; too late; somebody else's inquiry.
pub async fn read(
    app: Data<App>,
    screen: Screen,
    session: Session,
    id: Id<InquiryId>,
    _form: Form<Nothing>,
) -> Result<HttpResponse, Problem> {
    let (auditor, now, reader) = (auditor(&session)?, app.clock.now(), session.clone());
    let (inquiry, citizen) = app
        .store
        .write(move |tx| {
            let (inquiry, _) = audit::find_inquiry(tx, &id.0)?;
            let event = reading::under(&reader, inquiry.read(&auditor, now)?);
            // Nobody is erased between this and what is said of it.
            if !citizens::stays(tx, inquiry.citizen.as_str())? {
                return Err(Problem::NotFound);
            }
            let citizen = citizens::find(tx, &inquiry.citizen)?;
            journal::record(tx, &event)?;
            Ok::<_, Problem>((inquiry, citizen))
        })
        .await?;
    let born = birthdate(&citizen.identity.birthdate, screen.t());
    let name = citizen.identity.full_name();
    let head = reading::head(&reading::coverage(&app).await?, &session, &screen);
    Ok(screen.page(|shell| IdentityPage {
        shell,
        head,
        inquiry: inquiry.id.to_string(),
        citizen: inquiry.citizen.to_string(),
        name,
        birthdate: born,
    }))
}
