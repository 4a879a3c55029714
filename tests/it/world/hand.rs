//! Requests written by hand: what no browser would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use mandataire::demo::browser::Browser;
use reqwest::header::{CONTENT_TYPE, COOKIE};
use reqwest::{Client, RequestBuilder};

use super::World;
use super::service::{Answer, answer};

const COOKIES: [&str; 2] = ["mandataire-session", "mandataire-browser"];

impl World {
    fn by_hand() -> Client {
        let client = Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none());
        client.build().unwrap()
    }

    fn with_cookies(&self, request: RequestBuilder, browser: &Browser) -> RequestBuilder {
        let here = self.base.parse().unwrap();
        let pairs: Vec<_> = COOKIES
            .iter()
            .filter_map(|name| browser.cookie(&here, name).map(|value| format!("{name}={value}")))
            .collect();
        if pairs.is_empty() { request } else { request.header(COOKIE, pairs.join("; ")) }
    }

    /// A form sent by hand with the cookies of a browser: exactly these fields and these headers.
    pub(crate) async fn posts(
        &self,
        browser: &Browser,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Self::by_hand().post(self.at(path)).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request.body(body), |request, (name, value)| request.header(*name, *value));
        answer(self.with_cookies(request, browser)).await
    }

    /// Any method by hand, with the cookies of a browser.
    pub(crate) async fn asks(&self, browser: &Browser, method: &str, path: &str) -> Answer {
        let request = Self::by_hand().request(method.parse().unwrap(), self.at(path));
        answer(self.with_cookies(request, browser)).await
    }

    /// Bytes on the wire; the first line of the answer.
    pub(crate) fn writes(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.base.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        // The server may refuse and close before it has read everything.
        drop(stream.write_all(request));
        let mut answer = vec![0; 4_096];
        let mut length = 0;
        while let Some(rest) = answer.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match stream.read(rest) {
                Ok(read) if read > 0 => length += read,
                _ => break,
            }
            if answer.contains(&b'\n') {
                break;
            }
        }
        let text = String::from_utf8_lossy(&answer).into_owned();
        text.lines().next().unwrap_or_default().trim_end_matches('\0').to_owned()
    }

    /// The token that forms carry in a browser.
    pub(crate) async fn csrf(&self, browser: &Browser) -> String {
        let page = browser.get(self.at("/privacy")).await.unwrap();
        page.form("/language").and_then(|form| form.value("csrf").map(str::to_owned)).expect("a token")
    }
}
