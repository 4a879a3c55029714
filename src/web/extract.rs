//! What handlers take from a request.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::context::{self, Browser, Current};
use super::problem::Problem;
use crate::domain::mediator::{Mediator, Member};
use crate::domain::officer::Officer;
use crate::domain::refusal::Refusal;
use crate::store::sessions::Session;

/// Longest query that is read, in bytes.
const LONGEST_QUERY: usize = 8_192;

fn found<T>(request: &HttpRequest, take: impl FnOnce(Current) -> Result<T, Refusal>) -> Ready<Result<T, Problem>> {
    let current = context::current(request).ok_or_else(|| Problem::First("/sign-in".to_owned()));
    ready(current.and_then(|current| take(current).map_err(Problem::from)))
}

impl FromRequest for Member {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        found(request, |current| current.member)
    }
}

impl FromRequest for Mediator {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        found(request, |current| current.mediator)
    }
}

impl FromRequest for Officer {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        found(request, |current| Self::new(current.session.account, current.session.id))
    }
}

impl FromRequest for Session {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        found(request, |current| Ok(current.session))
    }
}

impl FromRequest for Browser {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        use actix_web::HttpMessage;
        ready(request.extensions().get::<Self>().cloned().ok_or(Problem::Malformed("browser")))
    }
}

/// The query of an address, read into a type.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = request.query_string();
        if query.len() > LONGEST_QUERY || query.contains("%00") {
            return ready(Err(Problem::Malformed("query")));
        }
        ready(serde_html_form::from_str(query).map(Self).map_err(|_| Problem::Malformed("query")))
    }
}

/// Where a list goes on.
#[derive(Deserialize)]
pub struct After<T> {
    /// The last one of the page before.
    pub after: Option<T>,
}

/// An identifier in a path. Whatever is not one names nothing: not found.
pub struct Id<T>(pub T);

impl<T: FromStr> FromRequest for Id<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().iter().next().map(|(_, value)| value.to_owned());
        ready(text.and_then(|text| text.parse().ok()).map(Self).ok_or(Problem::NotFound))
    }
}

/// The second identifier in a path.
pub struct SecondId<T>(pub T);

impl<T: FromStr> FromRequest for SecondId<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().iter().nth(1).map(|(_, value)| value.to_owned());
        ready(text.and_then(|text| text.parse().ok()).map(Self).ok_or(Problem::NotFound))
    }
}
