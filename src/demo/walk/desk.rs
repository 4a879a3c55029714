//! A person of the service at a machine: their browser, their mails, their authenticator.

use std::collections::HashSet;
use std::time::Duration;

use url::Url;

use super::report::Report;
use super::{Sites, Stop, ensure};
use crate::demo::browser::{Browser, Page};

/// A little more than the 30 seconds of a code.
const TRIES: usize = 35;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Someone who signs in, at their machine.
pub(super) struct Desk {
    pub(super) browser: Browser,
    pub(super) sites: Sites,
    role: &'static str,
    email: String,
    used_codes: HashSet<String>,
}

impl Desk {
    pub(super) fn new(sites: Sites, role: &'static str, email: &str) -> Result<Self, Stop> {
        Ok(Self { browser: Browser::new()?, sites, role, email: email.to_owned(), used_codes: HashSet::new() })
    }

    /// An address of the service.
    pub(super) fn at(&self, path: &str) -> String {
        address(&self.sites.mandataire, path)
    }

    /// Opens a page of the service, and expects it to be there.
    pub(super) async fn opens(&self, path: &str) -> Result<Page, Stop> {
        let page = self.browser.follow(self.at(path)).await?;
        ensure(page.status == 200, &page, &format!("{path} should open"))?;
        Ok(page)
    }

    /// Signs in by mail and code.
    pub(super) async fn arrives(&mut self, report: &mut Report) -> Result<(), Stop> {
        let link = report
            .step(
                &format!("{} sign-in link", self.role),
                "a link comes by mail, and opening it consumes nothing: mail scanners are harmless",
                async {
                    let link = self.asks_for_a_link().await?;
                    for _ in 0..2 {
                        let page = self.browser.follow(&link).await?;
                        ensure(page.form("/sign-in/link").is_some(), &page, "the link should show a form")?;
                    }
                    Ok(link)
                },
            )
            .await?;
        report
            .step(
                &format!("{} sign-in code", self.role),
                "the link and a one-time code together open a session",
                async {
                    let page = self.browser.follow(&link).await?;
                    let form =
                        page.form("/sign-in/link").ok_or_else(|| Stop::at(&page, "the link should show a form"))?;
                    let code = self.fresh_code().await?;
                    let page = self.browser.submit_and_follow(&form.with("code", &code)).await?;
                    let page = match page.form("/terms") {
                        Some(terms) => self.browser.submit_and_follow(&terms.with("accept", "yes")).await?,
                        None => page,
                    };
                    ensure(page.status == 200 && page.form("/sign-out").is_some(), &page, "a session should be open")
                },
            )
            .await
    }

    async fn asks_for_a_link(&self) -> Result<Url, Stop> {
        let known = self.newest_link().await?;
        let page = self.opens("/sign-in").await?;
        let form = page.form("/sign-in").ok_or_else(|| Stop::at(&page, "there should be a form to sign in"))?;
        let sent = self.browser.submit_and_follow(&form.with("email", &self.email)).await?;
        ensure(sent.status == 200, &sent, "the link should be sent")?;
        // Mails leave from a queue: wait for one that was not there before.
        for _ in 0..TRIES {
            match self.newest_link().await? {
                Some(link) if known.as_ref() != Some(&link) => return Ok(link),
                _ => tokio::time::sleep(BETWEEN_TRIES / 10).await,
            }
        }
        Err(Stop::Broken("no mail with a link came".to_owned()))
    }

    async fn newest_link(&self) -> Result<Option<Url>, Stop> {
        Ok(self.opens("/demo/mails").await?.link("/sign-in/link"))
    }

    /// A code of this person's authenticator that was not used yet: a time step is accepted once.
    pub(super) async fn fresh_code(&mut self) -> Result<String, Stop> {
        for _ in 0..TRIES {
            let codes = self.browser.json(self.at("/demo/codes")).await?;
            let mine = codes
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one.get("email").is_some_and(|e| *e == self.email.as_str()));
            let mine = mine.ok_or_else(|| Stop::Broken(format!("{} has no authenticator", self.email)))?;
            let offered = ["code", "next_code"].into_iter().filter_map(|name| mine.get(name)?.as_str());
            if let Some(code) = offered.map(ToOwned::to_owned).find(|code| !self.used_codes.contains(code)) {
                self.used_codes.insert(code.clone());
                return Ok(code);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
        Err(Stop::Broken("no fresh code came".to_owned()))
    }

    /// Gives a code if the page asks for one before going on.
    pub(super) async fn confirms_if_asked(&mut self, page: Page) -> Result<Page, Stop> {
        let Some(form) = page.form("/code") else { return Ok(page) };
        let code = self.fresh_code().await?;
        Ok(self.browser.submit_and_follow(&form.with("code", &code)).await?)
    }

    /// Signs out.
    pub(super) async fn leaves(&self, report: &mut Report) -> Result<(), Stop> {
        report
            .step(
                "sign-out",
                "signing out kills the session itself: a copy of its cookie no longer opens anything",
                async {
                    let page = self.opens("/home").await?;
                    let form = page.form("/sign-out").ok_or_else(|| Stop::at(&page, "there should be a way out"))?;
                    let thief = self.browser.copy();
                    let page = thief.follow(self.at("/home")).await?;
                    ensure(page.form("/sign-out").is_some(), &page, "a copy of the cookies should work before")?;
                    self.browser.submit_and_follow(&form).await?;
                    let page = thief.follow(self.at("/home")).await?;
                    ensure(page.form("/sign-in").is_some(), &page, "signing in should be asked for again")
                },
            )
            .await
    }
}

/// A path on a site.
pub(super) fn address(site: &Url, path: &str) -> String {
    format!("{}{path}", site.origin().ascii_serialization())
}
