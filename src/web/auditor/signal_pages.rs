//! Signals and findings.

use askama::Template;

use super::pages::Head;
use super::signals::Written;
use crate::web::moment::Moment;
use crate::web::parts::{Errors, Pages};
use crate::web::shell::Shell;

/// A signal in a list.
#[derive(Debug, Clone)]
pub struct SignalRow {
    /// `sig_…`
    pub id: String,
    /// `org_…`
    pub organisation: String,
    /// The rule's name.
    pub rule: &'static str,
    /// What was found.
    pub sentence: String,
    /// Whose or what: `acc_…`, `mdt_…` or `tel_…`.
    pub subject: String,
    /// The day on which it began, `2026-11-22`.
    pub since: String,
    /// The day, `2026-11-22`.
    pub date: String,
    /// The same, in words.
    pub day: String,
    /// Until when the organisation may answer before auditors see it.
    pub until: Moment,
    /// The class of its badge.
    pub badge: &'static str,
    /// Where it stands, in words.
    pub state: &'static str,
}

impl SignalRow {
    fn link(&self) -> String {
        let Self { subject, organisation, since, date, .. } = self;
        match subject.split_once('_') {
            Some(("mdt", _)) => format!("/journal/mandates/{subject}"),
            // Entries are not searched by phone: those of the organisation in that time.
            Some(("tel", _)) => {
                format!("/journal?kind=phone_recorded&organisation={organisation}&from={since}&to={date}")
            }
            _ => format!("/journal?mediator={subject}&from={date}&to={date}"),
        }
    }
}

/// `/journal/signals`
#[derive(Debug, Template)]
#[template(path = "auditor/signals.html")]
pub struct SignalsPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// Signals, the latest first.
    pub rows: Vec<SignalRow>,
    /// Other pages.
    pub pages: Pages,
}

/// `/journal/signals/{sig}`
#[derive(Debug, Template)]
#[template(path = "auditor/signal.html")]
pub struct SignalPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// The signal.
    pub row: SignalRow,
    /// The organisation's answer, unless there is none or its key was destroyed.
    pub answer: Option<String>,
    /// Who answered, and when.
    pub answered: Option<(String, Moment)>,
    /// Findings about it: the entry, and when.
    pub findings: Vec<(String, Moment)>,
}

/// A finding in the list.
#[derive(Debug, Clone)]
pub struct FindingRow {
    /// `ent_…`
    pub entry: String,
    /// `acc_…`
    pub account: String,
    /// When.
    pub at: Moment,
    /// What it is about.
    pub about: String,
    /// The text, unless its key was destroyed.
    pub text: Option<String>,
}

/// `/journal/findings`
#[derive(Debug, Template)]
#[template(path = "auditor/findings.html")]
pub struct FindingsPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// The form, as typed.
    pub written: Written,
    /// What is wrong with it.
    pub errors: Errors,
    /// Findings, the latest first.
    pub rows: Vec<FindingRow>,
    /// Other pages.
    pub pages: Pages,
}
