//! Reading the journal.

use askama::Template;

use crate::web::moment::Moment;
use crate::web::parts::{Errors, Pages};
use crate::web::shell::Shell;

use super::search::Typed;

/// `/journal/purpose`: why.
#[derive(Debug, Template)]
#[template(path = "auditor/purpose.html")]
pub struct PurposePage {
    /// Frame.
    pub shell: Shell,
    /// What was typed.
    pub purpose: String,
    /// Field `purpose`.
    pub errors: Errors,
}

/// What every page begins with.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The purpose given.
    pub purpose: String,
    /// What is known of the journal as a whole, in sentences.
    pub known: Vec<String>,
    /// What is not kept, in a sentence.
    pub unknown: Option<String>,
}

/// `/journal`
#[derive(Debug, Template)]
#[template(path = "auditor/journal.html")]
pub struct JournalPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// The filter, as typed.
    pub filter: Typed,
    /// Key and name of every kind of entry.
    pub kinds: Vec<(String, String)>,
    /// Key and name of every procedure.
    pub procedures: Vec<(String, String)>,
    /// Identifiers and names of organisations, to choose from.
    pub organisations: Vec<(String, String)>,
    /// Identifiers and names of clients.
    pub services: Vec<(String, String)>,
    /// Fields of the filter that cannot be understood.
    pub errors: Errors,
    /// Entries, the latest first.
    pub rows: Vec<EntryRow>,
    /// The page before.
    pub previous: Option<String>,
    /// Other pages.
    pub pages: Pages,
    /// Most entries of an export.
    pub limit: u32,
}

impl JournalPage {
    /// The fields for identifiers: name, label, value, and the form of one.
    fn identifiers(&self) -> [(&'static str, &'static str, &str, &'static str); 5] {
        let (t, filter) = (self.shell.t, &self.filter);
        [
            ("citizen", t.journal_citizen(), &filter.citizen, "cit_…"),
            ("mediator", t.journal_mediator(), &filter.mediator, "acc_…"),
            ("organisation", t.journal_organisation(), &filter.organisation, "org_…"),
            ("service", t.journal_service(), &filter.service, ""),
            ("mandate", t.journal_mandate(), &filter.mandate, "mdt_…"),
        ]
    }
}

/// An entry in the list.
#[derive(Debug, Clone)]
pub struct EntryRow {
    /// `ent_…`
    pub id: String,
    /// Position in the tree; none until it is sequenced.
    pub position: Option<u64>,
    /// When.
    pub at: Moment,
    /// Its kind, in words.
    pub kind: String,
    /// `org_…`
    pub organisation: Option<String>,
    /// `acc_…`
    pub mediator: Option<String>,
    /// `mdt_…`
    pub mandate: Option<String>,
}

/// A fact of an entry.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its name, in words.
    pub name: String,
    /// Its value, as stored.
    pub value: String,
    /// What a code means, in words.
    pub meaning: Option<String>,
    /// Where more about it is found; empty if nowhere.
    pub link: String,
}

/// `/journal/{ent}`
#[derive(Debug, Template)]
#[template(path = "auditor/entry.html")]
pub struct EntryPage {
    /// Frame.
    pub shell: Shell,
    /// Purpose and coverage.
    pub head: Head,
    /// `ent_…`
    pub id: String,
    /// Position in the tree; none until it is sequenced.
    pub position: Option<u64>,
    /// When.
    pub at: Moment,
    /// Its kind, in words.
    pub kind: String,
    /// The clear part: names and values, in the order of the canonical form.
    pub facts: Vec<Fact>,
    /// The purpose declared, if the entry is about one.
    pub purpose: Option<String>,
    /// The clear part in canonical form.
    pub canonical: String,
    /// RFC 6962 hash of the leaf, in hexadecimal.
    pub leaf_hash: String,
    /// Commitment to the sealed part, in hexadecimal.
    pub commitment: Option<String>,
}
