mod providers;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;

use super::keys::{KEYS, TABLES};
use super::*;

const KEY: [u8; 32] = *b"YbwcAB7FPgK3w3TtRZQJzSLupn9pMX-1";
const OTHER_KEY: [u8; 32] = *b"oevZOxZ-7CTkG0_yvXTh-I1M5GRXXd8w";
const SECRET: &str = "18103b80f0aa8308285af36b53491a86cf5704abd1f3a1c970aeea7901fb9800";

/// A directory of one test, with the two secret files that every good configuration names.
struct Scene(PathBuf);

impl Scene {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("mandataire-config-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let scene = Self(folder);
        scene.file("master.key", &STANDARD.encode(KEY), 0o600);
        scene.file("secret", SECRET, 0o640);
        scene
    }

    fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// A configuration that is accepted, then the given lines; `top` goes before the first table.
    fn load(&self, top: &str, rest: &str, environment: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        let at = self.0.display();
        let mail = "[mail]\nfrom = 'm@example.fr'\nhost = 'smtp.example.fr'\n";
        let mail = if rest.contains("[mail]") { "" } else { mail };
        let good = format!(
            "public_url = 'https://m.example.fr'\ncontact = 'aide@example.fr'\n{top}\n\
             [secrets]\nmaster_key_file = '{at}/master.key'\n\
             [franceconnect]\nissuer = 'https://fc.example.fr/api/v2'\nclient_id = 'us'\n\
             client_secret_file = '{at}/secret'\n{rest}\n{mail}"
        );
        let path = self.file("config.toml", &good, 0o600);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_sources(Some(&path), environment)
    }

