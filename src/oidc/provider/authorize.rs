//! The authorisation request (OpenID Connect Core 3.1.2.1): an ordered list of checks. Until the client and its redirect URI are known,
//! a refusal is a page; afterwards it is a redirect with `error`, `state` and `iss`.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use super::hint::Hint;
use super::params::Params;
use super::prompt;
use crate::domain::Instant;
use crate::domain::client::{Client, Pkce, SCOPES, Vocabulary};
use crate::domain::flow::Flow;
use crate::domain::id::{CitizenId, FlowId};
use crate::domain::procedure::Procedure;

/// Longest `state` and `nonce` that are echoed, in bytes.
const LONGEST_ECHO: usize = 1_024;
/// Shortest `state` and `nonce` of FranceConnect, in bytes: it sends 64, and a guessable one protects nothing.
const SHORTEST_ECHO: usize = 22;
/// Longest list of scopes, in bytes.
const LONGEST_SCOPE: usize = 2_048;
/// Longest claims request, in bytes.
const LONGEST_CLAIMS: usize = 8_192;

/// An authorisation request that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Nobody to answer to: a page for the person, with this word for the log.
    Page(&'static str),
    /// An answer to the client.
    Redirect {
        /// Its redirect URI.
        redirect_uri: String,
        /// The `error` code.
        error: &'static str,
        /// Echoed, if it can be.
        state: Option<String>,
    },
}

/// What else the checks look at.
pub struct Around<'a> {
    /// SHA-256 of the browser's secret.
    pub browser: [u8; 32],
    /// Whether somebody is signed in; asked only where no page is wanted.
    pub signed_in: bool,
    /// The identifier of the flow to be.
    pub id: FlowId,
    /// Now.
    pub now: Instant,
    /// What the request shows of somebody it knows.
    pub hint: &'a Hint,
    /// Whether the request was sent ahead by the client itself (RFC 9126).
    pub pushed: bool,
}

/// The client's identifier, to look it up.
///
/// # Errors
/// Missing or sent twice: a page.
pub fn client_id(params: &Params) -> Result<&str, Rejection> {
    params.one("client_id").ok().flatten().ok_or(Rejection::Page("client_id"))
}

/// Checks a request of a known client, in order.
///
/// # Errors
/// The first check that fails.
pub fn check(params: &Params, client: &Client, around: Around<'_>) -> Result<Flow, Rejection> {
    let redirect_uri = check_redirect_uri(params, client)?;
    let state = params.one("state").ok().flatten().filter(|state| state.len() <= LONGEST_ECHO);
    let refuse = |error: &'static str| Rejection::Redirect {
        redirect_uri: redirect_uri.to_owned(),
        error,
        state: state.map(str::to_owned),
    };
    check_duplicates(params).map_err(refuse)?;
    check_pushed(client, &around).map_err(refuse)?;
    check_response(params).map_err(refuse)?;
    check_unsupported(params).map_err(refuse)?;
    let state = check_echo(params, "state", client.franceconnect).map_err(refuse)?;
    let nonce = check_echo(params, "nonce", client.franceconnect).map_err(refuse)?;
    let scope = check_scope(params, client).map_err(refuse)?;
    let challenge = check_pkce(params, client).map_err(refuse)?;
    let dpop_key = check_dpop_key(params).map_err(refuse)?;
    let (asked, acr) = check_claims(params, client).map_err(refuse)?;
    let procedures = check_procedures(asked, client).map_err(refuse)?;
    let code_since = prompt::check_authentication(params, client, &around).map_err(refuse)?;
    let citizen = check_hint(around.hint).map_err(refuse)?;
    Ok(Flow {
        id: around.id,
        client: client.id.clone(),
        browser: around.browser,
        redirect_uri: redirect_uri.to_owned(),
        state,
        nonce,
        scope,
        procedures,
        citizen,
        code_since,
        challenge,
        dpop_key,
        acr,
        account: None,
        session: None,
        created_at: around.now,
        used: false,
    })
}

