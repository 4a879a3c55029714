//! Who was erased, long afterwards: in proofs, in copies, in backups, in the files of a server. And a run that was cut off.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use mandataire::app::evidence::{Known, database, proving};
use mandataire::app::retention::Run;
use mandataire::config;
use mandataire::domain::event::Kind;
use mandataire::domain::id::{CitizenId, EntryId};
use mandataire::domain::procedure::Procedure::Logement;
use mandataire::domain::term::Term::{Day, Month};
use mandataire::journal::checkpoint::Checkpoint;
use mandataire::journal::line::hex;
use mandataire::journal::verify::Mark;
use mandataire::store::Store;
use mandataire::store::vouched::Trust;

use super::proof::{HERS, bytes_of, erased, holds, rows_as_text, walked};
use super::{line, years_pass};
use crate::on_each_backend;
use crate::sequencing::{Disk, all_signed, key, node, verifier};
use crate::tampering::searchable;
use crate::world::desk::Desk;
use crate::world::{Backend, World};

/// So many bytes of a sealed value are like those of no other.
const ENOUGH: usize = 48;
/// Citizens whose time in use is over: more than three batches of a run.
const PEOPLE: usize = 160;
/// Files of PostgreSQL's log that are looked at: more than a story writes, and not all that it may keep.
const SEGMENTS: usize = 16;
/// What is found of her.
const NOTHING: BTreeSet<&str> = BTreeSet::new();

/// The files of every table and index of the schema, with those of what is kept beside their rows.
const RELATIONS: &str = "with ours as (select oid from pg_class \
     where relnamespace = current_schema()::regnamespace), \
     beside as (select reltoastrelid as oid from pg_class join ours using (oid) where reltoastrelid <> 0), \
     every as (select oid from ours union all select oid from beside \
               union all select indexrelid from pg_index join beside on indrelid = beside.oid) \
     select pg_relation_filepath(oid) as path, pg_relation_size(oid) as size from every \
     where pg_relation_filepath(oid) is not null";

/// Something of hers, and every form in which a file could hold it, in small letters.
struct Piece {
    /// The table that keeps it; none for what is never written down in clear.
    table: &'static str,
    what: String,
    forms: Vec<Vec<u8>>,
}

impl Piece {
    fn new(table: &'static str, what: String, bytes: &[u8]) -> Self {
        let mut forms = vec![bytes.to_vec(), hex(bytes).into_bytes()];
        // Base64 writes it in three ways, after what stands before it; letters that depend on a neighbour are left out.
        for before in 0..3 {
            let text = STANDARD.encode([&[0; 2][..before], bytes].concat());
            let (first, end) = ((before * 8).div_ceil(6), (before + bytes.len()) * 8 / 6);
            forms.push(text.as_bytes()[first..end].to_vec());
        }
        for form in &mut forms {
            form.make_ascii_lowercase();
        }
        Self { table, what, forms }
    }
}

/// What only she is called, her key, and everything that it seals.
fn pieces(world: &World, citizen: &CitizenId) -> Vec<Piece> {
    let mut pieces: Vec<_> = HERS.map(|hers| Piece::new("", hers.to_owned(), hers.as_bytes())).into();
    let owner = format!("owner = '{citizen}'");
    let mandate = format!("mandate in (select id from mandates where citizen = '{citizen}')");
    for (table, column, of_hers) in [
        ("person_keys", "wrapped", &owner),
        ("journal_sealed", "salt", &owner),
        ("journal_sealed", "ciphertext", &owner),
        ("citizens", "identity", &format!("id = '{citizen}'")),
        ("agreements", "text", &mandate),
        ("documents", "text", &mandate),
        ("mandates", "document", &format!("citizen = '{citizen}'")),
        ("contacts", "number", &format!("citizen = '{citizen}'")),
    ] {
        let value = world.hex(column);
        let values = world.database.texts(&format!("select {value} as value from {table} where {of_hers}"));
        assert!(!values.is_empty(), "{table}");
        for (number, value) in values.iter().enumerate() {
            let bytes = bytes_of(value);
            let what = format!("{table}.{column} {number}");
            pieces.push(Piece::new(table, what, &bytes[..bytes.len().min(ENOUGH)]));
        }
    }
    pieces
}

