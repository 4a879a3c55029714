//! What FranceConnect checks in the answers of an identity provider, each refusal under its own code.

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::identity::Identity;
use super::pages::Halt;
use crate::demo::jws;

/// What an ID token is compared with.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) secret: &'a str,
    pub(super) nonce: &'a str,
    /// Seconds since 1970. There is no tolerance.
    pub(super) now: i64,
}

/// What FranceConnect keeps of a token answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    pub(super) id_token: String,
    pub(super) rep_scope: Vec<String>,
}

/// The answer of `/token`.
pub(super) fn tokens(answer: &Value, expected: &Expected<'_>) -> Result<Tokens, Halt> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let failed = |why: &str| Halt { status: actix_web::http::StatusCode::BAD_GATEWAY, ..refuse("Y020026", why) };
    let access_token = text("access_token").filter(|token| !token.is_empty() && token.is_ascii());
    let access_token = access_token.ok_or_else(|| refuse("Y020030", "access_token"))?;
    let id_token = text("id_token").ok_or_else(|| failed("id_token"))?;
    let claims = jws::verify_hs256(id_token, expected.secret).ok_or_else(|| failed("signature"))?;
    if let Some(why) = fault(&claims, access_token, expected) {
        return Err(failed(why));
    }
    level(&claims)?;
    Ok(Tokens {
        access_token: access_token.to_owned(),
        id_token: id_token.to_owned(),
        rep_scope: texts(&claims, "rep_scope")?,
    })
}

/// The first fault that `openid-client` 5.7 would find in an ID token.
fn fault(claims: &Value, access_token: &str, expected: &Expected<'_>) -> Option<&'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    let audience = match claims.get("aud") {
        Some(Value::String(one)) => one == expected.client_id,
        Some(Value::Array(many)) => {
            many.iter().any(|one| one == expected.client_id) && text("azp") == Some(expected.client_id)
        }
        _ => false,
    };
    let rules = [
        ("iss", text("iss") == Some(expected.issuer)),
        ("aud", audience),
        ("sub", text("sub").is_some_and(|sub| !sub.is_empty() && sub.is_ascii())),
        ("exp", number("exp").is_some_and(|exp| expected.now < exp)),
        ("iat", number("iat").is_some()),
        ("nbf", claims.get("nbf").is_none_or(|nbf| nbf.as_i64().is_some_and(|nbf| nbf <= expected.now))),
        ("nonce", text("nonce") == Some(expected.nonce)),
        ("at_hash", claims.get("at_hash").is_none_or(|hash| *hash == jws::half_hash(access_token).as_str())),
    ];
    rules.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
}

/// The level must be exactly the one asked for: FranceConnect registers Mandataire for `eidas1` only.
fn level(claims: &Value) -> Result<(), Halt> {
    let acr = claims.get("acr").and_then(Value::as_str).unwrap_or_default();
    if acr.is_empty() || !acr.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(refuse("Y020030", "acr"));
    }
    texts(claims, "amr")?;
    match acr {
        "eidas1" => Ok(()),
        "eidas2" | "eidas3" => Err(refuse("Y100018", "acr")),
        _ => Err(refuse("Y100001", "acr")),
    }
}

/// An optional list of texts.
fn texts(claims: &Value, name: &str) -> Result<Vec<String>, Halt> {
    let Some(value) = claims.get(name) else { return Ok(Vec::new()) };
    let list = value.as_array().map(|list| list.iter().map(|one| one.as_str().map(ToOwned::to_owned)).collect());
    list.flatten().ok_or_else(|| refuse("Y020030", name))
}

/// The answer of `/userinfo`.
pub(super) fn identity(answer: &Value) -> Result<Identity, Halt> {
    let Some(claims) = answer.as_object() else { return Err(refuse("Y020029", "userinfo")) };
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("sub").is_empty() || !text("sub").is_ascii() {
        return Err(refuse("Y020029", "sub"));
    }
    let short = |name: &str| (1..=256).contains(&text(name).chars().count());
    let rules = [
        ("given_name", short("given_name")),
        ("family_name", short("family_name")),
        ("birthdate", is_birthdate(text("birthdate"))),
        ("gender", matches!(text("gender"), "female" | "male" | "unspecified")),
        ("birthcountry", is_place(text("birthcountry"))),
        ("birthplace", text("birthcountry") != "99100" || is_place(text("birthplace"))),
        ("email", is_email(text("email"))),
        ("preferred_username", is_optional_text(claims, "preferred_username")),
    ];
    if let Some((name, _)) = rules.into_iter().find(|(_, holds)| !holds) {
        return Err(refuse("Y600006", name));
    }
    Ok(Identity {
        given_name: text("given_name").to_owned(),
        family_name: text("family_name").to_owned(),
        preferred_username: claims.get("preferred_username").and_then(Value::as_str).map(ToOwned::to_owned),
        birthdate: text("birthdate").to_owned(),
        gender: text("gender").to_owned(),
        birthplace: text("birthplace").to_owned(),
        birthcountry: text("birthcountry").to_owned(),
        email: text("email").to_owned(),
    })
}

/// At least one procedure named by the mandate is among those that the service accepts; no list accepts all.
pub(super) fn rep_scope(accepted: &[String], named: &[String]) -> Result<(), Halt> {
    if accepted.is_empty() || named.iter().any(|one| accepted.contains(one)) {
        return Ok(());
    }
    Err(Halt::new("Y600020", "Le mandat ne porte pas sur une démarche de ce service."))
}

fn is_optional_text(claims: &Map<String, Value>, name: &str) -> bool {
    claims.get(name).is_none_or(|value| value.is_string() || value.is_null())
}

fn is_birthdate(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else { return false };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return false;
    }
    match (month, day) {
        ("00", day) => day == "00",
        (month, "00") => ("01"..="12").contains(&month),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
    }
}

fn is_place(text: &str) -> bool {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(text, 5) || ["2A", "2B"].iter().any(|head| text.strip_prefix(head).is_some_and(|tail| digits(tail, 3)))
}

fn is_email(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
    plain
        && text.split_once('@').is_some_and(|(user, domain)| {
            let labels: Vec<&str> = domain.split('.').collect();
            !user.is_empty()
                && labels.len() > 1
                && labels.iter().all(|label| !label.is_empty())
                && !domain.contains('@')
        })
}

fn refuse(code: &'static str, what: &str) -> Halt {
    Halt::new(code, format!("La réponse de Mandataire est refusée ({what})."))
}

#[cfg(test)]
mod tests;