/// RFC 9700 4.1.3: compared byte for byte with what is registered.
fn check_redirect_uri<'p>(params: &'p Params, client: &Client) -> Result<&'p str, Rejection> {
    let given = params.one("redirect_uri").ok().flatten().ok_or(Rejection::Page("redirect_uri"))?;
    if client.redirect_uris.iter().any(|known| known == given) {
        Ok(given)
    } else {
        Err(Rejection::Page("redirect_uri"))
    }
}

fn check_duplicates(params: &Params) -> Result<(), &'static str> {
    if params.any_duplicated() { Err("invalid_request") } else { Ok(()) }
}

/// RFC 9126 5: a client that registered so is not answered otherwise.
fn check_pushed(client: &Client, around: &Around<'_>) -> Result<(), &'static str> {
    if client.pushed && !around.pushed { Err("invalid_request") } else { Ok(()) }
}

pub(super) fn one<'p>(params: &'p Params, name: &str) -> Result<Option<&'p str>, &'static str> {
    params.one(name).map_err(|_| "invalid_request")
}

fn check_response(params: &Params) -> Result<(), &'static str> {
    match one(params, "response_type")? {
        Some("code") => {}
        Some(_) => return Err("unsupported_response_type"),
        None => return Err("invalid_request"),
    }
    match one(params, "response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err("invalid_request"),
    }
}

/// OpenID Connect Core 3.1.2.6: each has its own code. Nothing is ever fetched.
fn check_unsupported(params: &Params) -> Result<(), &'static str> {
    if one(params, "request")?.is_some() {
        return Err("request_not_supported");
    }
    if one(params, "request_uri")?.is_some() {
        return Err("request_uri_not_supported");
    }
    if one(params, "registration")?.is_some() {
        return Err("registration_not_supported");
    }
    Ok(())
}

fn check_echo(params: &Params, name: &str, required: bool) -> Result<Option<String>, &'static str> {
    match one(params, name)? {
        Some(value) if value.len() > LONGEST_ECHO => Err("invalid_request"),
        Some(value) if required && value.len() < SHORTEST_ECHO => Err("invalid_request"),
        None if required => Err("invalid_request"),
        value => Ok(value.map(str::to_owned)),
    }
}

/// Scopes that are unknown, or not registered for the client, are ignored, never granted.
fn check_scope(params: &Params, client: &Client) -> Result<String, &'static str> {
    let asked = one(params, "scope")?.filter(|scope| scope.len() <= LONGEST_SCOPE).ok_or("invalid_scope")?;
    let asked: BTreeSet<&str> = asked.split(' ').collect();
    if !asked.contains("openid") {
        return Err("invalid_scope");
    }
    let granted = |scope: &&str| asked.contains(scope) && client.scopes.contains(*scope);
    Ok(SCOPES.into_iter().filter(granted).collect::<Vec<_>>().join(" "))
}

/// SHA-256 in base64url.
fn is_digest(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// RFC 7636, S256 only.
fn check_pkce(params: &Params, client: &Client) -> Result<Option<String>, &'static str> {
    match (one(params, "code_challenge")?, one(params, "code_challenge_method")?) {
        (None, None) if client.pkce != Pkce::Required => Ok(None),
        (Some(challenge), Some("S256")) if is_digest(challenge) && client.pkce != Pkce::Off => {
            Ok(Some(challenge.to_owned()))
        }
        _ => Err("invalid_request"),
    }
}

/// RFC 9449 10: the code can be bound to a key before it exists.
fn check_dpop_key(params: &Params) -> Result<Option<String>, &'static str> {
    match one(params, "dpop_jkt")? {
        Some(key) if !is_digest(key) => Err("invalid_request"),
        key => Ok(key.map(str::to_owned)),
    }
}

/// The procedures of the request among those of the client. A service that accepts only what no mandate can be used for here is told so
/// before anybody chooses.
fn check_procedures(asked: Asked, client: &Client) -> Result<Asked, &'static str> {
    let accepted = client.accepts(asked);
    if accepted.as_ref().is_some_and(BTreeSet::is_empty) { Err("access_denied") } else { Ok(accepted) }
}

