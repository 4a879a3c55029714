//! Clients of the provider role.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::json;

use super::{Desk, Failure, client_id, output, secret};
use crate::cli::admin::{Changes, Client as ClientCommand, Registration};
use crate::domain::client::{AuthMethod, Client};
use crate::domain::procedure::Procedure;
use crate::oidc::keys as signing;
use crate::oidc::provider::assertion::registered_keys;
use crate::store::clients;

/// Lines of a list.
const LIST: i64 = 1_000;

pub(super) async fn client(desk: &Desk, command: ClientCommand) -> Result<(), Failure> {
    match command {
        ClientCommand::Register(registration) => register(desk, *registration).await,
        ClientCommand::Change(changes) => change(desk, *changes).await,
        ClientCommand::List(options) => {
            let all = desk.store.read(|db| clients::list(db, LIST)).await?;
            let rows: Vec<_> = all.iter().map(line).collect();
            output::many(options.json, &rows, "no service yet: `mandataire admin client register`");
            Ok(())
        }
        ClientCommand::RotateSecret { client_id, overlap, client_secret_file, output } => {
            let (new, now) = (secret(desk, client_secret_file.as_deref())?, desk.clock.now());
            let given = new.clone();
            let overlap = overlap.map(|hours| now + TimeDelta::hours(hours.into()));
            let rotated = desk.store.write(move |tx| {
                let client = clients::find(tx, &client_id)?.ok_or(crate::store::Error::NotFound)?;
                clients::rotate(tx, client.secret_rotated(now), &given, overlap)
            });
            let client = rotated.await?;
            output::one(output.json, &json!({ "client_id": client.id, "client_secret": new }));
            Ok(())
        }
    }
}

async fn register(desk: &Desk, asked: Registration) -> Result<(), Failure> {
    let (new, now) = (secret(desk, asked.client_secret_file.as_deref())?, desk.clock.now());
    let json = asked.output.json;
    signing::ensure(&desk.store, asked.algorithm, now).await.map_err(|fault| Failure::Said(fault.to_string()))?;
    let client = client_of(asked, desk)?;
    let given = new.clone();
    let made = desk.store.write(move |tx| clients::register(tx, client.register(now), &given, now)).await?;
    // The one time that the secret is shown. Whoever signs has none.
    let secret = (made.auth_method != AuthMethod::PrivateKey).then_some(new);
    output::one(json, &json!({ "client_id": made.id, "client_secret": secret }));
    Ok(())
}

async fn change(desk: &Desk, changes: Changes) -> Result<(), Failure> {
    let (id, now, json) = (changes.client_id.clone(), desk.clock.now(), changes.output.json);
    let keys = changes.keys.as_deref().map(public_keys).transpose()?;
    let done = desk.store.write(move |tx| {
        let (client, named) = changed(clients::locked(tx, &id)?, changes, keys)?;
        Ok::<_, Failure>(clients::change(tx, client.changed(&named, now))?)
    });
    let done = done.await?;
    output::one(json, &json!({ "client_id": done.id, "name": done.name }));
    Ok(())
}

/// The client as it is to be, and what that changes.
fn changed(before: Client, changes: Changes, keys: Option<String>) -> Result<(Client, Vec<&'static str>), Failure> {
    let (mut client, mut named) = (before, Vec::new());
    let mut set = |name, given: bool| {
        if given {
            named.push(name);
        }
        given
    };
    macro_rules! one {
        ($($field:ident)*) => { $(
            if let Some(value) = changes.$field { client.$field = value; set(stringify!($field), true); }
        )* };
    }
    macro_rules! list {
        ($($field:ident)*) => { $(
            if set(stringify!($field), !changes.$field.is_empty()) { client.$field = changes.$field.into_iter().collect(); }
        )* };
    }
    one!(name userinfo pkce vocabulary pushed dpop introspects silent);
    list!(redirect_uris logout_uris acr binds);
    if set("scopes", !changes.scopes.is_empty()) {
        client.scopes = scopes(changes.scopes);
    }
    if set("procedures", !changes.procedures.is_empty() || changes.all_procedures) {
        client.procedures = (!changes.all_procedures).then(|| changes.procedures.into_iter().collect());
    }
    if set("logout_uris", changes.logout_uri_none) {
        client.logout_uris.clear();
    }
    if set("binds", changes.binds_none) {
        client.binds.clear();
    }
    if set("keys", keys.is_some()) {
        client.keys = keys;
    }
    if named.is_empty() {
        return Err(Failure::Said("nothing to change was named".to_owned()));
    }
    client.fits().map_err(|wrong| Failure::Said(wrong.to_owned()))?;
    Ok((client, named))
}

fn client_of(asked: Registration, desk: &Desk) -> Result<Client, Failure> {
    let id = asked.client_id.unwrap_or_else(|| client_id(desk));
    let usual = Client::usual(id, asked.name, asked.redirect_uris);
    let client = Client {
        logout_uris: asked.logout_uris,
        auth_method: asked.auth,
        algorithm: asked.algorithm,
        userinfo: asked.userinfo,
        franceconnect: asked.franceconnect,
        pkce: asked.pkce,
        scopes: if asked.scopes.is_empty() { usual.scopes.clone() } else { scopes(asked.scopes) },
        procedures: (!asked.procedures.is_empty()).then(|| asked.procedures.into_iter().collect()),
        keys: asked.keys.as_deref().map(public_keys).transpose()?,
        pushed: asked.pushed,
        dpop: asked.dpop,
        introspects: asked.introspects,
        silent: asked.silent,
        binds: asked.binds.into_iter().collect(),
        vocabulary: asked.vocabulary,
        acr: asked.acr,
        ..usual
    };
    client.fits().map_err(|wrong| Failure::Said(wrong.to_owned()))?;
    Ok(client)
}

/// A line of the list: who may be answered where, and for what mandates are used there.
fn line(client: &Client) -> serde_json::Value {
    let keys = |some: &BTreeSet<Procedure>| some.iter().map(|one| one.key()).collect::<Vec<_>>().join(" ");
    json!({
        "client_id": client.id,
        "algorithm": client.algorithm.code(),
        "name": client.name,
        "redirect_uris": client.redirect_uris.join(" "),
        "procedures": client.serves().as_ref().map_or_else(|| "all".to_owned(), keys),
        "binds": keys(&client.binds),
        "acr": client.acr.join(" "),
        "vocabulary": client.vocabulary.code(),
    })
}

/// Without `openid` nothing could be answered.
fn scopes(asked: Vec<String>) -> BTreeSet<String> {
    asked.into_iter().chain(["openid".to_owned()]).collect()
}

fn public_keys(path: &Path) -> Result<String, Failure> {
    let wrong = |what: &str| Failure::Said(format!("{} holds {what}: write the service's JWK Set", path.display()));
    let text = std::fs::read_to_string(path).map_err(|_| wrong("nothing that can be read"))?;
    registered_keys(&text).map_err(wrong)?;
    Ok(text)
}
