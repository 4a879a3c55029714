//! What is known of a request before its handler runs: the browser, the language, and whoever is signed in.

use std::net::IpAddr;
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

/// Where a request comes from, for rate limits: the address, an IPv6 one to its /64. A proxy's word counts only if it is trusted.
#[must_use]
pub fn source(request: &HttpRequest, settings: &Settings) -> String {
    let peer = peer(request);
    let trusted = peer.is_some_and(|ip| settings.trusted_proxies.contains(&ip));
    let forwarded = || {
        let header = request.headers().get("x-forwarded-for")?.to_str().ok()?;
        // The last address that a trusted proxy did not add itself.
        let mut hops =
            header.split(',').rev().filter_map(|hop| hop.trim().parse::<IpAddr>().ok()).map(|ip| ip.to_canonical());
        hops.find(|ip| !settings.trusted_proxies.contains(ip))
    };
    match if trusted { forwarded().or(peer) } else { peer } {
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

    /// I09: behind a proxy, nobody who comes past it is answered, whatever they say of themselves.
    #[test]
    fn i09_a_plain_request_comes_through_a_proxy_we_trust() {
        let settings = Settings {
            public_url: "https://m.example.fr".to_owned(),
            name: String::new(),
            contact: String::new(),
            trusted_proxies: vec!["10.0.0.2".parse().unwrap()],
            proxied: true,
            demo: false,
        };
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