    fn refusals(&self, top: &str, rest: &str, environment: &[(&str, &str)]) -> Vec<String> {
        self.load(top, rest, environment).unwrap_err().iter().map(ToString::to_string).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[track_caller]
fn starts(refusals: &[String], starts: &[&str]) {
    assert_eq!(refusals.len(), starts.len(), "{refusals:#?}");
    for (refusal, start) in refusals.iter().zip(starts) {
        assert!(refusal.starts_with(start), "{refusal:?} does not start with {start:?}");
    }
}

#[test]
fn a_good_file_is_accepted_with_its_defaults_and_its_secrets() {
    let config = Scene::new("good").load("", "", &[]).unwrap();
    assert_eq!((config.listen.to_string().as_str(), config.database.pool), ("127.0.0.1:8080", 8));
    assert_eq!(config.database.url(), "sqlite:data/mandataire.db");
    assert_eq!((config.mail.port, config.log.level, config.franceconnect.pkce), (465, LogLevel::Info, false));
}

#[test]
fn secrets_are_read_from_their_files() {
    let scene = Scene::new("secrets");
    let config = scene.load("", "", &[]).unwrap();
    assert_eq!(*config.master_key().unwrap(), KEY);
    assert_eq!(config.franceconnect.client_secret(FRANCECONNECT).unwrap().expose_secret(), SECRET);
    assert!(config.mail.password().unwrap().is_none());
    scene.file("master.key", &format!("{}\n", STANDARD.encode(OTHER_KEY).trim_end_matches('=')), 0o400);
    assert_eq!(*config.master_key().unwrap(), OTHER_KEY);
}

#[test]
fn the_environment_overrides_the_file() {
    let set = [
        ("MANDATAIRE_DATABASE__POOL", "3"),
        ("MANDATAIRE_DATABASE__URL", "postgres://us:007@db/m"),
        ("MANDATAIRE_TRUSTED_PROXIES", "10.0.0.1 ::1"),
        ("MANDATAIRE_FRANCECONNECT__CLIENT_ID", "007"),
        ("MANDATAIRE_FRANCECONNECT__PKCE", "true"),
        ("MANDATAIRE_LOG__LEVEL", "debug"),
        ("MANDATAIRE_TEST_POSTGRES", "for the tests"),
        ("PATH", "/bin"),
    ];
    let config = Scene::new("environment").load("trusted_proxies = ['10.0.0.9']", "", &set).unwrap();
    assert_eq!((config.database.pool, config.database.url()), (3, "postgres://us:007@db/m"));
    assert_eq!(config.trusted_proxies, ["10.0.0.1".parse::<IpAddr>().unwrap(), "::1".parse().unwrap()]);
    assert_eq!((config.franceconnect.client_id.as_str(), config.franceconnect.pkce), ("007", true));
    assert_eq!(config.log.level, LogLevel::Debug);
}

#[test]
fn every_unknown_key_and_every_wrong_type_is_named_at_once() {
    let top = "colour = 'red'\nlisten = 'everywhere'\ntrusted_proxies = ['10.0.0.1', 'proxy']\nlog = 'loud'";
    let rest = "algorithm = 'none'\nclient_secret = 'hunter2hunter2'\n[database]\npool = 'many'";
    let refusals = Scene::new("unknown").refusals(top, rest, &[("MANDATAIRE_MAIL__HOTS", "x")]);
    let expected = [
        "MANDATAIRE_MAIL__HOTS is not a key of ours: write one of mode, from, host,",
        "colour is not a key of ours: write one of public_url,",
        "database.pool is \"many\": write a number",
        "franceconnect.algorithm is \"none\": write ES256 or RS256.",
        "franceconnect.client_secret is not a key of ours: write one of issuer, label, client_id, client_secret_file",
        "listen is \"everywhere\": write an IP address",
        "log is not a table: write its keys below a line [log]: format, level.",
        "trusted_proxies has a wrong element",
    ];
    starts(&refusals, &expected);
    assert!(!refusals.concat().contains("hunter2"), "a secret under a mistaken name is not shown");
}

#[test]
fn every_value_that_is_not_safe_is_named_at_once() {
    let top = "name = ''\n";
    let rest = "scopes = ['email', 'email']\nacr = 'high'\n[database]\nurl = 'mysql://u:hunter2@h/d'\npool = 0\nsequencer_url = 'sqlite:x'\n\
                [mail]\nmode = 'page'";
    let set = [
        ("MANDATAIRE_PUBLIC_URL", "https://m.example.fr/"),
        ("MANDATAIRE_CONTACT", "nobody"),
        ("MANDATAIRE_FRANCECONNECT__ISSUER", "http://127.0.0.1:4000"),
        ("MANDATAIRE_FRANCECONNECT__CLIENT_ID", ""),
        ("MANDATAIRE_TRUSTED_PROXIES", "0.0.0.0"),
    ];
    let refusals = Scene::new("unsafe").refusals(top, rest, &set);
    let expected = [
        "contact is \"nobody\"",
        "database.pool is 0",
        "database.sequencer_url is set, and database.url or it is a file",
        "database.url starts with neither sqlite: nor postgres:: write",
        "franceconnect.acr is \"high\"",
        "franceconnect.client_id is not set",
        "franceconnect.issuer is \"http://127.0.0.1:4000\"",
        "franceconnect.scopes has \"email\" twice",
        "mail.mode is \"page\" outside development",
        "name is empty",
        "public_url is \"https://m.example.fr/\"",
        "trusted_proxies has 0.0.0.0",
    ];
    starts(&refusals, &expected);
    assert!(!refusals.concat().contains("hunter2"));
}

#[test]
fn nothing_at_all_names_what_is_required() {
    let problems = Config::from_sources(None, HashMap::new()).unwrap_err();
    let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
    let required = [
        "contact",
        "franceconnect.client_id",
        "franceconnect.client_secret_file",
        "franceconnect.issuer",
        "mail.from",
        "mail.host",
        "public_url",
        "secrets.master_key_file",
    ];
    assert_eq!(keys, required);
    assert!(problems.iter().all(|problem| problem.found == "is not set"));
}

#[test]
fn development_is_for_this_machine_only() {
    let scene = Scene::new("development");
    let local = [("MANDATAIRE_PUBLIC_URL", "http://localhost:8080"), ("MANDATAIRE_DEVELOPMENT", "true")];
    assert!(scene.load("", "[mail]\nmode = 'page'", &local).is_ok());
    let public = [("MANDATAIRE_PUBLIC_URL", "http://m.example.fr"), ("MANDATAIRE_LISTEN", "0.0.0.0:80")];
    starts(
        &scene.refusals("development = true", "", &public),
        &["listen is 0.0.0.0:80, which others", "public_url is"],
    );
}

#[test]
fn a_mail_account_is_whole_and_its_password_does_not_travel_in_clear() {
    let scene = Scene::new("mail");
    let mail = "[mail]\nfrom = 'Mandataire <m@example.fr>'\nhost = 'smtp.example.fr'\n";
    let half = scene.refusals("", &format!("{mail}username = 'us'\nencryption = 'none'\nport = 0"), &[]);
    starts(&half, &["mail.encryption is \"none\"", "mail.password_file is not set", "mail.port is 0"]);
    let password = scene.file("password", "correct horse\n", 0o600);
    let whole = format!("{mail}username = 'us'\npassword_file = '{}'", password.display());
    let config = scene.load("", &whole, &[]).unwrap();
    assert_eq!(config.mail.password().unwrap().unwrap().expose_secret(), "correct horse");
    assert!(scene.load("", "[mail]\nfrom = 'm@example.fr'\nhost = '127.0.0.1'\nencryption = 'none'", &[]).is_ok());
}

#[test]
fn secret_files_are_there_private_and_long_enough() {
    let scene = Scene::new("files");
    scene.file("master.key", &STANDARD.encode([7; 31]), 0o600);
    scene.file("secret", "short", 0o600);
    let names = ["franceconnect.client_secret_file names a file that", "secrets.master_key_file names a file that"];
    starts(&scene.refusals("", "", &[]), &names);
    scene.file("master.key", &STANDARD.encode(KEY), 0o604);
    scene.file("secret", SECRET, 0o660);
    let refusals = scene.refusals("", "", &[]);
    assert!(refusals[0].contains("its group may change; run chmod 600"), "{refusals:?}");
    assert!(refusals[1].contains("every account of this machine may open; run chmod 600"), "{refusals:?}");
    fs::remove_file(scene.0.join("secret")).unwrap();
    assert!(scene.refusals("", "", &[])[0].contains("which cannot be read (No such file"));
}

#[test]
fn default_and_made_up_secrets_are_refused() {
    let scene = Scene::new("made-up");
    scene.file("master.key", &STANDARD.encode([0; 32]), 0o600);
    scene.file("secret", &"changeme".repeat(8), 0o600);
    let set = [("MANDATAIRE_FRANCECONNECT__CLIENT_ID", "0000000000000000")];
    let expected = [
        "franceconnect.client_id is the one of the example",
        "franceconnect.client_secret_file names a file that holds a made-up secret",
        "secrets.master_key_file names a file that holds no random bytes",
    ];
    starts(&scene.refusals("", "", &set), &expected);
}

#[test]
fn plain_http_is_for_a_proxy_alone_and_tls_is_whole() {
    let scene = Scene::new("tls");
    let open = "listen = '0.0.0.0:8080'";
    starts(&scene.refusals(open, "", &[]), &["tls.certificate_file is not set, and others reach 0.0.0.0:8080"]);
    assert!(scene.load(&format!("{open}\ntrusted_proxies = ['10.0.0.2']"), "", &[]).is_ok());
    let (certificate, key) = (scene.file("tls.pem", "pem", 0o644), scene.file("tls.key", "pem", 0o600));
    let whole = format!("[tls]\ncertificate_file = '{}'\nkey_file = '{}'\n", certificate.display(), key.display());
    assert!(scene.load(open, &whole, &[]).unwrap().tls.pem().unwrap().is_some());
    starts(&scene.refusals("", "[tls]\ncertificate_file = '/x'\n", &[]), &["tls.key_file is not set, and"]);
    scene.file("tls.key", "pem", 0o644);
    assert!(scene.refusals(open, &whole, &[])[0].contains("every account of this machine may open"));
    let same = "[monitoring]\nlisten = '127.0.0.1:8080'\n";
    starts(&scene.refusals("", same, &[]), &["monitoring.listen is the same as listen"]);
    starts(&scene.refusals("", "[monitoring]\ndrain = 61\n", &[]), &["monitoring.drain is 61"]);
    starts(&scene.refusals("", "[signing]\nkey_days = 6\n", &[]), &["signing.key_days is 6"]);
}

#[test]
fn a_broken_file_is_located_without_being_quoted() {
    let scene = Scene::new("broken");
    let path = scene.file("broken.toml", "[database]\nurl = 'postgres://u:hunter2@h/d\n", 0o600);
    let refusal = Config::from_sources(Some(&path), HashMap::new()).unwrap_err()[0].to_string();
    assert!(refusal.contains("is not TOML (TOML parse error at line 2, column"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
    let absent = Config::from_sources(Some(&scene.0.join("absent.toml")), HashMap::new()).unwrap_err();
    assert!(absent[0].to_string().contains("absent.toml cannot be read"));
}

#[test]
fn the_example_is_accepted_but_for_the_secrets_that_it_names() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/example.toml");
    let problems = Config::from_sources(Some(&path), HashMap::new()).unwrap_err();
    let named = |problem: &Problem| problem.key.ends_with("_file") || problem.key == "franceconnect.client_id";
    assert!(problems.iter().all(named), "{problems:#?}");
}

/// What serde itself would accept in a table, from the message with which it refuses anything else.
fn fields(table: &str) -> Vec<String> {
    let bogus = HashMap::from([("bogus".to_owned(), ::config::Value::from(1))]);
    let tree = if table.is_empty() { bogus } else { HashMap::from([(table.to_owned(), bogus.into())]) };
    let error = ::config::Value::from(tree).try_deserialize::<Config>().unwrap_err().to_string();
    let (_, expected) = error.split_once("expected").expect("an unknown field is refused");
    let prefix = if table.is_empty() { String::new() } else { format!("{table}.") };
    let expected = expected.split(" for key ").next().unwrap_or_default();
    expected.split('`').skip(1).step_by(2).map(|name| format!("{prefix}{name}")).collect()
}

#[test]
fn the_list_of_keys_the_types_and_the_example_name_the_same_keys_in_the_same_order() {
    let keys: Vec<String> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
    let top = fields("").into_iter().filter(|name| !TABLES.contains(&name.as_str()) && name != "providers");
    let typed: Vec<String> = top.chain(TABLES.iter().flat_map(|table| fields(table))).collect();
    assert_eq!(typed, keys);

    let mut table = String::new();
    let mut shown = Vec::new();
    for line in include_str!("../../config/example.toml").lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            shown.push(format!("{table}{name}"));
        }
    }
    assert_eq!(shown, keys);
}
