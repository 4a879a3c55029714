//! `/authorize`: what FranceConnect accepts from a service, and what it refuses without sending anyone back.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;
use url::form_urlencoded;

use super::identity::SCOPES;
use super::memory::{Asked, COOKIE, Interaction, SESSION, Session};
use super::pages::Halt;
use super::{BASE, Bridge, Service, Settings};
use crate::demo::site;

/// Every other parameter is refused, even those of the standard: `code_challenge`, `max_age`, `login_hint`…
const KNOWN: [&str; 11] = [
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "acr_values",
    "claims",
    "prompt",
    "idp_hint",
    "ui_locales",
];

const SHORTEST_NONCE: usize = 22;

pub(super) async fn by_get(bridge: Data<Bridge>, request: HttpRequest) -> Result<HttpResponse, Halt> {
    let query = request.query_string().to_owned();
    answer(&bridge, &request, &query)
}

pub(super) async fn by_post(bridge: Data<Bridge>, request: HttpRequest, form: String) -> Result<HttpResponse, Halt> {
    answer(&bridge, &request, &form)
}

fn answer(bridge: &Bridge, request: &HttpRequest, query: &str) -> Result<HttpResponse, Halt> {
    let asked = match check(&bridge.settings, query)? {
        Verdict::Accepted(asked) => asked,
        Verdict::SentBack { to, state, error, description } => {
            return Ok(site::see_other(&error_return(&to, &bridge.issuer(), &state, error, description)));
        }
    };
    let uid = bridge.settings.random.token();
    let target = format!("{BASE}/interaction/{uid}");
    let interaction = Some(Interaction { uid, asked, message: None });
    let now = bridge.now();
    let mut memory = bridge.memory();
    if let Ok(session) = memory.session(request, now) {
        // Whoever is signed in stays so, whatever `prompt` says; but for a session that came with unknown words.
        session.person.take_if(|person| !person.is_reusable());
        session.interaction = interaction;
        return Ok(site::see_other(&target));
    }
    let id = bridge.settings.random.token();
    memory.sessions.put(&id, Session { interaction, ..Session::default() }, now, SESSION);
    let mut response = site::see_other(&target);
    let cookie = site::session_cookie(COOKIE, id, &bridge.settings.origin);
    response.add_cookie(&cookie).map_err(|_| Halt::broken())?;
    Ok(response)
}

/// The address of a service's return with an error.
pub(super) fn error_return(to: &str, issuer: &str, state: &str, error: &str, description: &str) -> String {
    site::with_query(to, &[("error", error), ("error_description", description), ("state", state), ("iss", issuer)])
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted(Asked),
    /// The service learns why.
    SentBack {
        to: String,
        state: String,
        error: &'static str,
        description: &'static str,
    },
}

/// The parameters, each known and there once at most.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Result<Self, Halt> {
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            if !KNOWN.contains(&name.as_str()) || read.iter().any(|(other, _)| *other == name) {
                return Err(malformed(&format!("le paramètre « {name} » n'est pas accepté")));
            }
            read.push((name, value));
        }
        Ok(Self(read))
    }

    fn optional(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<String, Halt> {
        let value = self.optional(name).filter(|value| !value.is_empty());
        value.map(ToOwned::to_owned).ok_or_else(|| malformed(&format!("le paramètre « {name} » manque")))
    }
}

fn malformed(why: &str) -> Halt {
    Halt::new("Y030007", format!("La demande du service est incorrecte : {why}."))
}

fn check(settings: &Settings, query: &str) -> Result<Verdict, Halt> {
    let parameters = Parameters::read(query)?;
    let response_type = parameters.required("response_type")?;
    let acr_values = parameters.required("acr_values")?;
    let (asked, hint) = (well_formed(&parameters)?, parameters.optional("idp_hint"));
    let service = registered(settings, &asked)?;
    let refused = if response_type != "code" {
        Some(("unsupported_response_type", "unsupported response_type requested"))
    } else if !asked.scopes.iter().any(|scope| scope == "openid") {
        Some(("invalid_request", "openid scope must be requested"))
    } else if asked.scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        Some(("invalid_scope", "requested scope is not allowed"))
    } else if lowest_acr(&acr_values) != "eidas1" {
        Some(("invalid_acr", "acr_value is not valid"))
    } else if hint.is_some() {
        Some(("invalid_idp_hint", "An idp_hint was provided but is not allowed"))
    } else {
        None
    };
    Ok(match refused {
        None => Verdict::Accepted(asked),
        Some((error, description)) => {
            Verdict::SentBack { to: service.redirect_uri.clone(), state: asked.state, error, description }
        }
    })
}