/// The procedures of a request; all of them if none.
type Asked = Option<BTreeSet<Procedure>>;

/// The `claims` parameter (OpenID Connect Core 5.5): the procedures that the service accepts; with it and `acr_values`, the word for the
/// level.
fn check_claims(params: &Params, client: &Client) -> Result<(Asked, String), &'static str> {
    let usual = chosen_level(client, one(params, "acr_values")?.unwrap_or_default().split(' '));
    let usual = || usual.or(client.acr.first()).cloned().unwrap_or_default();
    let Some(text) = one(params, "claims")? else { return Ok((None, usual())) };
    if text.len() > LONGEST_CLAIMS {
        return Err("invalid_request");
    }
    let claims: Value = serde_json::from_str(text).map_err(|_| "invalid_request")?;
    let id_token = match claims.as_object().ok_or("invalid_request")?.get("id_token") {
        None | Some(Value::Null) => return Ok((None, usual())),
        Some(members) => members.as_object().ok_or("invalid_request")?,
    };
    let acr = id_token.get("acr").map(|acr| asked_level(acr, client)).transpose()?.flatten();
    let asked = match id_token.get("rep_scope") {
        None | Some(Value::Null) => None,
        Some(rep_scope) => accepted_procedures(rep_scope, client.vocabulary)?,
    };
    Ok((asked, acr.unwrap_or_else(usual)))
}

/// The first of some words that the client registered for.
fn chosen_level<'c, 'w>(client: &'c Client, mut wanted: impl Iterator<Item = &'w str>) -> Option<&'c String> {
    wanted.find_map(|word| client.acr.iter().find(|known| *known == word))
}

/// OpenID Connect Core 5.5.1.1: a level that must be met and is none of ours is an error; one that would be liked is not.
fn asked_level(acr: &Value, client: &Client) -> Result<Option<String>, &'static str> {
    let essential = acr.get("essential").and_then(Value::as_bool).unwrap_or(false);
    let wanted = acr.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
    let single = acr.get("value").cloned();
    let mut wanted = wanted.iter().chain(single.as_ref()).peekable();
    let named = wanted.peek().is_some();
    match chosen_level(client, wanted.filter_map(Value::as_str)) {
        None if essential && named => Err("unmet_authentication_requirements"),
        level => Ok(level.cloned()),
    }
}

/// FranceConnect sends the labels that the service accepts; an empty list, or none at all, accepts every procedure.
fn accepted_procedures(rep_scope: &Value, vocabulary: Vocabulary) -> Result<Asked, &'static str> {
    let values = match rep_scope.as_object().ok_or("invalid_request")?.get("values") {
        None | Some(Value::Null) => return Ok(None),
        Some(values) => values.as_array().ok_or("invalid_request")?,
    };
    if values.is_empty() {
        return Ok(None);
    }
    let labels = values.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or("invalid_request")?;
    Ok(Some(labels.into_iter().filter_map(|label| vocabulary.procedure(label)).collect()))
}

/// OpenID Connect Core 3.1.2.2: nobody is answered for but whom the hint is about.
fn check_hint(hint: &Hint) -> Result<Option<CitizenId>, &'static str> {
    match hint {
        Hint::Absent => Ok(None),
        Hint::NotOurs => Err("invalid_request"),
        Hint::Forgotten => Err("login_required"),
        Hint::About { citizen, .. } => Ok(Some(citizen.clone())),
    }
}

/// The address of an answer: what the redirect URI holds already stays, and `iss` says who answers (RFC 9207).
#[must_use]
pub fn answer(redirect_uri: &str, issuer: &str, state: Option<&str>, fields: &[(&str, &str)]) -> Option<Url> {
    let mut url = Url::parse(redirect_uri).ok()?;
    url.query_pairs_mut()
        .extend_pairs(fields)
        .extend_pairs(state.map(|state| ("state", state)))
        .append_pair("iss", issuer);
    Some(url)
}
