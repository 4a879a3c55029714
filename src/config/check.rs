//! What the types cannot say: whether the values make a service that is safe to start.

use std::net::{IpAddr, Ipv6Addr};

use lettre::Address;
use lettre::message::Mailbox;
use url::{Host, Url};

use super::keys::{key_of, refusal};
use super::{Audit, Config, Database, Encryption, FranceConnect, Mail, MailMode, Monitoring, Problem, Retention};

impl Config {
    /// Every reason not to start with this configuration, secret files included. Empty: all is well.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        let found = [
            public_url(&self.public_url, self.development),
            self.listen_in_development(),
            self.service_name(),
            self.proxies(),
            contact(&self.contact),
            database("database.url", self.database.url()),
            sequencer(&self.database),
            pool(&self.database),
            self.master_key().err(),
            self.journal.key().err(),
            self.plain_for_others(),
            self.age_of_keys(),
            self.monitoring_apart(),
            self.audit.check(),
            self.phones_are_known_again(),
        ];
        let mail = self.mail.check(self.development);
        let providers = self.identifying().flat_map(|(name, provider)| provider.check(name, self.development));
        let providers = providers.chain(confused(self));
        let tls = self.tls.pem().err();
        let journal = self.journal.vouching();
        let rest = tls.into_iter().chain(self.retention.check()).chain(journal);
        found.into_iter().flatten().chain(mail).chain(providers).chain(rest).collect()
    }

    /// Development answers over plain http and shows mails: nobody else may reach it.
    fn listen_in_development(&self) -> Option<Problem> {
        let outside = self.development && !self.listen.ip().is_loopback();
        outside.then(|| refusal("listen", format!("is {}, which others reach, in development", self.listen)))
    }

    /// Plain http is for a proxy that ends TLS, and for nobody else.
    fn plain_for_others(&self) -> Option<Problem> {
        let covered = self.development || self.tls.certificate_file.is_some() || !self.trusted_proxies.is_empty();
        let alone = !covered && !self.listen.ip().is_loopback();
        alone.then(|| refusal("tls.certificate_file", format!("is not set, and others reach {}", self.listen)))
    }

    /// What the operator's machines ask is answered apart from what everybody asks.
    fn monitoring_apart(&self) -> Option<Problem> {
        let Monitoring { listen, drain } = &self.monitoring;
        let same = *listen == Some(self.listen);
        if same {
            return Some(refusal("monitoring.listen", "is the same as listen"));
        }
        (*drain > 60).then(|| refusal("monitoring.drain", format!("is {drain}")))
    }

    /// A key is published for a day before it signs, and for a month after: fewer days would be a crowd.
    fn age_of_keys(&self) -> Option<Problem> {
        let days = self.signing.key_days;
        (!(7..=730).contains(&days)).then(|| refusal("signing.key_days", format!("is {days}")))
    }

    fn service_name(&self) -> Option<Problem> {
        let long = self.name.chars().count() > 60;
        (long || self.name.trim().is_empty()).then(|| refusal("name", if long { "is too long" } else { "is empty" }))
    }

    /// One number that goes from person to person is the same for as long as that is looked for.
    fn phones_are_known_again(&self) -> Option<Problem> {
        let (kept, looked_at) = (self.retention.phones, self.audit.phone_days);
        (kept < looked_at).then(|| refusal("retention.phones", format!("is {kept}, below audit.phone_days")))
    }

    /// The address of no machine in particular would never match, and looks as if it meant every machine.
    fn proxies(&self) -> Option<Problem> {
        let odd = self.trusted_proxies.iter().find(|address| address.is_unspecified() || address.is_multicast())?;
        Some(refusal("trusted_proxies", format!("has {odd}, which is no machine")))
    }
}

