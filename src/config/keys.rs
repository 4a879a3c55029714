//! Every key, with what to write there. The one list that messages, unknown keys and the example are held against.

use super::{FRANCECONNECT, Problem};

/// The keys in the order of the example; each text continues "write".
pub(super) const KEYS: [(&str, &str); 65] = [
    (
        "public_url",
        "the address browsers use, https:// and a host name without a final slash, as https://mandataire.example.fr",
    ),
    ("listen", "an IP address and a port, as 127.0.0.1:8080"),
    ("name", "the name of the service, at most 60 characters"),
    ("development", "true or false"),
    ("trusted_proxies", "the IP address of each proxy, as [\"10.0.0.2\"]"),
    ("contact", "a mail address, as aide@example.fr"),
    ("database.url", "sqlite: and the path of a file, or postgres://user:password@host/database"),
    (
        "database.sequencer_url",
        "postgres://user:password@host/database, that of database.url with the login that signs, or nothing",
    ),
    ("database.pool", "a number of connections from 1 to 200"),
    (
        "secrets.master_key_file",
        "the path of a file that holds 32 random bytes in base64, readable by this service alone",
    ),
    (
        "journal.key_file",
        "the path of a file that `mandataire admin journal key` made, readable by this service alone, or leave it out: then nobody can \
         prove the journal",
    ),
    (
        "journal.signed_file",
        "the path of a file that this service writes, kept apart from the database and its backups, or leave it out: then it is \
         beside journal.key_file",
    ),
    ("journal.public_entries", "true or false"),
    (
        "journal.witnesses",
        "a list of public keys of witnesses, each once, with an @ and the https:// address of its witness, as \
         [\"temoin.example.org/w1+5c3f0d1a+BA…=@https://temoin.example.org\"]",
    ),
    ("journal.witnesses_needed", "a number from 1 to that of the witnesses"),
    ("journal.witness_every", "a number of seconds from 1 to 3600"),
    ("journal.witness_silence", "a number of minutes from 1 to 10080"),
    (
        "journal.timestamp_url",
        "the http:// or https:// address of an authority that answers requests of RFC 3161, or leave it out",
    ),
    ("journal.timestamp_hours", "a number of hours from 1 to 720"),
    ("mail.mode", "smtp, or page to show mails instead of sending them (in development only)"),
    ("mail.from", "the sender of mails, as Mandataire <ne-pas-repondre@example.fr>"),
    ("mail.host", "the host name of the SMTP server"),
    ("mail.port", "a port from 1 to 65535, usually 465 with tls and 587 with starttls"),
    ("mail.username", "the account on the SMTP server, or leave out both username and password_file"),
    (
        "mail.password_file",
        "the path of a file that holds the password of mail.username, readable by this service alone",
    ),
    ("mail.encryption", "tls or starttls, or none for a relay on this machine"),
    ("franceconnect.issuer", "its https:// address, as https://oidc.franceconnect.gouv.fr/api/v2"),
    ("franceconnect.label", "its name on the screens, 1 to 40 characters, not that of another provider"),
    ("franceconnect.client_id", "the client identifier received from FranceConnect"),
    (
        "franceconnect.client_secret_file",
        "the path of a file that holds the client secret received from FranceConnect, readable by this service alone",
    ),
    (
        "franceconnect.encryption_key_files",
        "a list of paths of PEM files, each with one private key, readable by this service alone; [] if tokens are not encrypted",
    ),
    ("franceconnect.scopes", "a list of scopes, each once, with openid among them"),
    ("franceconnect.acr", "eidas1, eidas2 or eidas3"),
    ("franceconnect.algorithm", "ES256 or RS256"),
    ("franceconnect.pkce", "true or false"),
    ("franceconnect.auth", "client_secret_post or client_secret_basic"),
    ("franceconnect.logout", "true or false"),
    (
        "tls.certificate_file",
        "the path of a PEM file with the certificate and those between it and its authority, or set trusted_proxies if a \
         proxy ends TLS",
    ),
    ("tls.key_file", "the path of a PEM file with the key of tls.certificate_file, readable by this service alone"),
    ("signing.key_days", "a number of days from 7 to 730"),
    ("monitoring.listen", "an IP address and a port that only the operator's machines reach, as 127.0.0.1:9090"),
    ("monitoring.drain", "a number of seconds from 0 to 60"),
    ("retention.mandates_in_use", "a number of months from 12 to 120: the screens show ended mandates for a year"),
    ("retention.mandates_archive", "a number of months from 0 to 120"),
    ("retention.mediators_in_use", "a number of months from 12 to 120"),
    ("retention.mediators_archive", "a number of months from 0 to 120"),
    ("retention.traces", "a number of months from 1 to 120; FranceConnect asks for 36"),
    ("retention.over", "a number of days from 1 to 90"),
    ("retention.phones", "a number of days from 1 to 365, not less than audit.phone_days"),
    ("retention.hour", "an hour from 0 to 23, in UTC"),
    ("audit.export_limit", "a number of entries from 1 to 100000"),
    ("audit.export_quota", "a number of entries from 1 to 1000000"),
    ("audit.opens", "an hour from 0 to 24, not after audit.closes"),
    ("audit.closes", "an hour from 0 to 24"),
    ("audit.minutes", "a number of minutes from 1 to 1380"),
    ("audit.openings", "a number of openings from 1 to 1000"),
    ("audit.uses", "a number of uses from 1 to 1000"),
    ("audit.refusals", "a number of refusals from 1 to 1000"),
    ("audit.soon", "a number of minutes from 0 to 1440"),
    ("audit.outcome_days", "a number of days from 1 to 90"),
    ("audit.phone_citizens", "a number of people from 2 to 1000"),
    ("audit.phone_days", "a number of days from 1 to 365"),
    ("audit.answer_days", "a number of days from 1 to 90"),
    ("log.format", "text or json"),
    ("log.level", "error, warn, info, debug or trace"),
];

