//! The public pages and the pages of signing in.

use askama::Template;

use crate::web::parts::Errors;
use crate::web::shell::Shell;

/// `/`: what this is, for whom.
#[derive(Debug, Template)]
#[template(path = "public/home.html")]
pub struct HomePage {
    /// Frame.
    pub shell: Shell,
}

/// `/privacy`
#[derive(Debug, Template)]
#[template(path = "public/privacy.html")]
pub struct PrivacyPage {
    /// Frame.
    pub shell: Shell,
}

/// `/accessibility`
#[derive(Debug, Template)]
#[template(path = "public/accessibility.html")]
pub struct AccessibilityPage {
    /// Frame.
    pub shell: Shell,
}

/// Any error that is a page of its own.
#[derive(Debug, Template)]
#[template(path = "public/problem.html")]
pub struct ProblemPage {
    /// Frame.
    pub shell: Shell,
    /// HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// What happened, as a sentence.
    pub sentence: String,
    /// What to do now.
    pub advice: String,
    /// What the operator looks for in the logs.
    pub reference: String,
}

impl ProblemPage {
    /// The page of a status, in the general words of that status.
    #[must_use]
    pub fn new(shell: Shell, status: u16, reference: String) -> Self {
        let t = shell.t;
        let (title, sentence, advice) = match status {
            403 => (t.problem_403_title(), t.problem_403(), t.problem_403_advice()),
            404 => (t.problem_404_title(), t.problem_404(), t.problem_404_advice()),
            429 => (t.problem_429_title(), t.problem_429(), t.problem_429_advice()),
            503 => (t.problem_503_title(), t.problem_503(), t.problem_503_advice()),
            500.. => (t.problem_500_title(), t.problem_500(), t.problem_500_advice()),
            _ => (t.problem_400_title(), t.problem_400(), t.problem_400_advice()),
        };
        Self { shell, status, title: title.into(), sentence: sentence.into(), advice: advice.into(), reference }
    }
}

/// `/sign-in`
#[derive(Debug, Template)]
#[template(path = "public/sign_in.html")]
pub struct SignInPage {
    /// Frame.
    pub shell: Shell,
    /// What was typed.
    pub email: String,
    /// Field `email`.
    pub errors: Errors,
}

/// `/sign-in/sent`: the same for every address.
#[derive(Debug, Template)]
#[template(path = "public/sent.html")]
pub struct SentPage {
    /// Frame.
    pub shell: Shell,
}

/// `/sign-in/link`: opening it consumes nothing; its button does.
#[derive(Debug, Template)]
#[template(path = "public/link.html")]
pub struct LinkPage {
    /// Frame.
    pub shell: Shell,
    /// The token of the link, sent back by the form.
    pub token: String,
    /// Whether the account has an authenticator already.
    pub asks_code: bool,
    /// Field `code`.
    pub errors: Errors,
}

/// `/enrolment`: the authenticator app.
#[derive(Debug, Template)]
#[template(path = "public/enrolment.html")]
pub struct EnrolmentPage {
    /// Frame.
    pub shell: Shell,
    /// The QR code, an `<svg>` element made by us: written as it is.
    pub qr_svg: String,
    /// The key in base32, without spaces.
    pub secret: String,
    /// Field `code`.
    pub errors: Errors,
}

impl EnrolmentPage {
    /// The key in groups of four, to be copied by eye.
    #[must_use]
    pub fn grouped_secret(&self) -> String {
        let mut grouped = String::new();
        for (at, letter) in self.secret.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                grouped.push(' ');
            }
            grouped.push(letter);
        }
        grouped
    }
}

/// The recovery codes, shown once, after the enrolment.
#[derive(Debug, Template)]
#[template(path = "public/recovery.html")]
pub struct RecoveryPage {
    /// Frame.
    pub shell: Shell,
    /// The codes.
    pub codes: Vec<String>,
}

/// `/terms`
#[derive(Debug, Template)]
#[template(path = "public/terms.html")]
pub struct TermsPage {
    /// Frame.
    pub shell: Shell,
    /// Field `accept`.
    pub errors: Errors,
}

/// `/code`: a fresh code before an act.
#[derive(Debug, Template)]
#[template(path = "public/code.html")]
pub struct CodePage {
    /// Frame.
    pub shell: Shell,
    /// Where to go afterwards, sent back by the form.
    pub next: String,
    /// Field `code`.
    pub errors: Errors,
}
