//! The journal: what is in it, what is not, who reads it, and that nobody changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use mandataire::demo::browser::Page;
use mandataire::domain::digest::Digest;
use mandataire::domain::event::{Event, Kind};
use mandataire::domain::procedure::Procedure::{Justice, Logement};
use mandataire::domain::term::Term::Month;
use mandataire::store::journal::{self, Entry, Filter};
use mandataire::store::{Error, Store};
use url::Url;

use crate::on_each_backend;
use crate::world::actor::Actor;
use crate::world::database::Database;
use crate::world::everything::{PEOPLE, PURPOSE, declares_a_purpose};
use crate::world::{Backend, World};

async fn all(store: &Store) -> Vec<Entry> {
    store.read(|db| journal::list_forward(db, &Filter::default(), None, 10_000)).await.unwrap()
}

fn facts(entry: &Entry) -> BTreeMap<String, String> {
    serde_json::from_slice(&entry.clear).unwrap()
}

fn on(page: &Page) -> Vec<String> {
    let entries = page.links().into_iter().map(|link| link.url.path().to_owned());
    entries
        .filter_map(|path| path.strip_prefix("/journal/").filter(|id| id.starts_with("ent_")).map(str::to_owned))
        .collect()
}

/// Every entry behind a filter, page by page.
async fn pages_through(auditor: &Actor, query: &str) -> Vec<String> {
    let mut page = auditor.sees(&format!("/journal?{query}")).await;
    let mut found = on(&page);
    let leads_on = |url: &Url| url.fragment().is_none() && url.query().is_some_and(|query| query.contains("after="));
    for _ in 0..20 {
        let Some(next) = page.links().into_iter().find(|link| leads_on(&link.url)) else { break };
        page = auditor.browser.follow(&next.url).await.unwrap();
        assert_eq!(page.status, 200);
        found.extend(on(&page));
    }
    found
}

/// The journal cannot be written: the act is undone too.
fn breaks(database: &Database, broken: bool) {
    use Backend::{Postgres, Sqlite};
    let sql = match (database.backend, broken) {
        (Sqlite, true) => {
            "create trigger broken before insert on journal_entries begin select raise(abort, 'broken'); end"
        }
        (Sqlite, false) => "drop trigger broken",
        (Postgres, true) => {
            "create function broken() returns trigger language plpgsql as 'begin raise exception ''broken''; end'; \
                             create trigger broken before insert on journal_entries for each row execute function broken()"
        }
        (Postgres, false) => "drop trigger broken on journal_entries; drop function broken()",
    };
    database.execute(sql).unwrap();
}

/// Kinds that nothing in this program produces, each with its reason. There are none: a word nobody says would be a promise.
const NEVER: [Kind; 0] = [];

/// What a filter should let through.
type Test = Box<dyn Fn(&BTreeMap<String, String>) -> bool>;

