//! What `docs/oidc.md` promises to services about a mandate: its examples are what we answer, member by member.

use std::collections::BTreeSet;
use std::fs;

use mandataire::domain::client::{AuthMethod, Client, UserinfoFormat};
use mandataire::domain::procedure::Procedure::{Argent, Logement};
use mandataire::domain::term::Term::Month;
use serde_json::Value;

use super::access_token;
use crate::on_each_backend;
use crate::source::root;
use crate::world::service::{answered, claims};

/// Members whose values are random, or instants, wherever they stand.
const OTHERWISE: [&str; 12] = [
    "access_token",
    "id_token",
    "iss",
    "sub",
    "iat",
    "exp",
    "auth_time",
    "at_hash",
    "sid",
    "id",
    "expires_at",
    "mandate",
];

fn document() -> String {
    fs::read_to_string(root().join("docs/oidc.md")).unwrap()
}

/// The first example in JSON below some words.
fn example(words: &str) -> Value {
    let text = document();
    let below = text.split_once(words).unwrap_or_else(|| panic!("{words} is in the document")).1;
    let block = below.split_once("```json\n").expect("an example").1.split_once("```").unwrap().0;
    serde_json::from_str(block).unwrap_or_else(|error| panic!("the example below {words} is no JSON: {error}"))
}

/// What a text looks like: which kind of identifier it is, if it is one, and how long.
fn shape(text: &str) -> (Option<&str>, usize) {
    let kinds = ["acc", "flw", "mdt", "org"];
    let prefix = text.split_once('_').map(|(prefix, _)| prefix).filter(|prefix| kinds.contains(prefix));
    (prefix, text.len())
}

/// The same members, of the same types, with the same values where they are not random.
fn same(example: &Value, answered: &Value, name: &str, at: &str) {
    match (example, answered) {
        (Value::Object(said), Value::Object(real)) => {
            assert_eq!(said.keys().collect::<BTreeSet<_>>(), real.keys().collect::<BTreeSet<_>>(), "{at}");
            for (name, value) in said {
                same(value, &real[name], name, &format!("{at}.{name}"));
            }
        }
        (Value::Array(said), Value::Array(real)) => {
            assert_eq!(said.len(), real.len(), "{at}");
            for (said, real) in said.iter().zip(real) {
                same(said, real, name, at);
            }
        }
        (Value::String(_), Value::String(_)) if matches!(name, "access_token" | "id_token" | "iss") => {}
        (Value::String(said), Value::String(real)) if OTHERWISE.contains(&name) => {
            assert_eq!(shape(said), shape(real), "{at}");
        }
        (Value::Number(said), Value::Number(real)) if OTHERWISE.contains(&name) => {
            assert!(said.as_i64() > Some(1_700_000_000) && real.as_i64() > Some(1_700_000_000), "{at}: in seconds");
        }
        _ => assert_eq!(example, answered, "{at}"),
    }
}

/// The two instants of a token, in both, are as far apart.
fn as_long(example: &Value, answered: &Value) {
    let life = |one: &Value| one["exp"].as_i64().unwrap() - one["iat"].as_i64().unwrap();
    assert_eq!((life(example), life(answered)), (60, 60));
}

