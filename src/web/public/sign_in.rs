//! Signing in: a link by e-mail, then a code. Opening the link consumes nothing; its button does.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::handler::{already_in, landing, only_audits, with_session};
use super::pages::{LinkPage, SentPage, SignInPage};
use crate::credential;
use crate::domain::Instant;
use crate::domain::event::{Event, Kind};
use crate::domain::id::{AccountId, AuthenticatorId, SessionId};
use crate::domain::mediator::{Account, Email};
use crate::domain::refusal::Refusal;
use crate::store::outbox::Message;
use crate::store::sign_in::Link;
use crate::store::{Tx, accounts, authenticators, journal, outbox, sessions, sign_in};
use crate::web::context::{self, Browser};
use crate::web::extract::Query;
use crate::web::form::Form;
use crate::web::parts::Errors;
use crate::web::problem::Problem;
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
    app.sources.check_key(&source).map_err(|_| Problem::TooMany)?;
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
    Ok(screen.page(|shell| LinkPage { shell, token, asks_code, errors: Errors::none() }))
}

/// The account of a link that works now in this browser.
fn usable(link: Option<Link>, browser: &Browser, now: Instant) -> Option<AccountId> {
    let link = link?;
    let works = !link.used
        && crate::domain::runs(now, link.expires_at)
        && credential::same(&link.browser_hash, &browser.hash());
    link.account.filter(|_| works)
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
        Ok(Entered { auditor_only, .. }) => {
            with_session(see_other(&landing(&request, auditor_only)), &app.settings, secret)
        }
        Err(refusal) => {
            let errors = Errors::on("code", screen.t().refusal(refusal));
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

struct Attempt {
    link_hash: [u8; 32],
    recovery: Option<i32>,
    code: String,
    browser: Browser,
    session: SessionId,
    factor: AuthenticatorId,
    seed: [u8; credential::SEED_BYTES],
    token: String,
    csrf: String,
    now: Instant,
}

struct Entered {
    enrolling: bool,
    auditor_only: bool,
}

impl Attempt {
    /// Everything in one transaction, failures included: they are counted and recorded.
    fn enter(&self, tx: &mut Tx<'_>) -> Result<Result<Entered, Refusal>, Problem> {
        let link = sign_in::find_locked(tx, &self.link_hash)?;
        let account = match usable(link, &self.browser, self.now) {
            Some(id) => Some(accounts::find(tx, &id)?).filter(|account| account.active),
            None => None,
        };
        let account = account.ok_or(Refusal::SignInFailed)?;
        let Some((device, seed)) = authenticators::confirmed_locked(tx, &account.id)? else {
            authenticators::begin(tx, &self.factor, &account.id, &self.seed, self.now)?;
            return self.open(tx, &account, None);
        };
        if let Some(position) = self.recovery.filter(|_| device.locked_at.is_none()) {
            if !authenticators::spend_recovery_code(tx, &account.id, position, self.now)? {
                return self.refused(tx, &account.id);
            }
            let (event, code) = crate::domain::authenticator::recovery_code_accepted(&account.id, self.now);
            journal::record(tx, &event)?;
            journal::record(tx, &Event::new(Kind::SignedIn, self.now).by(&account.id))?;
            return self.open(tx, &account, Some(code.at()));
        }
        let step = credential::matching_step(&seed, &self.code, self.now);
        let presented = device.present(step, self.now, Kind::SignedIn, Kind::SignInRefused);
        let device = authenticators::save(tx, presented.authenticator)?;
        if device.locked_at.is_some() {
            // No further guess on this link, and none of its entries in the journal.
            sign_in::spend(tx, &self.link_hash, self.now)?;
        }
        match presented.outcome {
            Ok(code) => self.open(tx, &account, Some(code.at())),
            // A locked device and a wrong code answer alike: nobody learns which.
            Err(_) => Ok(Err(Refusal::SignInFailed)),
        }
    }

    fn refused(&self, tx: &mut Tx<'_>, account: &AccountId) -> Result<Result<Entered, Refusal>, Problem> {
        let event = Event::new(Kind::SignInRefused, self.now).by(account).fact("reason", Refusal::SignInFailed.code());
        journal::record(tx, &event)?;
        Ok(Err(Refusal::SignInFailed))
    }

    fn open(
        &self,
        tx: &mut Tx<'_>,
        account: &Account,
        code_at: Option<Instant>,
    ) -> Result<Result<Entered, Refusal>, Problem> {
        if !sign_in::spend(tx, &self.link_hash, self.now)? {
            return self.refused(tx, &account.id);
        }
        let memberships = accounts::memberships(tx, &account.id)?;
        let first = memberships.iter().find(|(role, _)| role.mediator).or(memberships.first());
        let new = sessions::New {
            id: &self.session,
            token_hash: &credential::token_hash(&self.token),
            account: &account.id,
            organisation: first.map(|(_, organisation)| &organisation.id),
            csrf: &self.csrf,
            code_at,
        };
        sessions::create(tx, &new, self.now)?;
        let auditor_only = account.auditor && memberships.is_empty();
        Ok(Ok(Entered { enrolling: code_at.is_none(), auditor_only }))
    }
}

/// Where a session goes when everything it needs is there.
#[must_use]
pub fn onward(request: &HttpRequest, session: &sessions::Session) -> HttpResponse {
    see_other(&landing(request, only_audits(session)))
}
