//! A person of a story, at their browser.

use mandataire::clock::Clock;
use mandataire::credential;
use mandataire::demo::browser::{Browser, Form, Page};
use mandataire::domain::id::{AccountId, CitizenId, MandateId, OrganisationId};
use mandataire::domain::mediator::Account;
use mandataire::domain::procedure::Procedure;
use mandataire::domain::term::Term;
use mandataire::store::{Store, authenticators, outbox};
use url::Url;

use super::World;
use super::service::{Service, answered, browser};

/// Somebody.
pub(crate) struct Actor {
    /// Their account.
    pub(crate) account: AccountId,
    /// Their address.
    pub(crate) email: String,
    /// Their browser.
    pub(crate) browser: Browser,
    base: String,
    store: Store,
    clock: Clock,
}

/// A mandate that was opened, and whom it is for.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) mandate: MandateId,
    pub(crate) citizen: CitizenId,
}

impl Actor {
    pub(super) fn new(world: &World, account: Account) -> Self {
        Self {
            account: account.id,
            email: account.email.to_string(),
            browser: browser(),
            base: world.base.clone(),
            store: world.app.store.clone(),
            clock: world.clock.clone(),
        }
    }

    /// The same person at another machine, signed out there.
    pub(crate) fn on_another_machine(&self) -> Self {
        Self {
            account: self.account.clone(),
            email: self.email.clone(),
            browser: browser(),
            base: self.base.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
        }
    }

    /// Sends a form of somebody else's page, with the token of their own session: what a thief of a page would do.
    pub(crate) async fn forges(&self, form: &Form) -> Page {
        let page = self.sees("/").await;
        let token = page.form("/sign-out").and_then(|own| own.value("csrf").map(str::to_owned));
        self.browser.submit(&form.clone().with("csrf", &token.expect("signed in"))).await.unwrap()
    }

    /// Chooses another of their organisations.
    pub(crate) async fn chooses_organisation(&self, organisation: &OrganisationId) -> Page {
        let form = self.sees("/home").await.form("/organisation").expect("a choice of organisations");
        self.sends(&form.with("organisation", organisation.as_str())).await
    }

    /// An address of the service.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A page, wherever it leads.
    pub(crate) async fn sees(&self, path: &str) -> Page {
        self.browser.follow(self.at(path)).await.unwrap()
    }

    /// A page, without following.
    pub(crate) async fn gets(&self, path: &str) -> Page {
        self.browser.get(self.at(path)).await.unwrap()
    }

    /// Sends a form and goes where it leads.
    pub(crate) async fn sends(&self, form: &Form) -> Page {
        self.browser.submit_and_follow(form).await.unwrap()
    }

    /// The present code of their authenticator.
    pub(crate) async fn code(&self) -> String {
        self.code_in(0).await
    }

    /// The code their authenticator shows in so many seconds, or showed that long ago.
    pub(crate) async fn code_in(&self, seconds: i64) -> String {
        let account = self.account.clone();
        let found = self.store.read(move |db| authenticators::confirmed(db, &account)).await.unwrap();
        let (_, seed) = found.expect("an authenticator is enrolled");
        credential::code_at(&seed, self.clock.now() + chrono::TimeDelta::seconds(seconds))
    }

    /// A code that is wrong now.
    pub(crate) async fn wrong_code(&self) -> String {
        let right = [self.code_in(-30).await, self.code().await, self.code_in(30).await];
        let wrong =
            ["000000", "111111", "222222", "333333"].into_iter().find(|code| !right.iter().any(|one| one == code));
        wrong.expect("three codes are right at most").to_owned()
    }

    /// A code that was never used: half a minute passes.
    pub(crate) async fn fresh_code(&self) -> String {
        self.clock.advance(chrono::TimeDelta::seconds(credential::STEP));
        self.code().await
    }

    /// Asks for a link.
    pub(crate) async fn asks_for_a_link(&self) -> Page {
        // Two mails of one millisecond have no order.
        self.clock.advance(chrono::TimeDelta::milliseconds(1));
        let form = self.sees("/sign-in").await.form("/sign-in").expect("a form to sign in");
        self.sends(&form.with("email", &self.email)).await
    }

