//! Cookies as browsers keep them (RFC 6265 bis): by host, whatever the port; by path; with the prefixes and `SameSite`.
//! Time is not kept: a cookie lives until it is removed, since servers must not count on browsers to forget.

use url::Url;

/// Browsers refuse a cookie whose name and value are longer together, in bytes.
const LONGEST: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SameSite {
    Strict,
    Lax,
    None,
}

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    path: String,
    secure: bool,
    same_site: SameSite,
}

/// The cookies of one browser. Every cookie belongs to the very host that set it: `Domain` never widens it.
#[derive(Debug, Clone, Default)]
pub(super) struct Jar(Vec<Cookie>);

impl Jar {
    /// Keeps, replaces or removes a cookie, from one `Set-Cookie` header.
    /// `trustworthy`: the address may set `Secure` cookies.
    pub(super) fn store(&mut self, url: &Url, header: &str, trustworthy: bool) {
        let Some((cookie, attributes)) = parse(url, header) else { return };
        if !acceptable(&cookie, &attributes, trustworthy) {
            return;
        }
        self.0.retain(|kept| !(kept.name == cookie.name && kept.host == cookie.host && kept.path == cookie.path));
        if !attributes.removed {
            self.0.push(cookie);
        }
    }

    /// The `Cookie` header for a request, longest paths first. `safe`: the request is a GET.
    pub(super) fn header(&self, url: &Url, cross_site: bool, safe: bool, trustworthy: bool) -> Option<String> {
        let sent = |cookie: &&Cookie| {
            let site = match cookie.same_site {
                SameSite::Strict => !cross_site,
                SameSite::Lax => !cross_site || safe,
                SameSite::None => true,
            };
            site && (trustworthy || !cookie.secure)
        };
        let pairs: Vec<String> =
            self.matching(url).filter(sent).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The value of the cookie of that name for the address.
    pub(super) fn value(&self, url: &Url, name: &str) -> Option<String> {
        self.matching(url).find(|cookie| cookie.name == name).map(|cookie| cookie.value.clone())
    }

    fn matching<'a>(&'a self, url: &Url) -> impl Iterator<Item = &'a Cookie> + use<'a> {
        let (host, path) = (url.host_str().unwrap_or_default().to_owned(), url.path().to_owned());
        let mut found: Vec<&Cookie> =
            self.0.iter().filter(|cookie| cookie.host == host && path_matches(&path, &cookie.path)).collect();
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        found.into_iter()
    }
}

struct Attributes {
    removed: bool,
    domain: bool,
}

fn parse(url: &Url, header: &str) -> Option<(Cookie, Attributes)> {
    let mut parts = header.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        host: url.host_str()?.to_owned(),
        path: default_path(url.path()).to_owned(),
        secure: false,
        same_site: SameSite::Lax,
    };
    let mut attributes = Attributes { removed: false, domain: false };
    for part in parts {
        let (key, value) = part.split_once('=').map_or((part, ""), |(key, value)| (key.trim(), value.trim()));
        match key.to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "domain" => attributes.domain = true,
            "max-age" => attributes.removed = value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
            "samesite" => cookie.same_site = same_site(value),
            _ => {}
        }
    }
    Some((cookie, attributes))
}

fn same_site(value: &str) -> SameSite {
    match value.to_ascii_lowercase().as_str() {
        "strict" => SameSite::Strict,
        "none" => SameSite::None,
        _ => SameSite::Lax,
    }
}

fn acceptable(cookie: &Cookie, attributes: &Attributes, trustworthy: bool) -> bool {
    let prefix = if cookie.name.starts_with("__Host-") {
        cookie.secure && cookie.path == "/" && !attributes.domain
    } else {
        cookie.secure || !cookie.name.starts_with("__Secure-")
    };
    let short = cookie.name.len() + cookie.value.len() <= LONGEST;
    let everywhere = cookie.same_site != SameSite::None || cookie.secure;
    prefix && short && everywhere && (trustworthy || !cookie.secure)
}

fn default_path(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((directory, _)) if !directory.is_empty() => directory,
        _ => "/",
    }
}

fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(header: &str) -> Jar {
        let mut jar = Jar::default();
        jar.store(&url("http://127.0.0.1:1/a/b"), header, false);
        jar
    }

    fn sent(jar: &Jar, to: &str) -> Option<String> {
        jar.header(&url(to), false, true, false)
    }

    #[test]
    fn a_cookie_belongs_to_the_host_and_ignores_the_port() {
        let jar = jar("session=1; Path=/; HttpOnly");
        assert_eq!(sent(&jar, "http://127.0.0.1:2/").as_deref(), Some("session=1"));
        assert_eq!(sent(&jar, "http://localhost:1/"), None);
    }

    #[test]
    fn the_path_is_a_directory_and_the_longest_comes_first() {
        let mut jar = jar("deep=1");
        jar.store(&url("http://127.0.0.1:1/"), "top=2", false);
        assert_eq!(sent(&jar, "http://127.0.0.1:1/a/c").as_deref(), Some("deep=1; top=2"));
        assert_eq!(sent(&jar, "http://127.0.0.1:1/ab").as_deref(), Some("top=2"));
    }

    #[test]
    fn max_age_zero_removes_and_a_new_value_replaces() {
        let mut jar = jar("session=1; Path=/");
        let here = url("http://127.0.0.1:1/");
        jar.store(&here, "session=2; Path=/", false);
        assert_eq!(sent(&jar, "http://127.0.0.1:1/").as_deref(), Some("session=2"));
        jar.store(&here, "session=; Path=/; Max-Age=0", false);
        assert_eq!(sent(&jar, "http://127.0.0.1:1/"), None);
    }

    #[test]
    fn secure_needs_https_and_the_host_prefix_needs_everything() {
        for refused in [
            "a=1; Secure",
            "__Host-a=1; Path=/",
            "__Secure-a=1",
            "a=1; SameSite=None",
            &format!("a={}", "x".repeat(4096)),
        ] {
            assert_eq!(jar(refused).header(&url("http://127.0.0.1:1/a/b"), false, true, true), None, "{refused}");
        }
        let (mut jar, here) = (Jar::default(), url("https://a.example/b/c"));
        jar.store(&here, "__Host-a=1; Secure; Path=/b", true);
        jar.store(&here, "__Host-b=1; Secure; Path=/; Domain=a.example", true);
        jar.store(&here, "__Host-c=1; Secure; Path=/", true);
        assert_eq!(jar.header(&here, false, true, true).as_deref(), Some("__Host-c=1"));
        assert_eq!(jar.header(&url("http://a.example/b/c"), false, true, false), None);
    }

    #[test]
    fn another_site_gets_only_what_same_site_allows() {
        let mut jar = jar("strict=1; Path=/; SameSite=Strict");
        let here = url("http://127.0.0.1:1/");
        jar.store(&here, "lax=1; Path=/", false);
        assert_eq!(jar.header(&here, true, true, false).as_deref(), Some("lax=1"));
        assert_eq!(jar.header(&here, true, false, false), None);
        assert_eq!(jar.header(&here, false, false, false).as_deref(), Some("strict=1; lax=1"));
    }
}
