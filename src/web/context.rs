//! What is known of a request before its handler runs: the browser, the language, and whoever is signed in.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest};

use super::cookies;
use super::state::{App, Settings};
use crate::credential;
use crate::domain::Instant;
use crate::domain::language::Language;
use crate::domain::mediator::{Mediator, Member};
use crate::domain::organisation::Organisation;
use crate::domain::refusal::Refusal;
use crate::store::sessions::Session;

/// The browser of a request.
#[derive(Debug, Clone)]
pub struct Browser {
    secret: String,
    /// Whether the secret was made for this request: the answer sets the cookie.
    pub fresh: bool,
}

impl Browser {
    /// The browser's secret, or a new one.
    #[must_use]
    pub fn of(request: &HttpRequest, app: &App) -> Self {
        match cookies::secret(request, cookies::browser(&app.settings)) {
            Some(secret) => Self { secret, fresh: false },
            None => Self { secret: app.random.token(), fresh: true },
        }
    }

    /// The value of its cookie.
    #[must_use]
    pub fn cookie(&self) -> String {
        self.secret.clone()
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        credential::token_hash(&self.secret)
    }

    /// The token of forms before anybody is signed in.
    #[must_use]
    pub fn csrf(&self) -> String {
        crate::domain::digest::Digest::of(format!("csrf {}", self.secret).as_bytes()).to_string()
    }
}

/// Whoever is signed in, with what they may do now.
#[derive(Debug, Clone)]
pub struct Current {
    /// The session.
    pub session: Session,
    /// What they are in the current organisation, or why nothing.
    pub member: Result<Member, Refusal>,
    /// Whether they are a mediator of it now, or why not.
    pub mediator: Result<Mediator, Refusal>,
}

impl Current {
    /// What a session amounts to at this instant.
    #[must_use]
    pub fn new(session: Session, now: Instant) -> Self {
        let chosen = session.memberships.iter().find(|(_, one)| Some(&one.id) == session.organisation.as_ref());
        let member = match chosen {
            Some((membership, organisation)) => {
                Member::new(session.account.clone(), membership.clone(), organisation.clone(), session.id.clone())
            }
            None => Err(Refusal::NotAMember),
        };
        let mediator = member.clone().and_then(|member| Mediator::new(member, now));
        Self { session, member, mediator }
    }

    /// The current organisation, whether or not one may act in it.
    #[must_use]
    pub fn organisation(&self) -> Option<&Organisation> {
        let chosen = self.session.organisation.as_ref()?;
        self.session.memberships.iter().map(|(_, one)| one).find(|one| one.id == *chosen)
    }
}

/// The language of a request: the cookie's, else the browser's first that we speak, else French.
#[must_use]
pub fn language(request: &HttpRequest) -> Language {
    if let Some(chosen) = request.cookie(cookies::LANGUAGE).and_then(|cookie| Language::from_str(cookie.value()).ok()) {
        return chosen;
    }
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted
        .unwrap_or_default()
        .split(',')
        .filter_map(|range| range.trim().get(..2))
        .find_map(|code| Language::from_str(&code.to_ascii_lowercase()).ok())
        .unwrap_or_default()
}

/// The machine that speaks to us. A socket that speaks both versions shows IPv4 as mapped addresses.
fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip().to_canonical())
}

/// Whether a request took the way it must: over our own TLS, or through a proxy we trust.
#[must_use]
pub fn came_by_the_door(request: &HttpRequest, settings: &Settings) -> bool {
    let known = |ip: IpAddr| ip.is_loopback() || settings.trusted_proxies.contains(&ip);
    !settings.proxied || peer(request).is_some_and(known)
}

/// The address in one place of `X-Forwarded-For`: some proxies add the port.
fn hop(said: &str) -> Option<IpAddr> {
    let said = said.trim();
    let with_port = || said.parse::<SocketAddr>().ok().map(|address| address.ip());
    said.parse::<IpAddr>().ok().or_else(with_port).map(|ip| ip.to_canonical())
}

/// The address and port that a browser's connection came from, as FranceConnect wants them kept. Behind a proxy, what it says of the
/// last machine that nobody here knows: with a port only if the proxy writes one.
#[must_use]
pub fn endpoint(request: &HttpRequest, settings: &Settings) -> String {
    let lines = request.headers().get_all("x-forwarded-for").map(|line| String::from_utf8_lossy(line.as_bytes()));
    let list = lines.collect::<Vec<_>>().join(",");
    let mut seen = request.peer_addr().map(|address| address.to_string()).unwrap_or_default();
    let mut source = peer(request);
    for said in list.rsplit(',') {
        let Some(ip) = hop(said).filter(|_| source.is_some_and(|ip| settings.trusted_proxies.contains(&ip))) else {
            break;
        };
        source = Some(ip);
        said.trim().clone_into(&mut seen);
    }
    seen
}

