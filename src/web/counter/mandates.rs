//! One mandate and its frozen document.

use actix_web::HttpResponse;
use actix_web::web::Data;

use super::opening_pages::DocumentPage;
use super::pages::{AuthorisationLine, MandatePage, reason};
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{MandateId, UseId};
use crate::domain::language::Language;
use crate::domain::mandate::{Authorisation, Mandate, Standing};
use crate::domain::mediator::Member;
use crate::store::{accounts, citizens, journal, mandates, uses};
use crate::web::document::Document;
use crate::web::extract::{After, Id, Query};
use crate::web::present::{Names, USES, badge, use_pages};
use crate::web::problem::Problem;
use crate::web::screen::Screen;
use crate::web::state::App;

fn read_event(member: &Member, mandate: &Mandate, part: &'static str, now: Instant) -> Event {
    Event::new(Kind::MandateRead, now)
        .by(&member.account().id)
        .within(&mandate.organisation)
        .about(&mandate.citizen)
        .under(&mandate.id)
        .fact("part", part)
}

/// `GET /mandates/{mdt}`: reading it is a fact.
///
/// # Errors
/// Not of this organisation: not found.
pub async fn show(
    app: Data<App>,
    screen: Screen,
    member: Member,
    id: Id<MandateId>,
    after: Query<After<UseId>>,
) -> Result<HttpResponse, Problem> {
    let (now, organisation) = (app.clock.now(), member.organisation().name.clone());
    let base = format!("/mandates/{}", id.0);
    let (mandate, agreed, citizen, opened_by, recorded, names, pages) = app
        .store
        .write(move |tx| {
            let mandate = mandates::shown(tx, &member.organisation().id, &id.0, now)?;
            let citizen = citizens::held_by(tx, &mandate.organisation, &mandate.citizen, now)?;
            let agreed = mandates::agreed_at(tx, &mandate)?;
            let mut opener = accounts::names(tx, std::slice::from_ref(&mandate.opened_by))?;
            let mut recorded = uses::of_mandate(tx, &mandate.id, after.0.after.as_ref(), USES + 1)?;
            let pages = use_pages(&base, after.0.after.as_ref(), &mut recorded);
            let names = Names::of(tx, &recorded)?;
            journal::record(tx, &read_event(&member, &mandate, "mandate", now))?;
            let opened_by = opener.remove(&mandate.opened_by).unwrap_or_default();
            Ok::<_, Problem>((mandate, agreed, citizen, opened_by, recorded, names, pages))
        })
        .await?;
    let standing = mandate.standing(now);
    let lines = mandate.authorisations.iter().map(|one| line(&mandate, one, now, &screen)).collect();
    let uses = recorded.iter().map(|one| names.line(one, &screen)).collect();
    let (opened, ends, agreed) =
        (screen.moment(mandate.opened_at), screen.moment(mandate.last_end()), screen.moment(agreed));
    let term = screen.t().term(mandate.term).to_owned();
    Ok(screen.page(|shell| MandatePage {
        shell,
        id: mandate.id.to_string(),
        citizen_id: mandate.citizen.to_string(),
        citizen: citizen.identity.full_name(),
        organisation,
        badge: badge(standing, mandate.expires_at, now),
        term,
        opened,
        opened_by,
        agreed,
        ends,
        authorisations: lines,
        revocable: standing == Standing::Active,
        document_hash: mandate.document.to_string(),
        uses,
        pages,
    }))
}

fn line(mandate: &Mandate, authorisation: &Authorisation, now: Instant, screen: &Screen) -> AuthorisationLine {
    let standing = mandate.standing_of(authorisation, now);
    let ended = authorisation.ended.as_ref();
    AuthorisationLine {
        key: authorisation.procedure.key().to_owned(),
        title: screen.t().procedure(authorisation.procedure).long.to_owned(),
        badge: badge(standing, mandate.expires_at, now),
        stopped: ended.map(|ending| screen.moment(ending.at)),
        reason: ended.and_then(|ending| ending.reason).map(|why| reason(why.code(), screen.t()).to_owned()),
        revocable: standing == Standing::Active,
    }
}

/// `GET /mandates/{mdt}/document`: the frozen text, to be printed and signed.
///
/// # Errors
/// Not of this organisation: not found.
pub async fn document(
    app: Data<App>,
    screen: Screen,
    member: Member,
    id: Id<MandateId>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let (mandate, document) = app
        .store
        .write(move |tx| {
            let mandate = mandates::shown(tx, &member.organisation().id, &id.0, now)?;
            let document = mandates::document(tx, &mandate)?;
            journal::record(tx, &read_event(&member, &mandate, "document", now))?;
            Ok::<_, Problem>((mandate, document))
        })
        .await?;
    Ok(screen.page(|shell| DocumentPage {
        shell,
        id: mandate.id.to_string(),
        document: Document::read(&document.text),
        language: Language::Fr,
        hash: document.digest.to_string(),
    }))
}
