//! Signing in: a link by e-mail, then a code. Opening the link consumes nothing; its button does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::attempt::{Attempt, Entered, usable};
use super::handler::{already_in, landing, pending_flow, start, with_session};
use super::pages::{LinkPage, SentPage, SignInPage};
use crate::credential;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AuthenticatorId, SessionId};
use crate::domain::mediator::Email;
use crate::store::outbox::Message;
use crate::store::{accounts, authenticators, outbox, sessions, sign_in};
use crate::web::context::{self, Browser};
use crate::web::extract::Query;
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
use crate::web::provider::flow::leading_to;
use crate::web::refusals;
use crate::web::screen::{Screen, see_other};
use crate::web::state::App;

/// `GET /sign-in`
pub async fn form(request: HttpRequest, screen: Screen) -> HttpResponse {
    already_in(&request, context::current(&request).as_ref())
        .unwrap_or_else(|| screen.page(|shell| SignInPage { shell, email: String::new(), errors: Errors::none() }))
}

/// An address.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    email: String,
}

/// `POST /sign-in`: the answer is the same for every address.
///
/// # Errors
/// Too many requests from one source; the database.
pub async fn ask(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    browser: Browser,
    form: Form<Asked>,
) -> Result<HttpResponse, Problem> {
    let typed = form.0.email;
    let Ok(email) = typed.parse::<Email>() else {
        let sentence = screen.t().sign_in_email_invalid();
        return Ok(screen.refused(|shell| SignInPage { shell, email: typed, errors: Errors::on("email", sentence) }));
    };
    let source = context::source(&request, &app.settings);
    if app.sources.check_key(&source).is_err() {
        let event = Event::new(Kind::SignInRefused, app.clock.now()).fact("reason", "too_many_requests");
        refusals::record(&app, &request, event).await?;
        return Err(Problem::TooMany);
    }
    let (token, now) = (app.random.token(), app.clock.now());
    let link = format!("{}/sign-in/link?token={token}", app.settings.public_url);
    let (subject, text) = (screen.t().mail_link_subject(&app.settings.name), screen.t().mail_link_text(&link));
    let (hash, browser) = (credential::token_hash(&token), browser.hash());
    app.store
        .write(move |tx| {
            let account = accounts::by_email(tx, &email)?.filter(|account| account.active);
            let index = accounts::index_of(tx, &email);
            let request = sign_in::Request {
                token_hash: &hash,
                account: account.as_ref().map(|account| &account.id),
                email_index: &index,
                browser_hash: &browser,
            };
            let sent = sign_in::request(tx, &request, now)?;
            if let Some(account) = account.filter(|_| sent) {
                let message = Message { to: account.email.to_string(), subject, text };
                outbox::put(tx, &account.id, &message, now)?;
            }
            Ok::<_, Problem>(())
        })
        .await?;
    app.bell.notify_one();
    Ok(see_other("/sign-in/sent"))
}

/// `GET /sign-in/sent`
pub async fn sent(screen: Screen) -> HttpResponse {
    screen.page(|shell| SentPage { shell })
}

/// The link's address.
#[derive(Deserialize)]
pub struct LinkQuery {
    #[serde(default)]
    token: String,
}

/// `GET /sign-in/link`: looks, and consumes nothing.
///
/// # Errors
/// The database.
pub async fn link(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    browser: Browser,
    query: Query<LinkQuery>,
) -> Result<HttpResponse, Problem> {
    let token = query.0.token;
    let (hash, now) = (credential::token_hash(&token), app.clock.now());
    let asks_code = app
        .store
        .read(move |db| {
            let link = sign_in::find(db, &hash)?;
            Ok::<_, Problem>(match usable(link, &browser, now) {
                Some(account) => authenticators::confirmed(db, &account)?.is_some(),
                None => true,
            })
        })
        .await?;
    let screen = leading_to(&app, screen, pending_flow(&request)).await?;
    Ok(screen.page(|shell| LinkPage { shell, token, asks_code, errors: Errors::none() }))
}

/// The link and a code.
#[derive(Deserialize)]
pub struct Presented {
    #[serde(default)]
    token: String,
    #[serde(default)]
    code: String,
}

/// `POST /sign-in/link`: one sentence for every failure.
///
/// # Errors
/// The database.
pub async fn enter(
    request: HttpRequest,
    app: Data<App>,
    screen: Screen,
    browser: Browser,
    form: Form<Presented>,
) -> Result<HttpResponse, Problem> {
    let Presented { token, code } = form.0;
    let attempt = Attempt {
        link_hash: credential::token_hash(&token),
        recovery: find_recovery(&app, &token, &browser, &code).await?,
        code,
        browser,
        session: SessionId::new(app.clock.now(), app.random.u128()),
        factor: AuthenticatorId::new(app.clock.now(), app.random.u128()),
        seed: *credential::new_seed(&app.random),
        token: app.random.token(),
        csrf: app.random.token(),
        now: app.clock.now(),
    };
    let secret = attempt.token.clone();
    let now = attempt.now;
    let entered = match app.store.write(move |tx| attempt.enter(tx)).await {
        // Nobody is known: nothing was counted, and it is recorded within what the source may cause.
        Err(Problem::Refused(refusal)) => {
            let event = Event::new(Kind::SignInRefused, now).fact("reason", refusal.code());
            refusals::record(&app, &request, event).await?;
            Err(refusal)
        }
        outcome => outcome?,
    };
    match entered {
        Ok(Entered { enrolling: true, .. }) => with_session(see_other("/enrolment"), &app.settings, secret),
        Ok(Entered { start, .. }) => with_session(see_other(&landing(&request, start)), &app.settings, secret),
        Err(refusal) => {
            let errors = Errors::on("code", screen.t().refusal(refusal));
            let screen = leading_to(&app, screen, pending_flow(&request)).await?;
            Ok(screen.refused(|shell| LinkPage { shell, token, asks_code: true, errors }))
        }
    }
}

/// Looks for a recovery code before the transaction: the hashes are slow on purpose.
async fn find_recovery(app: &App, token: &str, browser: &Browser, typed: &str) -> Result<Option<i32>, Problem> {
    let Some(code) = credential::as_recovery_code(typed) else { return Ok(None) };
    let (hash, browser, now) = (credential::token_hash(token), browser.clone(), app.clock.now());
    let hashes = app
        .store
        .read(move |db| {
            let link = sign_in::find(db, &hash)?;
            Ok::<_, Problem>(match usable(link, &browser, now) {
                Some(account) => authenticators::recovery_codes(db, &account)?,
                None => Vec::new(),
            })
        })
        .await?;
    // Without a link of one's own there is nothing to compute: the slow hashes are not for strangers.
    if hashes.is_empty() {
        return Ok(None);
    }
    let _turn = app.slow.acquire().await.map_err(|_| Problem::TooMany)?;
    let search = tokio::task::spawn_blocking(move || credential::find_recovery_code(&code, &hashes));
    search.await.map_err(|_| Problem::TooMany)
}

/// Where a session goes when everything it needs is there.
#[must_use]
pub fn onward(request: &HttpRequest, session: &sessions::Session) -> HttpResponse {
    see_other(&landing(request, start(session)))
}