/// Where a request comes from, for rate limits: the address, an IPv6 one to its /64. A proxy's word counts only if it is trusted.
#[must_use]
pub fn source(request: &HttpRequest, settings: &Settings) -> String {
    // RFC 9110 5.3: several lines are one list. Each proxy adds its own peer at the end, so it is read from there.
    let lines = request.headers().get_all("x-forwarded-for").map(|line| String::from_utf8_lossy(line.as_bytes()));
    let list = lines.collect::<Vec<_>>().join(",");
    let mut source = peer(request);
    for said in list.rsplit(',') {
        // Only a trusted machine is asked who spoke to it. What cannot be read ends the list: whatever stands before it was written by
        // somebody unknown.
        let Some(ip) = hop(said).filter(|_| source.is_some_and(|ip| settings.trusted_proxies.contains(&ip))) else {
            break;
        };
        source = Some(ip);
    }
    match source {
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(ip) => ip.to_string(),
        None => "unknown".to_owned(),
    }
}

/// Whoever is signed in, if the policy of the route looked.
#[must_use]
pub fn current(request: &HttpRequest) -> Option<Current> {
    request.extensions().get::<Current>().cloned()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn behind(proxies: &[&str]) -> Settings {
        Settings {
            public_url: "https://m.example.fr".to_owned(),
            name: String::new(),
            contact: String::new(),
            trusted_proxies: proxies.iter().map(|address| address.parse().unwrap()).collect(),
            proxied: true,
            demo: false,
            public_entries: false,
            audit: crate::config::Audit::default(),
        }
    }

    /// The source of a request from this peer, with these lines of `X-Forwarded-For`.
    fn seen(peer: &str, lines: &[&[u8]]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:5000").parse().unwrap());
        for line in lines {
            request = request.append_header(("x-forwarded-for", header::HeaderValue::from_bytes(line).unwrap()));
        }
        source(&request.to_http_request(), &behind(&["10.0.0.2", "10.0.0.3", "2001:db8::2"]))
    }

    #[test]
    fn the_source_is_the_last_machine_that_a_trusted_one_names() {
        for (said, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("203.0.113.9, 192.0.2.1, 10.0.0.3", "192.0.2.1"),
            ("192.0.2.1:41000", "192.0.2.1"),
            ("192.0.2.1:41000, [2001:db8::2]:443, 10.0.0.3:443", "192.0.2.1"),
            ("[2001:db8:1:2:3::4]:41000", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(seen("10.0.0.2", &[said.as_bytes()]), expected, "{said}");
            assert_eq!(seen("203.0.113.1", &[said.as_bytes()]), "203.0.113.1", "a stranger is not asked");
        }
    }

    #[test]
    fn the_lines_of_a_list_are_read_together() {
        assert_eq!(seen("10.0.0.2", &[b"203.0.113.9", b"192.0.2.1"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.2", &[b"203.0.113.9, 192.0.2.1", b"10.0.0.3"]), "192.0.2.1");
        assert_eq!(seen("10.0.0.2", &[]), "10.0.0.2");
    }

    #[test]
    fn nothing_is_believed_before_a_hop_that_cannot_be_read() {
        let odd: [&[u8]; 8] =
            [b"", b"unknown", b"_hidden", b"192.0.2.300", b"192.0.2.1:99999", b"[192.0.2.1]", b"\xff", b"fe80::1%eth0"];
        for odd in odd {
            let forged = [b"203.0.113.9, ".as_slice(), odd].concat();
            assert_eq!(seen("10.0.0.2", &[&forged]), "10.0.0.2");
            assert_eq!(seen("10.0.0.2", &[b"203.0.113.9", odd]), "10.0.0.2");
            assert_eq!(seen("10.0.0.2", &[&forged, b"10.0.0.3"]), "10.0.0.3", "the last machine we know");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_and_its_port() {
        let from = |peer: &str, said: &str| {
            let request = TestRequest::default().peer_addr(peer.parse().unwrap());
            endpoint(&request.insert_header(("x-forwarded-for", said)).to_http_request(), &behind(&["10.0.0.2"]))
        };
        assert_eq!(from("10.0.0.2:5000", "192.0.2.1:41000"), "192.0.2.1:41000");
        assert_eq!(from("10.0.0.2:5000", "203.0.113.9:1, [2001:db8::4]:443"), "[2001:db8::4]:443");
        assert_eq!(from("10.0.0.2:5000", "192.0.2.1"), "192.0.2.1", "the proxy writes no port");
        assert_eq!(from("203.0.113.1:5000", "192.0.2.1:41000"), "203.0.113.1:5000", "a stranger is not asked");
        assert_eq!(from("10.0.0.2:5000", "nonsense"), "10.0.0.2:5000");
    }

    /// I09: behind a proxy, nobody who comes past it is answered, whatever they say of themselves.
    #[test]
    fn i09_a_plain_request_comes_through_a_proxy_we_trust() {
        let settings = behind(&["10.0.0.2"]);
        let from = |peer: &str| {
            let request = TestRequest::default().peer_addr(format!("{peer}:5000").parse().unwrap());
            request.insert_header(("x-forwarded-for", "10.0.0.2")).to_http_request()
        };
        for known in ["10.0.0.2", "[::ffff:10.0.0.2]", "127.0.0.1", "[::1]"] {
            assert!(came_by_the_door(&from(known), &settings), "{known}");
        }
        for stranger in ["10.0.0.3", "192.0.2.1", "[2001:db8::1]"] {
            assert!(!came_by_the_door(&from(stranger), &settings), "{stranger}");
            let over_tls = Settings { proxied: false, ..settings.clone() };
            assert!(came_by_the_door(&from(stranger), &over_tls), "{stranger}");
        }
    }
}
