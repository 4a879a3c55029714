//! Somebody at a counter who does one thing after the other, and sends again what was not answered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use actix_web::rt::spawn;
use actix_web::rt::task::JoinHandle;
use reqwest::Client;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION};
use reqwest::redirect::Policy;

use crate::office::Case;

/// Clerks at work at the same time.
pub(crate) const CLERKS: usize = 8;

/// Openings that nobody took up yet.
pub(crate) type Queue = Rc<RefCell<VecDeque<Case>>>;

/// Openings in the order in which they are taken up.
pub(crate) fn waiting(cases: Vec<Case>) -> Queue {
    Rc::new(RefCell::new(cases.into()))
}

/// Why a request has to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No answer came: nobody knows what was done.
    Lost,
    /// 503.
    Unavailable,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
}

/// A browser without cookies, that goes nowhere by itself.
pub(crate) fn browser() -> Client {
    let client = Client::builder().tls_certs_only([]).no_proxy().redirect(Policy::none());
    client.timeout(Duration::from_secs(30)).build().unwrap()
}

/// Sends a request. Whoever has read the status has the answer, whatever becomes of the rest.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Trouble> {
    let response = request.send().await.map_err(|_| Trouble::Lost)?;
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, location) = (response.status().as_u16(), location.to_owned());
    // Read to its end, so that the connection serves again.
    drop(response.bytes().await);
    if status == 503 { Err(Trouble::Unavailable) } else { Ok(Answer { status, location }) }
}

/// A form of a mediator.
pub(crate) fn form(
    http: &Client,
    base: &str,
    case: &Case,
    path: &str,
    fields: &[(&str, &str)],
) -> reqwest::RequestBuilder {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.append_pair("csrf", &case.csrf).extend_pairs(fields);
    http.post(format!("{base}{path}"))
        .header(COOKIE, format!("mandataire-session={}", case.cookie))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.finish())
}

/// A page of a mediator.
pub(crate) fn page(http: &Client, base: &str, case: &Case, path: &str) -> reqwest::RequestBuilder {
    http.get(format!("{base}{path}")).header(COOKIE, format!("mandataire-session={}", case.cookie))
}

/// An opening on its way, with what was acknowledged of it.
#[derive(Debug)]
pub(crate) struct Journey {
    /// What it began with.
    pub(crate) case: Case,
    /// The citizen's agreement was acknowledged.
    pub(crate) agreed: bool,
    /// The mandate that was acknowledged.
    pub(crate) mandate: Option<String>,
    /// Its end was acknowledged.
    pub(crate) ended: bool,
    /// The code typed: the same one is sent again.
    code: Option<String>,
}

impl Journey {
    /// Its beginning.
    pub(crate) fn of(case: Case) -> Self {
        Self { case, agreed: false, mandate: None, ended: false, code: None }
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.mandate.is_some() && (self.ended || !self.case.ends)
    }

    /// The next request, or the same one again.
    pub(crate) async fn goes_on(&mut self, http: &Client, base: &str) -> Result<(), Trouble> {
        match self.mandate.clone() {
            None if !self.agreed => self.agrees(http, base).await,
            None => self.confirms(http, base).await,
            Some(mandate) => self.ends(http, base, &mandate).await,
        }
    }

    async fn agrees(&mut self, http: &Client, base: &str) -> Result<(), Trouble> {
        let fields = [("decision", "agree"), ("unprotected", "yes"), ("language", "fr"), ("shown", &self.case.shown)];
        let path = format!("/agreements/{}", self.case.agreement);
        let answer = send(form(http, base, &self.case, &path, &fields)).await?;
        let recap = format!("/mandates/drafts/{}", self.case.draft);
        // The same answer sent again is answered as at first.
        assert_eq!((answer.status, &answer.location), (303, &recap), "an agreement: {self:?}");
        self.agreed = true;
        Ok(())
    }

    /// The confirmation with the code that was typed at first.
    pub(crate) async fn confirms(&mut self, http: &Client, base: &str) -> Result<(), Trouble> {
        let answer = send(self.confirmation(http, base)).await?;
        let mandate = answer.location.strip_prefix("/mandates/mdt_");
        assert!(answer.status == 303 && mandate.is_some(), "a confirmation: {answer:?} {self:?}");
        self.mandate = mandate.map(|rest| format!("mdt_{rest}"));
        Ok(())
    }

