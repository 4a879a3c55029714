//! A browser of the load: one kept connection, HTTP/1.1 written and read by hand, because it shares its processors with the service.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What went wrong, for whoever reads the table.
pub(crate) type Outcome<T> = Result<T, String>;

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    host: SocketAddr,
    /// What was received and belongs to the next answer.
    read: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The value of a hidden field of a page.
    pub(crate) fn hidden(&self, name: &str) -> Outcome<&str> {
        let start = format!("name=\"{name}\" value=\"");
        let found = self.text().split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
        found.map(|(value, _)| value).ok_or_else(|| format!("no field {name}"))
    }

    /// A parameter of the address it leads to; nothing that we look for is encoded there.
    pub(crate) fn parameter(&self, name: &str) -> Outcome<&str> {
        let query = self.location.split_once('?').map_or("", |(_, query)| query);
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| format!("no {name} in {}", self.location))
    }

    /// The path it leads to.
    pub(crate) fn path(&self) -> &str {
        &self.location
    }
}

impl Connection {
    /// Connects.
    pub(crate) fn open(host: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(host).map_err(|error| format!("connecting: {error}"))?;
        let prepared = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(Duration::from_secs(30))));
        prepared.map_err(|error| error.to_string())?;
        Ok(Self { stream, host, read: Vec::with_capacity(32_768) })
    }

    /// A page. `headers` are whole lines.
    pub(crate) fn get(&mut self, path: &str, headers: &str) -> Outcome<Answer> {
        let host = self.host;
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: {host}\r\naccept-language: fr\r\n{headers}\r\n"))
            .map_err(|error| format!("GET {}: {error}", brief(path)))
    }

    /// A form.
    pub(crate) fn post(&mut self, path: &str, headers: &str, fields: &[(&str, &str)]) -> Outcome<Answer> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let (host, length) = (self.host, body.len());
        let mut request = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\naccept-language: fr\r\n{headers}");
        let kind = "application/x-www-form-urlencoded";
        // Writing to a String cannot fail.
        let _ = write!(request, "content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.send(&request).map_err(|error| format!("POST {}: {error}", brief(path)))
    }

    fn send(&mut self, request: &str) -> Outcome<Answer> {
        self.stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        let head = loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                break end;
            }
            self.more()?;
        };
        let text = std::str::from_utf8(&self.read[..head]).map_err(|error| error.to_string())?;
        let status = text.get(9..12).and_then(|code| code.parse().ok()).ok_or("no status")?;
        let location = header(text, "location").unwrap_or_default().to_owned();
        let length: usize = header(text, "content-length").and_then(|text| text.parse().ok()).ok_or("no length")?;
        let whole = head + 4 + length;
        while self.read.len() < whole {
            self.more()?;
        }
        let body = self.read[head + 4..whole].to_vec();
        self.read.drain(..whole);
        Ok(Answer { status, location, body })
    }

    fn more(&mut self) -> Outcome<()> {
        let mut part = [0; 16_384];
        match self.stream.read(&mut part) {
            Ok(0) => Err("the connection was closed".to_owned()),
            Ok(count) => {
                self.read.extend_from_slice(&part[..count]);
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The status expected, or a failure that says where.
pub(crate) fn expect(status: u16, answer: Answer, what: &str) -> Outcome<Answer> {
    if answer.status == status {
        return Ok(answer);
    }
    let words = answer.text().split_once("<h1").map_or("", |(_, rest)| rest).chars().take(200).collect::<String>();
    Err(format!("{what}: {} instead of {status} ({}) {words}", answer.status, brief(&answer.location)))
}

fn brief(address: &str) -> &str {
    address.split('?').next().unwrap_or_default()
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