impl Audit {
    fn check(&self) -> Option<Problem> {
        let Self { opens, closes, .. } = *self;
        let within = [
            ("export_limit", self.export_limit, 1..=100_000),
            ("export_quota", self.export_quota, 1..=1_000_000),
            ("opens", opens, 0..=closes.min(24)),
            ("closes", closes, 0..=24),
            // The shortest day: a longer burst would be told twice.
            ("minutes", self.minutes, 1..=1_380),
            ("openings", self.openings, 1..=1_000),
            ("uses", self.uses, 1..=1_000),
            ("refusals", self.refusals, 1..=1_000),
            ("soon", self.soon, 0..=1_440),
            ("outcome_days", self.outcome_days, 1..=90),
            ("phone_citizens", self.phone_citizens, 2..=1_000),
            ("phone_days", self.phone_days, 1..=365),
            ("answer_days", self.answer_days, 1..=90),
        ];
        let odd = within.into_iter().find(|(_, value, range)| !range.contains(value));
        odd.map(|(name, value, _)| refusal(&format!("audit.{name}"), format!("is {value}")))
    }
}

impl Mail {
    fn check(&self, development: bool) -> Vec<Problem> {
        if self.mode == MailMode::Page {
            // The page shows sign-in links to whoever opens it.
            let refused = (!development).then(|| refusal("mail.mode", "is \"page\" outside development"));
            return refused.into_iter().collect();
        }
        let clear = self.encryption == Encryption::None && !names_this_machine(&self.host);
        let account = match (&self.username, &self.password_file) {
            (Some(_), None) => Some(refusal("mail.password_file", "is not set, and mail.username is")),
            (None, Some(_)) => Some(refusal("mail.username", "is not set, and mail.password_file is")),
            _ => self.password().err(),
        };
        let found = [
            self.from.parse::<Mailbox>().err().map(|_| refusal("mail.from", is(&self.from))),
            Host::parse(&self.host).err().map(|_| refusal("mail.host", is(&self.host))),
            (self.port == 0).then(|| refusal("mail.port", "is 0")),
            clear.then(|| refusal("mail.encryption", "is \"none\", and the SMTP server is another machine")),
            account,
        ];
        found.into_iter().flatten().collect()
    }
}

impl Retention {
    fn check(&self) -> Vec<Problem> {
        let periods = [
            ("retention.mandates_in_use", self.mandates_in_use, 12..=120),
            ("retention.mandates_archive", self.mandates_archive, 0..=120),
            ("retention.mediators_in_use", self.mediators_in_use, 12..=120),
            ("retention.mediators_archive", self.mediators_archive, 0..=120),
            ("retention.traces", self.traces, 1..=120),
            ("retention.over", self.over, 1..=90),
            ("retention.phones", self.phones, 1..=365),
            ("retention.hour", self.hour, 0..=23),
        ];
        let wrong = periods.into_iter().filter(|(_, set, fits)| !fits.contains(set));
        wrong.map(|(key, set, _)| refusal(key, format!("is {set}"))).collect()
    }
}

impl FranceConnect {
    fn check(&self, name: &str, development: bool) -> Vec<Problem> {
        let key = |last: &str| key_of(name, last);
        let found = [
            issuer(&key("issuer"), &self.issuer, development),
            label(&key("label"), &self.label),
            client_id(&key("client_id"), &self.client_id),
            self.client_secret(name).err(),
            self.encryption_keys(name).err(),
            scopes(&key("scopes"), &self.scopes),
            (!["eidas1", "eidas2", "eidas3"].contains(&self.acr.as_str())).then(|| refusal(&key("acr"), is(&self.acr))),
        ];
        found.into_iter().flatten().collect()
    }
}

/// Two providers with one issuer could not be told apart when a citizen comes back, nor two with one label by a mediator.
fn confused(config: &Config) -> Vec<Problem> {
    let all: Vec<_> = config.identifying().collect();
    let found = all.iter().enumerate().flat_map(|(at, (name, one))| {
        let earlier = all.iter().take(at).map(|(_, other)| *other);
        let same = |last: &str, of: fn(&FranceConnect) -> &str| {
            let twice = !of(one).is_empty() && earlier.clone().any(|other| of(other) == of(one));
            twice.then(|| refusal(&key_of(name, last), "is that of another provider"))
        };
        [same("issuer", |provider| &provider.issuer), same("label", |provider| &provider.label)]
    });
    found.flatten().collect()
}