/// Those that certain tables keep.
fn kept_by(pieces: &[Piece], is_one: impl Fn(&str) -> bool) -> BTreeSet<&str> {
    pieces.iter().filter(|piece| is_one(piece.table)).map(|piece| piece.what.as_str()).collect()
}

/// Those that are anywhere in these files, in any form.
fn found<'p>(pieces: &'p [Piece], files: &[Vec<u8>]) -> BTreeSet<&'p str> {
    let starts: HashSet<&[u8]> = pieces.iter().flat_map(|piece| &piece.forms).map(|form| &form[..4]).collect();
    let mut found = BTreeSet::new();
    for file in files {
        let file = file.to_ascii_lowercase();
        for (at, _) in file.windows(4).enumerate().filter(|(_, start)| starts.contains(start)) {
            let here = |piece: &&Piece| piece.forms.iter().any(|form| file[at..].starts_with(form));
            found.extend(pieces.iter().filter(here).map(|piece| piece.what.as_str()));
        }
    }
    found
}

/// Joséphine gave a mandate, and said where she can be called.
async fn opened(world: &World) -> CitizenId {
    let ana = world.mediator("Ana Silva").await;
    let opened = ana.opens_a_mandate_for("josephine", &[Logement], Month).await;
    assert_eq!(ana.notes_the_phone(&opened.citizen, "0612345678").await.status, 200);
    opened.citizen
}

async fn proof_of(world: &World, entry: &EntryId) -> String {
    let trust = Trust { witnesses: Vec::new(), needed: 0, silence: TimeDelta::zero() };
    let entry = entry.clone();
    let made = world.app.store.read(move |db| proving::prove(db, &entry, &trust, 0)).await;
    made.unwrap().0.text()
}

/// Whoever kept a checkpoint finds that the database continues it, and nothing that is wrong.
async fn is_whole_since(world: &World, kept: &Checkpoint) {
    searchable(world).await;
    let kept = vec![Mark { size: kept.size, root: kept.root, foreign: true }];
    let known = Known { keys: vec![verifier()], kept, ..Known::default() };
    let verdict = world.app.store.read(move |db| database::verify_within(db, &known, 1)).await.unwrap();
    assert_eq!((verdict.findings, verdict.covered), (Vec::new(), verdict.size));
}

