//! Setting and lifting holds.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Deserialize;

use super::pages::HoldPage;
use crate::domain::erasure::{Hold, HoldGround};
use crate::domain::event::Owner;
use crate::domain::id::HoldId;
use crate::domain::officer::Officer;
use crate::domain::refusal::Refusal;
use crate::store::holds;
use crate::web::extract::Id;
use crate::web::form::{Form, Nothing};
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// `GET /office/holds/new`
pub async fn form(screen: Screen) -> HttpResponse {
    let (person, chosen) = (String::new(), String::new());
    screen.page(|shell| HoldPage { shell, person, chosen, errors: Errors::none() })
}

/// Whose data stay, and why.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    person: String,
    #[serde(default)]
    ground: String,
}

/// `POST /office/holds`
///
/// # Errors
/// The person is destroyed already, or held; the database.
pub async fn set(app: Data<App>, screen: Screen, officer: Officer, form: Form<Asked>) -> Result<HttpResponse, Problem> {
    let (typed, chosen) = (form.0.person.trim().to_owned(), form.0.ground);
    let mut errors = Errors::none();
    let who = typed.parse().map(Owner::Citizen).or_else(|_| typed.parse().map(Owner::Account));
    if who.is_err() {
        errors = errors.and("person", screen.t().refusal(Refusal::NoSuchPerson));
    }
    let why: Result<HoldGround, _> = chosen.parse();
    if why.is_err() {
        errors = errors.and("ground", screen.t().refusal(Refusal::NoGround));
    }
    let (Ok(who), Ok(why)) = (who, why) else {
        return Ok(screen.refused(|shell| HoldPage { shell, person: typed, chosen, errors }));
    };
    let (now, id) = (app.clock.now(), HoldId::new(app.clock.now(), app.random.u128()));
    let set = app.store.write(move |tx| {
        let Some(standing) = holds::standing_locked(tx, &who)? else { return Ok::<_, Problem>(false) };
        holds::set(tx, Hold::set(id, who, standing, why, &officer, now)?)?;
        Ok(true)
    });
    if set.await? {
        return Ok(see_other("/office"));
    }
    let errors = Errors::on("person", screen.t().refusal(Refusal::NoSuchPerson));
    Ok(screen.refused(|shell| HoldPage { shell, person: typed, chosen, errors }))
}

/// `POST /office/holds/{hld}/lifting`. Asked again after it was done, it changes nothing.
///
/// # Errors
/// There is none; the database.
pub async fn lift(
    app: Data<App>,
    officer: Officer,
    id: Id<HoldId>,
    _form: Form<Nothing>,
) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let lifted = app.store.write(move |tx| {
        let hold = holds::find_locked(tx, &id.0)?;
        Ok::<_, Problem>(holds::save(tx, hold.lift(&officer, now))?)
    });
    lifted.await?;
    Ok(see_other("/office"))
}