fn well_formed(parameters: &Parameters) -> Result<Asked, Halt> {
    let nonce = parameters.required("nonce")?;
    if nonce.chars().count() < SHORTEST_NONCE {
        return Err(malformed("le paramètre « nonce » a moins de 22 caractères"));
    }
    if parameters
        .optional("prompt")
        .is_some_and(|prompt| !prompt.split(' ').all(|word| matches!(word, "login" | "consent")))
    {
        return Err(malformed("le paramètre « prompt » n'accepte que « login » et « consent »"));
    }
    if let Some(claims) = parameters.optional("claims") {
        let claims: Value =
            serde_json::from_str(claims).map_err(|_| malformed("le paramètre « claims » n'est pas du JSON"))?;
        if claims.pointer("/id_token/amr").is_some() {
            return Err(Halt::new("Y100009", "Ce service n'a pas le droit de demander « amr »."));
        }
    }
    Ok(Asked {
        client: parameters.required("client_id")?,
        redirect_uri: parameters.required("redirect_uri")?,
        scopes: parameters.required("scope")?.split(' ').map(ToOwned::to_owned).collect(),
        state: parameters.required("state")?,
        nonce,
    })
}

fn registered<'a>(settings: &'a Settings, asked: &Asked) -> Result<&'a Service, Halt> {
    let unknown = || Halt::new("Y04EA6EF", "Ce service n'est pas connu.");
    let service = settings.service(&asked.client).ok_or_else(unknown)?;
    if service.redirect_uri == asked.redirect_uri {
        Ok(service)
    } else {
        Err(Halt::new("Y04C013C", "L'adresse de retour n'est pas celle que le service a déclarée."))
    }
}

/// The lowest known level asked for; unknown ones alone stand for the lowest of all.
fn lowest_acr(values: &str) -> &str {
    ["eidas1", "eidas2", "eidas3"]
        .into_iter()
        .find(|level| values.split(' ').any(|value| value == *level))
        .unwrap_or("eidas1")
}

#[cfg(test)]
mod tests {
    use super::super::tests::settings;
    use super::*;

    fn query(changed: &[(&str, &str)]) -> String {
        let mut parameters = vec![
            ("client_id", "counter"),
            ("response_type", "code"),
            ("redirect_uri", "http://127.0.0.1:1/franceconnect/callback"),
            ("scope", "openid identite_pivot"),
            ("state", "s"),
            ("nonce", "0123456789012345678901"),
            ("acr_values", "eidas1"),
            ("prompt", "login"),
        ];
        for (name, value) in changed {
            parameters.retain(|(other, _)| other != name);
            if !value.is_empty() {
                parameters.push((name, value));
            }
        }
        form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
    }

    fn code(query: &str) -> &'static str {
        match check(&settings(), query) {
            Err(halt) => halt.code,
            Ok(Verdict::SentBack { error, .. }) => error,
            Ok(Verdict::Accepted(_)) => "",
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_refused_on_a_page() {
        assert_eq!(code(&query(&[])), "");
        for unknown in ["code_challenge", "code_challenge_method", "max_age", "login_hint", "display", "request", "foo"]
        {
            assert_eq!(code(&query(&[(unknown, "x")])), "Y030007", "{unknown}");
        }
        assert_eq!(code(&format!("{}&state=again", query(&[]))), "Y030007");
    }

    #[test]
    fn what_is_missing_or_malformed_is_refused_on_a_page() {
        for missing in ["client_id", "response_type", "redirect_uri", "scope", "state", "nonce", "acr_values"] {
            assert_eq!(code(&query(&[(missing, "")])), "Y030007", "{missing}");
        }
        for (name, value) in
            [("nonce", "123456789012345678901"), ("prompt", "none"), ("prompt", "login none"), ("claims", "{")]
        {
            assert_eq!(code(&query(&[(name, value)])), "Y030007", "{name}={value}");
        }
        assert_eq!(code(&format!("{}&prompt=", query(&[("prompt", "")]))), "Y030007");
        assert_eq!(code(&query(&[("claims", r#"{"id_token":{"amr":{"essential":true}}}"#)])), "Y100009");
        assert_eq!(code(&query(&[("client_id", "nobody")])), "Y04EA6EF");
        assert_eq!(code(&query(&[("redirect_uri", "http://127.0.0.1:1/franceconnect/callback/")])), "Y04C013C");
    }

    #[test]
    fn the_service_learns_of_its_other_mistakes() {
        assert_eq!(code(&query(&[("response_type", "code id_token")])), "unsupported_response_type");
        assert_eq!(code(&query(&[("scope", "profile")])), "invalid_request");
        assert_eq!(code(&query(&[("scope", "openid phone")])), "invalid_scope");
        assert_eq!(code(&query(&[("acr_values", "eidas2")])), "invalid_acr");
        assert_eq!(code(&query(&[("idp_hint", "x")])), "invalid_idp_hint");
    }

    #[test]
    fn the_lowest_known_level_counts() {
        assert_eq!(code(&query(&[("acr_values", "eidas3 eidas1")])), "");
        assert_eq!(code(&query(&[("acr_values", "unknown")])), "");
    }
}