    /// The link of the newest mail to them.
    pub(crate) async fn newest_link(&self) -> Option<String> {
        let mails = self.store.read(|db| outbox::newest(db, 50)).await.unwrap();
        let mine = mails.into_iter().find(|mail| mail.message.to == self.email)?;
        mine.message.text.split_whitespace().find(|word| word.contains("/sign-in/link?token=")).map(str::to_owned)
    }

    /// The page behind the link they just asked for.
    pub(crate) async fn opens_a_new_link(&self) -> Page {
        self.asks_for_a_link().await;
        let link = self.newest_link().await.expect("a mail with a link");
        self.browser.follow(link).await.unwrap()
    }

    /// Presents a code on the page of a link: the answer itself.
    pub(crate) async fn presents(&self, page: &Page, code: &str) -> Page {
        let form = page.form("/sign-in/link").expect("a form for the code");
        self.browser.submit(&form.with("code", code)).await.unwrap()
    }

    /// Gives a code where the service asks for a fresh one: the answer itself.
    pub(crate) async fn steps_up(&self, code: &str) -> Page {
        let form = self.gets("/code").await.form("/code").expect("a form for a fresh code");
        self.browser.submit(&form.with("code", code)).await.unwrap()
    }

    /// Whether the service knows them.
    pub(crate) async fn is_signed_in(&self) -> bool {
        self.sees("/").await.form("/sign-out").is_some()
    }

    /// Signs in with a link and a code.
    pub(crate) async fn signs_in(&self) -> Page {
        let page = self.opens_a_new_link().await;
        let form = page.form("/sign-in/link").expect("a form for the code");
        let code = self.fresh_code().await;
        let page = self.sends(&form.with("code", &code)).await;
        assert!(page.form("/sign-out").is_some(), "signed in: {} {}", page.status, page.text());
        page
    }

    /// Signs out.
    pub(crate) async fn signs_out(&self) -> Page {
        let page = self.sees("/").await;
        self.sends(&page.form("/sign-out").expect("a button to sign out")).await
    }

    /// Gives a fresh code where one is asked for.
    pub(crate) async fn wakes_up(&self, page: Page) -> Page {
        match page.form("/code") {
            Some(form) => {
                let code = self.fresh_code().await;
                self.sends(&form.with("code", &code)).await
            }
            None => page,
        }
    }

    /// The form of an opening, sent: FranceConnect's page.
    pub(crate) async fn starts_an_opening(&self, procedures: &[Procedure], term: Term) -> Page {
        let page = self.sees("/mandates/new").await;
        let page = self.wakes_up(page).await;
        let mut form = page.form("/mandates/drafts").expect("a form to open a mandate").without("procedures");
        for procedure in procedures {
            form = form.also("procedures", procedure.key());
        }
        self.sends(&form.with("term", term.key())).await
    }

    /// The citizen identifies at FranceConnect: whatever page of ours comes then.
    pub(crate) async fn citizen_identifies(&self, list: &Page, citizen: &str) -> Page {
        let ending = |page: &Page, end: &str| page.forms().into_iter().find(|form| form.action().path().ends_with(end));
        let form = ending(list, "/citizens").unwrap_or_else(|| panic!("a list of people: {}", list.text()));
        let consent = self.sends(&form.with("citizen", citizen)).await;
        match ending(&consent, "/consent") {
            Some(form) => self.sends(&form).await,
            None => consent,
        }
    }

    /// The citizen answers on their screen.
    pub(crate) async fn citizen_answers(&self, page: &Page, decision: &str, unprotected: bool) -> Page {
        let form = page.form("/agreements/").unwrap_or_else(|| panic!("the citizen's screen: {}", page.text()));
        let form = form.without("unprotected").with("decision", decision);
        self.sends(&if unprotected { form.with("unprotected", "yes") } else { form }).await
    }

    /// Everything up to the recap.
    pub(crate) async fn reaches_the_recap(&self, citizen: &str, procedures: &[Procedure], term: Term) -> Page {
        let list = self.starts_an_opening(procedures, term).await;
        let page = self.citizen_identifies(&list, citizen).await;
        self.citizen_answers(&page, "agree", true).await
    }

