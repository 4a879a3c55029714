//! A browser without a screen: what the walk of the demonstration and the tests use in the place of a person's.
//!
//! It does what browsers do where servers can tell: cookies are kept by host and ignore the port, redirects change the
//! method, `Origin` and `Sec-Fetch-Site` are sent. It runs no script and loads no image.

mod form;
mod jar;
mod page;
mod scan;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, ORIGIN, SET_COOKIE};
use reqwest::{Method, redirect};
use url::Url;

pub use form::Form;
use jar::Jar;
pub use page::{Hop, Link, Page};

const TIMEOUT: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 10;
const PAGES: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/// Why a page did not come.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The text is not an absolute address.
    #[error("not an address: {0}")]
    Address(String),
    /// The server did not answer, or not in time.
    #[error("no answer: {0}")]
    Network(#[from] reqwest::Error),
    /// More than ten redirects in a row; the last address.
    #[error("too many redirects, the last to {0}")]
    TooManyRedirects(Box<Url>),
    /// The answer should have been JSON.
    #[error("{0} did not answer with JSON")]
    NotJson(Box<Url>),
}

/// A browser of one person. A clone is another tab of the same browser: it shares the cookies.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    jar: Arc<Mutex<Jar>>,
    secure_over_http: bool,
}

/// One navigation: what is asked, and from which page.
struct Visit {
    method: Method,
    url: Url,
    body: Option<String>,
    accept: &'static str,
    /// The page whose link or form started it; `None` when a person typed the address.
    from: Option<Url>,
    /// Addresses already passed by, in order.
    hops: Vec<Hop>,
}

impl Visit {
    fn typed(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, accept: PAGES, from: None, hops: Vec::new() }
    }
}

impl Browser {
    /// A browser without any cookie.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new() -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .no_proxy()
            // Everything is on this machine and without TLS: do not depend on the certificates installed here.
            .tls_certs_only([])
            .user_agent("Mozilla/5.0 (demonstration)")
            .build()?;
        Ok(Self { http, jar: Arc::default(), secure_over_http: false })
    }

    /// Another browser with a copy of the cookies of this one: what a thief of cookies would have.
    #[must_use]
    pub fn copy(&self) -> Self {
        let jar = Arc::new(Mutex::new(self.jar().clone()));
        Self { jar, ..self.clone() }
    }

    /// Treats `http://` as trustworthy, as browsers do on the machine itself: `Secure` cookies are then kept and sent.
    #[must_use]
    pub const fn trusting_http(mut self) -> Self {
        self.secure_over_http = true;
        self
    }

    /// Types an address; redirects are not followed.
    ///
    /// # Errors
    /// If it is not an address, or nothing answers.
    pub async fn get(&self, url: impl AsRef<str>) -> Result<Page, Failure> {
        self.once(Visit::typed(address(url.as_ref())?)).await
    }

    /// Types an address and follows at most ten redirects; the page tells which in `hops`.
    ///
    /// # Errors
    /// If it is not an address, nothing answers, or the redirects do not end.
    pub async fn follow(&self, url: impl AsRef<str>) -> Result<Page, Failure> {
        self.until_page(Visit::typed(address(url.as_ref())?)).await
    }

    /// Follows a link or a redirect found on a page, and the redirects after it.
    ///
    /// # Errors
    /// If nothing answers, or the redirects do not end.
    pub async fn click(&self, page: &Page, url: &Url) -> Result<Page, Failure> {
        self.until_page(Visit { from: Some(page.url.clone()), ..Visit::typed(url.clone()) }).await
    }

    /// Asks an address for JSON.
    ///
    /// # Errors
    /// If nothing answers, or not JSON.
    pub async fn json(&self, url: impl AsRef<str>) -> Result<serde_json::Value, Failure> {
        let visit = Visit { accept: "application/json", ..Visit::typed(address(url.as_ref())?) };
        let page = self.until_page(visit).await?;
        serde_json::from_str(&page.body).map_err(|_| Failure::NotJson(Box::new(page.url)))
    }

    /// Sends a form; redirects are not followed.
    ///
    /// # Errors
    /// If nothing answers.
    pub async fn submit(&self, form: &Form) -> Result<Page, Failure> {
        self.once(submission(form)).await
    }

    /// Sends a form and follows at most ten redirects.
    ///
    /// # Errors
    /// If nothing answers, or the redirects do not end.
    pub async fn submit_and_follow(&self, form: &Form) -> Result<Page, Failure> {
        self.until_page(submission(form)).await
    }

    /// The value of a cookie that would be sent to the address.
    #[must_use]
    pub fn cookie(&self, url: &Url, name: &str) -> Option<String> {
        self.jar().value(url, name)
    }

    /// Puts a cookie in the jar as if the address had set it: `name=value; attributes`.
    pub fn set_cookie(&self, url: &Url, header: &str) {
        let trustworthy = self.trusts(url);
        self.jar().store(url, header, trustworthy);
    }

    /// Forgets every cookie.
    pub fn forget_cookies(&self) {
        *self.jar() = Jar::default();
    }

    fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trusts(&self, url: &Url) -> bool {
        url.scheme() == "https" || self.secure_over_http
    }

    async fn until_page(&self, mut visit: Visit) -> Result<Page, Failure> {
        let from = visit.from.clone();
        for _ in 0..=MOST_REDIRECTS {
            let (method, body) = (visit.method.clone(), visit.body.clone());
            let page = self.once(visit).await?;
            let Some(target) = page.location() else { return Ok(page) };
            let mut hops = page.hops;
            hops.push(Hop { url: page.url, status: page.status });
            // 307 and 308 repeat the request; every other redirect becomes a GET.
            let repeated = matches!(page.status, 307 | 308);
            let (method, body) = if repeated { (method, body) } else { (Method::GET, None) };
            visit = Visit { method, url: target, body, accept: PAGES, from: from.clone(), hops };
        }
        Err(Failure::TooManyRedirects(Box::new(visit.url)))
    }

    async fn once(&self, visit: Visit) -> Result<Page, Failure> {
        let headers = self.headers(&visit);
        let mut request = self.http.request(visit.method, visit.url.clone()).headers(headers);
        if let Some(body) = visit.body {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let trustworthy = self.trusts(&visit.url);
        for cookie in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            self.jar().store(&visit.url, cookie, trustworthy);
        }
        let body = response.text().await?;
        Ok(Page { url: visit.url, status, headers, body, hops: visit.hops })
    }

    fn headers(&self, visit: &Visit) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let site = fetch_site(visit);
        headers.insert(ACCEPT, HeaderValue::from_static(visit.accept));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("fr-FR,fr;q=0.9,en;q=0.5"));
        headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        headers.insert("sec-fetch-dest", HeaderValue::from_static("document"));
        headers.insert("sec-fetch-user", HeaderValue::from_static("?1"));
        let safe = visit.method == Method::GET;
        if let (false, Some(from)) = (safe, &visit.from) {
            // A request repeated on another origin after a redirect no longer says where it comes from.
            let crossed = visit.hops.iter().any(|hop| hop.url.origin() != visit.url.origin());
            let origin = if crossed { "null".to_owned() } else { from.origin().ascii_serialization() };
            headers.extend(HeaderValue::from_str(&origin).ok().map(|value| (ORIGIN, value)));
        }
        let cookies = self.jar().header(&visit.url, site == "cross-site", safe, self.trusts(&visit.url));
        headers.extend(cookies.and_then(|text| HeaderValue::from_str(&text).ok()).map(|value| (COOKIE, value)));
        headers
    }
}

