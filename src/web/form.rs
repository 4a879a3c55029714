//! Forms: read once, with their limits, and only from our own pages.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::context::{self, Browser};
use super::problem::Problem;
use crate::credential;

/// Longest form that is read, in bytes.
pub const LONGEST: usize = 65_536;
/// Most fields that are read.
const MOST_FIELDS: usize = 128;

/// Nothing: the form has only its token.
#[derive(Deserialize)]
pub struct Nothing {}

/// A form of ours, its token checked.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let body = readable(&request, body.await.map_err(|_| Problem::Malformed("body"))?)?;
            if !token_fits(&request, &body) {
                return Err(Problem::Forged);
            }
            serde_html_form::from_bytes(&body).map(Self).map_err(|_| Problem::Malformed("form"))
        })
    }
}

/// Whether a request carries a form, by what it says of its body.
#[must_use]
pub fn is_form(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

fn readable(request: &HttpRequest, body: Bytes) -> Result<Bytes, Problem> {
    if !is_form(request) || body.len() > LONGEST {
        return Err(Problem::Malformed("form"));
    }
    let fields = url::form_urlencoded::parse(&body);
    // PostgreSQL refuses NUL in a text, and nobody types one.
    let mut count = 0;
    for (name, value) in fields {
        count += 1;
        if name.contains('\0') || value.contains('\0') {
            return Err(Problem::Malformed("form"));
        }
    }
    if count > MOST_FIELDS { Err(Problem::Malformed("form")) } else { Ok(body) }
}

/// The hidden field holds the token of the session, or of the browser before anybody is signed in.
fn token_fits(request: &HttpRequest, body: &[u8]) -> bool {
    let mut given = url::form_urlencoded::parse(body).filter(|(name, _)| name == "csrf").map(|(_, value)| value);
    let (Some(given), None) = (given.next(), given.next()) else { return false };
    let expected = match context::current(request) {
        Some(current) => Some(current.session.csrf),
        None => request.extensions().get::<Browser>().map(Browser::csrf),
    };
    expected.is_some_and(|expected| credential::same(expected.as_bytes(), given.as_bytes()))
}