/// The tables that hold keys.
pub(super) const TABLES: [&str; 11] = [
    "database",
    "secrets",
    "journal",
    "mail",
    "franceconnect",
    "tls",
    "signing",
    "monitoring",
    "retention",
    "audit",
    "log",
];

/// The table of the tables of further providers.
pub(super) const PROVIDERS: &str = "providers";

/// A table of a further provider, and a key in it, are those of FranceConnect.
pub(super) fn plain(key: &str) -> String {
    match key.strip_prefix(PROVIDERS).and_then(|rest| rest.strip_prefix('.')) {
        Some(named) => match named.split_once('.') {
            Some((_, last)) => format!("{FRANCECONNECT}.{last}"),
            None => FRANCECONNECT.to_owned(),
        },
        None => key.to_owned(),
    }
}

/// A key of the provider with this name.
pub(super) fn key_of(provider: &str, key: &str) -> String {
    if provider == FRANCECONNECT { format!("{provider}.{key}") } else { format!("{PROVIDERS}.{provider}.{key}") }
}

/// What to write for a key, or for the option of the command line that names a secret.
pub(super) fn wanted(key: &str) -> &'static str {
    let option = [(
        "--client-secret-file",
        "the path of a file that holds 32 or more random characters without spaces, readable by this account alone",
    )];
    let key = plain(key);
    KEYS.iter().chain(&option).find(|(name, _)| *name == key).map_or("another value", |(_, text)| text)
}

/// A refusal of a key's value, with what the key wants.
pub(super) fn refusal(key: &str, found: impl Into<String>) -> Problem {
    Problem { key: key.to_owned(), found: found.into(), write: wanted(key).to_owned() }
}

/// The names at one level: of a table, or of the top when `table` is empty.
pub(super) fn names(table: &str) -> String {
    let table = plain(table);
    let tables = TABLES.iter().copied().chain([PROVIDERS]).filter(|_| table.is_empty());
    let keys = KEYS.iter().filter_map(|(key, _)| match key.split_once('.') {
        Some((parent, name)) => (parent == table).then_some(name),
        None => table.is_empty().then_some(*key),
    });
    keys.chain(tables).collect::<Vec<_>>().join(", ")
}
