//! From the file and the environment to typed values. Collects every refusal: a value that is refused is put aside, and
//! reading goes on without it.

use std::collections::HashMap;
use std::path::Path;
use std::{env, fmt, fs};

use config::{ConfigError, Environment, File, FileFormat, Source, Value, ValueKind};
use serde::{Deserialize, Deserializer, de};

use super::keys::{KEYS, PROVIDERS, TABLES, names, plain, refusal};
use super::{Config, FRANCECONNECT, Problem};

const PREFIX: &str = "MANDATAIRE";

/// Set for our test suite, not for us.
const NOT_SETTINGS: [&str; 2] = ["MANDATAIRE_BIN", "MANDATAIRE_TEST_POSTGRES"];

type Tree = HashMap<String, Value>;

/// Our variables of the process.
pub(super) fn environment() -> HashMap<String, String> {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
}

/// The file's keys, overridden by the environment's.
pub(super) fn tree(file: Option<&Path>, mut environment: HashMap<String, String>) -> Result<Tree, Problem> {
    environment.retain(|name, _| !NOT_SETTINGS.contains(&name.as_str()));
    let variables = Environment::with_prefix(PREFIX).prefix_separator("_").separator("__").source(Some(environment));
    let mut builder = config::Config::builder();
    if let Some(path) = file {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let source = File::from_str(&text, FileFormat::Toml);
        // Read once by itself, so that a fault of the file is told from one of the environment.
        source.collect().map_err(|error| not_toml(path, &error))?;
        builder = builder.add_source(source);
    }
    let merged = builder.add_source(variables).build().and_then(|all| all.collect());
    merged.map_err(|_| Problem {
        key: format!("{PREFIX}_…"),
        found: "in the environment is not the name of a key".to_owned(),
        write: format!("the key in capitals, with two underscores for a dot, as {PREFIX}_DATABASE__URL"),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem {
        key: path.display().to_string(),
        found: format!("cannot be read ({error})"),
        write: "the path of the configuration file after --config, and let this account read it".to_owned(),
    }
}

/// The parser's message, without the line of the file that it quotes: that line may hold a password.
fn not_toml(path: &Path, error: &ConfigError) -> Problem {
    let cause = match error {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let lines: Vec<&str> = cause.lines().filter(|line| !line.contains('|')).collect();
    Problem {
        key: path.display().to_string(),
        found: format!("is not TOML ({})", lines.join(", ")),
        write: "it like config/example.toml".to_owned(),
    }
}

/// The values in their types, and a problem for each one put aside.
pub(super) fn typed(mut tree: Tree) -> (Config, Vec<Problem>) {
    let mut problems = Vec::new();
    put_unknown_aside(&mut tree, "", &mut problems);
    loop {
        let value = Value::new(None, ValueKind::Table(tree.clone()));
        let error = match serde_path_to_error::deserialize::<_, Config>(value) {
            Ok(config) => return (config, problems),
            Err(error) => error.path().to_string(),
        };
        let Some((key, value)) = key_at(&error).and_then(|key| take(&mut tree, &key).map(|value| (key, value))) else {
            problems.push(refusal(&error, "cannot be read"));
            return (Config::default(), problems);
        };
        problems.push(refusal(&key, shown(&value)));
    }
}

/// The key to which a path leads, or into whose value.
fn key_at(path: &str) -> Option<String> {
    if let Some(named) = path.strip_prefix(PROVIDERS).and_then(|rest| rest.strip_prefix('.')) {
        let mut parts = named.split(['.', '[']);
        return Some(format!("{PROVIDERS}.{}.{}", parts.next()?, parts.next()?));
    }
    KEYS.iter().map(|(key, _)| *key).find(|key| within(path, key)).map(str::to_owned)
}

/// Whether a path leads to the key or into its value.
fn within(path: &str, key: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Takes out every key that is not ours, and every value where a table must be.
fn put_unknown_aside(tree: &mut Tree, table: &str, problems: &mut Vec<Problem>) {
    tree.retain(|name, value| {
        let key = if table.is_empty() { name.clone() } else { format!("{table}.{name}") };
        if TABLES.contains(&key.as_str()) {
            return is_table(value, key, problems);
        }
        if key == PROVIDERS {
            return provider_tables(value, problems);
        }
        let known = KEYS.iter().any(|(name, _)| *name == plain(&key));
        if !known {
            problems.push(unknown(key, table, value));
        }
        known
    });
}

fn is_table(value: &mut Value, key: String, problems: &mut Vec<Problem>) -> bool {
    if let ValueKind::Table(inner) = &mut value.kind {
        put_unknown_aside(inner, &key, problems);
        return true;
    }
    let found = "is not a table".to_owned();
    problems.push(Problem { found, write: format!("its keys below a line [{key}]: {}", names(&key)), key });
    false
}

/// Takes out what is no provider's table, and in each table what is no key.
fn provider_tables(value: &mut Value, problems: &mut Vec<Problem>) -> bool {
    const NAME: &str =
        "a name of 1 to 20 lower-case letters, digits and dashes, which begins with a letter and is not franceconnect";
    let ValueKind::Table(providers) = &mut value.kind else {
        let found = "is not a table of tables".to_owned();
        problems.push(Problem { key: PROVIDERS.to_owned(), found, write: format!("[{PROVIDERS}.NAME], with {NAME}") });
        return false;
    };
    providers.retain(|name, value| {
        let key = format!("{PROVIDERS}.{name}");
        if !names_a_provider(name) {
            problems.push(Problem { key, found: "is not the name of a provider".to_owned(), write: NAME.to_owned() });
            return false;
        }
        is_table(value, key, problems)
    });
    true
}

/// It stands in addresses.
fn names_a_provider(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name != FRANCECONNECT
        && (1..=20).contains(&name.len())
        && name.bytes().all(plain)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Says where the key was met, and never its value: it may be a secret under a mistaken name.
fn unknown(key: String, table: &str, value: &Value) -> Problem {
    let write = match table {
        "" => format!("one of {}", names(table)),
        _ => format!("one of {} in [{table}]", names(table)),
    };
    let variable = value.origin() == Some("the environment");
    let key = if variable { format!("{PREFIX}_{}", key.replace('.', "__").to_uppercase()) } else { key };
    Problem { key, found: "is not a key of ours".to_owned(), write }
}

fn take(tree: &mut Tree, key: &str) -> Option<Value> {
    match key.split_once('.') {
        None => tree.remove(key),
        Some((table, rest)) => match &mut tree.get_mut(table)?.kind {
            ValueKind::Table(inner) => take(inner, rest),
            _ => None,
        },
    }
}

/// A refused value, as the end of a sentence. None of the keys whose type can be wrong holds a secret but one.
fn shown(value: &Value) -> String {
    match &value.kind {
        ValueKind::String(text) => format!("is {text:?}"),
        ValueKind::Array(_) => "has a wrong element, or is a list".to_owned(),
        ValueKind::Table(_) => "is a table".to_owned(),
        ValueKind::Nil => "is nothing".to_owned(),
        other => format!("is {other}"),
    }
}

/// A list, which the environment gives as words.
pub(super) fn words<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        Text(String),
        List(Vec<String>),
    }
    let words = match Words::deserialize(from)? {
        Words::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
        Words::List(list) => list,
    };
    words.iter().map(|word| word.parse().map_err(de::Error::custom)).collect()
}
