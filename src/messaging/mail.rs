//! Sending a mail over SMTP.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;

use crate::config::{Encryption, Mail};
use crate::store::outbox::Message;

/// How long a server may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A mail that cannot be sent. Says nothing of its recipient or content.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The configuration names a server or sender that cannot be used.
    #[error("mail configuration: {0}")]
    Configuration(String),
    /// The mail itself cannot be made.
    #[error("the mail cannot be made")]
    Malformed,
    /// The server refused or did not answer.
    #[error("the mail server refused: {0}")]
    Refused(String),
}

/// Sends mails.
pub struct Sender {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

impl Sender {
    /// A sender for this configuration.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn new(settings: &Mail) -> Result<Self, Fault> {
        Self::with_timeout(settings, TIMEOUT)
    }

    fn with_timeout(settings: &Mail, timeout: Duration) -> Result<Self, Fault> {
        let wrong = |error: &dyn std::fmt::Display| Fault::Configuration(error.to_string());
        let host = settings.host.as_str();
        let builder = match settings.encryption {
            Encryption::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(|error| wrong(&error))?,
            Encryption::StartTls => {
                AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(|error| wrong(&error))?
            }
            Encryption::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
        };
        let mut builder = builder.port(settings.port);
        if let (Some(username), Some(password)) =
            (&settings.username, settings.password().map_err(|error| wrong(&error))?)
        {
            builder = builder.credentials(Credentials::new(username.clone(), password.expose_secret().to_owned()));
        }
        let from = settings.from.parse::<Mailbox>().map_err(|error| wrong(&error))?;
        Ok(Self { transport: builder.build(), from, timeout })
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The server refuses or does not answer within ten seconds.
    pub async fn send(&self, message: &Message) -> Result<(), Fault> {
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(message.to.parse().map_err(|_| Fault::Malformed)?)
            .subject(&message.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .map_err(|_| Fault::Malformed)?;
        let no_answer = || "no answer".to_owned();
        // The library limits the connection alone: a server that greets nobody would be awaited for ever.
        let sent = tokio::time::timeout(self.timeout, self.transport.send(mail)).await;
        // The server's answer may quote the recipient: its status code says enough.
        sent.map_err(|_| Fault::Refused(no_answer()))?
            .map(drop)
            .map_err(|error| Fault::Refused(error.status().map_or_else(no_answer, |status| status.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Instant;

    use super::*;

    fn message() -> Message {
        let (to, subject, text) = ("ana@houdan.example.fr".to_owned(), "Subject".to_owned(), "Text".to_owned());
        Message { to, subject, text }
    }

    #[tokio::test]
    async fn a_mail_server_that_says_nothing_is_not_awaited_for_ever() {
        // It takes connections, and never greets.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = Mail {
            host: "127.0.0.1".to_owned(),
            port: silent.local_addr().unwrap().port(),
            encryption: Encryption::None,
            from: "Mandataire <mandataire@example.fr>".to_owned(),
            ..Mail::default()
        };
        let sender = Sender::with_timeout(&settings, Duration::from_millis(300)).unwrap();
        let begun = Instant::now();
        let sent = tokio::time::timeout(Duration::from_secs(8), sender.send(&message())).await;
        let fault = sent.expect("it gives up by itself").expect_err("nobody took the mail");
        assert!(matches!(&fault, Fault::Refused(words) if words == "no answer"), "{fault}");
        assert!(begun.elapsed() >= Duration::from_millis(300), "it did wait");
        assert!(TIMEOUT <= Duration::from_secs(10));
    }
}
