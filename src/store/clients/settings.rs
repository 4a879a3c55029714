//! What a client registered for, as its row has it.

use diesel::prelude::*;

use crate::domain::client::Client;
use crate::store::organisations::procedures_text;
use crate::store::schema::clients;

/// The settings of a client, as they are written.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(AsChangeset, Insertable)]
#[diesel(table_name = clients, treat_none_as_null = true)]
pub(super) struct Settings {
    name: String,
    redirect_uris: String,
    logout_uris: String,
    auth_method: &'static str,
    algorithm: &'static str,
    userinfo: &'static str,
    franceconnect: bool,
    pkce: &'static str,
    scopes: String,
    procedures: Option<String>,
    keys: Option<String>,
    pushed: bool,
    dpop: bool,
    introspects: bool,
    silent: bool,
    acr: String,
    vocabulary: &'static str,
    binds: Option<String>,
}

pub(super) fn of(client: &Client) -> Settings {
    Settings {
        name: client.name.clone(),
        redirect_uris: client.redirect_uris.join("\n"),
        logout_uris: client.logout_uris.join("\n"),
        auth_method: client.auth_method.code(),
        algorithm: client.algorithm.code(),
        userinfo: client.userinfo.code(),
        franceconnect: client.franceconnect,
        pkce: client.pkce.code(),
        scopes: client.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" "),
        procedures: client.procedures.as_ref().map(procedures_text),
        keys: client.keys.clone(),
        pushed: client.pushed,
        dpop: client.dpop,
        introspects: client.introspects,
        silent: client.silent,
        acr: client.acr.join(" "),
        vocabulary: client.vocabulary.code(),
        binds: (!client.binds.is_empty()).then(|| procedures_text(&client.binds)),
    }
}
