//! Our cookies: the session, the browser, the language, and what waits elsewhere.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::state::Settings;

/// The language chosen.
pub const LANGUAGE: &str = "mandataire-language";

/// Names the providers that may still know a citizen in this browser: somebody left for them, and no session was seen closed there.
pub const OPEN_AT: &str = "mandataire-franceconnect";

/// How long FranceConnect keeps a session that nobody uses.
const FRANCECONNECT_KEEPS: Duration = Duration::minutes(30);

/// Between the names in the cookie: no name of a provider holds it.
const BETWEEN: char = '.';

/// The providers that may still know a citizen in this browser, by their names. What a browser says is looked up, never shown.
#[must_use]
pub fn open_at(request: &HttpRequest) -> Vec<String> {
    let named = |cookie: Cookie<'_>| cookie.value().split(BETWEEN).take(16).map(str::to_owned).collect();
    request.cookie(OPEN_AT).map(named).unwrap_or_default()
}

/// Somebody leaves for a provider.
#[must_use]
pub fn left_for(request: &HttpRequest, settings: &Settings, provider: &str) -> Cookie<'static> {
    let mut open = open_at(request);
    open.retain(|name| name != provider);
    open.push(provider.to_owned());
    still_open(settings, &open)
}

/// Somebody comes back from the sign-out of a provider: nobody is known there any more.
#[must_use]
pub fn closed_at(request: &HttpRequest, settings: &Settings, provider: &str) -> Cookie<'static> {
    let mut open = open_at(request);
    open.retain(|name| name != provider);
    if open.is_empty() { removed(settings, OPEN_AT) } else { still_open(settings, &open) }
}

fn still_open(settings: &Settings, names: &[String]) -> Cookie<'static> {
    let mut cookie = made(settings, OPEN_AT, names.join(&BETWEEN.to_string()));
    cookie.set_max_age(FRANCECONNECT_KEEPS);
    cookie
}

/// The name of the session cookie. `__Host-` ties it to this host, this path and TLS (RFC 6265bis 4.1.3.2).
#[must_use]
pub fn session(settings: &Settings) -> &'static str {
    if settings.secure() { "__Host-mandataire-session" } else { "mandataire-session" }
}

/// The name of the cookie of a browser: it proves nothing of a person, only that two requests came from one browser.
#[must_use]
pub fn browser(settings: &Settings) -> &'static str {
    if settings.secure() { "__Host-mandataire-browser" } else { "mandataire-browser" }
}

/// A cookie that lives as long as the browser is open. `Lax`, because people come back from FranceConnect and from their mail.
#[must_use]
pub fn made(settings: &Settings, name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value).path("/").secure(settings.secure()).http_only(true).same_site(SameSite::Lax).finish()
}

/// The removal of a cookie.
#[must_use]
pub fn removed(settings: &Settings, name: &'static str) -> Cookie<'static> {
    let mut cookie = made(settings, name, String::new());
    cookie.make_removal();
    cookie
}

/// The secret in one of our cookies, if it has the form of one.
#[must_use]
pub fn secret(request: &HttpRequest, name: &str) -> Option<String> {
    let cookie = request.cookie(name)?;
    let value = cookie.value();
    let fits =
        value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    fits.then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_tls_cookies_are_tied_to_the_host() {
        let settings = Settings {
            public_url: "https://mandataire.example.fr".to_owned(),
            name: String::new(),
            contact: String::new(),
            trusted_proxies: Vec::new(),
            proxied: false,
            demo: false,
            public_entries: false,
            audit: crate::config::Audit::default(),
        };
        for name in [session(&settings), browser(&settings)] {
            assert!(name.starts_with("__Host-"), "{name}");
            for cookie in [made(&settings, name, "value".to_owned()), removed(&settings, name)] {
                assert_eq!(cookie.path(), Some("/"));
                assert_eq!(cookie.domain(), None);
                assert_eq!((cookie.secure(), cookie.http_only()), (Some(true), Some(true)));
                assert_eq!(cookie.same_site(), Some(SameSite::Lax));
            }
        }
        let plain = Settings { public_url: "http://127.0.0.1:8080".to_owned(), ..settings };
        assert_eq!(session(&plain), "mandataire-session");
    }
}
