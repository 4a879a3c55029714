//! What an attack leaves behind: nothing was given, and one entry says why without repeating a secret.

use std::collections::BTreeMap;

use mandataire::domain::event::Kind;
use mandataire::store::journal::{self, Filter};
use serde_json::Value;

use super::World;

/// What is shorter could stand in an identifier by chance.
const SHORTEST_SECRET: usize = 6;

/// How many codes, access tokens, identities and mandates there are.
const GIVEN: &str = "select (select count(*) from grants) || ' codes, ' || (select count(token_hash) from grants) || ' tokens, ' \
                     || (select count(*) from uses) || ' identities, ' || (select count(*) from mandates) || ' mandates' as value";

/// Entries of the journal by their identifiers: two of one millisecond have no order.
pub(crate) type Journal = BTreeMap<String, Value>;

/// How often each reason was written, under which kind.
pub(crate) fn reasons_of(entries: &[Value]) -> BTreeMap<(&str, &str), usize> {
    let mut counted = BTreeMap::new();
    for entry in entries {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        *counted.entry((text("kind"), text("reason"))).or_default() += 1;
    }
    counted
}

/// No entry repeats a secret.
pub(crate) fn hold_none_of(entries: &[Value], secrets: &[&str]) {
    for entry in entries {
        let text = entry.to_string();
        for secret in secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET) {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

impl World {
    /// Everything that the journal holds.
    pub(crate) async fn journal(&self) -> Journal {
        let all = self.app.store.read(|db| journal::list_forward(db, &Filter::default(), None, 10_000)).await;
        let clear = |entry: journal::Entry| {
            (entry.id.to_string(), serde_json::from_slice(&entry.clear).expect("a clear part is JSON"))
        };
        all.expect("the journal is read").into_iter().map(clear).collect()
    }

    /// The entries written since.
    pub(crate) async fn written_since(&self, before: &Journal) -> Vec<Value> {
        let all = self.journal().await;
        all.into_iter().filter(|(id, _)| !before.contains_key(id)).map(|(_, entry)| entry).collect()
    }

    /// What was given so far, in words.
    pub(crate) fn given(&self) -> String {
        self.database.texts(GIVEN).remove(0)
    }

    /// An attack gives nothing, and leaves exactly one entry, of this kind and reason, with none of these secrets.
    pub(crate) async fn refuses_once<T>(
        &self,
        attack: impl Future<Output = T>,
        (kind, reason): (Kind, &str),
        secrets: &[&str],
    ) -> T {
        let (before, given) = (self.journal().await, self.given());
        let answer = attack.await;
        let written = self.written_since(&before).await;
        assert_eq!(reasons_of(&written), BTreeMap::from([((kind.code(), reason), 1)]), "{written:?}");
        assert_eq!(self.given(), given, "{reason}");
        hold_none_of(&written, secrets);
        answer
    }
}
