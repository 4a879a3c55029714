//! The pages that only the demonstration has: where to start, the mails, the codes.

use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;

use super::franceconnect::citizens::{CITIZENS, Citizen};
use super::pages::{CodesPage, DemoAccount, DemoPage, Mail, MailsPage};
use super::seed::PEOPLE;
use crate::credential::{self, STEP};
use crate::store::{accounts, authenticators, outbox};
use crate::web::policy::Policy;
use crate::web::problem::Problem;
use crate::web::routes::{self, Routes};
use crate::web::screen::Screen;
use crate::web::state::App;

/// Where the pretend public service is; set before the server starts.
pub static PUBLIC_SERVICE: OnceLock<String> = OnceLock::new();
/// Mails shown.
const MAILS: i64 = 30;

/// Every route of the service, and those of the demonstration.
#[must_use]
pub fn routes() -> Routes {
    routes::all().get("/demo", Policy::Public, start).get("/demo/mails", Policy::Public, mails).get(
        "/demo/codes",
        Policy::Public,
        codes,
    )
}

async fn start(screen: Screen) -> HttpResponse {
    let accounts = PEOPLE.iter().map(|person| DemoAccount {
        name: person.name.to_owned(),
        email: person.email.to_owned(),
        role: person.role().to_owned(),
        organisations: person.places(),
    });
    let accounts = accounts.collect();
    let citizens = CITIZENS.iter().map(Citizen::identity).map(|one| {
        let last_name = one.preferred_username.unwrap_or(one.family_name);
        (format!("{} {last_name}", one.given_name), one.birthdate)
    });
    let citizens = citizens.collect();
    let service = PUBLIC_SERVICE.get().cloned().unwrap_or_default();
    screen.page(|shell| DemoPage { shell, accounts, citizens, service })
}

async fn mails(app: Data<App>, screen: Screen) -> Result<HttpResponse, Problem> {
    let waiting = app.store.read(|db| outbox::newest(db, MAILS).map_err(Problem::from)).await?;
    let mails = waiting.into_iter().map(|one| Mail {
        to: one.message.to,
        subject: one.message.subject,
        at: screen.moment(one.created_at),
        body: one.message.text,
    });
    let mails = mails.collect();
    Ok(screen.page(|shell| MailsPage { shell, mails }))
}

struct Code {
    name: String,
    email: String,
    now: Option<String>,
    next: Option<String>,
}

async fn codes(app: Data<App>, screen: Screen, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let codes = app
        .store
        .read(move |db| {
            let mut codes = Vec::new();
            for account in accounts::list(db, None, 50)? {
                let seed = authenticators::confirmed(db, &account.id)?.map(|(_, seed)| seed);
                let code = |at| seed.as_ref().map(|seed| credential::code_at(seed, at));
                let next = code(now + chrono::TimeDelta::seconds(STEP));
                codes.push(Code { name: account.name, email: account.email.to_string(), now: code(now), next });
            }
            Ok::<_, Problem>(codes)
        })
        .await?;
    let wants_json = request.headers().get(header::ACCEPT).is_some_and(|value| value == "application/json");
    if wants_json {
        let list: Vec<_> =
            codes.iter().map(|one| json!({ "email": one.email, "code": one.now, "next_code": one.next })).collect();
        return Ok(HttpResponse::Ok().json(list));
    }
    let seconds = usize::try_from(STEP - now.timestamp().rem_euclid(STEP)).unwrap_or(0);
    let codes = codes.into_iter().map(|one| (one.name, one.email, one.now)).collect();
    Ok(screen.page(|shell| CodesPage { shell, codes, seconds }))
}
