//! What was acknowledged against what is stored, and each fact against its entry.

use std::collections::{BTreeMap, BTreeSet};

use mandataire::domain::event::Kind;
use mandataire::journal::leaf;
use mandataire::store::journal::{self, Filter};
use mandataire::store::{Error, mandates};
use serde_json::Value;

use crate::clerk::Journey;
use crate::database::Database;
use crate::office::{Office, PROCEDURES};

/// How many entries are read at a time.
const PAGE: i64 = 5_000;

/// Everything that is stored, as SQL and the journal tell it.
struct Stored {
    /// Drafts: stage and mandate.
    drafts: BTreeMap<String, (String, String)>,
    /// Mandates, with their draft.
    mandates: BTreeMap<String, String>,
    /// Authorisations: mandate and how they ended.
    authorisations: BTreeMap<String, (String, String)>,
    /// Entries by kind: the clear parts.
    entries: BTreeMap<&'static str, Vec<Value>>,
    /// What is wrong with the entries themselves.
    broken: Vec<String>,
}

fn rows(database: &Database, sql: &str) -> Vec<[String; 3]> {
    let split = |line: String| {
        let mut parts = line.splitn(3, '|').map(str::to_owned);
        std::array::from_fn(|_| parts.next().unwrap_or_default())
    };
    database.texts(sql).into_iter().map(split).collect()
}

impl Stored {
    async fn read(database: &Database, office: &Office) -> Self {
        let drafts = rows(database, "select id || '|' || stage || '|' || coalesce(mandate, '') as value from drafts");
        let mandates = rows(database, "select id || '|' || draft as value from mandates");
        let parts = "select id || '|' || mandate || '|' || coalesce(ended_kind, '') as value from authorisations";
        let authorisations = rows(database, parts);
        let mut stored = Self {
            drafts: drafts.into_iter().map(|[id, stage, mandate]| (id, (stage, mandate))).collect(),
            mandates: mandates.into_iter().map(|[id, draft, _]| (id, draft)).collect(),
            authorisations: authorisations.into_iter().map(|[id, mandate, kind]| (id, (mandate, kind))).collect(),
            entries: BTreeMap::new(),
            broken: Vec::new(),
        };
        stored.read_journal(office).await;
        stored
    }

    async fn read_journal(&mut self, office: &Office) {
        let (store, mut after) = (office.store(), None);
        loop {
            let from = after.clone();
            let page = store.read(move |db| journal::list_forward(db, &Filter::default(), from.as_ref(), PAGE)).await;
            let page: Vec<journal::Entry> = page.expect("the journal is read");
            for entry in &page {
                let commitment = entry.commitment.as_slice().try_into().expect("a commitment has 32 bytes");
                if leaf::leaf_hash(&entry.clear, commitment).as_slice() != entry.leaf {
                    self.broken.push(format!("the leaf of {} does not fit", entry.id));
                }
                let clear = serde_json::from_slice(&entry.clear).expect("a clear part is JSON");
                self.entries.entry(entry.kind.code()).or_default().push(clear);
            }
            let Some(last) = page.last() else { return };
            after = Some(last.id.clone());
        }
    }

    /// How often a field has a value in the entries of a kind.
    fn counted(&self, kind: Kind, field: &str) -> BTreeMap<&str, usize> {
        let mut counted = BTreeMap::new();
        for entry in self.entries.get(kind.code()).into_iter().flatten() {
            *counted.entry(entry[field].as_str().unwrap_or_default()).or_default() += 1;
        }
        counted
    }

    /// Every fact has one entry, and every entry its fact.
    fn one_to_one(&self, facts: &BTreeSet<&str>, kind: Kind, field: &str) -> Vec<String> {
        let entries = self.counted(kind, field);
        let code = kind.code();
        let without = facts.iter().filter(|fact| !entries.contains_key(**fact));
        let mut faults: Vec<String> = without.map(|fact| format!("{fact} without its entry {code}")).collect();
        for (fact, count) in &entries {
            if !facts.contains(fact) {
                faults.push(format!("an entry {code} without its fact {fact}"));
            }
            if *count > 1 {
                faults.push(format!("{count} entries {code} of {fact}"));
            }
        }
        faults
    }

    /// The entries against the tables, both ways.
    fn facts(&self) -> Vec<String> {
        let ended = |kind: &str| {
            let of_kind = self.authorisations.iter().filter(|(_, (_, how))| how == kind);
            of_kind.map(|(id, _)| id.as_str()).collect::<BTreeSet<_>>()
        };
        let drafts = |stages: &[&str]| {
            let of_stage = self.drafts.iter().filter(|(_, (stage, _))| stages.contains(&stage.as_str()));
            of_stage.map(|(id, _)| id.as_str()).collect::<BTreeSet<_>>()
        };
        let opened = self.mandates.keys().map(String::as_str).collect();
        let (replaced, revoked) = (Kind::AuthorisationReplaced, Kind::AuthorisationRevoked);
        let mut faults = self.one_to_one(&opened, Kind::MandateOpened, "mandate");
        faults.extend(self.one_to_one(&drafts(&["opened"]), Kind::MandateOpened, "draft"));
        faults.extend(self.one_to_one(&drafts(&["agreed", "opened"]), Kind::AgreementGiven, "draft"));
        faults.extend(self.one_to_one(&ended("replaced"), replaced, "authorisation"));
        faults.extend(self.one_to_one(&ended("revoked"), revoked, "authorisation"));
        let other =
            self.authorisations.values().filter(|(_, kind)| !["", "replaced", "revoked"].contains(&kind.as_str()));
        faults.extend(other.map(|(mandate, kind)| format!("{mandate} ended as {kind}")));
        faults
    }

