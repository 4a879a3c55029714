//! One person: their mandates, the uses, and where they can be called.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde::Deserialize;

use super::pages::{CitizenPage, MandateCard};
use super::people::is_mediator;
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{CitizenId, UseId};
use crate::domain::mandate::{Mandate, Standing};
use crate::domain::mediator::{Mediator, Member};
use crate::domain::phone::{Contact, LONGEST, Phone};
use crate::store::{citizens, contacts, journal, mandates, uses};
use crate::web::extract::{After, Id, Query};
use crate::web::form::Form;
use crate::web::moment::birthdate;
use crate::web::parts::Errors;
use crate::web::present::{Names, USES, badge, use_pages};
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// Mandates shown of one person.
const SHOWN: usize = 100;

/// `GET /citizens/{cit}`: reading it is a fact.
///
/// # Errors
/// Not of this organisation: not found.
pub async fn show(
    app: Data<App>,
    screen: Screen,
    member: Member,
    request: actix_web::HttpRequest,
    id: Id<CitizenId>,
    after: Query<After<UseId>>,
) -> Result<HttpResponse, Problem> {
    let can_open = is_mediator(&request);
    person(&app, screen, (member, can_open), id.0, after.0.after, None).await
}

/// The page; `wrong` is a number that is none, as typed.
async fn person(
    app: &App,
    screen: Screen,
    (member, can_open): (Member, bool),
    id: CitizenId,
    after: Option<UseId>,
    wrong: Option<String>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let base = format!("/citizens/{id}");
    let reading = Event::new(Kind::CitizenRead, now).by(&member.account().id).within(&member.organisation().id);
    let (citizen, phone, mut held, recorded, names, pages) = app
        .store
        .read(move |db| {
            let organisation = &member.organisation().id;
            let citizen = citizens::held_by(db, organisation, &id, now)?;
            let phone = contacts::find(db, organisation, &id)?;
            let mut held = mandates::of_citizen(db, organisation, &citizen.id, SHOWN + 1)?;
            held.retain(|one| one.is_shown(now));
            let from = after.as_ref();
            let mut recorded = uses::of_citizen(db, organisation, &citizen.id, from, USES + 1)?;
            let pages = use_pages(&base, from, &mut recorded);
            let names = Names::of(db, &recorded)?;
            Ok::<_, Problem>((citizen, phone, held, recorded, names, pages))
        })
        .await?;
    // Nothing is shown unless the reading is recorded.
    let reading = reading.about(&citizen.id);
    app.store.write(move |tx| journal::record(tx, &reading).map(drop).map_err(Problem::from)).await?;
    let born = birthdate(&citizen.identity.birthdate, screen.t());
    let older = held.len() > SHOWN;
    held.truncate(SHOWN);
    let (status, errors) = match &wrong {
        Some(_) => (StatusCode::UNPROCESSABLE_ENTITY, Errors::on("phone", screen.t().phone_wrong())),
        None => (StatusCode::OK, Errors::none()),
    };
    let mandates = held.iter().map(|one| card(one, now, &screen)).collect();
    let uses = recorded.iter().map(|one| names.line(one, &screen)).collect();
    Ok(screen.page_with(status, |shell| CitizenPage {
        shell,
        name: citizen.identity.full_name(),
        birthdate: born,
        id: citizen.id.to_string(),
        can_open,
        phone: phone.map(|(_, phone)| phone.written()).unwrap_or_default(),
        typed: wrong,
        errors,
        mandates,
        older,
        uses,
        pages,
    }))
}

fn card(mandate: &Mandate, now: Instant, screen: &Screen) -> MandateCard {
    let procedures = mandate.authorisations.iter().map(|one| {
        let live = mandate.standing_of(one, now) == Standing::Active;
        (screen.t().procedure(one.procedure).short.to_owned(), live)
    });
    MandateCard {
        id: mandate.id.to_string(),
        badge: badge(mandate.standing(now), mandate.expires_at, now),
        procedures: procedures.collect(),
        opened: screen.moment(mandate.opened_at),
        ends: screen.moment(mandate.last_end()),
    }
}

/// Where the person can be called.
#[derive(Deserialize)]
pub struct PhoneForm {
    #[serde(default)]
    phone: String,
}

/// `POST /citizens/{cit}/phone`: writes a number down, or takes it out if the field is empty. What is known already is not written again.
///
/// # Errors
/// Not of this organisation: not found.
pub async fn phone(
    app: Data<App>,
    screen: Screen,
    mediator: Mediator,
    id: Id<CitizenId>,
    form: Form<PhoneForm>,
) -> Result<HttpResponse, Problem> {
    let typed = form.0.phone.trim();
    let number = match typed.parse::<Phone>() {
        Ok(number) => Some(number),
        Err(_) if typed.is_empty() => None,
        Err(_) => {
            let typed = typed.chars().take(LONGEST).collect();
            return person(&app, screen, ((*mediator).clone(), true), id.0, None, Some(typed)).await;
        }
    };
    let (now, citizen) = (app.clock.now(), id.0.clone());
    app.store
        .write(move |tx| {
            let organisation = &mediator.organisation().id;
            citizens::held_by(tx, organisation, &citizen, now)?;
            let number = match number {
                Some(number) => Some((contacts::pseudonym(tx, organisation, &number, now)?, number)),
                None => None,
            };
            // Whoever is erased meanwhile is gone.
            if !citizens::stays(tx, citizen.as_str())? {
                return Err(Problem::NotFound);
            }
            let change = match (contacts::find(tx, organisation, &citizen)?, number) {
                (Some((_, known)), Some((_, number))) if known == number => return Ok(()),
                (_, Some((pseudonym, number))) => Contact::record(&mediator, citizen, pseudonym, number, now),
                (Some((known, _)), None) => Contact::forget(&mediator, citizen, &known, now),
                (None, None) => return Ok(()),
            };
            contacts::save(tx, change).map(drop).map_err(Problem::from)
        })
        .await?;
    Ok(see_other(&format!("/citizens/{}", id.0)))
}
