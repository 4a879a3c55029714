//! What the two pretend sites share: a bounded memory, cookies, answers, the style sheet.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, LOCATION};
use askama::Template;
use chrono::TimeDelta;

use crate::domain::Instant;

/// Never more things of one kind in memory than this.
const MOST: usize = 2000;

/// Things that are forgotten after a time, and first the oldest ones when there are too many.
pub(super) struct Shelf<T>(HashMap<String, (Instant, T)>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Shelf<T> {
    /// Keeps a thing for that long.
    pub(super) fn put(&mut self, key: &str, thing: T, now: Instant, lifetime: TimeDelta) {
        if self.0.len() >= MOST {
            self.0.retain(|_, (until, _)| now < *until);
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(key.to_owned(), (now + lifetime, thing));
    }

    /// The thing, if it is not forgotten.
    pub(super) fn get(&mut self, key: &str, now: Instant) -> Option<&mut T> {
        self.0.get_mut(key).filter(|(until, _)| now < *until).map(|(_, thing)| thing)
    }

    /// The thing, kept for that long from now on.
    pub(super) fn touch(&mut self, key: &str, now: Instant, lifetime: TimeDelta) -> Option<&mut T> {
        let (until, thing) = self.0.get_mut(key).filter(|(until, _)| now < *until)?;
        *until = now + lifetime;
        Some(thing)
    }

    /// Forgets the thing and gives it back.
    pub(super) fn take(&mut self, key: &str, now: Instant) -> Option<T> {
        self.0.remove(key).filter(|(until, _)| now < *until).map(|(_, thing)| thing)
    }
}

/// A session cookie. The name must differ between sites: browsers do not keep the ports of one host apart.
pub(super) fn session_cookie(name: &'static str, value: String, origin: &str) -> Cookie<'static> {
    let secure = origin.starts_with("https:");
    Cookie::build(name, value).path("/").http_only(true).same_site(SameSite::Lax).secure(secure).finish()
}

/// A page. No script, no style but ours, never kept by the browser.
pub(super) fn page(status: StatusCode, template: &impl Template) -> HttpResponse {
    match template.render() {
        Ok(html) => HttpResponse::build(status)
            .content_type(ContentType::html())
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
            ))
            .body(html),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

/// A redirect that the browser follows with a GET.
pub(super) fn see_other(target: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, target))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("referrer-policy", "no-referrer"))
        .finish()
}

/// The address with these parameters added to its query.
pub(super) fn with_query(target: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{query}")
}

/// The style sheet of both sites.
pub(super) async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((CACHE_CONTROL, "public, max-age=600"))
        .body(include_str!("site.css"))
}

/// A client for the calls from server to server, with FranceConnect's own limit of six seconds.
pub(super) fn http_client() -> std::io::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(std::time::Duration::from_secs(6))
        .no_proxy()
        // Both ends are on this machine and without TLS: do not depend on the certificates installed here.
        .tls_certs_only([])
        .user_agent("openid-client/5.7.0 (demonstration)")
        .build()
        .map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shelf_forgets_with_time_and_never_overflows() {
        let (mut shelf, start, minute) = (Shelf::default(), Instant::UNIX_EPOCH, TimeDelta::minutes(1));
        shelf.put("a", 1, start, minute);
        assert_eq!(shelf.get("a", start), Some(&mut 1));
        assert!(shelf.touch("a", start + TimeDelta::seconds(59), minute).is_some());
        assert!(shelf.get("a", start + minute).is_some());
        assert_eq!(shelf.take("a", start + TimeDelta::seconds(119)), None);
        for number in 0..MOST + 10 {
            shelf.put(
                &number.to_string(),
                1,
                start + TimeDelta::seconds(i64::try_from(number).unwrap()),
                TimeDelta::days(1),
            );
        }
        assert_eq!(shelf.0.len(), MOST);
        assert!(shelf.get("9", start).is_none() && shelf.get("10", start).is_some());
    }

    #[test]
    fn a_query_is_added_to_the_one_already_there() {
        assert_eq!(with_query("http://a/b?c=d", &[("e", "f g")]), "http://a/b?c=d&e=f+g");
        assert_eq!(with_query("http://a/b", &[("e", "&")]), "http://a/b?e=%26");
    }
}
