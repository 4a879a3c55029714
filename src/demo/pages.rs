//! The pages that only a demonstration has.

use askama::Template;

use crate::web::moment::Moment;
use crate::web::shell::Shell;

/// `/demo`
#[derive(Debug, Template)]
#[template(path = "demo/start.html")]
pub struct DemoPage {
    /// Frame.
    pub shell: Shell,
    /// The accounts to sign in with.
    pub accounts: Vec<DemoAccount>,
    /// The people whom the pretend FranceConnect knows: name, and birthdate in words.
    pub citizens: Vec<(String, String)>,
    /// Address of the pretend public service.
    pub service: String,
}

/// An account of the demonstration.
#[derive(Debug, Clone)]
pub struct DemoAccount {
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Its roles, in words.
    pub role: String,
    /// Names of its organisations.
    pub organisations: String,
}

/// `/demo/mails`
#[derive(Debug, Template)]
#[template(path = "demo/mails.html")]
pub struct MailsPage {
    /// Frame.
    pub shell: Shell,
    /// The mails, the newest first.
    pub mails: Vec<Mail>,
}

/// A mail that was not sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// When it was written.
    pub at: Moment,
    /// Its text.
    pub body: String,
}

/// A piece of a line: words, or an address that becomes a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// `http://…` or `https://…`
    Link(&'a str),
}

impl Mail {
    /// The body cut at its addresses.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let is_link = |word: &str| word.starts_with("https://") || word.starts_with("http://");
        self.body
            .split_inclusive(char::is_whitespace)
            .flat_map(|word| {
                let (bare, space) = word.split_at(word.trim_end().len());
                [if is_link(bare) { Piece::Link(bare) } else { Piece::Text(bare) }, Piece::Text(space)]
            })
            .collect()
    }
}

/// `/demo/codes`
#[derive(Debug, Template)]
#[template(path = "demo/codes.html")]
pub struct CodesPage {
    /// Frame.
    pub shell: Shell,
    /// Name, e-mail address and present code of each account; no code before its enrolment.
    pub codes: Vec<(String, String, Option<String>)>,
    /// Seconds until the codes change.
    pub seconds: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_mail_is_a_link_and_nothing_is_lost() {
        let mail = Mail {
            to: String::new(),
            subject: String::new(),
            at: Moment(crate::domain::Instant::UNIX_EPOCH, chrono_tz::Tz::UTC),
            body: "Bonjour,\n\nhttp://127.0.0.1/sign-in/link?token=a\nÀ bientôt".into(),
        };
        let pieces = mail.pieces();
        assert!(pieces.contains(&Piece::Link("http://127.0.0.1/sign-in/link?token=a")));
        let whole: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Link(text) => *text,
            })
            .collect();
        assert_eq!(whole, mail.body);
    }
}