on_each_backend! {
    /// The whole vocabulary of the journal is spoken, and nothing of any person is in the clear.
    async fn everything_that_happens_is_recorded_and_no_person_is_in_the_clear(world) {
        world.everything_happens().await;
        let entries = all(&world.app.store).await;
        let said: BTreeSet<Kind> = entries.iter().map(|entry| entry.kind).collect();
        let silent: Vec<_> = Kind::ALL.iter().filter(|kind| !said.contains(kind) && !NEVER.contains(kind)).collect();
        assert!(silent.is_empty(), "never recorded: {silent:?}");
        for entry in &entries {
            let clear = String::from_utf8(entry.clear.clone()).unwrap();
            for person in PEOPLE {
                assert!(!clear.to_lowercase().contains(&person.to_lowercase()), "{person} in {clear}");
            }
            assert!(!clear.contains('@'), "{clear}");
            let sealed = format!("select owner as value from journal_sealed where entry = '{}'", entry.id);
            for owner in world.database.texts(&sealed) {
                let facts = facts(entry);
                let by = entry.kind.sealed_by().iter().find_map(|member| facts.get(*member));
                assert_eq!(by, Some(&owner), "{clear}");
            }
            let commitment: [u8; 32] = entry.commitment.clone().try_into().unwrap();
            assert_eq!(entry.leaf, mandataire::journal::leaf::leaf_hash(&entry.clear, &commitment));
            assert_eq!(facts(entry)["kind"], entry.kind.code());
        }
    }

    async fn the_purpose_is_asked_once_and_sealed(world) {
        let auditor = world.auditor("Denis Roux").await;
        let asked = auditor.sees("/journal").await;
        assert_eq!(asked.url.path(), "/journal/purpose");
        let form = asked.form("/journal/purpose").unwrap();
        let long = "x".repeat(501);
        for wrong in ["", "too short", long.as_str()] {
            assert_eq!(auditor.sends(&form.clone().with("purpose", wrong)).await.status, 422);
        }
        assert_eq!((world.count(Kind::PurposeDeclared).await, world.count(Kind::JournalRead).await), (0, 0));
        assert!(declares_a_purpose(&auditor).await.text().contains(PURPOSE));
        assert_eq!(auditor.gets("/journal").await.status, 200, "asked once");
        let entries = all(&world.app.store).await;
        let declared = entries.iter().find(|entry| entry.kind == Kind::PurposeDeclared).unwrap();
        assert!(!String::from_utf8_lossy(&declared.clear).contains("LEMOINE"));
        let id = declared.id.clone();
        let sealed = world.app.store.read(move |db| journal::sealed_part(db, &id)).await.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<BTreeMap<String, String>>(&sealed).unwrap()["purpose"], PURPOSE);
        let shown = auditor.sees(&format!("/journal/{}", declared.id)).await;
        assert!(shown.text().contains(PURPOSE), "auditors read what auditors declared: {}", shown.text());
        assert!(shown.text().contains("Qui a agi") && shown.text().contains("Motif déclaré"), "{}", shown.text());
        auditor.signs_out().await;
        auditor.signs_in().await;
        assert_eq!(auditor.sees("/journal").await.url.path(), "/journal/purpose", "another session asks again");
    }

    async fn a_filter_finds_exactly_its_entries(world) {
        let ana = world.mediator("Ana Silva").await;
        let one = ana.opens_a_mandate_for("josephine", &[Logement, Justice], Month).await;
        let service = world.franceconnect_client().await;
        ana.gets_a_code(&service, &one.citizen, Logement).await;
        let page = ana.comes_from(&service.request()).await;
        let refused = ana.sees(&format!("{}/citizens/{}", page.url.path(), one.citizen)).await;
        let form = refused.form("/provider/").unwrap();
        ana.sends(&form.with("procedure", "argent")).await;
        let elsewhere = world.another_organisation().await;
        let bruno = world.mediator_of(&elsewhere, "Bruno Hoarau").await;
        bruno.signs_in().await;
        bruno.opens_a_mandate_for("bernard", &[Logement], Month).await;
        world.after(86_400);
        ana.signs_in().await;
        ana.revokes(&one.mandate, Some(Logement)).await;
        let auditor = world.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        let has = |name: &'static str, value: &str| -> Test {
            let value = value.to_owned();
            Box::new(move |facts| facts.get(name) == Some(&value))
        };
        // A day in Paris begins at 23:00 UTC the evening before.
        let since: fn(&BTreeMap<String, String>) -> bool = |facts| facts["at"].as_str() >= "2026-11-22T23:00:00";
        let before: fn(&BTreeMap<String, String>) -> bool = |facts| facts["at"].as_str() < "2026-11-22T23:00:00";
        let filters: Vec<(String, Test)> = vec![
            ("from=2026-11-23".to_owned(), Box::new(since)),
            ("to=2026-11-22".to_owned(), Box::new(before)),
            ("kind=mandate_opened".to_owned(), has("kind", "mandate_opened")),
            (format!("organisation={}", world.organisation), has("organisation", world.organisation.as_str())),
            (format!("mediator={}", ana.account), has("actor", ana.account.as_str())),
            (format!("mandate={}", one.mandate), has("mandate", one.mandate.as_str())),
            (format!("citizen={}", one.citizen), has("citizen", one.citizen.as_str())),
            (format!("service={}", service.client.id), has("client", &service.client.id)),
            ("procedure=logement".to_owned(), has("procedure", "logement")),
        ];
        for (first, (query, fits)) in filters.iter().enumerate() {
            for (other, also) in &filters[first..] {
                let entries = all(&world.app.store).await;
                let expected: BTreeSet<String> = entries
                    .iter()
                    .filter(|entry| fits(&facts(entry)) && also(&facts(entry)))
                    .map(|entry| entry.id.to_string())
                    .collect();
                world.after(1);
                let query = if query == other { query.clone() } else { format!("{query}&{other}") };
                let found = pages_through(&auditor, &query).await;
                let distinct: BTreeSet<String> = found.iter().cloned().collect();
                // Reading is recorded while one reads: the pages after the first never show what came later.
                assert_eq!(distinct.len(), found.len(), "{query}: an entry twice");
                assert_eq!(distinct, expected, "{query}");
            }
        }
        let read = world.entries(Kind::JournalRead).await;
        assert!(read.iter().any(|entry| entry["filter_mandate"] == one.mandate.as_str()), "what was looked for is recorded");
    }

    async fn paging_by_key_loses_nothing_and_repeats_nothing(world) {
        let now = world.now();
        let written = world.app.store.write(move |tx| {
            for number in 0..123 {
                journal::record(tx, &Event::new(Kind::SecurityRefused, now).fact("reason", format!("test_{number}")))?;
            }
            Ok::<_, Error>(())
        });
        written.await.unwrap();
        let auditor = world.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        world.after(1);
        for query in ["", "kind=security_refused"] {
            let entries = all(&world.app.store).await;
            let expected: Vec<String> = entries
                .iter()
                .rev()
                .filter(|entry| query.is_empty() || entry.kind == Kind::SecurityRefused)
                .map(|entry| entry.id.to_string())
                .collect();
            assert!(expected.len() >= 123);
            assert_eq!(pages_through(&auditor, query).await, expected, "newest first");
            world.after(1);
        }
        assert_eq!(auditor.gets("/journal?after=nonsense").await.status, 400);
    }

    async fn an_unreadable_filter_names_its_field_and_reads_nothing(world) {
        let auditor = world.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        let before = world.count(Kind::JournalRead).await;
        for field in
            ["from", "to", "kind", "organisation", "mediator", "mandate", "citizen", "service", "procedure"]
        {
            let page = auditor.gets(&format!("/journal?{field}=Jos%C3%A9phine")).await;
            assert_eq!(page.status, 422, "{field}");
            assert!(page.body.contains(&format!("id=\"{field}-error\"")), "{field}");
            assert!(on(&page).is_empty());
        }
        assert_eq!(world.count(Kind::JournalRead).await, before);
    }

    /// Anybody can compute the hashes again: RFC 6962 leaf over the clear part and the commitment.
    async fn an_entry_shows_its_canonical_form_and_its_leaf(world) {
        let auditor = world.auditor("Denis Roux").await;
        declares_a_purpose(&auditor).await;
        for entry in all(&world.app.store).await {
            let page = auditor.gets(&format!("/journal/{}", entry.id)).await;
            assert!(page.text().contains(std::str::from_utf8(&entry.clear).unwrap()), "{}", page.text());
            let canonical = serde_json::to_vec(&facts(&entry)).unwrap();
            assert_eq!(canonical, entry.clear, "keys in order, no white space");
            let leaf = Digest::of(&[&[0][..], &entry.clear, &entry.commitment].concat());
            assert!(page.text().contains(&leaf.to_string()), "{leaf}");
            let columns = format!("{} || {}", world.hex("salt"), world.hex("ciphertext"));
            let sealed = world.database.texts(&format!("select {columns} as value from journal_sealed where entry = '{}'", entry.id));
            let commitment = match sealed.first() {
                Some(text) => {
                    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
                    let commitment = Digest::of(&(0..text.len()).step_by(2).map(byte).collect::<Vec<_>>());
                    assert!(page.text().contains(&commitment.to_string()));
                    commitment.as_bytes().to_vec()
                }
                None => vec![0; 32],
            };
            assert_eq!(entry.commitment, commitment);
        }
        assert_eq!(auditor.gets("/journal/ent_00000000000000000000000000").await.status, 404);
    }

    async fn nobody_with_the_databases_password_changes_an_entry(world) {
        world.everything_happens().await;
        let count = world.database.number("select count(*) from journal_entries");
        for table in ["journal_entries", "journal_sealed"] {
            let column = if table == "journal_entries" { "kind" } else { "owner" };
            // An entry without a sealed part is protected by nothing but the trigger.
            let unsealed = "delete from journal_entries where id not in (select entry from journal_sealed)".to_owned();
            let key = if table == "journal_entries" { "id" } else { "entry" };
            let again = match world.database.backend {
                // A replacement deletes without asking the trigger of deletions.
                Backend::Sqlite => format!("insert or replace into {table} select * from {table}"),
                Backend::Postgres => {
                    format!("insert into {table} select * from {table} on conflict ({key}) do update set {column} = 'x'")
                }
            };
            for sql in [format!("update {table} set {column} = 'x'"), format!("delete from {table}"), unsealed, again] {
                assert!(world.database.execute(&sql).is_err(), "{sql}");
            }
            if world.database.backend == Backend::Postgres {
                assert!(world.database.execute(&format!("truncate {table} cascade")).is_err());
            }
        }
        assert_eq!(world.database.number("select count(*) from journal_entries"), count);
    }

    /// What cannot be recorded does not happen: no mandate, no use, no token, no session.
    async fn h10_a_journal_that_cannot_be_written_undoes_the_act(world) {
        let ana = world.mediator("Ana Silva").await;
        let service = world.franceconnect_client().await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
        let recap = ana.reaches_the_recap("bernard", &[Justice], Month).await;
        let confirmation = ana.fills_in(&recap).await;
        let revocation = format!("/mandates/{}/revocation", opened.mandate);
        let revocation = ana.sees(&revocation).await.form(&revocation).unwrap().with("reason", "citizen_asked");
        let code = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let token = service.takes_a_token(&code).await;
        let spent = ana.gets_a_code(&service, &opened.citizen, Logement).await;
        let out = ana.sees("/home").await.form("/sign-out").unwrap();
        let state = |world: &World| {
            ["mandates", "uses", "journal_entries", "authorisations where ended_at is not null", "sessions where ended_at is not null", "grants where token_used_at is not null"]
                .map(|table| world.database.number(&format!("select count(*) from {table}")))
        };
        let before = state(&world);
        breaks(&world.database, true);
        for form in [&confirmation, &revocation, &out] {
            let page = ana.browser.submit(form).await.unwrap();
            assert_eq!(page.status, 503, "{}", form.action());
        }
        assert_eq!(ana.gets(&format!("/citizens/{}", opened.citizen)).await.status, 503, "a reading is an act too");
        let identity = service.asks_identity(&token).await;
        assert_eq!((identity.status, identity.error().as_str()), (503, "temporarily_unavailable"));
        assert!(!identity.body.contains("LEMOINE"));
        world.after(31);
        assert_eq!(service.exchanges(&spent).await.status, 503, "a refusal that cannot be recorded is not one");
        assert_eq!(state(&world), before);
        breaks(&world.database, false);
        world.after(-31);
        assert_eq!(service.asks_identity(&token).await.status, 200, "nothing was spent meanwhile");
        assert_eq!(ana.sends(&revocation).await.status, 200);
    }

    /// Nobody waits for a journal for ever, and what was given up has not happened.
    async fn h10_a_journal_that_is_slow_undoes_the_act(world) {
        let ana = world.mediator("Ana Silva").await;
        let recap = ana.reaches_the_recap("bernard", &[Justice], Month).await;
        let confirmation = ana.fills_in(&recap).await;
        let state = |world: &World| ["mandates", "journal_entries"].map(|table| world.database.number(&format!("select count(*) from {table}")));
        let (before, busy, began) = (state(&world), world.database.kept_busy(), Instant::now());
        assert_eq!(ana.browser.submit(&confirmation).await.unwrap().status, 503);
        let waited = began.elapsed();
        assert!(waited > Duration::from_secs(2) && waited < Duration::from_secs(15), "{waited:?}");
        assert_eq!(state(&world), before);
        drop(busy);
        assert_eq!(ana.sends(&confirmation).await.status, 200, "the same form, a moment later");
        assert_eq!(world.database.number("select count(*) from mandates"), 1);
    }
}
