//! Ending a mandate, or one of its authorisations, with a reason.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::pages::RevocationPage;
use crate::domain::event::{Event, Kind};
use crate::domain::id::MandateId;
use crate::domain::mandate::revoke::{Extent, Reason};
use crate::domain::mediator::Member;
use crate::domain::procedure::Procedure;
use crate::domain::refusal::Refusal;
use crate::store::{citizens, journal, mandates};
use crate::web::extract::{Id, Query};
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// What is to be ended, and why.
#[derive(Deserialize)]
pub struct Asked {
    procedure: Option<String>,
    #[serde(default)]
    reason: String,
}

fn extent(procedure: Option<&str>) -> Result<Extent, Problem> {
    match procedure.filter(|key| !key.is_empty()) {
        None => Ok(Extent::Whole),
        Some(key) => key.parse::<Procedure>().map(Extent::One).map_err(|_| Problem::NotFound),
    }
}

/// `GET /mandates/{mdt}/revocation`
///
/// # Errors
/// Not of this organisation: not found; nothing left to end.
pub async fn form(
    app: Data<App>,
    screen: Screen,
    member: Member,
    id: Id<MandateId>,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let extent = extent(asked.0.procedure.as_deref())?;
    show(&app, screen, &member, id.0, extent, StatusCode::OK, Errors::none()).await
}

async fn show(
    app: &App,
    screen: Screen,
    member: &Member,
    id: MandateId,
    extent: Extent,
    status: StatusCode,
    errors: Errors,
) -> Result<HttpResponse, Problem> {
    let (now, organisation) = (app.clock.now(), member.organisation().id.clone());
    let (mandate, citizen) = app
        .store
        .read(move |db| {
            let mandate = mandates::shown(db, &organisation, &id, now)?;
            let citizen = citizens::held_by(db, &organisation, &mandate.citizen, now)?;
            Ok::<_, Problem>((mandate, citizen))
        })
        .await?;
    let ends = |procedure| extent == Extent::Whole || extent == Extent::One(procedure);
    let stopped: Vec<String> = mandate
        .live(now)
        .filter(|one| ends(one.procedure))
        .map(|one| screen.t().procedure(one.procedure).long.to_owned())
        .collect();
    if stopped.is_empty() {
        return Err(Refusal::NothingToRevoke.into());
    }
    let procedure = match extent {
        Extent::Whole => None,
        Extent::One(procedure) => Some(procedure.key().to_owned()),
    };
    Ok(screen.page_with(status, |shell| RevocationPage {
        shell,
        mandate_id: mandate.id.to_string(),
        citizen: citizen.identity.full_name(),
        procedure,
        stopped,
        reason: String::new(),
        errors,
    }))
}

/// `POST /mandates/{mdt}/revocation`. Asked again after it was done, it answers with the mandate as it is.
///
/// # Errors
/// Not of this organisation: not found; the database.
pub async fn revoke(
    app: Data<App>,
    screen: Screen,
    member: Member,
    id: Id<MandateId>,
    form: Form<Asked>,
) -> Result<HttpResponse, Problem> {
    let extent = extent(form.0.procedure.as_deref())?;
    let Ok(reason) = form.0.reason.parse::<Reason>() else {
        let errors = Errors::on("reason", screen.t().refusal(Refusal::NoReason));
        return show(&app, screen, &member, id.0, extent, StatusCode::UNPROCESSABLE_ENTITY, errors).await;
    };
    let (now, mandate) = (app.clock.now(), id.0.clone());
    let refused = app
        .store
        .write(move |tx| {
            let mandate = mandates::held_by_locked(tx, &member.organisation().id, &id.0)?;
            let refusal = match mandate.clone().revoke(&member, extent, reason, now) {
                Ok(revoked) => return mandates::save(tx, revoked).map(|_| None).map_err(Problem::from),
                Err(refusal) => refusal,
            };
            let event = Event::new(Kind::RevocationRefused, now)
                .by(&member.account().id)
                .within(&mandate.organisation)
                .about(&mandate.citizen)
                .under(&mandate.id)
                .fact("reason", refusal.code());
            journal::record(tx, &event)?;
            Ok(Some(refusal))
        })
        .await?;
    if let Some(refusal) = refused.filter(|refusal| *refusal != Refusal::NothingToRevoke) {
        return Err(Problem::Recorded(refusal));
    }
    Ok(see_other(&format!("/mandates/{mandate}")))
}
