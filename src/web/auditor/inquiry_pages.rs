//! Inquiries: the list with its form, one of them, and the identity.

use askama::Template;

use super::inquiries::Asked;
use super::pages::Head;
use crate::domain::inquiry::Ground;
use crate::web::moment::Moment;
use crate::web::parts::{Errors, Pages};
use crate::web::shell::Shell;

/// An inquiry in a list.
#[derive(Debug, Clone)]
pub struct InquiryRow {
    /// `inq_…`
    pub id: String,
    /// `cit_…`
    pub citizen: String,
    /// `acc_…`
    pub asked_by: String,
    /// When it was asked.
    pub at: Moment,
    /// Its ground, in words.
    pub ground: &'static str,
    /// The class of its badge.
    pub badge: &'static str,
    /// Where it stands, in words.
    pub state: &'static str,
}

/// `/journal/inquiries`
#[derive(Debug, Template)]
#[template(path = "auditor/inquiries.html")]
pub struct InquiriesPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// The form, as typed.
    pub asked: Asked,
    /// What is wrong with it.
    pub errors: Errors,
    /// Inquiries, the latest first.
    pub rows: Vec<InquiryRow>,
    /// Other pages.
    pub pages: Pages,
}

impl InquiriesPage {
    fn grounds(&self) -> [(&'static str, &'static str); 5] {
        Ground::ALL.map(|ground| (ground.code(), self.shell.t.ground(ground)))
    }
}

/// `/journal/inquiries/{inq}`
#[derive(Debug, Template)]
#[template(path = "auditor/inquiry.html")]
pub struct InquiryPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// The inquiry.
    pub row: InquiryRow,
    /// The reason in words, unless its key was destroyed.
    pub reason: Option<String>,
    /// Who decided, and when.
    pub decided: Option<(String, Moment)>,
    /// Until when the identity may be read.
    pub until: Option<Moment>,
    /// Whether whoever looks may decide.
    pub may_decide: bool,
    /// Whether whoever looks may read the identity.
    pub may_read: bool,
    /// Field `code`.
    pub errors: Errors,
}

/// `/journal/inquiries/{inq}/reading`
#[derive(Debug, Template)]
#[template(path = "auditor/identity.html")]
pub struct IdentityPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// `inq_…`
    pub inquiry: String,
    /// `cit_…`
    pub citizen: String,
    /// Full name.
    pub name: String,
    /// Birthdate in words.
    pub birthdate: String,
}