/// A backup as an administrator makes it: the data, and the file of the keys, which takes the place of the one before.
fn backed_up(world: &World, desk: &Desk, name: &str) -> [Vec<Vec<u8>>; 2] {
    let (data, keys) = (desk.path(name), desk.path("keys"));
    let sqlite = world.database.backend == Backend::Sqlite;
    let words = if sqlite { vec!["--data", data.as_str()] } else { Vec::new() };
    let done = desk.runs(&[&["admin", "backup", "--keys", keys.as_str()], &words[..]].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let data = if sqlite {
        vec![fs::read(&data).unwrap()]
    } else {
        // pg_dump --exclude-table-data=person_keys writes the same rows.
        rows_as_text(world, "table_name <> 'person_keys'").into_iter().map(String::into_bytes).collect()
    };
    [data, vec![fs::read(&keys).unwrap()]]
}

/// Which of these files of the server hold which of these texts.
fn standing_in(world: &World, files: &str, texts: &[String]) -> Vec<String> {
    let texts = texts.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ");
    let held = world.database.texts(&format!(
        "with files as ({files}) \
         select path || ': ' || (select string_agg(one, ' ') from unnest(array[{texts}]) one \
                                 where position(convert_to(one, 'UTF8') in bytes) > 0) as value \
         from files cross join lateral (select pg_read_binary_file(path, 0, size, true) as bytes offset 0) read"
    ));
    held.into_iter().filter(|line| !line.is_empty()).collect()
}

/// The log of the server since an instant, and every table and index: her strings are in none, and what is known to be there is found.
fn no_file_holds_her(world: &World, since: &str, citizen: &CitizenId) {
    let hers = HERS.map(str::to_owned);
    let only = |held: Vec<String>, known: &str| {
        assert!(!held.is_empty(), "{known} is there");
        assert!(held.iter().all(|line| line.ends_with(&format!(": {known}"))), "{held:?}");
    };
    // A word of this moment, on the disk when this is done, so that it is in the log however soon others make it begin anew.
    let mark = world.random.token();
    let said = format!("set synchronous_commit = on; select pg_logical_emit_message(true, 'story', '{mark}')");
    world.database.execute(&said).unwrap();
    let log = format!(
        "select 'pg_wal/' || name as path, size from pg_ls_waldir() where modification >= '{since}' \
         order by modification desc, name limit {SEGMENTS}"
    );
    only(standing_in(world, &log, &[&hers[..], std::slice::from_ref(&mark)].concat()), &mark);
    world.database.execute("checkpoint").unwrap();
    let written_out = HERS.map(|hers| hex(hers.as_bytes()));
    let texts = [&hers[..], &written_out[..], &[citizen.to_string()]].concat();
    only(standing_in(world, RELATIONS, &texts), citizen.as_str());
}

/// As many citizens as the story wants, all but for their names like this one.
fn many_more_like(world: &World, citizen: &CitizenId) {
    let one = |number| {
        let id = CitizenId::new(world.now(), number as u128);
        format!(
            "insert into citizens (id, issuer, sub_index, subject, identity, created_at) \
             select '{id}', '{id}', sub_index, '{id}', identity, created_at from citizens where id = '{citizen}'; \
             insert into holdings (organisation, citizen, last_opened_at, active_until, last_end) \
             select organisation, '{id}', last_opened_at, active_until, last_end from holdings where citizen = '{citizen}';"
        )
    };
    let all: String = (1..PEOPLE).map(one).collect();
    world.database.execute(&format!("begin; {all} commit;")).unwrap();
}

fn run(world: &World) -> Run {
    let periods = (&config::Retention::default()).into();
    Run::new(world.app.store.clone(), world.clock.clone(), &world.random, periods, false)
}

/// A run of a process that ends as soon as a first batch is done.
async fn a_run_is_cut_off(world: &World) {
    let run = run(world);
    let mut report = pin!(run.report());
    while world.rows("citizens", "archived_at is not null") == 0 {
        let ended = poll_fn(|context| Poll::Ready(report.as_mut().poll(context).is_ready())).await;
        assert!(!ended, "it came to its end");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Which citizens the journal says were archived, one for each entry.
fn said_to_be_archived(world: &World) -> Vec<String> {
    let kind = Kind::PersonArchived.code();
    let said = "select citizen as value from journal_entries where citizen is not null and kind";
    world.database.texts(&format!("{said} = '{kind}'"))
}

on_each_backend! {
    /// What was proved of her before is proved still, and is proved anew: the entry stands, and what it sealed is gone.
    async fn a_proof_of_before_an_erasure_holds_and_one_of_afterwards_too(world) {
        let citizen = opened(&world).await;
        let memory = Disk::new(&world);
        let mut node = node(&world, &memory);
        all_signed(&mut node).await;
        let entry: EntryId = world.entries(Kind::MandateOpened).await[0]["id"].as_str().unwrap().parse().unwrap();
        let known = Known { keys: vec![verifier()], ..Known::default() };
        let pieces = pieces(&world, &citizen);
        let old = proof_of(&world, &entry).await;
        let before = proving::check(&old, &known).unwrap();
        assert!(before.clear.contains(citizen.as_str()));
        is_whole_since(&world, &before.checkpoint).await;
        let sealed = || world.rows("journal_sealed", &format!("entry = '{entry}'"));
        assert_eq!(sealed(), 1);

        erased(&world, citizen.as_str()).await;
        assert_eq!(sealed(), 0);
        all_signed(&mut node).await;
        let new = proof_of(&world, &entry).await;
        let after = proving::check(&new, &known).unwrap();
        assert!(after.checkpoint.size > before.checkpoint.size);
        assert_eq!((&after.clear, after.index), (&before.clear, before.index));
        assert_eq!(proving::check(&old, &known).unwrap(), before);
        for kept in [&before.checkpoint, &after.checkpoint] {
            is_whole_since(&world, kept).await;
        }
        assert_eq!(found(&pieces, &[old.into_bytes(), new.into_bytes()]), NOTHING, "a proof is the clear part");
    }

    async fn no_export_made_after_an_erasure_holds_anything_of_the_person(world) {
        let citizen = opened(&world).await;
        let memory = Disk::new(&world);
        let mut node = node(&world, &memory);
        all_signed(&mut node).await;
        let pieces = pieces(&world, &citizen);
        let desk = Desk::of(&world, "[journal]\nkey_file = '{at}/journal.key'\nsigned_file = '{at}/signed'\n");
        desk.write("journal.key", &key(9).secret());
        let exported = |name: &str| {
            let folder = desk.path(name);
            let done = desk.runs(&["journal", "export", &folder, "--purpose", "authority", "--opened"]);
            assert_eq!(done.code, Some(0), "{done:?}");
            walked(Path::new(&folder)).iter().map(|file| fs::read(file).unwrap()).collect::<Vec<_>>()
        };
        let says = |files: &[Vec<u8>], word: &str| files.iter().any(|file| holds(file, word.as_bytes()));
        let files = exported("copy");
        assert_eq!(found(&pieces, &files), kept_by(&pieces, |table| ["journal_sealed", "mandates"].contains(&table)), "what is there is found");
        assert!(says(&files, "document_sha256") && !says(&files, "person_destroyed"));

        erased(&world, citizen.as_str()).await;
        all_signed(&mut node).await;
        for name in ["copy", "another"] {
            let files = exported(name);
            assert_eq!(found(&pieces, &files), NOTHING, "{name}");
            assert!(says(&files, "person_destroyed") && says(&files, citizen.as_str()), "that it happened, and to whom");
            assert!(!says(&files, "document_sha256"), "nor what was sealed, opened");
        }
    }

    async fn the_newest_backup_holds_nothing_of_who_was_erased(world) {
        let citizen = opened(&world).await;
        let pieces = pieces(&world, &citizen);
        let desk = Desk::of(&world, "");
        let [data, keys] = backed_up(&world, &desk, "before.db");
        assert_eq!(found(&pieces, &keys), kept_by(&pieces, |table| table == "person_keys"));
        assert_eq!(found(&pieces, &data), kept_by(&pieces, |table| !["", "person_keys"].contains(&table)));

        erased(&world, citizen.as_str()).await;
        let [data, keys] = backed_up(&world, &desk, "after.db");
        assert_eq!((found(&pieces, &keys), found(&pieces, &data)), (NOTHING, NOTHING));
        let destroyed = format!("{{\"destroyed\":{{\"owner\":\"{citizen}\"");
        assert!(holds(&keys[0], destroyed.as_bytes()), "a pseudonym, so that no older copy brings her back");
    }

    /// A process that dies in the middle: what it did is done, and the next one does the rest, each person once.
    async fn a_run_that_was_cut_off_is_taken_up_where_it_stopped(world) {
        let ana = world.mediator("Ana Silva").await;
        let opened = ana.opens_a_mandate_for("josephine", &[Logement], Day).await;
        many_more_like(&world, &opened.citizen);
        years_pass(&world, 3);
        let archived = || usize::try_from(world.rows("citizens", "archived_at is not null")).unwrap();
        assert_eq!(line(&world.retention(true).await, "citizens").unwrap().archived, PEOPLE);
        assert_eq!((archived(), said_to_be_archived(&world).len()), (0, 0), "it was only tried");

        a_run_is_cut_off(&world).await;
        let next = run(&world);
        assert!(next.report().await.unwrap().is_none(), "one that says nothing may still be at it");
        let first = archived();
        assert!((1..PEOPLE).contains(&first), "{first}");
        assert_eq!((said_to_be_archived(&world).len(), world.count(Kind::RetentionRun).await), (first, 0));
        world.after(120);
        let lines = next.report().await.unwrap().expect("it takes over");
        assert_eq!(line(&lines, "citizens").unwrap().archived, PEOPLE - first, "the rest");
        let said = said_to_be_archived(&world);
        assert_eq!((archived(), said.len(), said.iter().collect::<BTreeSet<_>>().len()), (PEOPLE, PEOPLE, PEOPLE), "each of them once");
        assert_eq!(world.count(Kind::RetentionRun).await, 1);
        assert!(line(&world.retention(false).await, "citizens").is_none(), "what is done needs no doing");
    }
}

/// What is sealed is sealed before it reaches the server: neither its tables, its indexes nor its log ever knew her.
#[actix_web::test]
async fn no_file_of_the_server_holds_her_in_clear_before_or_after() {
    let Some(world) = World::on_postgres().await else { return };
    let since = world.database.texts("select date_trunc('second', clock_timestamp())::text as value").remove(0);
    let citizen = opened(&world).await;
    no_file_holds_her(&world, &since, &citizen);
    erased(&world, citizen.as_str()).await;
    assert!(Store::settle(world.database.location.clone()).await.unwrap());
    no_file_holds_her(&world, &since, &citizen);
}