fn address(text: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|_| Failure::Address(text.to_owned()))
}

fn submission(form: &Form) -> Visit {
    let encoded = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form.fields().iter().map(|(n, v)| (n, v)))
        .finish();
    let visit = Visit { from: Some(form.page().clone()), ..Visit::typed(form.action().clone()) };
    if form.is_post() {
        return Visit { method: Method::POST, body: Some(encoded), ..visit };
    }
    let mut url = visit.url;
    url.set_query(Some(&encoded));
    Visit { url, ..visit }
}

/// Fetch Metadata: the worst relation between the page that started the navigation and every address on the way.
/// Two hosts are the same site when their names are equal; the port does not count.
fn fetch_site(visit: &Visit) -> &'static str {
    let Some(from) = &visit.from else { return "none" };
    let way = || visit.hops.iter().map(|hop| &hop.url).chain([&visit.url]);
    if way().all(|url| url.origin() == from.origin()) {
        "same-origin"
    } else if way().all(|url| url.scheme() == from.scheme() && url.host() == from.host()) {
        "same-site"
    } else {
        "cross-site"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(from: Option<&str>, hops: &[&str], to: &str) -> Visit {
        let url = |text: &str| Url::parse(text).unwrap();
        let hops = hops.iter().map(|hop| Hop { url: url(hop), status: 303 }).collect();
        Visit { from: from.map(url), hops, ..Visit::typed(url(to)) }
    }

    #[test]
    fn the_site_header_remembers_the_worst_address_of_the_way() {
        let home = Some("http://127.0.0.1:1/home");
        assert_eq!(fetch_site(&visit(None, &["http://b.example/"], "http://127.0.0.1:1/")), "none");
        assert_eq!(fetch_site(&visit(home, &[], "http://127.0.0.1:1/x")), "same-origin");
        assert_eq!(fetch_site(&visit(home, &[], "http://127.0.0.1:2/x")), "same-site");
        assert_eq!(fetch_site(&visit(home, &["http://127.0.0.1:2/"], "http://127.0.0.1:1/")), "same-site");
        assert_eq!(fetch_site(&visit(home, &["http://evil.example/"], "http://127.0.0.1:1/")), "cross-site");
        assert_eq!(fetch_site(&visit(home, &[], "https://127.0.0.1:1/")), "cross-site");
    }

    #[test]
    fn the_origin_of_a_form_is_sent_and_lost_when_a_repeated_post_crosses_origins() {
        let browser = Browser::new().unwrap();
        let origin = |visit: Visit| {
            let headers = browser.headers(&Visit { method: Method::POST, body: Some(String::new()), ..visit });
            headers.get(ORIGIN).map(|value| value.to_str().unwrap().to_owned())
        };
        let home = Some("http://127.0.0.1:1/home");
        assert_eq!(origin(visit(home, &[], "http://127.0.0.1:2/x")).as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(origin(visit(home, &["http://127.0.0.1:2/x"], "http://127.0.0.1:3/")).as_deref(), Some("null"));
        assert!(browser.headers(&visit(home, &[], "http://127.0.0.1:1/")).get(ORIGIN).is_none());
    }
}
