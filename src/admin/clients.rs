//! Clients of the provider role, and its keys.

use serde_json::json;

use super::{Desk, Failure, client_id, output, secret};
use crate::cli::admin::{Client as ClientCommand, Key, Registration};
use crate::domain::client::{Client, SigningAlgorithm};
use crate::oidc::keys as signing;
use crate::store::{clients, keys};

/// Lines of a list.
const LIST: i64 = 1_000;

fn broken(fault: &signing::Fault) -> Failure {
    Failure::Said(fault.to_string())
}

pub(super) async fn client(desk: &Desk, command: ClientCommand) -> Result<(), Failure> {
    match command {
        ClientCommand::Register(registration) => register(desk, registration).await,
        ClientCommand::List(options) => {
            let all = desk.store.read(|db| clients::list(db, LIST)).await?;
            let rows: Vec<_> = all
                .iter()
                .map(|one| json!({ "client_id": one.id, "algorithm": one.algorithm.code(), "name": one.name, "redirect_uris": one.redirect_uris.join(" ") }))
                .collect();
            output::many(options.json, &rows, "no service yet: `mandataire admin client register`");
            Ok(())
        }
        ClientCommand::RotateSecret { client_id, client_secret_file, output } => {
            let (new, now) = (secret(desk, client_secret_file.as_deref())?, desk.clock.now());
            let given = new.clone();
            let rotated = desk.store.write(move |tx| {
                let client = clients::find(tx, &client_id)?.ok_or(crate::store::Error::NotFound)?;
                clients::rotate(tx, client.secret_rotated(now), &given)
            });
            let client = rotated.await?;
            output::one(output.json, &json!({ "client_id": client.id, "client_secret": new }));
            Ok(())
        }
    }
}

async fn register(desk: &Desk, asked: Registration) -> Result<(), Failure> {
    let (new, now) = (secret(desk, asked.client_secret_file.as_deref())?, desk.clock.now());
    signing::ensure(&desk.store, asked.algorithm, now).await.map_err(|fault| broken(&fault))?;
    let client = Client {
        id: asked.client_id.unwrap_or_else(|| client_id(desk)),
        name: asked.name,
        redirect_uris: asked.redirect_uris,
        logout_uris: asked.logout_uris,
        auth_method: asked.auth,
        algorithm: asked.algorithm,
        userinfo: asked.userinfo,
        franceconnect: asked.franceconnect,
    };
    let given = new.clone();
    let made = desk.store.write(move |tx| clients::register(tx, client.register(now), &given, now)).await?;
    // The one time that the secret is shown.
    output::one(asked.output.json, &json!({ "client_id": made.id, "client_secret": new }));
    Ok(())
}

pub(super) async fn key(desk: &Desk, command: Key) -> Result<(), Failure> {
    let options = match command {
        Key::Show(options) => options,
        Key::Rotate(options) => {
            rotate(desk).await?;
            options
        }
    };
    let all = desk.store.read(keys::all).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|one| json!({ "kid": one.kid, "algorithm": one.algorithm.code(), "signs": one.active, "created_at": one.created_at.to_rfc3339(), "jwk": one.public }))
        .collect();
    output::many(options.json, &rows, "no key yet: the first start of `mandataire serve` makes one");
    Ok(())
}

/// A new key for every algorithm that has one; ES256 always has.
async fn rotate(desk: &Desk) -> Result<(), Failure> {
    let now = desk.clock.now();
    let all = desk.store.read(keys::all).await?;
    for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::Rs256] {
        let used = all.iter().any(|key| key.active && key.algorithm == algorithm);
        if used || algorithm == SigningAlgorithm::Es256 {
            let key = signing::generate(algorithm, now).map_err(|fault| broken(&fault))?;
            desk.store.write(move |tx| keys::rotate(tx, &key, now)).await?;
        }
    }
    Ok(())
}
