//! How the mediator must have authenticated, and whether a page may be shown (`prompt` and `max_age`, OpenID Connect Core 3.1.2.1).

use chrono::TimeDelta;

use super::authorize::{Around, one};
use super::params::Params;
use crate::domain::Instant;
use crate::domain::client::Client;
use crate::domain::flow::FRANCECONNECT_REAUTHENTICATION;
use crate::domain::repeat::SILENCE;

/// `prompt` and `max_age`: the oldest code that counts. FranceConnect sends `prompt=login` every time; for it, a code not older than
/// 15 minutes is a fresh authentication, by agreement.
pub(super) fn check_authentication(
    params: &Params,
    client: &Client,
    around: &Around<'_>,
) -> Result<Option<Instant>, &'static str> {
    let prompts = prompts(params)?;
    if prompts.iter().any(|one| !matches!(*one, "none" | "login" | "consent" | "select_account")) {
        return Err("invalid_request");
    }
    let login = match prompts.as_slice() {
        // Whether a choice can be repeated is found out where choices are known.
        ["none"] if client.silent && around.signed_in => Some(around.now - SILENCE),
        ["none"] if !around.signed_in => return Err("login_required"),
        // A mediator chooses for whom, so nothing is answered without a page.
        ["none"] => return Err("interaction_required"),
        all if all.contains(&"none") => return Err("invalid_request"),
        all if all.contains(&"login") && client.franceconnect => Some(around.now - FRANCECONNECT_REAUTHENTICATION),
        all if all.contains(&"login") => Some(around.now),
        _ => None,
    };
    let max_age = match one(params, "max_age")? {
        None => None,
        Some(seconds) => {
            let seconds: u32 = seconds.parse().map_err(|_| "invalid_request")?;
            Some(around.now - TimeDelta::seconds(seconds.into()))
        }
    };
    Ok(login.max(max_age))
}

fn prompts(params: &Params) -> Result<Vec<&str>, &'static str> {
    Ok(one(params, "prompt")?.unwrap_or_default().split(' ').filter(|one| !one.is_empty()).collect())
}

/// Whether a request wants no page at all.
#[must_use]
pub fn is_silent(params: &Params) -> bool {
    prompts(params).is_ok_and(|prompts| prompts == ["none"])
}