    /// The form of the confirmation.
    pub(crate) fn confirmation(&mut self, http: &Client, base: &str) -> reqwest::RequestBuilder {
        // The same code again, as long as it works: after a minute of bad luck, people type the one they see.
        let code = self.code.take().filter(|code| self.case.accepts(code)).unwrap_or_else(|| self.case.code());
        self.code = Some(code.clone());
        let path = format!("/mandates/drafts/{}", self.case.draft);
        form(http, base, &self.case, &path, &[("in_front", "yes"), ("informed", "yes"), ("code", &code)])
    }

    async fn ends(&mut self, http: &Client, base: &str, mandate: &str) -> Result<(), Trouble> {
        let path = format!("/mandates/{mandate}/revocation");
        let answer = send(form(http, base, &self.case, &path, &[("reason", "citizen_asked")])).await?;
        assert_eq!((answer.status, answer.location), (303, format!("/mandates/{mandate}")), "a revocation: {self:?}");
        self.ended = true;
        Ok(())
    }
}

/// A clerk, with what is on the desk.
pub(crate) struct Clerk {
    http: Client,
    base: String,
    /// The opening under way.
    pub(crate) current: Option<Journey>,
    /// Openings that are over.
    pub(crate) done: Vec<Journey>,
    /// Requests whose answer never came.
    pub(crate) lost: usize,
    /// Requests answered with 503.
    pub(crate) unavailable: usize,
}

impl Clerk {
    /// The clerks of a service.
    pub(crate) fn all(base: &str) -> Vec<Self> {
        let clerk = || Self {
            http: browser(),
            base: base.to_owned(),
            current: None,
            done: Vec::new(),
            lost: 0,
            unavailable: 0,
        };
        std::iter::repeat_with(clerk).take(CLERKS).collect()
    }

    /// Works until the queue is empty, or something goes wrong.
    pub(crate) async fn works(&mut self, queue: &Queue) -> Result<(), Trouble> {
        loop {
            let Some(journey) = &mut self.current else {
                let Some(next) = queue.borrow_mut().pop_front() else { return Ok(()) };
                self.current = Some(Journey::of(next));
                continue;
            };
            while !journey.is_over() {
                if let Err(trouble) = journey.goes_on(&self.http, &self.base).await {
                    match trouble {
                        Trouble::Lost => self.lost += 1,
                        Trouble::Unavailable => self.unavailable += 1,
                    }
                    return Err(trouble);
                }
            }
            self.done.extend(self.current.take());
        }
    }

    /// Works until the queue is empty, whatever happens: at most so long.
    pub(crate) async fn insists(&mut self, queue: &Queue, patience: Duration) {
        let began = std::time::Instant::now();
        while self.works(queue).await.is_err() {
            assert!(began.elapsed() < patience, "still not answered: {:?}", self.current);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// All clerks at once, each until something goes wrong for them; what was under way stays on the desk.
pub(crate) async fn until_trouble(clerks: Vec<Clerk>, queue: &Queue) -> Vec<Clerk> {
    let work = |mut clerk: Clerk, queue: Queue| async move {
        clerk.works(&queue).await.ok();
        clerk
    };
    joined(clerks.into_iter().map(|clerk| spawn(work(clerk, queue.clone()))).collect()).await
}

/// All clerks at once, until everything is done.
pub(crate) async fn until_done(clerks: Vec<Clerk>, queue: &Queue, patience: Duration) -> Vec<Clerk> {
    let work = |mut clerk: Clerk, queue: Queue| async move {
        clerk.insists(&queue, patience).await;
        clerk
    };
    joined(clerks.into_iter().map(|clerk| spawn(work(clerk, queue.clone()))).collect()).await
}

async fn joined(running: Vec<JoinHandle<Clerk>>) -> Vec<Clerk> {
    let mut clerks = Vec::new();
    for one in running {
        clerks.push(one.await.expect("a clerk does not stop"));
    }
    clerks
}