fn label(key: &str, given: &str) -> Option<Problem> {
    let fits = !given.trim().is_empty() && given.chars().count() <= 40;
    (!fits).then(|| refusal(key, is(given)))
}

fn is(value: &str) -> String {
    if value.is_empty() { "is not set".to_owned() } else { format!("is {value:?}") }
}

/// The example's identifier is nobody's.
fn client_id(key: &str, given: &str) -> Option<Problem> {
    if given.trim().is_empty() {
        return Some(refusal(key, "is not set"));
    }
    let made_up = given.len() > 8 && given.bytes().all(|byte| byte == b'0');
    made_up.then(|| refusal(key, "is the one of the example"))
}

/// Other services compare this address byte for byte, so only its one normal form is accepted.
fn public_url(given: &str, development: bool) -> Option<Problem> {
    let normal = |url: &Url| url.as_str().strip_suffix('/') == Some(given) && url.path() == "/";
    let good = Url::parse(given).is_ok_and(|url| normal(&url) && is_protected(&url, development));
    (!good).then(|| refusal("public_url", is(given)))
}

fn issuer(key: &str, given: &str, development: bool) -> Option<Problem> {
    let plain = |url: &Url| url.query().is_none() && url.fragment().is_none();
    let good = Url::parse(given).is_ok_and(|url| plain(&url) && is_protected(&url, development));
    (!good).then(|| refusal(key, is(given)))
}

/// https with a host and no password in it; in development also http to this machine.
fn is_protected(url: &Url, development: bool) -> bool {
    let loopback = url.host_str().is_some_and(names_this_machine);
    let scheme = url.scheme() == "https" || (development && url.scheme() == "http" && loopback);
    scheme && url.has_host() && url.username().is_empty() && url.password().is_none()
}

fn names_this_machine(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => name == "localhost",
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Err(_) => host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

fn contact(given: &str) -> Option<Problem> {
    given.parse::<Address>().err().map(|_| refusal("contact", is(given)))
}

/// Never says what was found: a PostgreSQL address may hold a password.
fn database(key: &str, given: &str) -> Option<Problem> {
    let fault = match given.split_once(':') {
        Some(("sqlite", "")) => "names no file after sqlite:",
        Some(("sqlite", _)) => return None,
        Some(("postgres" | "postgresql", _)) => match Url::parse(given) {
            Ok(url) if url.path().len() > 1 => return None,
            Ok(_) => "names no database",
            Err(_) => "is not an address",
        },
        _ => "starts with neither sqlite: nor postgres:",
    };
    Some(refusal(key, fault))
}

/// A file has no roles: one address has all rights to it.
fn sequencer(database: &Database) -> Option<Problem> {
    const KEY: &str = "database.sequencer_url";
    let given = database.sequencer_url()?;
    let is_file = |url: &str| url.starts_with("sqlite:");
    if is_file(given) || is_file(database.url()) {
        return Some(refusal(KEY, "is set, and database.url or it is a file, which has no roles"));
    }
    self::database(KEY, given)
}

fn pool(database: &Database) -> Option<Problem> {
    let fits = (1..=200).contains(&database.pool);
    (!fits).then(|| refusal("database.pool", format!("is {}", database.pool)))
}

fn scopes(key: &str, given: &[String]) -> Option<Problem> {
    let twice = given.iter().enumerate().find(|(at, scope)| given.iter().take(*at).any(|earlier| earlier == *scope));
    let odd = given.iter().find(|scope| scope.is_empty() || !scope.bytes().all(|byte| byte.is_ascii_graphic()));
    let found = match (twice, odd) {
        (_, Some(odd)) => format!("has {odd:?}, which is no scope"),
        (Some((_, twice)), _) => format!("has {twice:?} twice"),
        _ if !given.iter().any(|scope| scope == "openid") => "is without openid".to_owned(),
        _ => return None,
    };
    Some(refusal(key, found))
}
