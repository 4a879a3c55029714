//! Outgoing HTTP to one provider: TLS by rustls, no redirects, a time limit, a size limit, and no address but the provider's own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use openidconnect::http::{HeaderValue, Method};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::{Host, Origin, Url};

/// How long a request may last, from the connection to the last byte of the answer.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest answer that is read, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// Why a request got no answer that can be used. Each message completes "the provider …".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The time limit passed.
    #[error("did not answer in time")]
    Timeout,
    /// No connection, a refused certificate, or a connection that broke.
    #[error("could not be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It said itself that it failed (500 to 599).
    #[error("failed with status {0}")]
    Failing(u16),
    /// It answered with a redirect: none is followed, so that an answer cannot choose where secrets go.
    #[error("answered with a redirect")]
    Redirected,
    /// The answer is longer than [`BODY_LIMIT`].
    #[error("sent an answer that is too long")]
    TooLarge,
    /// The answer is compressed, which was not asked for.
    #[error("sent a compressed answer")]
    Encoded,
    /// The request is for another address than the provider's. It was not sent.
    #[error("named an address that is not its own")]
    Foreign,
    /// The client could not be prepared: usually the system has no certificate authorities.
    #[error("cannot be called from this machine")]
    Setup(#[source] reqwest::Error),
}

/// A client that talks to one origin (scheme, host and port) and to no other.
#[derive(Debug, Clone)]
pub struct Client {
    inner: reqwest::Client,
    origin: Origin,
}

impl Client {
    /// A client for the origin of `provider`.
    ///
    /// # Errors
    /// [`Error::Setup`] if TLS cannot be prepared.
    pub fn new(provider: &Url) -> Result<Self, Error> {
        Self::with_timeout(provider, TIMEOUT)
    }

    /// The same with another time limit.
    ///
    /// # Errors
    /// [`Error::Setup`] if TLS cannot be prepared.
    pub fn with_timeout(provider: &Url, timeout: Duration) -> Result<Self, Error> {
        let mut builder = reqwest::Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("mandataire/", env!("CARGO_PKG_VERSION")));
        if provider.scheme() == "http" {
            // Development only. Without TLS there is no need for the system's authorities, which may not be installed.
            builder = builder.tls_certs_only([]);
        }
        if is_loopback(provider) {
            // A proxy of the organisation, taken from the environment, cannot reach this machine's own loopback.
            builder = builder.no_proxy();
        }
        let inner = builder.build().map_err(Error::Setup)?;
        Ok(Self { inner, origin: provider.origin() })
    }

    /// Whether an address is at the origin that this client talks to.
    #[must_use]
    pub fn reaches(&self, address: &Url) -> bool {
        address.origin() == self.origin
    }

    /// Posts bytes to an address of this origin, and reads the whole answer as [`Self::send`] does.
    ///
    /// # Errors
    /// [`Error`], without the address.
    pub async fn post(&self, address: &Url, kind: &'static str, body: Vec<u8>) -> Result<HttpResponse, Error> {
        let mut request = HttpRequest::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = address.as_str().parse().map_err(|_| Error::Foreign)?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        self.send(request).await
    }

    /// Sends a request and reads the whole answer, whatever its status below 500, redirects apart.
    ///
    /// # Errors
    /// [`Error`], without the address: an address may hold a secret.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let request = reqwest::Request::try_from(request).map_err(broken)?;
        if !self.reaches(request.url()) {
            return Err(Error::Foreign);
        }
        let answer = self.inner.execute(request).await.map_err(broken)?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(Error::Redirected);
        }
        if status.is_server_error() {
            return Err(Error::Failing(status.as_u16()));
        }
        if answer.headers().contains_key(CONTENT_ENCODING) {
            return Err(Error::Encoded);
        }
        read(answer).await
    }
}

/// Counts while it reads: a length announced by the other side proves nothing.
async fn read(mut answer: reqwest::Response) -> Result<HttpResponse, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if body.len().saturating_add(chunk.len()) > BODY_LIMIT {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = HttpResponse::new(body);
    *whole.status_mut() = answer.status();
    *whole.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(whole)
}

fn broken(error: reqwest::Error) -> Error {
    if error.is_timeout() { Error::Timeout } else { Error::Unreachable(error.without_url()) }
}

fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

impl<'c> AsyncHttpClient<'c> for Client {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_a_proxy() {
        for (address, here) in [
            ("http://localhost:1", true),
            ("http://127.0.0.1", true),
            ("http://[::1]", true),
            ("https://fc.example", false),
            ("https://192.0.2.1", false),
            ("https://[2001:db8::1]", false),
            ("data:x", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(address).unwrap()), here, "{address}");
        }
    }
}
