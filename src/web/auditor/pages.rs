//! Reading the journal.

use askama::Template;

use crate::web::moment::Moment;
use crate::web::parts::{Errors, Pages};
use crate::web::shell::Shell;

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

/// `/journal`
#[derive(Debug, Template)]
#[template(path = "auditor/journal.html")]
pub struct JournalPage {
    /// Frame.
    pub shell: Shell,
    /// The purpose given.
    pub purpose: String,
    /// The filter, as typed.
    pub filter: JournalFilter,
    /// Key and name of every kind of entry.
    pub kinds: Vec<(String, String)>,
    /// Fields of the filter that cannot be understood.
    pub errors: Errors,
    /// Entries, the latest first.
    pub rows: Vec<EntryRow>,
    /// Other pages.
    pub pages: Pages,
}

/// The fields of the filter, as typed; empty where nothing is asked.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    /// First day, `2026-11-22`.
    pub from: String,
    /// Last day, included.
    pub to: String,
    /// Key of a kind.
    pub kind: String,
    /// `org_…`
    pub organisation: String,
    /// `acc_…`
    pub mediator: String,
    /// `mdt_…`
    pub mandate: String,
}

impl JournalFilter {
    fn is_empty(&self) -> bool {
        [&self.from, &self.to, &self.kind, &self.organisation, &self.mediator, &self.mandate]
            .into_iter()
            .all(String::is_empty)
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
}

/// `/journal/{ent}`
#[derive(Debug, Template)]
#[template(path = "auditor/entry.html")]
pub struct EntryPage {
    /// Frame.
    pub shell: Shell,
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