    /// What each mandate must have beside its entries.
    fn parts(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (mandate, draft) in &self.mandates {
            let parts = self.authorisations.values().filter(|(of, _)| of == mandate).count();
            if parts != PROCEDURES.len() {
                faults.push(format!("{mandate} has {parts} authorisations"));
            }
            if self.drafts.get(draft) != Some(&("opened".to_owned(), mandate.clone())) {
                faults.push(format!("{mandate} and its draft {draft} do not name each other"));
            }
        }
        faults
    }

    /// What somebody was told against what is there.
    fn acknowledged(&self, journeys: &[Journey]) -> Vec<String> {
        let codes = self.counted(Kind::CodeAccepted, "actor");
        let mut faults = Vec::new();
        let mut told = BTreeSet::new();
        for journey in journeys {
            let draft = journey.case.draft.as_str();
            let stage = self.drafts.get(draft).map(|(stage, _)| stage.as_str()).unwrap_or_default();
            if journey.agreed && !["agreed", "opened"].contains(&stage) {
                faults.push(format!("the agreement to {draft} is lost"));
            }
            let Some(mandate) = &journey.mandate else { continue };
            if self.mandates.get(mandate).map(String::as_str) != Some(draft) {
                faults.push(format!("{mandate} of {draft} is lost"));
            }
            if !told.insert(mandate.as_str()) {
                faults.push(format!("{mandate} was given for two drafts"));
            }
            let mut parts = self.authorisations.values().filter(|(of, _)| of == mandate);
            if journey.ended && parts.any(|(_, how)| how.is_empty()) {
                faults.push(format!("the end of {mandate} is lost"));
            }
            let accepted = codes.get(journey.case.account.as_str()).copied().unwrap_or_default();
            if accepted != 1 {
                faults.push(format!("{mandate} was opened with {accepted} codes"));
            }
        }
        let nobodys = self.mandates.keys().filter(|id| !told.contains(id.as_str()));
        faults.extend(nobodys.map(|id| format!("{id} was opened for nobody")));
        faults
    }
}

/// What SQL alone can say: each count is of what must not be.
const NEVER: [(&str, &str); 6] = [
    ("mandates without a document", "select count(*) from mandates where id not in (select mandate from documents)"),
    ("mandates without an agreement", "select count(*) from mandates where id not in (select mandate from agreements)"),
    ("drafts with two mandates", "select count(*) - count(distinct draft) from mandates"),
    (
        "live authorisations with the same place",
        "select count(*) - count(distinct organisation || citizen || procedure) from authorisations \
         where ended_at is null",
    ),
    (
        "holdings that say something else than the authorisations",
        "select count(*) from holdings h where (h.active_until is null) = exists (select 1 from authorisations a \
         where a.organisation = h.organisation and a.citizen = h.citizen and a.ended_at is null)",
    ),
    (
        "openings whose sealed part is missing",
        "select count(*) from journal_entries where kind = 'mandate_opened' and id not in \
         (select entry from journal_sealed)",
    ),
];

/// Everything that is wrong. `journeys` are all that were taken up, each acknowledged to its end.
pub(crate) async fn faults(database: &Database, office: &Office, journeys: &[Journey]) -> Vec<String> {
    let stored = Stored::read(database, office).await;
    let mut faults = stored.broken.clone();
    faults.extend(stored.facts());
    faults.extend(stored.parts());
    faults.extend(stored.acknowledged(journeys));
    for (what, sql) in NEVER {
        let count = database.number(sql);
        if count != 0 {
            faults.push(format!("{count} {what}"));
        }
    }
    faults.extend(documents(office, journeys).await);
    faults
}

/// Every document opens, and is the one that was frozen.
async fn documents(office: &Office, journeys: &[Journey]) -> Vec<String> {
    let ids: Vec<String> = journeys.iter().filter_map(|journey| journey.mandate.clone()).collect();
    let organisation = office.organisation().clone();
    let store = office.store();
    let read = store.read(move |db| {
        let mut faults = Vec::new();
        for id in ids {
            let mandate = id.parse().expect("an identifier");
            let found = mandates::held_by(db, &organisation, &mandate);
            if let Err(error) = found.and_then(|mandate| mandates::document(db, &mandate)) {
                faults.push(format!("the document of {id}: {error}"));
            }
        }
        Ok::<_, Error>(faults)
    });
    read.await.expect("the documents are read")
}

/// Stops the test if anything is wrong.
pub(crate) async fn holds(database: &Database, office: &Office, journeys: &[Journey]) {
    let faults = faults(database, office, journeys).await;
    let shown: Vec<&String> = faults.iter().take(20).collect();
    assert!(faults.is_empty(), "{} faults, the first ones: {shown:#?}", faults.len());
}