on_each_backend! {
    /// A whole use at a service of the example's name, then what it may ask.
    async fn the_examples_of_the_document_are_what_we_answer(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement, Argent], Month).await;
        let id_token = example("## The ID token");
        let id = id_token["aud"].as_str().unwrap().to_owned();
        let address = "https://allocataires.example.fr/callback".to_owned();
        let client = Client {
            auth_method: AuthMethod::Basic,
            userinfo: UserinfoFormat::Json,
            introspects: true,
            ..Client::usual(id.clone(), "Espace des allocataires".to_owned(), vec![address])
        };
        let service = world.registered(client).await;
        let nonce = id_token["nonce"].as_str().unwrap();
        let uses = async |scope: &str| {
            let page = ana.comes_from(&service.request_with(&[("nonce", nonce), ("scope", scope)])).await;
            let back = ana.chooses(&page, &opened.citizen, Logement).await;
            let token = service.exchanges(&answered(&back, "code").unwrap()).await;
            assert_eq!(token.status, 200, "{}", token.body);
            token
        };
        let said = example("## The token endpoint");
        let token = uses(said["scope"].as_str().unwrap()).await;
        same(&said, &token.json(), "", "token");
        assert_eq!(access_token(&token).len(), 43);
        let real = claims(token.json()["id_token"].as_str().unwrap());
        same(&id_token, &real, "", "ID token");
        as_long(&id_token, &real);
        assert_eq!(real["iss"], world.base.as_str());
        let identity = service.asks_identity(&access_token(&token)).await.json();
        let said = example("## Userinfo");
        same(&said, &identity, "", "userinfo");
        assert_eq!((&real["sub"], &id_token["sub"]), (&identity["sub"], &said["sub"]), "the same person, here and there");

        let said = example("**Introspection**");
        let token = uses(said["scope"].as_str().unwrap()).await;
        let told = service.posts_as_itself("/introspection", &[("token", &access_token(&token))]).await.json();
        same(&said, &told, "", "introspection");
        as_long(&said, &told);
        for member in ["iss", "aud", "sub", "auth_time", "acr", "mandate", "rep_scope"] {
            assert_eq!(said[member], id_token[member], "the examples are of one use: {member}");
            assert_eq!(told[member], real[member], "{member}");
        }

        assert_eq!(service.asks_identity(&access_token(&token)).await.status, 200);
        let said = example("about the mandate:");
        let told = service.posts_as_itself("/introspection", &[("token", opened.mandate.as_str())]).await.json();
        same(&said, &told, "", "introspection of the mandate");
        assert_eq!((&told["mandate"]["id"], &told["exp"]), (&real["mandate"]["id"], &real["mandate"]["expires_at"]));
        assert_eq!((&said["mandate"]["id"], &said["exp"]), (&id_token["mandate"]["id"], &id_token["mandate"]["expires_at"]));

        let (said, mandate) = (example("**Standing**"), opened.mandate.as_str());
        let asked = |http: &reqwest::Client, base: &str| {
            http.get(format!("{base}/api/mandates/{mandate}/standing")).basic_auth(&id, Some(&service.secret))
        };
        let standing = service.sends(asked).await.json();
        same(&said, &standing, "", "standing");
        assert_eq!((&standing["mandate"], &standing["expires_at"]), (&real["mandate"]["id"], &real["mandate"]["expires_at"]));
        assert_eq!((&said["mandate"], &said["expires_at"]), (&id_token["mandate"]["id"], &id_token["mandate"]["expires_at"]));
    }
}

/// The table of the profile names every member that says something of the mandate, and says truly where it stands.
#[test]
fn the_profile_names_every_member_about_the_mandate() {
    let text = document();
    let section = text.split_once("\n## The mandate in tokens\n").expect("the section").1;
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect())
        .collect();
    let places = [example("## The ID token"), example("**Introspection**"), example("**Standing**")];
    let find =
        |value: &Value, path: &str| path.split('.').try_fold(value.clone(), |value, name| value.get(name).cloned());
    for row in &rows {
        let [path, id_token, introspection, standing, _] = row[..] else { panic!("{row:?}") };
        let path = path.trim_end_matches('`');
        for (place, said) in places.iter().zip([id_token, introspection, standing]) {
            let stands = find(place, path).is_some();
            assert_eq!(stands, said == "yes", "{path}: {place}");
        }
    }
    let named = |name: &str| rows.iter().any(|row| row[0].trim_end_matches('`').split('.').next() == Some(name));
    for member in ["act", "mandate", "rep_scope", "acr", "auth_time", "valid", "reason", "procedures"] {
        assert!(named(member), "{member} is not in the profile");
    }
}