    /// The recap filled in with a fresh code.
    pub(crate) async fn fills_in(&self, recap: &Page) -> Form {
        let form = recap.form(recap.url.path()).unwrap_or_else(|| panic!("the recap: {}", recap.text()));
        let code = self.fresh_code().await;
        form.with("in_front", "yes").with("informed", "yes").with("code", &code)
    }

    /// Opens a mandate for a citizen of the pretend FranceConnect.
    pub(crate) async fn opens_a_mandate_for(&self, citizen: &str, procedures: &[Procedure], term: Term) -> Opened {
        let recap = self.reaches_the_recap(citizen, procedures, term).await;
        let page = self.sends(&self.fills_in(&recap).await).await;
        let mandate = page.url.path().trim_start_matches("/mandates/");
        let mandate = mandate.parse().unwrap_or_else(|_| panic!("a mandate: {} {}", page.status, page.text()));
        let link = page.link("/citizens/cit_").expect("a link to the citizen");
        Opened { mandate, citizen: link.path().trim_start_matches("/citizens/").parse().unwrap() }
    }

    /// Ends a mandate, or one of its authorisations.
    pub(crate) async fn revokes(&self, mandate: &MandateId, procedure: Option<Procedure>) -> Page {
        let query = procedure.map(|one| format!("?procedure={}", one.key())).unwrap_or_default();
        let page = self.sees(&format!("/mandates/{mandate}/revocation{query}")).await;
        let page = self.wakes_up(page).await;
        let form = page.form(&format!("/mandates/{mandate}/revocation")).expect("a form to end the mandate");
        self.sends(&form.with("reason", "citizen_asked")).await
    }

    /// Comes from a service with a request: the page of ours that answers.
    pub(crate) async fn comes_from(&self, request: &str) -> Page {
        let page = self.browser.follow(request).await.unwrap();
        self.wakes_up(page).await
    }

    /// Chooses a citizen and a procedure: the redirect to the service.
    pub(crate) async fn chooses(&self, page: &Page, citizen: &CitizenId, procedure: Procedure) -> Page {
        // The page of one citizen, where the service asked for that one.
        let flow = page.url.path().split("/citizens/").next().unwrap_or_default();
        let path = format!("{flow}/citizens/{citizen}");
        let page = self.sees(&path).await;
        let form = page.form(&path).unwrap_or_else(|| panic!("the choice of a procedure: {}", page.text()));
        self.browser.submit(&form.with("procedure", procedure.key())).await.unwrap()
    }

    /// Goes to a service and gets a code for it.
    pub(crate) async fn gets_a_code(&self, service: &Service, citizen: &CitizenId, procedure: Procedure) -> String {
        let page = self.comes_from(&service.request()).await;
        let back = self.chooses(&page, citizen, procedure).await;
        answered(&back, "code").unwrap_or_else(|| panic!("a code: {} {}", back.status, back.text()))
    }

    /// Enters a service for a citizen, which is given the identity.
    pub(crate) async fn uses(&self, service: &Service, citizen: &CitizenId, procedure: Procedure) -> String {
        let token = service.takes_a_token(&self.gets_a_code(service, citizen, procedure).await).await;
        assert_eq!(service.asks_identity(&token).await.status, 200);
        token
    }

    /// Asks who a pseudonym stands for.
    pub(crate) async fn asks_who(&self, citizen: &str) -> Page {
        let form = self.sees("/journal/inquiries").await.form("/journal/inquiries").expect("a form to ask");
        let form = form.with("citizen", citizen).with("ground", "complaint");
        self.sends(&form.with("reason", "Réclamation de Joséphine LEMOINE")).await
    }

    /// Decides an inquiry with a fresh code.
    pub(crate) async fn decides(&self, inquiry: &str, decision: &str) -> Page {
        let form = self.sees(inquiry).await.form(&format!("{inquiry}/decision")).expect("a form to decide");
        let code = self.fresh_code().await;
        self.sends(&form.with("code", &code).with("decision", decision)).await
    }

    /// An address as a URL.
    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&self.at(path)).unwrap()
    }
}
